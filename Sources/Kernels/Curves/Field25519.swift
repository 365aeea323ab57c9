// SPDX-License-Identifier: Apache-2.0
//
// Specification: the field of RFC 7748 §4.1, p = 2^255 - 19.
// Adversary: none of its own; callers state theirs. Secret: every element. Leaks by design: nothing.
// Timing: no branch and no index depends on a limb. Multiplication is UInt64 × UInt64 → UInt128, one
// instruction of fixed latency on x86-64 and arm64.
// Vectors: Tests/CurvesTests compares each operation with exact integers.

/// An element of GF(2^255 - 19): five limbs of 51 bits.
///
/// Every operation returns limbs below 2^52; every operation accepts such limbs.
package struct Field25519: Sendable {
    package var limbs: (UInt64, UInt64, UInt64, UInt64, UInt64)

    private static let mask: UInt64 = (1 << 51) - 1

    package init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ e: UInt64) {
        limbs = (a, b, c, d, e)
    }

    package init(small: UInt64) { self.init(small, 0, 0, 0, 0) }

    package static let zero = Field25519(small: 0)
    package static let one = Field25519(small: 1)

    /// Reads 32 little-endian bytes and drops the top bit (RFC 7748 §5).
    package init(littleEndian bytes: some Collection<UInt8>) {
        let words = Words256(littleEndian: bytes)
        let (a, b, c, d) = words.words
        self.init(
            a & Self.mask, (a >> 51 | b << 13) & Self.mask, (b >> 38 | c << 26) & Self.mask,
            (c >> 25 | d << 39) & Self.mask, d >> 12 & Self.mask)
    }

    /// Any number of 256 bits.
    package init(_ number: Words256) {
        let (a, b, c, d) = number.words
        self.init(
            a & Self.mask, (a >> 51 | b << 13) & Self.mask, (b >> 38 | c << 26) & Self.mask,
            (c >> 25 | d << 39) & Self.mask, d >> 12)  // the last has 52 bits
    }

    /// The canonical 32 bytes, little-endian.
    package var littleEndian: [UInt8] { words.littleEndian }

    /// The canonical value below p.
    package var words: Words256 {
        var (a, b, c, d, e) = carried.carried.limbs
        // a… < 2^255 + small now: subtract p once if needed, by adding 19 and looking at bit 255.
        var carry = (a &+ 19) >> 51
        carry = (b &+ carry) >> 51
        carry = (c &+ carry) >> 51
        carry = (d &+ carry) >> 51
        carry = (e &+ carry) >> 51
        a &+= 19 &* carry
        b &+= a >> 51
        c &+= b >> 51
        d &+= c >> 51
        e &+= d >> 51
        a &= Self.mask
        b &= Self.mask
        c &= Self.mask
        d &= Self.mask
        e &= Self.mask
        return Words256(a | b << 51, b >> 13 | c << 38, c >> 26 | d << 25, d >> 39 | e << 12)
    }

    private var carried: Field25519 {
        var (a, b, c, d, e) = limbs
        b &+= a >> 51
        c &+= b >> 51
        d &+= c >> 51
        e &+= d >> 51
        let top = e >> 51
        return Field25519(
            (a & Self.mask) &+ 19 &* top, b & Self.mask, c & Self.mask, d & Self.mask, e & Self.mask)
    }

    package static func + (x: Field25519, y: Field25519) -> Field25519 {
        let (a, b) = (x.limbs, y.limbs)
        return Field25519(a.0 &+ b.0, a.1 &+ b.1, a.2 &+ b.2, a.3 &+ b.3, a.4 &+ b.4).carried
    }

    package static func - (x: Field25519, y: Field25519) -> Field25519 {
        let (a, b) = (x.limbs, y.limbs)
        // 4p, limb by limb, keeps every difference positive.
        let (low, rest): (UInt64, UInt64) = (0x1f_ffff_ffff_ffb4, 0x1f_ffff_ffff_fffc)
        return Field25519(
            a.0 &+ low &- b.0, a.1 &+ rest &- b.1, a.2 &+ rest &- b.2, a.3 &+ rest &- b.3,
            a.4 &+ rest &- b.4
        ).carried
    }

    package static prefix func - (x: Field25519) -> Field25519 { zero - x }

    package static func * (x: Field25519, y: Field25519) -> Field25519 {
        let (a, b) = (x.limbs, y.limbs)
        let (b1, b2, b3, b4) = (19 &* b.1, 19 &* b.2, 19 &* b.3, 19 &* b.4)
        let r0 = wide(a.0, b.0) &+ wide(a.1, b4) &+ wide(a.2, b3) &+ wide(a.3, b2) &+ wide(a.4, b1)
        let r1 = wide(a.0, b.1) &+ wide(a.1, b.0) &+ wide(a.2, b4) &+ wide(a.3, b3) &+ wide(a.4, b2)
        let r2 = wide(a.0, b.2) &+ wide(a.1, b.1) &+ wide(a.2, b.0) &+ wide(a.3, b4) &+ wide(a.4, b3)
        let r3 = wide(a.0, b.3) &+ wide(a.1, b.2) &+ wide(a.2, b.1) &+ wide(a.3, b.0) &+ wide(a.4, b4)
        let r4 = wide(a.0, b.4) &+ wide(a.1, b.3) &+ wide(a.2, b.2) &+ wide(a.3, b.1) &+ wide(a.4, b.0)
        return Field25519(columns: r0, r1, r2, r3, r4)
    }

    private static func wide(_ x: UInt64, _ y: UInt64) -> UInt128 { UInt128(x) &* UInt128(y) }

    private init(columns r0: UInt128, _ r1: UInt128, _ r2: UInt128, _ r3: UInt128, _ r4: UInt128) {
        let mask = UInt128(Self.mask)
        let s1 = r1 &+ r0 >> 51
        let s2 = r2 &+ s1 >> 51
        let s3 = r3 &+ s2 >> 51
        let s4 = r4 &+ s3 >> 51
        // s4 < 2^113, so the wrap 19·(s4 >> 51) is below 2^67: it is added in 128 bits and carried once.
        let s0 = (r0 & mask) &+ 19 &* (s4 >> 51)
        let low = UInt64(truncatingIfNeeded: s0 & mask)
        let next = UInt64(truncatingIfNeeded: (s1 & mask) &+ s0 >> 51)
        self.init(
            low, next, UInt64(truncatingIfNeeded: s2 & mask), UInt64(truncatingIfNeeded: s3 & mask),
            UInt64(truncatingIfNeeded: s4 & mask))
    }

    package var squared: Field25519 { self * self }

    func squared(times: Int) -> Field25519 {
        var result = self
        for _ in 0..<times { result = result.squared }
        return result
    }

    /// x^(2^250 - 1) and x^11, the common head of the two exponentiations below.
    private var chain: (high: Field25519, eleven: Field25519) {
        let x2 = squared
        let x9 = x2.squared(times: 2) * self
        let x11 = x9 * x2
        let e5 = x11.squared * x9
        let e10 = e5.squared(times: 5) * e5
        let e20 = e10.squared(times: 10) * e10
        let e40 = e20.squared(times: 20) * e20
        let e50 = e40.squared(times: 10) * e10
        let e100 = e50.squared(times: 50) * e50
        let e200 = e100.squared(times: 100) * e100
        return (e200.squared(times: 50) * e50, x11)
    }

    /// 1/x, and 0 for 0: x^(p-2).
    package var inverse: Field25519 {
        let (high, eleven) = chain
        return high.squared(times: 5) * eleven
    }

    /// x^((p-5)/8) (RFC 9496 §4.2).
    package var powP58: Field25519 { chain.high.squared(times: 2) * self }

    /// 1 if x is a non-zero square, 0 if x is zero, p - 1 otherwise: x^((p-1)/2).
    package var legendre: Field25519 {
        // (p-1)/2 = 2^254 - 10 = (2^250 - 1)·2^4 + 6.
        let x2 = squared
        return chain.high.squared(times: 4) * (x2.squared * x2)
    }

    /// All ones when canonical values are equal, else zero; no early exit.
    package static func equalMask(_ x: Field25519, _ y: Field25519) -> UInt64 {
        let (a, b) = (x.words.words, y.words.words)
        let difference = a.0 ^ b.0 | a.1 ^ b.1 | a.2 ^ b.2 | a.3 ^ b.3
        return ((difference | (0 &- difference)) >> 63) &- 1
    }

    /// All ones when the canonical value is odd ("negative" in RFC 9496 §4.1), else zero.
    package var negativeMask: UInt64 { 0 &- (words.words.0 & 1) }

    /// `x` where `mask` is all ones, `y` where it is zero.
    package static func select(_ mask: UInt64, _ x: Field25519, _ y: Field25519) -> Field25519 {
        let (a, b) = (x.limbs, y.limbs)
        return Field25519(
            b.0 ^ (mask & (a.0 ^ b.0)), b.1 ^ (mask & (a.1 ^ b.1)), b.2 ^ (mask & (a.2 ^ b.2)),
            b.3 ^ (mask & (a.3 ^ b.3)), b.4 ^ (mask & (a.4 ^ b.4)))
    }
}

/// A 256-bit number in four little-endian words.
package struct Words256: Sendable, Hashable {
    package var words: (UInt64, UInt64, UInt64, UInt64) { (first, second, third, fourth) }
    private let first, second, third, fourth: UInt64

    package init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) {
        (first, second, third, fourth) = (a, b, c, d)
    }

    /// Reads at most 32 bytes, least significant first.
    package init(littleEndian bytes: some Collection<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (place, byte) in bytes.prefix(32).enumerated() {
            let value = UInt64(byte) << UInt64(place % 8 * 8)
            switch place / 8 {
            case 0: words.0 |= value
            case 1: words.1 |= value
            case 2: words.2 |= value
            default: words.3 |= value
            }
        }
        self.init(words.0, words.1, words.2, words.3)
    }

    package init(bigEndian bytes: some BidirectionalCollection<UInt8>) {
        self.init(littleEndian: Array(bytes.reversed()))
    }

    package var littleEndian: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for word in [first, second, third, fourth] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }

    package var bigEndian: [UInt8] { littleEndian.reversed() }
}
