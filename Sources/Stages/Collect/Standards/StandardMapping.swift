// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Tables

/// How a table under one standard becomes a table under another, and back (S03).
package struct StandardMapping: Hashable, Sendable {
    /// One field: renamed, and its codes exchanged or its numbers scaled. Every change can be undone.
    package struct FieldMapping: Hashable, Sendable {
        package let from: String
        package let to: String
        /// Code here → code there; both sides without repeats. Codes outside the list stay as they are.
        package let codes: [String: String]
        /// A whole number: `to` = `from` × factor, such as 1000 for mg → µg.
        package let factor: Int
    }

    package let from: String
    package let to: String
    package let fields: [FieldMapping]

    package init(_ declaration: Declaration) throws(Declaration.Fault) {
        try declaration.allows("from", "to", "fields")
        from = try declaration.member("from").text()
        to = try declaration.member("to").text()
        var fields: [FieldMapping] = []
        for field in try declaration.elements("fields") { fields.append(try FieldMapping(field)) }
        self.fields = fields
    }

    private init(from: String, to: String, fields: [FieldMapping]) {
        self.from = from
        self.to = to
        self.fields = fields
    }

    /// The mapping the other way. A factor becomes a division, exact for what the mapping itself produced.
    package var back: StandardMapping {
        StandardMapping(
            from: to, to: from,
            fields: fields.map { field in
                FieldMapping(
                    from: field.to, to: field.from,
                    codes: Dictionary(field.codes.map { ($0.value, $0.key) }) { first, _ in first },
                    factor: -field.factor)
            })
    }

    /// The mapped table, and which of its columns have no place in the common model: reported, not dropped.
    package func mapped(
        _ table: String, columns: [Column]
    ) throws(Problem) -> (query: TableQuery, unmapped: [String]) {
        let absent = fields.map(\.from).filter { name in !columns.contains { $0.name == name } }
        guard absent.isEmpty else {
            throw Problem(
                .invalid, "collect.fields-absent", ["fields": .list(absent), "standard": .text(from)])
        }
        let known = Set(fields.map(\.from))
        let unmapped = columns.map(\.name).filter { !known.contains($0) }
        let list = fields.map { "\($0.sql) AS \($0.to.quotedIdentifier)" } + unmapped.map(\.quotedIdentifier)
        return (TableQuery("SELECT \(list.joined(separator: ", ")) FROM \(table.quotedIdentifier)"), unmapped)
    }
}

extension StandardMapping.FieldMapping {
    fileprivate init(_ declaration: Declaration) throws(Declaration.Fault) {
        try declaration.allows("from", "to", "codes", "factor")
        from = try declaration.member("from").text()
        to = try declaration.member("to").text()
        var codes: [String: String] = [:]
        for (code, other) in try declaration.optional("codes")?.members() ?? [] {
            codes[code] = try other.text()
        }
        guard Set(codes.values).count == codes.count else {
            throw declaration.fault(
                zh: "两个代码映射到同一个代码", en: "two codes become the same code",
                remedyZH: "请使每个代码对应不同的代码，否则无法还原。",
                remedyEN: "Give each code one of its own, or the way back is lost.")
        }
        self.codes = codes
        factor = try declaration.optional("factor")?.integer() ?? 1
    }

    /// A negative factor divides.
    fileprivate var sql: String {
        let field = from.quotedIdentifier
        guard codes.isEmpty else {
            let cases = codes.sorted { $0.key < $1.key }.map {
                "WHEN \($0.key.quotedLiteral) THEN \($0.value.quotedLiteral)"
            }
            return "CASE \(field)::VARCHAR \(cases.joined(separator: " ")) ELSE \(field)::VARCHAR END"
        }
        switch factor {
        case 1, -1: return field
        case ..<0: return "(\(field)::DECIMAL(38,9) / \(-factor))::DECIMAL(30,9)"
        default: return "(\(field)::DECIMAL(30,9) * \(factor))"
        }
    }
}
