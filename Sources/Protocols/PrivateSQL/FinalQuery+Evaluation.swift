// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §6. Public: released values. Deterministic: IEEE arithmetic in one order.

import Primitives
import Tables

extension FinalQuery {
    /// The query's answer over released tables.
    func evaluated(_ releases: [ReleasedTable], rowsMax: Int) -> ReleasedTable {
        let input = source.evaluated(releases)
        var rows = input.rows
        if let condition { rows = rows.filter { FinalRow(input, [$0]).isTrue(condition) } }
        let sets = groups.map { grouped(rows, by: $0, input) } ?? rows.map { [$0] }
        var entries: [(cells: [ReleasedCell], row: FinalRow)] = []
        for set in sets {
            let row = FinalRow(input, set)
            if let having, !row.isTrue(having) { continue }
            entries.append((outputs.map { row.cell($0.expression) }, row))
        }
        if isDistinct {
            var seen: Set<[TableValue]> = []
            entries = entries.filter { seen.insert($0.cells.map(\.value)).inserted }
        }
        if !order.isEmpty { entries = ordered(entries) }
        let told = entries.prefix(min(limit ?? rowsMax, rowsMax)).map(\.cells)
        return ReleasedTable(
            names: outputs.map { .init(qualifier: "", name: $0.name) }, rows: Array(told),
            hiddenGroups: input.hiddenGroups)
    }

    private func grouped(
        _ rows: [[ReleasedCell]], by groups: [SyntaxExpression], _ input: ReleasedTable
    ) -> [[[ReleasedCell]]] {
        guard !groups.isEmpty else { return [rows] }
        var places: [[TableValue]: Int] = [:]
        var sets: [[[ReleasedCell]]] = []
        for row in rows {
            let key = groups.map { FinalRow(input, [row]).cell($0).value }
            if let place = places[key] {
                sets[place].append(row)
            } else {
                places[key] = sets.count
                sets.append([row])
            }
        }
        return sets
    }

    /// Stable, so that equal rows keep their order; nulls last unless the question says otherwise.
    private func ordered(
        _ entries: [(cells: [ReleasedCell], row: FinalRow)]
    ) -> [(cells: [ReleasedCell], row: FinalRow)] {
        let keyed = entries.map { entry in (entry, order.map { entry.row.cell($0.expression).value }) }
        let sorted = keyed.enumerated().sorted { left, right in
            for (place, rule) in order.enumerated() {
                let (one, two) = (left.element.1[place], right.element.1[place])
                if one == two { continue }
                if one == .null || two == .null { return (one == .null) == (rule.nullsFirst ?? false) }
                return rule.isDescending ? two.precedes(one) : one.precedes(two)
            }
            return left.offset < right.offset
        }
        return sorted.map(\.element.0)
    }
}

extension FinalQuery.Source {
    func evaluated(_ releases: [ReleasedTable]) -> ReleasedTable {
        switch self {
        case .release(let place): return releases[place]
        case .query(let query, let alias):
            let table = query.evaluated(releases, rowsMax: .max)
            return ReleasedTable(
                names: table.names.map { .init(qualifier: alias, name: $0.name) }, rows: table.rows,
                hiddenGroups: table.hiddenGroups)
        case .join(let kind, let left, let right, let on, let using):
            return Self.joined(kind, left.evaluated(releases), right.evaluated(releases), on, using)
        }
    }

    /// Both tables are small: a nested loop, but a table of keys where the join is by USING.
    private static func joined(
        _ kind: SyntaxSource.JoinKind, _ left: ReleasedTable, _ right: ReleasedTable, _ on: SyntaxExpression?,
        _ using: [String]
    ) -> ReleasedTable {
        let shared = using.compactMap { name in right.place([name]).map { ($0, left.place([name]) ?? 0) } }
        let kept = right.names.indices.filter { place in !shared.contains { $0.0 == place } }
        let names = left.names + kept.map { right.names[$0] }
        let everyName = ReleasedTable(names: left.names + right.names, rows: [])
        var byKey: [[TableValue]: [[ReleasedCell]]] = [:]
        for row in right.rows { byKey[shared.map { row[$0.0].value }, default: []].append(row) }
        var rows: [[ReleasedCell]] = []
        for row in left.rows {
            let key = shared.map { row[$0.1].value }
            var partners = key.contains(.null) ? [] : byKey[key] ?? []
            if let on { partners = partners.filter { FinalRow(everyName, [row + $0]).isTrue(on) } }
            rows += partners.map { partner in row + kept.map { partner[$0] } }
            if partners.isEmpty, kind == .left { rows.append(row + kept.map { _ in ReleasedCell(.null) }) }
        }
        return ReleasedTable(names: names, rows: rows, hiddenGroups: left.hiddenGroups + right.hiddenGroups)
    }
}

/// One row, or one group of rows, of released values.
struct FinalRow {
    let table: ReleasedTable
    let rows: [[ReleasedCell]]

    init(_ table: ReleasedTable, _ rows: [[ReleasedCell]]) {
        self.table = table
        self.rows = rows
    }

    func isTrue(_ condition: SyntaxExpression) -> Bool { cell(condition).value == .bool(true) }

    /// The expression's value; suppressed if anything in it is; with an interval if anything in it has one.
    func cell(_ expression: SyntaxExpression) -> ReleasedCell {
        if case .column(let path) = expression.form, let place = table.place(path) {
            return rows.first?[place] ?? ReleasedCell(.null)
        }
        if case .call(let name, let arguments, let isDistinct, let filter) = expression.form,
            Aggregates.names.contains(name)
        {
            return FinalAggregate(name: name, arguments: arguments, isDistinct: isDistinct, filter: filter).cell(self)
        }
        let evaluation = FinalEvaluation(row: self, moved: nil)
        let value = evaluation.value(expression)
        let parts = noisyParts(expression)
        if parts.contains(where: \.cell.isSuppressed) { return .suppressed }
        return ReleasedCell(value, interval: interval(expression, value, parts))
    }

    /// First-order propagation: each noisy part is moved to the ends of its interval, the moves added as independent.
    private func interval(
        _ expression: SyntaxExpression, _ value: TableValue, _ parts: [Part]
    ) -> ReleasedCell.Interval? {
        guard let middle = value.approximate else { return nil }
        var squares = 0.0
        for part in parts {
            guard let interval = part.cell.interval else { continue }
            let ends = [interval.low, interval.high].compactMap { end in
                FinalEvaluation(row: self, moved: (part.expression, .real(end))).value(expression).approximate
            }
            let move = ends.map { ($0 - middle).magnitude }.max() ?? 0
            squares += move * move
        }
        guard squares > 0 else { return nil }
        return .init(middle - squares.squareRoot(), middle + squares.squareRoot())
    }

    struct Part {
        let expression: SyntaxExpression
        let cell: ReleasedCell
    }

    /// The columns and aggregates inside.
    private func noisyParts(_ expression: SyntaxExpression) -> [Part] {
        var parts: [Part] = []
        _ = try? expression.replacing { inner throws(QuestionRefusal) -> SyntaxExpression? in
            switch inner.form {
            case .column: break
            case .call(let name, _, _, _) where Aggregates.names.contains(name): break
            default: return nil
            }
            if !parts.contains(where: { $0.expression == inner }) { parts.append(Part(expression: inner, cell: cell(inner))) }
            return inner
        }
        return parts
    }
}
