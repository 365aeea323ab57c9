// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A list as a table of text, for spreadsheets: RFC 4180, one line an entry, one column a field.
package enum ListText {
    /// The separator inside a field that holds several texts.
    private static let separator: Character = "|"

    /// Entries as CSV with a header of field names. A cell that a spreadsheet would run as a formula is quoted
    /// with an apostrophe, as OWASP advises.
    package static func csv(_ entries: [JSON], of schema: ListSchema, fields: [String]? = nil) -> String {
        let names = fields ?? schema.fields.map(\.name)
        let header = names + ["validFrom", "validUntil"]
        let lines = entries.map { entry in header.map { cell(entry[$0] ?? .null) } }
        return ([header] + lines).map { $0.map(quoted).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func cell(_ value: JSON) -> String {
        switch value {
        case .null: return ""
        case .array(let elements): return elements.compactMap(\.text).joined(separator: String(separator))
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return "\(value)"
        case .string(let text): return "=+-@".contains(text.first ?? " ") ? "'" + text : text
        default: return value.canonicalText
        }
    }

    private static func quoted(_ cell: String) -> String {
        let isPlain = !cell.utf8.contains { [0x22, 0x2c, 0x0a, 0x0d].contains($0) }
        return isPlain ? cell : "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }

    /// Entries from CSV; cells are read as the schema's types. The fault names the line.
    package static func entries(csv text: String, of schema: ListSchema) throws(Declaration.Fault) -> [JSON] {
        let lines = rows(of: text)
        guard let header = lines.first else { return [] }
        let types = Dictionary(schema.fields.map { ($0.name, $0.type) }) { first, _ in first }
        var entries: [JSON] = []
        for (place, line) in lines.dropFirst().enumerated() where line != [""] {
            guard line.count == header.count else {
                throw Declaration(.null, path: [.place(place + 1)]).fault(
                    zh: "该行有 \(line.count) 列，表头有 \(header.count) 列",
                    en: "the line has \(line.count) cells, the header \(header.count)",
                    remedyZH: "请补齐或用引号括起含逗号的内容。", remedyEN: "Complete it, or quote cells with commas.")
            }
            var entry: [String: JSON] = [:]
            for (name, cell) in zip(header, line) where !cell.isEmpty {
                entry[name] = value(cell, types[name])
            }
            entries.append(.object(entry))
        }
        return entries
    }

    /// A cell as its field's type reads it; one that does not fit stays text, and the schema refuses it.
    package static func value(_ cell: String, _ type: ListSchema.FieldType?) -> JSON {
        switch type {
        case .integer: return Int64(cell).map { .integer($0) } ?? .string(cell)
        case .boolean: return cell == "true" ? true : cell == "false" ? false : .string(cell)
        case .texts: return .array(cell.split(separator: separator).map { .string(String($0)) })
        default:
            let isEscaped = cell.first == "'" && "=+-@".contains(cell.dropFirst().first ?? " ")
            return .string(isEscaped ? String(cell.dropFirst()) : cell)
        }
    }

    /// RFC 4180, with LF or CRLF; a byte-order mark is skipped. Whatever comes, it ends and answers something.
    package static func rows(of text: String) -> [[String]] {
        var bytes = Array(text.utf8)[...]
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }
        var rows: [[String]] = []
        var row: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        func closed() -> String { String(decoding: cell, as: UTF8.self) }
        while let byte = bytes.popFirst() {
            switch byte {
            case 0x22 where isQuoted && bytes.first == 0x22:
                cell.append(0x22)
                bytes = bytes.dropFirst()
            case 0x22 where isQuoted || cell.isEmpty: isQuoted.toggle()
            case 0x2c where !isQuoted:
                row.append(closed())
                cell = []
            case 0x0a where !isQuoted:
                if cell.last == 0x0d { cell.removeLast() }
                rows.append(row + [closed()])
                (row, cell) = ([], [])
            default: cell.append(byte)
            }
        }
        if !row.isEmpty || !cell.isEmpty { rows.append(row + [closed()]) }
        return rows
    }
}
