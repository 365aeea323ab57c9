// SPDX-License-Identifier: Apache-2.0

package import Primitives
private import Synchronization

/// Where the derived files of a log lie: a folder, an object store, or memory in tests.
///
/// Nothing here is a source of truth: tiles and checkpoints are made again from the database if they are lost.
/// Paths are relative, as in the log's addresses (`checkpoint`, `tile/0/000`).
package protocol LogStorage: Sendable {
    /// The bytes, or `nil` where there is no such file.
    func read(_ path: String) throws(Problem) -> [UInt8]?

    /// Puts the bytes in place as a whole: a reader sees the old file or the new one. `durably` also waits for
    /// the disk.
    func write(_ bytes: [UInt8], to path: String, durably: Bool) throws(Problem)

    /// Puts several files in place and waits once for the disk: all of them are durable when it returns.
    func write(_ files: [TileBuilder.File]) throws(Problem)

    /// Removes a file, or a folder with what is in it; nothing happens where there is none.
    func remove(_ path: String) throws(Problem)
}

extension LogStorage {
    package func write(_ files: [TileBuilder.File]) throws(Problem) {
        for file in files { try write(file.bytes, to: file.address.path, durably: true) }
    }
}

/// The files in memory, for tests and for building a log again beside the stored one.
package final class MemoryLogStorage: LogStorage {
    private let files = Mutex<[String: [UInt8]]>([:])

    package init() {}

    package func read(_ path: String) -> [UInt8]? { files.withLock { $0[path] } }

    package func write(_ bytes: [UInt8], to path: String, durably: Bool) {
        files.withLock { $0[path] = bytes }
    }

    package func remove(_ path: String) {
        files.withLock { files in files = files.filter { $0.key != path && !$0.key.hasPrefix(path + "/") } }
    }

    /// Every file by its path.
    package var contents: [String: [UInt8]] { files.withLock { $0 } }
}
