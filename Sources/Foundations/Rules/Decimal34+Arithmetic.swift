// SPDX-License-Identifier: Apache-2.0

extension Decimal34 {
    /// How a number gives up digits. The names are FEEL's (DMN 1.5 §10.3.4.5).
    package enum Rounding: Sendable {
        case halfEven, up, down, halfUp, halfDown, floor, ceiling
    }

    package static prefix func - (value: Decimal34) -> Decimal34 {
        Decimal34(isNegative: !value.isNegative, coefficient: value.coefficient, exponent: value.exponent)
    }

    package func adding(_ other: Decimal34) -> Decimal34? {
        if isZero { return other.withExponent(atMost: exponent) }
        if other.isZero { return withExponent(atMost: other.exponent) }
        let low = exponent < other.exponent ? self : other
        let high = (exponent < other.exponent ? other : self).withExponent(atMost: low.exponent)
        let isSum = high.isNegative == low.isNegative
        let distance = high.exponent - low.exponent
        if distance > 38 {  // `high` has 34 digits: `low` only says "a little more" or "a little less".
            let wide = WideInteger(high.coefficient, times: PowersOfTen.of[36])
            let little = WideInteger(low: 1)
            return Decimal34(
                isNegative: high.isNegative, wide: isSum ? wide + little : wide - little,
                exponent: high.exponent - 36)
        }
        let left = WideInteger(high.coefficient, times: PowersOfTen.of[distance])
        let right = WideInteger(low: low.coefficient)
        if isSum { return Decimal34(isNegative: high.isNegative, wide: left + right, exponent: low.exponent) }
        let isLess = left < right
        return Decimal34(
            isNegative: isLess ? low.isNegative : high.isNegative, wide: isLess ? right - left : left - right,
            exponent: low.exponent)
    }

    package func subtracting(_ other: Decimal34) -> Decimal34? { adding(-other) }

    package func multiplied(by other: Decimal34) -> Decimal34? {
        Decimal34(
            isNegative: isNegative != other.isNegative,
            wide: WideInteger(coefficient, times: other.coefficient), exponent: exponent + other.exponent)
    }

    /// `nil` for a divisor of zero.
    package func divided(by other: Decimal34) -> Decimal34? {
        guard !other.isZero else { return nil }
        guard !isZero else { return .zero }
        let lengthen = Self.digitsMax - PowersOfTen.digitCount(coefficient)
        let shift = 2 + PowersOfTen.digitCount(other.coefficient)
        let numerator = WideInteger(coefficient * PowersOfTen.of[lengthen], times: PowersOfTen.of[shift])
        let (quotient, remainder) = numerator.divided(by: other.coefficient)
        guard
            let result = Decimal34(
                isNegative: isNegative != other.isNegative, wide: quotient,
                exponent: exponent - lengthen - shift - other.exponent, isInexact: remainder != 0)
        else { return nil }
        return remainder == 0 ? result.withoutZeros(downTo: exponent - other.exponent) : result
    }

    /// `self - other · floor(self / other)`: the sign of the divisor, as FEEL's `modulo`.
    package func modulo(_ other: Decimal34) -> Decimal34? {
        guard let floor = divided(by: other)?.rounded(to: 0, .floor),
            let product = floor.multiplied(by: other)
        else { return nil }
        return subtracting(product)
    }

    /// Rounded so that `places` digits remain after the point (before it where negative).
    package func rounded(to places: Int, _ rounding: Rounding) -> Decimal34? {
        let target = -places
        guard exponent < target else { return self }
        let excess = target - exponent
        let (quotient, remainder) =
            excess > 38
            ? (0, coefficient) : coefficient.quotientAndRemainder(dividingBy: PowersOfTen.of[excess])
        // Above 10³⁸ lies every coefficient far below the half.
        let half = excess > 38 ? UInt128.max : PowersOfTen.of[excess] / 2
        let isUp: Bool =
            switch rounding {
            case .up: remainder != 0
            case .down: false
            case .floor: remainder != 0 && isNegative
            case .ceiling: remainder != 0 && !isNegative
            case .halfUp: remainder >= half && remainder != 0
            case .halfDown: remainder > half
            case .halfEven: remainder > half || (remainder == half && !quotient.isMultiple(of: 2))
            }
        return Decimal34(
            isNegative: isNegative, wide: WideInteger(low: quotient + (isUp ? 1 : 0)), exponent: target)
    }

    /// The same number with an exponent nearer to `wanted`, as far as 34 digits allow.
    private func withExponent(atMost wanted: Int) -> Decimal34 {
        guard exponent > wanted else { return self }
        let room = isZero ? exponent - wanted : Self.digitsMax - PowersOfTen.digitCount(coefficient)
        let step = min(exponent - wanted, room)
        return Decimal34(
            isNegative: isNegative, coefficient: isZero ? 0 : coefficient * PowersOfTen.of[step],
            exponent: exponent - step)
    }

    /// An exact quotient as short as its operands were (IEEE 754 §5.4.1, preferred exponent).
    private func withoutZeros(downTo preferred: Int) -> Decimal34 {
        var coefficient = coefficient
        var exponent = exponent
        while exponent < preferred && coefficient.isMultiple(of: 10) {
            coefficient /= 10
            exponent += 1
        }
        return Decimal34(isNegative: isNegative, coefficient: coefficient, exponent: exponent)
    }
}

// MARK: Functions

extension Decimal34 {
    /// A whole power exactly rounded step by step; another one as e^(y·ln x).
    package func raised(to power: Decimal34) -> Decimal34? {
        if let whole = power.integer, whole.magnitude <= 999_999_999 {
            if isZero && whole < 0 { return nil }
            var result = Decimal34.one
            var base = self
            var left = whole.magnitude
            while left > 0 {
                if left & 1 == 1 {
                    guard let next = result.multiplied(by: base) else { return nil }
                    result = next
                }
                left >>= 1
                guard left > 0 else { break }
                guard let square = base.multiplied(by: base) else { return nil }
                base = square
            }
            return whole < 0 ? Decimal34.one.divided(by: result) : result
        }
        if isZero { return power.isNegative ? nil : .zero }
        return logarithm.flatMap { $0.multiplied(by: power) }.flatMap(\.exponential)
    }

    /// Newton's iteration from the double; `nil` below zero.
    package var squareRoot: Decimal34? {
        guard !isNegative, !isZero else { return isZero ? .zero : nil }
        let half = Decimal34(isNegative: false, coefficient: 5, exponent: -1)
        let shift = exponent.isMultiple(of: 2) ? exponent : exponent - 1
        let mantissa = Decimal34(isNegative: false, coefficient: coefficient, exponent: exponent - shift)
        guard var root = Decimal34(mantissa.double.squareRoot()) else { return nil }
        for _ in 0..<3 {
            guard let next = mantissa.divided(by: root)?.adding(root)?.multiplied(by: half) else {
                return nil
            }
            root = next
        }
        return Decimal34(
            isNegative: false, wide: WideInteger(low: root.coefficient), exponent: root.exponent + shift / 2)?
            .exactRoot(of: self)
    }

    /// The short root where one is exact (√16 = 4, not 4.000…).
    private func exactRoot(of square: Decimal34) -> Decimal34 {
        let short = reduced
        return short.multiplied(by: short) == square ? short : self
    }

    /// eˣ by halving the argument and its series.
    package var exponential: Decimal34? {
        guard magnitude < Decimal34(14_200) else { return isNegative ? .zero : nil }
        var halvings = 0
        var argument = self
        let half = Decimal34(isNegative: false, coefficient: 5, exponent: -1)
        while argument.magnitude > half, let next = argument.multiplied(by: half) {
            argument = next
            halvings += 1
        }
        var term = Decimal34.one
        var sum = Decimal34.one
        for place in 1...40 {
            guard let next = term.multiplied(by: argument)?.divided(by: Decimal34(place)),
                let more = sum.adding(next)
            else { return nil }
            term = next
            sum = more
        }
        for _ in 0..<halvings {
            guard let square = sum.multiplied(by: sum) else { return nil }
            sum = square
        }
        return sum
    }

    /// ln x by Newton from the double: y + 2·(x − eʸ)/(x + eʸ). `nil` unless positive.
    package var logarithm: Decimal34? {
        guard !isNegative, !isZero else { return nil }
        let digits = PowersOfTen.digitCount(coefficient)
        let mantissa = Decimal34(isNegative: false, coefficient: coefficient, exponent: 1 - digits)
        guard let near = mantissa.newtonLogarithm, let ten = Decimal34(10).newtonLogarithm,
            let scale = ten.multiplied(by: Decimal34(exponent + digits - 1))
        else { return nil }
        return near.adding(scale)
    }

    private var newtonLogarithm: Decimal34? {
        guard self != .one else { return .zero }
        guard var guess = Decimal34(approximateLogarithm(double)) else { return nil }
        for _ in 0..<2 {
            guard let power = guess.exponential, let above = subtracting(power), let below = adding(power),
                let step = above.divided(by: below)?.multiplied(by: Decimal34(2)),
                let next = guess.adding(step)
            else { return nil }
            guess = next
        }
        return guess
    }
}

/// ln x for 1 ≤ x ≤ 10 to double precision without the C library: 2·artanh((x−1)/(x+1)).
private func approximateLogarithm(_ value: Double) -> Double {
    let ratio = (value - 1) / (value + 1)
    var power = ratio
    var sum = 0.0
    for place in stride(from: 1.0, through: 121, by: 2) {
        sum += power / place
        power *= ratio * ratio
    }
    return 2 * sum
}
