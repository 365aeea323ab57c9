// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collect
import Foundation
import Primitives
import Tables

struct DeidentifyVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "deidentify",
        abstract: "Mask, hash, encrypt, group: de-identify a table by a recipe. 去标识化。",
        discussion: """
            Writes the result only if it reaches the recipe's thresholds; the report says what was done, what risk is \
            left and what was lost. The result is de-identified (去标识化), never anonymous.
            Example: hutong deidentify patients.csv --recipe patients.yaml --out safe.parquet --k 5
            """)
    @Argument(help: "A CSV, Parquet or JSON file.") var file: String
    @Option(help: "The recipe, a YAML file.") var recipe: String
    @Option(help: "Where the result goes: .parquet, otherwise CSV.") var out: String
    @Option(help: "The smallest group, instead of the recipe's k.") var k: Int?
    @Option(help: "Where the report goes, as JSON.") var report: String?
    @Option(help: "A file with the key, 64 hexadecimal digits; without it a new key is used and forgotten.")
    var keyFile: String?
    @Option(help: "Where the vault of tokenized values goes; keep it apart from the result.") var vault:
        String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let tables = try LocalTables()
        defer { tables.clear() }
        let declaration = try Declaration(file: recipe)
        let recipe: DeidentificationRecipe
        do {
            recipe = try DeidentificationRecipe(declaration, k: k)
        } catch {
            throw error.problem(in: self.recipe)
        }
        let source = try await tables.source(file)
        try await tables.engine.attach(source, as: "source_file")
        try await tables.engine.execute("CREATE TABLE input AS SELECT * FROM source_file")
        let job = Deidentification(
            recipe, key: try key(), engine: tables.engine, folder: try tables.folder(), job: "job")
        let result = try await job.run(on: "input")
        if let path = report { try Data(result.json.prettyText.utf8).write(to: URL(filePath: path)) }
        guard result.isAccepted else {
            console.answer(result.json, text: Self.text(result))
            throw Problem(
                .invalid, "collect.result-failed",
                ["k": .integer(Int64(result.kAfter)), "wanted": .integer(Int64(result.kDemanded))])
        }
        try await write(job.result, to: out, tables.engine)
        if let vault { try await write(job.vault, to: vault, tables.engine) }
        console.answer(result.json, text: Self.text(result))
    }

    private func key() throws -> Redacted<[UInt8]> {
        guard let keyFile else { return Redacted((0..<32).map { _ in UInt8.random(in: 0...255) }) }
        let text = try? String(contentsOfFile: keyFile, encoding: .utf8).trimmingCharacters(
            in: .whitespacesAndNewlines)
        guard let bytes = text.flatMap(Hex.decode), bytes.count == 32 else {
            throw Problem(.invalid, "collect.key-unusable")
        }
        return Redacted(bytes)
    }

    private func write(_ table: String, to out: String, _ engine: any TableEngine) async throws {
        if out.hasSuffix(".parquet") {
            _ = try await engine.writeParquet(TableQuery("SELECT * FROM \(table)"), to: out)
        } else {
            try await engine.execute("COPY \(table) TO \(out.quotedLiteral) (FORMAT csv, HEADER)")
        }
    }

    private static func text(_ report: DeidentificationReport) -> String {
        """
        rows              \(report.rowCount)
        k                 \(report.kBefore) → \(report.kAfter) (demanded \(report.kDemanded))
        groups            \(report.groupCount)
        information lost  \(String(format: "%.1f", report.informationLoss * 100)) %
        risk              prosecutor \(String(format: "%.4f", report.prosecutorRisk)), \
        marketer \(String(format: "%.4f", report.marketerRisk))
        effect level      \(report.effectLevel) (GB/T 42460-2023, our reading)
        identifiers left  \(report.remaining.isEmpty ? "none found" : report.remaining.keys.sorted().joined(separator: ", "))
        \(report.isAccepted ? "accepted" : "failed: cannot be listed")
        """
    }
}
