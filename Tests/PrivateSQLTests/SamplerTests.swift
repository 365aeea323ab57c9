// SPDX-License-Identifier: Apache-2.0

import Foundation
import Noise
import Primitives
import Testing

/// Whether the long forms are asked for.
let isSoak = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == "1"

/// Draws in CI; `HUTONG_SOAK=1` draws two hundred times as many.
let drawCount = isSoak ? 10_000_000 : 50_000

/// The long form says what it saw: the report of an audit is its numbers.
func reportAudit(_ what: String, claim: Double, seen: Double, runs: Int) {
    if isSoak { print("audit: \(what), claim \(claim), seen \(seen), \(runs) runs on each of two neighbors") }
}

@Suite("Sampler")
struct SamplerTests {
    /// χ² of counts against exact probabilities, cells of at least 5 expected; compared with mean + 5
    /// deviations.
    private func isFitting(_ draws: [Int64], _ probability: (Int64) -> Double, reach: Int64) -> Bool {
        var counts: [Int64: Int] = [:]
        for draw in draws { counts[max(-reach, min(reach, draw)), default: 0] += 1 }
        var statistic = 0.0
        var cells = 0.0
        for value in (-reach + 1)..<reach {
            let expected = probability(value) * Double(draws.count)
            guard expected >= 5 else { continue }
            let distance = Double(counts[value] ?? 0) - expected
            statistic += distance * distance / expected
            cells += 1
        }
        return statistic <= cells + 5 * (2 * cells).squareRoot()
    }

    @Test(
        "discrete Laplace has exactly its probabilities",
        arguments: [(1, 1), (1, 3), (2, 5), (1, 20), (7, 2)]
    )
    func laplace(_ rate: (UInt64, UInt64)) throws {
        let noise = try #require(DiscreteLaplace(rate: rate.0, over: rate.1))
        var random = SeededRandom(seed: 42)
        let draws = (0..<drawCount).map { _ in noise.draw(using: &random) }
        let decay = exp(-Double(rate.0) / Double(rate.1))
        #expect(
            isFitting(draws, { (1 - decay) / (1 + decay) * pow(decay, Double($0.magnitude)) }, reach: 200)
        )
    }

    @Test("discrete Gaussian has exactly its probabilities", arguments: [1, 2, 7, 100, 2500])
    func gaussian(_ variance: UInt64) throws {
        let noise = try #require(DiscreteGaussian(variance: variance))
        var random = SeededRandom(seed: 43)
        let draws = (0..<drawCount).map { _ in noise.draw(using: &random) }
        let total = (-2000...2000).reduce(0.0) { $0 + exp(-Double($1 * $1) / (2 * Double(variance))) }
        #expect(isFitting(draws, { exp(-Double($0 * $0) / (2 * Double(variance))) / total }, reach: 400))
    }

    @Test("the goodness-of-fit test catches a sampler whose zero is counted twice")
    func catchesBrokenSampler() throws {
        let noise = try #require(DiscreteLaplace(rate: 1, over: 3))
        var random = SeededRandom(seed: 44)
        // The classic mistake: a sign drawn for a magnitude that may be zero.
        let draws = (0..<drawCount).map { _ in
            let magnitude = noise.draw(using: &random).magnitude
            return Bool.random(using: &random)
                ? Int64(magnitude) : -Int64(magnitude) - (magnitude == 0 ? 1 : 0)
        }
        let decay = exp(-1.0 / 3)
        #expect(
            !isFitting(draws, { (1 - decay) / (1 + decay) * pow(decay, Double($0.magnitude)) }, reach: 200)
        )
    }

    @Test(
        "a coin of probability exp(−γ) falls as often as that",
        arguments: [(0, 1), (1, 3), (1, 1), (5, 2), (40, 1)]
    )
    func coin(_ rate: (UInt64, UInt64)) {
        var random = SeededRandom(seed: 45)
        var heads = 0.0
        for _ in 0..<drawCount {
            let falls = ExactSampler.bernoulliExp(
                minus: UInt128(rate.0),
                over: UInt128(rate.1),
                using: &random
            )
            heads += falls ? 1 : 0
        }
        let expected = exp(-Double(rate.0) / Double(rate.1))
        let deviation = (expected * (1 - expected) / Double(drawCount)).squareRoot()
        #expect(abs(heads / Double(drawCount) - expected) <= 5 * deviation + 1e-9)
    }

    @Test("wide noise lies on its lattice, so low bits tell nothing of the value")
    func lattice() throws {
        let noise = try #require(
            LatticeNoise.gaussian(sensitivity: 1 << 40, coordinates: 10, rhoNanos: 1_000)
        )
        #expect(noise.step > 1)
        var random = SeededRandom(seed: 46)
        for value: Int64 in [0, 1, 12345, -98765, 1 << 50] {
            let told = try #require(noise.released(value, using: &random))
            #expect(told % Int64(noise.step) == 0)
        }
    }

    @Test("logarithms and roots are never rounded in the analyst's favor")
    func rounding() throws {
        for value: UInt64 in [1, 2, 3, 10, 1000, 123_456_789, 1 << 62] {
            let nanos = Double(RoundedUpLogarithm.nanos(of: value))
            #expect(nanos >= log(Double(value)) * 1e9 - 1e-3 && nanos <= log(Double(value)) * 1e9 + 1000)
        }
        for root: UInt64 in [0, 1, 2, 99, 1 << 31] {
            #expect((root * root).squareRootFloor == root && (root * root + 1).squareRootCeiling == root + 1)
        }
        let delta = try #require(Delta(exponent: 6))
        for micros: UInt64 in [1_000, 100_000, 1_000_000, 5_000_000] {
            let rho = PrivacyLoss.rhoNanos(within: micros, delta)
            #expect(PrivacyLoss.epsilonMicros(of: rho, delta) <= micros)
            #expect(PrivacyLoss.epsilonMicros(of: rho + rho / 100 + 2, delta) > micros)
        }
    }
}

/// An empirical lower bound of ε: how far apart a mechanism's outputs on two neighboring inputs are seen to
/// be.
struct PrivacyAudit {
    /// ln of the greatest ratio of two events' probabilities that the counts show at about 99.9 % confidence
    /// (Clopper and Pearson, by a normal bound), over all half lines and points.
    static func epsilonLowerBound(_ one: [Int64], _ two: [Int64], delta: Double = 0) -> Double {
        let values = Set(one.prefix(2000)).union(two.prefix(2000)).sorted()
        let sortedOne = one.sorted(), sortedTwo = two.sorted()
        func below(_ sorted: [Int64], _ value: Int64) -> Double {
            var low = 0, high = sorted.count
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle] < value { low = middle + 1 } else { high = middle }
            }
            return Double(low)
        }
        var best = 0.0
        for value in values {
            let counts = (below(sortedOne, value), below(sortedTwo, value))
            let points = (below(sortedOne, value + 1) - counts.0, below(sortedTwo, value + 1) - counts.1)
            for (first, second) in [
                counts, points, (Double(one.count) - counts.0, Double(two.count) - counts.1),
            ] {
                best = max(best, bound(first, Double(one.count), second, Double(two.count), delta))
                best = max(best, bound(second, Double(two.count), first, Double(one.count), delta))
            }
        }
        return best
    }

    private static func bound(
        _ hits: Double,
        _ runs: Double,
        _ others: Double,
        _ otherRuns: Double,
        _ delta: Double
    ) -> Double {
        // 4.9 deviations either way leave room for the thousands of events that are tried.
        let low = max(0, hits - 4.9 * (hits + 1).squareRoot() - 1) / runs - delta
        let high = (others + 4.9 * (others + 1).squareRoot() + 12) / otherRuns
        return low > 0 ? log(low / high) : 0
    }
}

@Suite("Privacy audit")
struct PrivacyAuditTests {
    private func draws(_ seed: UInt64, _ draw: (inout SeededRandom) -> Int64) -> [Int64] {
        var random = SeededRandom(seed: seed)
        return (0..<drawCount).map { _ in draw(&random) }
    }

    @Test("no mechanism is seen to cost more than it claims", arguments: [200_000, 1_000_000, 2_000_000])
    func mechanisms(_ epsilonMicros: UInt64) throws {
        let claim = Double(epsilonMicros) / 1e6
        let laplace = try #require(
            LatticeNoise.laplace(sensitivity: 3, coordinates: 1, epsilonMicros: epsilonMicros)
        )
        let seen = PrivacyAudit.epsilonLowerBound(
            draws(1) { laplace.released(100, using: &$0) ?? 0 },
            draws(2) { laplace.released(103, using: &$0) ?? 0 }
        )
        reportAudit("Laplace", claim: claim, seen: seen, runs: drawCount)
        #expect(seen <= claim && seen > claim * 0.5, "Laplace: \(seen) of \(claim)")

        let delta = try #require(Delta(exponent: 5))
        let rho = PrivacyLoss.rhoNanos(within: epsilonMicros, delta)
        let gaussian = try #require(LatticeNoise.gaussian(sensitivity: 3, coordinates: 1, rhoNanos: rho))
        let seenGaussian = PrivacyAudit.epsilonLowerBound(
            draws(3) { gaussian.released(100, using: &$0) ?? 0 },
            draws(4) { gaussian.released(103, using: &$0) ?? 0 },
            delta: 1e-5
        )
        reportAudit("Gaussian", claim: claim, seen: seenGaussian, runs: drawCount)
        #expect(seenGaussian <= claim, "Gaussian: \(seenGaussian) of \(claim)")

        func choose(_ penalties: [UInt64]) -> (inout SeededRandom) -> Int64 {
            {
                Int64(
                    PermuteAndFlip.choose(
                        penalties: penalties,
                        sensitivity: 1,
                        epsilonMicros: epsilonMicros,
                        using: &$0
                    )
                )
            }
        }
        let seenChoice = PrivacyAudit.epsilonLowerBound(
            draws(5, choose([0, 1, 2, 3, 4])),
            draws(6, choose([1, 0, 1, 2, 3]))
        )
        reportAudit("permute and flip", claim: claim, seen: seenChoice, runs: drawCount)
        #expect(seenChoice <= claim, "permute and flip: \(seenChoice) of \(claim)")

        func sparse(_ values: [Int64]) -> (inout SeededRandom) -> Int64 {
            { random in
                guard
                    var run = AboveThreshold(
                        threshold: 5,
                        sensitivity: 1,
                        epsilonMicros: epsilonMicros,
                        using: &random
                    )
                else { return -1 }
                return Int64(values.firstIndex { run.reaches($0, using: &random) == true } ?? values.count)
            }
        }
        let seenSparse = PrivacyAudit.epsilonLowerBound(
            draws(7, sparse([4, 4, 6, 4])),
            draws(8, sparse([5, 5, 5, 5]))
        )
        reportAudit("sparse vector", claim: claim, seen: seenSparse, runs: drawCount)
        #expect(seenSparse <= claim, "sparse vector: \(seenSparse) of \(claim)")
    }

    @Test("a mechanism with half the noise it owes is caught: the test of the test")
    func catchesBrokenMechanism() throws {
        let broken = try #require(
            LatticeNoise.laplace(sensitivity: 1, coordinates: 1, epsilonMicros: 1_000_000)
        )
        // The value moves by 3 and the noise was made for 1.
        let seen = PrivacyAudit.epsilonLowerBound(
            draws(1) { broken.released(100, using: &$0) ?? 0 },
            draws(2) { broken.released(103, using: &$0) ?? 0 }
        )
        reportAudit(
            "Laplace with a third of its noise (broken on purpose)", claim: 1, seen: seen, runs: drawCount)
        #expect(seen > 1.5)
    }

    @Test("a sparse vector that never stops is caught: six published variants were wrong")
    func catchesBrokenSparseVector() throws {
        func broken(_ values: [Int64]) -> (inout SeededRandom) -> Int64 {
            { random in
                // Threshold noise, but none on the questions (Stoddard et al., as listed by Lyu, Su and Li).
                guard let noise = DiscreteLaplace(sensitivity: 2, epsilonMicros: 1_000_000) else { return -1 }
                let threshold = 5 + noise.draw(using: &random)
                return values.reduce(0) { $0 << 1 | ($1 >= threshold ? 1 : 0) }
            }
        }
        // Neighbors: one count one higher, another one lower. Only one input can answer "above, below" in
        // that order.
        let seen = PrivacyAudit.epsilonLowerBound(draws(1, broken([5, 4])), draws(2, broken([4, 5])))
        reportAudit(
            "sparse vector without question noise (broken on purpose)", claim: 1, seen: seen, runs: drawCount)
        #expect(seen > 1.2)
    }
}
