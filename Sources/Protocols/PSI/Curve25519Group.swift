// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 7748, RFC 9380 (suite form curve25519_XMD:SHA-256_ELL2_NU_), u-coordinates alone.
// Adversary, secrets, leaks, timing: as MontgomeryCurve and DiffieHellmanMatch. Vectors: Tests/CurvesTests.

import Curves
package import Oblivious

/// Curve25519 for Diffie–Hellman matches. Scalars are multiples of 8, which clears the cofactor of every element.
package enum Curve25519Group: MatchGroup {
    package struct Scalar: Sendable {
        let bytes: [UInt8]
    }

    package static func scalar(using generator: inout some RandomNumberGenerator) -> Scalar {
        var bytes =
            Block.random(using: &generator).littleEndian + Block.random(using: &generator).littleEndian
        bytes[0] &= 0xF8
        bytes[31] &= 0x7F
        bytes[31] |= 0x40  // RFC 7748 §5: a scalar that is never small.
        return Scalar(bytes: bytes)
    }

    static let domain = Array("HUTONG-PSI-V1-c25519".utf8)

    package static func mask(_ items: [Block], by scalar: Scalar) -> [UInt8] {
        var elements = hashed(items)
        MontgomeryBatch.multiply(&elements, by: scalar.bytes)
        return elements
    }

    /// H(item) for each item.
    static func hashed(_ items: [Block]) -> [UInt8] {
        var expander = ItemExpander(domain: domain)
        let blocks = Blocks(count: 2 * items.count)
        for (place, item) in items.enumerated() {
            let words = MontgomeryCurve.fieldElement(wide: expander.expand(item)).words.words
            blocks[2 * place] = Block(words.0, words.1)
            blocks[2 * place + 1] = Block(words.2, words.3)
        }
        var elements = blocks.bytes()
        MontgomeryBatch.elligator(&elements)
        return elements
    }

    package static func multiply(_ points: [UInt8], by scalar: Scalar) -> [UInt8]? {
        var points = points
        MontgomeryBatch.multiply(&points, by: scalar.bytes)
        return areNonzero(points) ? points : nil
    }

    /// RFC 7748 §6.1: zero means a point of small order, which no honest peer sends.
    static func areNonzero(_ points: [UInt8]) -> Bool {
        stride(from: 0, to: points.count, by: 32).allSatisfy { start in
            points[start..<start + 32].contains { $0 != 0 }
        }
    }
}
