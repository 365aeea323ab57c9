// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5. Public: everything here; no row is read.

import Noise
import Primitives
import Tables

/// One aggregated SELECT over rows, before its noise has a price.
struct CoreQuestion: Hashable, Sendable {
    /// What one component adds up.
    enum Addend: Hashable, Sendable {
        case rows
        /// 1 for each row where the column is there.
        case present(String)
        /// Whole units within ±`magnitude`.
        case values(String, magnitude: Int128)
        /// Different people with at least one such row (`nil`: any row).
        case people(String?)
        /// Different values (minimum-group mode only).
        case distinct(String)
        case least(String)
        case greatest(String)
    }

    struct Histogram: Hashable, Sendable {
        let column: String
        let low: Int64
        let step: Int64
        let bins: Int
        let digits: Int
        let rankBasisPoints: Int
    }

    let side: Int
    /// Columns `#unit` (where there is one), `#k0` …, `#a0` ….
    var rows: Relation
    var unit: PrivacyUnit?
    /// Under a minimum group of more than one: what is compared with later questions.
    var answered: AnsweredCells?
    var keys: [TableRelease.KeyColumn] = []
    /// Columns beside the keys that the components read.
    var arguments: [Relation.NamedExpression] = []
    var addends: [Addend] = []
    var measures: [TableRelease.Figure] = []
    var histograms: [Histogram] = []

    /// The place of a component, each kept once.
    mutating func place(of addend: Addend) -> Int {
        if let place = addends.firstIndex(of: addend) { return place }
        addends.append(addend)
        return addends.count - 1
    }

    /// The name of an argument column, each kept once.
    mutating func argument(_ expression: RelationExpression) -> String {
        if let known = arguments.first(where: { $0.expression == expression }) { return known.name }
        let name = "#a\(arguments.count)"
        arguments.append(.init(name, expression))
        return name
    }

    var keysArePublic: Bool { keys.allSatisfy { $0.values != nil } }

    /// How many cells the public lists span; `nil` where a list is missing.
    var publicCells: Int? {
        keys.reduce(into: Int?(1)) { cells, key in
            cells = cells.flatMap { cells in key.values.map { min(cells, 1 << 40) * $0.count } }
        }
    }
}

extension QuestionPlanner {
    /// More cells than this are not computed.
    static let cellsMax = 200_000

    /// One SELECT that aggregates rows: its core goes to the draft, what remains is over released values.
    func coreQuery(
        _ query: SyntaxQuery,
        _ base: RowScope,
        _ draft: inout PlanDraft
    ) throws(QuestionRefusal) -> FinalQuery {
        guard query.aggregates else { throw Self.refusalOfRows(query) }
        var scope = base
        if let condition = query.condition {
            scope.relation = .filter(
                scope.relation,
                try ExpressionBinder(scope: scope, use: .filter).condition(condition)
            )
        }
        let expanded = try query.expandingStar(scope.entries.map { ($0.qualifier, $0.name) })
        let groups = try expanded.resolvingGroups().groups
        var core = CoreQuestion(side: scope.side, rows: scope.relation, unit: scope.unit?.rules)
        let keys = try bindKeys(groups, scope, &core)
        var collector = AggregateCollector(planner: self, scope: scope, groups: groups, core: core)
        let outputs = try expanded.namedOutputs.map { output throws(QuestionRefusal) in
            FinalQuery.Output(name: output.name, expression: try collector.rewritten(output.expression))
        }
        let aliases = expanded.outputs
        let having = try expanded.having.map { having throws(QuestionRefusal) in
            try collector.rewritten(try having.substituting(aliases))
        }
        let order = try expanded.resolvingOrder().map { order throws(QuestionRefusal) in
            SyntaxQuery.Order(
                expression: try collector.rewritten(try order.expression.substituting(aliases)),
                isDescending: order.isDescending,
                nullsFirst: order.nullsFirst
            )
        }
        core = collector.core
        core.rows = try rows(scope, keys, core)
        if case .minimumGroup(let rule) = sides[scope.side].rules.protection, rule.minimum > 1 {
            core.answered = AnsweredCells(
                scope,
                keys: keys.map(\.expression),
                values: core.keys.map(\.values),
                minimum: rule.minimum
            )
        }
        return FinalQuery(
            source: .release(draft.place(of: core)),
            condition: nil,
            groups: nil,
            outputs: outputs,
            having: having,
            isDistinct: expanded.isDistinct,
            order: order,
            limit: expanded.limit
        )
    }

    /// A query without an aggregate asks for rows, unless it calls something it takes for an aggregate.
    private static func refusalOfRows(_ query: SyntaxQuery) -> QuestionRefusal {
        for output in query.outputs {
            if case .call(let name, _, _, _) = output.expression.form, !RowFunctions.names.contains(name) {
                let known = Aggregates.overRows.sorted()
                return QuestionRefusal(
                    .functionUnlisted,
                    at: output.expression.place,
                    ["function": .text(name), "known": .list(known)]
                )
            }
        }
        return QuestionRefusal(.rowsRequested, at: query.place)
    }

    private func bindKeys(
        _ groups: [SyntaxExpression],
        _ scope: RowScope,
        _ core: inout CoreQuestion
    ) throws(QuestionRefusal) -> [BoundValue] {
        var keys: [BoundValue] = []
        for (place, group) in groups.enumerated() {
            guard !group.hasAggregate else {
                throw QuestionRefusal(.aggregateMisplaced, at: group.place, ["function": .text("GROUP BY")])
            }
            let key = try ExpressionBinder(scope: scope, use: .group).bind(group)
            core.keys.append(
                .init(name: "#k\(place)", type: try keyType(key, at: group.place), values: key.values)
            )
            keys.append(key)
        }
        if let cells = core.publicCells, cells > Self.cellsMax {
            throw QuestionRefusal(
                .groupsTooMany,
                at: groups.first?.place,
                ["groups": .integer(Int64(cells)), "limit": .integer(Int64(Self.cellsMax))]
            )
        }
        return keys
    }

    private func keyType(_ key: BoundValue, at place: SyntaxPlace?) throws(QuestionRefusal) -> ColumnType {
        switch key.kind {
        case .bool: return .bool
        case .text, .null: return .text
        case .day: return .day
        case .timestamp: return .timestamp
        case .number(.column(.integer, _, _, _)), .number(.scaled(digits: 0, _)), .number(.literal):
            return .integer
        case .number:
            throw QuestionRefusal(
                .typeMismatched,
                at: place,
                ["wanted": .text("whole numbers to group by, such as floor(x)")]
            )
        }
    }

    /// The rows the core reads: the unit, the keys within their public lists, the arguments.
    private func rows(
        _ scope: RowScope,
        _ keys: [BoundValue],
        _ core: CoreQuestion
    ) throws(QuestionRefusal) -> Relation {
        var columns: [Relation.NamedExpression] = []
        if let unit = scope.unit { columns.append(.init("#unit", .column(unit.column))) }
        for (key, column) in zip(keys, core.keys) { columns.append(.init(column.name, key.expression)) }
        var relation = Relation.project(scope.relation, columns + core.arguments)
        var conditions: [RelationExpression] = []
        // A row that is nobody's cannot be protected, so it is not there.
        if scope.unit != nil { conditions.append(.not(.isNull(.column("#unit")))) }
        for column in core.keys {
            if let values = column.values { conditions.append(.membership(.column(column.name), values)) }
        }
        if !conditions.isEmpty { relation = .filter(relation, .and(conditions)) }
        return relation
    }
}

extension RelationExpression {
    /// Whether a value is in a public list: a run of days by its ends, nulls by IS NULL.
    static func membership(_ value: RelationExpression, _ list: [TableValue]) -> RelationExpression {
        let present = list.filter { $0 != .null }
        let days = present.compactMap { if case .day(let day) = $0 { day } else { nil } }.sorted()
        let isRun =
            days.count == present.count && days.count > 2
            && days.last.map { Int($0) } == days.first.map { Int($0) + days.count - 1 }
        var condition = RelationExpression.isIn(value, present)
        if isRun, let first = days.first, let last = days.last {
            condition = .and([
                .compare(.greaterOrEqual, value, .literal(.day(first))),
                .compare(.lessOrEqual, value, .literal(.day(last))),
            ])
        }
        return present.count == list.count ? condition : .or([condition, .isNull(value)])
    }
}

extension SyntaxExpression {
    /// Output names replaced by their expressions (HAVING n > 2).
    func substituting(_ outputs: [SyntaxQuery.Output]) throws(QuestionRefusal) -> SyntaxExpression {
        try replacing { part throws(QuestionRefusal) in
            guard case .column(let path) = part.form, path.count == 1 else { return nil }
            return outputs.first { $0.alias?.lowercased() == path[0].lowercased() }?.expression
        }
    }
}
