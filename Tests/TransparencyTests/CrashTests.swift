// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Merkle
import Primitives
import Store
import StoreSQLite
import Synchronization
import Testing
import Transparency

/// A node's database as it was when it had so many leaves.
private struct EarlierStore: DataStore {
    let store: SQLiteStore
    let leaves: Int

    private struct Reading: SQLReading {
        let base: any SQLReading
        let leaves: Int
        var dialect: SQLDialect { base.dialect }

        func query(
            _ sql: String,
            _ arguments: [any SQLConvertible],
            each: (any SQLRow) throws(Problem) -> Void
        ) throws(Problem) {
            let earlier =
                "FROM (SELECT * FROM transparency_leaf WHERE leaf_index < \(leaves)) AS transparency_leaf"
            try base.query(sql.replacing("FROM transparency_leaf", with: earlier), arguments, each: each)
        }
    }

    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any SQLReading) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await store.read { [leaves] reading throws(Problem) in
            try body(Reading(base: reading, leaves: leaves))
        }
    }

    func write<Answer: Sendable>(
        _ command: @escaping @Sendable (any SQLWriting) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await store.write(command)
    }

    func migrate(_ migrations: [Migration]) async throws(Problem) {}
    func backup(to path: String) async throws(Problem) {}
    func close() async {}
}

/// Files in memory that remember every write, and fail where they are told to.
private final class FaultyStorage: LogStorage {
    enum Fault: CaseIterable {
        case failed, failedButPersisted
    }

    struct Write: Sendable {
        let path: String
        /// `nil`: removed.
        let bytes: [UInt8]?
        let isDurable: Bool
    }

    private struct State {
        var files: [String: [UInt8]] = [:]
        var writes: [Write] = []
        var fault: (call: Int, kind: Fault)?
    }

    private let state: Mutex<State>

    init(files: [String: [UInt8]] = [:], fault: (call: Int, kind: Fault)? = nil) {
        state = Mutex(State(files: files, fault: fault))
    }

    var writes: [Write] { state.withLock(\.writes) }
    var files: [String: [UInt8]] { state.withLock(\.files) }

    func read(_ path: String) -> [UInt8]? { state.withLock { $0.files[path] } }

    func write(_ bytes: [UInt8], to path: String, durably: Bool) throws(Problem) {
        try apply(Write(path: path, bytes: bytes, isDurable: durably))
    }

    func remove(_ path: String) throws(Problem) {
        try apply(Write(path: path, bytes: nil, isDurable: false))
    }

    private func apply(_ write: Write) throws(Problem) {
        let isFailing = state.withLock { state in
            let isFailing = state.fault?.call == state.writes.count
            state.writes.append(write)
            if !isFailing || state.fault?.kind == .failedButPersisted { Self.apply(write, to: &state.files) }
            return isFailing
        }
        if isFailing { throw Problem(.fault, "transparency.files-failed", operatorNote: "injected") }
    }

    static func apply(_ write: Write, to files: inout [String: [UInt8]]) {
        if let bytes = write.bytes {
            files[write.path] = bytes
        } else {
            files = files.filter { $0.key != write.path && !$0.key.hasPrefix(write.path + "/") }
        }
    }
}

@Suite("A crash")
struct CrashTests {
    private static let isSoaking = ProcessInfo.processInfo.environment["HUTONG_SOAK"] != nil
    private static let commands = isSoaking ? 10_000 : 200
    private static let leavesACommand = isSoaking ? 1 : 3
    private static let commandsAPublication = 10

    /// A node with all its commands, and the root of every size.
    private struct Scene {
        let node: TestNode
        let roots: [NodeHash]

        init() async throws {
            let node = try await TestNode()
            // All wait at once, as at a busy node: the writer takes them in groups.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for command in 0..<CrashTests.commands {
                    group.addTask {
                        try await node.store.write { [log = node.log] writing throws(Problem) in
                            for leaf in 0..<CrashTests.leavesACommand {
                                let number = command * CrashTests.leavesACommand + leaf
                                _ = try log.append(.sample(number), in: writing)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            var frontier = Frontier()
            var roots = [frontier.root]
            let leaves = try await node.store.read { reading throws(Problem) in
                try TransparencyLog.leaves(from: 0, limit: .max, in: reading)
            }
            for leaf in leaves {
                frontier.append(leaf.hash)
                roots.append(frontier.root)
            }
            self.node = node
            self.roots = roots
        }

        func publisher(_ storage: FaultyStorage, leaves: Int) -> LogPublisher {
            LogPublisher(
                store: EarlierStore(store: node.store, leaves: leaves),
                storage: storage,
                signers: [node.key]
            )
        }

        /// The sizes at which the node publishes.
        var sizes: [Int] {
            Array(
                stride(
                    from: CrashTests.commandsAPublication * CrashTests.leavesACommand,
                    to: roots.count,
                    by: CrashTests.commandsAPublication * CrashTests.leavesACommand
                )
            )
        }

        /// What the world sees must always be signed, and the beginning of the one history.
        func checkPublished(_ storage: FaultyStorage) throws {
            guard let bytes = storage.read("checkpoint") else { return }
            let signed = try #require(SignedCheckpoint(parsing: bytes))
            _ = try TrustPolicy(log: node.key.key).accept(signed)
            #expect(signed.checkpoint.root == roots[Int(signed.checkpoint.size)])
        }

        func inspect(_ storage: FaultyStorage, leaves: Int) async throws -> InspectionReport {
            try await LogInspector(
                store: EarlierStore(store: node.store, leaves: leaves),
                storage: storage,
                policy: TrustPolicy(log: node.key.key)
            ).inspect()
        }
    }

    @Test("at any write of the log's files, failed or failed but persisted, loses nothing and forks nothing")
    func everyCall() async throws {
        let scene = try await Scene()
        let whole = FaultyStorage()
        let publisher = scene.publisher(whole, leaves: 0)
        try await publisher.start()
        for size in scene.sizes { try await scene.publisher(whole, leaves: size).start() }
        let step = Self.isSoaking ? 37 : 1
        for call in stride(from: 0, to: whole.writes.count, by: step) {
            for kind in FaultyStorage.Fault.allCases {
                let storage = FaultyStorage(fault: (call, kind))
                var failedAt = scene.sizes.count - 1
                for (place, size) in scene.sizes.enumerated() {
                    do {
                        try await scene.publisher(storage, leaves: size).start()
                    } catch {
                        failedAt = place
                        break
                    }
                }
                try scene.checkPublished(storage)
                // The process begins again over what is there, one command later.
                let restarted = FaultyStorage(files: storage.files)
                let size = scene.sizes[min(failedAt + 1, scene.sizes.count - 1)]
                try await scene.publisher(restarted, leaves: size).start()
                try scene.checkPublished(restarted)
                let report = try await scene.inspect(restarted, leaves: size)
                #expect(report.isClean, "call \(call) \(kind): \(report.findings.map(\.place))")
            }
        }
    }

    @Test(
        "with unsynced writes dropped, kept or torn at 512 bytes, at every prefix, is repaired at the next start"
    )
    func everyPrefix() async throws {
        let scene = try await Scene()
        let whole = FaultyStorage()
        var ends: [Int] = []
        for size in scene.sizes {
            try await scene.publisher(whole, leaves: size).start()
            ends.append(whole.writes.count)
        }
        let writes = whole.writes
        let step = Self.isSoaking ? 1 : 3
        var states = 0
        for prefix in stride(from: 0, through: writes.count, by: step) {
            // The database had what was being published, and some more by the time of the next start.
            let publication = ends.firstIndex { prefix <= $0 } ?? ends.count - 1
            let leaves = scene.sizes[min(publication + 1, ends.count - 1)]
            for state in UnsyncedState.allCases {
                states += 1
                let storage = FaultyStorage(files: state.files(after: writes.prefix(prefix)))
                let restarted = scene.publisher(storage, leaves: leaves)
                try await restarted.start()
                try scene.checkPublished(storage)
                let report = try await scene.inspect(storage, leaves: leaves)
                #expect(report.isClean, "prefix \(prefix) \(state): \(report.findings.map(\.place))")
            }
        }
        print("\(states) crash states of the log's files, \(Self.commands) commands: all repaired")
    }

    private enum UnsyncedState: CaseIterable {
        case dropped, kept, torn

        func files(after writes: some Sequence<FaultyStorage.Write>) -> [String: [UInt8]] {
            var files: [String: [UInt8]] = [:]
            for write in writes {
                switch self {
                case .dropped where !write.isDurable: continue
                case .torn where !write.isDurable:
                    let torn = write.bytes.map { Array($0.prefix($0.count / 2 / 512 * 512)) }
                    FaultyStorage.apply(.init(path: write.path, bytes: torn, isDurable: false), to: &files)
                default: FaultyStorage.apply(write, to: &files)
                }
            }
            return files
        }
    }
}
