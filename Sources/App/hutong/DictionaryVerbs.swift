// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collect
import Foundation
import Primitives
import Tables

/// `hutong standard recognize|ask`: two dictionaries' words for the same things, and questions in one about the other.
extension StandardVerb {
    struct Recognize: Verb {
        static let configuration = CommandConfiguration(
            commandName: "recognize", abstract: "Propose which terms of two dictionaries are equal. 数据字典互认。",
            discussion: """
                Example: hutong standard recognize ours.yaml theirs.yaml
                         hutong standard recognize ours.yaml theirs.yaml --confirmed-by Li --only 站点,pm25 --out map.json
                """)
        @Argument(help: "Our dictionary, a collection standard in YAML.") var own: String
        @Argument(help: "Theirs.") var other: String
        @Option(help: "The steward who confirms; without one nothing is written.") var confirmedBy: String?
        @Option(help: "The confirmed terms of ours, with commas; all proposals without this.") var only:
            String?
        @Option(help: "Where the confirmed mapping goes.") var out: String?
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let match = DictionaryMatch(
                try CollectionStandard(file: own), try CollectionStandard(file: other))
            let mapping = match.mapping(
                confirmed: only.map { Set($0.split(separator: ",").map(String.init)) })
            if let out {
                guard confirmedBy != nil else { throw ValidationError("--out needs --confirmed-by") }
                try Data(mapping.canonicalBytes).write(to: URL(filePath: out))
            }
            console.answer(
                [
                    "proposals": .array(match.proposals.map(\.json)), "mapping": mapping,
                    "confirmedBy": confirmedBy.map(JSON.string) ?? .null,
                ],
                text: TextTable(
                    ["from", "to", "score", "why"],
                    match.proposals.map { [$0.from, $0.to, String($0.score), console.say($0.why)] }
                ).text)
        }
    }

    struct Ask: Verb {
        static let configuration = CommandConfiguration(
            commandName: "ask", abstract: "Ask a table of theirs in our words. 用本方数据字典查询对方数据。",
            discussion: """
                Example: hutong standard ask theirs.csv --mapping map.json --sql 'SELECT 站点, avg(pm25) FROM data GROUP BY 1'
                The table is `data`. With --reverse the table is ours and the words are theirs.
                """)
        @Argument(help: "A CSV, Parquet or JSON file.") var file: String
        @Option(help: "The confirmed mapping.") var mapping: String
        @Option(help: "The question; everything without one.") var sql = "SELECT * FROM data"
        @Flag(help: "From our words into theirs.") var reverse = false
        @Option(help: "Write the answer as CSV instead of showing it.") var out: String?
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let tables = try LocalTables()
            defer { tables.clear() }
            let declared = try StandardMapping(file: mapping)
            let direction = reverse ? declared : declared.back
            try await tables.engine.attach(try await tables.source(file), as: "file")
            let columns = try await tables.engine.columns(of: .named("file"))
            let (view, unmapped) = try direction.mapped("file", columns: columns)
            try await tables.engine.execute("CREATE VIEW data AS \(view.sql)")
            if let out {
                let path = out.replacing("'", with: "''")
                try await tables.engine.execute("COPY (\(sql)) TO '\(path)' (FORMAT csv, HEADER)")
                return console.answer(
                    ["out": .string(out), "unmapped": .array(unmapped.map(JSON.string))], text: out)
            }
            let answer = try await tables.engine.rows(TableQuery(sql))
            let rows = answer.rows.map { row in row.map { $0.json } }
            console.answer(
                [
                    "columns": .array(answer.columns.map { .string($0.name) }),
                    "rows": .array(rows.map { .array($0) }), "unmapped": .array(unmapped.map(JSON.string)),
                ],
                text: TextTable(
                    answer.columns.map(\.name), rows.map { $0.map { $0.text ?? $0.canonicalText } }
                ).text)
        }
    }
}

extension StandardMapping {
    /// Reads a mapping from a YAML or JSON file.
    fileprivate init(file path: String) throws {
        do {
            try self.init(try Declaration(file: path))
        } catch let fault as Declaration.Fault {
            throw fault.problem(in: path)
        }
    }
}
