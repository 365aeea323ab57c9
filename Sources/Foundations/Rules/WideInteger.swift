// SPDX-License-Identifier: Apache-2.0

/// 256 unsigned bits: what a product of two 34-digit coefficients needs before it is rounded.
struct WideInteger: Hashable {
    var high: UInt128
    var low: UInt128

    init(high: UInt128 = 0, low: UInt128) {
        self.high = high
        self.low = low
    }

    init(_ left: UInt128, times right: UInt128) {
        let (high, low) = left.multipliedFullWidth(by: right)
        self.init(high: high, low: low)
    }

    var isZero: Bool { high == 0 && low == 0 }

    static func < (left: WideInteger, right: WideInteger) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    static func + (left: WideInteger, right: WideInteger) -> WideInteger {
        let (low, carry) = left.low.addingReportingOverflow(right.low)
        return WideInteger(high: left.high &+ right.high &+ (carry ? 1 : 0), low: low)
    }

    /// `left` is not smaller than `right`.
    static func - (left: WideInteger, right: WideInteger) -> WideInteger {
        let (low, borrow) = left.low.subtractingReportingOverflow(right.low)
        return WideInteger(high: left.high &- right.high &- (borrow ? 1 : 0), low: low)
    }

    /// Quotient and remainder by a divisor of any size.
    func divided(by divisor: UInt128) -> (quotient: WideInteger, remainder: UInt128) {
        let top = high.quotientAndRemainder(dividingBy: divisor)
        let (low, remainder) = divisor.dividingFullWidth((top.remainder, self.low))
        return (WideInteger(high: top.quotient, low: low), remainder)
    }

    /// Decimal digits; 0 has none.
    var digitCount: Int {
        if high == 0 { return PowersOfTen.digitCount(low) }
        let upper = divided(by: PowersOfTen.of[38]).quotient
        return 38 + (upper.high == 0 ? PowersOfTen.digitCount(upper.low) : 38)
    }
}

/// 10⁰ … 10³⁸, all that fit in 128 bits.
enum PowersOfTen {
    static let of: [UInt128] = (0..<38).reduce(into: [1]) { powers, place in powers.append(powers[place] * 10)
    }

    static func digitCount(_ value: UInt128) -> Int {
        if value == 0 { return 0 }
        // 1233 / 4096 approximates log₁₀ 2 from below; one comparison corrects it.
        let guess = ((128 - value.leadingZeroBitCount) * 1233) >> 12
        return value >= of[guess] ? guess + 1 : guess
    }
}
