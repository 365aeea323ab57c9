// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives

/// `hutong registry …`: the lists (名录) of a node.
struct RegistryVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry", abstract: "Lists: show as of a day, import, export. 名录。",
        subcommands: [
            RegistryListVerb.self, RegistryShowVerb.self, RegistryExportVerb.self, RegistryImportVerb.self,
            RegistryRemoveVerb.self, RegistryTallyVerb.self, RegistryFitsVerb.self,
        ])
}

struct RegistryListVerb: Verb {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The node's lists. 名录一览。")
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/lists")
        console.answer(
            answer,
            text: (answer["lists"]?.array ?? []).map { row in
                ["id", "pack", "title"].map { row[$0]?.text ?? "" }.joined(separator: "  ")
            }.joined(separator: "\n"))
    }
}

struct RegistryShowVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "A list as it stood on a day. 查看名录。",
        discussion: "  hutong registry show enterprises --as-of 2026-01-01 --search 人工智能")
    @Argument(help: "The list's id.") var list: String
    @Option(help: "As of this day; today without it.") var asOf: String?
    @Option(help: "Words that must occur.") var search: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let day = try GivenDay.read(asOf).map { "&asOf=\($0)" } ?? ""
        let words = (search ?? "").addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let answer = try await door.open().get("/api/v1/lists/\(list)?q=\(words)\(day)")
        console.answer(
            answer,
            text: (answer["entries"]?.array ?? []).map { $0["entry"]?.canonicalText ?? "" }
                .joined(separator: "\n"))
    }
}

struct RegistryExportVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a list as CSV or JSON. 导出名录。",
        discussion: "  hutong registry export enterprises --out enterprises.csv")
    @Argument(help: "The list's id.") var list: String
    @Option(help: "The file; .csv or .json decides the form.") var out: String
    @Option(help: "As of this day; today without it.") var asOf: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let day = try GivenDay.read(asOf).map { "&asOf=\($0)" } ?? ""
        let form = out.hasSuffix(".csv") ? "csv" : "json"
        let bytes = try await door.open().bytes("/api/v1/lists/\(list)?format=\(form)\(day)")
        try Files.write(String(decoding: bytes, as: UTF8.self), to: out)
        console.answer(["file": .string(out), "bytes": .integer(Int64(bytes.count))], text: out)
    }
}

struct RegistryImportVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Write entries from CSV or JSON, all or none. 导入名录。",
        discussion: "  hutong registry import enterprises enterprises.csv")
    @Argument(help: "The list's id.") var list: String
    @Argument(help: "A CSV with a header of field names, or a JSON array of entries.") var file: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let body: JSON =
            file.hasSuffix(".csv")
            ? ["csv": .string(String(decoding: try Files.bytes(file), as: UTF8.self))]
            : ["entries": try GivenFile.json(file)]
        let answer = try await door.open().post("/api/v1/lists/" + list, body)
        console.answer(answer, text: "\(answer["written"]?.integer ?? 0)")
    }
}

struct RegistryRemoveVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "End an entry today; its history stays. 移除条目。")
    @Argument(help: "The list's id.") var list: String
    @Argument(help: "The entry's key.") var key: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().post("/api/v1/lists/\(list)/remove", ["key": .string(key)])
        console.answer(answer, text: "\(key) removed")
    }
}

struct RegistryTallyVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "tally", abstract: "Count a list by a field, with sums and means. 名录统计。",
        discussion: "  hutong registry tally projects --by task")
    @Argument(help: "The list's id.") var list: String
    @Option(help: "The field.") var by: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/lists/\(list.escaped)/tally?by=\(by.escaped)")
        let rows = (answer["rows"]?.array ?? []) + [answer["total"] ?? .null]
        console.answer(
            answer,
            text: rows.map { row in
                let sums = (row["sums"]?.object ?? [:]).sorted { $0.key < $1.key }
                    .map { "\($0.key) \($0.value.text ?? "")" }
                return (["\(row["value"]?.text ?? "")", "\(row["count"]?.integer ?? 0)"] + sums)
                    .joined(separator: "  ")
            }.joined(separator: "\n"))
    }
}

struct RegistryFitsVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "fits", abstract: "Entries meant for somebody, such as policies for an enterprise. 匹配。",
        discussion: "  hutong registry fits policies 91350100M000100Y43")
    @Argument(help: "The list's id.") var list: String
    @Argument(help: "The key of an entry in the list's audience.") var key: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/lists/\(list.escaped)/fits?for=\(key.escaped)")
        console.answer(
            answer,
            text: (answer["entries"]?.array ?? []).map { row in
                let unknown = (row["unknown"]?.array ?? []).compactMap(\.text).joined(separator: ", ")
                return "\(row["key"]?.text ?? "")" + (unknown.isEmpty ? "" : "  ? \(unknown)")
            }.joined(separator: "\n"))
    }
}
