// SPDX-License-Identifier: Apache-2.0
//
// Specification: Bun, Steinke 2016, Lemma 1.7 (ρ adds up) and Proposition 1.3; basic composition for pure ε (Dwork and Roth
// 2014, Theorem 3.14). Rounded against the analyst. Public parameters only.

import Noise

/// What many answers cost together: the state of a privacy account, without its storage.
///
/// Two sums are kept, because both bound the loss and the smaller one may be told: ε itself, as long as every answer was
/// pure, and ρ, which grows more slowly when answers are many.
package struct PrivacySpending: Hashable, Sendable {
    package private(set) var epsilonMicros: UInt64 = 0
    package private(set) var rhoNanos: UInt64 = 0
    package private(set) var isPure = true
    /// δ of thresholds, in units of 10^−18.
    package private(set) var groupsDeltaUnits: UInt64 = 0

    package init() {}

    package mutating func add(_ cost: PrivacyCost) {
        epsilonMicros = epsilonMicros.addingClamped(cost.epsilonMicros)
        rhoNanos = rhoNanos.addingClamped(cost.rhoNanos)
        isPure = isPure && cost.isPure
        groupsDeltaUnits = groupsDeltaUnits.addingClamped(cost.groupsDelta.map { Self.units(of: $0) } ?? 0)
    }

    /// The ε of everything together, in millionths, at an account's δ. `nil` where no ε holds: noise that needs a δ in an
    /// account without one, or thresholds that used more than half of it (the other half converts ρ).
    /// δ is 10^−`exponent`.
    package func epsilonMicros(at exponent: Int?) -> UInt64? {
        guard let delta = exponent.flatMap({ Delta(exponent: $0) }) else { return isPure && groupsDeltaUnits == 0 ? epsilonMicros : nil }
        guard groupsDeltaUnits <= Self.units(of: delta) / 2 else { return nil }
        // Half of δ is at least a tenth of it; a power of ten keeps the logarithm a rational bound.
        let converted = Delta(exponent: min(18, delta.exponent + 1)).map { PrivacyLoss.epsilonMicros(of: rhoNanos, $0) }
        return isPure ? min(epsilonMicros, converted ?? epsilonMicros) : converted
    }

    private static func units(of delta: Delta) -> UInt64 { 1_000_000_000_000_000_000 / delta.reciprocal }
}

extension UInt64 {
    fileprivate func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
