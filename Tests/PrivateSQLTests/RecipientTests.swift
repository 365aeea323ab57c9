// SPDX-License-Identifier: Apache-2.0

import Primitives
import PrivateSQL
import Tables
import TablesDuckDB
import TablesSpark
import Testing

@Suite("Recipients")
struct RecipientTests {
    private static let party = Code(.party, ID<ClinicRoom>(high: 1, low: 1))

    private static func rules(_ recipients: String, _ protection: String = #""minimumGroup": 5"#) throws
        -> ReleaseRules
    {
        try ClinicRoom.rules(protection + #", "recipients": \#(recipients)"#)
    }

    private static let masked = #"""
        {"others": {"tables": {"visits": {"rowFilter": [{"column": "district", "values": ["Haidian", "Xicheng"]}],
            "masks": {"age": {"step": 10}, "day": {"to": "quarter"}, "resp": "hidden", "district": {"prefix": 2}}}}}}
        """#

    @Test("the plan reads a masked column through its mask alone, in every engine's words")
    func enforced() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits(threads: 1))
        let rules = try Self.rules(Self.masked).narrowed(for: nil)
        let plan = try await CleanRoomQuestion(
            "SELECT age, day, district, count(*) AS n, avg(age) AS a FROM visits WHERE age > 20 GROUP BY ALL",
            rules: rules, schema: ClinicRoom.schema, engine: engine
        ).plan
        for relation in plan.releases.flatMap(\.relations) {
            for text in [
                RelationText(DuckDBDialect()).sql(relation), RelationText(SparkDialect()).sql(relation),
            ] {
                #expect(text.contains("'Haidian', 'Xicheng'"), "the filter: \(text)")
                #expect(text.contains("substring(") && text.lowercased().contains("quarter"))
                // Every comparison of an age is one of its tens.
                #expect(!text.contains("\"visits.age\" > 20") && !text.contains("`visits.age` > 20"))
            }
        }
    }

    @Test("a recipient's answer is the plain answer over its own rows and masked values")
    func answered() async throws {
        let room = try await ClinicRoom(people: 800)
        let rules = try Self.rules(Self.masked).narrowed(for: Self.party)
        let told = try await room.ask(
            "SELECT district, age, count(*) AS n FROM visits GROUP BY ALL ORDER BY 1, 2", rules)
        let truth = try await room.truth(
            """
            SELECT left(district, 2), age // 10 * 10, count(*) FROM visits
            WHERE district IN ('Haidian', 'Xicheng') GROUP BY ALL ORDER BY ALL
            """)
        #expect(truth.count > 10)
        let real = Dictionary(truth.map { ([$0[0], $0[1]], $0[2]) }) { $1 }
        var compared = 0
        for row in told.rows where !row[2].isSuppressed {
            #expect(real[[row[0].value, row[1].value]] == row[2].value)
            compared += 1
        }
        #expect(compared > 10)
    }

    @Test(
        "a named recipient has its own entry, everybody else that of others, and each narrower view another digest"
    )
    func digests() throws {
        let both = try Self.rules(
            #"""
            {"\#(Self.party.text)": {"tables": {"visits": {"masks": {"age": {"step": 5}}}}},
             "others": {"tables": {"visits": {"masks": {"age": "hidden"}}}}}
            """#)
        let named = both.narrowed(for: Self.party)
        let other = both.narrowed(for: Code(.party, ID<ClinicRoom>(high: 2, low: 2)))
        #expect(Set([both.digest, named.digest, other.digest]).count == 3)
        #expect(named.tables["visits"]?.columns["age"]?.uses.contains(.aggregate) == true)
        #expect(other.tables["visits"]?.columns["age"]?.uses.isEmpty == true)
        let plain = try ClinicRoom.groups(5)
        #expect(plain.narrowed(for: Self.party) == plain)
    }

    @Test("two recipients who subtract their answers isolate nobody: their questions are compared as one's")
    func collusion() async throws {
        let room = try await ClinicRoom(people: 300)
        try await room.engine.execute(
            "DELETE FROM visits WHERE district = 'Xicheng' AND person NOT IN (SELECT min(person) FROM visits WHERE district = 'Xicheng')"
        )
        let rules = try Self.rules(
            #"""
            {"others": {"tables": {"visits": {"rowFilter": [{"column": "district",
              "values": ["Chaoyang", "Dongcheng", "Haidian"]}], "masks": {"age": {"step": 10}}}}},
             "\#(Self.party.text)": {"tables": {}}}
            """#)
        func plan(_ recipient: Code?) async throws -> ReleasePlan {
            try await CleanRoomQuestion(
                "SELECT count(*) AS n FROM visits", rules: rules.narrowed(for: recipient),
                schema: room.schema,
                engine: room.engine
            ).plan
        }
        let (wide, narrow) = (try await plan(Self.party), try await plan(nil))
        func told(_ plan: ReleasePlan, after history: [ReleasePlan]) async throws -> Bool {
            let seed = try #require(NoiseSeed(bytes: Array(repeating: 1, count: 32)))
            let answer = try await plan.run(
                on: room.engine, dialect: RelationText(DuckDBDialect()), seed: seed,
                versions: Digest(of: "v"), after: history)
            return !answer.rows[0][0].isSuppressed
        }
        #expect(try await told(narrow, after: []))
        #expect(try await told(wide, after: []))
        #expect(try await !told(narrow, after: [wide]), "the one person of Xicheng is the difference")
        #expect(try await !told(wide, after: [narrow]))
    }

    @Test(
        "rules that mask the person, an unknown column, or a number without bounds are refused with the place"
    )
    func refused() {
        for (mask, place) in [
            (#"{"person": "hidden"}"#, "person"), (#"{"nothing": "hidden"}"#, "nothing"),
            (#"{"district": {"step": 10}}"#, "step"), (#"{"age": {"step": 1}}"#, "step"),
            (#"{"age": {"to": "hour"}}"#, "age"), (#"{"age": {"blur": 3}}"#, "blur"),
        ] {
            let error = #expect(throws: RulesRefusal.self) {
                _ = try Self.rules(#"{"others": {"tables": {"visits": {"masks": \#(mask)}}}}"#)
            }
            #expect(error?.place.contains(place) == true, "\(mask): \(error?.place ?? "")")
        }
        #expect(throws: RulesRefusal.self) { _ = try Self.rules(#"{"somebody": {"tables": {}}}"#) }
        #expect(throws: RulesRefusal.self) { _ = try Self.rules(#"{"others": {"tables": {"x": {}}}}"#) }
    }
}

@Suite("One question, many texts")
struct CanonicalPlanTests {
    private func digest(_ sql: String, _ engine: any TableEngine) async throws -> Digest {
        try await CleanRoomQuestion(
            sql, rules: try ClinicRoom.laplace(), schema: ClinicRoom.schema, engine: engine
        ).plan.digest
    }

    @Test("white space, case, aliases, order of conditions, WITH or subquery: one plan")
    func same() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits(threads: 1))
        for texts in [
            [
                "SELECT district, count(*) AS n FROM visits WHERE resp AND age > 30 GROUP BY district",
                "select district  as d , COUNT(*) from visits as v where 30 < v.age and v.resp group by 1",
                "SELECT district, count(*) FROM (SELECT * FROM visits WHERE age > 30) AS x WHERE resp GROUP BY ALL",
                "WITH r AS (SELECT district AS place, age, resp FROM visits) SELECT place, count(*) AS c FROM r WHERE resp AND age > 30 GROUP BY place",
                "SELECT district, count(*) AS n FROM visits WHERE (age > 30 AND resp) AND resp GROUP BY district",
            ],
            [
                "SELECT count(*) AS n FROM visits WHERE district IN ('Haidian', 'Xicheng')",
                "SELECT count(*) AS n FROM visits WHERE district IN ('Xicheng', 'Haidian', 'Xicheng')",
            ],
            [
                "SELECT d.a * 2 AS x FROM (SELECT district, avg(age) AS a FROM visits GROUP BY 1) AS d WHERE d.a > 3",
                "WITH q AS (SELECT district AS p, avg(age) AS mean FROM visits GROUP BY district) SELECT mean * 2 FROM q WHERE mean > 3",
            ],
        ] {
            var digests: Set<Digest> = []
            for text in texts { digests.insert(try await digest(text, engine)) }
            #expect(digests.count == 1, "\(texts[0])")
        }
    }

    @Test("what differs in a value, a group, a figure or their order is another plan")
    func different() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits(threads: 1))
        let texts = [
            "SELECT count(*) AS n FROM visits", "SELECT count(*) AS n FROM visits WHERE resp",
            "SELECT count(*) AS n FROM visits WHERE NOT resp",
            "SELECT count(*) AS n FROM visits WHERE age < 30",
            "SELECT count(*) AS n FROM visits WHERE age > 30",
            "SELECT count(*) AS n FROM visits WHERE age >= 30",
            "SELECT count(*) AS n FROM visits WHERE resp OR age > 30",
            "SELECT count(*) AS n FROM visits WHERE resp AND age > 30",
            "SELECT count(*) + 1 AS n FROM visits", "SELECT district, count(*) AS n FROM visits GROUP BY 1",
            "SELECT count(*) AS n, district FROM visits GROUP BY 2",
            "SELECT district, count(*) AS n FROM visits GROUP BY 1 ORDER BY 2",
            "SELECT district, count(*) AS n FROM visits GROUP BY 1 LIMIT 1",
            "SELECT a - b AS x FROM (SELECT count(*) AS a, sum(age) AS b FROM visits) AS d",
            "SELECT b - a AS x FROM (SELECT count(*) AS a, sum(age) AS b FROM visits) AS d",
        ]
        var digests: Set<Digest> = []
        for text in texts { digests.insert(try await digest(text, engine)) }
        #expect(digests.count == texts.count)
    }

    @Test("a WITH table that is read twice is released once: one noise, one share of the price")
    func shared() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits(threads: 1))
        let plan = try await CleanRoomQuestion(
            """
            WITH d AS (SELECT district, count(*) AS n FROM visits GROUP BY district)
            SELECT a.district, a.n, b.n AS same FROM d AS a JOIN d AS b ON a.district = b.district
            """, rules: try ClinicRoom.laplace(), schema: ClinicRoom.schema, engine: engine
        ).plan
        #expect(plan.releases.count == 1)
    }
}

@Suite("Question forms")
struct QuestionFormTests {
    private let engine: any TableEngine

    init() throws { engine = try DuckDBEngineFactory().open(EngineLimits(threads: 1)) }

    private func form(_ text: String, _ parameters: [QuestionParameter]) async throws -> QuestionForm {
        try #require(QuestionForm(try await SyntaxTree(text, engine: engine), parameters: parameters))
    }

    @Test("a filled form is an instance of itself, however it is written, and of no other form")
    func instances() async throws {
        let form = try await form(
            "SELECT district, count(*) AS n FROM visits WHERE day >= $from AND age > $age AND resp = $resp GROUP BY district",
            [
                .init(name: "from", kind: .day), .init(name: "age", kind: .integer, values: [30, 60]),
                .init(name: "resp", kind: .bool),
            ])
        let text = try form.question(["from": "2016-03-01", "age": 60, "resp": true])
        for asked in [
            text,
            "select district, count(*) as n from visits where day >= '2016-03-01' and age > 60 and resp = true group by district",
        ] { #expect(form.covers(try await SyntaxTree(asked, engine: engine)), "\(asked)") }
        for asked in [
            text.replacing("60", with: "61"), text.replacing("2016-03-01", with: "x"),
            text.replacing("count(*)", with: "sum(age)"), text.replacing("\"age\"", with: "\"fee\""),
            text.replacing("'2016-03-01'", with: "\"day\""), text + " LIMIT 1",
        ] { #expect(!form.covers(try await SyntaxTree(asked, engine: engine)), "\(asked)") }
    }

    @Test("an argument is a literal of its kind: text cannot become anything else")
    func arguments() async throws {
        let form = try await form(
            "SELECT count(*) AS n FROM visits WHERE district = $district AND district <> $district",
            [.init(name: "district", kind: .text)])
        for nasty in ["x' OR '1'='1", "'; DROP TABLE visits; --", "$district", "\\", "\u{0}", "县'"] {
            let text = try form.question(["district": .string(nasty)])
            let tree = try await SyntaxTree(text, engine: engine)
            #expect(form.covers(tree), "\(text)")
        }
        let mixed = "SELECT count(*) AS n FROM visits WHERE district = 'a' AND district <> 'b'"
        #expect(!form.covers(try await SyntaxTree(mixed, engine: engine)), "one place has one value")
        for arguments: JSON in [[:], ["district": 3], ["district": "x", "more": 1]] {
            #expect(throws: FormRefusal.self) { _ = try form.question(arguments) }
        }
    }

    @Test("the four shapes fit a clinic's tables, are allowed by rules and answer right")
    func shapes() async throws {
        let room = try await ClinicRoom(people: 2000)
        try await room.engine.execute(
            """
            CREATE TABLE touches AS SELECT person, district AS channel, CASE WHEN resp THEN age % 30 END AS lag,
                fee AS value, resp AS app, age > 50 AS web, quarter(day)::BIGINT AS cohort, month(day)::BIGINT - 1 AS period
            FROM visits
            """)
        let columns = try await room.engine.columns(of: .named("touches"))
        let rules = try ReleaseRules(
            json: try JSON(
                parsing: #"""
                    {"rules": 1, "minimumGroup": 5, "tables": {"touches": {"unit": {"column": "person", "groups": 9, "rowsPerGroup": 9},
                     "columns": {"person": "hidden", "channel": ["filter", "group"], "lag": {"use": "filter-only"},
                      "value": {"use": "aggregate-only", "bounds": [0, 500], "decimals": 2}, "app": "filter-only", "web": "filter-only",
                      "cohort": {"use": ["filter", "group"]}, "period": {"use": ["filter", "group"]}}}}}
                    """#
                    .replacing(
                        #""channel": ["filter", "group"]"#, with: #""channel": {"use": ["filter", "group"]}"#)
            ))
        let played: [(shape: String, columns: [String: String], arguments: JSON)] = [
            (
                "audience-overlap", ["person": "person", "first": "app", "second": "web"],
                ["first": true, "second": true]
            ),
            (
                "attribution", ["person": "person", "channel": "channel", "lag": "lag", "value": "value"],
                ["days": 20]
            ),
            ("retention", ["person": "person", "cohort": "cohort", "period": "period"], ["periods": 3]),
        ]
        for (name, roles, arguments) in played {
            let shape = try #require(QuestionShape.all.first { $0.name == name })
            let tree = try await SyntaxTree(shape.text, engine: room.engine)
            let filled = try shape.question(
                tree, over: "touches",
                columns: roles.mapValues { role in columns.first { $0.name == role } ?? Column("?", .text) })
            let form = try await form(filled.text, filled.parameters)
            let question = try await CleanRoomQuestion(
                try form.question(arguments), rules: rules, schema: ["touches": columns], engine: room.engine)
            let seed = try #require(NoiseSeed(bytes: Array(repeating: 1, count: 32)))
            let answer = try await question.run(
                on: room.engine, dialect: RelationText(DuckDBDialect()), seed: seed, versions: Digest(of: "v")
            )
            #expect(!answer.rows.isEmpty, "\(name)")
            if name == "audience-overlap" {
                let truth = try await room.truth(
                    """
                    SELECT count(DISTINCT person) FILTER (WHERE app), count(DISTINCT person) FILTER (WHERE web),
                        count(DISTINCT person) FILTER (WHERE app AND web) FROM touches
                    """)
                #expect(answer.rows[0].map(\.value) == truth[0])
            }
            if name == "attribution" {
                let truth = try await room.truth(
                    "SELECT channel, count(DISTINCT person) FILTER (WHERE lag <= 20) FROM touches GROUP BY 1 ORDER BY 1"
                )
                #expect(answer.rows.map { $0[2].value } == truth.map { $0[1] })
            }
        }
    }
}
