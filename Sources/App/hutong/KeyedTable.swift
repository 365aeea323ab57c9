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
        let names = lines.first.map { CSVLines.fields(bytes, $0).map { String(decoding: $0, as: UTF8.self) } } ?? []
        let find = { (name: String) in
            guard let place = names.firstIndex(of: name) else {
                throw Problem(.invalid, "psi.column-missing", ["column": .text(name), "file": .text(file)])
            }
            return place
        }
        let columns = try key.map(find)
        let groupColumn = try by.map(find)
        var items = ItemSet(recipe: recipe, capacity: lines.count)
        var groups: [Int] = []
        var numbers: [[UInt8]: Int] = [:]
        for line in lines.dropFirst() {
            let fields = CSVLines.fields(bytes, line)
            items.add(columns.map { $0 < fields.count ? recipe.normalize(fields[$0]) : nil })
            guard let groupColumn, items.items.count > groups.count else { continue }
            let group = groupColumn < fields.count ? fields[groupColumn] : []
            groups.append(numbers[group] ?? numbers.count)
            numbers[group] = groups.last
        }
        self.bytes = bytes
        header = lines.first ?? 0..<0
        rows = Array(lines.dropFirst())
        self.items = items
        self.groups = groups
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

/// RFC 4180 lines and fields over bytes.
enum CSVLines {
    /// The ranges of the records, without their line ends; a quoted field may hold line ends.
    static func split(_ bytes: [UInt8]) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = 0
        var isQuoted = false
        for (place, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            guard byte == UInt8(ascii: "\n"), !isQuoted else { continue }
            let end = place > start && bytes[place - 1] == UInt8(ascii: "\r") ? place - 1 : place
            if end > start { lines.append(start..<end) }
            start = place + 1
        }
        if start < bytes.count { lines.append(start..<bytes.count) }
        return lines
    }

    static func fields(_ bytes: [UInt8], _ line: Range<Int>) -> [[UInt8]] {
        var fields: [[UInt8]] = []
        var field: [UInt8] = []
        var isQuoted = false
        for place in line {
            let byte = bytes[place]
            switch byte {
            case UInt8(ascii: "\""):
                // A doubled quote inside quotes is one quote.
                if !isQuoted, place > line.lowerBound, bytes[place - 1] == byte { field.append(byte) }
                isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted:
                fields.append(field)
                field = []
            default: field.append(byte)
            }
        }
        fields.append(field)
        return fields
    }
}
