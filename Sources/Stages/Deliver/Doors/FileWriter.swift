// SPDX-License-Identifier: Apache-2.0

private import struct Crypto.SHA256
private import Foundation
import Primitives
import Tables

/// Writes the files that leave. A file is complete and on disk under its final name, or it is not there.
struct FileWriter: Sendable {
    let engines: any TableEngineFactory
    let folder: String

    /// One delivery's share of the machine.
    private static let limits = EngineLimits(memoryBytes: 512 << 20, threads: 2)

    /// Writes what `select` chooses as `name`. The same name is the same content: one that is there is used again.
    func write(
        _ name: String, _ form: FileForm,
        _ select: (any TableEngine) async throws(Problem) -> TableQuery
    ) async throws(Problem) -> DeliveredFile {
        let path = "\(folder)/\(name).\(form.rawValue)"
        if let known = Self.described(path, form) { return known }
        let engine = try engines.open(Self.limits)
        defer { engine.close() }
        let query = try await select(engine)
        let rows: Int
        if form == .parquet {
            rows = try await engine.writeParquet(query, to: path).rowCount
        } else {
            rows = try await write(query, form, to: path, on: engine)
        }
        guard let file = Self.finish(path, form, rows: rows) else {
            throw Problem(.fault, "store.storage-failed", operatorNote: "cannot read \(path)")
        }
        return file
    }

    private func write(
        _ query: TableQuery, _ form: FileForm, to path: String, on engine: any TableEngine
    ) async throws(Problem) -> Int {
        let options = form == .csv ? "FORMAT csv, HEADER" : "FORMAT json, ARRAY true"
        // Two deliveries at once may write the same content: each under a name of its own, and the last one stays.
        let draft = "\(path).\(ID<FileWriter>(derivedFrom: Digest(of: "\(query.hashValue)")).uuid).part"
        let copied = try await engine.rows(
            TableQuery("COPY (\(query.sql)) TO \(draft.sqlText) (\(options))", query.arguments))
        // SAFETY: both paths are strings that the call copies.
        guard unsafe rename(draft, path) == 0, case .integer(let rows)? = copied.rows.first?.first else {
            throw Problem(.fault, "store.storage-failed", operatorNote: "cannot write \(path)")
        }
        return Int(rows)
    }

    // MARK: What is known of a written file

    private static func finish(_ path: String, _ form: FileForm, rows: Int) -> DeliveredFile? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        var hash = SHA256()
        var count: Int64 = 0
        while let piece = try? handle.read(upToCount: 1 << 20), !piece.isEmpty {
            hash.update(data: piece)
            count += Int64(piece.count)
        }
        let file = DeliveredFile(
            path: path, form: form, byteCount: count, rowCount: Int64(rows), digest: Digest(hash.finalize()))
        guard (try? Data(file.json.canonicalBytes).write(to: note(path), options: .atomic)) != nil else {
            return nil
        }
        return file
    }

    static func described(_ path: String, _ form: FileForm) -> DeliveredFile? {
        guard FileManager.default.fileExists(atPath: path), let note = try? Data(contentsOf: note(path)),
            let json = try? JSON(parsing: Array(note))
        else { return nil }
        return DeliveredFile(json: json, passage: nil)
    }

    /// Written after the file: without it the file is written anew.
    private static func note(_ path: String) -> URL { URL(filePath: path + ".about") }
}
