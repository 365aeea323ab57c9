// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §3 (sources and joins). Public: everything here.

import Primitives
import Tables

extension QuestionPlanner {
    /// The rows a source gives, before WHERE.
    func rowScope(_ source: SyntaxSource, _ names: QueryNames) throws(QuestionRefusal) -> RowScope {
        switch source {
        case .table(let name, let alias, let place):
            if let common = names.find(name) {
                return try derivedScope(common.query, common.names, alias: alias ?? name)
            }
            return try tableScope(name, alias: alias ?? name, at: place)
        case .query(let query, let alias, _):
            return try derivedScope(query, names, alias: alias)
        case .join(let kind, let left, let right, let on, let using, let place):
            let first = try rowScope(left, names)
            let second = try rowScope(right, names)
            return try joined(kind, first, second, on, using, at: place)
        }
    }

    /// A listed table: the columns its rules name, read as their types; hidden rows dropped.
    private func tableScope(
        _ name: String,
        alias: String,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> RowScope {
        let found = sides.indices.flatMap { side in
            sides[side].rules.tables.filter { $0.key.lowercased() == name.lowercased() }.map {
                (side, $0.key, $0.value)
            }
        }
        guard let (side, listed, table) = found.first else {
            let known = sides.flatMap(\.rules.tables.keys).sorted()
            throw QuestionRefusal(.tableUnlisted, at: place, ["table": .text(name), "known": .list(known)])
        }
        guard found.count == 1 else {
            throw QuestionRefusal(.columnAmbiguous, at: place, ["column": .text(name)])
        }
        var projection: [Relation.NamedExpression] = []
        var entries: [RowScope.Entry] = []
        for (column, columnRules) in table.columns.sorted(by: { $0.key < $1.key }) {
            guard let real = sides[side].schema[listed]?.first(where: { $0.name == column }) else {
                throw QuestionRefusal(
                    .schemaMismatched,
                    at: place,
                    ["table": .text(listed), "column": .text(column)]
                )
            }
            let isUnit = table.unit?.column == column
            let isNeeded =
                !columnRules.uses.isEmpty || isUnit || table.rowFilter.contains { $0.column == column }
            let physical = listed.lowercased() + "." + column
            if isNeeded { projection.append(.init(physical, .read(column, real.type))) }
            let base = RowScope.BaseColumn(
                table: listed,
                name: column,
                physical: physical,
                type: real.type,
                rules: columnRules.fitting(real.type),
                isUnit: isUnit
            )
            entries.append(RowScope.Entry(qualifier: alias, name: column, meaning: .column(base)))
        }
        var relation = Relation.project(.table(listed), projection)
        let filters = table.rowFilter.map { condition in
            RelationExpression.isIn(.column(listed.lowercased() + "." + condition.column), condition.values)
        }
        if !filters.isEmpty { relation = .filter(relation, .and(filters)) }
        let unit = table.unit.map { (column: listed.lowercased() + "." + $0.column, rules: $0) }
        return RowScope(side: side, relation: relation, entries: entries, unit: unit)
    }

    /// An inner SELECT of rows: its WHERE applies, its outputs are expressions that get their meaning where
    /// they are used.
    private func derivedScope(
        _ query: SyntaxQuery,
        _ outer: QueryNames,
        alias: String
    ) throws(QuestionRefusal) -> RowScope {
        let names = outer.adding(query.commonTables)
        guard let source = query.source else { throw QuestionRefusal(.rowsRequested, at: query.place) }
        guard query.order.isEmpty, query.limit == nil else {
            throw QuestionRefusal(.formUnknown, at: query.place, ["form": .text("LIMIT")])
        }
        var inner = try rowScope(source, names)
        if let condition = query.condition {
            inner.relation = .filter(
                inner.relation,
                try ExpressionBinder(scope: inner, use: .filter).condition(condition)
            )
        }
        let expanded = try query.expandingStar(inner.entries.map { ($0.qualifier, $0.name) })
        let entries = expanded.outputs.enumerated().map { place, output in
            RowScope.Entry(
                qualifier: alias,
                name: SyntaxQuery.name(output, place),
                meaning: .expression(output.expression, inner)
            )
        }
        return RowScope(side: inner.side, relation: inner.relation, entries: entries, unit: inner.unit)
    }

    // MARK: Joins

    private func joined(
        _ kind: SyntaxSource.JoinKind,
        _ left: RowScope,
        _ right: RowScope,
        _ on: SyntaxExpression?,
        _ using: [String],
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> RowScope {
        guard left.side == right.side else { throw QuestionRefusal(.sidesMixed, at: place) }
        guard left.relation.tables.isDisjoint(with: right.relation.tables) else {
            let tables = left.relation.tables.intersection(right.relation.tables).sorted()
            throw QuestionRefusal(.joinUndeclared, at: place, ["columns": .list(tables)])
        }
        var keys: [Relation.JoinKey] = []
        var linksUnits = false
        for (first, second) in try joinPairs(left, right, on, using, at: place) {
            let one = try joinColumn(left.entry(first, at: place), at: place)
            let other = try joinColumn(right.entry(second, at: place), at: place)
            try checkJoin(one, other, sides[left.side].rules, at: place)
            keys.append(.init(one.physical, other.physical))
            linksUnits = linksUnits || (one.isUnit && other.isUnit)
        }
        guard
            Set(left.entries.map(\.qualifier.folded)).isDisjoint(with: right.entries.map(\.qualifier.folded))
        else {
            throw QuestionRefusal(
                .columnAmbiguous,
                at: place,
                ["column": .text(right.entries.first?.qualifier ?? "")]
            )
        }
        let unit = try unit(left, right, kind, linksUnits, at: place)
        // USING leaves one column of the name: the left one.
        let rightEntries = right.entries.filter { entry in !using.contains { $0.folded == entry.name.folded }
        }
        return RowScope(
            side: left.side,
            relation: .join(kind == .inner ? .inner : .left, left.relation, right.relation, on: keys),
            entries: left.entries + rightEntries,
            unit: unit
        )
    }

    /// The columns that must be equal, as pairs (left, right).
    private func joinPairs(
        _ left: RowScope,
        _ right: RowScope,
        _ on: SyntaxExpression?,
        _ using: [String],
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> [([String], [String])] {
        if !using.isEmpty { return using.map { ([$0], [$0]) } }
        guard let on else { throw QuestionRefusal(.joinUndeclared, at: place, ["columns": .text("")]) }
        let parts = if case .and(let parts) = on.form { parts } else { [on] }
        return try parts.map { part throws(QuestionRefusal) in
            guard case .compare(.equal, let one, let other) = part.form, case .column(let first) = one.form,
                case .column(let second) = other.form
            else { throw QuestionRefusal(.joinUndeclared, at: part.place, ["columns": .text("")]) }
            return (try? left.entry(first, at: nil)) != nil && (try? right.entry(second, at: nil)) != nil
                ? (first, second) : (second, first)
        }
    }

    private func joinColumn(
        _ entry: RowScope.Entry,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> RowScope.BaseColumn {
        switch entry.meaning {
        case .column(let column): return column
        case .expression(let expression, let scope):
            guard case .column(let path) = expression.form else {
                throw QuestionRefusal(.joinUndeclared, at: place, ["columns": .text(entry.name)])
            }
            return try joinColumn(scope.entry(path, at: place), at: place)
        }
    }

    /// The rules name the pair, in either table, and both columns may be joined on.
    private func checkJoin(
        _ left: RowScope.BaseColumn,
        _ right: RowScope.BaseColumn,
        _ rules: ReleaseRules,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) {
        func declares(_ one: RowScope.BaseColumn, _ other: RowScope.BaseColumn) -> Bool {
            rules.tables[one.table]?.joins.contains {
                $0.column == one.name && $0.otherTable == other.table && $0.otherColumn == other.name
            } == true
        }
        guard declares(left, right) || declares(right, left) else {
            let columns = "\(left.table).\(left.name) = \(right.table).\(right.name)"
            throw QuestionRefusal(.joinUndeclared, at: place, ["columns": .text(columns)])
        }
        for column in [left, right] where !column.rules.uses.contains(.join) {
            throw QuestionRefusal(.useRefused, at: place, ExpressionBinder.useArguments(column, .join))
        }
    }

    /// Whose the joined rows are. Two tables of people meet only on the person, so each row stays one
    /// person's; a LEFT JOIN must keep the person on its left. A key is no longer one row a person after any
    /// join.
    private func unit(
        _ left: RowScope,
        _ right: RowScope,
        _ kind: SyntaxSource.JoinKind,
        _ linksUnits: Bool,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> (column: String, rules: PrivacyUnit)? {
        switch (left.unit, right.unit) {
        case (nil, nil): return nil
        case (let one?, nil): return (one.column, one.rules.afterJoin)
        case (nil, let other?):
            guard kind == .inner else { throw QuestionRefusal(.joinBetweenPeople, at: place) }
            return (other.column, other.rules.afterJoin)
        case (let one?, _?):
            guard linksUnits else { throw QuestionRefusal(.joinBetweenPeople, at: place) }
            return (one.column, one.rules.afterJoin)
        }
    }
}

extension PrivacyUnit {
    /// Joined rows may repeat a person: the bounds are enforced, not assumed.
    var afterJoin: PrivacyUnit {
        PrivacyUnit(column: column, groups: groups, rowsPerGroup: rowsPerGroup, isKey: false)
    }
}

extension ColumnRules {
    /// The public list in the column's own type: a day written in the rules is a text in a text column.
    func fitting(_ type: ColumnType) -> ColumnRules {
        let fitted = values?.map { value -> TableValue in
            if type == .text, case .day = value { .text(value.written ?? "") } else { value }
        }
        return ColumnRules(
            uses: uses,
            bounds: bounds,
            decimals: decimals,
            values: fitted,
            mayTellExtremes: mayTellExtremes,
            mask: mask
        )
    }
}

extension String {
    /// Names compare without case.
    fileprivate var folded: String { lowercased() }
}
