// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives

/// `hutong grading show|confirm|rules|propose|review`.
struct GradingVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grading", abstract: "Look at proposed grades, decide, keep catalogs. 数据分类分级。",
        subcommands: [Show.self, Confirm.self, RuleList.self, Propose.self, Review.self])

    struct Show: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Each field's class, proposed and decided grade, and why.",
            discussion: "Example: hutong grading show ast-…")
        @Argument(help: "The asset's code.") var asset: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/assets/\(asset)/grades")
            console.answer(answer, text: GradingVerb.table(answer["grades"], console))
        }
    }

    struct Confirm: Verb {
        static let configuration = CommandConfiguration(
            abstract: "A responsible person accepts the proposals, or decides otherwise with a reason.",
            discussion:
                "Example: hutong grading confirm ast-… --person 张三 --override station=general-2 --why 已公开")
        @Argument(help: "The asset's code.") var asset: String
        @Option(help: "Who decides.") var person: String
        @Option(help: "FIELD=GRADE, as often as needed; general-1 … general-4, important, core.")
        var override: [String] = []
        @Option(help: "Why the overrides depart from the proposals.") var why: String?
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            var overrides: [String: JSON] = [:]
            for pair in override {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { throw ValidationError("--override is FIELD=GRADE") }
                overrides[String(parts[0])] = [
                    "grade": .string(String(parts[1])), "reason": why.map(JSON.string) ?? .null,
                ]
            }
            let answer = try await door.open().post(
                "/api/v1/assets/\(asset)/grades",
                ["person": .string(person), "overrides": .object(overrides)])
            console.answer(answer, text: GradingVerb.table(answer["grades"], console))
        }
    }

    struct RuleList: Verb {
        static let configuration = CommandConfiguration(
            commandName: "rules",
            abstract: "Catalogs and recognizers: versions, states, ages; fields and items that do not meet.")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let node = try await door.open()
            let rules = try await node.get("/api/v1/grading")
            let differences = try await node.get("/api/v1/grading/differences")
            let fields = Columns.text(differences["withoutCatalog"], ["asset", "field"])
            let items = (differences["withoutField"]?.array ?? []).compactMap(\.text).joined(separator: " ")
            let heads = LocalizedText(zh: "定为重要但目录中没有：", en: "graded important, in no catalog:")
            let unused = LocalizedText(zh: "目录中有但无字段：", en: "in a catalog, no field:")
            console.answer(
                ["rules": rules, "differences": differences],
                text: Columns.text(
                    rules["documents"], ["name", "version", "state", "asOf", "ageDays", "proposedBy"])
                    + "\n\n\(console.say(heads))\n\(fields)\n\n\(console.say(unused)) \(items)")
        }
    }

    struct Propose: Verb {
        static let configuration = CommandConfiguration(
            abstract: "File a catalog or a list of recognizers for review.",
            discussion:
                "Example: hutong grading propose Packs/data-classification/catalogs/health.yaml --person 李四")
        @Argument(help: "A YAML file with `sector` and `items`, or with `recognizers`.") var file: String
        @Option(help: "Who proposes it.") var person: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let document = try Declaration(file: file).value
            let answer = try await door.open().post(
                "/api/v1/grading", ["document": document, "person": .string(person)])
            console.answer(answer, text: Columns.text([answer], ["name", "version", "state", "asOf"]))
        }
    }

    struct Review: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Another person puts a proposed version in force, or declines it.",
            discussion: "Example: hutong grading review health 2026-01 --person 王五 --grants")
        @Argument(help: "The sector, or recognizers.") var name: String
        @Argument var version: String
        @Option(help: "Who reviews it; not whoever proposed it.") var person: String
        @Option var why = ""
        @Flag(help: "Put it in force; without it, it is declined.") var grants = false
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/grading/\(name)/review",
                [
                    "version": .string(version), "person": .string(person), "grants": .bool(grants),
                    "why": .string(why),
                ])
            console.answer(answer, text: Columns.text([answer], ["name", "version", "state", "reviewedBy"]))
        }
    }

    /// Grades as a person reads them.
    static func table(_ grades: JSON?, _ console: Console) -> String {
        let language = console.language == .zh ? "zh" : "en"
        let rows = (grades?.array ?? []).map { grade -> JSON in
            [
                "field": grade["field"] ?? "", "class": grade["class"] ?? "",
                "proposed": grade["suggestion"]?[language] ?? "",
                "decided": grade["confirmed"]?.text.map(JSON.string) ?? "–",
                "why": grade["why"]?[language] ?? "",
            ]
        }
        return Columns.text(.array(rows), ["field", "class", "proposed", "decided", "why"])
    }
}

/// `hutong lineage ASSET`.
struct LineageVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "lineage",
        abstract: "From the sources to an asset, step by step, each with its signature. 数据溯源。",
        discussion: "Example: hutong lineage ast-… --prov > prov.json")
    @Argument(help: "The asset's code.") var asset: String
    @Flag(help: "Print W3C PROV-JSON.") var prov = false
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let path = "/api/v1/assets/\(asset)/lineage" + (prov ? "?format=prov" : "")
        let answer = try await door.open().get(path)
        console.answer(answer, text: prov ? answer.prettyText : Self.tree(answer))
    }

    /// The graph from the output back, a line a step; what no step made is where it came from.
    static func tree(_ graph: JSON) -> String {
        let steps = graph["steps"]?.array ?? []
        var lines: [String] = []
        func write(_ digest: String, depth: Int, seen: Set<String>) {
            let indent = String(repeating: "   ", count: depth)
            let made = steps.filter { $0["output"]?.text == digest }
            lines.append(indent + (depth == 0 ? "" : "└─ ") + digest.prefix(16) + (made.isEmpty ? "  ●" : ""))
            guard !seen.contains(digest) else { return }
            for step in made {
                let words = [step["activity"], step["by"], step["at"], step["state"]].compactMap { $0?.text }
                lines.append(indent + "   " + words.joined(separator: "  "))
                for input in step["inputs"]?.array ?? [] {
                    write(input.text ?? "", depth: depth + 1, seen: seen.union([digest]))
                }
            }
        }
        write(graph["output"]?.text ?? "", depth: 0, seen: [])
        return lines.joined(separator: "\n")
    }
}

/// `hutong terminal list|add|state|deliver`.
struct TerminalVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "terminal", abstract: "The ledger of sensing terminals, and their readings. 感知终端台账。",
        subcommands: [List.self, Add.self, State.self, TakeIn.self])

    struct List: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Terminals by district and type, with what each has sent.")
        @Option var district: String?
        @Option var type: String?
        @Flag(help: "Print CSV for a spreadsheet.") var csv = false
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let node = try await door.open()
            let words = [("district", district), ("type", type), ("format", csv ? "csv" : nil)]
            let query = words.compactMap { name, value in
                value.flatMap { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) }.map {
                    name + "=" + $0
                }
            }.joined(separator: "&")
            guard !csv else {
                let bytes = try await node.bytes("/api/v1/terminals?" + query)
                return FileHandle.standardOutput.write(Data(bytes))
            }
            let answer = try await node.get("/api/v1/terminals?" + query)
            let counts = try await node.get("/api/v1/telemetry")
            console.answer(
                ["terminals": answer["terminals"] ?? [], "senders": counts["senders"] ?? []],
                text: Columns.text(
                    answer["terminals"], ["terminal", "cityCode", "type", "place", "district", "state"])
                    + "\n\n"
                    + Columns.text(counts["senders"], ["sender", "accepted", "repeated", "rejected"]))
        }
    }

    struct Add: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Enter a terminal; its key is printed once.",
            discussion:
                "Example: hutong terminal add BJ-AQ-01 --type air-quality --place 东四 --district 东城区 \\\n"
                + "         --owner 环境中心 --source src-… --standard air-live.yaml")
        @Argument(help: "The city's code for it.") var cityCode: String
        @Option var type: String
        @Option var place: String
        @Option var district: String
        @Option var owner: String
        @Option(help: "The source its readings come in under.") var source: String
        @Option(help: "The standard its readings keep, a YAML file.") var standard: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/terminals",
                [
                    "cityCode": .string(cityCode), "type": .string(type), "place": .string(place),
                    "district": .string(district), "owner": .string(owner), "source": .string(source),
                    "standard": try Declaration(file: standard).value,
                ])
            console.answer(answer, text: Columns.text([answer], ["terminal", "cityCode", "state", "key"]))
        }
    }

    struct State: Verb {
        static let configuration = CommandConfiguration(abstract: "planned, working, suspended or retired.")
        @Argument var terminal: String
        @Argument var state: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/terminals/\(terminal)/state", ["state": .string(state)])
            console.answer(answer, text: Columns.text([answer], ["terminal", "cityCode", "state"]))
        }
    }

    struct TakeIn: Verb {
        static let configuration = CommandConfiguration(
            commandName: "deliver",
            abstract: "Take a source's waiting readings in, as the next version of an asset.")
        @Argument(help: "The source's code.") var source: String
        @Option(help: "What people call the asset.") var title: String
        @Option(help: "The asset they continue; a new one without it.") var asset: String?
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/telemetry/deliveries",
                [
                    "source": .string(source), "title": .string(title),
                    "asset": asset.map(JSON.string) ?? .null,
                ])
            console.answer(answer, text: Columns.text([answer], ["asset", "version", "rows"]))
        }
    }
}
