// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives
import WebUI

/// `hutong search`: what is on offer.
struct SearchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Search the catalog. 检索目录。",
        discussion: "Example: hutong search 空气 PM2.5")
    @Argument(help: "Words; a listing must have all of them.") var words: [String] = []
    @Option(help: "describe, download, share, query or match.") var by: String?
    @Option(help: "unconditional, conditional or closed.") var openness: String?
    @Option(help: "free or paid.") var price: String?
    @Option(help: "Listings a page, at most 100.") var limit = 20
    @Option(help: "Where the last page ended, as it said.") var page: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let asked: [(String, String?)] = [
            ("q", words.joined(separator: " ")), ("door", by), ("openness", openness), ("price", price),
            ("limit", String(limit)), ("page", page),
        ]
        let query = asked.compactMap { name, value in
            value?.addingPercentEncoding(withAllowedCharacters: .alphanumerics).map { name + "=" + $0 }
        }
        let found = try await door.open().get("/api/v1/listings?" + query.joined(separator: "&"))
        let lines = (found["listings"]?.array ?? []).map { listing in
            let title = listing["title"]?[console.language.rawValue]?.text ?? ""
            return "\(listing["code"]?.text ?? "")  \(title)  \(Columns.cell(listing["price"] ?? .null))"
        }
        let none = LocalizedText(
            zh: "没有找到。可用 hutong demand post 发布需求。",
            en: "Nothing found. `hutong demand post` states what you need.")
        var text = lines.isEmpty ? console.say(none) : lines.joined(separator: "\n")
        if let next = found["next"]?.text {
            let of = console.say(LocalizedText(zh: "共", en: "of"))
            text += "\n\n\(lines.count) \(of) \(found["total"]?.integer ?? 0)   --page \(next)"
        }
        console.answer(found, text: text)
    }
}

/// `hutong demand post|list|matches|accept|figures`.
struct DemandVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demand", abstract: "State a demand, or list them. 发布或查看需求。",
        subcommands: [Post.self, List.self, Matches.self, Accept.self, Figures.self])

    struct Post: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Post a demand.",
            discussion: "Example: hutong demand post 呼吸 就诊 --purpose research --price-max 1CNY")
        @Argument var words: [String]
        @Option var purpose = ""
        @Option(help: "The dearest use you would pay, such as 1CNY.") var priceMax: String?
        @Option(help: "The field it is in, such as transport.") var field = ""
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().post(
                "/api/v1/demands",
                [
                    "words": .string(words.joined(separator: " ")), "purpose": .string(purpose),
                    "priceMax": priceMax.map(JSON.string) ?? .null, "field": .string(field),
                ])
            console.answer(answer, text: answer["demand"]?.text ?? "")
        }
    }

    struct Matches: Verb {
        static let configuration = CommandConfiguration(
            abstract: "What answers a demand, the best first, with the parts of the score. 撮合结果。")
        @Argument var demand: String
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/demands/\(demand)/matches")
            console.answer(
                answer, text: Columns.text(answer["matches"], ["listing", "wordShare", "price", "opened"]))
        }
    }

    struct Accept: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Choose what answers it; the holder has a task until then. 接受匹配。",
            discussion: "Example: hutong demand accept dmd-… --listing lst-… --due 2026-12-31T16:00:00Z")
        @Argument var demand: String
        @Option var listing: String
        @Option(help: "RFC 3339; in ten days without it.") var due: String?
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            var body: [String: JSON] = ["listing": .string(listing)]
            body["due"] = due.map(JSON.string)
            let answer = try await door.open().post("/api/v1/demands/\(demand)/acceptance", .object(body))
            console.answer(answer, text: answer["taskDue"]?.text ?? "")
        }
    }

    struct Figures: Verb {
        static let configuration = CommandConfiguration(
            abstract: "Open, matched, accepted, met and unmet demand, by field. 供需统计。")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/demands/figures")
            console.answer(
                answer,
                text: Columns.text(
                    answer["fields"], ["field", "open", "matched", "accepted", "closed", "unmet"]))
        }
    }

    struct List: Verb {
        static let configuration = CommandConfiguration(abstract: "List demands with what answered them.")
        @OptionGroup var door: DoorOptions
        @OptionGroup var output: OutputOptions

        func run(_ console: Console) async throws {
            let answer = try await door.open().get("/api/v1/demands")
            console.answer(
                answer, text: Columns.text(answer["demands"], ["demand", "state", "listing", "words"]))
        }
    }
}

/// `hutong agree LISTING`: begin a negotiation.
struct AgreeVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "agree", abstract: "Ask for a listing, under its terms or your own. 就挂牌发起磋商。")
    @Argument var listing: String
    @Option(help: "Other terms, as ODRL in JSON-LD.") var counter: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        var body: [String: JSON] = ["listing": .string(listing)]
        if let counter { body["counter"] = try GivenFile.json(counter) }
        let answer = try await door.open().post("/api/v1/offers", .object(body))
        console.answer(answer, text: Columns.text([answer], ["offer", "state", "turn", "until"]))
    }
}

/// `hutong offer LISTING PARTY`: begin a negotiation as the holder.
struct OfferVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "offer", abstract: "Offer a listing of yours to one party. 向一方要约。",
        discussion: """
            Example: hutong offer lst-… pty-… --terms cheaper.jsonld
            It lies in the other side's inbox: they accept, counter or decline. With --to it goes over the Dataspace \
            Protocol to a connector's address instead of over the lane.
            """)
    @Argument(help: "The listing's code.") var listing: String
    @Argument(help: "A party's code or name.") var party: String
    @Option(help: "Other terms than the listing's, as ODRL in JSON-LD.") var terms: String?
    @Option(help: "The Dataspace Protocol address of the party's connector.") var to: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        var body: [String: JSON] = ["party": .string(party)]
        if let terms { body["terms"] = try GivenFile.json(terms) }
        if let to { body["address"] = .string(to) }
        let answer = try await door.open().post("/api/v1/listings/\(listing)/offers", .object(body))
        console.answer(answer, text: Columns.text([answer], ["offer", "state", "turn", "until"]))
    }
}

/// `hutong offers`: negotiations and agreements, with whose turn it is and until when.
struct OffersVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "offers", abstract: "Negotiations and agreements. 磋商与合约。")
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let node = try await door.open()
        let offers = try await node.get("/api/v1/offers")["offers"] ?? []
        let agreements = try await node.get("/api/v1/agreements")["agreements"] ?? []
        console.answer(
            ["offers": offers, "agreements": agreements],
            text: Columns.text(offers, ["offer", "listing", "state", "turn", "until"]) + "\n\n"
                + Columns.text(agreements, ["agreement", "listing", "state", "contract", "table"]))
    }
}

struct AcceptVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "accept", abstract: "Accept what lies on the table, or counter it. 接受或还价。")
    @Argument var offer: String
    @Option(help: "Propose these terms instead, as ODRL in JSON-LD.") var counter: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let node = try await door.open()
        let answer =
            if let counter {
                try await node.post("/api/v1/offers/\(offer)/counter", ["terms": try GivenFile.json(counter)])
            } else {
                try await node.post("/api/v1/offers/\(offer)/accept")
            }
        console.answer(answer, text: Columns.text([answer], ["offer", "state", "turn", "agreement"]))
    }
}

struct DeclineVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "decline", abstract: "End a negotiation. 拒绝。")
    @Argument var offer: String
    @Option(help: "The reason the other side is told.") var why: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().post("/api/v1/offers/\(offer)/decline", ["why": .string(why)])
        console.answer(answer, text: Columns.text([answer], ["offer", "state"]))
    }
}

/// `hutong query AGREEMENT[,AGREEMENT] 'SELECT …'`.
struct QueryVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Ask a question under an agreement, or over several. 按合约提问。",
        discussion: """
            Example: hutong query agr-… 'SELECT day, COUNT(*) AS n FROM visits GROUP BY day' --purpose research
            Over two agreements each holder answers its own WITH table, and your node joins the answers:
              hutong query agr-…,agr-… 'WITH a AS (SELECT day, AVG(pm25) AS pm FROM air GROUP BY day),
                v AS (SELECT day, COUNT(*) AS n FROM visits GROUP BY day)
                SELECT day, pm, n FROM a JOIN v USING (day)' --effect 'n ~ pm'
            Over rows that a match left in shares, chosen and grouped by columns of your own FILE, which stays here:
              hutong query psg-… 'SELECT district, count(*), sum(cost) FROM clients WHERE age > 60 GROUP BY district' \
                --file clients.csv --key person --purpose care
            """
    )
    @Argument(
        help: "An agreement's code, or several with commas; or a passage that left linked rows in shares.")
    var agreement: String
    @Argument(help: "The question; or --template.") var question: String?
    @Option(help: "Of shares: the CSV file whose rows the question chooses from.") var file: String?
    @Option(help: "Of shares: FILE's key columns, comma separated, as in the match.") var key: String?
    @Option(help: "An approved template of the listing; see `hutong template list`.") var template: String?
    @Option(help: "NAME=VALUE for each place of the template.") var with: [String] = []
    @Option var purpose = ""
    @Option(help: "How much one column moves another: 'OUTCOME ~ EXPOSURE'.") var effect: String?
    @Option(help: "Also draw the effect into this SVG file.") var chart: String?
    @Flag(help: "Say what it would cost, and ask nothing.") var dryRun = false
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        guard chart == nil || effect != nil else {
            throw ValidationError("--chart draws what --effect finds.")
        }
        let node = try await door.open()
        if file != nil || key != nil { return try await askShares(node, console) }
        if dryRun {
            let listing = try await node.get("/api/v1/agreements/" + agreement)["listing"]?["id"]?.text ?? ""
            let code = ID<Self>(uuid: listing).map { Code(.listing, $0).text } ?? ""
            let asked = JSON.object(try asked().merging(["listing": .string(code)]) { $1 })
            let answer = try await node.post("/api/v1/questions/check", asked)
            return console.answer(answer, text: Self.dryText(answer, console.language))
        }
        let agreements = agreement.split(separator: ",").map { JSON.string(String($0)) }
        var body = try asked().merging(["purpose": .string(purpose)]) { $1 }
        if agreements.count == 1, effect == nil {
            body["agreement"] = agreements[0]
        } else {
            body["agreements"] = .array(agreements)
            body["effect"] = try effect.map(Self.effect) ?? .null
        }
        let answer = try await node.post("/api/v1/questions", .object(body))
        if let chart { try draw(answer, console.language, into: chart) }
        console.answer(answer, text: Self.text(answer))
    }

    private func askShares(_ node: NodeDoor, _ console: Console) async throws {
        guard let file, let key, let question, template == nil, effect == nil else {
            throw ValidationError(
                "Of shares: a question, --file and --key, and neither --template nor --effect.")
        }
        let keys = key.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let linked = LinkedQuestion(passage: agreement, text: question, file: file, keys: keys)
        let answer = try await linked.ask(through: node, purpose: purpose, dryRun: dryRun)
        if dryRun { return console.answer(answer, text: answer.prettyText) }
        console.answer(answer, text: MatchVerb.lines(answer, console).joined(separator: "\n"))
    }

    private func draw(_ answer: JSON, _ language: Language, into file: String) throws {
        let names = try effect.map(Self.effect)
        guard
            let chart = EffectChart.make(
                of: answer, outcome: names?["outcome"]?.text ?? "", exposure: names?["exposure"]?.text ?? "")
        else {
            throw ValidationError("--chart draws what --effect finds; both columns must be in the answer.")
        }
        try Files.write(chart.file(Reader(language: language, path: "", nodeName: "hutong")), to: file)
    }

    /// The question's text, or the template's name with its arguments.
    private func asked() throws -> [String: JSON] {
        if let template {
            return [
                "template": .string(template), "arguments": .object(try TemplateVerb.pairs(with, "--with")),
            ]
        }
        guard let question else { throw ValidationError("Give a question, or --template.") }
        return ["text": .string(question)]
    }

    /// "This would cost …, and the error would be about ± …", line by line.
    private static func dryText(_ answer: JSON, _ language: Language) -> String {
        func say(_ zh: String, _ en: String) -> String { LocalizedText(zh: zh, en: en)[language] }
        let (price, epsilon) = (answer["price"]?.text ?? "–", answer["cost"]?["epsilon"]?.double ?? 0)
        let left = answer["budget"]?["left"]?.text
        var lines = [
            say("允许。费用：\(price)，隐私 ε \(epsilon)", "Allowed. It would cost \(price) and ε \(epsilon)")
                + (left.map { say("（尚余 ε \($0)）", " of \($0) left") } ?? "")
        ]
        for error in answer["errors"]?.array ?? [] {
            let (figure, reach) = (error["figure"]?.text ?? "", error["within"]?.double ?? 0)
            lines.append(
                say(
                    "\(figure) 的误差约 ±\(reach)（二十次中有十九次）",
                    "the error of a \(figure) would be about ±\(reach), 19 times in 20"))
        }
        return lines.joined(separator: "\n")
    }

    private static func effect(_ formula: String) throws -> JSON {
        let names = formula.split(separator: "~").map { $0.trimmingCharacters(in: .whitespaces) }
        guard names.count == 2 else { throw ValidationError("--effect is 'OUTCOME ~ EXPOSURE'") }
        return ["outcome": .string(names[0]), "exposure": .string(names[1])]
    }

    private static func text(_ answer: JSON) -> String {
        let columns = answer["result"]?["columns"]?.array?.compactMap(\.text) ?? []
        let rows = (answer["result"]?["rows"]?.array ?? []).map { row in
            (row.array ?? []).map { $0.text ?? $0.canonicalText }.joined(separator: "\t")
        }
        let passages = [answer["code"]] + (answer["parts"]?.array?.map { $0["passage"] } ?? [])
        var facts = (passages.compactMap { $0?.text } + [answer["price"]?.text ?? ""]).joined(separator: "  ")
        if let effect = answer["effect"], let slope = effect["slope"]?.double {
            let interval = effect["interval"]?.array?.compactMap(\.double) ?? []
            facts += String(
                format: "\n%.4f  [%.4f, %.4f]  n = %d", slope, interval.first ?? 0, interval.last ?? 0,
                Int(effect["points"]?.integer ?? 0))
        }
        return ([columns.joined(separator: "\t")] + rows + ["", facts]).joined(separator: "\n")
    }
}

struct ReplayVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run an answered passage again: the same bytes, or a problem. 重放过阀记录。")
    @Argument var passage: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().post("/api/v1/passages/\(passage)/replay")
        console.answer(answer, text: "\(passage)  \(answer["result"]?.text ?? "")")
    }
}

struct StatementVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "statement", abstract: "Every passage of a month and what it cost. 对账单。")
    @Option(help: "YYYY-MM; without it everything.") var month = ""
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/statement?month=" + month)
        let lines = Columns.text(answer["lines"], ["at", "passage", "agreement", "door", "price", "leaf"])
        console.answer(answer, text: lines + "\n\n" + (answer["total"]?.text ?? ""))
    }
}

/// Rows as columns that line up; wide characters count twice.
enum Columns {
    static func text(_ rows: JSON?, _ names: [String]) -> String {
        guard rows?.array?.isEmpty == false else { return names.joined(separator: "  ") + "\n–" }
        let cells = (rows?.array ?? []).map { row in
            names.map { cell(row[$0] ?? .null) }
        }
        let all = [names] + cells
        let widths = names.indices.map { place in all.map { width($0[place]) }.max() ?? 0 }
        return all.map { row in
            row.enumerated().map { place, cell in
                cell + String(repeating: " ", count: widths[place] - width(cell))
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// Nothing is a dash, a list its words, an object its pairs.
    static func cell(_ value: JSON) -> String {
        switch value {
        case .null: "–"
        case .string(let text): text
        case .array(let parts): parts.map(cell).joined(separator: ", ")
        case .object(let pairs):
            pairs.sorted { $0.key < $1.key }.map { $0.key + " " + cell($0.value) }.joined(separator: ", ")
        default: value.canonicalText
        }
    }

    private static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x2e80 ? 2 : 1) }
    }
}
