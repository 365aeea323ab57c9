// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A custodian bank's statement as CSV: a heading that names `reference` and `amount` (and what else the bank
/// writes), then a line for each movement of the supervised account; money that came in is positive.
package struct BankFile: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        /// From 1, the heading not counted.
        package let number: Int
        /// What the payment instruction carried: a transfer's code.
        package let reference: String
        package let minorUnits: Int64
    }

    package let lines: [Line]
    /// Names the file: the same file twice is one statement.
    package let digest: Digest

    /// Lines of one file: a year of a busy account.
    package static let linesMax = 1_000_000

    /// Throws `ledger.bank-file-malformed` with the line and what is wrong there.
    package init(parsing text: String) throws(Problem) {
        var rows = try CSVRows(text)
        guard let heading = try rows.next() else { throw .bankFileMalformed(line: 0, "the file is empty") }
        let names = heading.map { $0.lowercased() }
        guard let reference = names.firstIndex(of: "reference"), let amount = names.firstIndex(of: "amount")
        else {
            throw .bankFileMalformed(line: 0, "the heading does not name reference and amount")
        }
        var lines: [Line] = []
        while let row = try rows.next() {
            let number = lines.count + 1
            if number > Self.linesMax { throw .bankFileMalformed(line: number, "the file is too long") }
            guard row.count == names.count else {
                throw .bankFileMalformed(line: number, "a column is missing")
            }
            // Banks group thousands with commas; the currency is that of the account.
            guard let money = Money(row[amount].filter { $0 != "," } + "CNY") else {
                throw .bankFileMalformed(
                    line: number, "the amount is no decimal number with at most two places")
            }
            lines.append(Line(number: number, reference: row[reference], minorUnits: money.minorUnits))
        }
        self.lines = lines
        digest = Digest(of: text)
    }
}

/// Rows of comma-separated text (RFC 4180): quoted fields, doubled quotes, either line end, a leading BOM.
private struct CSVRows {
    private var rest: ArraySlice<UInt8>
    private var number = 0

    init(_ text: String) throws(Problem) {
        rest = Array(text.utf8)[...]
        if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
    }

    mutating func next() throws(Problem) -> [String]? {
        while let byte = rest.first, byte == 10 || byte == 13 { rest = rest.dropFirst() }
        if rest.isEmpty { return nil }
        var fields: [String] = []
        while true {
            fields.append(rest.first == UInt8(ascii: "\"") ? try quoted() : plain())
            guard let end = rest.popFirst() else { break }
            if end == UInt8(ascii: ",") { continue }
            if end == 13 || end == 10 { break }
            throw .bankFileMalformed(line: number, "text follows a closing quote")
        }
        number += 1
        return fields
    }

    private mutating func plain() -> String {
        let field = rest.prefix { $0 != UInt8(ascii: ",") && $0 != 10 && $0 != 13 }
        rest = rest.dropFirst(field.count)
        let text = String(decoding: field, as: UTF8.self)
        return String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private mutating func quoted() throws(Problem) -> String {
        rest = rest.dropFirst()
        var field: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte != UInt8(ascii: "\"") {
                field.append(byte)
            } else if rest.first == UInt8(ascii: "\"") {
                field.append(byte)
                rest = rest.dropFirst()
            } else {
                return String(decoding: field, as: UTF8.self)
            }
        }
        throw .bankFileMalformed(line: number, "a quoted field does not end")
    }
}
