// SPDX-License-Identifier: Apache-2.0
//
// Specification: as MontgomeryCurve. Adversary, secrets, leaks: as MontgomeryCurve.
// Timing: eight lanes of AVX-512 IFMA or four of AVX2 where the processor has them (CCurves), else MontgomeryCurve
// element by element; which of them is public. Vectors: all ways agree bit for bit in Tests/PSITests.

import CCurves

/// Curve25519 over flat arrays of 32-byte little-endian elements.
package enum MontgomeryBatch {
    /// u ← scalar·u for every element; the neutral element becomes 0.
    package static func multiply(_ elements: inout [UInt8], by scalar: [UInt8], in lanes: Lanes = .most) {
        precondition(scalar.count == 32)
        multiply(&elements, scalars: scalar, stride: 0, lanes)
    }

    /// u ← scalars[i]·u for every element.
    package static func multiply(_ elements: inout [UInt8], byEach scalars: [UInt8], in lanes: Lanes = .most)
    {
        precondition(scalars.count == elements.count)
        multiply(&elements, scalars: scalars, stride: 32, lanes)
    }

    private static func multiply(_ elements: inout [UInt8], scalars: [UInt8], stride: Int, _ lanes: Lanes) {
        precondition(elements.count.isMultiple(of: 32) && lanes.areThere)
        let count = elements.count / 32
        // SAFETY: the kernels read 32 bytes of scalars, or as many for each element, and read and write count × 32 bytes
        // in place.
        unsafe elements.withUnsafeMutableBytes { elements in
            unsafe scalars.withUnsafeBytes { scalars in
                switch lanes {
                case .eight:
                    unsafe hutong_x25519_batch_ifma(elements.baseAddress, scalars.baseAddress, stride, count)
                case .four:
                    unsafe hutong_x25519_batch_avx2(elements.baseAddress, scalars.baseAddress, stride, count)
                case .one:
                    unsafe each(elements) { place, element in
                        let scalar = unsafe Array(scalars[stride * place..<stride * place + 32])
                        return MontgomeryCurve.multiply(element, by: scalar)
                    }
                }
            }
        }
    }

    /// element ← Elligator 2 of it.
    package static func elligator(_ elements: inout [UInt8], in lanes: Lanes = .most) {
        precondition(elements.count.isMultiple(of: 32) && lanes.areThere)
        let count = elements.count / 32
        // SAFETY: the kernels read and write count × 32 bytes in place.
        unsafe elements.withUnsafeMutableBytes { elements in
            switch lanes {
            case .eight: unsafe hutong_elligator2_batch_ifma(elements.baseAddress, count)
            case .four: unsafe hutong_elligator2_batch_avx2(elements.baseAddress, count)
            case .one: unsafe each(elements) { MontgomeryCurve.elligator($1) }
            }
        }
    }

    private static func each(
        _ elements: UnsafeMutableRawBufferPointer, _ body: (Int, Field25519) -> Field25519
    ) {
        for place in 0..<elements.count / 32 {
            // SAFETY: 32 bytes from 32·place are inside the buffer.
            let own = unsafe UnsafeMutableRawBufferPointer(rebasing: elements[32 * place..<32 * place + 32])
            unsafe own.copyBytes(from: body(place, Field25519(littleEndian: own)).littleEndian)
        }
    }
}
