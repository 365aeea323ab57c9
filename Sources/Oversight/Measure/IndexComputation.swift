// SPDX-License-Identifier: Apache-2.0

private import Foundation
package import Primitives

/// A table of figures: one line a unit (city, year), one column an indicator; absent where nobody knows.
package struct FigureTable: Sendable {
    package let units: [String]
    package let columns: [String: [Double?]]
    package let labels: [String: [String]]

    package init(units: [String], columns: [String: [Double?]], labels: [String: [String]] = [:]) {
        self.units = units
        self.columns = columns
        self.labels = labels
    }

    /// Reads a CSV with a header; the first column names the unit. Cells that are not numbers are labels. A column
    /// `year` makes several years of the same units comparable.
    package init(csv lines: [[String]]) {
        let header = lines.first ?? []
        let rows = lines.dropFirst().filter { $0.count == header.count }
        units = rows.map { $0[0] }
        var columns: [String: [Double?]] = [:]
        var labels: [String: [String]] = [:]
        for (place, name) in header.enumerated() {
            labels[name] = rows.map { $0[place] }
            columns[name] = rows.map { Double($0[place]) }
        }
        self.columns = columns
        self.labels = labels
    }

    /// The year of each line; the same for all where there is no such column.
    package var years: [String] { labels["year"] ?? Array(repeating: "", count: units.count) }

    /// The table with one cell changed, or `nil` where there is no such cell. Of several years the last is meant.
    package func changing(_ unit: String, _ column: String, to value: Double?) -> FigureTable? {
        guard let place = units.lastIndex(of: unit), var cells = columns[column] else { return nil }
        cells[place] = value
        return FigureTable(
            units: units, columns: columns.merging([column: cells]) { $1 }, labels: labels)
    }
}

/// Scores of every node for every unit, and ranks of the index. Running again gives the same bytes.
package struct IndexResult: Sendable {
    package let units: [String]
    /// The year of each unit's line; units are ranked within their year.
    package let years: [String]
    package let scores: [String: [Double?]]
    package let ranks: [Int?]
    /// Cells that were absent and what was done about them.
    package let imputed: Int
    package let treated: [String]
    /// Lowest and highest rank under changed weights.
    package let rankRanges: [ClosedRange<Int>?]
}

extension CompositeIndicator {
    /// Computes the index over a table. `sensitivityRuns` repeats it with weights changed by up to a quarter,
    /// from a fixed seed.
    package func compute(_ table: FigureTable, sensitivityRuns: Int = 200) throws(Problem) -> IndexResult {
        let (values, imputed, treated) = try prepared(table)
        let scores = aggregated(values, units: table.units.count) { $0 }
        let index = scores[groups.last?.id ?? ""] ?? []
        let ranks = Self.ranks(index, within: table.years)
        var ranges = ranks.map { $0.map { $0...$0 } }
        var random = SeededRandom(seed: 1)
        for _ in 0..<sensitivityRuns {
            let factors = (0..<indicators.count + groups.count).map { _ in
                Double.random(in: 0.75...1.25, using: &random)
            }
            let places = Dictionary(
                uniqueKeysWithValues: (indicators.map(\.id) + groups.map(\.id)).enumerated().map { ($1, $0) })
            let varied = aggregated(values, units: table.units.count) { member in
                (member.id, member.weight * (places[member.id].map { factors[$0] } ?? 1))
            }
            let variedRanks = Self.ranks(varied[groups.last?.id ?? ""] ?? [], within: table.years)
            for (unit, rank) in variedRanks.enumerated() {
                guard let rank, let range = ranges[unit] else { continue }
                ranges[unit] = min(range.lowerBound, rank)...max(range.upperBound, rank)
            }
        }
        return IndexResult(
            units: table.units, years: table.years, scores: scores, ranks: ranks, imputed: imputed,
            treated: treated, rankRanges: ranges)
    }

    private func prepared(_ table: FigureTable) throws(Problem) -> ([String: [Double?]], Int, [String]) {
        var values: [String: [Double?]] = [:]
        var imputed = 0
        var treated: [String] = []
        for indicator in indicators {
            guard var column = table.columns[indicator.id] else {
                throw Problem(.invalid, "measure.column-missing", ["column": .text(indicator.id)])
            }
            if let name = indicator.denominator {
                guard let below = table.columns[name] else {
                    throw Problem(.invalid, "measure.column-missing", ["column": .text(name)])
                }
                column = zip(column, below).map { value, below in
                    value.flatMap { value in below.map { value / $0 } }
                }
            }
            if missing == .groupMean, let labels = groupColumn.flatMap({ table.labels[$0] }) {
                imputed += column.count { $0 == nil }
                column = Self.imputed(column, labels)
            }
            if treatsOutliers, case .minMax = indicator.normalization {
                let (after, isChanged) = OutlierTreatment.treat(column)
                column = after
                if isChanged { treated.append(indicator.id) }
            }
            values[indicator.id] = Self.normalized(column, indicator)
        }
        return (values, imputed, treated)
    }

    private static func imputed(_ column: [Double?], _ labels: [String]) -> [Double?] {
        func mean(_ values: [Double]) -> Double? {
            values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        let overall = mean(column.compactMap(\.self))
        return column.indices.map { unit in
            column[unit] ?? mean(
                column.indices.filter { labels[$0] == labels[unit] }.compactMap { column[$0] }) ?? overall
        }
    }

    private static func normalized(_ column: [Double?], _ indicator: Indicator) -> [Double?] {
        switch indicator.normalization {
        case .minMax:
            let signed = column.map { value in value.map { indicator.isCost ? -$0 : $0 } }
            let known = signed.compactMap(\.self)
            guard let low = known.min(), let high = known.max(), high > low else {
                return signed.map { $0.map { _ in 50 } }
            }
            return signed.map { $0.map { ($0 - low) / (high - low) * 100 } }
        case .goalposts(let low, let high, let isLogarithmic):
            func scale(_ value: Double) -> Double { isLogarithmic ? log(value) : value }
            return column.map { value in
                value.map { (scale(min(max($0, low), high)) - scale(low)) / (scale(high) - scale(low)) }
            }
        }
    }

    private typealias Member = (id: String, weight: Double)

    private func aggregated(
        _ values: [String: [Double?]], units: Int, _ vary: (Member) -> Member
    ) -> [String: [Double?]] {
        var scores = values
        for group in groups {
            let members = weights(in: group.id).map(vary)
            scores[group.id] = (0..<units).map { unit in
                let known = members.compactMap { member in
                    (scores[member.id]?[unit]).flatMap { value in value.map { ($0, member.weight) } }
                }
                let sum = known.reduce(0) { $0 + $1.1 }
                guard sum > 0, missing == .skip || known.count == members.count else { return nil }
                switch group.aggregation {
                case .arithmetic: return known.reduce(0) { $0 + $1.0 * $1.1 / sum }
                case .geometric: return exp(known.reduce(0) { $0 + log(max($1.0, 1e-300)) * $1.1 / sum })
                }
            }
        }
        return scores
    }

    /// Equal scores share the better rank; a unit is compared with those of its year.
    static func ranks(_ scores: [Double?], within years: [String]) -> [Int?] {
        zip(scores, years).map { score, year in
            score.map { score in
                zip(scores, years).count { $0.1 == year && ($0.0 ?? -.infinity) > score } + 1
            }
        }
    }
}

/// Outliers as COINr treats them: passes if |skewness| < 2 or kurtosis < 3.5 (e1071 type 2).
enum OutlierTreatment {
    private static let winsorizedMax = 5

    static func treat(_ column: [Double?]) -> ([Double?], isChanged: Bool) {
        guard !passes(column) else { return (column, false) }
        var current = column
        for _ in 0..<winsorizedMax {
            current = winsorized(current)
            if passes(current) { return (current, true) }
        }
        let known = column.compactMap(\.self)
        guard let low = known.min(), let high = known.max() else { return (column, false) }
        return (column.map { $0.map { log($0 - low + 0.01 * (high - low)) } }, true)
    }

    private static func winsorized(_ column: [Double?]) -> [Double?] {
        let known = column.compactMap(\.self)
        guard let extreme = moments(known).skewness < 0 ? known.min() : known.max() else { return column }
        let others = known.filter { $0 != extreme }
        guard let next = moments(known).skewness < 0 ? others.min() : others.max() else { return column }
        return column.map { $0 == extreme ? next : $0 }
    }

    private static func passes(_ column: [Double?]) -> Bool {
        let known = column.compactMap(\.self)
        guard known.count > 3 else { return true }
        let (skewness, kurtosis) = moments(known)
        return abs(skewness) < 2 || kurtosis < 3.5
    }

    private static func moments(_ values: [Double]) -> (skewness: Double, kurtosis: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        func moment(_ power: Double) -> Double { values.reduce(0) { $0 + pow($1 - mean, power) } / count }
        let second = moment(2)
        guard second > 0 else { return (0, 0) }
        let skewness = moment(3) / pow(second, 1.5) * (count * (count - 1)).squareRoot() / (count - 2)
        let excess = moment(4) / (second * second) - 3
        return (skewness, ((count + 1) * excess + 6) * (count - 1) / ((count - 2) * (count - 3)))
    }
}
