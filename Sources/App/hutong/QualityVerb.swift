// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collect
import Foundation
import Primitives
import Tables

struct QualityVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "quality", abstract: "Score a file by the 20 indicators of GB/T 36344. 数据质量评价。",
        discussion:
            "Each indicator is A of B, with what was counted; what the standard does not declare is left out.\n"
            + "Example: hutong quality air.csv --standard air-hourly.yaml")
    @Argument(help: "A CSV, Parquet or JSON file.") var file: String
    @Option(help: "The standard, a YAML file.") var standard: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let tables = try LocalTables()
        defer { tables.clear() }
        let standard = try CollectionStandard(file: standard)
        try await tables.engine.attach(try await tables.source(file, asText: true), as: "file")
        let columns = try await tables.engine.columns(of: .named("file")).map(\.name)
        let assessment = QualityAssessment(standard, table: "file", columns: columns, engine: tables.engine)
        let report = try await assessment.report()
        console.answer(report.json, text: Self.text(report, console.language))
    }

    private static func text(_ report: QualityReport, _ language: Language) -> String {
        let rows = report.scores.map { score in
            [
                score.indicator.title[language], score.indicator.dimension.title[language],
                score.value.map { String(format: "%.4f", $0) } ?? "–",
                "\(score.satisfied)/\(score.evaluated)",
            ]
        }
        let head = language == .zh ? ["指标", "维度", "值", "A/B"] : ["indicator", "dimension", "value", "A/B"]
        return TextTable(head, rows).text
    }
}
