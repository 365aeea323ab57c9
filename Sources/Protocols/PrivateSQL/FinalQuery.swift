// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §6. What is computed from released values alone costs nothing more
// (post-processing: Dwork and Roth 2014, Proposition 2.1). Secret: nothing reaches this file that was not
// already released.

import Primitives
package import Tables

/// What is computed from released tables: projection, HAVING, joins on keys, ORDER, LIMIT, and aggregates
/// over them.
///
/// Expressions name released columns: `#k0` for a release's first key, `#m0` for its first measure, or the
/// names of an inner query's outputs.
package struct FinalQuery: Hashable, Sendable {
    package indirect enum Source: Hashable, Sendable {
        case release(Int)
        case query(FinalQuery, alias: String)
        case join(SyntaxSource.JoinKind, Source, Source, on: SyntaxExpression?, using: [String])
    }

    package struct Output: Hashable, Sendable {
        package let name: String
        package let expression: SyntaxExpression
    }

    package let source: Source
    package let condition: SyntaxExpression?
    /// `nil`: one output row a source row.
    package let groups: [SyntaxExpression]?
    package let outputs: [Output]
    package let having: SyntaxExpression?
    package let isDistinct: Bool
    package let order: [SyntaxQuery.Order]
    package let limit: Int?

    /// One text for one computation: columns are written by their places, so that it makes no difference how a
    /// question calls what it computes.
    var canonicalText: String {
        let names = source.columnNames
        func text(_ expression: SyntaxExpression) -> String { expression.placed(among: names).canonicalText }
        let orders = order.map {
            "\(text($0.expression)) \($0.isDescending) \($0.nullsFirst.map { "\($0)" } ?? "-")"
        }
        return Relation.listed(
            "final",
            [
                source.canonicalText, condition.map(text) ?? "-",
                groups.map { "[" + $0.map(text).joined(separator: " ") + "]" } ?? "-",
                outputs.map { text($0.expression) }.joined(separator: " "),
                having.map(text) ?? "-", "\(isDistinct)", orders.joined(separator: " "),
                limit.map(String.init) ?? "-",
            ]
        )
    }
}

extension SyntaxExpression {
    /// Names of a source's columns as their places; a name means the first column that has it, as it does when the
    /// query is evaluated.
    fileprivate func placed(among names: [(qualifier: String, name: String)]) -> SyntaxExpression {
        let placed = try? replacing { part throws(QuestionRefusal) in
            guard case .column(let path) = part.form else { return nil }
            let place = names.firstIndex {
                $0.name.lowercased() == path.last?.lowercased()
                    && (path.count < 2 || $0.qualifier.lowercased() == path[path.count - 2].lowercased())
            }
            return place.map { SyntaxExpression(.column(["#\($0)"])) }
        }
        return placed ?? self
    }
}

extension FinalQuery.Source {
    var canonicalText: String {
        switch self {
        case .release(let place): "release-\(place)"
        case .query(let query, _): query.canonicalText
        case .join(let kind, let left, let right, let on, let using):
            Relation.listed(
                "join-" + kind.rawValue,
                [
                    left.canonicalText, right.canonicalText,
                    on?.placed(among: left.columnNames + right.columnNames).canonicalText ?? "-",
                ]
                    + using.map { name in
                        let key = SyntaxExpression(.column([name]))
                        return key.placed(among: left.columnNames).canonicalText + "="
                            + key.placed(among: right.columnNames).canonicalText
                    }
            )
        }
    }
}

extension Relation {
    static func listed(_ head: String, _ parts: [String]) -> String {
        "(" + ([head] + parts).joined(separator: " ") + ")"
    }
}

extension SyntaxExpression {
    var canonicalText: String {
        switch form {
        case .column(let path): Relation.listed("name", path.map(\.quotedLiteral))
        case .star: "*"
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .decimal(let value): "\(value)"
        case .text(let value): value.quotedLiteral
        case .parameter(let name): "$" + name
        case .compare(let comparison, let left, let right):
            Relation.listed(comparison.rawValue, [left.canonicalText, right.canonicalText])
        case .and(let parts): Relation.listed("and", parts.map(\.canonicalText))
        case .or(let parts): Relation.listed("or", parts.map(\.canonicalText))
        case .not(let part): Relation.listed("not", [part.canonicalText])
        case .isNull(let part): Relation.listed("is-null", [part.canonicalText])
        case .isIn(let value, let list): Relation.listed("in", ([value] + list).map(\.canonicalText))
        case .branches(let branches, let otherwise):
            Relation.listed(
                "case",
                branches.map {
                    Relation.listed("when", [$0.condition.canonicalText, $0.value.canonicalText])
                }
                    + [otherwise.canonicalText]
            )
        case .cast(let value, let type): Relation.listed("cast", [value.canonicalText, type])
        case .call(let name, let arguments, let isDistinct, let filter):
            Relation.listed(
                name + (isDistinct ? "-distinct" : ""),
                arguments.map(\.canonicalText) + (filter.map { ["filter", $0.canonicalText] } ?? [])
            )
        }
    }

    /// The expression with parts replaced; `replacement` is asked for each part from the outside in.
    func replacing(
        _ replacement: (SyntaxExpression) throws(QuestionRefusal) -> SyntaxExpression?
    ) throws(QuestionRefusal) -> SyntaxExpression {
        if let replaced = try replacement(self) { return replaced }
        func inner(_ expression: SyntaxExpression) throws(QuestionRefusal) -> SyntaxExpression {
            try expression.replacing(replacement)
        }
        func each(_ expressions: [SyntaxExpression]) throws(QuestionRefusal) -> [SyntaxExpression] {
            try expressions.map { expression throws(QuestionRefusal) in try inner(expression) }
        }
        let form: Form =
            switch self.form {
            case .column, .star, .null, .bool, .integer, .decimal, .text, .parameter: self.form
            case .compare(let kind, let left, let right): .compare(kind, try inner(left), try inner(right))
            case .and(let parts): .and(try each(parts))
            case .or(let parts): .or(try each(parts))
            case .not(let part): .not(try inner(part))
            case .isNull(let part): .isNull(try inner(part))
            case .isIn(let value, let list): .isIn(try inner(value), try each(list))
            case .branches(let branches, let otherwise):
                .branches(
                    try branches.map { branch throws(QuestionRefusal) in
                        Branch(condition: try inner(branch.condition), value: try inner(branch.value))
                    },
                    otherwise: try inner(otherwise)
                )
            case .cast(let value, let type): .cast(try inner(value), to: type)
            case .call(let name, let arguments, let isDistinct, let filter):
                .call(
                    name,
                    try each(arguments),
                    isDistinct: isDistinct,
                    filter: try filter.map { filter throws(QuestionRefusal) in try inner(filter) }
                )
            }
        return SyntaxExpression(form, at: place)
    }

    /// Whether an aggregate stands anywhere inside.
    var hasAggregate: Bool {
        var found = false
        _ = try? replacing { expression throws(QuestionRefusal) in
            if case .call(let name, _, _, _) = expression.form, Aggregates.names.contains(name) {
                found = true
            }
            return nil
        }
        return found
    }
}

/// The aggregate functions of the subset.
enum Aggregates {
    /// Over rows and over released values.
    static let overRows: Set<String> = [
        "count", "count_star", "sum", "avg", "mean", "min", "max", "median", "quantile", "quantile_cont",
        "quantile_disc", "variance", "var_samp", "var_pop", "stddev", "stddev_samp", "stddev_pop",
    ]
    /// Over released values alone.
    static let overReleased: Set<String> = ["corr", "regr_slope", "regr_intercept", "regr_r2"]
    static let names = overRows.union(overReleased)
}
