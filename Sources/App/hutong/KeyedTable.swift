// SPDX-License-Identifier: Apache-2.0

import Foundation
import Oblivious
import PSI
import Primitives

/// A CSV file read for a match: its rows as they stand, and the items its key columns make.
struct KeyedTable {
    private let bytes: [UInt8]
    private let header: Range<Int>
    private let rows: [Range<Int>]
    let items: ItemSet
    /// For each item its group's number, and the groups' names; empty without `by`.
    let groups: [Int]
    let groupNames: [String]

    /// For each item the sum of its rows' values, taken to the nearer bound; empty without `amount`.
    let amounts: [Int64]

    init(file: String, key: [String], recipe: KeyRecipe, by: String?, amount: AmountColumn? = nil) throws {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        let bytes = [UInt8](data)
        let lines = CSVLines.split(bytes)
        let columns = try KeyColumns(header: lines.first.map { CSVFields.all(bytes, $0) } ?? [], key, file)
        let groupColumn = try by.map { try columns.place(of: $0) }
        let amountColumn = try amount.map { try columns.place(of: $0.name) }
        var builder = ItemSet.Builder(recipe: recipe, capacity: lines.count)
        var fields = CSVFields(upTo: max(columns.last, groupColumn ?? 0, amountColumn ?? 0))
        var names = GroupNames()
        var (rowGroups, rowAmounts): ([Int], [Int64]) = ([], [])
        for (row, line) in lines.dropFirst().enumerated() {
            fields.read(bytes, line)
            let item = columns.digest(fields, recipe, &builder)
            builder.add(digest: item)
            if let groupColumn { rowGroups.append(names.number(of: Array(fields[groupColumn]))) }
            if let amount, let amountColumn {
                rowAmounts.append(try amount.value(fields[amountColumn], row: row))
            }
        }
        let items = builder.build()
        self.bytes = bytes
        header = lines.first ?? 0..<0
        rows = Array(lines.dropFirst())
        self.items = items
        groups = groupColumn == nil ? [] : items.firstRow.map { rowGroups[$0] }
        groupNames = names.all
        amounts = amount.map { $0.sums(rowAmounts, items) } ?? []
    }

    /// Writes the header and the given rows, byte for byte as they were read.
    func write(rows places: [Int], to file: String) throws {
        var text = Array(bytes[header])
        text.append(UInt8(ascii: "\n"))
        for place in places {
            text.append(contentsOf: bytes[rows[place]])
            text.append(UInt8(ascii: "\n"))
        }
        try Data(text).write(to: URL(filePath: file))
    }
}

/// Where a table's key columns stand.
struct KeyColumns {
    private let header: [String]
    private let places: [Int]
    private let file: String

    init(header: [String], _ key: [String], _ file: String) throws {
        (self.header, self.file) = (header, file)
        places = try key.map { try Self.place(of: $0, header, file) }
    }

    var last: Int { places.max() ?? 0 }

    func place(of name: String) throws -> Int { try Self.place(of: name, header, file) }

    private static func place(of name: String, _ header: [String], _ file: String) throws -> Int {
        guard let place = header.firstIndex(of: name) else {
            throw Problem(.invalid, "psi.column-missing", ["column": .text(name), "file": .text(file)])
        }
        return place
    }

    /// The item of one row; `nil` where a key is empty.
    func digest(_ fields: CSVFields, _ recipe: KeyRecipe, _ builder: inout ItemSet.Builder) -> Block? {
        let first = fields[places[0]]
        guard places.count > 1 || !recipe.leavesAlone(first) else { return builder.digest(plain: first) }
        return builder.digest(places.map { recipe.normalize(fields[$0]) })
    }
}

/// Numbers for names in the order they come.
private struct GroupNames {
    private var numbers: [[UInt8]: Int] = [:]

    var all: [String] {
        numbers.sorted { $0.value < $1.value }.map { String(decoding: $0.key, as: UTF8.self) }
    }

    mutating func number(of name: [UInt8]) -> Int {
        let number = numbers[name] ?? numbers.count
        numbers[name] = number
        return number
    }
}

/// A column that is summed: how many decimals count, and how much one key may count for.
struct AmountColumn {
    let name: String
    let decimals: Int
    let most: Int64

    /// In units of the last decimal; an empty field is nothing.
    func value(_ field: ArraySlice<UInt8>, row: Int) throws -> Int64 {
        let text = String(decoding: field, as: UTF8.self).trimmingCharacters(in: .whitespaces)
        if text.isEmpty { return 0 }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? String(parts[1]) : ""
        let padded = fraction + String(repeating: "0", count: max(0, decimals - fraction.count))
        guard fraction.count <= decimals, let value = Int64(parts[0] + padded) else {
            throw Problem(
                .invalid, "psi.amount-unreadable",
                [
                    "column": .text(name), "row": .integer(Int64(row + 2)),
                    "decimals": .integer(Int64(decimals)),
                ])
        }
        return value
    }

    /// Each item's rows together, taken to the nearer bound.
    func sums(_ rows: [Int64], _ items: ItemSet) -> [Int64] {
        var sums = items.firstRow.map { Int128(rows[$0]) }
        for (item, row) in items.repeats { sums[item] += Int128(rows[row]) }
        return sums.map { Int64(min(max($0, Int128(-most)), Int128(most))) }
    }
}

/// RFC 4180 records over bytes.
enum CSVLines {
    /// The ranges of the records, without their line ends; a quoted field may hold line ends.
    static func split(_ bytes: [UInt8]) -> [Range<Int>] {
        var (lines, start) = splitWhole(bytes)
        if start < bytes.count { lines.append(start..<bytes.count) }
        return lines
    }

    /// Only the records whose line end is there, and where the rest begins.
    static func splitWhole(_ bytes: [UInt8]) -> (lines: [Range<Int>], end: Int) {
        var lines: [Range<Int>] = []
        lines.reserveCapacity(bytes.count / 16)
        var start = 0
        var isQuoted = false
        for place in bytes.indices {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            guard byte == UInt8(ascii: "\n"), !isQuoted else { continue }
            let end = place > start && bytes[place - 1] == UInt8(ascii: "\r") ? place - 1 : place
            if end > start { lines.append(start..<end) }
            start = place + 1
        }
        return (lines, start)
    }
}

/// The first fields of one record after the other, without a copy unless a field is quoted.
struct CSVFields {
    private let last: Int
    private var fields: [ArraySlice<UInt8>] = []

    /// - Parameter last: the highest field anybody will ask for; the rest of a record is not read.
    init(upTo last: Int) { self.last = last }

    /// A missing field is empty.
    subscript(place: Int) -> ArraySlice<UInt8> { place < fields.count ? fields[place] : [] }

    mutating func read(_ bytes: [UInt8], _ line: Range<Int>) {
        fields.removeAll(keepingCapacity: true)
        var start = line.lowerBound
        while fields.count <= last, start <= line.upperBound {
            var (end, isQuoted, hasQuotes) = (start, false, false)
            while end < line.upperBound, isQuoted || bytes[end] != UInt8(ascii: ",") {
                if bytes[end] == UInt8(ascii: "\"") { (isQuoted, hasQuotes) = (!isQuoted, true) }
                end += 1
            }
            fields.append(hasQuotes ? Self.unquoted(bytes[start..<end]) : bytes[start..<end])
            start = end + 1
        }
    }

    static func all(_ bytes: [UInt8], _ line: Range<Int>) -> [String] {
        var fields = CSVFields(upTo: Int.max - 1)
        fields.read(bytes, line)
        return fields.fields.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Drops the quotes around and the second of each doubled one.
    private static func unquoted(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var (text, isQuoted): ([UInt8], Bool) = ([], false)
        for place in field.indices {
            guard field[place] == UInt8(ascii: "\"") else {
                text.append(field[place])
                continue
            }
            if !isQuoted, place > field.startIndex, field[place - 1] == field[place] {
                text.append(field[place])
            }
            isQuoted.toggle()
        }
        return text[...]
    }
}
