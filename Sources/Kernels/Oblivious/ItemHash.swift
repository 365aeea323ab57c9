// SPDX-License-Identifier: Apache-2.0
//
// Specification: FIPS 180-4, SHA-256. Adversary: none. Secret: the message. Leaks by design: its length, by time.
// Timing: no branch on content. Vectors: both ways agree in Tests/PSITests.

import COblivious
import Crypto

/// SHA-256 of short messages, on the processor's instructions where it has them.
package enum ItemHash {
    private static let isFast = hutong_oblivious_has_sha() != 0
    private static let shortBytesMax = 119

    /// The first 16 bytes of the digest.
    package static func digest(_ message: [UInt8], portably: Bool = false) -> Block {
        full(message, portably: portably).0
    }

    /// Both halves of the digest.
    package static func full(_ message: [UInt8], portably: Bool = false) -> (Block, Block) {
        full(message, at: 0, count: message.count, portably: portably)
    }

    /// Both halves of the digest of `count` bytes from `start`.
    package static func full(
        _ bytes: [UInt8], at start: Int, count: Int, portably: Bool = false
    ) -> (Block, Block) {
        precondition(start >= 0 && count >= 0 && start + count <= bytes.count)
        guard isFast, !portably, count <= shortBytesMax else {
            let bytes = Array(SHA256.hash(data: bytes[start..<start + count]))
            return (Block(littleEndian: bytes), Block(littleEndian: bytes, at: 16))
        }
        var digest = (Block(), Block())
        // SAFETY: the kernel reads count bytes, which are inside as just checked, and writes 32, the size of two blocks.
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe withUnsafeMutableBytes(of: &digest) { digest in
                unsafe hutong_sha256_short(
                    bytes.baseAddress.map { unsafe $0 + start }, count, digest.baseAddress)
            }
        }
        return digest
    }
}

/// expand_message_xmd of RFC 9380 §5.3.1 with SHA-256 for 48 bytes of 16-byte messages: what hashing an item to a
/// curve needs, three short hashes an item and no memory taken.
package struct ItemExpander: Sendable {
    private var outer: [UInt8]
    private var inner: [UInt8]
    private static let messageStart = 64  // after Z_pad, one block of zeros

    /// - Parameter domain: 16…21 bytes (RFC 9380 §3.1 asks for 16; 21 keep each inner hash in one block).
    package init(domain: [UInt8]) {
        precondition((16...21).contains(domain.count), "a tag of 16…21 bytes")
        let tag = domain + [UInt8(domain.count)]
        outer = [UInt8](repeating: 0, count: 64 + 16) + [0, 48, 0] + tag
        inner = [UInt8](repeating: 0, count: 33) + tag
    }

    /// The 48 bytes as six words of a number, highest first, as `MontgomeryCurve.fieldElement` takes them.
    package mutating func expand(_ item: Block) -> SIMD8<UInt64> {
        Self.write(item, to: &outer, at: Self.messageStart)
        let first = ItemHash.full(outer)
        setInner(first, 1)
        let second = ItemHash.full(inner)
        setInner((first.0 ^ second.0, first.1 ^ second.1), 2)
        let third = ItemHash.full(inner)
        let words = SIMD8(
            second.0.x, second.0.y, second.1.x, second.1.y, third.0.x, third.0.y, 0, 0)
        var wide = SIMD8<UInt64>()
        for place in 0..<6 { wide[place] = UInt64(bigEndian: words[place].littleEndian) }
        return wide
    }

    private mutating func setInner(_ value: (Block, Block), _ number: UInt8) {
        Self.write(value.0, to: &inner, at: 0)
        Self.write(value.1, to: &inner, at: 16)
        inner[32] = number
    }

    private static func write(_ block: Block, to bytes: inout [UInt8], at start: Int) {
        for place in 0..<8 {
            bytes[start + place] = UInt8(truncatingIfNeeded: block.x >> UInt64(8 * place))
            bytes[start + 8 + place] = UInt8(truncatingIfNeeded: block.y >> UInt64(8 * place))
        }
    }
}
