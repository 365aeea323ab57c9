// SPDX-License-Identifier: Apache-2.0
//
// Specification: GB/T 32905-2016 (SM3); expand_message_xmd of RFC 9380 §5.3.1 over it.
// Adversary: none of its own. Secret: the message. Leaks by design: its length, by time.
// Timing: no branch and no index depends on the message. Vectors: GB/T 32905 appendix A in Tests/PSITests.

/// The national hash, for hashing to SM2.
package enum SM3 {
    package static func hash(_ message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [
            0x7380_166F, 0x4914_B2B9, 0x1724_42D7, 0xDA8A_0600, 0xA96F_30BC, 0x1631_38AA, 0xE38D_EE4D,
            0xB0FB_0E4E,
        ]
        var padded = message + [0x80]
        padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
        padded += (0..<8).reversed().map { UInt8(truncatingIfNeeded: (message.count * 8) >> (8 * $0)) }
        for start in stride(from: 0, to: padded.count, by: 64) {
            compress(&state, padded[start..<start + 64])
        }
        return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
    }

    /// `count` uniform bytes, at most 8160, under a domain of 1…255 bytes.
    package static func expand(_ message: [UInt8], domain: [UInt8], count: Int) -> [UInt8] {
        precondition((1...255).contains(domain.count) && count <= 8160, "RFC 9380 §5.3.1")
        let tag = domain + [UInt8(domain.count)]
        let head = [UInt8](repeating: 0, count: 64) + message + [UInt8(count >> 8), UInt8(count & 255), 0]
        let first = hash(head + tag)
        var block = [UInt8](repeating: 0, count: 32)
        var bytes: [UInt8] = []
        var number: UInt8 = 0
        while bytes.count < count {
            number += 1
            block = hash(zip(first, block).map { $0 ^ $1 } + [number] + tag)
            bytes += block
        }
        return Array(bytes.prefix(count))
    }

    private static func compress(_ state: inout [UInt32], _ block: ArraySlice<UInt8>) {
        var w = [UInt32](repeating: 0, count: 68)
        for place in 0..<16 {
            w[place] = (0..<4).reduce(0) { $0 << 8 | UInt32(block[block.startIndex + 4 * place + $1]) }
        }
        for j in 16..<68 {
            let mixed = w[j - 16] ^ w[j - 9] ^ rotated(w[j - 3], 15)
            w[j] = mixed ^ rotated(mixed, 15) ^ rotated(mixed, 23) ^ rotated(w[j - 13], 7) ^ w[j - 6]
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for j in 0..<64 {
            let t: UInt32 = j < 16 ? 0x79CC_4519 : 0x7A87_9D8A
            let one = rotated(rotated(a, 12) &+ e &+ rotated(t, UInt32(j % 32)), 7)
            let two = one ^ rotated(a, 12)
            let ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c)
            let gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g)
            let first = ff &+ d &+ two &+ (w[j] ^ w[j + 4])
            let second = gg &+ h &+ one &+ w[j]
            (d, c, b, a) = (c, rotated(b, 9), a, first)
            (h, g, f, e) = (g, rotated(f, 19), e, second ^ rotated(second, 9) ^ rotated(second, 17))
        }
        for (place, word) in [a, b, c, d, e, f, g, h].enumerated() { state[place] ^= word }
    }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word << count | word >> ((32 &- count) & 31)
    }
}
