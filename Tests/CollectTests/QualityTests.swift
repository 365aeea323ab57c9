// SPDX-License-Identifier: Apache-2.0

import Collect
import Primitives
import Tables
import TablesDuckDB
import Testing

@Suite("Quality")
struct QualityTests {
    private func report(_ rows: String) async throws -> QualityReport {
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        try await engine.execute("CREATE TABLE t AS SELECT * FROM (VALUES \(rows)) v(station, pm25, day)")
        let standard = try CollectionStandard(
            declaration(
                """
                standard: air
                version: "1"
                fields:
                  - {name: station, title: 站点, type: text, mandatory: true, codes: [A, B]}
                  - {name: pm25, type: "decimal(5,1)", min: "0", max: "900"}
                  - {name: day, type: day}
                """))
        return try await QualityAssessment(
            standard, table: "t", columns: ["station", "pm25", "day"], engine: engine
        ).report()
    }

    private let rows = """
        ('A', '1.5', '2024-01-01'), ('A', '1.5', '2024-01-01'), ('C', '-1', '2024-01-02'), (NULL, 'x', '2024-01-01')
        """

    @Test("all twenty indicators of GB/T 36344 are there, each A of B, counted from the real table")
    func twenty() async throws {
        let report = try await report(rows)
        #expect(report.scores.count == 20)
        func pair(_ indicator: QualityIndicator) -> [Int64] {
            report.scores.filter { $0.indicator == indicator }.flatMap { [$0.satisfied, $0.evaluated] }
        }
        #expect(pair(.dataStandard) == [7, 8])
        #expect(pair(.metadata) == [1, 3])
        #expect(pair(.businessRule) == [3, 4])
        #expect(pair(.referenceData) == [2, 3])
        #expect(pair(.elementCompleteness) == [3, 4])
        #expect(pair(.recordCompleteness) == [3, 4])
        #expect(pair(.duplicateRate) == [3, 4])
        #expect(pair(.dirtyRate) == [3, 4])
        #expect(pair(.sequence) == [2, 3])
        #expect(pair(.usability) == [2, 4])
        #expect(pair(.pointTimeliness) == [0, 0])
        #expect(report.value(of: .completeness) == 0.75)
    }

    @Test("scores of two files add up to those of both")
    func merged() async throws {
        let one = try await report(rows)
        let both = one.merged(with: one)
        #expect(both.rowCount == 8)
        #expect(both.value(of: .completeness) == one.value(of: .completeness))
        #expect(both.scores[0].evaluated == 16)
    }
}
