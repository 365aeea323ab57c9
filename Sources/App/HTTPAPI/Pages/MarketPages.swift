// SPDX-License-Identifier: Apache-2.0

private import Deliver
import Identity
private import Lane
private import Policy
import Primitives
private import Register
private import Store
private import Transparency
private import Valve
import WebUI

/// Pages of the market: what is on offer, and on what terms.
extension Courtyard {
    func catalogPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let asked = request.query.filter { !$0.value.isEmpty }
        let answer = try await catalog("/api/v1/listings", query: asked, as: request)
        let names = try await partyNames()
        let total = Int(answer["total"]?.integer ?? 0)
        let words = asked["q"] ?? ""
        let turn = asked["page"].flatMap { Self.turn($0, by: -20) }
        let foreign = try await harvests.find(words, most: 0).count
        return CatalogPage(
            words: words,
            entries: (answer["listings"]?.array ?? []).compactMap { CatalogPage.Entry($0, names: names) },
            total: total, facets: Self.facets(answer["facets"]?.array ?? [], of: asked),
            figures: asked.isEmpty ? try await figures(listings: total) : nil,
            previousPath: turn.map { Self.catalogPath(asked, with: "page", $0) },
            nextPath: answer["next"]?.text.map { Self.catalogPath(asked, with: "page", $0) },
            foreign: foreign == 0 ? nil : (foreign, Self.foreignPath(words)),
            sameThing: SameThing(
                http: "curl \"$HUTONG_URL/api/v1/listings\(Self.catalogPath(asked).dropFirst())\"",
                cli: "hutong search " + (words.isEmpty ? "''" : words)))
    }

    /// The catalog as it was asked for, with one parameter set to a value or taken away.
    private static func catalogPath(
        _ asked: [String: String], with name: String? = nil, _ value: String? = nil
    ) -> String {
        var asked = asked
        if let name {
            if name != "page" { asked["page"] = nil }
            asked[name] = value
        }
        let pairs = asked.sorted { $0.key < $1.key }.map { $0.key + "=" + $0.value.percentEncoded }
        return pairs.isEmpty ? "/" : "/?" + pairs.joined(separator: "&")
    }

    /// A cursor moved by so many entries; `nil` before the first page.
    private static func turn(_ cursor: String, by step: Int64) -> String? {
        let parts = cursor.split(separator: "-").compactMap { Int64($0) }
        guard parts.count == 2, parts[1] > 0 else { return nil }
        return "\(parts[0])-\(max(0, parts[1] + step))"
    }

    private static func facets(_ counted: [JSON], of asked: [String: String]) -> [CatalogPage.Facet] {
        ["openness", "door", "price"].compactMap { name in
            let choices = counted.filter { $0["name"]?.text == name }.map { choice in
                let value = choice["value"]?.text ?? ""
                let isChosen = choice["isChosen"]?.bool == true
                return CatalogPage.Facet.Choice(
                    name: PageWords.facet(name, value), count: Int(choice["count"]?.integer ?? 0),
                    isChosen: isChosen, path: catalogPath(asked, with: name, isChosen ? nil : value))
            }
            return choices.isEmpty
                ? nil : CatalogPage.Facet(name: PageWords.facetName(name), choices: choices)
        }
    }

    /// A public reading of the catalog. Who is signed in at its own node reads the exchange's; what this node offers
    /// itself, and everything while the exchange is away, comes from here.
    func catalog(
        _ path: String, query: [String: String] = [:], as request: APIRequest
    ) async throws(Problem) -> JSON {
        // A search goes to the exchange by itself.
        guard !isExchange, request.caller?.party == context.own, path != "/api/v1/listings" else {
            return try await api("GET", path, query: query, as: request)
        }
        if let own = try? await api("GET", path, query: query, as: request),
            own["attestations"]?.array?.isEmpty != true
        {
            return own
        }
        do throws(Problem) {
            let exchange = try await context.exchange()
            return try await context.lane.call(
                exchange, "catalog",
                ["path": .string(path), "query": .object(query.mapValues(JSON.string))])
        } catch {
            guard error.kind == .unavailable || error.code == "register.exchange-missing" else { throw error }
            return try await api("GET", path, query: query, as: request)
        }
    }

    func figures(listings: Int) async throws(Problem) -> CatalogPage.Figures {
        try await store.read { transaction throws(Problem) in
            let passages = try transaction.count(
                "SELECT count(DISTINCT id) FROM valve_passage WHERE state IN ('answered', 'settled')")
            return CatalogPage.Figures(
                listings: listings, passages: Int(passages),
                refusals: Int(try TransparencyLog.refusalCount(in: transaction)),
                logSize: Int(try TransparencyLog.size(in: transaction)))
        }
    }

    func listingPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let code = request.parameter("code")
        let listing = try await catalog("/api/v1/listings/" + code, as: request)
        let attested = try await catalog(
            "/api/v1/attestations/" + (listing["asset"]?.text ?? ""), as: request)
        let names = try await partyNames()
        let title = listing["title"].localized
        let profile = listing["summary"]?["profile"]?["columns"]?.array ?? []
        return ListingPage(
            code: try listing.needed("code") { Code($0) }, name: title, summary: listing["about"].localized,
            holder: names.party(listing["holder"]?.text),
            asset: Named(title, Code(listing["asset"]?.text ?? "")),
            standing: PageWords.standing(listing["state"]?.text),
            isSynthetic: title.zh.contains("合成") || title.en.contains("synthetic"),
            doors: listing["doors"]?.array?.compactMap(\.text).map(PageWords.door) ?? [],
            grade: PageWords.highestGrade(of: listing["summary"]?["fields"]?.array ?? []),
            rowCount: listing["summary"]?["rows"]?.integer.map { Int($0) },
            version: listing["summary"]?["version"]?.text.flatMap { Digest(hex: $0) },
            columns: (listing["summary"]?["fields"]?.array ?? []).map { ColumnView($0, profile: profile) },
            withheldStatistics: profile.isEmpty
                ? LocalizedText(
                    zh: "只可计算的数据不公布分布：公开的直方图会绕过隐私预算。",
                    en:
                        "A compute-only table shows no distributions: a public histogram would go around its privacy budget."
                )
                : nil,
            attestations: (attested["attestations"]?.array ?? []).map { HistoryStep(attestation: $0, names) },
            terms: Terms(listing["words"], names, doors: listing["doors"]),
            prices: PriceLine.list(listing["price"]),
            releaseRules: PageWords.rules(listing["rules"]),
            offerPath: listing["holder"]?.text == request.caller.map { Code(.party, $0.party).text }
                ? "/listings/\(code)/offer" : nil,
            sample: await sample(of: listing),
            sameThing: SameThing(
                http: "curl $HUTONG_URL/api/v1/listings/" + code, cli: "hutong agree " + code))
    }

    func agreePage(_ request: APIRequest) async throws(Problem) -> any Page {
        let code = request.parameter("code")
        let listing = try await catalog("/api/v1/listings/" + code, as: request)
        let names = try await partyNames()
        let now = context.clock.now()
        return AgreePage(
            listing: Named(listing["title"].localized, Code(code)),
            holder: names.party(listing["holder"]?.text),
            terms: Terms(listing["words"], names, doors: listing["doors"]),
            prices: PriceLine.list(listing["price"]),
            draft: TermsDraft(terms: listing["terms"], names), idempotencyKey: ID<Courtyard>(at: now).uuid,
            sameThing: SameThing(
                http:
                    "curl -X POST -H \"Authorization: Bearer $HUTONG_TOKEN\" -d '{\"listing\": \"\(code)\"}' "
                    + "$HUTONG_URL/api/v1/offers",
                cli: "hutong agree " + code))
    }

    func demandsPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let answer = try await api("GET", "/api/v1/demands", as: request)
        let demands = (answer["demands"]?.array ?? []).compactMap { row -> DemandPage.Demand? in
            guard let code = Code(row["demand"]?.text ?? "") else { return nil }
            let listing = Code(row["listing"]?.text ?? "")
            return DemandPage.Demand(
                code: code, title: LocalizedText(row["words"]?.text ?? ""), party: nil,
                purpose: row["purpose"]?.text.map { LocalizedText($0) }, ceiling: nil,
                standing: listing == nil
                    ? Standing(
                        LocalizedText(zh: "待匹配", en: "open"), .waits,
                        due: row["dueAt"]?.text.flatMap { Instant(rfc3339: $0) })
                    : Standing(LocalizedText(zh: "已匹配", en: "matched")),
                matches: listing.map { [DemandPage.Match(listing: Named($0.text, $0), score: nil)] } ?? [])
        }
        return DemandPage(
            demands: demands, draftTitle: request.query["title"] ?? "", canPost: request.caller != nil,
            idempotencyKey: ID<Courtyard>(at: context.clock.now()).uuid,
            sameThing: SameThing(
                http: "curl $HUTONG_URL/api/v1/demands", cli: "hutong demand post WORDS --purpose WHY"))
    }

    /// The names of the parties that this node knows, by their codes.
    func partyNames() async throws(Problem) -> PartyNames {
        try await store.read { transaction throws(Problem) in
            let parties = try PartyRegister.all(in: transaction)
            return PartyNames(
                byCode: Dictionary(parties.map { ($0.code.text, $0.name) }) { $1 },
                byURN: Dictionary(parties.map { ($0.id.urn, $0.name) }) { $1 })
        }
    }
}

/// What parties are called; a party that this node does not know is shown by its code.
struct PartyNames {
    let byCode: [String: String]
    let byURN: [String: String]

    /// A sentence of a policy with the names of the parties in it.
    func named(_ sentence: LocalizedText) -> LocalizedText {
        byURN.reduce(sentence) { sentence, party in
            LocalizedText(
                zh: sentence.zh.replacing(party.key, with: party.value),
                en: sentence.en.replacing(party.key, with: party.value))
        }
    }

    func party(_ code: String?) -> Named {
        Named(byCode[code ?? ""] ?? code ?? "–", Code(code ?? ""))
    }
}

extension JSON? {
    /// `{zh, en}`, or one text for both.
    var localized: LocalizedText {
        if let text = self?.text { return LocalizedText(text) }
        return LocalizedText(zh: self?["zh"]?.text ?? "–", en: self?["en"]?.text ?? "–")
    }
}

extension CatalogPage.Entry {
    fileprivate init?(_ row: JSON, names: PartyNames) {
        guard let code = Code(row["code"]?.text ?? "") else { return nil }
        let price = PriceTag.list(row["price"]).filter { $0.name != "cap" && !$0.isOfUnit }.map(\.amount)
            .min { $0.minorUnits < $1.minorUnits }
        self.init(
            code: code, title: row["title"].localized, summary: row["about"].localized,
            holder: names.party(row["holder"]?.text),
            doors: row["doors"]?.array?.compactMap(\.text).map(PageWords.door) ?? [],
            grade: PageWords.openness(row["openness"]?.text),
            price: price.map { LocalizedText(zh: "\($0.amount) 元起", en: "from \($0.description)") }
                ?? LocalizedText(zh: "免费", en: "free"),
            rowCount: nil, path: "/listings/" + code.text)
    }
}

extension ColumnView {
    fileprivate init(_ field: JSON, profile: [JSON]) {
        let name = field["name"]?.text ?? ""
        let column = profile.first { $0["name"]?.text == name }
        let type = field["type"]?.text ?? column?["type"]?.text ?? ""
        self.init(
            name: name, type: PageWords.type(type), grade: PageWords.grade(field["grade"]?.text),
            emptyShare: column?["nulls"]?.integer.map { String($0) },
            histogram: column?["histogram"].flatMap(Histogram.init(profile:)))
    }
}

extension Histogram {
    fileprivate init?(profile: JSON) {
        let counts = profile["counts"]?.array?.compactMap { $0.integer.map { Int($0) } } ?? []
        guard !counts.isEmpty else { return nil }
        func end(_ value: JSON?) -> String { value?.double.map { String(Int($0.rounded())) } ?? "" }
        self.init(counts: counts, low: end(profile["min"]), high: end(profile["max"]))
    }
}

extension PriceLine {
    static func list(_ json: JSON?) -> [PriceLine] {
        let tags = PriceTag.list(json)
        guard !tags.isEmpty else {
            let any = LocalizedText(zh: "各种方式", en: "every door")
            return [PriceLine(door: any, amount: .zero, unit: LocalizedText(zh: "次", en: "use"))]
        }
        return tags.map { tag in
            let unit: LocalizedText =
                switch (tag.name, tag.words) {
                case (_, let words?) where tag.isOfUnit:
                    LocalizedText(zh: "每次至多；\(words)", en: "a use, at most; \(words)")
                case (_, let words?): LocalizedText(zh: "首次；\(words)", en: "first use; \(words)")
                case ("cap", _): LocalizedText(zh: "月，封顶", en: "month, at most")
                case ("month", _): LocalizedText(zh: "月", en: "month")
                default: LocalizedText(zh: "次", en: "use")
                }
            return PriceLine(door: PageWords.door(tag.name), amount: tag.amount, unit: unit)
        }
    }
}

extension Terms {
    /// The sentences of a policy, as the policy itself words them; `doors` are those of what it is about.
    init(_ words: JSON?, _ names: PartyNames, doors: JSON? = nil) {
        self.init(
            sentences: (words?.array ?? []).map { names.named(Optional($0).localized) },
            handsOverACopy: doors?.array?.contains { $0.text.flatMap(Door.init)?.handsOverACopy == true }
                ?? false)
    }
}

extension HistoryStep {
    fileprivate init(attestation: JSON, _ names: PartyNames) {
        self.init(
            at: nil, standing: Standing(LocalizedText(zh: "已签名", en: "signed"), .verified),
            what: PageWords.attestation(
                attestation["kind"]?.text, result: attestation["document"],
                until: attestation["validUntil"]?.text.flatMap { Instant(rfc3339: $0) }),
            by: names.party(attestation["attester"]?.text))
    }
}
