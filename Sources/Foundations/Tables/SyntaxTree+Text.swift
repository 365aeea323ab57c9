// SPDX-License-Identifier: Apache-2.0

extension SyntaxQuery {
    /// The query as text that parses to the same query. One query has one text.
    package var sql: String {
        var parts: [String] = []
        if !commonTables.isEmpty {
            let tables = commonTables.map { "\($0.name.quotedIdentifier) AS (\($0.query.sql))" }
            parts.append("WITH " + tables.joined(separator: ", "))
        }
        let told = outputs.map { output in
            output.expression.sql + (output.alias.map { " AS " + $0.quotedIdentifier } ?? "")
        }
        parts.append("SELECT " + (isDistinct ? "DISTINCT " : "") + told.joined(separator: ", "))
        if let source { parts.append("FROM " + source.sql) }
        if let condition { parts.append("WHERE " + condition.sql) }
        if groupsByAll {
            parts.append("GROUP BY ALL")
        } else if !groups.isEmpty {
            parts.append("GROUP BY " + groups.map(\.sql).joined(separator: ", "))
        }
        if let having { parts.append("HAVING " + having.sql) }
        if !order.isEmpty { parts.append("ORDER BY " + order.map(\.sql).joined(separator: ", ")) }
        if let limit { parts.append("LIMIT \(limit)") }
        return parts.joined(separator: " ")
    }
}

extension SyntaxQuery.Order {
    var sql: String {
        let nulls = nullsFirst.map { $0 ? " NULLS FIRST" : " NULLS LAST" } ?? ""
        return expression.sql + (isDescending ? " DESC" : " ASC") + nulls
    }
}

extension SyntaxSource {
    var sql: String {
        switch self {
        case .table(let name, let alias, _):
            return name.quotedIdentifier + (alias.map { " AS " + $0.quotedIdentifier } ?? "")
        case .query(let query, let alias, _):
            return "(\(query.sql)) AS \(alias.quotedIdentifier)"
        case .join(let kind, let left, let right, let on, let using, _):
            let columns = using.map(\.quotedIdentifier).joined(separator: ", ")
            let rule = on.map { " ON " + $0.sql } ?? " USING (\(columns))"
            return "(\(left.sql) \(kind.rawValue) JOIN \(right.sql)\(rule))"
        }
    }
}

extension SyntaxExpression {
    /// Every operator in parentheses: nothing depends on precedence.
    var sql: String {
        switch form {
        case .column(let path): path.map(\.quotedIdentifier).joined(separator: ".")
        case .star: "*"
        case .null: "NULL"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): value < 0 ? "(\(value))" : "\(value)"
        case .decimal(let value): "\(value)".hasPrefix("-") ? "(\(value))" : "\(value)"
        case .text(let value): value.quotedLiteral
        case .parameter(let name): "$" + name
        case .compare(let comparison, let left, let right):
            "(\(left.sql) \(comparison.rawValue) \(right.sql))"
        case .and(let parts): "(" + parts.map(\.sql).joined(separator: " AND ") + ")"
        case .or(let parts): "(" + parts.map(\.sql).joined(separator: " OR ") + ")"
        case .not(let part): "(NOT \(part.sql))"
        case .isNull(let part): "(\(part.sql) IS NULL)"
        case .isIn(let value, let list): "(\(value.sql) IN (\(list.map(\.sql).joined(separator: ", "))))"
        case .branches(let branches, let otherwise):
            "CASE " + branches.map { "WHEN \($0.condition.sql) THEN \($0.value.sql) " }.joined()
                + "ELSE \(otherwise.sql) END"
        case .cast(let value, let type): "CAST(\(value.sql) AS \(type))"
        case .call(let name, let arguments, let isDistinct, let filter):
            Self.call(name, arguments.map(\.sql), isDistinct)
                + (filter.map { " FILTER (WHERE \($0.sql))" } ?? "")
        }
    }

    private static func call(_ name: String, _ arguments: [String], _ isDistinct: Bool) -> String {
        if name == "count_star" { return "count(*)" }
        guard name.first?.isLetter != true else {
            return "\(name)(" + (isDistinct ? "DISTINCT " : "") + arguments.joined(separator: ", ") + ")"
        }
        return switch (name, arguments.count) {
        case ("~~", 2): "(\(arguments[0]) LIKE \(arguments[1]))"
        case ("!~~", 2): "(\(arguments[0]) NOT LIKE \(arguments[1]))"
        case (_, 2): "(\(arguments[0]) \(name) \(arguments[1]))"
        default: "(\(name) \(arguments.joined(separator: ", ")))"
        }
    }
}
