// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import PrivateSQL
import Tables
import TablesDuckDB
import Testing

@Suite("Joint question")
struct JointQuestionTests {
    private static let question = """
        WITH air AS (SELECT day, avg(pm) AS pm FROM air GROUP BY day),
             clinic AS (SELECT day, count(*) AS visits FROM visits WHERE resp GROUP BY day)
        SELECT air.day, pm, visits FROM air JOIN clinic USING (day) ORDER BY day
        """

    private static let airRules = #"""
        {"rules":1,"minimumGroup":3,"tables":{"air":{"columns":{"day":{"use":["filter","group"],"days":["2016-01-01","2016-12-31"]},
         "station":"open","pm":{"use":["filter","aggregate"],"bounds":[0,1000]}}}}}
        """#
    private static let clinicRules = #"""
        {"rules":1,"privacy":{"mechanism":"gaussian","epsilon":"2","delta":"1e-6","total":"20"},
         "tables":{"visits":{"unit":{"column":"person","groups":6,"rowsPerGroup":1},"columns":{"person":"hidden",
         "day":{"use":["filter","group"],"days":["2016-01-01","2016-12-31"]},"resp":"filter-only"}}}}
        """#

    private func sides() throws -> [QuestionSide] {
        [
            QuestionSide(
                name: "air",
                rules: try ReleaseRules(json: try JSON(parsing: Self.airRules)),
                schema: ["air": [Column("day", .day), Column("station", .text), Column("pm", .real)]]
            ),
            QuestionSide(
                name: "clinic",
                rules: try ReleaseRules(json: try JSON(parsing: Self.clinicRules)),
                schema: ["visits": [Column("person", .integer), Column("day", .day), Column("resp", .bool)]]
            ),
        ]
    }

    /// One engine for each courtyard: no row of one is ever in the other.
    private func engines() async throws -> [any TableEngine] {
        let air = try DuckDBEngineFactory().open(EngineLimits())
        try await air.execute(
            """
            CREATE TABLE air AS SELECT DATE '2016-01-01' + d::INT AS day, 's' || s AS station,
                (40 + 35 * sin(d / 9.0) + s - 5.5)::DOUBLE AS pm FROM range(366) a(d), range(12) b(s)
            """
        )
        let clinic = try DuckDBEngineFactory().open(EngineLimits())
        // 200 visits a day, and one more for each 1 µg/m³.
        try await clinic.execute(
            """
            CREATE TABLE visits AS SELECT d * 1000 + v AS person, DATE '2016-01-01' + d::INT AS day, true AS resp
            FROM range(366) a(d), range(400) b(v) WHERE v < 240 + 35 * sin(d / 9.0)
            """
        )
        return [air, clinic]
    }

    /// Each part as its holder answers it: parsed, checked and run beside that holder's rows alone.
    private func answers(
        _ joint: JointQuestion,
        _ engines: [any TableEngine]? = nil,
        seed: UInt8 = 3
    ) async throws -> [ReleasedAnswer] {
        let engines = if let engines { engines } else { try await self.engines() }
        let sides = try sides()
        var answers: [ReleasedAnswer] = []
        for part in joint.parts {
            let place = try #require(sides.firstIndex { $0.schema.keys.contains(part.tables[0]) })
            let seed = try #require(NoiseSeed(bytes: Array(repeating: seed, count: 32)))
            let tree = try await SyntaxTree(part.text, engine: engines[place])
            answers.append(
                try await QuestionPlanner([sides[place]]).plan(tree).run(
                    on: engines[place],
                    dialect: RelationText(DuckDBDialect()),
                    seed: seed,
                    versions: Digest(of: "v")
                )
            )
        }
        return answers
    }

    private func joint(_ text: String = question) async throws -> JointQuestion {
        try JointQuestion(try await SyntaxTree(text, engine: try DuckDBEngineFactory().open(EngineLimits())))
    }

    @Test("each side answers its aggregated part under its own rules, and only released values are joined")
    func split() async throws {
        let joint = try await joint()
        #expect(joint.parts.map(\.tables) == [["air"], ["visits"]])
        let answers = try await answers(joint)
        #expect(answers[0].charge == .none && answers[1].charge.epsilonMicros == 2_000_000)
        let table = try #require(joint.answered(answers.map(\.table)))
        #expect(table.names.map(\.name) == ["day", "pm", "visits"])
        #expect(table.rows.count == 366)
        #expect(joint.answered(answers.reversed().map(\.table)) == nil)
    }

    @Test("a part is an ordinary question: its text parses to what was asked of that side")
    func texts() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        let text = """
            WITH winter AS (SELECT *, month(day) AS m FROM air WHERE day NOT IN ('2016-01-01') AND pm IS NOT NULL),
            a AS (SELECT m, avg(CASE WHEN pm > 1.5 THEN pm ELSE -1 END) AS x, count(*) FILTER (WHERE pm < 3) AS n
                  FROM winter AS w WHERE station LIKE 's%' OR NOT (pm BETWEEN 1 AND 2) GROUP BY m HAVING count(*) > 3
                  ORDER BY m DESC NULLS LAST LIMIT 12),
            b AS (SELECT month(day) AS m, count(DISTINCT person) AS v FROM visits GROUP BY ALL)
            SELECT a.m, x / v AS ratio FROM a LEFT JOIN b ON a.m = b.m WHERE v > 0
            """
        let joint = try await joint(text)
        #expect(joint.parts.map(\.tables) == [["air"], ["visits"]])
        for part in joint.parts {
            let query = try await SyntaxTree(part.text, engine: engine).query
            #expect(query.sql == part.text)
            #expect(try await SyntaxTree(query.sql, engine: engine).query.outputs == query.outputs)
        }
    }

    @Test("the effect of bad air on visits is found through the noise, with an interval that leaves out zero")
    func effect() async throws {
        let joint = try await joint()
        let engines = try await engines()
        var held = 0
        for seed in UInt8(1)...40 {
            let answers = try await answers(joint, engines, seed: seed)
            let effect = try #require(joint.answered(answers.map(\.table))?.effect(of: "pm", on: "visits"))
            #expect(effect.isDistinctFromZero)
            held += effect.interval.low <= 1.0 && 1.0 <= effect.interval.high ? 1 : 0
        }
        #expect(held >= 34, "one visit for 1 µg/m³ in \(held) of 40")
    }

    @Test("an answer that traveled as JSON joins to the same bytes")
    func traveled() async throws {
        let joint = try await joint()
        let answers = try await answers(joint)
        let traveled = try answers.map {
            try #require(ReleasedAnswer(json: try JSON(parsing: $0.json.canonicalBytes)))
        }
        #expect(traveled.map(\.digest) == answers.map(\.digest))
        let effect = joint.answered(traveled.map(\.table))?.effect(of: "pm", on: "visits")
        #expect(effect?.slope == joint.answered(answers.map(\.table))?.effect(of: "pm", on: "visits")?.slope)
    }

    @Test(
        "rows of two holders never meet: a join of both is one part, which neither holder has the tables for")
    func rowsNeverMeet() async throws {
        let mixed = try await joint("SELECT count(*) FROM air JOIN visits ON air.day = visits.day")
        #expect(mixed.parts.map(\.tables) == [["air", "visits"]])
        await #expect(throws: (any Error).self) { try await joint("SELECT day FROM air") }
    }

    @Test(
        "a regression's interval holds the true effect at its rate, and noise in the exposure does not draw it to zero"
    )
    func coverage() throws {
        var random = SeededRandom(seed: 11)
        func normal() -> Double {
            (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) }
        }
        var held = 0
        var slopes = 0.0
        for _ in 0..<300 {
            let points = (0..<120).map { _ in
                let exposure = 50 + 20 * normal()
                return EffectEstimate.Point(
                    outcome: 100 + 0.5 * exposure + 15 * normal(),
                    exposure: exposure + 8 * normal(),
                    exposureNoise: 64
                )
            }
            let effect = try #require(EffectEstimate(points))
            slopes += effect.slope / 300
            held += effect.interval.low <= 0.5 && 0.5 <= effect.interval.high ? 1 : 0
        }
        #expect(held >= 270 && abs(slopes - 0.5) < 0.02)
    }
}
