// SPDX-License-Identifier: Apache-2.0

private import Foundation
package import Primitives
package import Store
private import StorePostgres
private import StoreSQLite

/// Where a node keeps its records: one SQLite file in its folder, or a schema of a PostgreSQL server, whose address
/// the folder remembers from the first start. Everybody who opens a node's records comes through here.
package enum NodeStore {
    private static let database = "/node.sqlite"
    /// One line, readable by the owner alone: an address may carry a password.
    private static let address = "/store.url"

    /// Whether a node was started in this folder before.
    package static func exists(in folder: String) -> Bool {
        [database, address].contains { FileManager.default.fileExists(atPath: folder + $0) }
    }

    /// Opens the records for a node, or makes them at its first start.
    ///
    /// - Parameter url: `postgres://…`; `nil` takes what the folder remembers, else SQLite. A folder that keeps its
    ///   records in SQLite refuses one with `app.store-elsewhere`: a node has one past.
    package static func open(
        in folder: String, at url: String? = nil, clock: WallClock
    ) throws(Problem) -> any DataStore {
        if let url {
            guard !FileManager.default.fileExists(atPath: folder + database) else {
                throw Problem(.conflict, "app.store-elsewhere", ["folder": .text(folder)])
            }
            let store = try PostgresStore.open(url: url, clock: clock)
            try remember(url, in: folder)
            return store
        }
        if let url = remembered(in: folder) { return try PostgresStore.open(url: url, clock: clock) }
        return try SQLiteStore.open(at: folder + database, clock: clock)
    }

    /// Opens the records of a node that may be running, to look at them. SQLite lets several processes write, one
    /// after the other; on PostgreSQL the running node is the only writer, and writing here is
    /// `store.writer-elsewhere`.
    package static func openBeside(_ folder: String, clock: WallClock) throws(Problem) -> any DataStore {
        if let url = remembered(in: folder) { return PostgresStore.openForReading(url: url) }
        return try SQLiteStore.open(at: folder + database, clock: clock)
    }

    private static func remembered(in folder: String) -> String? {
        (try? String(contentsOfFile: folder + address, encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func remember(_ url: String, in folder: String) throws(Problem) {
        guard url != remembered(in: folder) else { return }
        guard
            FileManager.default.createFile(
                atPath: folder + address, contents: Data((url + "\n").utf8),
                attributes: [.posixPermissions: 0o600])
        else {
            throw Problem(.fault, "store.storage-failed", operatorNote: "cannot write \(folder)\(address)")
        }
    }
}
