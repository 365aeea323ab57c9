// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §6. Public: released values.

import Primitives
import Tables

/// An aggregate over released rows.
struct FinalAggregate {
    let name: String
    let arguments: [SyntaxExpression]
    let isDistinct: Bool
    let filter: SyntaxExpression?

    func cell(_ group: FinalRow) -> ReleasedCell {
        let single = group.rows.map { FinalRow(group.table, [$0]) }.filter { row in filter.map(row.isTrue) ?? true }
        if name == "count_star" || arguments.isEmpty { return ReleasedCell(.integer(Int128(single.count))) }
        if arguments.count == 2 { return paired(single) }
        let cells = single.map { $0.cell(arguments[0]) }.filter { $0.value != .null }
        var values = cells.map(\.value)
        if isDistinct { values = values.unique }
        if name == "count" { return ReleasedCell(.integer(Int128(values.count))) }
        let numbers = values.compactMap(\.approximate)
        guard !numbers.isEmpty, numbers.count == values.count else { return extreme(values) }
        // Noise of different cells is independent: half widths add as squares.
        let reach = cells.reduce(0) { $0 + ($1.interval.map { $0.halfWidth * $0.halfWidth } ?? 0) }.squareRoot()
        func told(_ value: TableValue, _ reach: Double) -> ReleasedCell {
            let middle = value.approximate ?? 0
            return ReleasedCell(value, interval: reach > 0 ? .init(middle - reach, middle + reach) : nil)
        }
        let total = numbers.reduce(0, +)
        let mean = total / Double(numbers.count)
        switch name {
        case "sum": return told(Self.wholeSum(values) ?? .real(total), reach)
        case "avg", "mean": return told(.real(mean), reach / Double(numbers.count))
        case "min", "max": return extreme(values)
        case "median": return ReleasedCell(.real(Self.quantile(numbers, 0.5)))
        case "variance", "var_samp", "stddev", "stddev_samp":
            guard numbers.count > 1 else { return ReleasedCell(.null) }
            let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count - 1)
            return ReleasedCell(.real(name.hasPrefix("stddev") ? squares.squareRoot() : squares))
        default: return ReleasedCell(.null)
        }
    }

    private func extreme(_ values: [TableValue]) -> ReleasedCell {
        switch name {
        case "min": ReleasedCell(values.min { $0.precedes($1) } ?? .null)
        case "max": ReleasedCell(values.max { $0.precedes($1) } ?? .null)
        default: ReleasedCell(.null)
        }
    }

    private static func wholeSum(_ values: [TableValue]) -> TableValue? {
        var sum: Int128 = 0
        for value in values {
            guard case .integer(let number) = value else { return nil }
            sum += number
        }
        return .integer(sum)
    }

    private static func quantile(_ numbers: [Double], _ rank: Double) -> Double {
        let sorted = numbers.sorted()
        let place = rank * Double(sorted.count - 1)
        let low = Int(place.rounded(.down))
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
    }

    /// Aggregates of pairs (y, x): quantiles by a literal rank, correlation and the effect of x on y.
    private func paired(_ rows: [FinalRow]) -> ReleasedCell {
        if name.hasPrefix("quantile") {
            let numbers = rows.compactMap { $0.cell(arguments[0]).value.approximate }
            guard let rank = FinalEvaluation(row: FinalRow(ReleasedTable(names: [], rows: []), []), moved: nil)
                .value(arguments[1]).approximate, (0...1).contains(rank), !numbers.isEmpty
            else { return ReleasedCell(.null) }
            return ReleasedCell(.real(Self.quantile(numbers, rank)))
        }
        let points = rows.compactMap { row in
            EffectEstimate.Point(outcome: row.cell(arguments[0]), exposure: row.cell(arguments[1]))
        }
        guard let effect = EffectEstimate(points) else { return ReleasedCell(.null) }
        switch name {
        case "regr_slope": return ReleasedCell(.real(effect.slope), interval: effect.interval)
        case "regr_intercept": return ReleasedCell(.real(effect.intercept))
        case "regr_r2": return ReleasedCell(.real(effect.correlation * effect.correlation))
        case "corr": return ReleasedCell(.real(effect.correlation))
        default: return ReleasedCell(.null)
        }
    }
}
