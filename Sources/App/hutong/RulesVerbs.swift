// SPDX-License-Identifier: Apache-2.0

import Assembly
import ArgumentParser
import Foundation
import Primitives
import Rules

/// `hutong rules …`: decisions by rule, with their reasons.
struct RulesVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Decide by rule, and say why. 按规则裁定并说明理由。",
        subcommands: [
            RulesDecideVerb.self, RulesEligibleVerb.self, RulesTCKVerb.self, RulesBenchVerb.self,
        ])
}

/// Runs the public DMN kit where it lies.
struct RulesTCKVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "tck", abstract: "Run the DMN Technology Compatibility Kit. 运行 DMN 一致性测试集。",
        discussion: """
            DIR holds the kit's folders compliance-level-2 and compliance-level-3.
              hutong rules tck ../dmn-tck/TestCases --csv results.csv
            The null baseline is what an engine would pass that answers null to everything.
            """)
    @Argument(help: "The folder with the kit's cases.") var folder: String
    @Option(help: "Write the kit's results file here.") var csv: String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let outcomes = try Self.outcomes(in: URL(fileURLWithPath: folder), console)
        guard !outcomes.isEmpty else {
            throw Problem(.missing, "rules.kit-missing", ["folder": .text(folder)])
        }
        if let csv { try Files.write(Self.table(outcomes), to: csv) }
        let passed = outcomes.count { $0.isPassed }
        let nulls = outcomes.count { $0.expectsNull }
        let passedOthers = outcomes.count { $0.isPassed && !$0.expectsNull }
        let numbers: [String: JSON] = [
            "cases": .integer(Int64(outcomes.count)), "passed": .integer(Int64(passed)),
            "nullBaseline": .integer(Int64(nulls)), "nonNull": .integer(Int64(outcomes.count - nulls)),
            "nonNullPassed": .integer(Int64(passedOthers)),
        ]
        console.answer(
            .object(numbers),
            text: """
                \(passed) of \(outcomes.count) cases passed; \(passedOthers) of the \(outcomes.count - nulls) that expect a value.
                Null baseline: \(nulls).
                """)
    }

    static func outcomes(in root: URL, _ console: Console) throws -> [DMNConformance.Outcome] {
        let now = WallClock.system.now()
        var outcomes: [DMNConformance.Outcome] = []
        for file in try Files.below(root, named: { $0.contains("-test-") && $0.hasSuffix(".xml") }) {
            console.progress(file.lastPathComponent)
            let folder = file.deletingLastPathComponent()
            let cases = try Files.xml(file)
            let main = cases.child("modelName")?.text.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
            let models = try Files.below(folder, named: { $0.hasSuffix(".dmn") })
            guard let model = models.first(where: { $0.lastPathComponent == main }) else {
                throw Problem(.missing, "app.file-unreadable", ["file": .text(main)])
            }
            outcomes += DMNConformance.run(
                folder: folder.lastPathComponent, file: file.deletingPathExtension().lastPathComponent,
                cases: cases,
                model: try Files.xml(model), imports: try models.filter { $0 != model }.map(Files.xml),
                now: FEELDateTime(now))
        }
        return outcomes
    }

    /// The kit's own columns.
    private static func table(_ outcomes: [DMNConformance.Outcome]) -> String {
        outcomes.map { outcome in
            [
                outcome.folder, outcome.file, outcome.test, outcome.isPassed ? "SUCCESS" : "ERROR",
                outcome.detail,
            ]
            .map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",")
        }.joined(separator: "\n") + "\n"
    }
}

/// Reading and writing for the verbs of this file's neighbors; a failure is a problem that names the file.
enum Files {
    static func bytes(_ path: String) throws(Problem) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(path)])
        }
        return Array(data)
    }

    static func write(_ text: String, to path: String) throws(Problem) {
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
            throw Problem(.invalid, "rules.file-unwritable", ["file": .text(path)])
        }
    }

    static func xml(_ file: URL) throws(Problem) -> XMLElement {
        let bytes = try bytes(file.path)
        do {
            return try XMLReader.read(bytes)
        } catch {
            throw Problem(
                .invalid, "rules.xml-malformed",
                [
                    "file": .text(file.lastPathComponent), "line": .integer(Int64(error.line)),
                    "reason": .text(error.reason),
                ])
        }
    }

    /// Files under a folder whose names fit, in a fixed order.
    static func below(_ folder: URL, named fits: (String) -> Bool) throws(Problem) -> [URL] {
        // The enumerator of a folder that is not there gives nothing, and no error.
        guard (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) != nil,
            let walk = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(folder.path)])
        }
        return walk.compactMap { $0 as? URL }.filter { fits($0.lastPathComponent) }.sorted {
            $0.path < $1.path
        }
    }
}
