// SPDX-License-Identifier: Apache-2.0
//
// Specification: integers modulo the group order ℓ of RFC 9496 §4.4 (RFC 7748 §4.1).
// Adversary: as the caller's. Secret: the scalar. Leaks by design: nothing. Timing: see Modular256.
// Vectors: Tests/CurvesTests.

/// A secret exponent of the prime-order group inside Curve25519: an integer modulo ℓ.
package struct Scalar25519: Sendable {
    /// ℓ = 2^252 + 27742317777372353535851937790883648493.
    package static let order = Modular256(
        modulus: Words256(0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000))

    let residue: Modular256.Residue

    private init(_ residue: Modular256.Residue) { self.residue = residue }

    /// Any 64 bytes, little-endian, modulo ℓ.
    package init(wideLittleEndian bytes: [UInt8]) {
        residue = Self.order.residue(wideBigEndian: bytes.reversed())
    }

    /// Uniform and not zero (zero has probability 2^-252 and is drawn again).
    package static func random(using generator: inout some RandomNumberGenerator) -> Scalar25519 {
        while true {
            var bytes: [UInt8] = []
            for _ in 0..<8 {
                let word: UInt64 = generator.next()
                for shift in stride(from: UInt64(0), to: 64, by: 8) {
                    bytes.append(UInt8(truncatingIfNeeded: word >> shift))
                }
            }
            let scalar = Scalar25519(wideLittleEndian: bytes)
            // public: that a scalar is not zero.
            if scalar.residue != order.zero { return scalar }
        }
    }

    package var inverse: Scalar25519 { Scalar25519(Self.order.inverse(residue)) }

    /// The inverse of each, for one inversion and three products a scalar.
    package static func inverses(of scalars: [Scalar25519]) -> [Scalar25519] {
        guard let first = scalars.first else { return [] }
        var products = [first]
        for scalar in scalars.dropFirst() { products.append(products[products.count - 1] * scalar) }
        var rest = products[products.count - 1].inverse
        var inverses = scalars
        for place in scalars.indices.dropFirst().reversed() {
            inverses[place] = rest * products[place - 1]
            rest = rest * scalars[place]
        }
        inverses[0] = rest
        return inverses
    }

    package static func * (x: Scalar25519, y: Scalar25519) -> Scalar25519 {
        Scalar25519(order.multiply(x.residue, y.residue))
    }

    package static func + (x: Scalar25519, y: Scalar25519) -> Scalar25519 {
        Scalar25519(order.add(x.residue, y.residue))
    }

    package static func - (x: Scalar25519, y: Scalar25519) -> Scalar25519 {
        Scalar25519(order.subtract(x.residue, y.residue))
    }

    /// Below ℓ, 32 bytes little-endian.
    package var littleEndian: [UInt8] { Self.order.words(residue).littleEndian }
}
