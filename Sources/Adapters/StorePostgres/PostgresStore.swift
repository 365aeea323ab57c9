// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// A node's database in PostgreSQL, for those who have one to run. One node, one schema.
///
/// The server is trusted: whoever may write that schema may write the books. Backup and replication are the
/// server's own.
package struct PostgresStore: DataStore {
    /// `nil` where the records are only looked at.
    private let writer: GroupCommitWriter?
    private let readers: ReaderPool

    private static let readerCount = 4

    /// Connects, and takes the lock that makes this node the only writer (`store.writer-elsewhere`).
    ///
    /// - Parameter url: `postgres://…`, as libpq reads it.
    package static func open(
        url: String, clock: WallClock, limits: WriterLimits = WriterLimits()
    ) throws(Problem) -> PostgresStore {
        let writer = try GroupCommitWriter(
            session: PostgresWriterSession(url: url), clock: clock, limits: limits)
        let readers = ReaderPool(count: readerCount) { try? PostgresReaderSession(url: url) }
        return PostgresStore(writer: writer, readers: readers)
    }

    /// Looks at the records of a node that may be running: writing is `store.writer-elsewhere`.
    package static func openForReading(url: String) -> PostgresStore {
        PostgresStore(
            writer: nil, readers: ReaderPool(count: 1) { try? PostgresReaderSession(url: url) })
    }

    package func write<Answer: Sendable>(
        _ command: @escaping @Sendable (any SQLWriting) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        guard let writer else { throw Problem(.unavailable, "store.writer-elsewhere") }
        return try await writer.write(command)
    }

    package func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any SQLReading) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await readers.read(body)
    }

    package func migrate(_ migrations: [Migration]) async throws(Problem) {
        try await MigrationRun.run(migrations, on: self)
    }

    package func backup(to path: String) async throws(Problem) {
        throw Problem(.invalid, "store.backup-elsewhere")
    }

    package func close() async {
        await writer?.close()
        await readers.close()
    }
}
