// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Merkle
import Primitives
import Store
import StoreSQLite
import Testing
import Transparency

@Suite("The transparency log")
struct TransparencyLogTests {
    @Test("gives leaves consecutive indices inside the command, and a refused command's index to the next")
    func indices() async throws {
        let node = try await TestNode()
        let log = node.log
        let first = try await node.store.write { writing throws(Problem) in
            try log.append(.sample(0), in: writing)
        }
        let refused = await #expect(throws: Problem.self) {
            try await node.store.write { writing throws(Problem) in
                _ = try log.append(.sample(1), in: writing)
                throw Problem(.conflict, "test.refused")
            }
        }
        #expect(refused?.code == "test.refused")
        let second = try await node.store.write { writing throws(Problem) in
            try log.append(.sample(2), in: writing)
        }
        #expect((first, second) == (0, 1))
        let leaves = try await node.store.read { reading throws(Problem) in
            try TransparencyLog.leaves(from: 0, limit: 10, in: reading)
        }
        #expect(leaves.map(\.content).last?.contains("\"number\":2") == true)
        #expect(!leaves.contains { !$0.isIntact })
    }

    @Test("finds a repeated entry's first leaf, and refuses the same identifier with another content")
    func repeats() async throws {
        let node = try await TestNode()
        let log = node.log
        let id = ID<LogEntry>(high: 7, low: 9)
        func append(_ content: JSON) async throws -> LeafIndex {
            try await node.store.write { writing throws(Problem) in
                try log.append(LogEntry(.settlement, content: content, id: id), in: writing)
            }
        }
        #expect(try await append(["fen": 100]) == 0)
        #expect(try await append(["fen": 100]) == 0)
        let problem = await #expect(throws: Problem.self) { try await append(["fen": 101]) }
        #expect(problem?.code == "transparency.entry-contradicts")
        #expect(
            try await node.store.read { reading throws(Problem) in try TransparencyLog.size(in: reading) }
                == 1
        )
    }

    @Test("never lets a leaf's time decrease, even if the clock was set back across a restart")
    func times() async throws {
        let folder = TemporaryFolder()
        let node = try await TestNode(folder: folder)
        try await node.append(0..<1)
        await node.store.close()
        let restarted = try await TestNode(folder: folder)
        restarted.clock.set(Instant(seconds: 1_000))
        try await restarted.append(1..<2)
        let times = try await restarted.store.read { reading throws(Problem) in
            try TransparencyLog.leaves(from: 0, limit: 10, in: reading).map(\.leaf.time)
        }
        #expect(times.count == 2)
        #expect(times[0] <= times[1])
    }

    @Test("refuses a content that is too large to be an entry, and says what to do")
    func limits() async throws {
        let node = try await TestNode()
        let log = node.log
        let problem = await #expect(throws: Problem.self) {
            try await node.store.write { writing throws(Problem) in
                let text = String(repeating: "x", count: LogEntry.contentBytesMax)
                _ = try log.append(LogEntry(.caseStep, content: ["text": .string(text)]), in: writing)
            }
        }
        #expect(problem?.code == "transparency.entry-too-large")
    }

    @Test("writes leaves as canonical JSON that reads back, and nothing of the content")
    func leafEncoding() throws {
        let subject = Code(.asset, ID<Thing>(high: 1, low: 2))
        let pseudonym = try #require(Pseudonym(String(repeating: "ab", count: 16)))
        for kind in LogEntryKind.allCases {
            let entry = LogEntry(
                kind,
                subject: subject,
                parties: [pseudonym, pseudonym],
                content: ["secret": 7]
            )
            let leaf = Leaf(
                entry,
                at: Instant(microseconds: 1_790_000_000_123_456),
                contentDigest: Digest(of: "x")
            )
            let text = String(decoding: leaf.bytes, as: UTF8.self)
            #expect(try JSON(parsing: leaf.bytes).canonicalBytes == leaf.bytes)
            #expect(Leaf(parsing: leaf.bytes) == leaf)
            #expect(!text.contains("secret"))
            #expect(text.contains(subject.text) == kind.namesSubject)
        }
        #expect(Leaf(parsing: Array("{\"v\":1}".utf8)) == nil)
    }

    @Test("names one party differently in each agreement, and the same within one")
    func pseudonyms() async throws {
        let log = try await TestNode().log
        let (party, other) = (ID<Thing>(high: 1, low: 1), ID<Thing>(high: 1, low: 2))
        let (agreement, next) = (ID<LogEntry>(high: 2, low: 1), ID<LogEntry>(high: 2, low: 2))
        #expect(log.pseudonym(of: party, within: agreement) == log.pseudonym(of: party, within: agreement))
        #expect(log.pseudonym(of: party, within: agreement) != log.pseudonym(of: party, within: next))
        #expect(log.pseudonym(of: party, within: agreement) != log.pseudonym(of: other, within: agreement))
    }

    @Test("counts refusals of an agreement, a code and an hour in one leaf, so that nobody can flood it")
    func refusals() async throws {
        let node = try await TestNode()
        let log = node.log
        let (agreement, other) = (ID<Thing>(high: 1, low: 1), ID<Thing>(high: 1, low: 2))
        func refuse(_ scope: ID<Thing>, _ code: String, times: Int) async throws {
            try await node.store.write { writing throws(Problem) in
                for _ in 0..<times { try log.countRefusal(code: code, within: scope, in: writing) }
            }
        }
        func seal() async throws -> Int {
            try await node.store.write { writing throws(Problem) in try log.sealRefusals(in: writing) }
        }
        try await refuse(agreement, "valve.budget-spent", times: 1000)
        try await refuse(agreement, "valve.closed", times: 2)
        try await refuse(other, "valve.closed", times: 1)
        #expect(try await seal() == 0)
        node.clock.advance(.seconds(3600))
        try await refuse(agreement, "valve.closed", times: 5)
        #expect(try await seal() == 3)
        #expect(try await seal() == 0)
        let leaves = try await node.store.read { reading throws(Problem) in
            try TransparencyLog.leaves(from: 0, limit: 10, in: reading)
        }
        #expect(leaves.map(\.leaf.kind) == [.passageRefused, .passageRefused, .passageRefused])
        let counts = try leaves.map { try JSON(parsing: $0.content)["count"]?.integer }
        #expect(Set(counts) == [1000, 2, 1])
    }

    @Test("documents every kind of entry")
    func documented() throws {
        let page = try String(contentsOfFile: "docs/reference/log-entries.md", encoding: .utf8)
        for kind in LogEntryKind.allCases {
            #expect(page.contains("| `\(kind.rawValue)` |"), "\(kind.rawValue)")
        }
        let table = page.components(separatedBy: "## The kinds").last ?? ""
        let rows = table.split(separator: "\n").count { $0.hasPrefix("| `") }
        #expect(rows == LogEntryKind.allCases.count)
    }
}

@Suite("The published log")
struct LogPublisherTests {
    @Test("is byte for byte the same from the same key and entries, however they were grouped")
    func reproducible() async throws {
        let once = try await TestNode()
        try await once.append(0..<600)
        let memory = MemoryLogStorage()
        try await once.publisher(storage: memory).start()

        let stepwise = try await TestNode()
        let other = MemoryLogStorage()
        let publisher = stepwise.publisher(storage: other)
        try await publisher.start()
        for start in stride(from: 0, to: 600, by: 150) {
            for first in stride(from: start, to: start + 150, by: 15) {
                try await stepwise.append(first..<first + 15)
            }
            try await publisher.publish()
        }
        let current = other.contents.filter { memory.contents[$0.key] != nil }
        #expect(current == memory.contents)
        let root = try #require(SignedCheckpoint(parsing: memory.contents["checkpoint"] ?? []))
        #expect(root.checkpoint.size == 600)
        #expect(Digest(of: memory.contents["checkpoint"] ?? []).hex == Self.goldenCheckpoint)
    }

    /// SHA-256 of the checkpoint over the 600 sample entries. It changes only if the leaf encoding does, which
    /// it must not without a new version.
    private static let goldenCheckpoint = "5c45aa25b7c38999fd416df50998bc27daa84d0977aa390d96e31669962d0b7f"

    @Test("removes partial tiles when the full one exists, and keeps what its checkpoints need")
    func partials() async throws {
        let node = try await TestNode()
        let storage = MemoryLogStorage()
        let publisher = node.publisher(storage: storage)
        try await node.append(0..<200)
        try await publisher.start()
        #expect(storage.contents["tile/0/000.p/200"] != nil)
        try await node.append(200..<300)
        try await publisher.publish()
        #expect(
            Set(storage.contents.keys) == [
                "checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000",
                "tile/entries/001.p/44",
            ]
        )
    }

    @Test("gives receipts and consistency proofs that verify at every size")
    func proofs() async throws {
        let node = try await TestNode()
        let publisher = node.publisher()
        try await publisher.start()
        var checkpoints: [Checkpoint] = []
        for size in [1, 2, 3, 255, 256, 257, 511, 512, 700] {
            try await node.append((checkpoints.last.map { Int($0.size) } ?? 0)..<size)
            let signed = try await publisher.publish()
            for older in checkpoints {
                let proof = try await publisher.consistencyProof(from: older.size)
                try proof.verify(oldRoot: older.root, newRoot: signed.checkpoint.root)
            }
            checkpoints.append(signed.checkpoint)
        }
        for index in [0, 1, 254, 255, 256, 600, 699] as [LeafIndex] {
            let receipt = try await publisher.receipt(for: index)
            #expect(try Receipt(parsing: receipt.bytes) == receipt)
            let disclosure = try #require(Disclosure(parsing: receipt.extra ?? []))
            #expect(disclosure.content["number"] == .integer(Int64(index)))
            try receipt.proof.verify(leaf: disclosure.leaf.hash, root: receipt.checkpoint.checkpoint.root)
        }
        let problem = await #expect(throws: Problem.self) { try await publisher.receipt(for: 700) }
        #expect(problem?.code == "transparency.leaf-missing")
    }

    @Test("is derived again from the database if its files are lost or damaged")
    func rebuilt() async throws {
        let node = try await TestNode()
        try await node.append(0..<300)
        try await node.publisher().start()
        let checkpoint = try node.folder.bytes("log/checkpoint")
        let tile = try node.folder.bytes("log/tile/0/001.p/44")
        try node.folder.write(Array(tile.dropLast()), "log/tile/0/001.p/44")
        try await node.publisher().start()
        #expect(try node.folder.bytes("log/tile/0/001.p/44") == tile)
        try FileManager.default.removeItem(atPath: node.folder.path + "/log")
        try await node.publisher().start()
        #expect(try node.folder.bytes("log/tile/0/001.p/44") == tile)
        #expect(try node.folder.bytes("log/checkpoint") == checkpoint)
    }

    @Test("refuses to sign on from an older database, or from another history")
    func neverForks() async throws {
        let node = try await TestNode()
        try await node.append(0..<300)
        try await node.publisher().start()
        let older = try await TestNode(seed: 1)
        try await older.append(0..<200)
        let behind = await #expect(throws: Problem.self) {
            try await older.publisher(storage: node.logFolder).start()
        }
        #expect(behind?.code == "transparency.log-behind")
        let other = try await TestNode(seed: 1)
        try await other.append(1..<401)
        try FileManager.default.removeItem(atPath: node.folder.path + "/log/tile")
        let forked = await #expect(throws: Problem.self) {
            try await other.publisher(storage: node.logFolder).start()
        }
        #expect(forked?.code == "transparency.log-forked")
    }

    @Test("never publishes a row that was changed after its commit")
    func damagedRow() async throws {
        let node = try await TestNode()
        try await node.append(0..<10)
        _ = try await node.store.write { writing throws(Problem) in
            try writing.execute("UPDATE transparency_leaf SET content = '{}' WHERE leaf_index = 4")
        }
        let problem = await #expect(throws: Problem.self) { try await node.publisher().start() }
        #expect(problem?.code == "transparency.leaf-damaged")
        #expect(problem?.arguments["index"] == .integer(4))
    }
}
