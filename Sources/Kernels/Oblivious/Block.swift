// SPDX-License-Identifier: Apache-2.0
//
// Specification: none; a unit of storage. Adversary: none of its own. Secret: often. Leaks by design: nothing.
// Timing: word operations only. Vectors: through its users.

/// 128 bits: an item's digest, a seed, or an element of GF(2^128).
package typealias Block = SIMD2<UInt64>

extension SIMD2<UInt64> {
    /// Reads 16 little-endian bytes at `offset`.
    package init(littleEndian bytes: [UInt8], at offset: Int = 0) {
        var words: (UInt64, UInt64) = (0, 0)
        for place in (0..<8).reversed() {
            words.0 = words.0 << 8 | UInt64(bytes[offset + place])
            words.1 = words.1 << 8 | UInt64(bytes[offset + 8 + place])
        }
        self.init(words.0, words.1)
    }

    package func append(to bytes: inout [UInt8]) {
        for word in [x, y] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
    }

    package var littleEndian: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> Block {
        let low: UInt64 = generator.next()
        return Block(low, generator.next())
    }
}
