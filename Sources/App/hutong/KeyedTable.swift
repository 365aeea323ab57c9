// SPDX-License-Identifier: Apache-2.0

import Foundation
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

    init(file: String, key: [String], recipe: KeyRecipe, by: String?) throws {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        let bytes = [UInt8](data)
        let lines = CSVLines.split(bytes)
        let names = lines.first.map { CSVFields.all(bytes, $0) } ?? []
        let find = { (name: String) in
            guard let place = names.firstIndex(of: name) else {
                throw Problem(.invalid, "psi.column-missing", ["column": .text(name), "file": .text(file)])
            }
            return place
        }
        let columns = try key.map(find)
        let groupColumn = try by.map(find)
        var builder = ItemSet.Builder(recipe: recipe, capacity: lines.count)
        var fields = CSVFields(upTo: max(columns.max() ?? 0, groupColumn ?? 0))
        var rowGroups: [Int] = []
        var numbers: [[UInt8]: Int] = [:]
        for line in lines.dropFirst() {
            fields.read(bytes, line)
            let first = fields[columns[0]]
            if columns.count == 1, recipe.leavesAlone(first) {
                builder.add(plain: first)
            } else {
                builder.add(columns.map { recipe.normalize(fields[$0]) })
            }
            guard let groupColumn else { continue }
            let group = Array(fields[groupColumn])
            let number = numbers[group] ?? numbers.count
            numbers[group] = number
            rowGroups.append(number)
        }
        let items = builder.build()
        self.bytes = bytes
        header = lines.first ?? 0..<0
        rows = Array(lines.dropFirst())
        self.items = items
        groups = groupColumn == nil ? [] : items.firstRow.map { rowGroups[$0] }
        groupNames = numbers.sorted { $0.value < $1.value }.map { String(decoding: $0.key, as: UTF8.self) }
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

/// RFC 4180 records over bytes.
enum CSVLines {
    /// The ranges of the records, without their line ends; a quoted field may hold line ends.
    static func split(_ bytes: [UInt8]) -> [Range<Int>] {
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
        if start < bytes.count { lines.append(start..<bytes.count) }
        return lines
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
