// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Primitives

/// `hutong case …`: applying, handing in, deciding, objecting.
struct CaseVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "case", abstract: "Cases: apply, follow, decide, object. 办事。",
        subcommands: [CaseInboxVerb.self, CaseShowVerb.self, CaseOpenVerb.self, CaseActVerb.self])
}

struct CaseInboxVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inbox", abstract: "What waits for us, and what we applied for. 我的事项。")
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/cases")
        console.answer(
            answer,
            text: (answer["cases"]?.array ?? []).map { row in
                ["case", "stateTitle", "owner", "due", "subject"].map { row[$0]?.text ?? "–" }
                    .joined(separator: "  ")
            }.joined(separator: "\n"))
    }
}

struct CaseShowVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "A case; to outsiders its public notice. 查看事项。",
        discussion: "  hutong case show cas-…")
    @Argument(help: "The case's code.") var code: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/cases/" + code)
        console.answer(answer, text: CaseText.lines(answer, console).joined(separator: "\n"))
    }
}

struct CaseOpenVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Apply. 申请。",
        discussion: "  hutong case open incubator-certification --subject 胡同孵化器 --answer creditCode=91…")
    @Argument(help: "The procedure's id.") var procedure: String
    @Option(help: "What you apply for.") var subject: String
    @Option(help: "name=value, as often as the procedure asks.") var answer: [String] = []
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let opened = try await door.open().post(
            "/api/v1/cases",
            [
                "procedure": .string(procedure), "subject": .string(subject),
                "answers": CaseText.pairs(answer),
            ])
        console.answer(opened, text: CaseText.lines(opened, console).joined(separator: "\n"))
    }
}

/// One verb for all actions, as the API has one door for them.
struct CaseActVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "act", abstract: "Take a step, check, mark, object, resolve, suspend, resume. 办理。",
        discussion: """
              hutong case act cas-… take step=accept
              hutong case act cas-… check material=M1 accepted=true
              hutong case act cas-… object reason="…"
              hutong case act cas-… take step=refuse input:reason="…"
            """)
    @Argument(help: "The case's code.") var code: String
    @Argument(help: "take, check, mark, object, resolve, suspend, resume or appoint.") var action: String
    @Argument(help: "name=value; inputs of a step as input:name=value.") var values: [String] = []
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let pairs = CaseText.pairs(values).object ?? [:]
        var body: [String: JSON] = ["do": .string(action)]
        var inputs: [String: JSON] = [:]
        for (name, value) in pairs {
            let text = value.text ?? ""
            switch name {
            case "accepted", "upheld": body[name] = .bool(text == "true")
            case "points", "objection": body[name] = Int64(text).map { .integer($0) } ?? value
            case _ where name.hasPrefix("input:"): inputs[String(name.dropFirst(6))] = value
            default: body[name] = value
            }
        }
        if !inputs.isEmpty { body["inputs"] = .object(inputs) }
        let answer = try await door.open().post("/api/v1/cases/\(code)/actions", .object(body))
        console.answer(answer, text: CaseText.lines(answer, console).joined(separator: "\n"))
    }
}

/// A case as lines.
enum CaseText {
    static func pairs(_ words: [String]) -> JSON {
        .object(
            Dictionary(
                words.map { word in
                    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    return (String(parts[0]), JSON.string(parts.count == 2 ? String(parts[1]) : ""))
                }
            ) { _, last in last })
    }

    static func lines(_ json: JSON, _ console: Console) -> [String] {
        let names: [(String, LocalizedText)] = [
            ("case", LocalizedText(zh: "编号", en: "code")),
            ("subject", LocalizedText(zh: "事项", en: "subject")),
            ("stateTitle", LocalizedText(zh: "状态", en: "state")),
            ("owner", LocalizedText(zh: "办理人", en: "with")), ("due", LocalizedText(zh: "期限", en: "due")),
        ]
        var lines = names.compactMap { name, label in
            json[name]?.text.map { "\(console.say(label)): \($0)" }
        }
        let missing = (json["missing"]?.array ?? []).compactMap { $0["title"]?.text }
        if !missing.isEmpty {
            lines.append(
                console.say(LocalizedText(zh: "还缺材料：", en: "missing: ")) + missing.joined(separator: ", "))
        }
        for step in json["steps"]?.array ?? [] {
            lines.append("  → \(step["id"]?.text ?? "")  \(step["title"]?.text ?? "")")
        }
        return lines
    }
}
