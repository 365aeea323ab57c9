// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Policy
import Primitives

/// `hutong publish FILE…`: taken in, profiled, graded, registered, listed.
struct PublishVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish a dataset without handing it over. 发布数据而不交出数据。",
        discussion: """
            Example: hutong publish trips.csv --title 公交出行 --owner 公交集团 --ground own-operation \\
                     --document 运营管理办法 --rules rules.json --price query:0.50CNY
            Grades are proposed; --confirm says that a responsible person accepts them. Without it the command stops there.
            """)
    @Argument(help: "CSV, JSON or Parquet files of one form.") var files: [String]
    @Option(help: "What people call it.") var title: String
    @Option(help: "Terms as ODRL in JSON-LD; without them: query only, no copy.") var terms: String?
    @Option(help: "Release rules of the query door.") var rules: String?
    @Option(help: PriceHelp.text) var price = "free"
    @Option(help: "Doors, if no terms are given.") var doors = "query"
    @Option(help: "How questions name the table.") var table = "data"
    @Option(help: "Who owns the source.") var owner: String
    @Option(help: "Who collected it; the owner, unless said otherwise.") var collector: String?
    @Option(help: "consent, contract, legal-duty, own-operation, license, …") var ground: String
    @Option(help: "The document of the legal basis.") var document: String
    @Option(help: "Attestations a buyer may rely on: quality,value.") var requires: String?
    @Flag(help: "A responsible person accepts the proposed grades.") var confirm = false
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let node = try await door.open()
        var staged: [JSON] = []
        for file in files {
            console.progress(file)
            staged.append(.string(try await node.stage(file)))
        }
        let taken = try await node.post(
            "/api/v1/assets",
            [
                "deliveries": .array(staged), "title": .string(title),
                "source": [
                    "name": .string(title), "kind": "institution", "owner": .string(owner),
                    "collector": .string(collector ?? owner), "method": "system", "ground": .string(ground),
                    "document": .string(document),
                ],
            ])
        let asset = taken["asset"]?.text ?? ""
        guard confirm else {
            let next = LocalizedText(
                zh: "请查看建议级别，确认后加 --confirm 重新发布，或在页面上确认。",
                en:
                    "Look at the proposed grades, then confirm them: POST /api/v1/assets/\(asset)/grades, or --confirm."
            )
            return console.answer(
                taken,
                text: Columns.text(taken["grades"], ["field", "class", "proposed", "why"]) + "\n\n"
                    + console.say(next))
        }
        _ = try await node.post("/api/v1/assets/\(asset)/grades", ["person": "operator"])
        let registration = try await node.post("/api/v1/assets/\(asset)/registration")
        console.answer(
            .object([
                "asset": .string(asset), "registration": registration, "grades": taken["grades"] ?? .null,
            ]),
            text: "\(asset)\n" + (registration["registration"]?.text ?? "") + "  "
                + (registration["state"]?.text ?? "")
                + "\n" + console.say(Self.then))
    }

    private static let then = LocalizedText(
        zh: "登记获批后，用 hutong list 资产编码 挂牌。", en: "Once it is granted, `hutong list ASSET` offers it.")
}

/// What `--price` takes; docs/books.md says more.
enum PriceHelp {
    static let text = ArgumentHelp(
        "free; query:0.50CNY,match:2CNY; 'query:tiers 0.50CNY..100 0.30CNY'; 'query:pack 100 for 30CNY'; "
            + "'query:month 200CNY with 1000 then 0.10CNY'; with cap:500CNY the most a month costs.")
}

/// `hutong list ASSET`: offer a registered asset.
struct ListVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Offer a registered asset. 挂牌。")
    @Argument var asset: String
    @Option(help: "What people call it.") var title: String
    @Option(help: "One or two sentences.") var about = ""
    @Option(help: "Terms as ODRL in JSON-LD; without them: query only, no copy.") var terms: String?
    @Option(help: "Release rules of the query door.") var rules: String?
    @Option(help: PriceHelp.text) var price = "free"
    @Option(help: "Doors, if no terms are given.") var doors = "query"
    @Option(help: "How questions name the table.") var table = "data"
    @Option(help: "Attestations a buyer may rely on: quality,value.") var requires: String?
    @Option(help: "A contract draft in JSON; without it the standard contract.") var contract: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let chosen = Set(doors.split(separator: ",").compactMap { Door(rawValue: String($0)) })
        let plain = PlainTerms(doors: chosen, isPaid: price != "free").policy(id: "urn:hutong:terms").json
        let listed = try await door.open().post(
            "/api/v1/listings",
            [
                "asset": .string(asset), "title": .string(title),
                "about": .string(about.isEmpty ? title : about),
                "terms": try terms.map { path throws(Problem) in try GivenFile.json(path) } ?? plain,
                "rules": try rules.map { path throws(Problem) in try GivenFile.json(path) } ?? .null,
                "price": .string(price), "table": .string(table),
                "requires": .array((requires ?? "").split(separator: ",").map { .string(String($0)) }),
                "contract": try contract.map { path throws(Problem) in try GivenFile.json(path) } ?? .null,
            ])
        console.answer(listed, text: Columns.text([listed], ["listing", "state"]))
    }
}

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
            abstract: "What is shut, what passed, what was refused.")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/valve")
            let counts = LocalizedText(
                zh: "过阀 \(answer["passed"]?.integer ?? 0) 次，拒绝 \(answer["refused"]?.integer ?? 0) 次",
                en: "\(answer["passed"]?.integer ?? 0) passed, \(answer["refused"]?.integer ?? 0) refused")
            console.answer(
                answer,
                text: Columns.text(answer["closed"], ["target", "at", "why"]) + "\n\n" + console.say(counts))
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
