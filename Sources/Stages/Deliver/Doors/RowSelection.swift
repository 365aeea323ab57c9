// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Tables

/// The query that reads a version's file as one recipient may see it, in the engine's SQL.
///
/// Names and the path are quoted, values are arguments: nothing that a recipient says becomes SQL.
package struct RowSelection: Sendable {
    let path: String
    let rules: DeliveryRules
    /// The columns that leave, in the table's order, with the engine's types.
    package let columns: [(name: String, type: String)]
    /// Under what digests of covered columns are made.
    let secret: String
    /// Orders neighboring rows for one delivery; `nil` leaves them in the table's order.
    let mark: RowMark?
    /// Types that the file must have, by column.
    var types: [String: String] = [:]
    private var isNumbered = false

    private init(
        path: String, rules: DeliveryRules, columns: [(name: String, type: String)], secret: String,
        mark: RowMark?
    ) {
        self.path = path
        self.rules = rules
        self.columns = columns
        self.secret = secret
        self.mark = mark
    }

    /// The same rows with some columns as other types.
    func cast(to types: [String: String]) -> RowSelection {
        var cast = self
        cast.types = types
        return cast
    }

    /// Reads the columns of a version and chooses those that leave. A rule about a column the table does not have is
    /// `deliver.column-unknown`: a filter that cannot be applied must not be forgotten.
    package static func reading(
        _ path: String, rules: DeliveryRules, secret: String, mark: RowMark?, on engine: any TableEngine
    ) async throws(Problem) -> RowSelection {
        let described = try await engine.rows("DESCRIBE SELECT * FROM read_parquet(\(path.sqlText))")
        let all = described.rows.map { (name: $0[0].written ?? "", type: $0[1].written ?? "VARCHAR") }
        let names = Set(all.map(\.name))
        let ruled =
            (rules.columns ?? []) + Array(rules.covers.keys) + Array(rules.rows.keys)
            + (rules.smallest?.by ?? [])
        if let unknown = ruled.first(where: { !names.contains($0) }) { throw .columnUnknown(unknown) }
        let wanted = rules.columns.map(Set.init) ?? names
        return RowSelection(
            path: path, rules: rules,
            columns: all.filter { wanted.contains($0.name) }.map { column in
                (column.name, rules.covers[column.name] == nil ? column.type : "VARCHAR")
            }, secret: secret, mark: mark)
    }

    /// The whole selection.
    package var query: TableQuery { query(limit: nil) }

    /// The selection, further narrowed as a reader asks: by columns it may see and texts they must equal.
    package func query(
        fields: [String] = [], equal: [String: [String]] = [:], words: [String] = [],
        order: [(name: String, isAscending: Bool)] = [], limit: Int?, offset: Int = 0
    ) -> TableQuery {
        var arguments: [TableValue] = []
        let chosen = fields.isEmpty ? columns.map(\.name) : fields
        let shown = chosen.map(\.sqlName).joined(separator: ", ")
        var inner = selection(&arguments)
        var conditions = Self.conditions(equal, &arguments)
        for word in words {
            conditions.append(
                "concat_ws(' ', \(columns.map(\.name.sqlName).joined(separator: ", "))) ILIKE ?")
            arguments.append(.text("%\(word)%"))
        }
        if !conditions.isEmpty || !order.isEmpty || !fields.isEmpty || limit != nil {
            inner = "SELECT \(shown) FROM (\(inner)) AS seen"
            if !conditions.isEmpty { inner += " WHERE " + conditions.joined(separator: " AND ") }
            if !order.isEmpty {
                let parts = order.map { "\($0.name.sqlName) \($0.isAscending ? "ASC" : "DESC")" }
                inner += " ORDER BY " + parts.joined(separator: ", ")
            }
            if let limit { inner += " LIMIT \(limit) OFFSET \(offset)" }
        }
        return TableQuery(inner, arguments)
    }

    /// How many rows a reader's conditions leave.
    package func count(equal: [String: [String]], words: [String]) -> TableQuery {
        let query = query(equal: equal, words: words, limit: Int.max)
        return TableQuery("SELECT count(*) FROM (\(query.sql)) AS counted", query.arguments)
    }

    /// The selection in the table's order, each row with its place there as `hutong_row`.
    var numbered: TableQuery {
        var arguments: [TableValue] = []
        var plain = self
        plain.isNumbered = true
        let sql = plain.selection(&arguments)
        return TableQuery(sql, arguments)
    }

    private func selection(_ arguments: inout [TableValue]) -> String {
        var shown = columns.map { expression($0.name, &arguments) }.joined(separator: ", ")
        if isNumbered { shown += ", file_row_number AS hutong_row" }
        var sql = "SELECT \(shown) FROM read_parquet(\(path.sqlText), file_row_number = true)"
        let conditions = Self.conditions(rules.rows, &arguments)
        if !conditions.isEmpty { sql += " WHERE " + conditions.joined(separator: " AND ") }
        if let smallest = rules.smallest {
            let by = smallest.by.map(\.sqlName).joined(separator: ", ")
            sql += " QUALIFY count(*) OVER (PARTITION BY \(by)) >= \(smallest.rows)"
        }
        if isNumbered { return sql }
        return sql + " ORDER BY " + (mark?.order ?? "file_row_number")
    }

    private func expression(_ name: String, _ arguments: inout [TableValue]) -> String {
        let column = name.sqlName
        switch rules.covers[name] {
        case nil: return types[name].map { "CAST(\(column) AS \($0)) AS \(column)" } ?? column
        case .empty: return "CAST(NULL AS VARCHAR) AS \(column)"
        case .first(let count): return "left(CAST(\(column) AS VARCHAR), \(count)) AS \(column)"
        case .digest:
            arguments.append(.text(secret + "/" + name))
            return "substr(sha256(? || '/' || CAST(\(column) AS VARCHAR)), 1, 24) AS \(column)"
        }
    }

    private static func conditions(_ filter: [String: [String]], _ arguments: inout [TableValue]) -> [String]
    {
        filter.sorted { $0.key < $1.key }.map { name, values in
            guard !values.isEmpty else { return "false" }
            arguments += values.map(TableValue.text)
            let marks = values.map { _ in "?" }.joined(separator: ", ")
            return "CAST(\(name.sqlName) AS VARCHAR) IN (\(marks))"
        }
    }
}

/// A mark in the order of rows: of each two neighbors in the table the second stands first, or not, by one bit of a
/// keyed hash. No value changes, no row moves further than one place, and n rows carry n/2 bits.
package struct RowMark: Hashable, Sendable {
    /// Hexadecimal, so that it is its own SQL text.
    let key: String

    package init(key: Digest) {
        self.key = key.hex
    }

    /// One bit of a pair: the parity of the first hexadecimal digit's character, which is even for eight of sixteen.
    static func bit(of pair: String, key: String) -> String {
        "(ascii(md5('\(key)/' || (\(pair)))) % 2)"
    }

    var order: String {
        let pair = "file_row_number // 2"
        return "\(pair), (file_row_number % 2 + \(Self.bit(of: pair, key: key))) % 2"
    }
}

extension String {
    /// A text of SQL.
    var sqlText: String { "'" + replacing("'", with: "''") + "'" }
    /// A name of SQL.
    var sqlName: String { "\"" + replacing("\"", with: "\"\"") + "\"" }
}

extension Problem {
    static func columnUnknown(_ name: String) -> Problem {
        Problem(.invalid, "deliver.column-unknown", ["column": .text(name)])
    }
}
