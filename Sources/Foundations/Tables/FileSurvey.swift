// SPDX-License-Identifier: Apache-2.0

internal import struct Crypto.SHA256
internal import Foundation
package import Primitives

/// What one reading of a file tells: its digest, what it is, and how its text is encoded.
///
/// Cost: one pass in blocks of 1 MiB; SHA-256 and the check for UTF-8 run on each block while it is warm.
package struct FileSurvey: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case delimitedText
        case jsonText
        case parquet
    }

    package let path: String
    package let digest: Digest
    package let byteCount: Int64
    package let kind: Kind
    /// Of a text; UTF-8 for Parquet.
    package let encoding: CSVLayout.Encoding

    static let blockBytes = 1 << 20

    /// Throws `tables.file-unreadable`, `tables.file-is-workbook`, `tables.encoding-unknown`, `tables.line-too-long`.
    package init(of path: String) throws(Problem) {
        var hash = SHA256()
        var check = UTF8Check()
        var lines = LineCheck()
        var head: [UInt8] = []
        var count: Int64 = 0
        try Self.readBlocks(of: path) { block throws(Problem) in
            if head.isEmpty { head = Array(block.prefix(4096)) }
            hash.update(data: block)
            check.take(block)
            lines.take(block)
            count += Int64(block.count)
        }
        self.path = path
        digest = Digest(hash.finalize())
        byteCount = count
        kind = try Self.kind(of: path, head)
        guard kind != .parquet else {
            encoding = .utf8
            return
        }
        if kind == .delimitedText, let start = lines.longLineStart {
            throw try Self.lineTooLong(of: path, from: start)
        }
        encoding = try Self.encoding(of: path, head, utf8FailsAt: check.finished())
    }

    /// Says which line it is, which only a second reading knows.
    private static func lineTooLong(of path: String, from start: Int64) throws(Problem) -> Problem {
        var (line, offset): (Int64, Int64) = (1, 0)
        try readBlocks(of: path) { block throws(Problem) in
            line += Int64(block.prefix(Int(max(0, start - offset))).count { $0 == UInt8(ascii: "\n") })
            offset += Int64(block.count)
        }
        return .lineTooLong(line, in: path)
    }

    /// Reads the file in blocks that are freed one after the other.
    static func readBlocks(
        of path: String, _ body: (Data) throws(Problem) -> Void
    ) throws(Problem) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Problem(.missing, "tables.file-unreadable", ["file": .text(fileName(path))])
        }
        defer { try? file.close() }
        while true {
            let block: Data?
            do {
                block = try file.read(upToCount: blockBytes)
            } catch {
                throw Problem(
                    .unavailable, "tables.file-unreadable", ["file": .text(fileName(path))],
                    operatorNote: "\(error)")
            }
            guard let block, !block.isEmpty else { return }
            try body(block)
        }
    }

    /// The last part of a path: what a person sees of it.
    static func fileName(_ path: String) -> String { URL(filePath: path).lastPathComponent }

    private static func kind(of path: String, _ head: [UInt8]) throws(Problem) -> Kind {
        if head.starts(with: "PAR1".utf8) { return .parquet }
        // A ZIP archive (.xlsx, .ods) or an OLE compound file (.xls).
        if head.starts(with: [0x50, 0x4b, 0x03, 0x04]) || head.starts(with: [0xd0, 0xcf, 0x11, 0xe0]) {
            throw Problem(.invalid, "tables.file-is-workbook", ["file": .text(fileName(path))])
        }
        let first = head.first { ![0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].contains($0) }
        let isJSON = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        return isJSON ? .jsonText : .delimitedText
    }

    private static func encoding(
        of path: String, _ head: [UInt8], utf8FailsAt place: Int64?
    ) throws(Problem) -> CSVLayout.Encoding {
        if head.starts(with: [0xff, 0xfe]) { return .utf16LittleEndian }
        if head.starts(with: [0xfe, 0xff]) { return .utf16BigEndian }
        guard let place else { return .utf8 }
        guard !head.contains(0) else {
            throw Problem(
                .invalid, "tables.encoding-unknown",
                ["file": .text(fileName(path)), "offset": .integer(place)])
        }
        return .gb18030
    }
}

/// Whether a text has a line that is too long for a row. The limit is longer than a block, so that only the first and the
/// last line break of each block are looked for.
struct LineCheck {
    private var lineStart: Int64 = 0
    private var offset: Int64 = 0
    /// Where the first line begins that is longer than `CSVLayout.lineBytesMax`.
    private(set) var longLineStart: Int64?

    mutating func take(_ block: Data) {
        defer { offset += Int64(block.count) }
        guard longLineStart == nil else { return }
        let first = block.firstIndex(where: Self.isBreak).map { $0 - block.startIndex } ?? block.count
        guard offset + Int64(first) - lineStart <= CSVLayout.lineBytesMax else {
            longLineStart = lineStart
            return
        }
        if let last = block.lastIndex(where: Self.isBreak) {
            lineStart = offset + Int64(last - block.startIndex) + 1
        }
    }

    private static func isBreak(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }
}

/// Whether a stream of bytes is UTF-8 (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF).
struct UTF8Check {
    /// Continuation bytes still expected, and the bounds of the next one.
    private var missing = 0
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xbf
    private var offset: Int64 = 0
    private var failure: Int64?

    mutating func take(_ block: Data) {
        guard failure == nil else { return }
        // SAFETY: the buffer lives for the call, and `check` stays inside it.
        let place = unsafe block.withUnsafeBytes { bytes in unsafe check(bytes) }
        if let place { failure = offset + Int64(place) }
        offset += Int64(block.count)
    }

    /// The place of the first byte that does not fit; `nil` for UTF-8.
    func finished() -> Int64? {
        failure ?? (missing > 0 ? offset : nil)
    }

    private mutating func check(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var place = 0
        while place < bytes.count {
            // SAFETY: eight bytes are read only where eight are left.
            if missing == 0, place + 8 <= bytes.count,
                unsafe bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) & 0x8080_8080_8080_8080
                    == 0
            {
                place += 8
                continue
            }
            guard unsafe step(bytes[place]) else { return place }
            place += 1
        }
        return nil
    }

    /// RFC 3629 §4.
    private mutating func step(_ byte: UInt8) -> Bool {
        if missing > 0 {
            guard lower...upper ~= byte else { return false }
            (missing, lower, upper) = (missing - 1, 0x80, 0xbf)
            return true
        }
        switch byte {
        case 0...0x7f: return true
        case 0xc2...0xdf: missing = 1
        case 0xe0: (missing, lower) = (2, 0xa0)
        case 0xed: (missing, upper) = (2, 0x9f)
        case 0xe1...0xef: missing = 2
        case 0xf0: (missing, lower) = (3, 0x90)
        case 0xf4: (missing, upper) = (3, 0x8f)
        case 0xf1...0xf3: missing = 3
        default: return false
        }
        return true
    }
}

extension Problem {
    /// A line that is longer than a row may be, by its number from 1.
    package static func lineTooLong(_ line: Int64, in path: String) -> Problem {
        Problem(
            .invalid, "tables.line-too-long",
            [
                "line": .integer(line), "limit": .bytes(CSVLayout.lineBytesMax),
                "file": .text(FileSurvey.fileName(path)),
            ])
    }
}
