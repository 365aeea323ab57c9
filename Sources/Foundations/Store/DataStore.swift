// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A value that SQL stores. `bool` is an integer 0 or 1, an instant an integer of microseconds.
package enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])
}

/// The two engines. A room looks at this only where the texts must differ, and then both stand side by side.
package enum SQLDialect: Hashable, Sendable {
    case sqlite
    case postgres
}

/// What may stand for a `?`.
package protocol SQLConvertible {
    var sqlValue: SQLValue { get }

    /// Hands the value to one statement. Values that need no allocation on the way say so here; by default
    /// `sqlValue` is handed over.
    func bind(at place: Int, of statement: some SQLArguments)
}

/// The arguments of one statement, by place from 1.
package protocol SQLArguments {
    func bind(_ value: SQLValue, at place: Int)
    func bind(integer: Int64, at place: Int)
    func bind(text: String, at place: Int)
    /// Sixteen bytes, most significant first.
    func bind(high: UInt64, low: UInt64, at place: Int)
}

/// One row of an answer, by column place.
package protocol SQLRow {
    var columnCount: Int { get }
    subscript(_ column: Int) -> SQLValue { get }

    /// The column if it is an integer. Engines answer without building an `SQLValue`.
    func integerIfAny(_ column: Int) -> Int64?
    /// The column if it is a blob of sixteen bytes, most significant first.
    func wordsIfAny(_ column: Int) -> (high: UInt64, low: UInt64)?
}

/// Reading in one transaction: every statement sees the same state.
///
/// Statements are written in SQLite's words, portable as DESIGN.md says ("SQL seam"); `?` for arguments.
/// A statement that the schema does not fit is a defect: it ends as a `fault`.
package protocol SQLReading {
    /// Runs a query and hands over each row; the row is valid only inside `each`.
    func query(
        _ sql: String, _ arguments: [any SQLConvertible], each: (any SQLRow) throws(Problem) -> Void
    ) throws(Problem)

    var dialect: SQLDialect { get }
}

/// Reading and writing inside one command of the writer.
///
/// A command runs on the writer's thread: synchronous, without network, sleep or analytics. If it throws, what it
/// wrote is rolled back alone. It may run a second time before the commit (when another one of its group was
/// rolled back), so it changes nothing but the database; only the last run counts.
package protocol SQLWriting: SQLReading {
    /// Runs a statement and returns how many rows it changed. A broken UNIQUE or CHECK rule is thrown as a
    /// `conflict` with code `store.constraint-broken`.
    @discardableResult
    func execute(_ sql: String, _ arguments: [any SQLConvertible]) throws(Problem) -> Int

    /// The time of this command: the same for everything it writes, never earlier than an earlier command's,
    /// across restarts too.
    var now: Instant { get }

    /// A time nobody got before: `now` or a little later, strictly increasing over all commands and restarts. For
    /// keys that are times.
    func tick() -> Instant
}

/// One node's database. One writer, many readers.
package protocol DataStore: Sendable {
    /// Runs `command` on the writer, together with whatever else is waiting, and returns after the COMMIT that
    /// made it durable. A full waiting line throws `limited` (`store.writer-busy`) at once.
    @discardableResult
    func write<Answer: Sendable>(
        _ command: @escaping @Sendable (any SQLWriting) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer

    /// Runs `body` on a reader that sees everything committed before the call.
    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any SQLReading) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer

    /// Brings the schema to today, one transaction a migration. A database that is newer than this binary is
    /// refused with `store.database-newer`.
    func migrate(_ migrations: [Migration]) async throws(Problem)

    /// Writes a copy of everything committed before the call to a new file, while the node goes on working.
    /// An engine that is backed up by its own tools throws `store.backup-elsewhere`.
    func backup(to path: String) async throws(Problem)

    /// Waits for what is running and closes. Later calls throw `store.closed`.
    func close() async
}
