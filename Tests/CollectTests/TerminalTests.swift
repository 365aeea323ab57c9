// SPDX-License-Identifier: Apache-2.0

import Collect
import Foundation
import Primitives
import Store
import StoreSQLite
import Tables
import Testing

@Suite("Terminals")
struct TerminalTests {
    private static let standard: JSON = [
        "standard": "air-live", "version": "1",
        "fields": [
            ["name": "pm25", "type": "decimal(5,1)", "min": "0", "max": "1000", "mandatory": true],
            ["name": "wind", "type": "text", "codes": ["N", "S"]],
        ],
    ]

    private func enter(
        _ code: String, at place: String, district: String = "East", standard: JSON = standard,
        source: CollectionSource, _ bench: IntakeBench
    ) async throws -> (terminal: Terminal, key: String) {
        try await bench.store.write { writing throws(Problem) in
            var random = SystemRandomNumberGenerator()
            let (terminal, key) = try TerminalLedger.enter(
                TerminalDeclaration(
                    cityCode: code, type: "air", place: place, district: district, owner: "Center",
                    standard: standard, source: source.id), using: &random, in: writing)
            return (terminal, key.disclosed)
        }
    }

    @Test(
        "S07: a terminal has code, type, place, owner, standard, state; the same code or type and place is refused"
    )
    func ledger() async throws {
        let bench = try await IntakeBench()
        let source = try await bench.enter()
        _ = try await enter("T1", at: "Gate 1", source: source, bench)
        _ = try await enter("T2", at: "Gate 2", district: "West", source: source, bench)
        for (code, place) in [("T1", "Gate 3"), ("T3", "Gate 1")] {
            let problem = await #expect(throws: Problem.self) {
                _ = try await enter(code, at: place, source: source, bench)
            }
            #expect(problem?.code == "collect.terminal-taken")
        }
        let bare = await #expect(throws: Problem.self) {
            _ = try await enter("", at: " ", source: source, bench)
        }
        #expect(bare?.code == "collect.terminal-incomplete")
        let other: JSON = ["standard": "else", "version": "1", "fields": []]
        let differs = await #expect(throws: Problem.self) {
            _ = try await enter("T4", at: "Gate 4", standard: other, source: source, bench)
        }
        #expect(differs?.code == "collect.standard-differs")
        let (west, all) = try await bench.store.read { reading throws(Problem) in
            (
                try TerminalLedger.list(district: "West", in: reading),
                try TerminalLedger.list(type: "air", in: reading)
            )
        }
        #expect(west.map(\.cityCode) == ["T2"])
        #expect(all.map(\.state) == [.working, .working])
        #expect(all[0].csvLine.contains("T1,air,Gate 1,East,Center,air-live 1,working"))
    }

    @Test(
        "S07, S08: 10,000 messages from honest, repeating, faulty and unknown devices: the counts add up to 10,000"
    )
    func gateway() async throws {
        let bench = try await IntakeBench()
        let source = try await bench.enter()
        let (terminal, key) = try await enter("T1", at: "Gate 1", source: source, bench)
        let (idle, idleKey) = try await enter("T2", at: "Gate 2", source: source, bench)
        try await bench.store.write { writing throws(Problem) in
            _ = try TerminalLedger.setState(.suspended, of: idle.code.text, in: writing)
        }
        let good: JSON = ["sequence": 1, "values": ["pm25": 12.5, "wind": "N"]]
        try await bench.store.write { writing throws(Problem) in
            for number in 0..<2000 {
                let next: JSON = [
                    "sequence": .integer(Int64(number)),
                    "values": ["pm25": .number(Double(number % 100) + 0.5)],
                ]
                let faulty: [JSON] = [
                    ["sequence": 7, "values": ["pm25": 2000]], ["sequence": 7, "values": ["pm25": "x"]],
                    ["sequence": 7, "values": [:]], ["sequence": 7, "values": ["pm25": 1, "wind": "W"]],
                    ["sequence": 7, "values": ["pm25": 1, "co": 2]], ["values": [:]],
                ]
                let senders: [(JSON, String, String)] = [
                    (next, "T1", key), (good, terminal.code.text, key), (faulty[number % 6], "T1", key),
                    (next, "nobody", key), (next, "T2", number % 2 == 0 ? idleKey : "wrong"),
                ]
                for (reading, sender, key) in senders {
                    _ = try SensingGateway.take([reading], from: sender, key: key, in: writing)
                }
            }
        }
        let counts = try await bench.store.read { reading throws(Problem) in
            try SensingGateway.counts(in: reading)
        }
        #expect(counts.reduce(0) { $0 + $1.accepted + $1.repeated + $1.rejected } == 10_000)
        let own = try #require(counts.first { $0.sender == terminal.code.text })
        // One of the 2,000 distinct readings had come already, as the first of the 2,000 equal ones.
        #expect([own.accepted, own.repeated, own.rejected] == [2000, 2000, 2000])
        #expect(counts.first { $0.sender == "unknown" }?.rejected == 2000)
        #expect(counts.first { $0.sender == idle.code.text }?.rejected == 2000)
    }

    @Test("S08: waiting readings become one delivery through the gate, each once, with the time they came")
    func delivered() async throws {
        let bench = try await IntakeBench()
        let source = try await bench.enter()
        let (_, key) = try await enter("T\"1", at: "Gate, 1", source: source, bench)
        func draft() async throws -> ReadingDraft? {
            try await SensingGateway.draft(
                of: source.id, store: bench.store, engine: bench.engine, folder: bench.folder.root)
        }
        #expect(try await draft() == nil)
        try await bench.store.write { writing throws(Problem) in
            _ = try SensingGateway.take(
                [
                    ["sequence": 1, "values": ["pm25": 1.5]],
                    ["sequence": 2, "values": ["pm25": 2, "wind": "S"]],
                ],
                from: "T\"1", key: key, in: writing)
        }
        let waiting = try #require(try await draft())
        let prepared = try await bench.intake.prepare(DeliveryOffer(source: source.id, files: [waiting.path]))
        try await bench.store.write { writing throws(Problem) in
            let delivery = try bench.intake.record(prepared, in: writing)
            try SensingGateway.mark(waiting, takenBy: delivery.id, in: writing)
        }
        let rows = try await bench.engine.rows(
            "SELECT terminal, sequence, pm25::VARCHAR, wind, received_at > TIMESTAMP '2020-01-01' "
                + "FROM read_parquet('\(bench.intake.path(of: prepared.content))') ORDER BY 2")
        #expect(
            rows.rows == [
                [.text("T\"1"), .integer(1), .text("1.5"), .null, .bool(true)],
                [.text("T\"1"), .integer(2), .text("2.0"), .text("S"), .bool(true)],
            ])
        #expect(try await draft() == nil)
    }
}
