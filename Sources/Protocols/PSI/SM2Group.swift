// SPDX-License-Identifier: Apache-2.0
//
// Specification: GB/T 32918.5-2017 (curve), GB/T 32905-2016 (hash), RFC 9380 §3 and §6.6.2 (form SM2_XMD:SM3_SSWU_NU_),
// x-coordinates alone.
// Adversary, secrets, leaks, timing: as WeierstrassCurve and DiffieHellmanMatch. Vectors: Tests/PSITests.

import Curves
package import Oblivious

/// SM2 with SM3 for Diffie–Hellman matches under the national standards.
package enum SM2Group: MatchGroup {
    package struct Scalar: Sendable {
        let bytes: [UInt8]
    }

    private static let domain = Array("HUTONG-PSI-V1-SM2_XMD:SM3_SSWU_NU_".utf8)

    /// 256 random bits of which the last is set: all that matters is that both sides' products commute, the order is
    /// within 2^-32 of 2^256, and a point and its negative have one x, so that odd numbers give every product.
    package static func scalar(using generator: inout some RandomNumberGenerator) -> Scalar {
        var bytes =
            Block.random(using: &generator).littleEndian + Block.random(using: &generator).littleEndian
        bytes[31] |= 1
        return Scalar(bytes: bytes)
    }

    package static func mask(_ items: [Block], by scalar: Scalar) -> [UInt8] {
        SM2Batch.mask(hashed(items), by: scalar.bytes)
    }

    /// A field element for each item, 32 bytes, big-endian.
    private static func hashed(_ items: [Block]) -> [UInt8] {
        let field = WeierstrassCurve.sm2.field
        let expander = SM3Expander(domain: domain, count: 48)
        var elements: [UInt8] = []
        elements.reserveCapacity(32 * items.count)
        for item in items {
            let residue = field.residue(wideBigEndian: expander.expand(item.littleEndian))
            elements += field.words(residue).littleEndian.reversed()
        }
        return elements
    }

    package static func multiply(_ points: [UInt8], by scalar: Scalar) -> [UInt8]? {
        // Zeros stand for the neutral element, which is no honest mask.
        for start in stride(from: 0, to: points.count, by: 32)
        where points[start..<start + 32].allSatisfy({ $0 == 0 }) { return nil }
        return SM2Batch.multiply(points, by: scalar.bytes)
    }
}
