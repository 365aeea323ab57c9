// SPDX-License-Identifier: Apache-2.0
//
// Specification: Masny–Rindal 2019 ("Endemic Oblivious Transfer", CCS), Figure 8, over ristretto255 (RFC 9496),
// one sender key for the batch, the index in every hash.
// Adversary: malicious, either side; CDH in ristretto255, SHA-512 as random oracle. Endemic: a cheating side may fix
// its own outputs, which the extension's security allows.
// Secret: choices, keys. Leaks by design: nothing. Timing: masked choice between the two points; group operations
// are constant-time.
// Vectors: both sides' keys compared in Tests/PSITests.

import Crypto
import Curves

/// 128 oblivious transfers of random keys: the seed of every extension.
package enum BaseTransfer {
    package static let count = 128

    /// The side that ends with both keys of each transfer.
    package struct Sender: Sendable {
        private let scalar: Scalar25519
        /// 32 bytes for the receiver.
        package let message: [UInt8]

        package init(using generator: inout some RandomNumberGenerator) {
            scalar = Scalar25519.random(using: &generator)
            message = Ristretto255.generator.multiplied(by: scalar).encoding
        }

        /// Both keys of each transfer; `nil` when the answer is not 128 pairs of group elements.
        package func keys(answer: [UInt8]) -> [(Block, Block)]? {
            guard answer.count == 64 * BaseTransfer.count else { return nil }
            var keys: [(Block, Block)] = []
            for index in 0..<BaseTransfer.count {
                guard let first = Ristretto255(encoding: answer[64 * index..<64 * index + 32]),
                    let second = Ristretto255(encoding: answer[64 * index + 32..<64 * index + 64])
                else { return nil }
                let points = (
                    first + BaseTransfer.point(index, 0, second), second + BaseTransfer.point(index, 1, first)
                )
                keys.append((key(index, 0, points.0), key(index, 1, points.1)))
            }
            return keys
        }

        private func key(_ index: Int, _ choice: UInt8, _ point: Ristretto255) -> Block {
            BaseTransfer.key(index, choice, point, shared: point.multiplied(by: scalar))
        }
    }

    /// The side that ends with one key of each transfer, by its choice bits.
    package struct Receiver: Sendable {
        /// For the sender: 128 pairs of encodings.
        package let answer: [UInt8]
        package let keys: [Block]

        /// `nil` when the sender's message is not a group element other than the neutral one.
        package init?(choices: Block, message: [UInt8], using generator: inout some RandomNumberGenerator) {
            guard let theirs = Ristretto255(encoding: message), message.contains(where: { $0 != 0 }) else {
                return nil
            }
            var answer: [UInt8] = []
            var keys: [Block] = []
            for index in 0..<BaseTransfer.count {
                let choice = UInt8(
                    truncatingIfNeeded: (index < 64 ? choices.x : choices.y) >> UInt64(index % 64) & 1)
                var uniform: [UInt8] = []
                for _ in 0..<4 { Block.random(using: &generator).append(to: &uniform) }
                let other = Ristretto255(uniform: uniform)
                let scalar = Scalar25519.random(using: &generator)
                let wanted = Ristretto255.generator.multiplied(by: scalar)
                let mine = (wanted + -BaseTransfer.point(index, choice, other)).encoding
                let theirsEncoded = other.encoding
                let mask = 0 &- choice  // all ones: ours goes second
                answer += zip(mine, theirsEncoded).map { $0 ^ (mask & ($0 ^ $1)) }
                answer += zip(mine, theirsEncoded).map { $1 ^ (mask & ($0 ^ $1)) }
                keys.append(
                    BaseTransfer.key(index, choice, wanted, shared: theirs.multiplied(by: scalar)))
            }
            (self.answer, self.keys) = (answer, keys)
        }
    }

    /// H_choice(other): a random oracle into the group.
    private static func point(_ index: Int, _ choice: UInt8, _ other: Ristretto255) -> Ristretto255 {
        Ristretto255(uniform: digest("point", index, choice, other.encoding))
    }

    private static func key(
        _ index: Int, _ choice: UInt8, _ point: Ristretto255, shared: Ristretto255
    ) -> Block {
        Block(littleEndian: digest("key", index, choice, point.encoding + shared.encoding))
    }

    private static func digest(_ label: String, _ index: Int, _ choice: UInt8, _ content: [UInt8]) -> [UInt8]
    {
        Array(SHA512.hash(data: Array("HUTONG-OT-V1-\(label)".utf8) + [UInt8(index), choice] + content))
    }
}
