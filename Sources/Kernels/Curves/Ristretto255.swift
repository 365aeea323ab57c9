// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 9496 §4 (ristretto255).
// Adversary: as the protocol's; decoding accepts canonical encodings alone. Secret: points and scalars.
// Leaks by design: whether an encoding was valid. Timing: complete formulas, masked choices, a fixed window of four
// bits read by scanning the whole table.
// Vectors: RFC 9496 A.1–A.3 in Tests/PSITests.

/// An element of the prime-order group ristretto255, in extended Edwards coordinates.
package struct Ristretto255: Sendable {
    private let x, y, z, t: Field25519

    private static let d = Field25519(
        0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff)
    private static let twoD = d + d
    private static let sqrtMinusOne = Field25519(
        0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d)
    private static let inverseSqrtAMinusD = Field25519(
        0xfdaa805d40ea, 0x2eb482e57d339, 0x7610274bc58, 0x6510b613dc8ff, 0x786c8905cfaff)
    private static let sqrtADMinusOne = Field25519(
        0x7f6a0497b2e1b, 0x1836f0a97afd2, 0x7d747f6be7638, 0x456079e7e6498, 0x376931bf2b834)
    private static let oneMinusDSquared = Field25519.one - d.squared
    private static let dMinusOneSquared = (d - .one).squared

    package static let identity = Ristretto255(.zero, .one, .one, .zero)
    package static let generator = Ristretto255(
        Field25519(0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe, 0x216936d3cd6e5),
        Field25519(0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333, 0x6666666666666),
        .one,
        Field25519(0x68ab3a5b7dda3, 0xeea2a5eadbb, 0x2af8df483c27e, 0x332b375274732, 0x67875f0fd78b7))

    private init(_ x: Field25519, _ y: Field25519, _ z: Field25519, _ t: Field25519) {
        (self.x, self.y, self.z, self.t) = (x, y, z, t)
    }

    /// SQRT_RATIO_M1 (RFC 9496 §4.2): whether u/v is a square (mask), and its non-negative root or that of i·u/v.
    private static func sqrtRatio(_ u: Field25519, _ v: Field25519) -> (isSquare: UInt64, root: Field25519) {
        let v3 = v.squared * v
        let v7 = v3.squared * v
        var root = u * v3 * (u * v7).powP58
        let check = v * root.squared
        let correct = Field25519.equalMask(check, u)
        let flipped = Field25519.equalMask(check, -u)
        let flippedI = Field25519.equalMask(check, -u * sqrtMinusOne)
        root = .select(flipped | flippedI, root * sqrtMinusOne, root)
        return (correct | flipped, absolute(root))
    }

    private static func absolute(_ x: Field25519) -> Field25519 { .select(x.negativeMask, -x, x) }

    /// RFC 9496 §4.3.1; `nil` for anything but a canonical encoding.
    package init?(encoding: some Collection<UInt8>) {
        guard encoding.count == 32 else { return nil }
        let s = Field25519(littleEndian: encoding)
        let ss = s.squared
        let u1 = Field25519.one - ss
        let u2 = Field25519.one + ss
        let u2u2 = u2.squared
        let v = -(Self.d * u1.squared) - u2u2
        let (isSquare, inverse) = Self.sqrtRatio(.one, v * u2u2)
        let denX = inverse * u2
        let denY = inverse * denX * v
        let x = Self.absolute((s + s) * denX)
        let y = u1 * denY
        let t = x * y
        let isCanonical = s.littleEndian.elementsEqual(encoding)
        let isBad = s.negativeMask | t.negativeMask | Field25519.equalMask(y, .zero) | ~isSquare
        // public: an invalid encoding ends the run, whoever sent it.
        guard isCanonical, isBad == 0 else { return nil }
        self.init(x, y, .one, t)
    }

    /// RFC 9496 §4.3.2: 32 bytes, equal for equal elements.
    package var encoding: [UInt8] {
        let u1 = (z + y) * (z - y)
        let u2 = x * y
        let inverse = Self.sqrtRatio(.one, u1 * u2.squared).root
        let (den1, den2) = (inverse * u1, inverse * u2)
        let zInverse = den1 * den2 * t
        let (ix, iy) = (x * Self.sqrtMinusOne, y * Self.sqrtMinusOne)
        let rotate = (t * zInverse).negativeMask
        let (newX, middleY) = (Field25519.select(rotate, iy, x), Field25519.select(rotate, ix, y))
        let den = Field25519.select(rotate, den1 * Self.inverseSqrtAMinusD, den2)
        let newY = Field25519.select((newX * zInverse).negativeMask, -middleY, middleY)
        return Self.absolute(den * (z - newY)).littleEndian
    }

    /// RFC 9496 §4.3.4: a group element from 64 uniform bytes.
    package init(uniform bytes: [UInt8]) {
        precondition(bytes.count == 64)
        self =
            Self.map(Field25519(littleEndian: bytes[..<32]))
            + Self.map(Field25519(littleEndian: bytes[32...]))
    }

    private static func map(_ element: Field25519) -> Ristretto255 {
        let r = sqrtMinusOne * element.squared
        let u = (r + .one) * oneMinusDSquared
        let minusOne = -Field25519.one
        let v = (minusOne - r * d) * (r + d)
        let (isSquare, root) = sqrtRatio(u, v)
        let s = Field25519.select(isSquare, root, -absolute(root * element))
        let c = Field25519.select(isSquare, minusOne, r)
        let n = c * (r - .one) * dMinusOneSquared - v
        let (w0, w1) = ((s + s) * v, n * sqrtADMinusOne)
        let (w2, w3) = (Field25519.one - s.squared, Field25519.one + s.squared)
        return Ristretto255(w0 * w3, w2 * w1, w1 * w3, w0 * w2)
    }

    /// Complete addition (Hisil et al. 2008, a = -1).
    package static func + (p: Ristretto255, q: Ristretto255) -> Ristretto255 {
        let a = (p.y - p.x) * (q.y - q.x)
        let b = (p.y + p.x) * (q.y + q.x)
        let c = p.t * twoD * q.t
        let zz = p.z * q.z
        let dd = zz + zz
        let (e, f, g, h) = (b - a, dd - c, dd + c, b + a)
        return Ristretto255(e * f, g * h, f * g, e * h)
    }

    package static prefix func - (p: Ristretto255) -> Ristretto255 { Ristretto255(-p.x, p.y, p.z, -p.t) }

    private var doubled: Ristretto255 {
        let (a, b, zz) = (x.squared, y.squared, z.squared)
        let h = a + b
        let e = h - (x + y).squared
        let g = a - b
        let f = zz + zz + g
        return Ristretto255(e * f, g * h, f * g, e * h)
    }

    /// scalar·P.
    ///
    /// - Secret: both. - Timing: 64 windows; each reads all sixteen table entries with masks.
    package func multiplied(by scalar: Scalar25519) -> Ristretto255 {
        var table = [Self.identity]
        for place in 1..<16 { table.append(table[place - 1] + self) }
        var result = Self.identity
        for byte in scalar.littleEndian.reversed() {
            for window in [byte >> 4, byte & 15] {
                result = result.doubled.doubled.doubled.doubled + Self.pick(UInt64(window), from: table)
            }
        }
        return result
    }

    static func pick(_ wanted: UInt64, from table: [Ristretto255]) -> Ristretto255 {
        var picked = identity
        for (place, entry) in table.enumerated() {
            let difference = wanted ^ UInt64(place)
            let mask = (difference &- 1) >> 63 &* UInt64.max
            picked = Ristretto255(
                .select(mask, entry.x, picked.x), .select(mask, entry.y, picked.y),
                .select(mask, entry.z, picked.z), .select(mask, entry.t, picked.t))
        }
        return picked
    }
}
