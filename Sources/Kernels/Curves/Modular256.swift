// SPDX-License-Identifier: Apache-2.0
//
// Specification: Montgomery multiplication (HAC 14.36) modulo one odd 256-bit number.
// Adversary: none of its own. Secret: every residue. Leaks by design: nothing.
// Timing: fixed loops over four words, one masked subtraction, no branch on a residue. The exponent of `power`
// is public (it is a constant of the modulus).
// Vectors: Tests/CurvesTests compares with exact integers.

/// Arithmetic modulo one odd 256-bit modulus, in Montgomery form: the scalars of both curves and SM2's field.
package struct Modular256: Sendable {
    package let modulus: Words256
    private let negatedInverse: UInt64
    private let square: Residue  // R^2 mod m, R = 2^256

    /// A value below the modulus, times 2^256.
    package struct Residue: Sendable, Hashable {
        var words: Words256
    }

    package init(modulus: Words256) {
        self.modulus = modulus
        var inverse: UInt64 = 1  // Newton: each step doubles the right bits.
        for _ in 0..<6 { inverse = inverse &* (2 &- modulus.words.0 &* inverse) }
        negatedInverse = 0 &- inverse
        // R^2 mod m by 512 doublings of 1, subtracting m whenever the sum reaches it.
        var value = Words256(1, 0, 0, 0)
        for _ in 0..<512 { value = Self.addition(value, value, modulus) }
        square = Residue(words: value)
    }

    package var zero: Residue { Residue(words: Words256(0, 0, 0, 0)) }
    package var one: Residue { residue(Words256(1, 0, 0, 0)) }

    /// Any 256-bit number, reduced.
    package func residue(_ words: Words256) -> Residue {
        multiply(Residue(words: words), square)
    }

    /// Reduces up to 64 big-endian bytes (RFC 9380 §5.2: at least 16 bytes more than the modulus).
    package func residue(wideBigEndian bytes: [UInt8]) -> Residue {
        var result = zero
        let shift = residue(Words256(0, 0, 1, 0))  // 2^128
        var place = bytes.startIndex
        let head = bytes.count % 16
        if head > 0 {
            result = residue(Words256(bigEndian: bytes[..<head]))
            place += head
        }
        while place < bytes.count {
            result = add(multiply(result, shift), residue(Words256(bigEndian: bytes[place..<place + 16])))
            place += 16
        }
        return result
    }

    /// The ordinary value below the modulus.
    package func words(_ residue: Residue) -> Words256 {
        multiply(residue, Residue(words: Words256(1, 0, 0, 0))).words
    }

    package func add(_ x: Residue, _ y: Residue) -> Residue {
        Residue(words: Self.addition(x.words, y.words, modulus))
    }

    package func subtract(_ x: Residue, _ y: Residue) -> Residue {
        let (difference, borrow) = Self.minus(x.words, y.words)
        let mask = 0 &- borrow
        let m = modulus.words
        return Residue(
            words: Self.plus(
                difference, Words256(m.0 & mask, m.1 & mask, m.2 & mask, m.3 & mask)
            ).sum)
    }

    package func negate(_ x: Residue) -> Residue { subtract(zero, x) }

    package func multiply(_ x: Residue, _ y: Residue) -> Residue {
        let (a, b, m) = (x.words.words, y.words.words, modulus.words)
        var t: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
        step(a, b.0, m, &t)
        step(a, b.1, m, &t)
        step(a, b.2, m, &t)
        step(a, b.3, m, &t)
        return Residue(words: Self.reduceOnce(Words256(t.0, t.1, t.2, t.3), high: t.4, modulus))
    }

    private typealias Four = (UInt64, UInt64, UInt64, UInt64)

    /// One row of the interleaved product and reduction: t = (t + a·b + q·m) / 2^64.
    @inline(__always)
    private func step(_ a: Four, _ b: UInt64, _ m: Four, _ t: inout (UInt64, UInt64, UInt64, UInt64, UInt64))
    {
        let p0 = UInt128(t.0) &+ UInt128(a.0) &* UInt128(b)
        let p1 = UInt128(t.1) &+ UInt128(a.1) &* UInt128(b) &+ p0 >> 64
        let p2 = UInt128(t.2) &+ UInt128(a.2) &* UInt128(b) &+ p1 >> 64
        let p3 = UInt128(t.3) &+ UInt128(a.3) &* UInt128(b) &+ p2 >> 64
        let p4 = UInt128(t.4) &+ p3 >> 64
        let q = UInt128(UInt64(truncatingIfNeeded: p0) &* negatedInverse)
        let low = UInt128(UInt64.max)
        let r0 = (p0 & low) &+ q &* UInt128(m.0)
        let r1 = (p1 & low) &+ q &* UInt128(m.1) &+ r0 >> 64
        let r2 = (p2 & low) &+ q &* UInt128(m.2) &+ r1 >> 64
        let r3 = (p3 & low) &+ q &* UInt128(m.3) &+ r2 >> 64
        let r4 = p4 &+ r3 >> 64
        t.0 = UInt64(truncatingIfNeeded: r1)
        t.1 = UInt64(truncatingIfNeeded: r2)
        t.2 = UInt64(truncatingIfNeeded: r3)
        t.3 = UInt64(truncatingIfNeeded: r4)
        t.4 = UInt64(truncatingIfNeeded: r4 >> 64)
    }

    /// x to a public exponent.
    package func power(_ x: Residue, _ exponent: Words256) -> Residue {
        var result = one
        let words = exponent.words
        for word in [words.3, words.2, words.1, words.0] {
            for bit in (0..<64).reversed() {
                result = multiply(result, result)
                // public: the exponent is a constant of the modulus.
                if word >> UInt64(bit) & 1 == 1 { result = multiply(result, x) }
            }
        }
        return result
    }

    /// 1/x for a prime modulus, and 0 for 0.
    package func inverse(_ x: Residue) -> Residue {
        power(x, Self.minus(modulus, Words256(2, 0, 0, 0)).difference)
    }

    // MARK: Words

    private static func plus(_ x: Words256, _ y: Words256) -> (sum: Words256, carry: UInt64) {
        let (a, b) = (x.words, y.words)
        let s0 = UInt128(a.0) &+ UInt128(b.0)
        let s1 = UInt128(a.1) &+ UInt128(b.1) &+ s0 >> 64
        let s2 = UInt128(a.2) &+ UInt128(b.2) &+ s1 >> 64
        let s3 = UInt128(a.3) &+ UInt128(b.3) &+ s2 >> 64
        return (
            Words256(
                UInt64(truncatingIfNeeded: s0), UInt64(truncatingIfNeeded: s1),
                UInt64(truncatingIfNeeded: s2),
                UInt64(truncatingIfNeeded: s3)), UInt64(truncatingIfNeeded: s3 >> 64)
        )
    }

    package static func minus(_ x: Words256, _ y: Words256) -> (difference: Words256, borrow: UInt64) {
        let (a, b) = (x.words, y.words)
        let d0 = UInt128(a.0) &- UInt128(b.0)
        let d1 = UInt128(a.1) &- UInt128(b.1) &- (d0 >> 127)
        let d2 = UInt128(a.2) &- UInt128(b.2) &- (d1 >> 127)
        let d3 = UInt128(a.3) &- UInt128(b.3) &- (d2 >> 127)
        return (
            Words256(
                UInt64(truncatingIfNeeded: d0), UInt64(truncatingIfNeeded: d1),
                UInt64(truncatingIfNeeded: d2),
                UInt64(truncatingIfNeeded: d3)), UInt64(truncatingIfNeeded: d3 >> 127)
        )
    }

    private static func addition(_ x: Words256, _ y: Words256, _ modulus: Words256) -> Words256 {
        let (sum, carry) = plus(x, y)
        return reduceOnce(sum, high: carry, modulus)
    }

    /// value + high·2^256 - m if that is not negative, else value. Values are below 2m.
    private static func reduceOnce(_ value: Words256, high: UInt64, _ modulus: Words256) -> Words256 {
        let (difference, borrow) = minus(value, modulus)
        let keep = 0 &- (borrow & (high ^ 1))  // all ones: the value was already below m
        let (a, b) = (value.words, difference.words)
        return Words256(
            b.0 ^ (keep & (a.0 ^ b.0)), b.1 ^ (keep & (a.1 ^ b.1)), b.2 ^ (keep & (a.2 ^ b.2)),
            b.3 ^ (keep & (a.3 ^ b.3)))
    }
}
