// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 8439 (ChaCha20-Poly1305, of which the key stream is used), RFC 5869 (HKDF-SHA-256).
// Adversary: sees answers and seed commitments. Secret: the seed; it is erased by swift-crypto when dropped.
// Leaks: nothing while ChaCha20 is a pseudo-random function. Timing: constant for a number of bytes.

import Crypto
package import Primitives

/// 32 secret bytes from which all noise of one passage is drawn. Stays (encrypted) at the holder.
package struct NoiseSeed: Sendable {
    private let key: SymmetricKey
    /// SHA-256 of the seed.
    package let commitment: Primitives.Digest

    package static let byteCount = 32

    /// `nil` unless exactly 32 bytes are given.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        key = SymmetricKey(data: bytes)
        commitment = Primitives.Digest(of: bytes)
    }

    /// Fresh bytes of the system.
    package static func fresh() -> (seed: NoiseSeed, bytes: [UInt8]) {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let seed = NoiseSeed(bytes: bytes) else { preconditionFailure("32 bytes are a seed") }
        return (seed, bytes)
    }

    /// The stream for one plan on one state of the data. Another plan or another version draws other noise: the same
    /// noise on changed data would cancel out of the difference.
    package func stream(plan: Primitives.Digest, versions: Primitives.Digest) -> NoiseStream {
        let context = Array("hutong noise 1".utf8) + plan.bytes + versions.bytes
        return NoiseStream(key: HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: context, outputByteCount: 32))
    }
}

/// A cryptographic generator that gives the same words again for the same key.
package struct NoiseStream: RandomNumberGenerator, Sendable {
    private let key: SymmetricKey
    private var block: UInt64 = 0
    private var words: [UInt64] = []
    private var next64 = 0

    private static let blockBytes = [UInt8](repeating: 0, count: 4096)

    init(key: SymmetricKey) {
        self.key = key
    }

    package mutating func next() -> UInt64 {
        if next64 == words.count { refill() }
        defer { next64 += 1 }
        return words[next64]
    }

    private mutating func refill() {
        let counter = (0..<8).map { UInt8(truncatingIfNeeded: block >> UInt64(8 * $0)) }
        guard let nonce = try? ChaChaPoly.Nonce(data: [0, 0, 0, 0] + counter),
            let sealed = try? ChaChaPoly.seal(Self.blockBytes, using: key, nonce: nonce)
        else { preconditionFailure("a 12-byte nonce and 4096 bytes can be sealed") }
        let bytes = Array(sealed.ciphertext)
        words = stride(from: 0, to: bytes.count, by: 8).map { start in
            bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        block += 1
        next64 = 0
    }
}
