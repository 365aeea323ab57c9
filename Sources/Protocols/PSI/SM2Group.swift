// SPDX-License-Identifier: Apache-2.0
//
// Specification: GB/T 32918.5-2017 (curve), GB/T 32905-2016 (hash), RFC 9380 §3 and §6.6.2 (form SM2_XMD:SM3_SSWU_NU_),
// x-coordinates alone.
// Adversary, secrets, leaks, timing: as WeierstrassCurve and DiffieHellmanMatch. Vectors: Tests/PSITests.

import Curves
package import Oblivious

/// SM2 with SM3 for Diffie–Hellman matches under the national standards. One element at a time, in portable Swift.
package enum SM2Group: MatchGroup {
    package struct Scalar: Sendable {
        let bytes: [UInt8]
    }

    private static let curve = WeierstrassCurve.sm2
    private static let domain = Array("HUTONG-PSI-V1-SM2_XMD:SM3_SSWU_NU_".utf8)

    /// 256 random bits: all that matters is that both sides' products commute, and the order is within 2^-32 of 2^256.
    package static func scalar(using generator: inout some RandomNumberGenerator) -> Scalar {
        Scalar(
            bytes: Block.random(using: &generator).littleEndian + Block.random(using: &generator).littleEndian
        )
    }

    package static func mask(_ items: [Block], by scalar: Scalar) -> [UInt8] {
        curve.coordinates(
            items.map { item in
                let bytes = SM3.expand(item.littleEndian, domain: domain, count: 48)
                let element = curve.field.residue(wideBigEndian: bytes)
                return curve.multiply(curve.mapped(element), by: scalar.bytes)
            })
    }

    package static func multiply(_ points: [UInt8], by scalar: Scalar) -> [UInt8]? {
        var products: [WeierstrassCurve.Point] = []
        products.reserveCapacity(points.count / 32)
        for start in stride(from: 0, to: points.count, by: 32) {
            let bytes = points[start..<start + 32]
            // Zeros stand for the neutral element, which is no honest mask.
            guard bytes.contains(where: { $0 != 0 }), let point = curve.point(x: bytes) else { return nil }
            products.append(curve.multiply(point, by: scalar.bytes))
        }
        return curve.coordinates(products)
    }
}
