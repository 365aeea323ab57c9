// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5. Public: the whole plan (both sides sign its digest). Secret: nothing
// in it.

package import Noise
package import Primitives
package import Tables

/// What will be done to answer a question: computed from the question, the rules and the schema alone, before
/// a row is read. Named by its digest; the same plan on the same version with the same seed gives the same
/// bytes.
package struct ReleasePlan: Hashable, Sendable {
    /// The tables that the rows release, each by one or more relations.
    package let releases: [TableRelease]
    /// What is then computed from released values alone.
    package let final: FinalQuery
    package let cost: PrivacyCost
    package let rulesDigest: Digest
    package let rowsMax: Int
    /// The plan that this one is run for, where they differ in what they assume of the rows and in nothing else.
    var standsFor: Digest?

    /// SHA-256 over everything that decides the answer.
    package var digest: Digest {
        if let standsFor { return standsFor }
        let parts =
            releases.map(\.canonicalText) + [
                final.canonicalText, cost.canonicalText, rulesDigest.hex, "\(rowsMax)",
            ]
        return Digest(of: parts.joined(separator: "\n"))
    }

    /// Whether some figures are exact ones over groups of more than one, so that answers must be compared.
    package var isCompared: Bool { releases.contains { $0.answered != nil } }

    /// The tables whose rows are read.
    package var tables: Set<String> { releases.reduce(into: []) { $0.formUnion($1.tables) } }
}

/// What an answer takes from the privacy budget. Zero under a minimum-group rule.
package struct PrivacyCost: Hashable, Sendable {
    /// ε in millionths: exactly what the rules ask for a question.
    package let epsilonMicros: UInt64
    /// `nil`: pure ε.
    package let delta: Delta?
    /// The same loss as ρ in billionths, for composition; rounded up.
    package let rhoNanos: UInt64
    /// Whether ε alone bounds the noise, without ρ: discrete Laplace and selections only.
    package let isPure: Bool
    /// What unlisted groups add to δ, beside the conversion from ρ.
    package let groupsDelta: Delta?

    package static let none = PrivacyCost(
        epsilonMicros: 0,
        delta: nil,
        rhoNanos: 0,
        isPure: true,
        groupsDelta: nil
    )

    init(epsilonMicros: UInt64, delta: Delta?, rhoNanos: UInt64, isPure: Bool, groupsDelta: Delta?) {
        self.epsilonMicros = epsilonMicros
        self.delta = delta
        self.rhoNanos = rhoNanos
        self.isPure = isPure
        self.groupsDelta = groupsDelta
    }

    /// A price as it is stored; by default a pure ε.
    package init(
        epsilonMicros: UInt64,
        rhoNanos: UInt64? = nil,
        isPure: Bool = true,
        deltaExponent: Int? = nil,
        groupsDeltaExponent: Int? = nil
    ) {
        self.init(
            epsilonMicros: epsilonMicros,
            delta: deltaExponent.flatMap { Delta(exponent: $0) },
            rhoNanos: rhoNanos ?? PrivacyLoss.rhoNanos(ofPure: epsilonMicros),
            isPure: isPure,
            groupsDelta: groupsDeltaExponent.flatMap { Delta(exponent: $0) }
        )
    }

    package var deltaExponent: Int? { delta?.exponent }
    package var groupsDeltaExponent: Int? { groupsDelta?.exponent }

    /// ε as a decimal, such as `0.5`.
    package var epsilon: ExactDecimal {
        ExactDecimal(numeral: "\(ExactDecimal(unscaled: Int128(epsilonMicros), scale: 6))")
            ?? ExactDecimal(unscaled: Int128(epsilonMicros), scale: 6)
    }

    package var epsilonText: String { epsilon.description }

    /// `ε 0.5` or `ε 0.5, δ 1e-7`.
    package var written: String { "ε \(epsilon)" + (delta.map { ", δ 1e-\($0.exponent)" } ?? "") }

    package var json: JSON {
        [
            "epsilon": .number(epsilon.approximate),
            "delta": .number(delta.map { 1 / Double($0.reciprocal) } ?? 0),
            "epsilonMicros": .integer(Int64(epsilonMicros)), "rhoNanos": .integer(Int64(rhoNanos)),
            "deltaExponent": delta.map { .integer(Int64($0.exponent)) } ?? .null,
            "groupsDeltaExponent": groupsDelta.map { .integer(Int64($0.exponent)) } ?? .null,
            "pure": .bool(isPure),
        ]
    }

    var canonicalText: String {
        let deltas = [delta, groupsDelta].map { $0.map { "\($0.exponent)" } ?? "-" }
        return "cost \(epsilonMicros) \(deltas.joined(separator: " ")) \(rhoNanos) \(isPure)"
    }
}

/// One aggregated SELECT over rows: how its cells are computed, protected and told.
package struct TableRelease: Hashable, Sendable {
    /// Columns: the keys, then the components, then what the guards need, in this order.
    package let relation: Relation
    package let keys: [KeyColumn]
    package let components: [Component]
    package let measures: [Figure]
    package let guarding: Guarding

    package struct KeyColumn: Hashable, Sendable {
        package let name: String
        package let type: ColumnType
        /// The public list of its values.
        package let values: [TableValue]?
    }

    /// A coordinate of the released vector: an exact integer until noise is added.
    package struct Component: Hashable, Sendable {
        package let name: String
        /// `nil` under a minimum-group rule.
        package let noise: LatticeNoise?
        /// The most one person can change it in one group.
        package let sensitivity: UInt64
    }

    /// A figure of the answer, computed from components.
    package enum Figure: Hashable, Sendable {
        case count(Int)
        /// A component in units of 10^−digits.
        case sum(Int, digits: Int)
        /// `center` + sum / count, kept within the bounds.
        case mean(sum: Int, count: Int, center: Int64, digits: Int, bounds: ClosedRange<Int64>)
        /// Of y = (x − center) / step: E y² − (E y)², times step²; `root`: its square root. Both for samples.
        case variance(squares: Int, sum: Int, count: Int, step: Int64, digits: Int, root: Bool)
        /// By `histograms[Int]`.
        case quantile(Int)
        /// Told as it is (open data only).
        case extreme(Int, digits: Int)
    }

    /// Counts by key and bin, from which quantiles are chosen.
    package struct Histogram: Hashable, Sendable {
        package let relation: Relation
        package let low: Int64
        package let step: Int64
        package let bins: Int
        package let digits: Int
        /// The wanted rank in hundredths of a per cent.
        package let rankBasisPoints: Int
        /// The most one person can change one bin of one group.
        package let sensitivity: UInt64
        /// The price of one choice; `nil`: the exact one.
        package let epsilonMicros: UInt64?
    }

    package let histograms: [Histogram]
    /// By key: for each dominance-guarded component the greatest contribution of one person and the total of
    /// all.
    package let contributions: Relation?
    /// What later questions are compared with, so that differences of answers tell of nobody.
    let answered: AnsweredCells?

    /// Which cells are told.
    package enum Guarding: Hashable, Sendable {
        /// Every cell of the public lists.
        case publicKeys
        /// Cells whose noisy number of people (a component) reaches the threshold.
        case threshold(component: Int, Int64)
        /// Cells of at least `minimum` people (the column after the components), none of whom dominates one
        /// of these components (in the order of `contributions`).
        case minimumGroup(GroupProtection, dominance: [Int])
    }

    /// Every relation this release runs, the main one first.
    package var relations: [Relation] {
        [relation] + histograms.map(\.relation) + (contributions.map { [$0] } ?? [])
    }
    var tables: Set<String> { relations.reduce(into: []) { $0.formUnion($1.tables) } }

    var canonicalText: String {
        let keyTexts = keys.map { key in
            "\(key.name.quotedLiteral):\(key.type.name):\((key.values ?? []).map { $0.written ?? "null" })"
        }
        let componentTexts = components.map {
            "\($0.name):\($0.sensitivity):\($0.noise?.canonicalText ?? "exact")"
        }
        let histogramTexts = histograms.map {
            "\($0.relation.canonicalText) \($0.low) \($0.step) \($0.bins) \($0.digits) \($0.rankBasisPoints)"
                + " \($0.sensitivity) \($0.epsilonMicros.map(String.init) ?? "exact")"
        }
        return
            ([relation.canonicalText] + keyTexts + componentTexts + measures.map(\.canonicalText)
            + histogramTexts
            + [guarding.canonicalText, contributions?.canonicalText ?? "-"]).joined(separator: "\n")
    }
}

extension LatticeNoise {
    var canonicalText: String {
        switch shape {
        case .laplace(let noise): "laplace \(noise.rateNumerator)/\(noise.rateDenominator) step \(step)"
        case .gaussian(let noise): "gaussian \(noise.variance) step \(step)"
        }
    }
}

extension TableRelease.Figure {
    var canonicalText: String {
        switch self {
        case .count(let place): "count \(place)"
        case .sum(let place, let digits): "sum \(place) \(digits)"
        case .mean(let sum, let count, let center, let digits, let bounds):
            "mean \(sum) \(count) \(center) \(digits) \(bounds.lowerBound) \(bounds.upperBound)"
        case .variance(let squares, let sum, let count, let step, let digits, let root):
            "variance \(squares) \(sum) \(count) \(step) \(digits) \(root)"
        case .quantile(let place): "quantile \(place)"
        case .extreme(let place, let digits): "extreme \(place) \(digits)"
        }
    }
}

extension TableRelease.Guarding {
    var canonicalText: String {
        switch self {
        case .publicKeys: "public"
        case .threshold(let component, let threshold): "threshold \(component) \(threshold)"
        case .minimumGroup(let rule, let dominance):
            "minimum \(rule.minimum) \(rule.dominancePermille ?? 0) \(rule.rounding) \(dominance)"
        }
    }
}
