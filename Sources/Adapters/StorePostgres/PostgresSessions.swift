// SPDX-License-Identifier: Apache-2.0

import Primitives
import Store

/// The writing connection. It belongs to the writer's thread and holds the lock that makes it the only one.
final class PostgresWriterSession: WriterSession {
    private let connection: PostgresConnection
    var now = Instant(microseconds: 0)
    var lastTick = Instant(microseconds: 0)
    var writes: Int { connection.writes }
    let dialect = SQLDialect.postgres

    /// The advisory lock of "one writer per node": any number that is only ours ("hutong" in ASCII).
    private static let writerLock: Int64 = 0x6875_746f_6e67

    init(url: String) throws(Problem) {
        connection = try PostgresConnection(url: url)
        do throws(Problem) {
            try takeOver()
        } catch {
            connection.close()
            throw error
        }
    }

    private func takeOver() throws(Problem) {
        _ = try connection.execute("SET synchronous_commit = on")
        var isOurs = false
        // The lock belongs to this connection and to this schema: nodes may share one database.
        try connection.query(
            "SELECT pg_try_advisory_lock(hashtext(current_schema())::bigint # \(Self.writerLock))", []
        ) { row throws(Problem) in isOurs = row[0] == .integer(1) }
        guard isOurs else { throw Problem(.unavailable, "store.writer-elsewhere") }
    }

    func begin() throws(Problem) {
        if !connection.isAlive {
            try connection.reconnect()
            try takeOver()
        }
        _ = try connection.execute("BEGIN")
    }

    func commit() throws(Problem) { try connection.resolve("COMMIT") }

    func rollBack() {
        // If this fails the connection is gone, and with it the transaction; `begin` connects again.
        _ = try? connection.resolve("ROLLBACK")
    }

    func confirmWhole() throws(Problem) {
        if let reason = connection.brokenBy { throw reason }
    }

    func rollBackToSavepoint() throws(Problem) {
        try connection.resolve("ROLLBACK TO command")
        try connection.resolve("RELEASE command")
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
final class PostgresReaderSession: ReaderSession {
    private let connection: PostgresConnection
    let dialect = SQLDialect.postgres

    init(url: String) throws(Problem) {
        connection = try PostgresConnection(url: url)
    }

    func begin() throws(Problem) {
        if !connection.isAlive { try connection.reconnect() }
        _ = try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    func finish() { _ = try? connection.resolve("ROLLBACK") }

    func query(
        _ sql: String, _ arguments: [any SQLConvertible], each: (any SQLRow) throws(Problem) -> Void
    ) throws(Problem) {
        try connection.query(sql, arguments, each: each)
    }

    func end() { connection.close() }
}
