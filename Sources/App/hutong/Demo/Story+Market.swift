// SPDX-License-Identifier: Apache-2.0

import APIClient
import Foundation
import Identity
import Policy
import Primitives

/// Steps 3 and 4: listings, demand, negotiation.
extension Story {
    static let purpose = "research"

    static func terms(
        uses: Int64?, doors: Set<Door>, paid: Bool, purposes: Set<String> = [Story.purpose]
    ) -> JSON {
        PlainTerms(
            purposes: purposes, until: Instant(rfc3339: "2030-01-01T00:00:00Z"), usesMax: uses, doors: doors,
            isPaid: paid
        ).policy(id: "urn:hutong:terms").json
    }

    /// Whole months and days of a public table: groups of at least twelve measurements.
    var airRules: JSON {
        let columns: [String: JSON] = [
            "station": ["use": ["filter", "group"]], "year": ["use": ["filter", "group"]],
            "month": ["use": ["filter", "group"]], "day": ["use": ["filter", "group", "join"]],
            "hour": ["use": ["filter", "group"]],
            "PM2.5": ["use": ["filter", "aggregate"], "bounds": [0, 1000], "decimals": 1],
        ]
        return [
            "rules": 1, "tables": ["air": ["columns": .object(columns)]], "minimumGroup": 10,
            "purposes": [.string(Story.purpose)], "answers": ["rowsMax": 5000],
        ]
    }

    /// Visits: one person decides at most one row in each of at most three days; ε 1 a question or match, 4 in all.
    func visitRules(from first: String, to last: String) -> JSON {
        [
            "rules": 1,
            "tables": [
                "visits": [
                    "unit": ["column": "person", "groups": 3, "rowsPerGroup": 1],
                    "columns": [
                        "person": "hidden", "district": ["use": ["filter", "group"]],
                        "day": [
                            "use": ["filter", "group", "join"], "days": [.string(first), .string(last)],
                        ],
                        "resp": "filter-only", "age_band": "filter-only",
                    ],
                ]
            ],
            "privacy": ["mechanism": "laplace", "epsilon": "1", "total": "4"],
            "match": ["keys": ["person"], "wants": ["size"], "minimum": 10, "sets": 1, "items": 10_000],
            "purposes": [.string(Story.purpose)], "answers": ["rowsMax": 5000],
        ]
    }

    // MARK: 3 · open and list

    func list() async throws -> [String: JSON] {
        try await openAir()
        let words = "呼吸 就诊 visits"
        let query = words.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let found = try await exchange.door.get("/api/v1/listings?q=" + query)
        try hold(found["total"]?.integer == 0, "the first search finds nothing")
        let demand = try await buyer.door.post(
            "/api/v1/demands",
            ["words": .string(words), "purpose": .string(Story.purpose), "priceMax": "1CNY"])
        try await refuseTerms()
        let clinicAsset = codes["clinic.asset"] ?? ""
        let body: JSON = [
            "asset": .string(clinicAsset), "table": "visits",
            "title": ["zh": "呼吸系统就诊记录（合成，只可计算）", "en": "respiratory visits (synthetic, compute only)"],
            "about": [
                "zh": "按日、区的就诊；差分隐私计数", "en": "visits by day and district; differentially private counts",
            ],
            "terms": Story.terms(uses: 60, doors: [.query, .match], paid: true),
            "rules": visitRules(from: "2013-03-01", to: isSynthetic ? "2013-06-28" : "2017-02-28"),
            "price": "query:0.50CNY,match:1CNY", "requires": ["quality", "value"],
        ]
        try await refused("trade.listing-unattested") { () async throws(Problem) in
            try await self.clinic.door.post("/api/v1/listings", body)
        }
        for kind in ["quality", "value"] { try await attest(clinicAsset, kind) }
        let offered = try await clinic.door.post("/api/v1/listings", body)
        let listing = offered["listing"]?.text ?? ""
        codes["clinic.listing"] = listing
        let opened = try await exchange.door.post("/api/v1/listings/\(listing)/review", ["opens": true])
        try hold(opened["matched"]?.array?.first == demand["demand"], "the listing answers the demand")
        let again = try await exchange.door.get("/api/v1/listings?q=" + query)
        try hold(again["total"]?.integer == 1, "the second search finds it")
        try await eventually("clinic hears that its listing is open") {
            try await self.state(of: listing, at: self.clinic) == "open"
        }
        return [
            "listings": .integer(2), "demand": demand["demand"] ?? .null, "matched": .string(listing),
        ]
    }

    private func openAir() async throws {
        let offered = try await air.door.post(
            "/api/v1/listings",
            [
                "asset": .string(codes["air.asset"] ?? ""), "table": "air", "openness": "unconditional",
                "title": ["zh": "空气质量小时数据（无条件开放）", "en": "hourly air quality (open data)"],
                "about": ["zh": "站点、时间与六项污染物", "en": "stations, hours and six pollutants"],
                "terms": Story.terms(
                    uses: nil, doors: [.describe, .download, .query], paid: false, purposes: []),
                "rules": airRules, "price": "free",
            ])
        codes["air.listing"] = offered["listing"]?.text
        _ = try await exchange.door.post(
            "/api/v1/listings/\(codes["air.listing"] ?? "")/review", ["opens": true])
        try await eventually("air hears that its listing is open") {
            try await self.state(of: self.codes["air.listing"] ?? "", at: self.air) == "open"
        }
    }

    /// A term that nobody could enforce is refused when it is published, not when it is broken.
    private func refuseTerms() async throws {
        guard case .object(var terms) = Story.terms(uses: 1, doors: [.query], paid: true),
            case .array(var permissions) = terms["permission"] ?? .null,
            case .object(var first) = permissions[0]
        else { return }
        first["constraint"] = [["leftOperand": "industry", "operator": "eq", "rightOperand": "banking"]]
        permissions[0] = .object(first)
        terms["permission"] = .array(permissions)
        let body: JSON = [
            "asset": .string(codes["clinic.asset"] ?? ""), "table": "visits", "title": "t", "about": "a",
            "terms": .object(terms), "price": "query:0.50CNY",
        ]
        try await refused("policy.operand-unenforceable") { () async throws(Problem) in
            try await self.clinic.door.post("/api/v1/listings", body)
        }
    }

    private func state(of listing: String, at node: DemoNode) async throws -> String? {
        try await node.door.get("/api/v1/listings/" + listing)["state"]?.text
    }

    // MARK: 4 · agree

    func agree() async throws -> [String: JSON] {
        codes["air.agreement"] = try await agreeAsListed(codes["air.listing"] ?? "", at: buyer)
        let asked = try await buyer.door.post(
            "/api/v1/offers",
            [
                "listing": .string(codes["clinic.listing"] ?? ""),
                "counter": Story.terms(uses: 200, doors: [.query], paid: true),
            ])
        let waiting = try await eventualOffer(at: clinic, state: "REQUESTED")
        _ = try await clinic.door.post(
            "/api/v1/offers/\(waiting)/counter", ["terms": Story.terms(uses: 40, doors: [.query], paid: true)]
        )
        let countered = try await eventualOffer(at: buyer, state: "OFFERED")
        try hold(countered == asked["offer"]?.text, "the counter-offer belongs to the request")
        _ = try await buyer.door.post("/api/v1/offers/\(countered)/accept")
        codes["clinic.agreement"] = try await agreementInForce(
            codes["clinic.listing"] ?? "", at: buyer, provider: clinic)
        let agreement = try await buyer.door.get("/api/v1/agreements/" + (codes["clinic.agreement"] ?? ""))
        try hold(
            agreement["providerSignature"]?.text != nil && agreement["consumerSignature"]?.text != nil,
            "both signed")
        return [
            "agreement": .string(codes["clinic.agreement"] ?? ""), "counterOffers": .integer(1),
            "held": .string("10.00 CNY"),
        ]
    }

    private func eventualOffer(at node: DemoNode, state: String) async throws -> String {
        var found = ""
        try await eventually("an offer in state \(state) at \(node.name)") {
            let offers = try await node.door.get("/api/v1/offers")["offers"]?.array ?? []
            found = offers.first { $0["state"]?.text == state }?["offer"]?.text ?? ""
            return !found.isEmpty
        }
        return found
    }

    func agreeAsListed(_ listing: String, at node: DemoNode) async throws -> String {
        _ = try await node.door.post("/api/v1/offers", ["listing": .string(listing)])
        return try await agreementInForce(listing, at: node, provider: nil)
    }

    private func agreementInForce(_ listing: String, at node: DemoNode, provider: DemoNode?) async throws
        -> String
    {
        var code = ""
        for place in [node, exchange] + (provider.map { [$0] } ?? []) {
            try await eventually("the agreement is in force at \(place.name)") {
                let all = try await place.door.get("/api/v1/agreements")["agreements"]?.array ?? []
                let mine = all.filter { $0["listing"]?.text == listing && $0["state"]?.text == "in-force" }
                code = mine.first?["agreement"]?.text ?? ""
                return !code.isEmpty
            }
        }
        return code
    }

    /// An account agrees: the exchange negotiates for it, the account's own key signs.
    func agreeByAccount(_ listing: String, _ account: DemoAccount) async throws -> String {
        let asked = try await account.door.post("/api/v1/offers", ["listing": .string(listing)])
        let offer = asked["offer"]?.text ?? ""
        var agreement = ""
        try await eventually("the provider states the agreement") {
            let offers = try await account.door.get("/api/v1/offers")["offers"]?.array ?? []
            let mine = offers.first { $0["offer"]?.text == offer }
            agreement = mine?["agreement"]?.text ?? ""
            return mine?["state"]?.text == "AGREED"
        }
        let unsigned = try await account.door.get("/api/v1/offers/\(offer)/agreement")
        guard let bytes = unsigned["bytes"]?.text.flatMap({ Base64.decode($0) }) else { return "" }
        _ = try await account.door.post(
            "/api/v1/offers/\(offer)/sign",
            ["signature": .string(Base64.encode(try account.signer.signature(for: bytes)))])
        try await eventually("the account's agreement is in force") {
            let all = try await account.door.get("/api/v1/agreements")["agreements"]?.array ?? []
            return all.contains { $0["agreement"]?.text == agreement && $0["state"]?.text == "in-force" }
        }
        return agreement
    }
}
