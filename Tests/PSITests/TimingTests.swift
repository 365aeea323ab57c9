// SPDX-License-Identifier: Apache-2.0

import Curves
import Foundation
import Oblivious
import Primitives
import Testing

/// Reparaz, Balasch and Verbauwhede 2017 ("Dude, is my code constant time?"): the same work on one fixed secret and on
/// fresh ones, by turns; Welch's t of the two populations. Reported, as a shared machine makes its own noise; a
/// difference that any machine would show fails.
@Suite("Timing of secrets", .serialized)
struct TimingTests {
    private static let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == "1" ? 100_000 : 2_000

    @Test(
        "a scalar product takes as long for a scalar of few bits as for any other",
        arguments: Lanes.allCases.filter(\.areThere))
    func scalarProducts(lanes: Lanes) {
        var random = SeededRandom(seed: 1)
        var few = [UInt8](repeating: 0, count: 32)
        few[0] = 8
        let point = (0..<8).flatMap { _ in [9] + [UInt8](repeating: 0, count: 31) }
        let rounds = lanes == .one ? Self.rounds / 4 : Self.rounds
        let t = Self.welch(rounds: rounds) { isFixed in
            let scalar = isFixed ? few : (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            return {
                var elements = lanes == .one ? Array(point.prefix(32)) : point
                MontgomeryBatch.multiply(&elements, by: scalar, in: lanes)
            }
        }
        Self.report("scalar product, lanes \(lanes)", t)
        #expect(abs(t) < 100)
    }

    @Test("a store decodes for the same rows as for any others of that number in the same time")
    func decoding() {
        var random = SeededRandom(seed: 2)
        let columns = BlockKernels.columns(rows: 256)
        let store = Blocks((0..<columns + 256).map { _ in Block.random(using: &random) })
        let fixed = Blocks((0..<256).map { _ in Block.random(using: &random) })
        let sorted = BlockKernels.sorted(fixed).0
        let t = Self.welch(rounds: Self.rounds / 2) { isFixed in
            let rows =
                isFixed
                ? sorted : BlockKernels.sorted(Blocks((0..<256).map { _ in Block.random(using: &random) })).0
            return { _ = BlockKernels.decode(store, columns: columns, rows: rows, key: Block(1, 2)) }
        }
        Self.report("store decode", t)
        #expect(abs(t) < 100)
    }

    /// Samples beyond the slower tenth are cut, as interruptions of the process are not its own time.
    private static func welch(rounds: Int, _ prepare: (_ isFixed: Bool) -> () -> Void) -> Double {
        var samples: [[Double]] = [[], []]
        var coin = SeededRandom(seed: 9)
        for _ in 0..<2 * rounds {
            let isFixed = coin.next() & 1 == 0
            let work = prepare(isFixed)
            let begun = ContinuousClock.now
            work()
            samples[isFixed ? 0 : 1].append(begun.duration(to: .now) / .nanoseconds(1))
        }
        let all = (samples[0] + samples[1]).sorted()
        let most = all[all.count * 9 / 10]
        let (first, second) = (moments(samples[0], most), moments(samples[1], most))
        return (first.mean - second.mean)
            / (first.variance / first.count + second.variance / second.count).squareRoot()
    }

    private static func moments(_ samples: [Double], _ most: Double) -> (
        mean: Double, variance: Double, count: Double
    ) {
        let kept = samples.filter { $0 <= most }
        let mean = kept.reduce(0, +) / Double(kept.count)
        let variance = kept.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, kept.count - 1))
        return (mean, max(variance, 1e-9), Double(kept.count))
    }

    private static func report(_ what: String, _ t: Double) {
        print("timing of \(what): t = \((t * 10).rounded() / 10)")
    }
}
