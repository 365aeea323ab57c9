// SPDX-License-Identifier: Apache-2.0
//
// Specification: Dwork, Roth, "The Algorithmic Foundations of Differential Privacy" (2014), Algorithm 1
//   (AboveThreshold), with discrete Laplace noise; Lyu, Su, Li, "Understanding the Sparse Vector Technique" (2017)
//   lists six published variants that are not private: this one draws the threshold's noise once, draws fresh noise
//   for each question, tells no number and stops at the first "above".
// Adversary, secrets, leaks and timing: as in ExactBernoulli.swift.

/// Tells for one question after another whether its count reaches a threshold, and stops at the first that does.
///
/// The whole run costs ε once, however many questions stay below (Proof.md §6). A value: once it has
/// answered "above" it answers nothing more.
package struct AboveThreshold: Sendable {
    private let threshold: Int64
    private let questionNoise: DiscreteLaplace
    package private(set) var isSpent = false

    /// ε is split in halves: the threshold's noise has scale 2Δ/ε, each question's 4Δ/ε. `nil` for bounds that
    /// cannot be drawn.
    package init?(
        threshold: Int64, sensitivity: UInt64, epsilonMicros: UInt64, using random: inout some RandomNumberGenerator
    ) {
        guard sensitivity < 1 << 40, threshold.magnitude < 1 << 61,
            let thresholdNoise = DiscreteLaplace(sensitivity: 2 * sensitivity, epsilonMicros: epsilonMicros),
            let questionNoise = DiscreteLaplace(sensitivity: 4 * sensitivity, epsilonMicros: epsilonMicros)
        else { return nil }
        self.questionNoise = questionNoise
        self.threshold = threshold + thresholdNoise.draw(using: &random)
    }

    /// Whether the value, with noise, reaches the noisy threshold; `nil` once the run is spent.
    package mutating func reaches(_ value: Int64, using random: inout some RandomNumberGenerator) -> Bool? {
        guard !isSpent else { return nil }
        let (noisy, overflow) = value.addingReportingOverflow(questionNoise.draw(using: &random))
        isSpent = !overflow && noisy >= threshold
        return isSpent
    }
}
