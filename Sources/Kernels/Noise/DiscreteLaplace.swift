// SPDX-License-Identifier: Apache-2.0
//
// Specification: CKS20 (see ExactBernoulli.swift), Algorithm 2. Adversary, secrets, leaks and timing: as there.

/// Integer noise X with P(X = x) proportional to exp(−|x| · `rateNumerator` / `rateDenominator`).
///
/// Adding it to an integer of L1 sensitivity Δ costs ε = Δ · rateNumerator / rateDenominator, exactly (Proof.md §2).
package struct DiscreteLaplace: Hashable, Sendable {
    /// 1/scale = `rateNumerator` / `rateDenominator`.
    package let rateNumerator: UInt64
    package let rateDenominator: UInt64

    /// `nil` if either part is zero, or beyond 2^62 (the draw must fit into the integers).
    package init?(rate numerator: UInt64, over denominator: UInt64) {
        guard numerator > 0, denominator > 0, numerator < 1 << 62, denominator < 1 << 62 else { return nil }
        let divisor = numerator.greatestCommonDivisor(with: denominator)
        rateNumerator = numerator / divisor
        rateDenominator = denominator / divisor
    }

    /// The noise that makes a value of L1 sensitivity `sensitivity` cost `epsilonMicros` millionths of ε.
    package init?(sensitivity: UInt64, epsilonMicros: UInt64) {
        let (denominator, overflow) = sensitivity.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return nil }
        self.init(rate: epsilonMicros, over: denominator)
    }

    /// One draw.
    package func draw(using random: inout some RandomNumberGenerator) -> Int64 {
        let scale = UInt128(rateDenominator)
        while true {
            // |X| · s is geometric with rate 1/t: low part by rejection, high part by counting.
            let low = ExactSampler.uniform(below: scale, using: &random)
            guard ExactSampler.bernoulliExp(minus: low, over: scale, using: &random) else { continue }
            var high: UInt128 = 0
            while ExactSampler.bernoulliExp(minus: 1, over: 1, using: &random) { high += 1 }
            let magnitude = (low + scale * high) / UInt128(rateNumerator)
            let isNegative = random.next() & 1 as UInt64 == 1
            if isNegative && magnitude == 0 { continue }  // Zero is not counted twice.
            // Beyond 2^62 the probability is below exp(−2^62 / scale); such a draw is drawn again.
            guard magnitude < 1 << 62 else { continue }
            return isNegative ? -Int64(magnitude) : Int64(magnitude)
        }
    }
}
