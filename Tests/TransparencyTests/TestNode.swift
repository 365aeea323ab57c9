// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Primitives
import Store
import StoreSQLite
import Synchronization
import Testing
import Transparency

/// A clock that stands where the test put it.
final class ManualClock: Sendable {
    private let instant: Mutex<Instant>

    init(_ start: Instant = Instant(seconds: 1_790_000_000)) {
        instant = Mutex(start)
    }

    var now: Instant { instant.withLock { $0 } }
    var clock: WallClock { WallClock { self.now } }

    func set(_ instant: Instant) { self.instant.withLock { $0 = instant } }
    func advance(_ duration: Duration) { instant.withLock { $0 = $0.advanced(by: duration) } }
}

/// A folder that is gone when the test is over.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var random = SystemRandomNumberGenerator()
        path = NSTemporaryDirectory() + "hutong-log-" + String(random.next(), radix: 36)
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }

    func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    }
}

enum Thing {}

/// A node with a database, a log and a folder, from fixed keys: what it writes is the same at every run.
struct TestNode {
    static let origin = "node.example/log"

    let folder: TemporaryFolder
    let clock: ManualClock
    let store: SQLiteStore
    let log: TransparencyLog
    let key: NoteSigner

    init(folder: TemporaryFolder = TemporaryFolder(), seed: UInt8 = 1) async throws {
        self.folder = folder
        clock = ManualClock()
        store = try SQLiteStore.open(at: folder.path + "/node.db", clock: clock.clock)
        try await store.migrate(TransparencySchema.migrations)
        let signer = try #require(Ed25519Signer(seed: [UInt8](repeating: seed, count: 32)))
        key = try #require(NoteSigner(name: Self.origin, purpose: .ed25519, signer: signer))
        let salts = Mutex(SeededRandom(seed: UInt64(seed)))
        log = TransparencyLog(pseudonyms: Pseudonyms(nodeKey: signer)) {
            salts.withLock { random in Salt(using: &random) }
        }
    }

    var logFolder: LogFolder { LogFolder(folder.path + "/log") }

    func publisher(storage: (any LogStorage)? = nil, policy: TrustPolicy? = nil) -> LogPublisher {
        LogPublisher(store: store, storage: storage ?? logFolder, signers: [key], policy: policy)
    }

    /// Appends the entries of the numbers, in one command.
    func append(_ range: Range<Int>) async throws {
        try await store.write { [log] writing throws(Problem) in
            for number in range { _ = try log.append(.sample(number), in: writing) }
        }
    }
}

extension LogEntry {
    static func sample(_ number: Int, kind: LogEntryKind = .deliveryAccepted) -> LogEntry {
        LogEntry(kind, content: ["number": .integer(Int64(number)), "what": "a delivery of a bus company"])
    }
}
