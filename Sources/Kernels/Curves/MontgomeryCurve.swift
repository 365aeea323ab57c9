// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 7748 §4.1, §5 (curve25519, u-coordinates, ladder); RFC 9380 §6.7.1 (Elligator 2), suite
// curve25519_XMD:SHA-512_ELL2_NU_ (§8.5), of which only the u-coordinate is kept.
// Adversary: as the protocol's. Secret: scalars, hashed items. Leaks by design: nothing.
// Timing: 255 equal ladder steps with masked swaps; Elligator 2 without branches. The portable code is Swift and
// trusts the optimizer not to invent branches; the measured statement is in docs/private-match.md.
// Vectors: RFC 7748 §5.2, RFC 9380 J.4.2 in Tests/CurvesTests.

/// Curve25519 by u-coordinates alone.
///
/// A peer's hash used directly as u would lie on the twist half of the time, and masking keeps that side: one
/// bit an item leaks (docs/private-match.md). Elligator 2 always lands on the curve.
package enum MontgomeryCurve {
    private static let a24 = Field25519(small: 121_665)
    private static let j = Field25519(small: 486_662)

    /// The u-coordinate of scalar·P, for P given by u; 0 stands for the neutral element.
    ///
    /// - Secret: scalar and u. - Public: nothing else.
    /// - Timing: 255 steps of the same operations; swaps are masked.
    /// - Parameter scalar: 32 bytes, little-endian, below 2^255, used as it is (no clamping).
    package static func multiply(_ u: Field25519, by scalar: [UInt8]) -> Field25519 {
        let (x, z) = ladder(u, scalar)
        return x * z.inverse
    }

    static func ladder(_ u: Field25519, _ scalar: [UInt8]) -> (Field25519, Field25519) {
        var (x2, z2, x3, z3) = (Field25519.one, Field25519.zero, u, Field25519.one)
        var swapped: UInt64 = 0
        for place in (0..<255).reversed() {
            let bit = UInt64(scalar[place / 8] >> UInt8(place % 8) & 1)
            let mask = 0 &- (swapped ^ bit)
            swapped = bit
            (x2, x3) = (.select(mask, x3, x2), .select(mask, x2, x3))
            (z2, z3) = (.select(mask, z3, z2), .select(mask, z2, z3))
            let (a, b) = (x2 + z2, x2 - z2)
            let (aa, bb) = (a.squared, b.squared)
            let e = aa - bb
            let (da, cb) = ((x3 - z3) * a, (x3 + z3) * b)
            x3 = (da + cb).squared
            z3 = u * (da - cb).squared
            x2 = aa * bb
            z2 = e * (aa + a24 * e)
        }
        let mask = 0 &- swapped
        return (.select(mask, x3, x2), .select(mask, z3, z2))
    }

    /// Elligator 2: maps a field element to the u-coordinate of a curve point (RFC 9380 §6.7.1, Z = 2).
    ///
    /// - Secret: the element. - Timing: one Legendre symbol, one inversion, one masked choice.
    package static func elligator(_ element: Field25519) -> Field25519 {
        let t = element.squared + element.squared  // Z·u²; 1 + t is never 0: -1 is a square, t is not.
        let denominator = t + .one
        let numerator = -j  // x1 = -J / (1 + Z·u²)
        // g(x1)·d³·d = x1n·(x1n² + J·x1n·d + d²)·d has the Legendre symbol of g(x1).
        let square = numerator.squared + j * numerator * denominator + denominator.squared
        let symbol = (numerator * square * denominator).legendre
        let isSquare = Field25519.equalMask(symbol, .one) | Field25519.equalMask(symbol, .zero)
        // x2 = -x1 - J = x1·Z·u².
        let chosen = Field25519.select(isSquare, numerator, numerator * t)
        return chosen * denominator.inverse
    }

    /// One field element from a uniform number of 384 bits (RFC 9380 §5.2): six words, the highest first.
    package static func fieldElement(wide words: SIMD8<UInt64>) -> Field25519 {
        let low = Field25519(Words256(words[5], words[4], words[3], words[2]))
        let high = Field25519(Words256(words[1], words[0], 0, 0))
        return low + high * Field25519(small: 38)  // 2^256
    }

    /// hash_to_field for one element, ready for `MontgomeryBatch.elligator`.
    package static func hashedElement<Hash>(
        _ message: some Sequence<UInt8>, with expander: MessageExpander<Hash>
    ) -> [UInt8] {
        var words = SIMD8<UInt64>()
        for (place, byte) in expander.expand(message, count: 48).enumerated() {
            words[place / 8] = words[place / 8] << 8 | UInt64(byte)
        }
        return fieldElement(wide: words).littleEndian
    }
}
