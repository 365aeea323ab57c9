// SPDX-License-Identifier: Apache-2.0

import Assembly
import ArgumentParser
import Foundation
import Ledger
import Metering
import Primitives
import Store
import StoreSQLite
import Synchronization
import Transparency

struct LedgerBenchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure durable transfers a second on this machine. 测量本机每秒持久转账数。",
        discussion: """
            Each client waits for its transfer to be on the disk before it asks again. By default every transfer \
            is committed with its log leaf; the books lie in a temporary folder of --place.
            """)
    @OptionGroup var output: OutputOptions

    @Option(help: "How many clients wait at a time, one run each.")
    var clients = "1,32,1000"

    @Flag(help: "All transfers debit one account.")
    var hot = false

    @Option(
        help:
            "What one commit holds: transfer, leaf (with its log leaf), or passage (with meter event and grant too)."
    )
    var holds: BenchCommand = .leaf

    @Option(help: "Seconds of each run.")
    var seconds = 3

    @Option(help: "A folder on the disk to measure; otherwise the system's temporary folder.")
    var place: String?

    func run(_ console: Console) async throws {
        let counts = clients.split(separator: ",").compactMap { Int($0) }
        guard !counts.isEmpty, counts.allSatisfy({ (1...100_000).contains($0) }), (1...600).contains(seconds)
        else {
            throw ValidationError("--clients takes numbers from 1 to 100000, --seconds 1 to 600")
        }
        var lines: [JSON] = []
        var text: [String] = []
        for count in counts {
            console.progress("\(count) clients …")
            let bench = LedgerBench(
                clients: count, isHot: hot, command: holds, seconds: seconds, place: place)
            let result = try await bench.run()
            lines.append(result.json)
            text.append(result.text)
        }
        console.answer(.array(lines), text: text.joined(separator: "\n"))
    }
}

/// What one commit of the bench holds.
enum BenchCommand: String, ExpressibleByArgument, CaseIterable, Sendable {
    case transfer, leaf, passage
}

/// One run: a fresh database, clients that wait each for their own commit.
struct LedgerBench {
    let clients: Int
    let isHot: Bool
    let command: BenchCommand
    let seconds: Int
    let place: String?

    /// As in the comparison with other databases.
    private static let accounts: UInt64 = 10_000

    struct Result {
        let clients: Int
        let isHot: Bool
        let command: BenchCommand
        let done: Int
        let elapsed: Duration
        let medianMicroseconds: Int64
        let p99Microseconds: Int64
        let bytes: Int64

        private var rate: Int64 { Int64(done) * 1_000_000 / max(1, elapsed.wholeMicroseconds) }

        var json: JSON {
            [
                "clients": .integer(Int64(clients)), "hot": .bool(isHot), "holds": .string(command.rawValue),
                "transfersPerSecond": .integer(rate), "transfers": .integer(Int64(done)),
                "p50Microseconds": .integer(medianMicroseconds), "p99Microseconds": .integer(p99Microseconds),
                "bytesPerTransfer": .integer(bytes / Int64(max(1, done))),
            ]
        }

        var text: String {
            "\(clients) clients, \(isHot ? "one hot account" : "uniform"), \(command.rawValue): "
                + "\(rate) transfers/s durable, p50 \(medianMicroseconds) µs, p99 \(p99Microseconds) µs, "
                + "\(bytes / Int64(max(1, done))) bytes each"
        }
    }

    func run() async throws -> Result {
        let folder =
            (place ?? NSTemporaryDirectory()) + "/hutong-bench-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/bench.sqlite"
        let store = try SQLiteStore.open(at: path, clock: .system)
        try await BenchCommit.prepare(store, accounts: Self.accounts)
        let commit = BenchCommit(command: command, isHot: isHot, accounts: Self.accounts)
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let latencies = await withTaskGroup(of: [Int64].self) { group in
            for client in 0..<clients {
                group.addTask { await Self.client(client, commit, store, until: end) }
            }
            return await group.reduce(into: []) { $0 += $1 }.sorted()
        }
        let elapsed = ContinuousClock.now - start
        await store.close()
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64) ?? 0
        guard let median = latencies.dropFirst(latencies.count / 2).first,
            let late = latencies.dropFirst(latencies.count * 99 / 100).first
        else { throw Problem(.fault, "store.storage-failed", operatorNote: "no transfer was committed") }
        return Result(
            clients: clients, isHot: isHot, command: command, done: latencies.count, elapsed: elapsed,
            medianMicroseconds: median, p99Microseconds: late, bytes: size)
    }

    private static func client(
        _ number: Int, _ commit: BenchCommit, _ store: SQLiteStore, until end: ContinuousClock.Instant
    ) async -> [Int64] {
        var random = SeededRandom(seed: UInt64(number))
        var latencies: [Int64] = []
        while true {
            let start = ContinuousClock.now
            if start >= end { return latencies }
            let transfer = commit.transfer(at: WallClock.system.now(), using: &random)
            do throws(Problem) {
                try await commit.send(transfer, to: store)
            } catch {
                return latencies
            }
            latencies.append((ContinuousClock.now - start).wholeMicroseconds)
        }
    }
}
