// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collect
import Foundation
import Primitives
import Tables
import TablesDuckDB
import Yams

/// A table engine for one run of the command line, with files turned into UTF-8 where they are not.
struct LocalTables {
    let engine: any TableEngine
    private let scratch: String

    init() throws {
        scratch =
            FileManager.default.temporaryDirectory.path()
            + "/hutong-\(ProcessInfo.processInfo.processIdentifier)"
        let threads = ProcessInfo.processInfo.activeProcessorCount
        engine = try DuckDBEngineFactory().open(
            EngineLimits(memoryBytes: 400_000_000, threads: threads, spillFolder: scratch))
    }

    func clear() {
        try? FileManager.default.removeItem(atPath: scratch)
    }

    /// The file as a table.
    func source(_ path: String) async throws -> TableSource { try await source(try FileSurvey(of: path)) }

    func source(_ survey: FileSurvey) async throws -> TableSource {
        let path = survey.path
        guard survey.kind != .parquet else { return .parquet([path]) }
        let file = try decoded(survey)
        guard survey.kind == .delimitedText else { return .json([file]) }
        return .csv([file], try await engine.layout(of: [file]))
    }

    /// A folder that is gone after the run.
    func folder() throws -> String {
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        return scratch
    }

    /// The file's path, or that of a copy in UTF-8.
    func decoded(_ survey: FileSurvey) throws -> String {
        guard survey.encoding != .utf8 else { return survey.path }
        let copy = try folder() + "/" + survey.digest.hex
        try TextDecoding.decode(survey.path, from: survey.encoding, to: copy)
        return copy
    }
}

extension CollectionStandard {
    /// Reads a standard from a YAML file.
    init(file path: String) throws {
        do {
            try self.init(try Declaration(file: path))
        } catch let fault as Declaration.Fault {
            throw fault.problem(in: path)
        }
    }
}

extension Declaration {
    init(file path: String) throws {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Problem(.missing, "tables.file-unreadable", ["file": .text(path)])
        }
        do {
            self.init(JSON(yaml: try Yams.load(yaml: text)))
        } catch {
            throw Problem(
                .invalid, "app.declaration-unreadable", ["file": .text(path), "reason": .text("\(error)")])
        }
    }
}

extension Declaration.Fault {
    func problem(in file: String) -> Problem {
        Problem(
            .invalid, "app.declaration-wrong",
            [
                "file": .text(file), "place": .text(place), "found": .localized(found),
                "remedy": .localized(remedy),
            ])
    }
}

extension JSON {
    fileprivate init(yaml value: Any?) {
        switch value {
        case let text as String: self = .string(text)
        case let bool as Bool: self = .bool(bool)
        case let number as Int: self = .integer(Int64(number))
        case let number as Double: self = .number(number)
        case let list as [Any]: self = .array(list.map { JSON(yaml: $0) })
        case let members as [String: Any]: self = .object(members.mapValues { JSON(yaml: $0) })
        default: self = .null
        }
    }
}

struct ProfileVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Say what a table file holds: types, gaps, extremes, shapes. 数据画像。",
        discussion: """
            Reads CSV (UTF-8, UTF-16, GB18030), Parquet or JSON lines; nothing leaves the machine.
            Example: hutong profile air.csv
            """)
    @Argument(help: "A CSV, Parquet or JSON file.") var file: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let tables = try LocalTables()
        defer { tables.clear() }
        let source = try await tables.source(file)
        let profile = try await tables.engine.profile(source, ProfilePlan())
        console.answer(profile.json, text: Self.text(profile))
    }

    private static func text(_ profile: TableProfile) -> String {
        let head = ["column", "type", "nulls", "distinct~", "min", "mean", "max"]
        let rows = profile.columns.map { column in
            [
                column.column.name, column.column.type.name, String(column.nullCount),
                String(column.approximateDistinct), column.least.written ?? "–",
                column.mean.map { String(format: "%.4g", $0) } ?? "–", column.greatest.written ?? "–",
            ]
        }
        return TextTable(head, rows).text + "\n\(profile.rowCount) rows"
    }
}

struct StandardVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "standard", abstract: "Hold a file against a collection standard. 采集标准。",
        subcommands: [Check.self])

    struct Check: Verb {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "List every row that breaks a rule of the standard. 逐行检查。",
            discussion: "Exits 1 when fewer rows conform than the standard demands.\n"
                + "Example: hutong standard check air.csv --standard air-hourly.yaml")
        @Argument(help: "A CSV, Parquet or JSON file.") var file: String
        @Option(help: "The standard, a YAML file.") var standard: String
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let tables = try LocalTables()
            defer { tables.clear() }
            let standard = try CollectionStandard(file: standard)
            try await tables.engine.attachTexts(try await tables.source(file), as: "file")
            let columns = try await tables.engine.columns(of: .named("file")).map(\.name)
            let check = try ConformityCheck(standard, table: "file", columns: columns)
            let report = try await check.report(tables.engine)
            console.answer(report.json, text: Self.text(report))
            if !report.isAcceptable { throw ExitCode(1) }
        }

        private static func text(_ report: ConformityReport) -> String {
            let rules = report.rules.map { [$0.rule, String($0.count)] }
            let rows = report.violations.prefix(20).map { [String($0.row), $0.rules.joined(separator: " ")] }
            let rate = String(format: "%.2f", report.rate * 100)
            return TextTable(["rule", "violations"], rules).text + "\n\n"
                + TextTable(["row", "breaks"], rows).text
                + "\n\(report.conformingCount) of \(report.rowCount) rows conform (\(rate) %)"
        }
    }
}

/// Columns of text, the first on the left, the rest on the right, as wide as they need.
struct TextTable {
    private let lines: [[String]]

    init(_ head: [String], _ rows: [[String]]) {
        lines = [head] + rows
    }

    var text: String {
        let widths = lines[0].indices.map { place in lines.map { Self.width($0[place]) }.max() ?? 0 }
        return lines.map { line in
            line.enumerated().map { place, cell in
                let gap = String(repeating: " ", count: widths[place] - Self.width(cell))
                return place == 0 ? cell + gap : gap + cell
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// Han characters and full-width signs take two places on a terminal.
    private static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x1100 ? 2 : 1) }
    }
}
