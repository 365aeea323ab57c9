// SPDX-License-Identifier: Apache-2.0
//
// Public parameters only (scales, budgets, thresholds): nothing here touches a secret.

extension FixedWidthInteger where Self: UnsignedInteger {
    package func dividedRoundingUp(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder == 0 ? quotient : quotient + 1
    }

    /// ⌊√self⌋ by Newton's iteration on integers.
    package var squareRootFloor: Self {
        guard self > 1 else { return self }
        var guess: Self = 1 << Self((Self.bitWidth - leadingZeroBitCount + 1) / 2)
        while true {
            let next = (guess + self / guess) / 2
            if next >= guess { return guess }
            guess = next
        }
    }

    /// ⌈√self⌉.
    package var squareRootCeiling: Self {
        let floor = squareRootFloor
        return floor * floor == self ? floor : floor + 1
    }

    func greatestCommonDivisor(with other: Self) -> Self {
        var (left, right) = (self, other)
        while right != 0 { (left, right) = (right, left % right) }
        return left
    }
}

/// Natural logarithms, rounded up to billionths.
package enum RoundedUpLogarithm {
    /// An upper bound of ln(`value`) in billionths, less than a millionth above it; `value` is at least 1.
    package static func nanos(of value: UInt64) -> UInt64 {
        precondition(value > 0, "zero has no logarithm")
        // log₂ = exponent + fraction; the mantissa in [1, 2) is squared once a bit, rounding up each time.
        let exponent = UInt64(63 - value.leadingZeroBitCount)
        var mantissa = UInt128(value) << (62 - UInt128(exponent))  // 62 fractional bits
        var bits: UInt64 = exponent
        for _ in 0..<fractionBits {
            mantissa = ((mantissa * mantissa) >> 62) + 1
            bits <<= 1
            if mantissa >= 2 << 62 {
                bits |= 1
                mantissa = (mantissa + 1) >> 1
            }
        }
        // ln 2 < 0.693147180559945310; `bits + 1` bounds what was cut off.
        let product = UInt128(bits + 1) * 693_147_180_559_945_310
        return UInt64((product >> UInt128(fractionBits)).dividedRoundingUp(by: 1_000_000_000))
    }

    private static let fractionBits = 30
}
