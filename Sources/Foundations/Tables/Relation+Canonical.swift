// SPDX-License-Identifier: Apache-2.0

import Primitives

extension Relation {
    /// One text for one relation, whatever the engine: plans are named by its digest.
    package var canonicalText: String {
        switch self {
        case .table(let name): Self.list("table", [name.quotedLiteral])
        case .project(let input, let columns):
            Self.list(
                "project",
                [input.canonicalText]
                    + columns.map { "\($0.name.quotedLiteral)=\($0.expression.canonicalText)" }
            )
        case .filter(let input, let condition):
            filtered(input, [condition])
        case .join(let kind, let left, let right, let keys):
            Self.list(
                "join-\(kind.rawValue)",
                [left.canonicalText, right.canonicalText]
                    + keys.map { "\($0.left.quotedLiteral)=\($0.right.quotedLiteral)" }
            )
        case .aggregate(let input, let keys, let aggregates):
            Self.list(
                "aggregate",
                [input.canonicalText, Self.list("keys", keys.map(\.quotedLiteral))]
                    + aggregates.map { "\($0.name.quotedLiteral)=\($0.aggregate.canonicalText)" }
            )
        case .first(let count, let input, let partition, let order):
            Self.list(
                "first",
                [String(count), input.canonicalText, Self.list("partition", partition.map(\.quotedLiteral))]
                    + order.map(\.canonicalText)
            )
        case .members(let input, let column, let isIn, let others):
            Self.list(
                isIn ? "members" : "others",
                [input.canonicalText, column.quotedLiteral, others.canonicalText])
        case .union(let first, let second): Self.list("union", [first.canonicalText, second.canonicalText])
        case .sharing(let name, let input, let body):
            Self.list("sharing", [name.quotedLiteral, input.canonicalText, body.canonicalText])
        case .shared(let name): Self.list("shared", [name.quotedLiteral])
        }
    }

    /// Filters one after another are one filter.
    private func filtered(_ input: Relation, _ conditions: [RelationExpression]) -> String {
        if case .filter(let inner, let condition) = input { return filtered(inner, conditions + [condition]) }
        return Self.list("filter", [input.canonicalText, RelationExpression.and(conditions).canonicalText])
    }

    static func list(_ head: String, _ parts: [String]) -> String {
        "(" + ([head] + parts).joined(separator: " ") + ")"
    }

    /// The tables it reads.
    package var tables: Set<String> {
        switch self {
        case .table(let name): [name]
        case .project(let input, _), .filter(let input, _), .aggregate(let input, _, _),
            .first(_, let input, _, _):
            input.tables
        case .join(_, let left, let right, _), .members(let left, _, _, let right),
            .union(let left, let right),
            .sharing(_, let left, let right):
            left.tables.union(right.tables)
        case .shared: []
        }
    }
}

extension RelationAggregate {
    var canonicalText: String {
        switch self {
        case .rows: "(rows)"
        case .present(let value): Relation.list("present", [value.canonicalText])
        case .distinct(let value): Relation.list("distinct", [value.canonicalText])
        case .sum(let value): Relation.list("sum", [value.canonicalText])
        case .least(let value): Relation.list("least", [value.canonicalText])
        case .greatest(let value): Relation.list("greatest", [value.canonicalText])
        }
    }
}

extension RelationExpression {
    var canonicalText: String {
        switch self {
        case .column(let name): Relation.list("column", [name.quotedLiteral])
        case .literal(let value): value.canonicalText
        case .read(let name, let type): Relation.list("read", [name.quotedLiteral, type.name])
        case .compare(let comparison, let left, let right): Self.compared(comparison, left, right)
        case .and: Self.unordered("and", conjuncts)
        case .or: Self.unordered("or", disjuncts)
        case .not(let value): Relation.list("not", [value.canonicalText])
        case .isNull(let value): Relation.list("is-null", [value.canonicalText])
        case .isIn(let value, let list):
            Relation.list("in", [value.canonicalText] + Set(list.map(\.canonicalText)).sorted())
        case .isLike(let value, let pattern):
            Relation.list("like", [value.canonicalText, pattern.quotedLiteral])
        case .branches(let branches, let otherwise):
            Relation.list(
                "case",
                branches.map { Relation.list("when", [$0.condition.canonicalText, $0.value.canonicalText]) }
                    + [otherwise.canonicalText]
            )
        case .plus(let left, let right):
            Relation.list("+", [left.canonicalText, right.canonicalText].sorted())
        case .minus(let left, let right): Relation.list("-", [left.canonicalText, right.canonicalText])
        case .times(let left, let right):
            Relation.list("*", [left.canonicalText, right.canonicalText].sorted())
        case .quotient(let left, let right): Relation.list("div", [left.canonicalText, right.canonicalText])
        case .scaled(let value, let digits, let low, let high):
            Relation.list("scaled", [value.canonicalText, "\(digits)", "\(low)", "\(high)"])
        case .part(let unit, let value): Relation.list("part", [unit.rawValue, value.canonicalText])
        case .beginning(let unit, let value):
            Relation.list("beginning", [unit.rawValue, value.canonicalText])
        case .prefix(let value, let count): Relation.list("prefix", [value.canonicalText, "\(count)"])
        case .lowercased(let value): Relation.list("lower", [value.canonicalText])
        case .shuffleKey(let values): Relation.list("shuffle", values.map(\.canonicalText))
        }
    }

    /// Parts whose order and number mean nothing: each once, sorted.
    private static func unordered(_ head: String, _ parts: [RelationExpression]) -> String {
        let texts = Set(parts.map(\.canonicalText)).sorted()
        return texts.count == 1 ? texts[0] : Relation.list(head, texts)
    }

    private var conjuncts: [RelationExpression] {
        if case .and(let parts) = self { parts.flatMap(\.conjuncts) } else { [self] }
    }

    private var disjuncts: [RelationExpression] {
        if case .or(let parts) = self { parts.flatMap(\.disjuncts) } else { [self] }
    }

    /// `a > b` is `b < a`, and equality has no sides.
    private static func compared(
        _ comparison: Comparison, _ left: RelationExpression, _ right: RelationExpression
    ) -> String {
        let (one, two) = (left.canonicalText, right.canonicalText)
        return switch comparison {
        case .equal, .unequal: Relation.list(comparison.rawValue, [one, two].sorted())
        case .less, .lessOrEqual: Relation.list(comparison.rawValue, [one, two])
        case .greater: Relation.list("<", [two, one])
        case .greaterOrEqual: Relation.list("<=", [two, one])
        }
    }
}

extension TableValue {
    /// The value with its kind, so that the text 1 and the number 1 differ.
    var canonicalText: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .text(let value): value.quotedLiteral
        case .day: "day:" + (written ?? "")
        default: "value:" + (written ?? "").quotedLiteral
        }
    }
}
