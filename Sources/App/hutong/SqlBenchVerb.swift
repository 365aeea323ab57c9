// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Primitives
import PrivateSQL
import Tables
import TablesDuckDB

/// Three aggregates by group, as plain SQL and as a clean-room question, in one interleaved run.
struct SqlBenchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a noised question against plain SQL. 测量加噪查询与普通查询的用时。",
        discussion:
            "SELECT region, count(*), sum(income), avg(age) … GROUP BY region; one row a person, ε = 1, pure."
    )
    @Option(help: "Rows of the sample table.") var rows = 1_000_000
    @OptionGroup var output: OutputOptions

    private static let sql =
        "SELECT region, count(*) AS n, sum(income) AS income, avg(age) AS age FROM people GROUP BY region"
    private static let rounds = 9

    private static func rules(_ unit: String) -> String {
        #"""
        {"rules": 1, "privacy": {"mechanism": "laplace", "epsilon": "1", "total": "100"}, "tables": {"people": {"unit": \#(unit),
         "columns": {"pid": "hidden", "region": {"use": "group-only", "values": ["r0","r1","r2","r3","r4","r5","r6","r7","r8","r9"]},
         "age": {"use": "aggregate-only", "bounds": [18, 90]}, "income": {"use": "aggregate-only", "bounds": [0, 200000]}}}}}
        """#
    }

    func run(_ console: Console) async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        defer { engine.close() }
        try await engine.execute(
            """
            CREATE TABLE people AS SELECT i AS pid, 'r' || (hash(i) % 10)::VARCHAR AS region,
                (18 + hash(i * 7) % 73)::BIGINT AS age, (hash(i * 13) % 200000)::BIGINT AS income FROM range(\(rows)) t(i)
            """
        )
        let schema = ["people": try await engine.columns(of: .named("people"))]
        let keyed = try await question(Self.rules(#"{"column": "pid", "rows": 1}"#), schema, engine)
        let bounded = try await question(
            Self.rules(#"{"column": "pid", "groups": 1, "rowsPerGroup": 1}"#),
            schema,
            engine
        )
        var times: [[Duration]] = [[], [], []]
        var error = 0.0
        let truth = try await engine.rows(Self.sql + " ORDER BY region").rows
        for _ in 0..<Self.rounds {
            times[0].append(try await ContinuousClock().measure { _ = try await engine.rows(Self.sql) })
            times[1].append(
                try await ContinuousClock().measure {
                    let answer = try await run(keyed, engine)
                    error += Self.error(answer, truth) / Double(Self.rounds)
                }
            )
            times[2].append(try await ContinuousClock().measure { _ = try await run(bounded, engine) })
        }
        report(times.map { $0.min() ?? .zero }, error, console)
    }

    private func question(
        _ rules: String,
        _ schema: [String: [Column]],
        _ engine: any TableEngine
    ) async throws -> CleanRoomQuestion {
        try await CleanRoomQuestion(
            Self.sql,
            rules: try ReleaseRules(json: try JSON(parsing: rules)),
            schema: schema,
            engine: engine
        )
    }

    private func run(_ question: CleanRoomQuestion, _ engine: any TableEngine) async throws -> ReleasedAnswer
    {
        try await question.run(
            on: engine,
            dialect: RelationText(DuckDBDialect()),
            seed: NoiseSeed.fresh().seed,
            versions: Digest(of: "bench"),
            // Looked up once a version, not once a question.
            repeated: []
        )
    }

    /// Mean relative error of the sums.
    private static func error(_ answer: ReleasedAnswer, _ truth: [[TableValue]]) -> Double {
        let errors = zip(answer.rows, truth).map { told, real in
            let value = real[2].approximate ?? 1
            return abs((told[2].value.approximate ?? 0) - value) / max(1, abs(value))
        }
        return errors.reduce(0, +) / Double(max(1, errors.count))
    }

    private func report(_ best: [Duration], _ error: Double, _ console: Console) {
        let seconds = best.map { Double($0.wholeMicroseconds) / 1e6 }
        let ratios = seconds.dropFirst().map { ($0 / seconds[0] * 100).rounded() / 100 }
        let body: JSON = [
            "rows": .integer(Int64(rows)), "plainSeconds": .number(seconds[0]),
            "keySeconds": .number(seconds[1]),
            "boundedSeconds": .number(seconds[2]), "keyRatio": .number(ratios[0]),
            "boundedRatio": .number(ratios[1]),
            "sumRelativeError": .number(error),
        ]
        console.answer(
            body,
            text: """
                \(rows) rows, best of \(Self.rounds):
                plain SQL                  \(seconds[0]) s
                noised, person is a key    \(seconds[1]) s  (\(ratios[0]) ×)
                noised, bounded per person \(seconds[2]) s  (\(ratios[1]) ×)
                mean error of the sums     \(error)
                """
        )
    }
}
