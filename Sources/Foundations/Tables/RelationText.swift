// SPDX-License-Identifier: Apache-2.0

/// The words in which one engine's SQL differs from another's. Everything else is written by `RelationText`.
package protocol DialectWords: Sendable {
    func identifier(_ name: String) -> String
    func literal(text: String) -> String
    func typeName(_ type: ColumnType) -> String
    /// CAST that gives null instead of failing.
    func read(_ value: String, as type: ColumnType) -> String
    /// Whole quotient toward zero of two 64-bit integers; the divisor is never zero.
    func quotient(_ dividend: String, _ divisor: String) -> String
    func part(_ unit: RelationExpression.CalendarUnit, of value: String) -> String
    func beginning(_ unit: RelationExpression.CalendarUnit, of value: String) -> String
    /// What stands after AS in WITH so that the relation is computed once; empty where the engine decides.
    var computedOnce: String { get }
    /// Exact sum of 64-bit integers, in whatever width the engine needs to not overflow.
    func wideSum(_ value: String) -> String
}

/// Writes relations as SQL that DuckDB and Spark read alike, given the words in which they differ.
package struct RelationText<Words: DialectWords>: RelationDialect {
    package let words: Words

    package init(_ words: Words) {
        self.words = words
    }

    package func sql(_ relation: Relation) -> String {
        switch relation {
        case .table(let name):
            return "SELECT * FROM \(words.identifier(name))"
        case .project(let input, let columns):
            var list = columns.map { "\(text($0.expression)) AS \(words.identifier($0.name))" }
            // Counting rows needs no column, and SQL has no row without one.
            if list.isEmpty { list = ["1 AS \(words.identifier("#row"))"] }
            return "SELECT \(list.joined(separator: ", ")) FROM \(source(input))"
        case .filter(let input, let condition):
            return "SELECT * FROM \(source(input)) WHERE \(text(condition))"
        case .join(let kind, let left, let right, let keys):
            let condition = keys.map {
                "l.\(words.identifier($0.left)) = r.\(words.identifier($0.right))"
            }
            return
                "SELECT * FROM (\(sql(left))) AS l \(kind == .left ? "LEFT" : "INNER") JOIN (\(sql(right))) AS r"
                + " ON \(condition.joined(separator: " AND "))"
        case .aggregate(let input, let keys, let aggregates):
            let names = keys.map(words.identifier)
            let list = names + aggregates.map { "\(text($0.aggregate)) AS \(words.identifier($0.name))" }
            let groups = keys.isEmpty ? "" : " GROUP BY \(names.joined(separator: ", "))"
            return "SELECT \(list.joined(separator: ", ")) FROM \(source(input))" + groups
        case .first(let count, let input, let partition, let order):
            let rank = words.identifier("#rank")
            return "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY "
                + partition.map(words.identifier).joined(separator: ", ") + " ORDER BY "
                + order.map(text).joined(separator: ", ") + ") AS \(rank) FROM \(source(input))) AS q"
                + " WHERE \(rank) <= \(count)"
        case .members(let input, let column, let isIn, let others):
            let name = words.identifier(column)
            return "SELECT * FROM \(source(input)) WHERE \(isIn ? "" : "NOT ")EXISTS"
                + " (SELECT 1 FROM (\(sql(others))) AS m WHERE m.\(name) = q.\(name))"
        case .union(let first, let second):
            return "\(sql(first)) UNION ALL \(sql(second))"
        case .sharing(let name, let input, let body):
            return "WITH \(words.identifier(name)) AS\(words.computedOnce) (\(sql(input))) \(sql(body))"
        case .shared(let name):
            return "SELECT * FROM \(words.identifier(name))"
        }
    }

    private func source(_ relation: Relation) -> String {
        if case .table(let name) = relation { return words.identifier(name) }
        return "(\(sql(relation))) AS q"
    }

    private func text(_ aggregate: RelationAggregate) -> String {
        switch aggregate {
        case .rows: "count(*)"
        case .present(let value): "count(\(text(value)))"
        case .distinct(let value): "count(DISTINCT \(text(value)))"
        case .sum(let value): "CAST(coalesce(\(words.wideSum(text(value))), 0) AS BIGINT)"
        case .least(let value): "min(\(text(value)))"
        case .greatest(let value): "max(\(text(value)))"
        }
    }

    private func text(_ expression: RelationExpression) -> String {
        switch expression {
        case .column(let name): words.identifier(name)
        case .literal(let value): text(value)
        case .read(let name, let type): words.read(words.identifier(name), as: type)
        case .compare(let comparison, let left, let right):
            "(\(text(left)) \(comparison.rawValue) \(text(right)))"
        case .and(let parts): parts.isEmpty ? "TRUE" : "(\(parts.map(text).joined(separator: " AND ")))"
        case .or(let parts): parts.isEmpty ? "FALSE" : "(\(parts.map(text).joined(separator: " OR ")))"
        case .not(let value): "(NOT \(text(value)))"
        case .isNull(let value): "(\(text(value)) IS NULL)"
        case .isIn(let value, let list):
            list.isEmpty ? "FALSE" : "(\(text(value)) IN (\(list.map(text).joined(separator: ", "))))"
        case .isLike(let value, let pattern): "(\(text(value)) LIKE \(words.literal(text: pattern)))"
        case .branches(let branches, let otherwise):
            "CASE "
                + branches.map { "WHEN \(text($0.condition)) THEN \(text($0.value))" }.joined(separator: " ")
                + " ELSE \(text(otherwise)) END"
        case .plus(let left, let right): "(\(text(left)) + \(text(right)))"
        case .minus(let left, let right): "(\(text(left)) - \(text(right)))"
        case .times(let left, let right): "(\(text(left)) * \(text(right)))"
        case .quotient(let left, let right): words.quotient(text(left), "nullif(\(text(right)), 0)")
        case .scaled(let value, let digits, let low, let high): scaled(text(value), digits, low, high)
        case .part(let unit, let value): words.part(unit, of: text(value))
        case .beginning(let unit, let value): words.beginning(unit, of: text(value))
        case .prefix(let value, let count): "substring(\(text(value)), 1, \(count))"
        case .lowercased(let value): "lower(\(text(value)))"
        case .shuffleKey(let values):
            "substring(md5(concat_ws('|', "
                + values.map { "coalesce(CAST(\(text($0)) AS \(words.typeName(.text))), '~')" }
                .joined(separator: ", ") + ")), 1, 12)"
        }
    }

    /// Clamped before it is widened or rounded, so that no row can overflow. CASE, because LEAST and GREATEST
    /// pass over nulls; a NaN counts as greatest and gives the upper bound. Strict comparisons: an engine that knows
    /// a column to lie within the bounds drops them.
    private func scaled(_ value: String, _ digits: Int, _ low: Int64, _ high: Int64) -> String {
        let power = (0..<digits).reduce(1) { power, _ in power * 10 }
        let lowest = ExactDecimal(unscaled: Int128(low), scale: digits).description
        let highest = ExactDecimal(unscaled: Int128(high), scale: digits).description
        let inside = digits == 0 ? "round(\(value))" : "round(\(value) * \(power))"
        return "CASE WHEN \(value) < \(lowest) THEN \(low) WHEN \(value) > \(highest) THEN \(high)"
            + " ELSE CAST(\(inside) AS BIGINT) END"
    }

    private func text(_ value: TableValue) -> String {
        switch value {
        case .null: "NULL"
        case .bool(let flag): flag ? "TRUE" : "FALSE"
        case .text(let text): words.literal(text: text)
        case .day: "DATE '\(value.written ?? "")'"
        default: value.written ?? "NULL"
        }
    }
}
