// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import Identity
import Primitives
import Store
import StoreSQLite
import Transparency
import TransparencyHTTP

/// A log in this process and three witnesses, each a process of this binary with its own folder, asked over HTTP.
struct WitnessedBench {
    private let store: SQLiteStore
    private let log: TransparencyLog
    private let publisher: LogPublisher

    /// Microseconds from before each commit to its receipt with three cosignatures, sorted; many callers wait at once,
    /// as at a busy valve.
    static func receipts(_ count: Int, at folder: String) async throws -> [Int64] {
        let signer = Ed25519Signer()
        guard let key = NoteSigner(name: "bench.hutong.local/log", purpose: .ed25519, signer: signer) else {
            throw Problem(.fault, "app.unexpected")
        }
        let witnesses = try DemoWitnesses.prepare(in: folder, threshold: 3)
        defer { for witness in witnesses { witness.stop() } }
        try DemoWitnesses.start(witnesses, over: [key.key], in: folder)
        let known = try TrustPolicy(
            parsing: try String(contentsOfFile: DemoWitnesses.trustFile(in: folder), encoding: .utf8))
        let bench = try await WitnessedBench(folder: folder, key: key, signer: signer, policy: known)
        let waits = try await bench.receipts(count)
        await bench.store.close()
        return waits
    }

    private init(folder: String, key: NoteSigner, signer: Ed25519Signer, policy: TrustPolicy)
        async throws(Problem)
    {
        store = try SQLiteStore.open(at: folder + "/witnessed.sqlite", clock: .system)
        try await store.migrate(TransparencySchema.migrations)
        log = TransparencyLog(pseudonyms: Pseudonyms(nodeKey: signer))
        publisher = LogPublisher(
            store: store, storage: LogFolder(folder + "/witnessed"), signers: [key], policy: policy)
        try await publisher.start()
    }

    private static let callers = 16

    private func receipts(_ count: Int) async throws -> [Int64] {
        try await withThrowingTaskGroup(of: [Int64].self) { group in
            group.addTask {
                await publisher.collectCosignatures(over: HTTPWebTransport())
                return []
            }
            for caller in 0..<Self.callers {
                group.addTask { try await ask(count / Self.callers, caller: caller) }
            }
            var waits: [Int64] = []
            for _ in 0..<Self.callers { waits += try await group.next() ?? [] }
            group.cancelAll()
            return waits.sorted()
        }
    }

    private func ask(_ count: Int, caller: Int) async throws -> [Int64] {
        var waits: [Int64] = []
        for number in 0..<count {
            let start = ContinuousClock.now
            let entry = LogEntry(.passageSettled, content: ["number": .integer(Int64(number * 100 + caller))])
            let index = try await store.write { [log] writing throws(Problem) in
                try log.append(entry, in: writing)
            }
            guard let signed = try await publisher.witnessedCheckpoint(covering: index) else { break }
            _ = try await publisher.receipt(for: index, under: signed)
            waits.append(start.duration(to: .now).wholeMicroseconds)
        }
        return waits
    }
}
