// SPDX-License-Identifier: Apache-2.0
//
// Specification: GB/T 32905-2016 (SM3); expand_message_xmd of RFC 9380 §5.3.1 over it.
// Adversary: none of its own. Secret: the message. Leaks by design: its length, by time.
// Timing: no branch and no index depends on the message. Vectors: GB/T 32905 appendix A in Tests/PSITests.

/// The national hash, for hashing to SM2.
package struct SM3: Sendable {
    private var state: SIMD8<UInt32> = [
        0x7380_166F, 0x4914_B2B9, 0x1724_42D7, 0xDA8A_0600, 0xA96F_30BC, 0x1631_38AA, 0xE38D_EE4D,
        0xB0FB_0E4E,
    ]
    private var byteCount = 0

    /// Takes in whole blocks of 64 bytes.
    mutating func update(blocks: [UInt8]) {
        precondition(blocks.count.isMultiple(of: 64), "only the end may be a part of a block")
        for start in stride(from: 0, to: blocks.count, by: 64) { compress(blocks[start..<start + 64]) }
        byteCount += blocks.count
    }

    /// The digest of everything taken in and this end; more may be tried from the same beginning.
    func digest(ending end: [UInt8]) -> [UInt8] {
        var copy = self
        var padded = end + [0x80]
        padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
        let bits = (byteCount + end.count) * 8
        padded += (0..<8).reversed().map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        copy.update(blocks: padded)
        return copy.state.indices.flatMap { place in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: copy.state[place] >> $0) }
        }
    }

    package static func hash(_ message: [UInt8]) -> [UInt8] { SM3().digest(ending: message) }

    private mutating func compress(_ block: ArraySlice<UInt8>) {
        var w = InlineArray<68, UInt32>(repeating: 0)
        var byte = block.startIndex
        for place in 0..<16 {
            w[place] =
                UInt32(block[byte]) << 24 | UInt32(block[byte + 1]) << 16 | UInt32(block[byte + 2]) << 8
                | UInt32(block[byte + 3])
            byte += 4
        }
        for j in 16..<68 {
            let mixed = w[j - 16] ^ w[j - 9] ^ Self.rotated(w[j - 3], 15)
            w[j] =
                mixed ^ Self.rotated(mixed, 15) ^ Self.rotated(mixed, 23) ^ Self.rotated(w[j - 13], 7)
                ^ w[j - 6]
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for j in 0..<64 {
            let t: UInt32 = j < 16 ? 0x79CC_4519 : 0x7A87_9D8A
            let one = Self.rotated(Self.rotated(a, 12) &+ e &+ Self.rotated(t, UInt32(j % 32)), 7)
            let two = one ^ Self.rotated(a, 12)
            let ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c)
            let gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g)
            let first = ff &+ d &+ two &+ (w[j] ^ w[j + 4])
            let second = gg &+ h &+ one &+ w[j]
            (d, c, b, a) = (c, Self.rotated(b, 9), a, first)
            (h, g, f, e) = (
                g, Self.rotated(f, 19), e, second ^ Self.rotated(second, 9) ^ Self.rotated(second, 17)
            )
        }
        state ^= [a, b, c, d, e, f, g, h]
    }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word << count | word >> ((32 &- count) & 31)
    }
}

/// expand_message_xmd over SM3: the same domain and length for many messages.
package struct SM3Expander: Sendable {
    private let afterZeros: SM3
    private let tag: [UInt8]
    private let count: Int

    /// - Parameters:
    ///   - domain: 1…255 bytes.
    ///   - count: uniform bytes of a message, at most 8160.
    package init(domain: [UInt8], count: Int) {
        precondition((1...255).contains(domain.count) && count <= 8160, "RFC 9380 §5.3.1")
        var hash = SM3()
        hash.update(blocks: [UInt8](repeating: 0, count: 64))
        (afterZeros, tag, self.count) = (hash, domain + [UInt8(domain.count)], count)
    }

    package func expand(_ message: [UInt8]) -> [UInt8] {
        let first = afterZeros.digest(ending: message + [UInt8(count >> 8), UInt8(count & 255), 0] + tag)
        var block = [UInt8](repeating: 0, count: 32)
        var bytes: [UInt8] = []
        var number: UInt8 = 0
        while bytes.count < count {
            number += 1
            block = SM3.hash(zip(first, block).map { $0 ^ $1 } + [number] + tag)
            bytes += block
        }
        return Array(bytes.prefix(count))
    }
}
