// SPDX-License-Identifier: Apache-2.0

import APIClient
import Compute
import Foundation
import Identity
import Primitives
import Policy
import PrivateSQL
import Valve
import WebUI

/// Steps 5 to 7: asking, using, refusing.
extension Story {
    static let visitsByDay =
        #"SELECT "day", count(*) AS "visits" FROM "visits" WHERE ("resp" = 1) GROUP BY "day""#
    static let airByMonth = "SELECT station, month, AVG(\"PM2.5\") AS pm FROM air GROUP BY station, month"
    /// "Does bad air bring patients?": each holder answers its own WITH table; the asker's node joins the answers.
    static let airAndVisits = """
        WITH air_days AS (SELECT year, month, day, AVG("PM2.5") AS pm FROM air GROUP BY year, month, day),
        visit_days AS (\(visitsByDay)),
        patients AS (SELECT year(day) AS year, month(day) AS month, day(day) AS day, visits FROM visit_days)
        SELECT year, month, day, pm, visits FROM air_days JOIN patients USING (year, month, day)
        """

    func question(_ agreement: String, _ text: String, purpose: String = Story.purpose) -> JSON {
        [
            "agreement": .string(codes[agreement] ?? agreement), "text": .string(text),
            "purpose": .string(purpose),
        ]
    }

    // MARK: 5 · ask

    func ask() async throws -> [String: JSON] {
        let byMonth = try await buyer.door.post(
            "/api/v1/questions", question("air.agreement", Story.airByMonth))
        let months = byMonth["result"]?["rows"]?.array ?? []
        try hold(
            months.count >= (isSynthetic ? 4 : 144), "a mean for each month and station, got \(months.count)")
        let budget = "/api/v1/budgets/" + (codes["clinic.listing"] ?? "")
        let before = try await clinic.door.get(budget)
        let visits = try await buyer.door.post(
            "/api/v1/questions", question("clinic.agreement", Story.visitsByDay))
        let after = try await clinic.door.get(budget)
        try hold(before["spent"] == "1" && after["spent"] == "2", "the budget was charged once")
        let again = try await buyer.door.post(
            "/api/v1/questions", question("clinic.agreement", Story.visitsByDay))
        try hold(again["result"] == visits["result"], "a repeat gives the same noise")
        try hold(again["price"]?.text == "0.00 CNY", "a repeat is free")
        answers["visits"] = visits["result"]
        codes["passage"] = visits["code"]?.text
        codes["passage.id"] = visits["passage"]?.text
        let joined = try await buyer.door.post(
            "/api/v1/questions",
            [
                "agreements": .array(
                    ["air.agreement", "clinic.agreement"].map { .string(codes[$0] ?? "") }),
                "text": .string(Story.airAndVisits), "purpose": .string(Story.purpose),
                "effect": ["outcome": "visits", "exposure": "pm"],
            ])
        let effect = joined["effect"] ?? .null
        let low = effect["interval"]?[0]?.double ?? .infinity
        let high = effect["interval"]?[1]?.double ?? -.infinity
        // The interval that is shown misses one time in twenty by design; five standard errors miss never.
        let miss = abs((effect["slope"]?.double ?? .infinity) - SyntheticData.plantedEffect)
        try hold(
            miss <= 5 * (effect["standardError"]?.double ?? 0),
            "the interval \(low)…\(high) lies at the planted \(SyntheticData.plantedEffect)")
        try hold(
            joined["parts"]?[1]?["price"]?.text == "0.00 CNY", "the clinic's part was answered before: free")
        let replayed = try await clinic.door.post("/api/v1/passages/\(codes["passage"] ?? "")/replay")
        try hold(replayed["same"] == true, "the arbitrator's replay gives the same bytes")
        let picture = data + "/bad-air-and-visits.svg"
        let chart = EffectChart.make(
            of: joined, outcome: "visits", exposure: "pm", planted: SyntheticData.plantedEffect)
        try hold(chart != nil, "the effect is drawn")
        let reader = Reader(language: console.language, path: "", nodeName: "buyer")
        if let chart { try Files.write(chart.file(reader), to: picture) }
        return [
            "chart": .string(picture), "monthlyMeans": .integer(Int64(months.count)),
            "budgetBefore": before["left"] ?? .null,
            "budgetAfter": after["left"] ?? .null, "days": effect["points"] ?? .null,
            "planted": .number(SyntheticData.plantedEffect),
            "recovered": .number(rounded(effect["slope"]?.double ?? 0)),
            "interval": [.number(rounded(low)), .number(rounded(high))],
            "wire": .object(try searchWire()),
        ]
    }

    private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }

    // MARK: 6 · use

    func use() async throws -> [String: JSON] {
        let file = data + "/daily-risk-index.csv"
        var text = "day,risk\n"
        for row in answers["visits"]?["rows"]?.array ?? [] {
            guard let day = row[0]?.text, let count = row[1]?.number else { continue }
            text += "\(day),\(Int(max(0, count)))\n"
        }
        try Data(text.utf8).write(to: URL(filePath: file))
        let staged = try await NodeDoor.remote(buyer.door).stage(file)
        let taken = try await buyer.door.post(
            "/api/v1/assets",
            [
                "deliveries": [.string(staged)], "title": "每日呼吸风险指数",
                "source": [
                    "name": "clean-room answers", "kind": "enterprise", "owner": "buyer",
                    "collector": "buyer",
                    "method": "exchange", "ground": "license",
                    "document": .string(codes["clinic.agreement"] ?? ""),
                ],
            ])
        let asset = taken["asset"]?.text ?? ""
        _ = try await registered(asset, at: buyer)
        let offered = try await buyer.door.post("/api/v1/listings", riskListing(asset))
        let listing = offered["listing"]?.text ?? ""
        _ = try await exchange.door.post("/api/v1/listings/\(listing)/review", ["opens": true])
        try await eventually("the buyer's product is open") {
            try await self.buyer.door.get("/api/v1/listings/" + listing)["state"]?.text == "open"
        }
        let before = try await balance(of: "clinic", "Payable")
        guard let second = accounts["second"] else { return [:] }
        codes["second.agreement"] = try await agreeByAccount(listing, second)
        let text2 = "SELECT COUNT(*) AS days, AVG(risk) AS risk FROM risk_index"
        let reply = try await second.door.post("/api/v1/questions", question("second.agreement", text2))
        let opened = try open(reply, with: second.sealingKey)
        try hold(
            reply["price"]?.text == "2.00 CNY", "1.90 CNY and one row at 0.10, got \(reply["price"] ?? .null)"
        )
        let after = try await balance(of: "clinic", "Payable")
        try hold(after - before == 60, "30 % of 2.00 CNY goes back to clinic, got \(after - before) fen")
        return [
            "answer": opened["rows"] ?? .null,
            "backToClinic": .string(Money(minorUnits: after - before).description),
        ]
    }

    private func riskListing(_ asset: String) -> JSON {
        [
            "asset": .string(asset), "table": "risk_index",
            "title": ["zh": "每日呼吸风险指数", "en": "daily respiratory-risk index"],
            "about": ["zh": "由净室答案制成", "en": "made from clean-room answers"],
            "terms": Story.terms(uses: 20, doors: [.query], paid: true, purposes: []),
            "rules": [
                "rules": 1,
                "tables": [
                    "risk_index": [
                        "columns": [
                            "day": ["use": ["filter", "group"]],
                            "risk": ["use": ["filter", "aggregate"], "bounds": [0, 10_000]],
                        ]
                    ]
                ],
                "minimumGroup": 5, "answers": ["rowsMax": 5000],
            ],
            "price": "query:1.90CNY,query.rows:0.10CNY up to 5",
            "lineage": [["listing": .string(codes["clinic.listing"] ?? ""), "basisPoints": 3000]],
        ]
    }

    /// What `hutong open` does: the sealed answer opened with the account's own key.
    func open(_ reply: JSON, with key: SealingKey) throws -> JSON {
        guard let id = reply["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) }),
            let sealed = reply["answer"]?.text.flatMap({ Base64.decode($0) }).flatMap({
                SealedBytes(bytes: $0)
            })
        else { throw Problem.sealBroken }
        let bytes = try key.open(sealed, context: ComputeService.sealContext(id))
        return (try? JSON(parsing: bytes)) ?? .null
    }

    func balance(of name: String, _ kind: String) async throws -> Int64 {
        let accounts = try await exchange.door.get("/api/v1/balances")["accounts"]?.array ?? []
        let account = accounts.first { $0["name"]?.text == name && $0["kind"]?.text == kind }
        return Money((account?["balance"]?.text ?? "0") + "CNY")?.minorUnits ?? 0
    }

    // MARK: 7 · refuse

    func refuse() async throws -> [String: JSON] {
        let before = try await exchange.door.get("/api/v1/balances")
        try await refused("valve.party-not-entitled") { () async throws(Problem) in
            try await self.accounts["second"]?.door.post(
                "/api/v1/questions", self.question("clinic.agreement", Story.visitsByDay)) ?? .null
        }
        try await refused("policy.use-refused") { () async throws(Problem) in
            try await self.buyer.door.post(
                "/api/v1/questions",
                self.question("clinic.agreement", "SELECT COUNT(*) FROM visits", purpose: "marketing"))
        }
        try await refuseClosed()
        try await refuseAbroad()
        let after = try await exchange.door.get("/api/v1/balances")
        try hold(paid(before) == paid(after), "nothing was charged for what was refused")
        try await refuseBudget()
        try await refuseRevoked()
        return ["refusals": .array(refusals)]
    }

    private func paid(_ balances: JSON) -> [String] {
        (balances["accounts"]?.array ?? []).filter {
            $0["kind"]?.text == "Payable" || $0["kind"]?.text == "Fee"
        }
        .map { ($0["name"]?.text ?? "") + ($0["balance"]?.text ?? "") }.sorted()
    }

    private func refuseClosed() async throws {
        let target: JSON = ["target": .string(codes["clinic.listing"] ?? ""), "why": "设备检修"]
        let closed = try await clinic.door.post("/api/v1/valve/close", target)
        codes["valve.milliseconds"] = closed["milliseconds"]?.double.map { "\($0)" }
        try await refused("valve.closed") { () async throws(Problem) in
            try await self.buyer.door.post(
                "/api/v1/questions", self.question("clinic.agreement", Story.visitsByDay))
        }
        _ = try await clinic.door.post("/api/v1/valve/open", target)
    }

    private func refuseAbroad() async throws {
        guard let overseas = accounts["overseas"] else { return }
        codes["overseas.agreement"] = try await agreeByAccount(codes["air.listing"] ?? "", overseas)
        try await refused("valve.export-denied") { () async throws(Problem) in
            try await overseas.door.post(
                "/api/v1/questions", self.question("overseas.agreement", Story.airByMonth))
        }
    }

    /// The match and one question were asked; two more questions spend what is left; the next one is refused before it runs.
    private func refuseBudget() async throws {
        for age in ["65+", "0-14"] {
            let text =
                "SELECT day, COUNT(*) AS visits FROM visits WHERE resp = 1 AND age_band = '\(age)' GROUP BY day"
            _ = try await buyer.door.post("/api/v1/questions", question("clinic.agreement", text))
        }
        let paidBefore = paid(try await exchange.door.get("/api/v1/balances"))
        try await refused("valve.privacy-spent") { () async throws(Problem) in
            try await self.buyer.door.post(
                "/api/v1/questions",
                self.question("clinic.agreement", "SELECT COUNT(*) AS n FROM visits WHERE resp = 0"))
        }
        try hold(
            paidBefore == paid(try await exchange.door.get("/api/v1/balances")),
            "the refused question was free")
    }

    private func refuseRevoked() async throws {
        let agreement = codes["second.agreement"] ?? ""
        _ = try await buyer.door.post("/api/v1/agreements/\(agreement)/revoke")
        try await eventually("the revocation reached the exchange") {
            let all =
                try await self.accounts["second"]?.door.get("/api/v1/agreements")["agreements"]?.array ?? []
            return all.contains { $0["agreement"]?.text == agreement && $0["state"]?.text == "revoked" }
        }
        try await refused("valve.agreement-ended") { () async throws(Problem) in
            try await self.accounts["second"]?.door.post(
                "/api/v1/questions", self.question("second.agreement", "SELECT COUNT(*) AS n FROM risk_index")
            ) ?? .null
        }
    }
}

extension JSON {
    /// A number, also where it is written exactly as text.
    var number: Double? { double ?? text.flatMap { Double($0) } }
}
