// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Classification
import Collect
import Foundation
import Primitives
import Scan
import Tables

struct ScanVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Find sensitive data in tables or free text, and propose grades. 敏感数据发现。",
        discussion: """
            Tables: CSV (UTF-8, UTF-16, GB18030), Parquet, JSON lines. With --text a file is UTF-8 free text and \
            every place found is printed as byte offsets. Values are never printed whole. Recognizers and important-data \
            catalogs of your own stand in YAML files: --rules FILE, as often as needed.
            Example: hutong scan customers.csv
            """)
    @Argument(help: "Files to look through.") var files: [String]
    @Flag(help: "Read the files as free text.") var text = false
    @Flag(help: "With --text: only how often each kind was found, whatever the file's size.") var counts =
        false
    @Option(help: "A YAML file with recognizers or an important-data catalog.") var rules: [String] = []
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        var reports: [JSON] = []
        var texts: [String] = []
        let grading = try GradingRules(files: rules)
        if text {
            let scan = TextFileScan(recognizers: grading.recognizers)
            for file in files {
                let (report, words) =
                    try counts ? Self.counted(file, scan, console) : Self.listed(file, scan, console)
                reports.append(report)
                texts.append(words)
            }
        } else {
            let tables = try LocalTables()
            defer { tables.clear() }
            for file in files {
                let (proposals, evidence) = try await Self.columns(file, tables, grading)
                reports.append(Self.report(file, proposals, evidence))
                texts.append(Self.table(file, proposals, evidence, console.language))
            }
        }
        console.answer(["files": .array(reports)], text: texts.joined(separator: "\n\n"))
    }

    /// Every place of a text file.
    private static func listed(
        _ file: String, _ scan: TextFileScan, _ console: Console
    ) throws -> (JSON, String) {
        let spans = try scan.spans(of: file)
        let lines = spans.map { "  \($0.start)–\($0.end)  \($0.kind.shown.title[console.language])" }
        return (
            ["file": .string(file), "columns": [], "spans": .array(spans.map(json))],
            ([file] + lines).joined(separator: "\n")
        )
    }

    /// How often each kind stands in a text file.
    private static func counted(
        _ file: String, _ scan: TextFileScan, _ console: Console
    ) throws -> (JSON, String) {
        let counts = try scan.counts(of: file).map { ($0.key.shown, $0.value) }.sorted { $1.1 < $0.1 }
        let words = counts.map { [$0.0.title[console.language], String($0.1)] }
        return (
            [
                "file": .string(file), "columns": [],
                "counts": .object(
                    Dictionary(
                        counts.map { ($0.0.word, .integer(Int64($0.1))) },
                        uniquingKeysWith: { first, _ in first })),
            ],
            file + "\n" + TextTable(["kind", "count"], words).text
        )
    }

    private static func json(_ span: TextSpan) -> JSON {
        [
            "kind": .string(span.kind.shown.word), "start": .integer(Int64(span.start)),
            "end": .integer(Int64(span.end)),
            "confidence": .number(Double(span.evidence.confidence) / 100),
        ]
    }

    private static func columns(
        _ file: String, _ tables: LocalTables, _ rules: GradingRules
    ) async throws -> ([GradeProposal], [ColumnEvidence]) {
        try await tables.engine.attach(try await tables.source(file), as: "file")
        let count = try await tables.engine.rows("SELECT count(*) FROM file").rows.first?.first
        guard case .integer(let rows)? = count else { return ([], []) }
        let evidence = try await Discovery.evidence(
            of: "file", rowCount: Int64(rows), recognizers: rules.recognizers, engine: tables.engine)
        return (
            evidence.map { GradeProposal($0, rowCount: Int64(rows), catalogs: rules.catalogs) }, evidence
        )
    }

    private static func report(_ file: String, _ proposals: [GradeProposal], _ evidence: [ColumnEvidence])
        -> JSON
    {
        let columns = zip(proposals, evidence).map { proposal, evidence in
            [
                "name": .string(proposal.column), "class": .string(proposal.dataClass.rawValue),
                "grade": .string(proposal.grade.word), "findings": evidence.json,
                "why": proposal.json["why"] ?? [],
            ] as JSON
        }
        return [
            "file": .string(file), "columns": .array(columns), "spans": [],
            "grade": .string(proposals.tableGrade.word),
        ]
    }

    private static func table(
        _ file: String, _ proposals: [GradeProposal], _ evidence: [ColumnEvidence], _ language: Language
    ) -> String {
        let rows = zip(proposals, evidence).map { proposal, evidence in
            let found = evidence.counts.first.map { count in
                "\(count.kind.title[language]) \(Int((evidence.rate(count) * 100).rounded())) % \(count.example)"
            }
            return [
                proposal.column, proposal.dataClass.title[language], proposal.grade.title[language],
                found ?? "–",
            ]
        }
        let head =
            language == .zh ? ["列", "类别", "建议级别", "发现"] : ["column", "class", "proposed grade", "found"]
        return file + "\n" + TextTable(head, rows).text
    }
}

extension GradingRules {
    /// The program's own recognizers and those of YAML files; a fault names its place.
    init(files: [String]) throws {
        self.init()
        for file in files {
            do {
                try add(try Declaration(file: file))
            } catch let fault as Declaration.Fault {
                throw fault.problem(in: file)
            }
        }
    }
}
