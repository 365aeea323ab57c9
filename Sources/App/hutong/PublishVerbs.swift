// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Policy
import Primitives

/// What a listing says, for the two verbs that make one.
struct ListingOptions: ParsableArguments {
    @Option(help: "What people call it.") var title: String
    @Option(help: "One or two sentences.") var about = ""
    @Option(help: "Terms as ODRL in JSON-LD; without them: what --doors says, and no copy.") var terms:
        String?
    @Option(help: "Release rules of the query door; see `hutong sql rules example`.") var rules: String?
    @Option(
        help: ArgumentHelp(
            "free; query:0.50CNY,match:2CNY; 'query:tiers 0.50CNY..100 0.30CNY'; 'query:pack 100 for 30CNY'; "
                + "'query:month 200CNY with 1000 then 0.10CNY'; with cap:500CNY the most a month costs."))
    var price = "free"
    @Option(help: "describe, query, match, download, share; used where no terms are given.") var doors =
        "query"
    @Option(help: "How questions name the table.") var table = "data"
    @Option(help: "Attestations a buyer may rely on: quality,value.") var requires: String?
    @Option(help: "unconditional (open to everybody), conditional or closed.") var openness = "conditional"
    @Option(help: "JSON for catalogs: keywords, code, sharing, frequency, license, area.") var catalog:
        String?
    @Option(help: "JSON with the rules for copies: columns, cover, rows, for, smallest.") var delivery:
        String?
    @Option(help: "The data space it is offered in; the open floor without it.") var space: String?
    @Option(help: "Where income goes back to: lst-…=3000, in parts of 10000; several with commas.")
    var lineage: String?
    @Option(help: "A contract draft in JSON; without it the standard contract.") var contract: String?
    @Flag(help: "A responsible person accepts the proposed grades.") var confirm = false
    @Option(help: "Who that person is.") var person = "operator"

    func request(_ asset: String) throws -> JSON {
        let words = doors.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        if let unknown = words.first(where: { Door(rawValue: $0) == nil }) {
            throw ValidationError(
                "--doors has \(unknown); it takes \(Door.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let plain = PlainTerms(doors: Set(words.compactMap(Door.init)), isPaid: price != "free")
            .policy(id: "urn:hutong:terms").json
        return [
            "asset": .string(asset), "title": .string(title), "about": .string(about.isEmpty ? title : about),
            "terms": try terms.map { path throws(Problem) in try GivenFile.json(path) } ?? plain,
            "rules": try rules.map { path throws(Problem) in try GivenFile.json(path) } ?? .null,
            "openness": .string(openness),
            "catalog": try catalog.map { path throws(Problem) in try GivenFile.json(path) } ?? .null,
            "delivery": try delivery.map { path throws(Problem) in try GivenFile.json(path) } ?? .null,
            "space": space.map(JSON.string) ?? .null, "lineage": .array(try shares()),
            "price": .string(price), "table": .string(table),
            "requires": .array((requires ?? "").split(separator: ",").map { .string(String($0)) }),
            "contract": try contract.map { path throws(Problem) in try GivenFile.json(path) } ?? .null,
        ]
    }

    private func shares() throws -> [JSON] {
        try (lineage ?? "").split(separator: ",").map { part in
            let pair = part.split(separator: "=")
            guard pair.count == 2, let share = Int64(pair[1]) else {
                throw ValidationError("--lineage takes lst-…=3000")
            }
            return ["listing": .string(String(pair[0])), "basisPoints": .integer(share)]
        }
    }
}

/// The way of an asset onto the market: grades confirmed, registered, offered. At an exchange's own node its
/// operator's token also grants and opens, so that one command publishes; elsewhere the exchange decides.
struct Offering {
    let asset: String
    let options: ListingOptions
    let node: NodeDoor

    /// The listing with its state, or the registration where that still waits for the exchange.
    func run() async throws -> JSON {
        let listing = try options.request(asset)
        if options.confirm {
            _ = try await node.post("/api/v1/assets/\(asset)/grades", ["person": .string(options.person)])
        }
        if try await registration() == nil {
            let filed = try await node.post("/api/v1/assets/\(asset)/registration")
            guard try await isGranted(filed) else {
                return ["asset": .string(asset), "registration": filed]
            }
        }
        let offered = try await node.post("/api/v1/listings", listing)
        let code = offered["listing"]?.text ?? ""
        guard offered["state"]?.text == "submitted", try await isOperator() else { return offered }
        return try await node.post("/api/v1/listings/\(code)/review", ["opens": true])
    }

    private func registration() async throws -> String? {
        let assets = try await node.get("/api/v1/assets")["assets"]?.array ?? []
        return assets.first { $0["asset"]?.text == asset }?["registration"]?.text
    }

    /// Grants an application that lies at this very node, if the token may.
    private func isGranted(_ filed: JSON) async throws -> Bool {
        if filed["state"]?.text == "granted" { return true }
        guard let application = filed["registration"]?.text, try await isOperator() else { return false }
        _ = try await node.post("/api/v1/registrations/\(application)/review", ["grants": true])
        return true
    }

    private func isOperator() async throws -> Bool {
        do throws(Problem) {
            _ = try await node.get("/api/v1/reviews")
            return true
        } catch  where error.kind == .forbidden {
            return false
        }
    }

    /// What came of it, in a line.
    static func text(_ answer: JSON, _ console: Console) -> String {
        guard let listing = answer["listing"]?.text else {
            let asset = answer["asset"]?.text ?? ""
            let waits = LocalizedText(
                zh: "登记申请已提交，等待交易所审核；获批后运行 hutong list \(asset) 挂牌。",
                en:
                    "The registration waits for the exchange; once it is granted, `hutong list \(asset)` offers it."
            )
            return asset + "\n" + console.say(waits)
        }
        let state = answer["state"]?.text ?? ""
        let waits = LocalizedText(zh: "挂牌等待交易所审核。", en: "The listing waits for the exchange's review.")
        return listing + "  " + state + (state == "submitted" ? "\n" + console.say(waits) : "")
    }
}

/// `hutong publish FILE…`: taken in, profiled, graded, registered, listed.
struct PublishVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish a dataset without handing it over. 发布数据而不交出数据。",
        discussion: """
            Example: hutong publish trips.csv --title 公交出行 --owner 公交集团 --ground own-operation \\
                     --document 运营管理办法 --rules rules.json --table trips --price query:0.50CNY --confirm
            Grades are proposed; --confirm says that a responsible person accepts them. Without it the command \
            stops there, and `hutong list ASSET --confirm` goes on.
            """)
    @Argument(help: "CSV, JSON or Parquet files of one form.") var files: [String]
    @OptionGroup var listing: ListingOptions
    @Option(help: "Who owns the source.") var owner: String
    @Option(help: "Who collected it; the owner, unless said otherwise.") var collector: String?
    @Option(help: "consent, contract, legal-duty, own-operation, license, …") var ground: String
    @Option(help: "The document of the legal basis.") var document: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        _ = try listing.request("")  // A mistake in the listing is told before a long upload.
        let node = try await door.open()
        var staged: [JSON] = []
        for file in files {
            console.progress(file)
            staged.append(.string(try await node.stage(file)))
        }
        let taken = try await node.post(
            "/api/v1/assets",
            [
                "deliveries": .array(staged), "title": .string(listing.title),
                "source": [
                    "name": .string(listing.title), "kind": "institution", "owner": .string(owner),
                    "collector": .string(collector ?? owner), "method": "system", "ground": .string(ground),
                    "document": .string(document),
                ],
            ])
        let asset = taken["asset"]?.text ?? ""
        let grades = GradingVerb.table(taken["grades"], console)
        guard listing.confirm else {
            let next = LocalizedText(
                zh: "请查看建议级别；若无误：hutong list \(asset) --title … --confirm",
                en: "Look at the proposed grades; if they are right: hutong list \(asset) --title … --confirm"
            )
            return console.answer(taken, text: grades + "\n\n" + console.say(next))
        }
        let answer = try await Offering(asset: asset, options: listing, node: node).run()
        console.answer(
            .object(
                (answer.object ?? [:]).merging(["asset": .string(asset), "grades": taken["grades"] ?? .null])
                { $1 }),
            text: grades + "\n\n" + Offering.text(answer, console))
    }
}

/// `hutong list ASSET`: offer an asset that was taken in.
struct ListVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Register an asset and offer it. 登记并挂牌。",
        discussion:
            "Example: hutong list ast-… --title 公交出行 --rules rules.json --price query:0.50CNY --confirm")
    @Argument(help: "The asset's code, as `hutong publish` printed it.") var asset: String
    @OptionGroup var listing: ListingOptions
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await Offering(asset: asset, options: listing, node: try await door.open()).run()
        console.answer(answer, text: Offering.text(answer, console))
    }
}

/// `hutong review`: what waits for the exchange's operator, and the decision.
struct ReviewVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "review", abstract: "See what waits for the operator; grant or refuse it. 审核登记与挂牌。",
        discussion: "Example: hutong review            hutong review lst-… --refuse --why 条款不清")
    @Argument(help: "A registration's or listing's code; without it, what waits.") var code: String?
    @Flag(help: "Refuse it; otherwise it is granted or opened.") var refuse = false
    @Option(help: "The reason the holder is told.") var why = ""
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let node = try await door.open()
        guard let code else {
            let waiting = try await node.get("/api/v1/reviews")
            return console.answer(
                waiting,
                text: Columns.text(waiting["registrations"], ["registration", "asset", "holder", "filedAt"])
                    + "\n\n" + Columns.text(waiting["listings"], ["code", "asset", "holder", "price"]))
        }
        let kind = code.hasPrefix("reg-") ? "registrations" : "listings"
        let answer = try await node.post(
            "/api/v1/\(kind)/\(code)/review",
            ["grants": .bool(!refuse), "opens": .bool(!refuse), "why": .string(why)])
        console.answer(answer, text: "\(code)  \(answer["state"]?.text ?? (refuse ? "refused" : "granted"))")
    }
}
