// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5; Sources/Kernels/Noise/Proof.md §7, §8. Secret: `rows`, `stream`. What leaves is
// a function of noised components (or of exact ones that pass their guard) and public parameters.
// Timing: depends on the number of groups; answers leave on a time grid.

import Noise
import Primitives
import Tables

/// The engine's rows are not those of the plan: our defect, told without a value.
package struct ReleaseFailure: Error, Hashable, Sendable {
    package let what: String
}

extension TableRelease {
    /// The released table. `answers` are the relations' rows, in the order of `relations`.
    func released(
        _ answers: [[[TableValue]]], withholding withheld: Set<[TableValue]>, using stream: inout some RandomNumberGenerator
    ) throws(ReleaseFailure) -> ReleasedTable {
        guard answers.count == relations.count else { throw ReleaseFailure(what: "relations") }
        let names = keys.map(\.name) + measures.indices.map { "#m\($0)" }
        var rows: [[ReleasedCell]] = []
        var hidden = 0
        let selections = try histograms.indices.map { place throws(ReleaseFailure) in
            try binCounts(answers[1 + place], histograms[place])
        }
        let contributions = try contributionsByKey(contributions == nil ? [] : answers[answers.count - 1])
        for cell in try cells(answers[0]) {
            let outcome = try tell(cell, contributions[cell.key] ?? [], using: &stream)
            guard case .told(let values) = outcome, !withheld.contains(cell.key) else {
                // A key that nobody published must not be told either.
                if keysArePublic {
                    rows.append(cell.key.map { ReleasedCell($0) } + measures.map { _ in .suppressed })
                } else if case .minimumGroup = guarding {
                    hidden += 1
                }
                continue
            }
            let choices = try histograms.indices.map { place throws(ReleaseFailure) in
                choose(selections[place][cell.key] ?? [:], histograms[place], using: &stream)
            }
            rows.append(
                cell.key.map { ReleasedCell($0) }
                    + measures.map { $0.told(values, choices, histograms, rounding: rounding) })
        }
        return ReleasedTable(
            names: names.map { .init(qualifier: "", name: $0) }, rows: rows, hiddenGroups: hidden)
    }

    private var keysArePublic: Bool { keys.allSatisfy { $0.values != nil } }

    private var rounding: Int {
        if case .minimumGroup(let rule, _) = guarding { rule.rounding } else { 1 }
    }

    // MARK: Cells

    private struct Cell {
        let key: [TableValue]
        /// The components, then the people under a minimum group; `nil` where a component has no value.
        let values: [Int64?]
    }

    /// Every cell in one order: of the public lists all combinations, else the groups that exist, by their keys.
    private func cells(_ rows: [[TableValue]]) throws(ReleaseFailure) -> [Cell] {
        var found: [[TableValue]: [Int64?]] = [:]
        for row in rows {
            guard row.count >= keys.count + components.count else { throw ReleaseFailure(what: "columns") }
            var values: [Int64?] = []
            for value in row[keys.count...] {
                switch value {
                case .null: values.append(nil)
                case .integer(let number):
                    guard let small = Int64(exactly: number) else { throw ReleaseFailure(what: "integers") }
                    values.append(small)
                default: throw ReleaseFailure(what: "integers")
                }
            }
            found[Array(row[..<keys.count])] = values
        }
        guard keysArePublic else {
            return found.sorted { $0.key.precedes($1.key) }.map { Cell(key: $0.key, values: $0.value) }
        }
        let width = components.count + (isCounted ? 1 : 0)
        var combinations: [[TableValue]] = [[]]
        for key in keys { combinations = combinations.flatMap { prefix in (key.values ?? []).map { prefix + [$0] } } }
        return combinations.map { Cell(key: $0, values: found[$0] ?? Array(repeating: 0, count: width)) }
    }

    private var isCounted: Bool { if case .minimumGroup = guarding { true } else { false } }

    private func contributionsByKey(
        _ rows: [[TableValue]]
    ) throws(ReleaseFailure) -> [[TableValue]: [(greatest: Int64, total: Int64)]] {
        var byKey: [[TableValue]: [(greatest: Int64, total: Int64)]] = [:]
        for row in rows {
            let numbers = row[keys.count...].map { value in
                if case .integer(let number) = value { Int64(clamping: number) } else { Int64(0) }
            }
            byKey[Array(row[..<keys.count])] = stride(from: 0, to: numbers.count - 1, by: 2).map {
                (numbers[$0], numbers[$0 + 1])
            }
        }
        return byKey
    }

    // MARK: Protection

    private enum Outcome {
        case told([NoisyComponent?])
        case suppressed
    }

    /// Noise, or the guard: the only place where an exact component becomes one that may be told.
    private func tell(
        _ cell: Cell, _ contributions: [(greatest: Int64, total: Int64)], using stream: inout some RandomNumberGenerator
    ) throws(ReleaseFailure) -> Outcome {
        switch guarding {
        case .publicKeys, .threshold:
            var told: [NoisyComponent?] = []
            for (component, value) in zip(components, cell.values) {
                guard let noise = component.noise, let noisy = noise.released(value ?? 0, using: &stream) else {
                    throw ReleaseFailure(what: "noise")
                }
                told.append(NoisyComponent(value: noisy, noise: noise))
            }
            if case .threshold(let place, let threshold) = guarding, told[place]?.value ?? 0 < threshold {
                return .suppressed
            }
            return .told(told)
        case .minimumGroup(let rule, let dominance):
            guard let people = cell.values.last, people ?? 0 >= Int64(rule.minimum) else { return .suppressed }
            var told = cell.values.dropLast().map { $0.map { NoisyComponent(value: $0, noise: nil) } }
            for (part, place) in zip(contributions, dominance) {
                let permille = Int128(rule.dominancePermille ?? 1000)
                if Int128(part.greatest) * 1000 > Int128(part.total) * permille { told[place] = nil }
            }
            return .told(told)
        }
    }

    // MARK: Quantiles

    private func binCounts(
        _ rows: [[TableValue]], _ histogram: Histogram
    ) throws(ReleaseFailure) -> [[TableValue]: [Int: UInt64]] {
        var counts: [[TableValue]: [Int: UInt64]] = [:]
        for row in rows {
            guard row.count == keys.count + 2, case .integer(let bin) = row[keys.count],
                case .integer(let count) = row[keys.count + 1], (0..<Int128(histogram.bins)).contains(bin)
            else { throw ReleaseFailure(what: "bins") }
            counts[Array(row[..<keys.count]), default: [:]][Int(bin)] = UInt64(clamping: count)
        }
        return counts
    }

    /// The bin edge whose rank is nearest to the wanted one: privately, or exactly under a minimum group.
    private func choose(
        _ counts: [Int: UInt64], _ histogram: Histogram, using stream: inout some RandomNumberGenerator
    ) -> Int64 {
        let total = counts.values.reduce(0, +)
        let wanted = UInt128(total) * UInt128(histogram.rankBasisPoints)
        var below: UInt64 = 0
        var penalties: [UInt64] = []
        for bin in 0...histogram.bins {
            let rank = UInt128(below) * 10_000
            penalties.append(UInt64(clamping: rank > wanted ? rank - wanted : wanted - rank))
            below += counts[bin] ?? 0
        }
        let bin: Int =
            if let epsilon = histogram.epsilonMicros {
                // Adding a person below an edge moves rank − q·n by at most max(q, 1 − q) ≤ 1.
                PermuteAndFlip.choose(
                    penalties: penalties, sensitivity: histogram.sensitivity * 10_000, epsilonMicros: epsilon,
                    using: &stream)
            } else {
                penalties.indices.min { penalties[$0] < penalties[$1] } ?? 0
            }
        return histogram.low + Int64(bin) * histogram.step
    }
}

extension [TableValue] {
    /// An order of keys that is the same every time.
    func precedes(_ other: [TableValue]) -> Bool {
        for (one, two) in zip(self, other) where one != two { return one.precedes(two) }
        return count < other.count
    }
}

extension TableValue {
    func precedes(_ other: TableValue) -> Bool {
        switch (self, other) {
        case (.null, _): other != .null
        case (_, .null): false
        case (.bool(let one), .bool(let two)): !one && two
        case (.integer(let one), .integer(let two)): one < two
        case (.day(let one), .day(let two)): one < two
        case (.timestamp(let one), .timestamp(let two)): one < two
        case (.text(let one), .text(let two)): one.utf8.lexicographicallyPrecedes(two.utf8)
        default: (approximate ?? 0) < (other.approximate ?? 0)
        }
    }
}
