// SPDX-License-Identifier: Apache-2.0
//
// Specification: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020
//   (CKS20), Algorithm 1. Proof.md beside this file says why each sampler has exactly its distribution.
// Adversary: sees released values and knows this code. Secret: the generator's words, hence every draw.
// Leaks by design: nothing but the value released. Timing: the number of words drawn depends on the noise, never
//   on the data; answers are released on a time grid (DESIGN.md), so the draw count is not seen.
// Vectors: Tests/PrivateSQLTests/SamplerTests.swift (goodness of fit against exact probabilities).

/// Draws from distributions exactly, with integers alone.
///
/// No floating point exists here, so there are no low bits to read (Mironov 2012) and no rounding of
/// probabilities. The generator is the caller's and must be cryptographic wherever a draw protects somebody.
package enum ExactSampler {
    /// A number below `bound`, every one equally likely. `bound` is at least 1.
    package static func uniform(
        below bound: UInt128, using random: inout some RandomNumberGenerator
    ) -> UInt128 {
        precondition(bound > 0, "there is no number below zero")
        if let small = UInt64(exactly: bound) { return UInt128(random.next(upperBound: small)) }
        // Rejection from the smallest power of two: fewer than two tries on average.
        let mask = UInt128.max >> UInt128((bound - 1).leadingZeroBitCount)
        while true {
            let word = (UInt128(random.next() as UInt64) << 64 | UInt128(random.next() as UInt64)) & mask
            if word < bound { return word }
        }
    }

    /// True with probability `numerator / denominator`, which is at most 1.
    package static func bernoulli(
        _ numerator: UInt128, over denominator: UInt128, using random: inout some RandomNumberGenerator
    ) -> Bool {
        precondition(numerator <= denominator, "a probability is at most one")
        return uniform(below: denominator, using: &random) < numerator
    }

    /// True with probability exp(−`numerator` / `denominator`). CKS20 Algorithm 1.
    package static func bernoulliExp(
        minus numerator: UInt128, over denominator: UInt128, using random: inout some RandomNumberGenerator
    ) -> Bool {
        precondition(denominator > 0, "a rate has a denominator")
        let (whole, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
        // exp(−γ) = exp(−1)^⌊γ⌋ · exp(−(γ − ⌊γ⌋)); the first failure decides.
        var units = whole
        while units > 0 {
            guard bernoulliExpOfUnit(1, over: 1, using: &random) else { return false }
            units -= 1
        }
        return bernoulliExpOfUnit(rest, over: denominator, using: &random)
    }

    /// CKS20 Algorithm 1, the case γ ≤ 1: the first K at which Bernoulli(γ/K) fails is odd with probability e^−γ.
    private static func bernoulliExpOfUnit(
        _ numerator: UInt128, over denominator: UInt128, using random: inout some RandomNumberGenerator
    ) -> Bool {
        var place: UInt128 = 1
        // A place p is reached with probability 1/p!, so 64 is never seen; the product cannot overflow before.
        while uniform(below: denominator * place, using: &random) < numerator { place += 1 }
        return place & 1 == 1
    }
}
