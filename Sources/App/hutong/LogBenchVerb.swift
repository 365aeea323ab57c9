// SPDX-License-Identifier: Apache-2.0

import Assembly
import ArgumentParser
import Foundation
import Identity
import Merkle
import Primitives
import Store
import StoreSQLite
import Transparency

struct LogBenchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the log on this machine, against bare SQLite. 测量日志性能。",
        discussion: """
            Durable, deduplicated appends with waiting writers, published tiles included; bare batched inserts of the
            same size in the same run; proofs against Ed25519 signatures. A folder in the system's temporary place is
            made and removed. With --leaves a log grows to that size and the memory of the process is told on the way:
              hutong log bench --writers 1,32,1000 --json
              hutong log bench --writers 1000 --leaves 10000000
            """
    )
    @Option(help: "How many writers wait at once, separated by commas.") var writers = "1,32,1000"
    @Option(help: "Seconds for each figure.") var seconds = 2.0
    @Option(help: "Grow a log to so many leaves; ten million take some minutes and 7 GB of disk.")
    var leaves = 0
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let folder = NSTemporaryDirectory() + "hutong-log-bench-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var lines: [String] = []
        var members: [String: JSON] = [:]
        let bench = try await LogBench(folder: folder, duration: .seconds(seconds))
        let bare = try await bench.bareInserts()
        members["bareInsertsPerSecond"] = .integer(bare)
        lines.append("bare SQLite, 1,000 inserts a commit: \(bare)/s")
        for count in writers.split(separator: ",").compactMap({ Int($0) }) {
            let rate = try await bench.appends(writers: count)
            members["appendsPerSecond\(count)"] = .integer(rate)
            lines.append(
                "log appends, \(count) waiting writers: \(rate)/s, \(Self.ratio(rate, bare)) of bare SQLite"
            )
        }
        let grouped = try await bench.groupedAppends()
        members["appendsPerSecondGrouped"] = .integer(grouped)
        lines.append(
            "log appends, 1,000 a command: \(grouped)/s, \(Self.ratio(grouped, bare)) of bare SQLite"
        )
        let waits = try await WitnessedBench.receipts(1000, at: folder)
        members["witnessedReceiptMicrosecondsMedian"] = .integer(waits[waits.count / 2])
        members["witnessedReceiptMicrosecondsP99"] = .integer(waits[waits.count * 99 / 100])
        lines.append(
            "commit to a receipt that 3 witness processes cosigned over HTTP, 16 at a time: median \(waits[waits.count / 2]) µs, "
                + "p99 \(waits[waits.count * 99 / 100]) µs")
        let proofs = try bench.proofs()
        members["proofNanoseconds"] = .integer(proofs.proof)
        members["signatureNanoseconds"] = .integer(proofs.signature)
        let ratio = Self.ratio(proofs.signature, proofs.proof)
        lines.append(
            "one proof at 131,072 leaves: \(proofs.proof) ns; one Ed25519 verification: \(proofs.signature) ns (\(ratio)×)"
        )
        await bench.close()
        if leaves > 0 {
            let marks = try await LogGrowth.marks(upTo: leaves, in: folder, console)
            members["growth"] = .array(marks.map(\.json))
            lines += marks.map(\.text)
        }
        console.answer(.object(members), text: lines.joined(separator: "\n"))
    }

    private static func ratio(_ value: Int64, _ of: Int64) -> String {
        let hundredths = of == 0 ? 0 : value * 100 / of
        return "\(hundredths / 100).\(Decimal10.padded(Int(hundredths % 100), 2))"
    }
}

/// The measurements, on one database.
struct LogBench {
    private let store: SQLiteStore
    private let log: TransparencyLog
    private let publisher: LogPublisher
    private let duration: Duration
    private let signer: Ed25519Signer

    init(folder: String, duration: Duration) async throws(Problem) {
        store = try SQLiteStore.open(at: folder + "/bench.sqlite", clock: .system)
        try await store.migrate(
            TransparencySchema.migrations + [
                Migration(
                    "bench/0001-bare",
                    [
                        "CREATE TABLE bench_bare (number INTEGER PRIMARY KEY, id BLOB UNIQUE, body BLOB NOT NULL) STRICT"
                    ]
                )
            ]
        )
        signer = Ed25519Signer()
        guard let key = NoteSigner(name: "bench.hutong.local/log", purpose: .ed25519, signer: signer) else {
            throw Problem(.fault, "app.unexpected")
        }
        log = TransparencyLog(pseudonyms: Pseudonyms(nodeKey: signer))
        publisher = LogPublisher(store: store, storage: LogFolder(folder + "/log"), signers: [key])
        try await publisher.start()
        self.duration = duration
    }

    func close() async { await store.close() }

    /// Rows of a leaf's size with a unique time-ordered identifier, 1,000 a commit.
    func bareInserts() async throws(Problem) -> Int64 {
        let body = [UInt8](repeating: 7, count: 200)
        return try await rate { store, end throws(Problem) in
            var done: Int64 = 0
            while ContinuousClock.now < end {
                try await store.write { writing throws(Problem) in
                    for _ in 0..<1000 {
                        try writing.execute(
                            "INSERT INTO bench_bare (id, body) VALUES (?, ?)",
                            [ID<LogEntry>(at: writing.now), body]
                        )
                    }
                }
                done += 1000
            }
            return done
        }
    }

    /// One append a command, this many commands waiting at once; every append is durable before its writer goes on.
    func appends(writers: Int) async throws(Problem) -> Int64 {
        try await rate { store, end throws(Problem) in
            let log = log
            return await withTaskGroup(of: Int64.self) { group in
                group.addTask { [publisher] in
                    while ContinuousClock.now < end {
                        _ = try? await publisher.publish()
                        try? await Task.sleep(for: .milliseconds(100))
                    }
                    return 0
                }
                for _ in 0..<writers {
                    group.addTask {
                        var done: Int64 = 0
                        while ContinuousClock.now < end {
                            // Made by the writer itself, as a room makes it before it stands in the line.
                            let entry = Self.entry(at: WallClock.system.now())
                            let written = try? await store.write { writing throws(Problem) in
                                try log.append(entry, in: writing)
                            }
                            if written != nil { done += 1 }
                        }
                        return done
                    }
                }
                return await group.reduce(0, +)
            }
        }
    }

    /// 1,000 appends a command: what a busy valve's group commit amounts to, without the waiting tasks.
    func groupedAppends() async throws(Problem) -> Int64 {
        try await rate { store, end throws(Problem) in
            let log = log
            var done: Int64 = 0
            while ContinuousClock.now < end {
                try await store.write { writing throws(Problem) in
                    for _ in 0..<1000 { try log.append(Self.entry(at: writing.now), in: writing) }
                }
                done += 1000
            }
            return done
        }
    }

    static func entry(at time: Instant) -> LogEntry {
        LogEntry(
            .passageSettled,
            content: ["amount": 1200, "passage": "psg-7k3m9x2pqv0dc", "rows": 144],
            id: ID<LogEntry>(at: time)
        )
    }

    private func rate(
        _ work: (SQLiteStore, ContinuousClock.Instant) async throws(Problem) -> Int64
    ) async throws(Problem) -> Int64 {
        let start = ContinuousClock.now
        let done = try await work(store, start.advanced(by: duration))
        let elapsed = start.duration(to: .now).wholeMicroseconds
        return elapsed == 0 ? 0 : done * 1_000_000 / elapsed
    }

    /// Nanoseconds of checking one inclusion proof at 131,072 leaves, and of one Ed25519 verification.
    func proofs() throws(Problem) -> (proof: Int64, signature: Int64) {
        var levels = [(0..<131_072).map { NodeHash(leaf: Array("leaf \($0)".utf8)) }]
        while let last = levels.last, last.count > 1 { levels.append(NodeHash.parents(of: last)) }
        let root = levels[17][0]
        let proofs = (0..<1000).map { number in
            InclusionProof(index: UInt64(number * 131), size: 131_072) { levels[$0.level][Int($0.index)] }
        }
        var accepted = 0
        let proofTime = ContinuousClock().measure {
            for proof in proofs {
                if (try? proof.verify(leaf: levels[0][Int(proof.index)], root: root)) != nil { accepted += 1 }
            }
        }
        let message = Array(
            "a checkpoint of a hundred bytes or so, as a receipt without a tree would have signed".utf8
        )
        let signature = try signer.signature(for: message)
        let checkers = SignatureCheckers()
        let signatureTime = ContinuousClock().measure {
            for _ in 0..<1000 where checkers.isValid(signature, for: message, by: signer.publicKey) {
                accepted += 1
            }
        }
        precondition(accepted == 2000, "every proof and signature here is valid")
        return (proofTime.wholeMicroseconds, signatureTime.wholeMicroseconds)
    }
}
