// SPDX-License-Identifier: Apache-2.0
//
// Specification: as MontgomeryCurve. Adversary, secrets, leaks: as MontgomeryCurve.
// Timing: eight lanes of AVX-512 IFMA where the processor has it (CCurves), else MontgomeryCurve element by
// element; which of the two is public. Vectors: both ways agree bit for bit in Tests/CurvesTests.

import CCurves

/// Curve25519 over flat arrays of 32-byte little-endian elements.
package enum MontgomeryBatch {
    /// Whether the eight-lane kernels run on this processor.
    package static let isVectorized = hutong_curves_has_ifma() != 0

    /// u ← scalar·u for every element; the neutral element becomes 0.
    package static func multiply(_ elements: inout [UInt8], by scalar: [UInt8], portably: Bool = false) {
        precondition(elements.count.isMultiple(of: 32) && scalar.count == 32)
        guard isVectorized, !portably else {
            return each(&elements) { MontgomeryCurve.multiply($0, by: scalar) }
        }
        let count = elements.count / 32
        // SAFETY: the kernel reads 32 bytes of scalar and reads and writes count × 32 bytes in place.
        unsafe elements.withUnsafeMutableBytes { buffer in
            unsafe scalar.withUnsafeBytes { scalar in
                unsafe hutong_x25519_batch(
                    buffer.baseAddress, scalar.baseAddress, 0, count)
            }
        }
    }

    /// u ← scalars[i]·u for every element.
    package static func multiply(_ elements: inout [UInt8], byEach scalars: [UInt8], portably: Bool = false) {
        precondition(elements.count.isMultiple(of: 32) && scalars.count == elements.count)
        guard isVectorized, !portably else {
            var place = 0
            return each(&elements) { element in
                defer { place += 32 }
                return MontgomeryCurve.multiply(element, by: Array(scalars[place..<place + 32]))
            }
        }
        let count = elements.count / 32
        // SAFETY: the kernel reads count × 32 bytes of scalars and reads and writes count × 32 bytes in place.
        unsafe elements.withUnsafeMutableBytes { buffer in
            unsafe scalars.withUnsafeBytes { scalars in
                unsafe hutong_x25519_batch(buffer.baseAddress, scalars.baseAddress, 32, count)
            }
        }
    }

    /// element ← Elligator 2 of it.
    package static func elligator(_ elements: inout [UInt8], portably: Bool = false) {
        precondition(elements.count.isMultiple(of: 32))
        guard isVectorized, !portably else { return each(&elements, MontgomeryCurve.elligator) }
        let count = elements.count / 32
        // SAFETY: the kernel reads and writes count × 32 bytes in place.
        unsafe elements.withUnsafeMutableBytes { unsafe hutong_elligator2_batch($0.baseAddress, count) }
    }

    private static func each(_ elements: inout [UInt8], _ body: (Field25519) -> Field25519) {
        for start in stride(from: 0, to: elements.count, by: 32) {
            let result = body(Field25519(littleEndian: elements[start..<start + 32])).littleEndian
            elements.replaceSubrange(start..<start + 32, with: result)
        }
    }
}
