// SPDX-License-Identifier: Apache-2.0

import Primitives
import PrivateSQL
import Tables
import TablesDuckDB
import Testing

@Suite("One row a person")
struct KeyTests {
    private static let question = "SELECT region, count(*) AS n, sum(income) AS s FROM people GROUP BY region"

    private func room(repeating copies: Int) async throws -> ClinicRoom {
        let room = try await ClinicRoom(people: 500)
        guard copies > 0 else { return room }
        try await room.engine.execute(
            "INSERT INTO people SELECT p.* FROM people p, range(\(copies)) r(i) WHERE person = 7")
        return room
    }

    @Test("a promise of one row a person is looked up, and found kept or broken")
    func lookedUp() async throws {
        let rules = try ClinicRoom.gaussian()
        for (copies, expected) in [(0, Set<String>()), (1, ["people"])] {
            let room = try await room(repeating: copies)
            let found = try await rules.tablesWithRepeatedPeople(
                ["people": ClinicRoom.schema["people"] ?? []], on: room.engine,
                dialect: RelationText(DuckDBDialect()))
            #expect(found == expected)
        }
    }

    @Test("where the promise is broken one person still counts for one row, and the plan is named the same")
    func bounded() async throws {
        // ε 100: so little noise that two thousand rows of one person would show.
        let rules = try ClinicRoom.rules(
            #""privacy":{"mechanism":"laplace","epsilon":"100","delta":"1e-7","total":"100"}"#)
        let once = try await room(repeating: 0).ask(Self.question, rules)
        let often = try await room(repeating: 2000).ask(Self.question, rules)
        #expect(once.planDigest == often.planDigest)
        let counts = [once, often].map { answer in
            answer.rows.map { $0[1].value.approximate ?? 0 }.reduce(0, +)
        }
        #expect(abs(counts[0] - 500) < 20 && abs(counts[1] - 500) < 20, "\(counts)")
    }
}
