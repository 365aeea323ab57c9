// SPDX-License-Identifier: Apache-2.0

/// A decimal number with 34 digits, as IEEE 754-2019 decimal128 and FEEL (DMN 1.5 §10.3.2.3) have it, without
/// infinities and NaN: an operation that leaves the range answers `nil`.
///
/// The value is (−1)ˢ · coefficient · 10ᵉ. Equal numbers are equal whatever their exponent (1.0 = 1.00).
package struct Decimal34: Sendable {
    static let digitsMax = 34
    static let coefficientMax = PowersOfTen.of[34] - 1
    static let exponentRange = -6176...6111

    // In this order the three lie in 25 bytes instead of 40.
    let coefficient: UInt128
    let exponent: Int
    let isNegative: Bool

    /// Trusted parts: the coefficient has at most 34 digits.
    init(isNegative: Bool, coefficient: UInt128, exponent: Int) {
        self.isNegative = isNegative && coefficient != 0
        self.coefficient = coefficient
        self.exponent = exponent
    }

    package init(_ value: some BinaryInteger) {
        self.init(isNegative: value < 0, coefficient: UInt128(value.magnitude), exponent: 0)
    }

    package static let zero = Decimal34(0)
    package static let one = Decimal34(1)

    /// Reads `-12.50`, `.5`, `1E6`; `nil` for anything else and outside the range. More than 34 digits are
    /// rounded to even.
    package init?(_ text: some StringProtocol) {
        var bytes = Array(text.utf8)[...]
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative || bytes.first == UInt8(ascii: "+") { bytes = bytes.dropFirst() }
        var exponent = 0
        if let mark = bytes.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
            guard let power = Int(String(decoding: bytes[(mark + 1)...], as: UTF8.self)), abs(power) < 100_000
            else { return nil }
            exponent = power
            bytes = bytes[..<mark]
        }
        var coefficient: UInt128 = 0
        var isInexact = false
        var digits = 0
        var afterPoint = false
        for byte in bytes {
            if byte == UInt8(ascii: ".") && !afterPoint {
                afterPoint = true
                continue
            }
            guard (48...57).contains(byte) else { return nil }
            digits += 1
            if coefficient > Self.coefficientMax {  // 35 digits are kept; the rest only says "and more".
                isInexact = isInexact || byte != 48
                exponent += afterPoint ? 0 : 1
            } else {
                coefficient = coefficient * 10 + UInt128(byte - 48)
                exponent -= afterPoint ? 1 : 0
            }
        }
        guard digits > 0 else { return nil }
        self.init(
            isNegative: isNegative, wide: WideInteger(low: coefficient), exponent: exponent,
            isInexact: isInexact)
    }

    /// The nearest decimal of the shortest text of a double; `nil` for infinities and NaN.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        self.init("\(value)")
    }

    /// Rounds a wide coefficient half to even; `isInexact` says that a little more than `wide` is meant.
    init?(isNegative: Bool, wide: WideInteger, exponent: Int, isInexact: Bool = false) {
        var wide = wide
        var exponent = exponent
        var isInexact = isInexact
        while true {
            let excess = max(wide.digitCount - Self.digitsMax, Self.exponentRange.lowerBound - exponent)
            guard excess > 0 else { break }
            let step = min(excess, 38)
            let (quotient, remainder) = wide.divided(by: PowersOfTen.of[step])
            let half = PowersOfTen.of[step] / 2
            let isLast = step == excess
            let isUp =
                isLast
                && (remainder > half
                    || (remainder == half && (isInexact || !quotient.low.isMultiple(of: 2))))
            isInexact = isInexact || remainder != 0
            wide = isUp ? quotient + WideInteger(low: 1) : quotient
            exponent += step
            if wide.isZero { break }
        }
        if wide.isZero {
            exponent = max(min(exponent, Self.exponentRange.upperBound), Self.exponentRange.lowerBound)
        }
        var coefficient = wide.low
        while exponent > Self.exponentRange.upperBound {
            guard coefficient <= Self.coefficientMax / 10 else { return nil }
            coefficient *= 10
            exponent -= 1
        }
        self.init(isNegative: isNegative, coefficient: coefficient, exponent: exponent)
    }

    package var isZero: Bool { coefficient == 0 }
    package var magnitude: Decimal34 {
        Decimal34(isNegative: false, coefficient: coefficient, exponent: exponent)
    }

    /// Without trailing zeros: one form for each number.
    package var reduced: Decimal34 {
        guard coefficient != 0 else { return .zero }
        var coefficient = coefficient
        var exponent = exponent
        while coefficient.isMultiple(of: 10) {
            coefficient /= 10
            exponent += 1
        }
        return Decimal34(isNegative: isNegative, coefficient: coefficient, exponent: exponent)
    }

    /// The whole number, or `nil` if there is a fraction or more than 64 bits.
    package var integer: Int? {
        let reduced = reduced
        guard (0...18).contains(reduced.exponent),
            let magnitude = Int64(
                exactly: reduced.coefficient.multipliedReportingOverflow(
                    by: PowersOfTen.of[reduced.exponent]
                ).partialValue),
            reduced.coefficient < PowersOfTen.of[19]
        else { return nil }
        return isNegative ? -Int(magnitude) : Int(magnitude)
    }

    /// The nearest double, for charts and statistics only.
    package var double: Double { Double(description) ?? 0 }
}

extension Decimal34: Hashable, Comparable, CustomStringConvertible {
    package static func == (left: Decimal34, right: Decimal34) -> Bool {
        if left.exponent == right.exponent {
            return left.coefficient == right.coefficient && left.isNegative == right.isNegative
        }
        return compare(left, right) == 0
    }

    package func hash(into hasher: inout Hasher) {
        let reduced = reduced
        hasher.combine(reduced.isNegative)
        hasher.combine(reduced.coefficient)
        hasher.combine(reduced.exponent)
    }

    package static func < (left: Decimal34, right: Decimal34) -> Bool { compare(left, right) < 0 }

    private static func compare(_ left: Decimal34, _ right: Decimal34) -> Int {
        if left.isNegative != right.isNegative { return left.isNegative ? -1 : 1 }
        return left.isNegative ? -compareMagnitude(left, right) : compareMagnitude(left, right)
    }

    private static func compareMagnitude(_ left: Decimal34, _ right: Decimal34) -> Int {
        if left.exponent == right.exponent {
            return left.coefficient == right.coefficient ? 0 : left.coefficient < right.coefficient ? -1 : 1
        }
        if left.isZero || right.isZero { return (left.isZero ? 0 : 1) - (right.isZero ? 0 : 1) }
        let leftTop = PowersOfTen.digitCount(left.coefficient) + left.exponent
        let rightTop = PowersOfTen.digitCount(right.coefficient) + right.exponent
        if leftTop != rightTop { return leftTop < rightTop ? -1 : 1 }
        // The same leading place, so the exponents differ by less than 34.
        let low = min(left.exponent, right.exponent)
        let leftWide = WideInteger(left.coefficient, times: PowersOfTen.of[left.exponent - low])
        let rightWide = WideInteger(right.coefficient, times: PowersOfTen.of[right.exponent - low])
        return leftWide == rightWide ? 0 : leftWide < rightWide ? -1 : 1
    }

    /// Plain digits without exponent, as FEEL's `string()` writes numbers.
    package var description: String {
        let digits = String(coefficient)
        let sign = isNegative ? "-" : ""
        if exponent >= 0 { return sign + (isZero ? "0" : digits + String(repeating: "0", count: exponent)) }
        let zeros = String(repeating: "0", count: max(0, 1 - exponent - digits.count))
        let padded = zeros + digits
        return sign + padded.dropLast(-exponent) + "." + padded.suffix(-exponent)
    }
}
