// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Primitives
package import Store
import StorePostgres
import StoreSQLite
import Synchronization

/// The engines a test can run on here: PostgreSQL only where it is installed.
package enum Engine: String, Sendable, CaseIterable {
    case sqlite, postgres

    /// An address of the tests' own PostgreSQL with `{node}` where each of these names has a schema; `nil`, and a
    /// line that says so, where it is not installed.
    package static func postgresURL(for nodes: [String]) throws(Problem) -> String? {
        guard available.contains(.postgres), let server = PostgresServer.shared else { return nil }
        let run = "story_\(getpid())_\(UInt32.random(in: 0 ... .max))_"
        for node in nodes { _ = try server.url(ofSchema: run + node) }
        return try server.url(ofSchema: run + "{node}")
    }

    package static let available: [Engine] = {
        if PostgresServer.shared != nil { return allCases }
        FileHandle.standardError.write(Data("skipped: PostgreSQL is not installed\n".utf8))
        return [.sqlite]
    }()
}

/// A place for one test's database; it goes away with the test.
package final class Place: Sendable {
    package let folder: String
    package let engine: Engine
    private let schema: String

    package init(_ engine: Engine = .sqlite) {
        self.engine = engine
        schema = "test_\(getpid())_\(UInt32.random(in: 0 ... .max))"
        folder = NSTemporaryDirectory() + "hutong-" + schema
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    package var database: String { folder + "/node.sqlite" }

    /// Opens the place's database; again gives the same one.
    package func open(
        limits: WriterLimits = WriterLimits(), clock: ManualClock = ManualClock()
    ) throws(Problem) -> PlacedStore {
        switch engine {
        case .sqlite:
            let store = try SQLiteStore.open(at: database, clock: clock.wall, limits: limits)
            return PlacedStore(place: self, store: store)
        case .postgres:
            guard let server = PostgresServer.shared else { throw Problem(.unavailable, "test.no-postgres") }
            let url = try server.url(ofSchema: schema)
            return PlacedStore(
                place: self, store: try PostgresStore.open(url: url, clock: clock.wall, limits: limits))
        }
    }
}

/// A store that keeps its place for as long as somebody uses it.
package struct PlacedStore: DataStore {
    package let place: Place
    fileprivate let store: any DataStore

    fileprivate init(place: Place, store: any DataStore) {
        self.place = place
        self.store = store
    }

    package func write<Answer: Sendable>(
        _ command: @escaping @Sendable (any SQLWriting) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await store.write(command)
    }

    package func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any SQLReading) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await store.read(body)
    }

    package func migrate(_ migrations: [Migration]) async throws(Problem) {
        try await store.migrate(migrations)
    }
    package func backup(to path: String) async throws(Problem) { try await store.backup(to: path) }
    package func close() async { await store.close() }
}

/// A clock that tests move by hand.
package final class ManualClock: Sendable {
    private let microseconds: Mutex<Int64>

    package init(_ start: Int64 = 1_700_000_000_000_000) { microseconds = Mutex(start) }

    package func move(by amount: Int64) { microseconds.withLock { $0 += amount } }

    package var wall: WallClock {
        WallClock { [self] in Instant(microseconds: microseconds.withLock { $0 }) }
    }
}
