// SPDX-License-Identifier: Apache-2.0
//
// Specification: McKenna, Sheldon, "Permute-and-Flip: A New Mechanism for Differentially Private Selection",
//   NeurIPS 2020, Algorithm 1. Adversary, secrets, leaks and timing: as in ExactBernoulli.swift; here the number of
//   words drawn also depends on the scores, which is why answers leave on a time grid.

/// Chooses one of several candidates, a better one more likely, without telling the scores.
///
/// With scores of sensitivity Δ one choice costs ε = Δ · 2 · rate; it is never worse than the exponential
/// mechanism at the same ε (McKenna and Sheldon, Theorem 2), and needs no floating point (Proof.md §5).
package enum PermuteAndFlip {
    /// The place of the chosen candidate.
    ///
    /// - Parameters:
    ///   - penalties: how much worse than perfect each candidate is; not empty.
    ///   - sensitivity: the most one person can change one penalty.
    ///   - epsilonMicros: the price, in millionths of ε.
    package static func choose(
        penalties: [UInt64], sensitivity: UInt64, epsilonMicros: UInt64,
        using random: inout some RandomNumberGenerator
    ) -> Int {
        guard let best = penalties.min() else { preconditionFailure("nothing to choose from") }
        let denominator = 2 * UInt128(sensitivity) * 1_000_000
        // A uniformly random order, one place at a time (Fisher and Yates); the best candidate always accepts.
        var order = Array(penalties.indices)
        for place in order.indices {
            let rest = UInt128(order.count - place)
            order.swapAt(place, place + Int(ExactSampler.uniform(below: rest, using: &random)))
            let loss = UInt128(penalties[order[place]] - best) * UInt128(epsilonMicros)
            if ExactSampler.bernoulliExp(minus: loss, over: denominator, using: &random) { return order[place] }
        }
        preconditionFailure("the best candidate accepts with certainty")
    }
}
