// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Primitives
package import Store

/// A node's database in one SQLite file: the default, which needs nothing installed.
///
/// The file is trusted: whoever may write it may write the books. It holds everything but tiles, objects and
/// keys; losing it loses the node's state, and only `backup(to:)` or a copy of the stopped node brings it back.
package struct SQLiteStore: DataStore {
    private let path: String
    private let writer: GroupCommitWriter
    private let readers: ReaderPool

    /// Threads that read. Two cores and a writer: a third reader hides one that waits for the disk.
    private static let readerCount = 3

    /// Opens the file, or makes it. The writer commits with `synchronous=FULL`: an answer means it is on the disk.
    package static func open(
        at path: String, clock: WallClock, limits: WriterLimits = WriterLimits()
    ) throws(Problem) -> SQLiteStore {
        let writer = try GroupCommitWriter(
            session: SQLiteWriterSession(path: path), clock: clock, limits: limits)
        let readers = ReaderPool(count: readerCount) { try? SQLiteReaderSession(path: path) }
        return SQLiteStore(path: path, writer: writer, readers: readers)
    }

    package func write<Answer: Sendable>(
        _ command: @escaping @Sendable (any SQLWriting) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await writer.write(command)
    }

    package func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any SQLReading) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await readers.read(body)
    }

    package func migrate(_ migrations: [Migration]) async throws(Problem) {
        try await MigrationRun.run(migrations, on: self)
    }

    /// The copy is made beside the target and renamed when it is whole and synced, so that a file of that name
    /// is always a usable backup. Refuses to replace a file.
    package func backup(to target: String) async throws(Problem) {
        guard !FileManager.default.fileExists(atPath: target) else {
            throw Problem(.conflict, "store.backup-refused")
        }
        let partial = target + ".partial"
        let source = path
        try await readers.read { _ throws(Problem) in
            // SAFETY: both names are Swift strings, which lend their bytes for the length of the call.
            unsafe unlink(partial)
            let session = try SQLiteReaderSession(path: source)
            defer { session.end() }
            try session.copy(to: partial)
            guard unsafe rename(partial, target) == 0 else {
                throw .storageFailed("rename of the backup: errno \(errno)")
            }
        }
    }

    package func close() async {
        await writer.close()
        await readers.close()
    }
}
