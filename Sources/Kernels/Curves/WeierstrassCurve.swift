// SPDX-License-Identifier: Apache-2.0
//
// Specification: curves y² = x³ - 3x + b over a 256-bit prime field with p = 3 mod 4: SM2 (GB/T 32918.5-2017) and, for
// its vectors, P-256. Addition: Renes, Costello, Batina 2016, algorithm 4 (complete). Hash to the curve: RFC 9380
// §6.6.2 (simplified SWU), suite form <curve>_XMD:<hash>_SSWU_NU_, of which the x-coordinate is kept.
// Adversary: as the protocol's. Secret: scalars, hashed items. Leaks by design: whether an x lies on the curve.
// Timing: complete formulas, 64 windows each reading the whole table with masks, square roots and inversions by
// public exponents, masked choices. Vectors: GB/T 32918.5 key pair, RFC 9380's P-256 suite, in Tests/PSITests.

/// A curve with a = -3 and prime order, by x-coordinates alone: points are 32 bytes, big-endian.
package struct WeierstrassCurve: Sendable {
    package typealias Element = Modular256.Residue

    package let field: Modular256
    private let b, three, sswu, third: Element  // third: b/3, which is -b/a
    private let rootExponent: Words256

    /// In projective coordinates; (0 : 1 : 0) is the neutral element.
    package struct Point: Sendable {
        var x, y, z: Element
    }

    /// - Parameter sswu: Z of RFC 9380 appendix H.2, as the number whose negative it is.
    init(prime: Words256, b: Words256, negatedZ sswu: UInt64) {
        field = Modular256(modulus: prime)
        self.b = field.residue(b)
        three = field.residue(Words256(3, 0, 0, 0))
        third = field.multiply(self.b, field.inverse(three))
        self.sswu = field.negate(field.residue(Words256(sswu, 0, 0, 0)))
        rootExponent = Self.quarter(prime)
    }

    /// GB/T 32918.5: the curve of the national standard. Z = -9 by the procedure of RFC 9380 appendix H.2.
    package static let sm2 = WeierstrassCurve(
        prime: Words256(.max, 0xFFFF_FFFF_0000_0000, .max, 0xFFFF_FFFE_FFFF_FFFF),
        b: Words256(
            0xDDBC_BD41_4D94_0E93, 0xF397_89F5_15AB_8F92, 0x4D5A_9E4B_CF65_09A7, 0x28E9_FA9E_9D9F_5E34),
        negatedZ: 9)

    /// P-256, whose published vectors hold the same code to account.
    package static let p256 = WeierstrassCurve(
        prime: Words256(.max, 0x0000_0000_FFFF_FFFF, 0, 0xFFFF_FFFF_0000_0001),
        b: Words256(
            0x3BCE_3C3E_27D2_604B, 0x651D_06B0_CC53_B0F6, 0xB3EB_BD55_7698_86BC, 0x5AC6_35D8_AA3A_93E7),
        negatedZ: 10)

    /// (p + 1) / 4.
    private static func quarter(_ prime: Words256) -> Words256 {
        let w = prime.words
        // p ends in ones, so adding one carries through them: (p + 1) / 4 = (p - 3) / 4 + 1.
        let low = (w.0 >> 2 | w.1 << 62, w.1 >> 2 | w.2 << 62, w.2 >> 2 | w.3 << 62, w.3 >> 2)
        let (first, carry) = low.0.addingReportingOverflow(1)
        let (second, more) = low.1.addingReportingOverflow(carry ? 1 : 0)
        let (third, most) = low.2.addingReportingOverflow(more ? 1 : 0)
        return Words256(first, second, third, low.3 &+ (most ? 1 : 0))
    }

    package var neutral: Point { Point(x: field.zero, y: field.one, z: field.zero) }

    /// g(x) = x³ - 3x + b.
    private func right(_ x: Element) -> Element {
        let square = field.multiply(x, x)
        return field.add(field.multiply(field.subtract(square, three), x), b)
    }

    /// The point with this x and either y; `nil` if there is none or x is not canonical.
    package func point(x bytes: some BidirectionalCollection<UInt8>) -> Point? {
        let words = Words256(bigEndian: bytes)
        let x = field.residue(words)
        let square = right(x)
        let y = field.power(square, rootExponent)
        // public: an x that is not on the curve ends the run, whoever sent it.
        guard field.multiply(y, y) == square, field.words(x).littleEndian == words.littleEndian else {
            return nil
        }
        return Point(x: x, y: y, z: field.one)
    }

    /// Simplified SWU of a field element, by x alone.
    ///
    /// - Secret: the element. - Timing: one square root's exponent, one inversion, masked choices.
    package func mapped(_ u: Element) -> Point {
        let zu = field.multiply(sswu, field.multiply(u, u))
        let tail = field.add(field.multiply(zu, zu), zu)  // Z²u⁴ + Zu²
        let isZero = Self.mask(tail, field.zero)
        // x1 = (-b/a)·(1 + 1/tail), or b/(Z·a) where tail is 0; here a = -3, so -b/a = b/3.

        let usual = field.multiply(third, field.add(field.one, field.inverse(tail)))
        let rare = field.negate(field.multiply(third, field.inverse(sswu)))
        let x1 = Self.select(isZero, rare, usual)
        let x2 = field.multiply(zu, x1)
        let (g1, g2) = (right(x1), right(x2))
        let y1 = field.power(g1, rootExponent)
        let y2 = field.power(g2, rootExponent)
        let isSquare = Self.mask(field.multiply(y1, y1), g1)
        return Point(x: Self.select(isSquare, x1, x2), y: Self.select(isSquare, y1, y2), z: field.one)
    }

    /// Complete addition for a = -3.
    package func add(_ p: Point, _ q: Point) -> Point {
        let f = field
        let (xx, yy, zz) = (f.multiply(p.x, q.x), f.multiply(p.y, q.y), f.multiply(p.z, q.z))
        let xy = f.subtract(f.multiply(f.add(p.x, p.y), f.add(q.x, q.y)), f.add(xx, yy))
        let yz = f.subtract(f.multiply(f.add(p.y, p.z), f.add(q.y, q.z)), f.add(yy, zz))
        let xz = f.subtract(f.multiply(f.add(p.x, p.z), f.add(q.x, q.z)), f.add(xx, zz))
        let first = triple(f.subtract(xz, f.multiply(b, zz)))
        let (low, high) = (f.subtract(yy, first), f.add(yy, first))
        let zzz = triple(zz)
        let second = triple(f.subtract(f.subtract(f.multiply(b, xz), zzz), xx))
        let rest = f.subtract(triple(xx), zzz)
        return Point(
            x: f.subtract(f.multiply(high, xy), f.multiply(yz, second)),
            y: f.add(f.multiply(high, low), f.multiply(rest, second)),
            z: f.add(f.multiply(yz, low), f.multiply(xy, rest)))
    }

    private func triple(_ x: Element) -> Element { field.add(field.add(x, x), x) }

    /// scalar·P for 32 big-endian bytes.
    ///
    /// - Secret: both. - Timing: 64 windows of four doublings and one addition; each reads all sixteen entries.
    package func multiply(_ p: Point, by scalar: [UInt8]) -> Point {
        var table = [neutral]
        for place in 1..<16 { table.append(add(table[place - 1], p)) }
        var result = neutral
        for byte in scalar {
            for window in [byte >> 4, byte & 15] {
                for _ in 0..<4 { result = add(result, result) }
                result = add(result, Self.pick(UInt64(window), from: table))
            }
        }
        return result
    }

    /// The x-coordinates of many points with one inversion; the neutral element gives zeros.
    package func coordinates(_ points: [Point]) -> [UInt8] {
        // Products of all z so far; a zero z counts as one.
        var products = [field.one]
        for point in points {
            let z = Self.select(Self.mask(point.z, field.zero), field.one, point.z)
            products.append(field.multiply(products[products.count - 1], z))
        }
        var inverse = field.inverse(products[points.count])
        var bytes = [UInt8](repeating: 0, count: 32 * points.count)
        for place in points.indices.reversed() {
            let isNeutral = Self.mask(points[place].z, field.zero)
            let z = Self.select(isNeutral, field.one, points[place].z)
            let own = Self.select(isNeutral, field.zero, field.multiply(inverse, products[place]))
            inverse = field.multiply(inverse, z)
            let x = field.words(field.multiply(points[place].x, own)).littleEndian
            bytes.replaceSubrange(32 * place..<32 * place + 32, with: x.reversed())
        }
        return bytes
    }

    // MARK: Masks

    static func pick(_ wanted: UInt64, from table: [Point]) -> Point {
        var picked = table[0]
        for (place, entry) in table.enumerated() {
            let difference = wanted ^ UInt64(place)
            let mask = (difference &- 1) >> 63 &* UInt64.max
            picked = Point(
                x: select(mask, entry.x, picked.x), y: select(mask, entry.y, picked.y),
                z: select(mask, entry.z, picked.z))
        }
        return picked
    }

    /// All ones where the residues are equal.
    private static func mask(_ x: Element, _ y: Element) -> UInt64 {
        let (a, b) = (x.words.words, y.words.words)
        let difference = (a.0 ^ b.0) | (a.1 ^ b.1) | (a.2 ^ b.2) | (a.3 ^ b.3)
        return ((difference | (0 &- difference)) >> 63) &- 1
    }

    private static func select(_ mask: UInt64, _ x: Element, _ y: Element) -> Element {
        let (a, b) = (x.words.words, y.words.words)
        return Element(
            words: Words256(
                b.0 ^ (mask & (a.0 ^ b.0)), b.1 ^ (mask & (a.1 ^ b.1)), b.2 ^ (mask & (a.2 ^ b.2)),
                b.3 ^ (mask & (a.3 ^ b.3))))
    }
}
