// SPDX-License-Identifier: Apache-2.0
//
// Specification: Bun, Steinke, "Concentrated Differential Privacy", TCC 2016 (BS16), Propositions 1.3 and 1.4.
// Public parameters only.

/// δ as a power of ten, 10^−`exponent`: so that its logarithm is a rational bound, and nobody argues about digits.
package struct Delta: Hashable, Sendable, Comparable {
    /// 1 … 18.
    package let exponent: Int

    package init?(exponent: Int) {
        guard (1...18).contains(exponent) else { return nil }
        self.exponent = exponent
    }

    /// ln(1/δ) in billionths, rounded up.
    package var logarithmNanos: UInt64 { UInt64(exponent) * 2_302_585_093 + 1 }

    /// 1/δ.
    package var reciprocal: UInt64 { (0..<exponent).reduce(1) { value, _ in value * 10 } }

    package static func < (left: Delta, right: Delta) -> Bool { left.exponent > right.exponent }
}

/// What a release costs, or what is left. Rounded against the analyst wherever it is converted.
package enum PrivacyLoss {
    /// The ρ that ε-differential privacy implies: ε²/2 (BS16 Proposition 1.4), rounded up.
    package static func rhoNanos(ofPure epsilonMicros: UInt64) -> UInt64 {
        // micros² = 10^−12, halved, in units of 10^−9.
        UInt64((UInt128(epsilonMicros) * UInt128(epsilonMicros)).dividedRoundingUp(by: 2000))
    }

    /// The most ρ that still implies (ε, δ): (√(L + ε) − √L)² with L = ln(1/δ), rounded down (BS16 Proposition 1.3).
    package static func rhoNanos(within epsilonMicros: UInt64, _ delta: Delta) -> UInt64 {
        let logarithm = UInt128(delta.logarithmNanos)
        let sum = logarithm + UInt128(epsilonMicros) * 1000
        // Roots in units of 10^−9: √(x · 10^−9) = √(x · 10^9) · 10^−9.
        let wide = (sum * 1_000_000_000).squareRootFloor
        let narrow = (logarithm * 1_000_000_000).squareRootCeiling
        guard wide > narrow else { return 0 }
        return UInt64((wide - narrow) * (wide - narrow) / 1_000_000_000)
    }

    /// The ε that ρ implies at δ: ρ + 2√(ρL), rounded up (BS16 Proposition 1.3).
    package static func epsilonMicros(of rhoNanos: UInt64, _ delta: Delta) -> UInt64 {
        let product = UInt128(rhoNanos) * UInt128(delta.logarithmNanos)
        let nanos = UInt128(rhoNanos) + 2 * product.squareRootCeiling
        return UInt64(nanos.dividedRoundingUp(by: 1000))
    }
}
