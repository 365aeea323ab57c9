// SPDX-License-Identifier: Apache-2.0

import Collect
import Foundation
import Primitives
import Tables
import TablesDuckDB
import Testing
import TestKit

/// Figures of ours held against programs that are not.
@Suite("Independent counters", .ownThread)
struct IndependentCountTests {
    private static let python: String? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let python = root.appending(path: ".build/peers/bin/python").path(percentEncoded: false)
        return FileManager.default.isExecutableFile(atPath: python) ? python : nil
    }()

    private func asked(_ script: String) throws -> JSON {
        let process = Process()
        process.executableURL = URL(filePath: Self.python ?? "")
        process.arguments = ["-c", script]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSON(parsing: Array(output))
    }

    @Test(
        "S04: k, ℓ and t of a de-identified table are what pycanon counts on it",
        .enabled(if: python != nil, "pycanon is not installed"))
    func pycanon() async throws {
        let folder = try TemporaryFolder()
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        try await engine.execute(
            """
            CREATE TABLE t AS SELECT (hash(range) % 73 + 18)::INTEGER AS age,
                ['F', 'M'][(hash(range * 3) % 2 + 1)::INTEGER] AS sex, (100000 + hash(range * 7) % 400 * 100)::VARCHAR AS zip,
                chr(65 + (hash(range * 11) % 6)::INTEGER) AS disease FROM range(3000)
            """)
        for (k, l, t) in [(5, 2, 1.0), (10, 3, 0.4)] {
            let recipe = try DeidentificationRecipe(
                declaration(
                    """
                    recipe: r
                    k: \(k)
                    l: \(l)
                    t: \(t)
                    columns: {age: quasi, sex: quasi, zip: quasi, disease: sensitive}
                    """))
            let job = Deidentification(
                recipe, key: Redacted(Array(0..<32)), engine: engine, folder: folder.root, job: "job\(k)")
            let report = try await job.run(on: "t")
            let path = folder.path("r\(k).csv")
            try await engine.execute("COPY \(job.result) TO '\(path)' (FORMAT csv, HEADER)")
            let counted = try asked(
                """
                import json, pandas
                from pycanon import anonymity
                d = pandas.read_csv("\(path)", dtype=str)
                q, s = ["age", "sex", "zip"], ["disease"]
                print(json.dumps({"k": int(anonymity.k_anonymity(d, q)), "l": int(anonymity.l_diversity(d, q, s)),
                                  "t": float(anonymity.t_closeness(d, q, s))}))
                """)
            #expect(counted["k"]?.integer == Int64(report.kAfter), "\(counted.canonicalText)")
            #expect(counted["l"]?.integer == Int64(report.lAfter))
            #expect((counted["t"]?.double ?? 9) <= t + 1e-9)
            #expect(report.kAfter >= k && report.lAfter >= l)
        }
    }

    @Test(
        "the profile of the real air data is what SUMMARIZE says, column by column",
        .enabled(if: SharedData.air != nil, "no shared data"))
    func summarize() async throws {
        let file = try #require(SharedData.air?.first)
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        try await engine.attach(.csv([file], try await engine.layout(of: [file])), as: "air")
        let profile = try await engine.profile(.named("air"), ProfilePlan())
        let summary = try await engine.rows(
            "SELECT column_name, min, max, avg, std, count, null_percentage::DOUBLE FROM (SUMMARIZE air)")
        #expect(profile.columns.count == 18 && summary.rows.count == 18)
        for (column, row) in zip(profile.columns, summary.rows) {
            #expect(column.column.name == row[0].written)
            #expect(column.least.written == row[1].written)
            #expect(column.greatest.written == row[2].written)
            if let mean = column.mean, let other = row[3].written.flatMap(Double.init) {
                #expect(abs(mean - other) <= abs(other) * 1e-9)
            }
            if let deviation = column.deviation, let other = row[4].written.flatMap(Double.init) {
                #expect(abs(deviation - other) <= abs(other) * 1e-9)
            }
            let share = Double(column.nullCount) / Double(profile.rowCount) * 100
            #expect(abs(share - (row[6].written.flatMap(Double.init) ?? -1)) < 0.01)
        }
    }

    @Test(
        "a long stream passes: the reading path never holds more than the engine's limit",
        .enabled(if: isSoak, "HUTONG_SOAK=1 asks for it"))
    func stream() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("long.csv")
        try writeLong(1_500_000_000, to: path)
        let before = try residentPeak()
        let engine = try DuckDBEngineFactory().open(
            EngineLimits(memoryBytes: 300_000_000, spillFolder: folder.path("spill")))
        let survey = try FileSurvey(of: path)
        let layout = try await engine.layout(of: [path])
        let profile = try await engine.profile(.csv([path], layout), ProfilePlan())
        try await engine.attach(.csv([path], layout), as: "long")
        let written = try await engine.writeParquet(
            TableQuery("SELECT * FROM long"), to: folder.path("x.parquet"))
        let peak = try residentPeak()
        FileHandle.standardError.write(
            Data(
                "stream: \(survey.byteCount / 1_000_000) MB, \(profile.rowCount) rows, peak \(peak >> 20) MiB\n"
                    .utf8))
        #expect(Int64(written.rowCount) == profile.rowCount)
        #expect(peak - min(before, 200 << 20) < 500 << 20)
    }

    private static let isSoak = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == "1"

    private func writeLong(_ byteCount: Int, to path: String) throws {
        var block = ""
        for row in 0..<20_000 {
            block += "\(row % 12),2017-02-\(row % 28 + 1),\(Double(row % 1000) / 10),站点\(row % 97)\n"
        }
        let bytes = Data(block.utf8)
        try Data("station,day,pm25,name\n".utf8).write(to: URL(filePath: path))
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.seekToEnd()
        var written = 0
        while written < byteCount {
            try handle.write(contentsOf: bytes)
            written += bytes.count
        }
        try handle.close()
    }

    /// Of the whole process, in bytes.
    private func residentPeak() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return (Int(line.filter(\.isNumber)) ?? 0) << 10
    }
}

/// The shared test data beside the checkout, where there is any.
enum SharedData {
    static let air: [String]? = {
        let root = ProcessInfo.processInfo.environment["HUTONG_SHARED"] ?? "../shared"
        let folder = root + "/data/beijing-air"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let tables = files.filter { $0.hasSuffix(".csv") }.sorted().map { folder + "/" + $0 }
        return tables.isEmpty ? nil : tables
    }()
}
