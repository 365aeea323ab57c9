// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives
import PrivateSQL
import Tables
import TablesDuckDB
import Wire

/// `hutong sql …`: the clean room's checker and runner, offline, over files.
struct SqlVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql",
        abstract: "Check and run clean-room questions. 检查并运行洁净室查询。",
        discussion: """
            A question is checked against release rules before a row is read, and answered with figures about groups: \
            exact ones over groups that are large enough, or noisy ones under a privacy budget.

              hutong sql rules example > rules.json
              hutong sql check --rules rules.json --schema schema.json 'SELECT district, count(*) FROM visits GROUP BY 1'
              hutong sql run --rules rules.json --table visits=visits.csv 'SELECT count(*) FROM visits WHERE resp'
            """,
        subcommands: [SqlCheckVerb.self, SqlRunVerb.self, SqlRulesVerb.self, SqlBenchVerb.self]
    )
}

struct SqlCheckVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say whether a question would be answered, why not, and what it costs. 检查查询。"
    )
    @Option(help: "The release rules (rules.json).") var rules: String
    @Option(help: #"The tables' columns: {"tables": {"visits": [{"name": "day", "type": "day"}]}}."#)
    var schema: String
    @Argument(help: "The question.") var question: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        switch try await verdict() {
        case .success(let plan):
            let text = SqlReport.text(plan, console)
            console.answer(SqlReport.allowed(plan), text: text)
        case .failure(let problem):
            guard console.isJSON, problem.code.hasPrefix("privatesql.") else { throw problem }
            console.answer(SqlReport.refused(problem, console.language), text: "")
            throw ExitCode(1)
        }
    }

    private func verdict() async throws(Problem) -> Result<ReleasePlan, Problem> {
        let rules = try SqlFiles.rules(rules)
        let schema = try SqlFiles.schema(schema)
        let engine = try DuckDBEngineFactory().open(EngineLimits(memoryBytes: 1 << 28, threads: 1))
        let verdict = await Self.plan(question, rules, schema, engine)
        engine.close()
        return verdict
    }

    private static func plan(
        _ question: String,
        _ rules: ReleaseRules,
        _ schema: [String: [Column]],
        _ engine: any TableEngine
    ) async -> Result<ReleasePlan, Problem> {
        do throws(Problem) {
            return .success(
                try await CleanRoomQuestion(question, rules: rules, schema: schema, engine: engine).plan
            )
        } catch {
            return .failure(error)
        }
    }
}

struct SqlRunVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Answer a question over files, as a clean room would. 在文件上运行查询。",
        discussion: """
            Figures carry the interval in which the true one lies 19 times in 20. Nothing is charged to any budget: this \
            is for holders who try their rules on their own files.
            """
    )
    @Option(help: "The release rules (rules.json).") var rules: String
    @Option(help: "name=FILE, once a table; CSV, Parquet or JSON.") var table: [String] = []
    @Option(help: "A node's data folder; not together with --seed.") var data: String?
    @Option(help: "A chosen noise seed, for tests: the output is marked as not private.") var seed: UInt64?
    @Argument(help: "The question.") var question: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let noise = try chosenSeed()
        let rules = try SqlFiles.rules(rules)
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        defer { engine.close() }
        var schema: [String: [Column]] = [:]
        for entry in table {
            let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--table wants name=FILE, not “\(entry)”.") }
            guard FileManager.default.isReadableFile(atPath: parts[1]) else {
                throw Problem(.missing, "app.file-unreadable", ["file": .text(parts[1])])
            }
            try await engine.execute(
                "CREATE TABLE \(parts[0].quotedIdentifier) AS SELECT * FROM \(SqlFiles.scan(parts[1]))"
            )
            schema[parts[0]] = try await engine.columns(of: .named(parts[0]))
        }
        let question = try await CleanRoomQuestion(question, rules: rules, schema: schema, engine: engine)
        let answer = try await question.run(
            on: engine,
            dialect: RelationText(DuckDBDialect()),
            seed: noise,
            versions: Digest(of: "files")
        )
        var body = answer.json.object ?? [:]
        body["private"] = .bool(seed == nil)
        let cost = LocalizedText(
            zh: "费用：\(answer.charge.written)；未从任何预算扣除。",
            en: "Cost: \(answer.charge.written), taken from no budget.")
        console.answer(.object(body), text: SqlReport.text(answer) + "\n\n" + console.say(cost))
    }

    private func chosenSeed() throws -> NoiseSeed {
        guard let seed else { return NoiseSeed.fresh().seed }
        guard data == nil, ProcessInfo.processInfo.environment["HUTONG_TEST_SEED"] == "1" else {
            throw Problem(.forbidden, "privatesql.seed-refused")
        }
        var random = SeededRandom(seed: seed)
        let bytes = (0..<NoiseSeed.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let noise = NoiseSeed(bytes: bytes) else { throw Problem(.fault, "app.unexpected") }
        return noise
    }
}

struct SqlRulesVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Release rules. 发布规则。",
        subcommands: [SqlRulesExampleVerb.self]
    )
}

struct SqlRulesExampleVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "example",
        abstract: "Print release rules with comments. 打印带注释的示例规则。"
    )
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        console.answer(try JSON(parsing: ReleaseRules.example), text: ReleaseRules.example)
    }
}

/// Reading what the sql verbs are given.
enum SqlFiles {
    static func json(_ path: String) throws(Problem) -> JSON {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(path)])
        }
        do throws(JSON.ParseFailure) {
            return try JSON(parsing: bytes)
        } catch {
            throw Problem(
                .invalid,
                "app.json-malformed",
                ["offset": .integer(Int64(error.offset)), "reason": .text(error.reason)]
            )
        }
    }

    static func rules(_ path: String) throws(Problem) -> ReleaseRules {
        let document = try json(path)
        do throws(RulesRefusal) {
            return try ReleaseRules(json: document)
        } catch {
            throw Problem(
                .invalid,
                "privatesql.rules-refused",
                ["place": .text(error.place), "expected": .localized(error.expected)]
            )
        }
    }

    static func schema(_ path: String) throws(Problem) -> [String: [Column]] {
        var schema: [String: [Column]] = [:]
        let document = try json(path)
        for (table, columns) in document["tables"]?.object ?? [:] {
            schema[table] = try (columns.array ?? []).map { column throws(Problem) in
                guard let name = column["name"]?.text, let word = column["type"]?.text,
                    let type = ColumnType(named: word)
                else { throw Problem(.invalid, "privatesql.schema-refused") }
                return Column(name, type)
            }
        }
        guard !schema.isEmpty else { throw Problem(.invalid, "privatesql.schema-refused") }
        return schema
    }

    /// The file as a holder's engine reads it.
    static func scan(_ path: String) -> String {
        let reader =
            path.hasSuffix(".parquet") ? "read_parquet" : path.hasSuffix(".json") ? "read_json" : "read_csv"
        let options = reader == "read_csv" ? ", nullstr = ['', 'NA', 'NULL']" : ""
        return "\(reader)(\(path.quotedLiteral)\(options))"
    }
}

/// How verdicts and answers are written.
enum SqlReport {
    static func allowed(_ plan: ReleasePlan) -> JSON {
        ["verdict": "allowed", "reasons": [], "cost": plan.cost.json, "plan": .string(plan.digest.hex)]
    }

    static func refused(_ problem: Problem, _ language: Language) -> JSON {
        ["verdict": "refused", "reasons": [reason(problem, language)], "cost": PrivacyCost.none.json]
    }

    private static func reason(_ problem: Problem, _ language: Language) -> JSON {
        let sentences = TextCatalog.embedded.told(problem, in: language)
        var place = ""
        if case .text(let words)? = problem.arguments["where"] { place = words }
        return [
            "code": .string(problem.code), "where": .string(place), "why": .string(sentences.why),
            "remedy": .string(sentences.remedy),
        ]
    }

    static func text(_ plan: ReleasePlan, _ console: Console) -> String {
        let cost = plan.cost.written
        return console.say(LocalizedText(zh: "允许。费用：\(cost)。计划 ", en: "Allowed. Cost: \(cost). Plan "))
            + plan.digest.hex.prefix(16)
    }

    /// Columns aligned, numbers to the right, the interval after each figure.
    static func text(_ answer: ReleasedAnswer) -> String {
        let cells = answer.rows.map { row in row.map(Self.text) }
        let widths = answer.columns.indices.map { column in
            ([answer.columns[column]] + cells.map { $0[column] }).map(\.count).max() ?? 0
        }
        let lines = ([answer.columns] + cells).map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }
        return lines.joined(separator: "\n")
    }

    private static func text(_ cell: ReleasedCell) -> String {
        guard !cell.isSuppressed else { return "*" }
        let value = cell.value.written ?? "–"
        guard let interval = cell.interval, cell.value != .null else { return value }
        let half = (interval.high - interval.low) / 2
        return value + " ±" + JSON.number((half * 100).rounded() / 100).canonicalText
    }
}
