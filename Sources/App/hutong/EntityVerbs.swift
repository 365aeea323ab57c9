// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives

/// `hutong entity …`: city codes 城市码.
struct EntityVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entity",
        abstract: "City codes: one for each person, enterprise, thing, place and matter. 城市码。",
        subcommands: [Issue.self, Show.self, At.self, Move.self, End.self, QR.self])

    struct Issue: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Give a code, for good. 赋码。",
            discussion: "Example: hutong entity issue 东四站 --sort place --region 110101")
        @Argument(help: "The name; a person's is shown only to those with a right.") var name: String
        @Option(help: "person, enterprise, thing, place or matter.") var sort: String
        @Option(help: "The code of the place where it is.") var place: String?
        @Option(help: "Six digits of GB/T 2260.") var region: String?
        @Option(help: "How you tell it from others: the same again is refused and told its code.")
        var identity: String?
        @Option(help: "The party it stands for, who then decides who sees what is behind the code.")
        var subject: String?
        @Option(help: "From when on (RFC 3339); now without it.") var since: String?
        @Option(help: "NAME=VALUE, as often as needed.") var detail: [String] = []
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let given = [
                "place": place, "region": region, "identity": identity, "subject": subject, "since": since,
            ]
            var body: [String: JSON] = given.compactMapValues { $0.map(JSON.string) }
            body["name"] = .string(name)
            body["sort"] = .string(sort)
            body["details"] = .object(
                try detail.reduce(into: [:]) { details, text in
                    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
                    guard parts.count == 2 else { throw ValidationError("\(text) is not NAME=VALUE.") }
                    details[parts[0]] = .string(parts[1])
                })
            let answer = try await door.open().post("/api/v1/entities", .object(body))
            console.answer(answer, text: answer["code"]?.text ?? "")
        }
    }

    struct Show: Verb {
        static let configuration = CommandConfiguration(
            abstract: "What a code stands for, as far as you may see it. 按权限解析。")
        @Argument var code: String
        @Option(help: "What for, where an authorization is used.") var purpose = ""
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/entities/\(code)?purpose=\(purpose.escaped)")
            console.answer(answer, text: answer.prettyText)
        }
    }

    struct At: Verb {
        static let configuration = CommandConfiguration(
            abstract: "What was at a place at a time. 某时某地有什么。",
            discussion: "Example: hutong entity at ent-… --time 2026-01-31T08:00:00Z")
        @Argument(help: "The place's code.") var place: String
        @Option(help: "RFC 3339; now without it.") var time: String?
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let at = time.map { "&at=" + $0.escaped } ?? ""
            let answer = try await door.open().get("/api/v1/entities?place=\(place)\(at)")
            console.answer(answer, text: Columns.text(answer["entities"], ["code", "sort", "state", "name"]))
        }
    }

    struct Move: Verb {
        static let configuration = CommandConfiguration(abstract: "It is elsewhere from a moment on. 变更位置。")
        @Argument var code: String
        @Option(help: "The code of the place.") var to: String
        @Option(help: "From when on (RFC 3339); now without it.") var since: String?
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            var body: [String: JSON] = ["place": .string(to)]
            body["since"] = since.map(JSON.string)
            let answer = try await door.open().post("/api/v1/entities/\(code)/moves", .object(body))
            console.answer(answer, text: Columns.text(answer["places"], ["place", "since", "until"]))
        }
    }

    struct End: Verb {
        static let configuration = CommandConfiguration(
            abstract: "It is no more; its code is never reused. 注销，编码不再另用。")
        @Argument var code: String
        @Option(help: "When it ended (RFC 3339); now without it.") var at: String?
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            var body: [String: JSON] = [:]
            body["at"] = at.map(JSON.string)
            let answer = try await door.open().post("/api/v1/entities/\(code)/end", .object(body))
            console.answer(answer, text: "\(code) \(answer["state"]?.text ?? "")")
        }
    }

    struct QR: Verb {
        static let configuration = CommandConfiguration(
            commandName: "qr", abstract: "Write a code's page address as a QR code. 生成二维码。",
            discussion: "Example: hutong entity qr ent-… --out station.svg")
        @Argument(help: "Any code of this node.") var code: String
        @Option(help: "The SVG file.") var out: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let bytes = try await door.open().bytes("/codes/\(code)/qr.svg")
            try Files.write(String(decoding: bytes, as: UTF8.self), to: out)
            console.answer(["file": .string(out)], text: out)
        }
    }
}
