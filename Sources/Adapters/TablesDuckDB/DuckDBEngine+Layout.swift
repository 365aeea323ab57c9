// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Primitives
internal import Tables

extension DuckDBEngine {
    /// Values looked at before a column's candidate type is checked against the whole file.
    private static let sampleRows = 2000

    func layout(of files: [String]) async throws(Problem) -> CSVLayout {
        guard let first = files.first else {
            throw Problem(.missing, "tables.file-unreadable", ["file": .text("")])
        }
        var layout = try CSVHeader(of: first).layout
        for file in files.dropFirst() where try CSVHeader(of: file).layout != layout {
            let name = URL(filePath: file).lastPathComponent
            let reason = LocalizedText(zh: "与第一个文件的列不同", en: "its columns are not those of the first file")
            throw Problem(
                .invalid, "tables.header-unusable", ["file": .text(name), "reason": .localized(reason)])
        }
        let raw = TableSource.csv(files, layout)
        let sample = try await reading(files) { engine throws(Problem) in
            try await engine.rows("SELECT * FROM \(raw.sql) LIMIT \(Self.sampleRows)")
        }
        let guesses = layout.columns.indices.map { place in
            TypeGuess(sample.rows.compactMap { $0[place].written })
        }
        let evidence = guesses.enumerated().flatMap { $1.questions(layout.columns[$0].name.quotedIdentifier) }
        guard !evidence.isEmpty else { return layout }
        let answer = try await reading(files) { engine throws(Problem) in
            try await engine.rows("SELECT \(evidence.joined(separator: ", ")) FROM \(raw.sql)")
        }
        var counts = ArraySlice(answer.rows.first ?? [])
        for (place, guess) in guesses.enumerated() {
            guess.decide(&layout.columns[place], from: counts.prefix(guess.questionCount))
            counts = counts.dropFirst(guess.questionCount)
        }
        return layout
    }

    /// Runs a reading of CSV files; a line that does not fit is told with its number. The engine's words quote the line
    /// itself, so that they go no further.
    private func reading(
        _ files: [String], _ body: (DuckDBEngine) async throws(Problem) -> TableAnswer
    ) async throws(Problem) -> TableAnswer {
        do throws(Problem) {
            return try await body(self)
        } catch {
            guard let note = error.operatorNote, let line = note.firstMatch(of: /on Line: (\d+)/)?.output.1
            else {
                throw error
            }
            let file = files.first { note.contains($0) } ?? files.first ?? ""
            guard !note.contains("Maximum line size") else {
                throw .lineTooLong(Int64(line) ?? 0, in: file)
            }
            throw Problem(
                .invalid, "tables.row-ragged",
                [
                    "line": .integer(Int64(line) ?? 0), "file": .text(URL(filePath: file).lastPathComponent),
                ])
        }
    }
}

/// The first record of a CSV file.
private struct CSVHeader {
    /// More bytes than this before the first line's end are no header.
    private static let headerBytesMax = 1 << 20
    private static let delimiters = [",", "\t", ";", "|"].flatMap { Array($0.utf8) }

    let layout: CSVLayout

    init(of path: String) throws(Problem) {
        let name = URL(filePath: path).lastPathComponent
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Problem(.missing, "tables.file-unreadable", ["file": .text(name)])
        }
        let head = try? file.read(upToCount: Self.headerBytesMax)
        try? file.close()
        var bytes = Array(head ?? Data())
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
        let candidates = Self.delimiters.map { ($0, Self.fields(bytes, $0)) }
        let best = candidates.max { ($0.1.count, $1.0) < ($1.1.count, $0.0) } ?? (UInt8(ascii: ","), [])
        let names = best.1
        let isCut = bytes.count >= Self.headerBytesMax - 3 && !bytes.contains(0x0a) && !bytes.contains(0x0d)
        guard !isCut else {
            throw Self.unusable(name, LocalizedText(zh: "首行超过 1 MiB", en: "it is longer than 1 MiB"))
        }
        guard !bytes.isEmpty, !names.isEmpty else {
            throw Self.unusable(name, LocalizedText(zh: "文件是空的", en: "the file is empty"))
        }
        guard names.allSatisfy({ !$0.isEmpty }) else {
            throw Self.unusable(name, LocalizedText(zh: "有一列没有名称", en: "a column has no name"))
        }
        // The engine tells names apart without regard to case.
        guard Set(names.map { $0.lowercased() }).count == names.count else {
            throw Self.unusable(name, LocalizedText(zh: "有两列同名", en: "two columns have the same name"))
        }
        layout = CSVLayout(delimiter: best.0, columns: names.map { CSVColumn($0, .text) })
    }

    private static func unusable(_ file: String, _ reason: LocalizedText) -> Problem {
        Problem(.invalid, "tables.header-unusable", ["file": .text(file), "reason": .localized(reason)])
    }

    /// RFC 4180 §2: the fields of the first record.
    private static func fields(_ bytes: [UInt8], _ delimiter: UInt8) -> [String] {
        var fields: [[UInt8]] = [[]]
        var isQuoted = false
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            let isQuote = byte == UInt8(ascii: "\"")
            if isQuoted, isQuote, place + 1 < bytes.count, bytes[place + 1] == byte {
                fields[fields.count - 1].append(byte)
                place += 1
            } else if isQuote {
                isQuoted.toggle()
            } else if !isQuoted, byte == delimiter {
                fields.append([])
            } else if !isQuoted, byte == 0x0a || byte == 0x0d {
                break
            } else {
                fields[fields.count - 1].append(byte)
            }
            place += 1
        }
        return fields.map { field in
            String(decoding: field, as: UTF8.self).trimmingCharacters(in: .whitespaces)
        }
    }
}
