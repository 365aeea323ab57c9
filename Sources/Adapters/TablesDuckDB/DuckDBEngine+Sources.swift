// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Primitives
internal import Tables

extension DuckDBEngine {
    func attach(_ source: TableSource, as name: String) async throws(Problem) {
        try await execute("CREATE OR REPLACE VIEW \(name.quotedIdentifier) AS SELECT * FROM \(source.sql)")
    }

    func columns(of source: TableSource) async throws(Problem) -> [Column] {
        try await run(TableQuery("SELECT * FROM \(source.sql) LIMIT 0")) { _ in }.columns
    }

    func syntax(of sql: String) async throws(Problem) -> JSON {
        let answer = try await rows("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", [.text(sql)])
        guard case .text(let text)? = answer.rows.first?.first else {
            throw Problem(.fault, "tables.query-refused", operatorNote: "json_serialize_sql gave no text")
        }
        do {
            return try JSON(parsing: text)
        } catch {
            throw Problem(.invalid, "tables.query-refused", operatorNote: "syntax tree: \(error.reason)")
        }
    }

    func writeParquet(_ query: TableQuery, to path: String) async throws(Problem) -> QuerySummary {
        // Written beside its final name and renamed, so a crash leaves no half file under that name.
        let draft = path + ".part"
        let copy = "COPY (\(query.sql)) TO \(draft.quotedLiteral) (FORMAT parquet, COMPRESSION zstd)"
        do throws(Problem) {
            let answer = try await rows(TableQuery(copy, query.arguments, timeLimit: query.timeLimit))
            try Self.makeDurable(draft, as: path)
            guard case .integer(let count)? = answer.rows.first?.first else {
                throw Problem(.fault, "tables.file-unwritten", operatorNote: "COPY gave no count")
            }
            return QuerySummary(columns: try await columns(of: .parquet([path])), rowCount: Int(count))
        } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw error
        }
    }

    // SAFETY: `rename` and `open` read the two paths during the call and keep nothing.
    /// fsync the file, rename it, fsync its folder: from here on it survives a crash under its final name.
    private static func makeDurable(_ draft: String, as path: String) throws(Problem) {
        do {
            let file = try FileHandle(forUpdating: URL(filePath: draft))
            try file.synchronize()
            try file.close()
            guard unsafe rename(draft, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
            let folder = unsafe open(
                URL(filePath: path).deletingLastPathComponent().path(), O_RDONLY | O_DIRECTORY)
            guard folder >= 0, fsync(folder) == 0 else { throw CocoaError(.fileWriteUnknown) }
            _ = Foundation.close(folder)
        } catch {
            throw Problem(.unavailable, "tables.file-unwritten", operatorNote: "\(path): \(error)")
        }
    }
}

extension TableSource {
    /// The files behind it; none for a table the engine already has.
    var paths: [String] {
        switch self {
        case .csv(let paths, _), .parquet(let paths), .json(let paths): paths
        case .named: []
        }
    }

    /// The source as it stands after FROM.
    var sql: String {
        let list = "[" + paths.map(\.quotedLiteral).joined(separator: ", ") + "]"
        return switch self {
        case .csv(_, let layout): layout.sql(list)
        case .parquet: "read_parquet(\(list))"
        case .json: "read_json(\(list), format = 'auto')"
        case .named(let name): name.quotedIdentifier
        }
    }
}

extension CSVLayout {
    /// What a reading thread holds of a file: four of the longest lines, as the engine needs. Without being told it
    /// would take sixteen, which alone is near the memory a node gives to one delivery.
    private static let bufferBytes: Int64 = 4 * lineBytesMax

    /// Reads every field as text, then casts: DuckDB's own guesses would drop the leading zeros of codes.
    func sql(_ list: String) -> String {
        let names = columns.map { "\($0.name.quotedLiteral): 'VARCHAR'" }.joined(separator: ", ")
        let nulls = ([""] + nullTexts).map(\.quotedLiteral).joined(separator: ", ")
        let mark = String(decoding: [delimiter], as: UTF8.self).quotedLiteral
        let read =
            "read_csv(\(list), auto_detect = false, columns = {\(names)}, delim = \(mark), quote = '\"', "
            + "escape = '\"', header = \(hasHeader), nullstr = [\(nulls)], strict_mode = true, "
            + "null_padding = false, ignore_errors = false, max_line_size = \(Self.lineBytesMax), "
            + "buffer_size = \(Self.bufferBytes))"
        let casts = columns.map { "\($0.cast) AS \($0.name.quotedIdentifier)" }.joined(separator: ", ")
        return "(SELECT \(casts) FROM \(read))"
    }
}

extension CSVColumn {
    var cast: String {
        let field = name.quotedIdentifier
        return switch (type, format) {
        case (.text, _): field
        case (.day, let format?): "strptime(\(field), \(format.quotedLiteral))::DATE"
        case (.timestamp, let format?): "strptime(\(field), \(format.quotedLiteral))"
        default: "CAST(\(field) AS \(type.sqlName))"
        }
    }
}
