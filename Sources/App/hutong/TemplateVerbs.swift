// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives

/// `hutong template shapes|list|propose|approve|refuse|withdraw`.
struct TemplateVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "template", abstract: "Questions that a holder approves once. 洁净室模板与问题审批。",
        discussion: """
            A template is a question with open places, $name; without places it is a free question that somebody wants \
            approved. Ask one with:
              hutong query agr-… --template incidence --with finding=J20 --with from=2016-01-01 --with until=2017-01-01
            """,
        subcommands: [
            Shapes.self, List.self, Propose.self, Approve.self, Refuse.self, Withdraw.self,
        ])

    struct Shapes: Verb {
        static let configuration = CommandConfiguration(
            abstract: "The usual questions, written over roles: overlap, incidence, attribution, retention.")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/templates")
            let lines = (answer["shapes"]?.array ?? []).map { shape in
                let title = shape["title"]?[console.language.rawValue]?.text ?? ""
                let roles = (shape["roles"]?.array ?? []).map { role in
                    "    \(role["role"]?.text ?? "")  \(role["about"]?[console.language.rawValue]?.text ?? "")"
                }
                return (["\(shape["shape"]?.text ?? "")  \(title)"] + roles).joined(separator: "\n")
            }
            console.answer(answer, text: lines.joined(separator: "\n"))
        }
    }

    struct List: Verb {
        static let configuration = CommandConfiguration(
            abstract: "What may be asked of a listing by template; for its holder every version.",
            discussion: "Example: hutong template list lst-…")
        @Argument(help: "The listing's code.") var listing: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/listings/\(listing)/templates")
            let lines = (answer["templates"]?.array ?? []).map { template in
                let places = (template["parameters"]?.array ?? []).map {
                    "\($0["name"]?.text ?? ""):\($0["type"]?.text ?? "")"
                }
                return "\(TemplateVerb.line(template))  \(places.joined(separator: " "))\n    "
                    + (template["text"]?.text ?? "").replacing("\n", with: "\n    ")
            }
            let none = LocalizedText(
                zh: "没有模板。`hutong template propose` 提交一个。",
                en: "There is none. `hutong template propose` hands one in.")
            console.answer(answer, text: lines.isEmpty ? console.say(none) : lines.joined(separator: "\n"))
        }
    }

    struct Propose: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Hand a question in; the holder's own is approved at once.",
            discussion: """
                Example: hutong template propose lst-… by-day 'SELECT day, count(*) AS n FROM visits WHERE day >= $from \
                GROUP BY day' --place from:day
                         hutong template propose lst-… --shape incidence --column person=person \
                --column district=district --column day=day --column finding=icd
                """)
        @Argument(help: "The listing's code.") var listing: String
        @Argument(help: "Its name: small letters, digits, hyphens.") var name: String?
        @Argument(help: "The question, with $places.") var text: String?
        @Option(help: "A place and its type: from:day (text, integer, decimal, day, bool).") var place:
            [String] = []
        @Option(help: "One of `hutong template shapes`, instead of a question.") var shape: String?
        @Option(help: "ROLE=COLUMN, for a shape.") var column: [String] = []
        @Option(help: "What people call it.") var title: String?
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/listings/\(listing)/templates", try body())
            console.answer(answer, text: TemplateVerb.line(answer))
        }

        private func body() throws -> JSON {
            var body: [String: JSON] = [:]
            body["name"] = name.map(JSON.string)
            body["title"] = title.map(JSON.string)
            if let shape {
                body["shape"] = .string(shape)
                body["columns"] = .object(try TemplateVerb.pairs(column, "--column"))
                return .object(body)
            }
            guard let text, name != nil else {
                throw ValidationError("Give a name and a question, or --shape.")
            }
            body["text"] = .string(text)
            body["parameters"] = .array(
                try place.map { place in
                    let parts = place.split(separator: ":").map(String.init)
                    guard parts.count == 2 else { throw ValidationError("--place is NAME:TYPE") }
                    return ["name": .string(parts[0]), "type": .string(parts[1])]
                })
            return .object(body)
        }
    }

    struct Approve: Verb {
        static let configuration = CommandConfiguration(abstract: "Approve a proposed version.")
        @OptionGroup var decision: DecisionOptions
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions
        func run(_ console: Console) async throws { try await decision.send("approve", door, console) }
    }

    struct Refuse: Verb {
        static let configuration = CommandConfiguration(abstract: "Refuse a proposed version, with a reason.")
        @OptionGroup var decision: DecisionOptions
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions
        func run(_ console: Console) async throws { try await decision.send("refuse", door, console) }
    }

    struct Withdraw: Verb {
        static let configuration = CommandConfiguration(abstract: "Withdraw an approved version.")
        @OptionGroup var decision: DecisionOptions
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions
        func run(_ console: Console) async throws { try await decision.send("withdraw", door, console) }
    }

    /// What the three decisions of a holder say.
    struct DecisionOptions: ParsableArguments {
        @Argument(help: "The listing's code.") var listing: String
        @Argument(help: "The template's name.") var name: String
        @Option(help: "The version; without it, the newest one that waits.") var version: Int?
        @Option(help: "The reason the other side is told.") var why = ""

        func send(_ decision: String, _ door: DoorOptions, _ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/listings/\(listing)/templates/\(name)",
                [
                    "decision": .string(decision), "why": .string(why),
                    "version": version.map { .integer(Int64($0)) } ?? .null,
                ])
            console.answer(answer, text: TemplateVerb.line(answer))
        }
    }

    /// `incidence@2  approved`
    private static func line(_ template: JSON) -> String {
        "\(template["name"]?.text ?? "")@\(template["version"]?.integer ?? 0)  \(template["state"]?.text ?? "")"
    }

    /// `NAME=VALUE` pairs; a value that reads as JSON number or truth value is one.
    static func pairs(_ entries: [String], _ option: String) throws -> [String: JSON] {
        var pairs: [String: JSON] = [:]
        for entry in entries {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map(String.init)
            guard parts.count == 2 else { throw ValidationError("\(option) is NAME=VALUE, not “\(entry)”.") }
            let number = parts[1].first?.isNumber == true || parts[1] == "true" || parts[1] == "false"
            pairs[parts[0]] = (number ? try? JSON(parsing: parts[1]) : nil) ?? .string(parts[1])
        }
        return pairs
    }
}
