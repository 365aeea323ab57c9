// SPDX-License-Identifier: Apache-2.0
//
// Specification: CKS20 (see ExactBernoulli.swift), Algorithm 3 and Theorem 4. Adversary, secrets, leaks and timing:
// as there.

/// Integer noise X with P(X = x) proportional to exp(−x² / (2 · `variance`)).
///
/// Adding it to an integer of L2 sensitivity Δ costs ρ = Δ² / (2 · variance) of zero-concentrated differential
/// privacy (CKS20 Theorem 4; Proof.md §3).
package struct DiscreteGaussian: Hashable, Sendable {
    /// σ², a whole number: rounded up from what the budget asks, so rounding only adds noise.
    package let variance: UInt64

    /// The widest noise whose acceptance test stays within 128 bits: σ ≤ 2^24. A wider one is drawn on a coarser
    /// lattice (`LatticeNoise`).
    package static let varianceMax: UInt64 = 1 << 48

    /// `nil` for zero and for more than `varianceMax`.
    package init?(variance: UInt64) {
        guard variance > 0, variance <= Self.varianceMax else { return nil }
        self.variance = variance
    }

    /// One draw.
    package func draw(using random: inout some RandomNumberGenerator) -> Int64 {
        let sigma = UInt64(variance.squareRootFloor)
        let proposalScale = sigma + 1
        guard let proposal = DiscreteLaplace(rate: 1, over: proposalScale) else {
            preconditionFailure("σ ≤ 2^24, so the proposal exists")
        }
        // Accept y with probability exp(−(|y| − σ²/t)² / (2σ²)) = exp(−(|y|·t − σ²)² / (2·σ²·t²)).
        let denominator = 2 * UInt128(variance) * UInt128(proposalScale) * UInt128(proposalScale)
        while true {
            let candidate = proposal.draw(using: &random)
            // |y| ≥ 2^38 means more than 2^13 scales: the acceptance probability is below exp(−2^25).
            guard candidate.magnitude < 1 << 38 else { continue }
            let scaled = UInt128(candidate.magnitude) * UInt128(proposalScale)
            let distance = scaled > UInt128(variance) ? scaled - UInt128(variance) : UInt128(variance) - scaled
            if ExactSampler.bernoulliExp(minus: distance * distance, over: denominator, using: &random) {
                return candidate
            }
        }
    }
}
