// SPDX-License-Identifier: Apache-2.0

import Collect
import Identity
import Primitives
import Tables
import TablesDuckDB
import Testing

@Suite("Lineage and mappings")
struct LineageTests {
    private let digests = (0..<4).map { Digest(of: [UInt8($0)]) }

    private func step(_ activity: String, _ inputs: [Int], _ output: Int, at seconds: Int64) -> LineageStep {
        LineageStep(
            activity, inputs: inputs.map { digests[$0] }, output: digests[output], parameters: ["k": 5],
            by: "Node A",
            at: Instant(seconds: seconds))
    }

    @Test("S29: the graph from source to output shows which steps are signed, unsigned or broken")
    func states() throws {
        let key = Ed25519Signer()
        let collect = try step("collect", [0], 1, at: 1).signed(by: key)
        let deidentify = step("de-identify", [1], 2, at: 2)
        let other = step("collect", [3], 3, at: 1)
        let lineage = Lineage(of: digests[2], among: [deidentify, other, collect])
        let checkers = SignatureCheckers()
        #expect(lineage.steps.map(\.activity) == ["collect", "de-identify"])
        #expect(lineage.origins == [digests[0]])
        #expect(lineage.steps.map { lineage.state(of: $0, checkers) } == [.signed, .unsigned])
        let prov = lineage.prov(checkers)
        #expect(prov["activity"]?["hutong:step-1"]?["hutong:signature"] == "signed")
        #expect(prov["wasDerivedFrom"]?.object?.count == 2)
        #expect(prov["entity"]?.object?.count == 3)
    }

    @Test(
        "S03: two tables under two standards become one model; unmapped fields are named; the way back restores"
    )
    func mapping() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        try await engine.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES ('M', 1.250::DECIMAL(9,3), 'x'), ('F', 0.001, 'y')) v(sex, mg, note)"
        )
        let mapping = try StandardMapping(
            declaration(
                """
                from: hospital
                to: common
                fields:
                  - {from: sex, to: gender, codes: {M: "1", F: "2"}}
                  - {from: mg, to: ug, factor: 1000}
                """))
        let there = try mapping.mapped("t", columns: try await engine.columns(of: .named("t")))
        #expect(there.unmapped == ["note"])
        try await engine.execute("CREATE TABLE c AS \(there.query.sql)")
        let common = try await engine.rows("SELECT gender, ug = 1250, note FROM c LIMIT 1")
        #expect(common.rows == [[.text("1"), .bool(true), .text("x")]])
        let back = try mapping.back.mapped("c", columns: try await engine.columns(of: .named("c")))
        let same = try await engine.rows(
            "SELECT count(*) FROM (SELECT sex, mg FROM t EXCEPT SELECT sex, mg FROM (\(back.query.sql)))")
        #expect(same.rows == [[.integer(0)]])
    }
}
