// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Synchronization
import Tables
import TablesDuckDB
import Testing

@Suite("Table engine")
struct TableEngineTests {
    private let factory = DuckDBEngineFactory()

    @Test("decimals and huge integers come back exactly, so a replayed plan gives the same bytes")
    func exactTypes() async throws {
        let engine = try factory.open(EngineLimits())
        let answer = try await engine.rows(
            """
            SELECT 1234567890123456789012345678.90::DECIMAL(38,2), 170141183460469231731687303715884105727::HUGEINT,
                sum(x::DECIMAL(10,3)), -7::TINYINT, 1.5::DOUBLE, '空气', DATE '2013-03-01',
                TIMESTAMP '2013-03-01 05:06:07', NULL::INTEGER, 'a longer text than twelve bytes', true,
                '\\xAB'::BLOB, -0.05::DECIMAL(4,2)
            FROM (VALUES (0.001), (0.002)) t(x)
            """)
        #expect(
            answer.rows.first?.map(\.written) == [
                "1234567890123456789012345678.90", "170141183460469231731687303715884105727", "0.003", "-7",
                "1.5",
                "空气", "2013-03-01", "2013-03-01 05:06:07", nil, "a longer text than twelve bytes", "true",
                "ab", "-0.05",
            ])
        #expect(answer.columns[0].type == .decimal(width: 38, scale: 2))
    }

    @Test("arguments are bound by type, never pasted into the statement")
    func arguments() async throws {
        let engine = try factory.open(EngineLimits())
        let values: [TableValue] = [
            .text("'; DROP TABLE x --"), .integer(Int128(Int64.max) * 4), .real(0.25), .null, .bool(true),
            .day(15_765), .timestamp(Instant(seconds: 1)), .decimal(ExactDecimal(unscaled: -12345, scale: 2)),
        ]
        let answer = try await engine.rows("SELECT ?, ?, ?, ?, ?, ?, ?, ?", values)
        #expect(answer.rows == [values])
    }

    @Test("a question that runs too long is stopped at its limit and says so")
    func timeLimit() async throws {
        let engine = try factory.open(EngineLimits())
        let endless = "SELECT count(*) FROM range(20000000000) a WHERE sqrt(a.range) < 0"
        await #expect(
            throws: Problem(.limited, "tables.query-timed-out", ["limit": .duration(.milliseconds(80))])
        ) {
            _ = try await engine.rows(TableQuery(endless, timeLimit: .milliseconds(80)))
        }
        #expect(try await engine.rows("SELECT 42").rows == [[.integer(42)]])
    }

    @Test("a question whose asker goes away is stopped")
    func cancellation() async throws {
        let engine = try factory.open(EngineLimits())
        let task = Task {
            try await engine.rows("SELECT count(*) FROM range(20000000000) a WHERE sqrt(a.range) < 0")
        }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await #expect(throws: Problem(.unavailable, "tables.query-cancelled")) { _ = try await task.value }
    }

    @Test("a stranger's engine sees its tables and nothing else of the machine")
    func sealed() async throws {
        let folder = try TemporaryFolder()
        let work = try factory.open(EngineLimits())
        for name in ["asset", "secret"] {
            let summary = try await work.writeParquet(
                TableQuery("SELECT range AS n FROM range(1000)"), to: folder.path("\(name).parquet"))
            #expect(summary.rowCount == 1000)
        }
        let engine = try await factory.openSealed(
            ["asset": .parquet([folder.path("asset.parquet")])], EngineLimits())
        #expect(try await engine.rows("SELECT sum(n) FROM asset").rows == [[.integer(499_500)]])
        for attempt in [
            "SELECT * FROM read_parquet('\(folder.path("secret.parquet"))')",
            "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_csv('/etc/passwd')",
            "COPY (SELECT 1) TO '\(folder.path("out.csv"))'", "ATTACH '\(folder.path("x.db"))' AS x",
            "SET enable_external_access = true", "SET allowed_paths = ['/etc/passwd']", "INSTALL httpfs",
            "SELECT * FROM glob('/etc/*')", "LOAD '\(folder.path("x.duckdb_extension"))'",
            "EXPORT DATABASE '\(folder.path("dump"))'",
        ] {
            await #expect(throws: Problem.self, "\(attempt)") { try await engine.execute(attempt) }
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.root).sorted() == [
                "asset.parquet", "secret.parquet",
            ])
    }

    @Test("an answer larger than memory streams in batches")
    func streaming() async throws {
        let engine = try factory.open(EngineLimits(memoryBytes: 64 << 20))
        let seen = Mutex((batches: 0, sum: Int64(0)))
        let summary = try await engine.run(TableQuery("SELECT range FROM range(3000000)")) { batch in
            guard case .integers(let values) = batch.vectors[0].storage else { return }
            seen.withLock { $0 = ($0.batches + 1, $0.sum + values.reduce(0, +)) }
        }
        #expect(summary.rowCount == 3_000_000)
        #expect(seen.withLock(\.sum) == 4_499_998_500_000)
        #expect(seen.withLock(\.batches) > 1000)
    }

    @Test("a statement is parsed into the engine's own syntax tree without being run")
    func syntax() async throws {
        let engine = try factory.open(EngineLimits())
        let tree = try await engine.syntax(of: "SELECT station, count(*) FROM air GROUP BY 1")
        #expect(tree["error"] == false)
        #expect(tree["statements"]?[0]?["node"]?["type"] == "SELECT_NODE")
        #expect(try await engine.syntax(of: "SELEC 1")["error"] == true)
        #expect(try await engine.syntax(of: "DROP TABLE x")["error"] == true)
    }

    @Test("a text function of ours runs inside a query, and its refusal ends the query")
    func functions() async throws {
        let engine = try factory.open(EngineLimits())
        try await engine.define(
            TextFunction("backwards") { input, output throws(Problem) in
                for row in 0..<input.count {
                    if input[row] == "boom" { throw Problem(.invalid, "test.boom") }
                    output.append(String(input[row].reversed()))
                }
            })
        let answer = try await engine.rows(
            "SELECT backwards(x) FROM (VALUES ('abc'), (NULL), ('a longer text here')) t(x)")
        #expect(answer.rows.map { $0[0].written } == ["cba", nil, "ereh txet regnol a"])
        await #expect(throws: Problem.self) { try await engine.execute("SELECT backwards('boom')") }
    }

    @Test("a profile's exact figures are those of SUMMARIZE")
    func profile() async throws {
        let engine = try factory.open(EngineLimits())
        try await engine.execute(
            """
            CREATE TABLE t AS SELECT CASE WHEN range % 7 = 0 THEN NULL ELSE (range * 31 % 101)::DECIMAL(9,2) / 4 END AS x,
                ['a','b','c'][range % 3 + 1] AS y FROM range(10000)
            """)
        let profile = try await engine.profile(.named("t"), ProfilePlan())
        let summary = try await engine.rows("SELECT min, max, avg, std, count FROM (SUMMARIZE t)")
        let x = try #require(profile.columns.first)
        #expect(x.least.approximate == summary.rows[0][0].written.flatMap(Double.init))
        #expect(x.greatest.approximate == summary.rows[0][1].written.flatMap(Double.init))
        #expect(abs((x.mean ?? 0) - (summary.rows[0][2].written.flatMap(Double.init) ?? 1)) < 1e-9)
        #expect(abs((x.deviation ?? 0) - (summary.rows[0][3].written.flatMap(Double.init) ?? 1)) < 1e-9)
        #expect(x.nullCount == 1429)
        let bars = try #require(x.histogram?.counts)
        #expect(bars.reduce(0, +) == 8571)
        #expect(profile.columns[1].frequent.map(\.count) == [3334, 3333, 3333])
    }
}

/// A folder that is removed when the test is done.
final class TemporaryFolder: Sendable {
    let root: String

    init() throws {
        let name = "hutong-test-\(UInt64.random(in: 0...UInt64.max))"
        root = FileManager.default.temporaryDirectory.appending(path: name).path()
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func path(_ name: String) -> String { root + "/" + name }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        try Data(bytes).write(to: URL(filePath: path(name)))
        return path(name)
    }
}
