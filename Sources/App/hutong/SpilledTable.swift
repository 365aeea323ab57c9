// SPDX-License-Identifier: Apache-2.0

import Foundation
import Oblivious
import PSI
import Primitives

/// A CSV file of any length as items on disk: one record of digest and row number a row, in files by the digest's first
/// bits. Nothing of it is held in memory but one part at a time.
///
/// Made once; a second run with the same file, keys and recipe finds it in its folder.
struct SpilledTable {
    let file: String
    let folder: URL
    let rowCount: Int
    let rejectedCount: Int

    /// Files in the folder: a part of a match is one or several of them.
    static let fileCount = 512
    private static let recordBytes = 24
    /// Bytes that wait for each file, 16 MiB together.
    private static let waitingBytesMax = 32 << 10

    init(file: String, key: [String], recipe: KeyRecipe, folder: URL) throws {
        (self.file, self.folder) = (file, folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = try Self.source(file, key, recipe)
        let note = folder.appending(path: "table.json")
        if let known = (try? Data(contentsOf: note)).flatMap({ try? JSON(parsing: Array($0)) }),
            known["source"]?.text == source, let rows = known["rows"]?.integer,
            let rejected = known["rejected"]?.integer
        {
            (rowCount, rejectedCount) = (Int(rows), Int(rejected))
            return
        }
        // Not yet whole: nothing names these files until the note is written.
        try? FileManager.default.removeItem(at: note)
        (rowCount, rejectedCount) = try Self.spill(file, key, recipe, folder)
        let json: JSON = [
            "source": .string(source), "rows": .integer(Int64(rowCount)),
            "rejected": .integer(Int64(rejectedCount)),
        ]
        try Data(json.canonicalBytes).write(to: note, options: .atomic)
    }

    /// What the records were made of: file, length, time, keys and recipe.
    private static func source(_ file: String, _ key: [String], _ recipe: KeyRecipe) throws -> String {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        let size = (attributes[.size] as? NSNumber)?.int64Value ?? 0
        let changed = (attributes[.modificationDate] as? NSDate)?.timeIntervalSince1970 ?? 0
        let json: JSON = [
            "file": .string(file), "size": .integer(size), "changed": .integer(Int64(changed * 1e6)),
            "key": .array(key.map(JSON.string)), "recipe": .string(recipe.digest.hex),
        ]
        return Digest(of: json.canonicalBytes).hex
    }

    private static func spill(_ file: String, _ key: [String], _ recipe: KeyRecipe, _ folder: URL) throws
        -> (rows: Int, rejected: Int)
    {
        let handles = try (0..<fileCount).map { place in
            try FileHandle.ofNewFile(Self.path(place, in: folder).path)
        }
        var waiting = [[UInt8]](repeating: [], count: fileCount)
        var builder = ItemSet.Builder(recipe: recipe)
        var (columns, rows, rejected): (KeyColumns?, Int, Int) = (nil, 0, 0)
        var fields = CSVFields(upTo: 0)
        try CSVStream.forEach(of: file) { bytes, line in
            guard let columns else {
                let found = try KeyColumns(header: CSVFields.all(bytes, line), key, file)
                columns = found
                fields = CSVFields(upTo: found.last)
                return
            }
            fields.read(bytes, line)
            defer { rows += 1 }
            guard let item = columns.digest(fields, recipe, &builder) else {
                rejected += 1
                return
            }
            let place = Int(item.y >> 55)  // the first nine bits of a hash: files of nearly one length
            item.append(to: &waiting[place])
            for shift in 0..<8 { waiting[place].append(UInt8(truncatingIfNeeded: rows >> (8 * shift))) }
            guard waiting[place].count >= waitingBytesMax else { return }
            try handles[place].write(contentsOf: waiting[place])
            waiting[place].removeAll(keepingCapacity: true)
        }
        for (place, handle) in handles.enumerated() {
            try handle.write(contentsOf: waiting[place])
            try handle.synchronize()
            try handle.close()
        }
        return (rows, rejected)
    }

    private static func path(_ place: Int, in folder: URL) -> URL { folder.appending(path: "items-\(place)") }

    /// One part's items, and for each row of that set its number in the file.
    func part(_ number: Int, of parts: Int, recipe: KeyRecipe) throws -> (items: ItemSet, rows: [Int]) {
        let width = Self.fileCount / parts
        var builder = ItemSet.Builder(recipe: recipe)
        var rows: [Int] = []
        for place in number * width..<(number + 1) * width {
            let bytes = [UInt8](try Data(contentsOf: Self.path(place, in: folder)))
            for start in stride(from: 0, to: bytes.count, by: Self.recordBytes) {
                builder.add(digest: Block(littleEndian: bytes, at: start))
                rows.append(Int(truncatingIfNeeded: Block(littleEndian: bytes, at: start + 8).y))
            }
        }
        return (builder.build(), rows)
    }

    /// Writes the header and the rows that are marked, in the file's order.
    func write(_ marked: RowMarks, to path: String) throws {
        let handle = try FileHandle.ofNewFile(path)
        defer { try? handle.close() }
        var (row, waiting): (Int, [UInt8]) = (-1, [])
        try CSVStream.forEach(of: file) { bytes, line in
            defer { row += 1 }
            guard row < 0 || marked[row] else { return }
            waiting += bytes[line]
            waiting.append(UInt8(ascii: "\n"))
            guard waiting.count > 1 << 20 else { return }
            try handle.write(contentsOf: waiting)
            waiting.removeAll(keepingCapacity: true)
        }
        try handle.write(contentsOf: waiting)
    }
}

extension FileHandle {
    /// An empty file to write to, in place of one that was there.
    static func ofNewFile(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw Problem(.missing, "app.file-unreadable", ["file": .text(path)]) }
        return handle
    }
}

/// One bit a row.
struct RowMarks {
    private var words: [UInt64]

    init(rowCount: Int) { words = [UInt64](repeating: 0, count: rowCount / 64 + 1) }

    subscript(row: Int) -> Bool {
        get { words[row / 64] >> UInt64(row % 64) & 1 == 1 }
        set { if newValue { words[row / 64] |= 1 << UInt64(row % 64) } }
    }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
}

/// The parts of a match that are done, kept on disk so that a run that was cut off goes on behind them.
///
/// A part's rows are durable before the note that counts them is written: after a crash between the two the rows are
/// cut off again.
struct PartsDone {
    private(set) var count = 0
    private(set) var marks: RowMarks
    private var rowCount = 0
    private let folder: URL
    private let plan: Digest

    private var rowsPath: URL { folder.appending(path: "matched-rows") }
    private var notePath: URL { folder.appending(path: "done.json") }

    /// - Parameter tableRows: how many rows the table has.
    init(in folder: URL, plan: Digest, tableRows: Int) throws {
        (self.folder, self.plan) = (folder, plan)
        marks = RowMarks(rowCount: tableRows)
        if let note = (try? Data(contentsOf: notePath)).flatMap({ try? JSON(parsing: Array($0)) }),
            note["plan"]?.text == plan.hex, let parts = note["parts"]?.integer,
            let known = note["rows"]?.integer, let data = try? Data(contentsOf: rowsPath),
            data.count >= 8 * known
        {
            (count, rowCount) = (Int(parts), Int(known))
            let bytes = [UInt8](data)
            for place in 0..<rowCount {
                marks[(0..<8).reduce(0) { $0 | Int(bytes[8 * place + $1]) << (8 * $1) }] = true
            }
        }
        if !FileManager.default.fileExists(atPath: rowsPath.path) { try Data().write(to: rowsPath) }
        let handle = try FileHandle(forWritingTo: rowsPath)
        try handle.truncate(atOffset: UInt64(8 * rowCount))
        try handle.close()
    }

    /// Records part `number`; one that is known already changes nothing.
    mutating func add(_ number: Int, rows new: [Int]) throws {
        guard number == count else { return }
        let handle = try FileHandle(forWritingTo: rowsPath)
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(
            contentsOf: new.flatMap { row in (0..<8).map { UInt8(truncatingIfNeeded: row >> (8 * $0)) } })
        try handle.synchronize()
        for row in new { marks[row] = true }
        rowCount += new.count
        count += 1
        let note: JSON = [
            "plan": .string(plan.hex), "parts": .integer(Int64(count)), "rows": .integer(Int64(rowCount)),
        ]
        try Data(note.canonicalBytes).write(to: notePath, options: .atomic)
    }
}

/// RFC 4180 records of a file of any length, one after the other.
enum CSVStream {
    private static let chunkBytes = 4 << 20

    /// - Parameter body: gets bytes and the range of one record in them, without its line end.
    static func forEach(of file: String, _ body: ([UInt8], Range<Int>) throws -> Void) throws {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        defer { try? handle.close() }
        var rest: [UInt8] = []
        while let chunk = try handle.read(upToCount: chunkBytes), !chunk.isEmpty {
            let bytes = rest + chunk
            let (lines, end) = CSVLines.splitWhole(bytes)
            for line in lines { try body(bytes, line) }
            rest = Array(bytes[end...])
        }
        for line in CSVLines.split(rest) { try body(rest, line) }
    }
}
