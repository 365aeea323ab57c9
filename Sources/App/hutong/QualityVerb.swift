// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Collect
import Foundation
import Identity
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
    @Flag(help: "Sign the report with the account's key; it is then about exactly this file.") var sign =
        false
    @Option(help: "A signed report to hold against this file: exits 1 where it does not hold.") var against:
        String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let tables = try LocalTables()
        defer { tables.clear() }
        let standard = try CollectionStandard(file: standard)
        let survey = try FileSurvey(of: file)
        try await tables.engine.attachTexts(try await tables.source(survey), as: "file")
        let columns = try await tables.engine.columns(of: .named("file")).map(\.name)
        let assessment = QualityAssessment(standard, table: "file", columns: columns, engine: tables.engine)
        let report = try await assessment.report()
        if let against { return try Self.hold(against, against: report, survey.digest, console) }
        guard sign else { return console.answer(report.json, text: Self.text(report, console.language)) }
        let signer = try AccountKeys().signer
        let statement = try QualityStatement(
            report, about: survey.digest, by: signer.publicKey.fingerprint.hex, at: WallClock.system.now(),
            signer: signer)
        console.answer(statement.json, text: statement.json.prettyText)
    }

    /// Whether a signed report is about this file, unaltered, and says what scoring the file again says.
    private static func hold(
        _ path: String, against report: QualityReport, _ file: Digest, _ console: Console
    ) throws {
        guard let statement = QualityStatement(json: try GivenFile.json(path)) else {
            throw Problem(.invalid, "collect.report-unreadable", ["file": .text(path)])
        }
        let standing = statement.standing(for: file, SignatureCheckers())
        let isSame = statement.statement["report"]?.canonicalBytes == report.json.canonicalBytes
        console.answer(
            ["standing": .string(standing.rawValue), "sameScores": .bool(isSame)],
            text: "\(standing.rawValue)  \(isSame ? "same scores" : "other scores")")
        if standing != .valid || !isSame { throw ExitCode(1) }
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
