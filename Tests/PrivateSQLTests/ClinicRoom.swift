// SPDX-License-Identifier: Apache-2.0

import Noise
import Primitives
import PrivateSQL
import Tables
import TablesDuckDB

/// A small clinic for tests: people, their visits, the districts' names. Seeded, so that every figure is known.
struct ClinicRoom {
    let engine: any TableEngine
    let schema: [String: [Column]]

    static let districts = ["Chaoyang", "Dongcheng", "Haidian", "Xicheng"]

    static let schema: [String: [Column]] = [
        "visits": [
            Column("person", .integer), Column("district", .text), Column("day", .day), Column("resp", .bool),
            Column("age", .integer), Column("fee", .decimal(width: 10, scale: 2)),
        ],
        "people": [Column("person", .integer), Column("region", .text), Column("age", .integer), Column("income", .integer)],
        "districts": [Column("district", .text), Column("beds", .integer)],
    ]

    init(people: Int = 2000, seed: UInt64 = 1) async throws {
        engine = try DuckDBEngineFactory().open(EngineLimits(memoryBytes: 1 << 29))
        schema = Self.schema
        // hash() is only used to make repeatable sample rows.
        try await engine.execute(
            """
            CREATE TABLE people AS SELECT i AS person, 'r' || (hash(i + \(seed)) % 10)::VARCHAR AS region,
                (18 + hash(i * 7 + \(seed)) % 73)::BIGINT AS age,
                (hash(i * 13 + \(seed)) % 200000)::BIGINT AS income FROM range(\(people)) t(i)
            """)
        try await engine.execute(
            """
            CREATE TABLE visits AS SELECT p.person, ['Chaoyang', 'Dongcheng', 'Haidian', 'Xicheng'][1 + (hash(p.person * 3 + v) % 4)::INT] AS district,
                DATE '2016-01-01' + (hash(p.person * 17 + v * 5) % 366)::INT AS day, hash(p.person + v) % 3 = 0 AS resp,
                p.age, ((hash(p.person * 19 + v) % 50000) / 100)::DECIMAL(10,2) AS fee
            FROM people p, range(5) r(v) WHERE v <= p.person % 5
            """)
        try await engine.execute(
            """
            CREATE TABLE districts AS SELECT * FROM
                (VALUES ('Chaoyang', 900), ('Dongcheng', 500), ('Haidian', 800), ('Xicheng', 700)) t(district, beds)
            """)
    }

    func ask(_ sql: String, _ rules: ReleaseRules, seed: UInt8 = 1) async throws -> ReleasedAnswer {
        let question = try await CleanRoomQuestion(sql, rules: rules, schema: schema, engine: engine)
        guard let noise = NoiseSeed(bytes: Array(repeating: seed, count: 32)) else { preconditionFailure("32 bytes") }
        return try await question.run(
            on: engine, dialect: RelationText(DuckDBDialect()), seed: noise, versions: Digest(of: "v1"))
    }

    /// The true answer, by the engine's own SQL.
    func truth(_ sql: String) async throws -> [[TableValue]] { try await engine.rows(sql).rows }

    // MARK: Rules

    static func rules(_ protection: String, visitsUnit: String = #"{"column":"person","groups":12,"rowsPerGroup":2}"#) throws
        -> ReleaseRules
    {
        let visits = #"""
            "visits": {"unit": \#(visitsUnit), "columns": {"person": "join-only",
                "district": {"use": ["filter","group","join"], "values": ["Chaoyang","Dongcheng","Haidian","Xicheng"]},
                "day": {"use": ["filter","group"], "days": ["2016-01-01","2016-12-31"]}, "resp": "filter-only",
                "age": {"use": ["filter","aggregate","group"], "bounds": [0,110]},
                "fee": {"use": ["aggregate"], "bounds": [0,500], "decimals": 2}},
                "joins": [{"on": "person", "with": "people.person"}, {"on": "district", "with": "districts.district"}]}
            """#
        let people = #"""
            "people": {"unit": {"column":"person","rows":1}, "columns": {"person": "join-only", "region": ["filter","group"],
                "age": {"use": ["filter","group","aggregate"], "bounds": [18,90]},
                "income": {"use": "aggregate-only", "bounds": [0,200000]}}}
            """#.replacing(#""region": ["filter","group"]"#, with: #""region": {"use": ["filter","group"]}"#)
        let districts = #""districts": {"columns": {"district": "open", "beds": {"use": ["filter","group","aggregate"], "bounds": [0,5000], "extremes": true}}}"#
        let json = try JSON(parsing: "{\"rules\":1,\"tables\":{\(visits),\(people),\(districts)},\(protection)}")
        return try ReleaseRules(json: json)
    }

    static func laplace(_ epsilon: String = "1", delta: String? = "1e-7") throws -> ReleaseRules {
        let part = delta.map { ",\"delta\":\"\($0)\"" } ?? ""
        return try rules(#""privacy":{"mechanism":"laplace","epsilon":"\#(epsilon)","total":"100"\#(part)}"#)
    }

    static func gaussian(_ epsilon: String = "1") throws -> ReleaseRules {
        try rules(#""privacy":{"mechanism":"gaussian","epsilon":"\#(epsilon)","delta":"1e-6","total":"100"}"#)
    }

    static func groups(_ minimum: Int = 5, _ more: String = "") throws -> ReleaseRules {
        try rules("\"minimumGroup\":\(minimum)\(more)")
    }
}
