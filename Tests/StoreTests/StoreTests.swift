// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Store
import StoreSQLite
import TestStores
import Testing

@Suite("Store")
struct StoreTests {
    static let note = Migration(
        "test/0001-note",
        [
            "CREATE TABLE test_note (id INTEGER NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (body <> '')) STRICT"
        ])

    @Test(
        "what was answered is there after the node was closed and opened again", arguments: Engine.available)
    func survives(_ engine: Engine) async throws {
        let place = Place(engine)
        let store = try place.open()
        try await store.migrate([Self.note])
        try await store.write { tx throws(Problem) in
            _ = try tx.execute("INSERT INTO test_note VALUES (?, ?)", [1, "bread"])
        }
        await store.close()
        let again = try place.open()
        try await again.migrate([Self.note])
        let bodies = try await again.read { tx throws(Problem) in
            try tx.all("SELECT body FROM test_note") { row throws(Problem) in try row.text(0) }
        }
        #expect(bodies == ["bread"])
        await again.close()
    }

    @Test("every commit of the writer is synced to the disk")
    func synced() async throws {
        let place = Place()
        let store = try place.open()
        let level = try await store.write { tx throws(Problem) in try tx.count("PRAGMA synchronous") }
        #expect(level == 2)
        let mode = try await store.read { tx throws(Problem) in
            try tx.first("PRAGMA journal_mode") { row throws(Problem) in try row.text(0) }
        }
        #expect(mode == "wal")
        await store.close()
    }

    @Test(
        "a refused command takes back only its own writes, whoever shares its commit",
        arguments: Engine.available)
    func refusedAlone(_ engine: Engine) async throws {
        let place = Place(engine)
        let store = try place.open()
        try await store.migrate([Self.note])
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    _ = try? await store.write { tx throws(Problem) in
                        try tx.execute("INSERT INTO test_note VALUES (?, ?)", [number, "n"])
                        if number.isMultiple(of: 3) { throw Problem(.conflict, "test.refused") }
                    }
                }
            }
        }
        let kept = try await store.read { tx throws(Problem) in
            try tx.all("SELECT id FROM test_note ORDER BY id") { row throws(Problem) in try row.int(0) }
        }
        #expect(kept == (0..<200).filter { !$0.isMultiple(of: 3) })
        await store.close()
    }

    @Test("a sum of integers is an integer, of either sign and beyond 32 bits", arguments: Engine.available)
    func sums(_ engine: Engine) async throws {
        let store = try Place(engine).open()
        let large: Int64 = 12_345_678_900_000_000
        for (left, right) in [(0, 0), (1, 9_999), (7, 9_993), (-40_000, -2), (large, large)] as [(Int64, Int64)] {
            let sum = try await store.read { reading throws(Problem) in
                try reading.count("SELECT sum(n) FROM (SELECT \(left) AS n UNION ALL SELECT \(right)) t")
            }
            #expect(sum == left + right)
        }
        await store.close()
    }

    @Test("a broken rule of the schema is a conflict, not a crash", arguments: Engine.available)
    func constraint(_ engine: Engine) async throws {
        let place = Place(engine)
        let store = try place.open()
        try await store.migrate([Self.note])
        let problem = await #expect(throws: Problem.self) {
            try await store.write { tx throws(Problem) in
                _ = try tx.execute("INSERT INTO test_note VALUES (1, '')")
            }
        }
        #expect(problem?.code == "store.constraint-broken")
        #expect(problem?.kind == .conflict)
        await store.close()
    }

    @Test("a database written by a newer version is refused by name of the step", arguments: Engine.available)
    func newer(_ engine: Engine) async throws {
        let place = Place(engine)
        let store = try place.open()
        try await store.migrate([Self.note, Migration("test/0002-later", [])])
        let problem = await #expect(throws: Problem.self) { try await store.migrate([Self.note]) }
        #expect(problem?.code == "store.database-newer")
        #expect(problem?.arguments["step"] == .text("test/0002-later"))
        await store.close()
    }

    @Test("a full waiting line turns callers away at once and charges nothing", arguments: Engine.available)
    func busy(_ engine: Engine) async throws {
        let place = Place(engine)
        var limits = WriterLimits()
        limits.waiting = 4
        let store = try place.open(limits: limits)
        let gate = DispatchSemaphore(value: 0)
        let outcomes = await withTaskGroup(of: String.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    do throws(Problem) {
                        try await store.write { _ in _ = gate.wait(timeout: .now() + .milliseconds(20)) }
                        return "done"
                    } catch { return error.code }
                }
            }
            return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect((outcomes["store.writer-busy"] ?? 0) > 0)
        #expect((outcomes["done"] ?? 0) >= 4)
        #expect(outcomes.values.reduce(0, +) == 40)
        await store.close()
    }

    @Test("a closed store says so", arguments: Engine.available)
    func closed(_ engine: Engine) async throws {
        let place = Place(engine)
        let store = try place.open()
        await store.close()
        let problem = await #expect(throws: Problem.self) { try await store.write { _ in } }
        #expect(problem?.code == "store.closed")
    }

    @Test(
        "the time of commands never runs backwards, not even over a restart with a wrong clock",
        arguments: Engine.available)
    func monotone(_ engine: Engine) async throws {
        let place = Place(engine)
        let clock = ManualClock(1_000_000)
        let store = try place.open(clock: clock)
        let first = try await store.write { tx in tx.now }
        clock.move(by: -500_000)
        let second = try await store.write { tx in tx.now }
        #expect(second == first)
        await store.close()
        let again = try place.open(clock: ManualClock(1))
        let third = try await again.write { tx in tx.now }
        #expect(third == first)
        await again.close()
    }

    @Test("a backup taken while the node writes is a whole database")
    func backup() async throws {
        let place = Place()
        let store = try place.open()
        try await store.migrate([Self.note])
        try await store.write { tx throws(Problem) in
            for number in 0..<5000 { try tx.execute("INSERT INTO test_note VALUES (?, ?)", [number, "n"]) }
        }
        let target = place.folder + "/backup.sqlite"
        async let copied: Void = store.backup(to: target)
        for number in 5000..<5100 {
            try await store.write { tx throws(Problem) in
                _ = try tx.execute("INSERT INTO test_note VALUES (?, ?)", [number, "n"])
            }
        }
        try await copied
        let copy = try SQLiteStore.open(at: target, clock: ManualClock().wall)
        try await copy.migrate([Self.note])
        let count = try await copy.read { tx throws(Problem) in try tx.count("SELECT count(*) FROM test_note")
        }
        #expect((5000...5100).contains(count))
        let check = try await copy.read { tx throws(Problem) in
            try tx.first("PRAGMA integrity_check") { row throws(Problem) in try row.text(0) }
        }
        #expect(check == "ok")
        let problem = await #expect(throws: Problem.self) { try await store.backup(to: target) }
        #expect(problem?.code == "store.backup-refused")
        await copy.close()
        await store.close()
    }

    @Test("values come back as they went in", arguments: Engine.available)
    func values(_ engine: Engine) async throws {
        let place = Place(engine)
        let store = try place.open()
        let id = ID<Place>(high: 0x0102_0304_0506_0708, low: .max)
        let table = "CREATE TABLE test_value (a BLOB, b TEXT, c BLOB, d INTEGER, e REAL, f TEXT) STRICT"
        try await store.migrate([Migration("test/0001-value", [table])])
        let back = try await store.write { tx throws(Problem) in
            try tx.execute(
                "INSERT INTO test_value VALUES (?, ?, ?, ?, ?, ?)",
                [id, "空气?", [UInt8](), Int64.min, 0.5, SQLValue.null])
            return try tx.first("SELECT a, b, c, d, e, f FROM test_value WHERE b = '空气?'") {
                row throws(Problem) in (0..<6).map { row[$0] }
            }
        }
        #expect(back == [.blob(id.bytes), .text("空气?"), .blob([]), .integer(.min), .real(0.5), .null])
        await store.close()
    }
}
