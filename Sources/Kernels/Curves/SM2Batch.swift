// SPDX-License-Identifier: Apache-2.0
//
// Specification: as WeierstrassCurve. Adversary, secrets, leaks: as WeierstrassCurve.
// Timing: eight lanes of AVX-512 IFMA where the processor has it (CCurves), else WeierstrassCurve point by point; which
// of the two is public. Vectors: both ways agree bit for bit in Tests/PSITests.

import CCurves

/// SM2 over flat arrays of 32-byte big-endian elements, in eight lanes or, whatever fewer is asked for, in one.
package enum SM2Batch {
    private static let curve = WeierstrassCurve.sm2

    /// The x-coordinates of scalar·P for the points with these x-coordinates; `nil` if one is not on the curve.
    ///
    /// - Parameter scalar: 32 bytes, odd: P and -P have one x, and the order is odd, so that is no restriction.
    package static func multiply(_ points: [UInt8], by scalar: [UInt8], in lanes: Lanes = .most) -> [UInt8]? {
        precondition(
            points.count.isMultiple(of: 32) && scalar.count == 32 && scalar[31] & 1 == 1 && lanes.areThere)
        guard lanes == .eight else {
            var products: [WeierstrassCurve.Point] = []
            products.reserveCapacity(points.count / 32)
            for start in stride(from: 0, to: points.count, by: 32) {
                guard let point = curve.point(x: points[start..<start + 32]) else { return nil }
                products.append(curve.multiply(point, by: scalar))
            }
            return curve.coordinates(products)
        }
        var products = points
        let count = points.count / 32
        // SAFETY: the kernel reads 32 bytes of scalar and reads and writes count × 32 bytes in place.
        let isValid = unsafe products.withUnsafeMutableBytes { buffer in
            unsafe scalar.withUnsafeBytes { scalar in
                unsafe hutong_sm2_multiply_batch(buffer.baseAddress, scalar.baseAddress, count)
            }
        }
        return isValid == 1 ? products : nil
    }

    /// The x-coordinates of scalar·M(u) for field elements u below p, M being simplified SWU.
    ///
    /// - Parameter scalar: as in `multiply`.
    package static func mask(_ elements: [UInt8], by scalar: [UInt8], in lanes: Lanes = .most) -> [UInt8] {
        precondition(
            elements.count.isMultiple(of: 32) && scalar.count == 32 && scalar[31] & 1 == 1 && lanes.areThere)
        guard lanes == .eight else {
            return curve.coordinates(
                stride(from: 0, to: elements.count, by: 32).map { start in
                    let words = Words256(bigEndian: elements[start..<start + 32])
                    return curve.multiply(curve.mapped(curve.field.residue(words)), by: scalar)
                })
        }
        var masks = elements
        let count = elements.count / 32
        // SAFETY: the kernel reads 32 bytes of scalar and reads and writes count × 32 bytes in place.
        unsafe masks.withUnsafeMutableBytes { buffer in
            unsafe scalar.withUnsafeBytes { scalar in
                unsafe hutong_sm2_mask_batch(buffer.baseAddress, scalar.baseAddress, count)
            }
        }
        return masks
    }
}
