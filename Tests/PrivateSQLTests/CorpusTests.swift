// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import PrivateSQL
import Tables
import TablesDuckDB
import TablesSpark
import Testing

/// Questions with their fate: `+ SQL` is answered, `- code SQL` is refused with that code.
struct Corpus {
    struct Entry: CustomStringConvertible {
        let sql: String
        /// `nil`: answered.
        let code: String?
        var description: String { sql }
    }

    let entries: [Entry]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/PrivateSQL")

    init() throws {
        entries = try String(contentsOf: Self.folder.appending(path: "corpus.txt"), encoding: .utf8).split(
            separator: "\n"
        ).compactMap { line in
            if line.hasPrefix("+ ") { return Entry(sql: String(line.dropFirst(2)), code: nil) }
            guard line.hasPrefix("- ") else { return nil }
            let parts = line.dropFirst(2).split(separator: " ", maxSplits: 1)
            return Entry(sql: String(parts[1]), code: String(parts[0]))
        }
    }
}

@Suite("Corpus")
struct CorpusTests {
    @Test("at least 200 questions: half are answered, half refused with the expected reason")
    func verdicts() async throws {
        let corpus = try Corpus()
        #expect(corpus.entries.count >= 200)
        let answered = corpus.entries.filter { $0.code == nil }.count
        #expect(answered >= 95 && corpus.entries.count - answered >= 95)
        let engine = try DuckDBEngineFactory().open(EngineLimits(threads: 1))
        let rules = try ClinicRoom.laplace()
        for entry in corpus.entries {
            var code: String?
            do {
                _ = try await CleanRoomQuestion(
                    entry.sql,
                    rules: rules,
                    schema: ClinicRoom.schema,
                    engine: engine
                )
            } catch {
                code = String(error.code.dropFirst("privatesql.".count))
            }
            #expect(code == entry.code, "\(entry.sql)")
        }
    }

    @Test("what is answered equals the engine's own answer within the stated interval at the stated rate")
    func accuracy() async throws {
        let room = try await ClinicRoom(people: 3000)
        let rules = try ClinicRoom.rules(
            #""privacy":{"mechanism":"laplace","epsilon":"100","delta":"1e-7","total":"100"}"#,
            visitsUnit: #"{"column":"person","groups":400,"rowsPerGroup":5}"#
        )
        var inside = 0
        var all = 0
        for entry in try Corpus().entries where entry.code == nil && !entry.sql.contains("LIMIT") {
            let answer = try await room.ask(entry.sql, rules)
            let truth = try await room.truth(entry.sql)
            let texts = answer.columns.indices.filter { column in
                answer.rows.allSatisfy { $0[column].interval == nil }
            }
            var real: [[String?]: [TableValue]] = [:]
            for row in truth { real[texts.map { row[$0].written }] = row }
            for row in answer.rows {
                guard let match = real[texts.map { row[$0].value.written }] else { continue }
                for (place, cell) in row.enumerated() {
                    guard let interval = cell.interval, let value = match[place].approximate else { continue }
                    all += 1
                    inside += interval.low - 1e-6 <= value && value <= interval.high + 1e-6 ? 1 : 0
                }
            }
        }
        #expect(all > 700)
        #expect(Double(inside) >= 0.93 * Double(all), "\(inside) of \(all) within their intervals")
    }

    @Test("every answered plan is rendered for DuckDB and for Spark SQL as reviewed")
    func golden() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits(threads: 1))
        let rules = try ClinicRoom.laplace()
        var text = ""
        for entry in try Corpus().entries where entry.code == nil {
            let plan = try await CleanRoomQuestion(
                entry.sql,
                rules: rules,
                schema: ClinicRoom.schema,
                engine: engine
            ).plan
            text += "-- \(entry.sql)\n"
            for relation in plan.releases.flatMap(\.relations) {
                text += "duckdb: \(RelationText(DuckDBDialect()).sql(relation))\n"
                text += "spark:  \(RelationText(SparkDialect()).sql(relation))\n"
            }
        }
        let file = Corpus.folder.appending(path: "rendered.golden.txt")
        guard ProcessInfo.processInfo.environment["HUTONG_RECORD"] != "1" else {
            try text.write(to: file, atomically: true, encoding: .utf8)
            return
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "HUTONG_RECORD=1 records it anew")
        #expect(
            !text.contains("spark:  SELECT")
                || !text.components(separatedBy: "\n").contains {
                    $0.hasPrefix("spark:")
                        && ($0.contains("TRY_CAST(\"") || $0.contains(" // ") || $0.contains("\""))
                }
        )
    }
}

@Suite("Attack")
struct AttackTests {
    @Test("differencing: a group less one person is not told beside the group")
    func differencing() async throws {
        let room = try await ClinicRoom(people: 300)
        let rules = try ClinicRoom.groups(5)
        let all = try await plan("SELECT count(*) AS n, sum(income) AS s FROM people", room, rules)
        let few = try await room.truth(
            "SELECT region, age FROM people GROUP BY ALL HAVING count(*) = 2 ORDER BY ALL LIMIT 1"
        )
        let pair = few[0].compactMap(\.written)
        let less = try await plan(
            "SELECT count(*) AS n, sum(income) AS s FROM people WHERE NOT (region = '\(pair[0])' AND age = \(pair[1]))",
            room,
            rules
        )
        let alone = try await run(less, room, after: [])
        #expect(!alone.rows[0][0].isSuppressed)
        let after = try await run(less, room, after: [all])
        #expect(after.rows[0][0].isSuppressed)
    }

    @Test("tracker: a total and its parts never give the one suppressed part away")
    func complement() async throws {
        let room = try await ClinicRoom(people: 400)
        try await room.engine.execute(
            "DELETE FROM people WHERE region = 'r3' AND person NOT IN (SELECT person FROM people WHERE region = 'r3' ORDER BY person LIMIT 3)"
        )
        let rules = try ClinicRoom.groups(5)
        let small = try await room.truth("SELECT count(*) FROM people WHERE region = 'r3'")
        #expect(small == [[.integer(3)]])
        let total = try await plan("SELECT count(*) AS n FROM people", room, rules)
        let parts = try await plan("SELECT region, count(*) AS n FROM people GROUP BY region", room, rules)
        let told = try await run(parts, room, after: [total])
        // r3 is too small; told beside the total, one more region must go with it.
        #expect(told.rows.count == 8 && told.hiddenGroups == 2)
        #expect(try await run(parts, room, after: []).rows.count == 9)
    }

    @Test("no set of people smaller than the minimum follows from any sequence of random questions")
    func randomSequences() async throws {
        let room = try await ClinicRoom(people: 120)
        let rules = try ClinicRoom.groups(6)
        var random = SeededRandom(seed: 5)
        for _ in 0..<4 {
            var history: [ReleasePlan] = []
            var told: [(condition: String, key: String)] = []
            for _ in 0..<5 {
                let condition =
                    "age > \(Int.random(in: 18...80, using: &random)) AND region <> 'r\(Int.random(in: 0...9, using: &random))'"
                let isGrouped = Bool.random(using: &random)
                let sql =
                    isGrouped
                    ? "SELECT region, count(*) AS n FROM people WHERE \(condition) GROUP BY region"
                    : "SELECT count(*) AS n FROM people WHERE \(condition)"
                let question = try await plan(sql, room, rules)
                let answer = try await run(question, room, after: history)
                history.append(question)
                for row in answer.rows where !row[row.count - 1].isSuppressed {
                    told.append((condition, isGrouped ? "region = '\(row[0].value.written ?? "")'" : "true"))
                }
            }
            guard !told.isEmpty else { continue }
            // An independent counter: everybody's membership in what was told, as a bit string.
            let bits = told.map { "CASE WHEN \($0.condition) AND \($0.key) THEN '1' ELSE '0' END" }.joined(
                separator: " || "
            )
            let atoms = try await room.truth("SELECT \(bits) AS b, count(*) FROM people GROUP BY b")
            for atom in atoms where atom[0].written?.contains("1") == true {
                #expect((atom[1].approximate ?? 0) >= 6)
            }
        }
    }

    @Test("errors: no row can make a question fail, whatever it holds")
    func errors() async throws {
        let room = try await ClinicRoom(people: 50)
        try await room.engine.execute(
            "INSERT INTO people VALUES (NULL, NULL, NULL, NULL), (9, 'x', 9223372036854775807, -9223372036854775808), (10, '', 0, 0)"
        )
        let rules = try ClinicRoom.laplace("5")
        for sql in [
            "SELECT sum(income * income / 1000000) AS s FROM people WHERE income < 1000",
            "SELECT sum(income / (age - 40)) AS s FROM people",
            "SELECT avg(income / nullif(age - 18, 0)) AS s FROM people",
            "SELECT sum(CASE WHEN age = 9223372036854775807 THEN 1 / (age - age) ELSE 0 END) AS s FROM people",
            "SELECT stddev(income) AS s, median(age) AS m FROM people",
            "SELECT sum(abs(age - 90) // 7 * 3) AS s FROM people",
        ] {
            let question = try? await CleanRoomQuestion(
                sql,
                rules: rules,
                schema: room.schema,
                engine: room.engine
            )
            guard let question else { continue }
            let seed = try #require(NoiseSeed(bytes: Array(repeating: 1, count: 32)))
            _ = try await question.run(
                on: room.engine,
                dialect: RelationText(DuckDBDialect()),
                seed: seed,
                versions: Digest(of: "v")
            )
        }
    }

    @Test("S62: raw values planted in the rows appear in no answer, plan or refusal")
    func canary() async throws {
        let room = try await ClinicRoom(people: 500)
        let canary = "CANARY-7f3a91"
        try await room.engine.execute("INSERT INTO people VALUES (1, '\(canary)', 77, 123457)")
        let rules = try ClinicRoom.laplace("1")
        let sql = "SELECT region, count(*) AS n, sum(income) AS s FROM people GROUP BY region"
        let question = try await CleanRoomQuestion(
            sql,
            rules: rules,
            schema: room.schema,
            engine: room.engine
        )
        for seed in UInt8(0)..<20 {
            let answer = try await room.ask(sql, rules, seed: seed)
            #expect(!answer.json.canonicalText.contains(canary))
        }
        #expect(!"\(question.plan)".contains(canary))
        let groups = try await room.ask(sql, try ClinicRoom.groups(5))
        #expect(!groups.json.canonicalText.contains(canary))
    }

    @Test("S61: a question for rows is refused, so a compute-only product is never delivered as a file")
    func rowsRefused() async throws {
        let room = try await ClinicRoom(people: 50)
        for sql in [
            "SELECT * FROM visits", "SELECT age FROM visits LIMIT 1", "SELECT DISTINCT person FROM visits",
        ] {
            await #expect(throws: Problem.self) { _ = try await room.ask(sql, try ClinicRoom.groups(2)) }
        }
    }

    @Test("S94: fields, groups and budget of a question are decided by rules whose digest the plan carries")
    func rulesDigest() async throws {
        let room = try await ClinicRoom(people: 50)
        let sql = "SELECT count(*) AS n FROM people"
        let one = try await plan(sql, room, try ClinicRoom.laplace("1"))
        let two = try await plan(sql, room, try ClinicRoom.laplace("2"))
        #expect(one.rulesDigest != two.rulesDigest && one.digest != two.digest)
        #expect(one.rulesDigest == (try ClinicRoom.laplace("1")).digest)
    }

    @Test("end to end, two neighboring tables are not told apart beyond ε")
    func endToEndAudit() async throws {
        let room = try await ClinicRoom(people: 100)
        let rules = try ClinicRoom.laplace("1")
        let sql = "SELECT district, count(*) AS n, sum(age) AS s FROM visits GROUP BY district"
        let question = try await plan(sql, room, rules)
        func rows() async throws -> [[[[TableValue]]]] {
            var all: [[[TableValue]]] = []
            for relation in question.releases[0].relations {
                all.append(try await room.engine.rows(RelationText(DuckDBDialect()).sql(relation)).rows)
            }
            return [all]
        }
        let with = try await rows()
        try await room.engine.execute("DELETE FROM visits WHERE person = 4")
        let without = try await rows()
        #expect(with != without)
        func draws(_ rows: [[[[TableValue]]]], _ part: UInt8) throws -> [Int64] {
            // 5,000 runs of each in CI; HUTONG_SOAK=1 makes a million of each.
            try (0..<min(drawCount / 10, 1_000_000)).map { number in
                let seed = try #require(NoiseSeed(bytes: Array(Digest(of: "\(part) \(number)").bytes)))
                let answer = try question.release(rows, seed: seed, versions: Digest(of: "v"))
                // One number that grows with the person's presence in every figure.
                return answer.rows.reduce(0) { sum, row in
                    sum + Int64(row[1].value.approximate ?? 0) * 100 + Int64(row[2].value.approximate ?? 0)
                }
            }
        }
        let (one, other) = (try draws(with, 1), try draws(without, 2))
        let seen = PrivacyAudit.epsilonLowerBound(one, other)
        reportAudit("a question end to end", claim: 1, seen: seen, runs: one.count)
        #expect(seen <= 1)
    }

    @Test(
        "a group of one person that nobody published is told with probability at most δ, whatever the noise")
    func thresholdAudit() async throws {
        let room = try await ClinicRoom(people: 100)
        try await room.engine.execute("UPDATE people SET age = 108 WHERE person = 4")
        for mechanism in ["laplace", "gaussian"] {
            let rules = try ClinicRoom.rules(
                #""privacy":{"mechanism":"\#(mechanism)","epsilon":"1","delta":"1e-3","total":"10"}"#)
            let question = try await plan("SELECT age, count(*) AS n FROM people GROUP BY age", room, rules)
            let sql = RelationText(DuckDBDialect()).sql(question.releases[0].relation)
            let rows = try await room.engine.rows(sql).rows.filter { $0[0] == .integer(108) }
            #expect(rows.count == 1)
            let runs = drawCount / 10
            var told = 0
            for number in 0..<runs {
                let seed = try #require(NoiseSeed(bytes: Array(Digest(of: "τ \(number)").bytes)))
                let answer = try question.release([[rows]], seed: seed, versions: Digest(of: "v"))
                told += answer.rows.isEmpty ? 0 : 1
            }
            // A tenth of δ = 10⁻³ is the thresholds'; five deviations above it.
            let most = 1e-4 * Double(runs) + 5 * (1e-4 * Double(runs)).squareRoot() + 1
            reportAudit("τ over \(mechanism), δ", claim: 1e-4, seen: Double(told) / Double(runs), runs: runs)
            #expect(Double(told) <= most, "\(mechanism): \(told) of \(runs)")
        }
    }

    private func plan(_ sql: String, _ room: ClinicRoom, _ rules: ReleaseRules) async throws -> ReleasePlan {
        try await CleanRoomQuestion(sql, rules: rules, schema: room.schema, engine: room.engine).plan
    }

    private func run(_ plan: ReleasePlan, _ room: ClinicRoom, after history: [ReleasePlan]) async throws
        -> ReleasedAnswer
    {
        let seed = try #require(NoiseSeed(bytes: Array(repeating: 1, count: 32)))
        return try await plan.run(
            on: room.engine,
            dialect: RelationText(DuckDBDialect()),
            seed: seed,
            versions: Digest(of: "v"),
            after: history
        )
    }
}

@Suite("Question parser")
struct QuestionFuzzTests {
    @Test("any change to a parser's tree is read, refused with a place, or refused whole; never crashes")
    func mutatedTrees() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits(threads: 1))
        var random = SeededRandom(seed: 99)
        let rules = try ClinicRoom.laplace()
        let side = QuestionSide(name: "", rules: rules, schema: ClinicRoom.schema)
        let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == "1" ? 500 : 5
        for entry in try Corpus().entries {
            let tree = try await engine.syntax(of: entry.sql)
            for _ in 0..<rounds {
                let mutated = mutate(tree, &random)
                guard let read = try? SyntaxTree(serialized: mutated, text: entry.sql) else { continue }
                _ = try? QuestionPlanner([side]).plan(read)
            }
        }
    }

    private func mutate(_ json: JSON, _ random: inout SeededRandom) -> JSON {
        switch json {
        case .object(let members) where !members.isEmpty:
            var members = members
            let keys = members.keys.sorted()
            let key = keys[Int.random(in: keys.indices, using: &random)]
            if Int.random(in: 0..<12, using: &random) == 0 {
                members[key] = [.null, true, "x", -1, [], [:]][Int.random(in: 0..<6, using: &random)]
            } else if Int.random(in: 0..<20, using: &random) == 0 {
                members[key] = nil
            } else if let value = members[key] {
                members[key] = mutate(value, &random)
            }
            return .object(members)
        case .array(let elements) where !elements.isEmpty:
            var elements = elements
            let place = Int.random(in: elements.indices, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: elements.remove(at: place)
            case 1: elements.append(elements[place])
            default: elements[place] = mutate(elements[place], &random)
            }
            return .array(elements)
        case .string:
            return [.string("count"), .string("FUNCTION"), .string("999999999999999999999"), .null][
                Int.random(in: 0..<4, using: &random)
            ]
        default: return [.integer(.max), .null, .string("")][Int.random(in: 0..<3, using: &random)]
        }
    }
}
