// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import Identity
import Primitives
import Store
import StoreSQLite
import Transparency

/// A log that grows in this process, with the most memory the process ever took at each tenth of the way.
enum LogGrowth {
    struct Mark: Sendable {
        let leaves: Int64
        let appendsPerSecond: Int64
        /// The most resident memory so far.
        let peakBytes: Int64
        /// One receipt made from files and database and verified, on average.
        let receiptMicroseconds: Int64
        let databaseBytes: Int64

        var json: JSON {
            [
                "leaves": .integer(leaves), "appendsPerSecond": .integer(appendsPerSecond),
                "peakBytes": .integer(peakBytes), "receiptMicroseconds": .integer(receiptMicroseconds),
                "databaseBytes": .integer(databaseBytes),
            ]
        }

        var text: String {
            "\(leaves) leaves: peak memory \(peakBytes >> 20) MiB, appended and published at \(appendsPerSecond)/s, "
                + "a receipt made and verified in \(receiptMicroseconds) µs, database \(databaseBytes >> 20) MiB"
        }
    }

    private static let leavesACommand = 1000
    private static let receipts = 100

    /// Appends, publishes, proves and verifies up to so many leaves; ten marks.
    static func marks(upTo count: Int, in folder: String, _ console: Console) async throws -> [Mark] {
        let signer = Ed25519Signer()
        guard let key = NoteSigner(name: "growth.hutong.local/log", purpose: .ed25519, signer: signer) else {
            throw Problem(.fault, "app.unexpected")
        }
        let path = folder + "/growth.sqlite"
        let store = try SQLiteStore.open(at: path, clock: .system)
        try await store.migrate(TransparencySchema.migrations)
        let log = TransparencyLog(pseudonyms: Pseudonyms(nodeKey: signer))
        let publisher = LogPublisher(store: store, storage: LogFolder(folder + "/growth"), signers: [key])
        try await publisher.start()
        let step = max(leavesACommand, count / 10 / leavesACommand * leavesACommand)
        var marks: [Mark] = []
        var done = 0
        while done < count {
            let end = min(count, done + step)
            let start = ContinuousClock.now
            for first in stride(from: done, to: end, by: leavesACommand) {
                try await store.write { writing throws(Problem) in
                    for _ in first..<min(first + leavesACommand, end) {
                        try log.append(LogBench.entry(at: writing.now), in: writing)
                    }
                }
                if first % (100 * leavesACommand) == 0 { try await publisher.publish() }
            }
            try await publisher.publish()
            let elapsed = max(1, start.duration(to: .now).wholeMicroseconds)
            let receipt = try await proven(done: end, publisher, TrustPolicy(log: key.key))
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64
            marks.append(
                Mark(
                    leaves: Int64(end), appendsPerSecond: Int64(end - done) * 1_000_000 / elapsed,
                    peakBytes: peakBytes, receiptMicroseconds: receipt, databaseBytes: size ?? 0))
            console.progress("\(end) leaves …")
            done = end
        }
        await store.close()
        return marks
    }

    /// Microseconds for one receipt, made and verified as a stranger would, from its bytes.
    private static func proven(
        done: Int, _ publisher: LogPublisher, _ policy: TrustPolicy
    ) async throws -> Int64 {
        let verifier = ReceiptVerifier(policy: policy)
        var random = SystemRandomNumberGenerator()
        let start = ContinuousClock.now
        for _ in 0..<receipts {
            let index = UInt64.random(in: 0..<UInt64(done), using: &random)
            _ = try verifier.verify(try await publisher.receipt(for: index).bytes)
        }
        return start.duration(to: .now).wholeMicroseconds / Int64(receipts)
    }

    /// What the system says of this process; 0 where it does not say so.
    private static var peakBytes: Int64 {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first).flatMap { Int64($0) }.map {
            $0 << 10
        } ?? 0
    }
}
