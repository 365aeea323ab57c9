// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Primitives

/// `hutong valve close|open TARGET`, `valve status`.
struct ValveVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "valve", abstract: "Close, open, look at the valve. 关阀、开阀、查看。",
        subcommands: [Close.self, Open.self, Status.self])

    struct Close: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Shut a target before the next record.",
            discussion: "Example: hutong valve close country:US --why 整改")
        @Argument(help: "node, a code, or country:XX.") var target: String
        @Option(help: "The reason that is shown.") var why = ""
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/valve/close", ["target": .string(target), "why": .string(why)])
            console.answer(
                answer, text: "\(target)  closed  \(answer["milliseconds"]?.canonicalText ?? "") ms")
        }
    }

    struct Open: Verb {
        static let configuration = CommandConfiguration(abstract: "Open a target again.")
        @Argument var target: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post("/api/v1/valve/open", ["target": .string(target)])
            console.answer(answer, text: "\(target)  open")
        }
    }

    struct Status: Verb {
        static let configuration = CommandConfiguration(
            abstract: "What is shut, what passed, what was refused, which matches are under way.")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let node = try await door.open()
            let matches = try await node.get("/api/v1/matches")
            let answer = JSON.object(
                (try await node.get("/api/v1/valve").object ?? [:]).merging(matches.object ?? [:]) { $1 })
            let counts = LocalizedText(
                zh: "过阀 \(answer["passed"]?.integer ?? 0) 次，拒绝 \(answer["refused"]?.integer ?? 0) 次",
                en: "\(answer["passed"]?.integer ?? 0) passed, \(answer["refused"]?.integer ?? 0) refused")
            console.answer(
                answer,
                text: Columns.text(answer["closed"], ["target", "at", "why"]) + "\n\n" + console.say(counts)
                    + MatchLine.all(answer["matches"], console).map { "\n" + $0 }.joined())
        }
    }
}

/// `hutong code issue|resolve`.
struct CodeVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "code", abstract: "Issue a code, or resolve one. 赋码与解析。",
        subcommands: [Issue.self, Resolve.self])

    struct Issue: Verb {
        static let configuration = CommandConfiguration(abstract: "Issue a code for something outside.")
        @Argument(help: "The noun's prefix, such as ast.") var kind: String
        @Option var note = ""
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/codes", ["kind": .string(kind), "note": .string(note)])
            console.answer(answer, text: answer["code"]?.text ?? "")
        }
    }

    struct Resolve: Verb {
        static let configuration = CommandConfiguration(abstract: "What a code stands for, and its history.")
        @Argument var code: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/codes/" + code)
            console.answer(answer, text: Columns.text(answer["history"], ["at", "kind", "leaf"]))
        }
    }
}
