// SPDX-License-Identifier: Apache-2.0

import Primitives
import Store

/// The writing connection. It belongs to the writer's thread.
final class SQLiteWriterSession: WriterSession {
    private let connection: SQLiteConnection
    var now = Instant(microseconds: 0)
    var lastTick = Instant(microseconds: 0)
    var writes: Int { connection.writes }
    let dialect = SQLDialect.sqlite

    init(path: String) throws(Problem) {
        connection = try SQLiteConnection(path: path)
        try connection.execute("PRAGMA busy_timeout = 5000")
        try connection.query("PRAGMA journal_mode = WAL", []) { _ in }
        // After the journal mode: setting that resets this in some versions. FULL: every COMMIT is an fsync.
        try connection.execute("PRAGMA synchronous = FULL")
        try connection.execute("PRAGMA foreign_keys = ON")
        try connection.execute("PRAGMA temp_store = MEMORY")
        // Negative: in kibibytes. 64 MiB holds the hot pages of some hundred thousand accounts.
        try connection.execute("PRAGMA cache_size = -65536")
        // Pages of 4 KiB in the log before they move to the file: longer is faster, and 16 MiB start quickly.
        try connection.query("PRAGMA wal_autocheckpoint = 4096", []) { _ in }
    }

    func begin() throws(Problem) { try connection.execute("BEGIN IMMEDIATE") }

    func commit() throws(Problem) { try connection.execute("COMMIT") }

    func rollBack() {
        guard connection.isInTransaction else { return }
        do throws(Problem) {
            try connection.execute("ROLLBACK")
        } catch {
            ProcessEnd.storageFailed(error)
        }
    }

    func confirmWhole() {}

    func rollBackToSavepoint() throws(Problem) {
        // After a full disk SQLite may have ended the whole transaction: then nothing of the group is left.
        guard connection.isInTransaction else { throw .storageFailed("the transaction ended by itself") }
        try connection.execute("ROLLBACK TO command")
        try releaseSavepoint()
    }

    func execute(_ sql: String, _ arguments: [any SQLConvertible]) throws(Problem) -> Int {
        try connection.execute(sql, arguments)
    }

    func query(
        _ sql: String, _ arguments: [any SQLConvertible], each: (any SQLRow) throws(Problem) -> Void
    ) throws(Problem) {
        try connection.query(sql, arguments, each: each)
    }

    func end() { connection.close() }
}

/// A reading connection. It belongs to one thread of the pool.
final class SQLiteReaderSession: ReaderSession {
    private let connection: SQLiteConnection
    let dialect = SQLDialect.sqlite

    init(path: String) throws(Problem) {
        connection = try SQLiteConnection(path: path)
        try connection.execute("PRAGMA busy_timeout = 5000")
        try connection.execute("PRAGMA query_only = ON")
    }

    func begin() throws(Problem) { try connection.execute("BEGIN") }

    func finish() {
        // A reader holds no change; if even this fails, the next `begin` says so.
        if connection.isInTransaction { _ = try? connection.execute("COMMIT") }
    }

    func query(
        _ sql: String, _ arguments: [any SQLConvertible], each: (any SQLRow) throws(Problem) -> Void
    ) throws(Problem) {
        try connection.query(sql, arguments, each: each)
    }

    func copy(to path: String) throws(Problem) { try connection.copy(to: path) }
    func end() { connection.close() }
}
