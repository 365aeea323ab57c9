// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §3–§6. Adversary: the question. Public: everything here; no row is read.

import Noise
import Primitives
package import Tables

/// One agreement's tables: whose rules hold for them, and the columns they really have.
package struct QuestionSide: Hashable, Sendable {
    /// The agreement or holder, as the asker names it.
    package let name: String
    package let rules: ReleaseRules
    package let schema: [String: [Column]]

    package init(name: String, rules: ReleaseRules, schema: [String: [Column]]) {
        self.name = name
        self.rules = rules
        self.schema = schema
    }
}

/// Makes a plan of a question, or says why not.
package struct QuestionPlanner: Sendable {
    let sides: [QuestionSide]

    package init(_ sides: [QuestionSide]) {
        self.sides = sides
    }

    /// The plan of a question to one side; it costs what the rules ask for one question, no matter how many
    /// figures it tells.
    package func plan(_ tree: SyntaxTree) throws(QuestionRefusal) -> ReleasePlan {
        let (final, cores) = try draft(tree)
        return try plan(cores, final, sides[0].rules)
    }

    /// What is released, and what is computed from that.
    func draft(_ tree: SyntaxTree) throws(QuestionRefusal) -> (final: FinalQuery, cores: [CoreQuestion]) {
        var draft = PlanDraft()
        let final = try finalQuery(tree.query, QueryNames(common: [:]), &draft)
        guard !draft.cores.isEmpty else { throw QuestionRefusal(.rowsRequested, at: tree.query.place) }
        return (final, draft.cores)
    }

    func plan(
        _ cores: [CoreQuestion],
        _ final: FinalQuery,
        _ rules: ReleaseRules
    ) throws(QuestionRefusal) -> ReleasePlan {
        let allotment = try BudgetAllotment(rules.protection, over: cores)
        var releases: [TableRelease] = []
        for core in cores { releases.append(try release(core, under: rules.protection, allotment)) }
        return ReleasePlan(
            releases: releases,
            final: final,
            cost: allotment.cost,
            rulesDigest: rules.digest,
            rowsMax: rules.limits.rowsMax
        )
    }
}

/// What planning has found so far.
struct PlanDraft: Sendable {
    var cores: [CoreQuestion] = []
    /// Whether a query over rows becomes a question of its own instead of a core.
    var splits = false
    var parts: [JointQuestion.Part] = []

    /// The place of a core, each kept once: a WITH table that is read twice is released once.
    mutating func place(of core: CoreQuestion) -> Int {
        if let place = cores.firstIndex(of: core) { return place }
        cores.append(core)
        return cores.count - 1
    }
}

/// The WITH tables in reach of a query.
struct QueryNames: Sendable {
    var common: [String: (query: SyntaxQuery, names: QueryNames)]
}

extension QueryNames {
    func adding(_ tables: [SyntaxQuery.CommonTable]) -> QueryNames {
        var names = self
        for table in tables { names.common[table.name.lowercased()] = (table.query, names) }
        return names
    }

    func find(_ name: String) -> (query: SyntaxQuery, names: QueryNames)? { common[name.lowercased()] }
}

extension QuestionPlanner {
    /// Whether the query's rows are released values: it aggregates, or what it reads does.
    func isReleased(_ query: SyntaxQuery, _ names: QueryNames) -> Bool {
        let names = names.adding(query.commonTables)
        return query.aggregates || query.source.map { isReleased($0, names) } == true
    }

    private func isReleased(_ source: SyntaxSource, _ names: QueryNames) -> Bool {
        switch source {
        case .table(let name, _, _):
            guard let common = names.find(name) else { return false }
            return isReleased(common.query, common.names)
        case .query(let query, _, _): return isReleased(query, names)
        case .join(_, let left, let right, _, _, _):
            return isReleased(left, names) || isReleased(right, names)
        }
    }

    /// A query as one over released values, its cores added to the draft.
    func finalQuery(
        _ query: SyntaxQuery,
        _ outer: QueryNames,
        _ draft: inout PlanDraft
    ) throws(QuestionRefusal) -> FinalQuery {
        let names = outer.adding(query.commonTables)
        guard let source = query.source else { throw QuestionRefusal(.rowsRequested, at: query.place) }
        guard isReleased(source, names) else {
            if draft.splits { return try part(query, names, &draft) }
            let scope = try rowScope(source, names)
            return try coreQuery(query, scope, &draft)
        }
        let final = try finalSource(source, names, &draft)
        return try overReleased(query, final)
    }

    /// A query that somebody else answers: its outputs are known by name alone.
    private func part(
        _ query: SyntaxQuery, _ names: QueryNames, _ draft: inout PlanDraft
    ) throws(QuestionRefusal) -> FinalQuery {
        guard query.aggregates else { throw QuestionRefusal(.rowsRequested, at: query.place) }
        draft.parts.append(try JointQuestion.Part(query, names))
        return FinalQuery(
            source: .release(draft.parts.count - 1), condition: nil, groups: nil,
            outputs: query.namedOutputs.map {
                .init(name: $0.name, expression: SyntaxExpression(.column([$0.name])))
            },
            having: nil, isDistinct: false, order: [], limit: nil)
    }

    private func finalSource(
        _ source: SyntaxSource,
        _ names: QueryNames,
        _ draft: inout PlanDraft
    ) throws(QuestionRefusal) -> FinalQuery.Source {
        switch source {
        case .table(let name, let alias, let place):
            guard let common = names.find(name) else {
                throw QuestionRefusal(.stagesMixed, at: place, ["table": .text(name)])
            }
            return .query(try finalQuery(common.query, common.names, &draft), alias: alias ?? name)
        case .query(let query, let alias, _):
            return .query(try finalQuery(query, names, &draft), alias: alias)
        case .join(let kind, let left, let right, let on, let using, _):
            return .join(
                kind,
                try finalSource(left, names, &draft),
                try finalSource(right, names, &draft),
                on: on,
                using: using
            )
        }
    }

    /// A query over released values: kept as it is, with names for its outputs.
    private func overReleased(
        _ query: SyntaxQuery,
        _ source: FinalQuery.Source
    ) throws(QuestionRefusal) -> FinalQuery {
        let expanded = try query.expandingStar(source.columnNames)
        let resolved = try expanded.resolvingGroups()
        let known = source.columnNames
        for output in expanded.outputs { try FinalChecker(known: known).check(output.expression) }
        for other in [expanded.condition, expanded.having].compactMap({ $0 }) + resolved.groups {
            try FinalChecker(known: known).check(other)
        }
        let order = try expanded.resolvingOrder()
        for entry in order { try FinalChecker(known: known).check(entry.expression) }
        let aggregates = expanded.aggregates
        return FinalQuery(
            source: source,
            condition: expanded.condition,
            groups: aggregates ? resolved.groups : nil,
            outputs: expanded.namedOutputs,
            having: expanded.having,
            isDistinct: expanded.isDistinct,
            order: order,
            limit: expanded.limit
        )
    }
}

/// Checks expressions over released values: names that exist, functions that exist.
struct FinalChecker {
    let known: [(qualifier: String, name: String)]

    func check(_ expression: SyntaxExpression) throws(QuestionRefusal) {
        _ = try expression.replacing { part throws(QuestionRefusal) in
            switch part.form {
            case .column(let path):
                let matches = known.filter {
                    $0.name.lowercased() == path.last?.lowercased()
                        && (path.count < 2 || $0.qualifier.lowercased() == path[path.count - 2].lowercased())
                }
                guard !matches.isEmpty else {
                    throw QuestionRefusal(
                        .columnUnknown,
                        at: part.place,
                        [
                            "column": .text(path.joined(separator: ".")),
                            "known": .list(Set(known.map(\.name)).sorted()),
                        ]
                    )
                }
            case .call(let name, _, _, _)
            where !FinalFunctions.names.contains(name) && !Aggregates.names.contains(name):
                throw QuestionRefusal(
                    .functionUnlisted,
                    at: part.place,
                    ["function": .text(name), "known": .list(FinalFunctions.names.sorted())]
                )
            case .star: throw QuestionRefusal(.formUnknown, at: part.place, ["form": .text("*")])
            case .parameter(let name): throw QuestionRefusal.unfilled(name, at: part.place)
            default: break
            }
            return nil
        }
    }
}

extension FinalQuery.Source {
    /// The names an expression may say, with their qualifiers.
    var columnNames: [(qualifier: String, name: String)] {
        switch self {
        case .release: []
        case .query(let query, let alias): query.outputs.map { (alias, $0.name) }
        case .join(_, let left, let right, _, let using):
            left.columnNames
                + right.columnNames.filter { column in
                    !using.contains { $0.lowercased() == column.name.lowercased() }
                }
        }
    }
}

// MARK: Syntax of one SELECT

extension SyntaxQuery {
    /// Whether this SELECT itself makes one row of several.
    var aggregates: Bool {
        !groups.isEmpty || groupsByAll || having != nil || isDistinct
            || outputs.contains { $0.expression.hasAggregate }
    }

    /// The outputs with names: the alias, the column's own name, or `column1`.
    var namedOutputs: [FinalQuery.Output] {
        outputs.enumerated().map {
            FinalQuery.Output(name: Self.name($0.element, $0.offset), expression: $0.element.expression)
        }
    }

    static func name(_ output: Output, _ place: Int) -> String {
        if let alias = output.alias { return alias }
        switch output.expression.form {
        case .column(let path): return path.last ?? "column\(place + 1)"
        case .call("count_star", _, _, _): return "count"
        case .call(let name, _, _, _) where name.first?.isLetter == true: return name
        default: return "column\(place + 1)"
        }
    }

    func expandingStar(_ names: [(qualifier: String, name: String)]) throws(QuestionRefusal) -> SyntaxQuery {
        var query = self
        query.outputs = outputs.flatMap { output in
            guard output.expression.form == .star else { return [output] }
            return names.map {
                Output(
                    expression: SyntaxExpression(
                        .column([$0.qualifier, $0.name]),
                        at: output.expression.place
                    ),
                    alias: nil
                )
            }
        }
        return query
    }

    /// GROUP BY with ordinals and output names replaced by the expressions; DISTINCT and ALL written out.
    func resolvingGroups() throws(QuestionRefusal) -> (groups: [SyntaxExpression], isImplied: Bool) {
        if groupsByAll || (isDistinct && groups.isEmpty && !outputs.contains { $0.expression.hasAggregate }) {
            return (outputs.map(\.expression).filter { !$0.hasAggregate }, true)
        }
        let resolved = try groups.map { group throws(QuestionRefusal) in try resolving(group) }
        return (resolved, false)
    }

    func resolvingOrder() throws(QuestionRefusal) -> [Order] {
        try order.map { order throws(QuestionRefusal) in
            Order(
                expression: try resolving(order.expression),
                isDescending: order.isDescending,
                nullsFirst: order.nullsFirst
            )
        }
    }

    /// An ordinal or an output's alias as the output's expression.
    private func resolving(_ expression: SyntaxExpression) throws(QuestionRefusal) -> SyntaxExpression {
        switch expression.form {
        case .integer(let ordinal):
            guard (1...Int64(max(outputs.count, 1))).contains(ordinal), Int(ordinal) <= outputs.count else {
                throw QuestionRefusal(
                    .columnUnknown,
                    at: expression.place,
                    ["column": .text("\(ordinal)"), "known": .list([])]
                )
            }
            return outputs[Int(ordinal) - 1].expression
        case .column(let path) where path.count == 1:
            return outputs.first { $0.alias?.lowercased() == path[0].lowercased() }?.expression ?? expression
        default:
            return expression
        }
    }
}
