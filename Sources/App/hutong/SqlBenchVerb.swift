// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
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

    private static func sql(_ table: String) -> String {
        "SELECT region, count(*) AS n, sum(income) AS income, avg(age) AS age FROM \(table) GROUP BY region"
    }
    private static let rounds = 9

    private static func rules(_ table: String, _ unit: String) -> String {
        #"""
        {"rules": 1, "privacy": {"mechanism": "laplace", "epsilon": "1", "total": "100"}, "tables": {"\#(table)": {"unit": \#(unit),
         "columns": {"pid": "hidden", "region": {"use": "group-only", "values": ["r0","r1","r2","r3","r4","r5","r6","r7","r8","r9"]},
         "age": {"use": "aggregate-only", "bounds": [18, 90]}, "income": {"use": "aggregate-only", "bounds": [0, 200000]}}}}}
        """#
    }

    func run(_ console: Console) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-bench-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        defer { engine.close() }
        // As a node keeps them: Parquet files. In one a person has one row, in the other about three.
        for (table, person) in [("people", "i"), ("visits", "(hash(i * 31) % \(max(1, rows / 3)))::BIGINT")] {
            let file = folder.appending(path: table + ".parquet").path(percentEncoded: false)
            let sample = """
                SELECT \(person) AS pid, 'r' || (hash(i) % 10)::VARCHAR AS region, (18 + hash(i * 7) % 73)::BIGINT AS age,
                    (hash(i * 13) % 200000)::BIGINT AS income FROM range(\(rows)) t(i)
                """
            _ = try await engine.writeParquet(TableQuery(sample), to: file)
            try await engine.attach(.parquet([file]), as: table)
        }
        try await measure(engine, console)
    }

    private func measure(_ engine: any TableEngine, _ console: Console) async throws {
        let unkeyed = #"{"column": "pid", "groups": 1, "rowsPerGroup": 1}"#
        let keyed = try await question("people", #"{"column": "pid", "rows": 1}"#, engine)
        let single = try await question("people", unkeyed, engine)
        let bounded = try await question("visits", unkeyed, engine)
        let truth = try await engine.rows(Self.sql("people") + " ORDER BY region").rows
        var times: [[Duration]] = [[], [], [], []]
        var error = 0.0
        for _ in 0..<Self.rounds {
            times[0].append(
                try await ContinuousClock().measure { _ = try await engine.rows(Self.sql("people")) })
            times[1].append(
                try await ContinuousClock().measure {
                    let answer = try await run(keyed, engine)
                    error += Self.error(answer, truth) / Double(Self.rounds)
                }
            )
            times[2].append(try await ContinuousClock().measure { _ = try await run(single, engine) })
            times[3].append(
                try await ContinuousClock().measure {
                    _ = try await run(bounded, engine, repeated: ["visits"])
                })
        }
        report(times.map { $0.min() ?? .zero }, error, console)
    }

    private func question(
        _ table: String, _ unit: String, _ engine: any TableEngine
    ) async throws -> CleanRoomQuestion {
        try await CleanRoomQuestion(
            Self.sql(table),
            rules: try ReleaseRules(json: try JSON(parsing: Self.rules(table, unit))),
            schema: [table: try await engine.columns(of: .named(table))],
            engine: engine
        )
    }

    /// Whose rows repeat is looked up once a version, not once a question.
    private func run(
        _ question: CleanRoomQuestion, _ engine: any TableEngine, repeated: Set<String> = []
    ) async throws -> ReleasedAnswer {
        try await question.run(
            on: engine,
            dialect: RelationText(DuckDBDialect()),
            seed: NoiseSeed.fresh().seed,
            versions: Digest(of: "bench"),
            repeated: repeated
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
            "keySeconds": .number(seconds[1]), "singleSeconds": .number(seconds[2]),
            "boundedSeconds": .number(seconds[3]), "keyRatio": .number(ratios[0]),
            "singleRatio": .number(ratios[1]), "boundedRatio": .number(ratios[2]),
            "sumRelativeError": .number(error),
        ]
        console.answer(
            body,
            text: """
                \(rows) rows, best of \(Self.rounds):
                plain SQL                  \(seconds[0]) s
                noised, person is a key    \(seconds[1]) s  (\(ratios[0]) ×)
                the same, seen in the rows \(seconds[2]) s  (\(ratios[1]) ×)
                noised, three rows a person\(seconds[3]) s  (\(ratios[2]) ×)
                mean error of the sums     \(error)
                """
        )
    }
}
