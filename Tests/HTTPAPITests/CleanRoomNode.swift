// SPDX-License-Identifier: Apache-2.0

import Compute
import Assembly
import Foundation
import HTTPAPI
import Identity
import Policy
import Primitives
import TestKit
import Valve

/// A buyer or arbitrator with an account at the node: keys of its own, a token, and perhaps an agreement.
struct Account: Sendable {
    let party: Party
    let signer: Ed25519Signer
    let sealingKey: SealingKey
    let token: String
    var agreement = ""

    var headers: [String: String] { ["Authorization": "Bearer " + token] }
}

/// A node that holds one table of visits on offer at its own market, with buyers that ask over HTTP: every promise of
/// the clean room is looked at from outside.
struct CleanRoomNode: Sendable {
    let node: ServedNode
    let asset: String
    let listing: String

    /// Two hundred people with up to three visits each; no name, no address, and the planted values.
    static func visits(people: Int = 200, planted: [String] = []) -> [UInt8] {
        let districts = ["Chaoyang", "Dongcheng", "Haidian", "Xicheng"]
        var lines = ["person,district,day,resp,age,fee"]
        for person in 0..<people {
            for visit in 0...(person % 3) {
                let day = CalendarDay(
                    year: 2016, month: 1 + (person * 7 + visit * 5) % 12, day: 1 + person % 28)
                lines.append(
                    "\(person),\(districts[(person * 5 + visit) % 4]),\(day.map(\.description) ?? ""),"
                        + "\((person + visit) % 3 == 0),\(18 + person * 13 % 70),\(person % 50).5")
            }
        }
        return Array((lines + planted).joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
    }

    static let columns: JSON = [
        "person": "hidden",
        "district": [
            "use": ["filter", "group"], "values": ["Chaoyang", "Dongcheng", "Haidian", "Xicheng"],
        ],
        "day": ["use": ["filter", "group"], "days": ["2016-01-01", "2016-12-31"]], "resp": "filter-only",
        "age": ["use": ["filter", "aggregate", "group"], "bounds": [0, 110]],
        "fee": ["use": ["aggregate"], "bounds": [0, 500], "decimals": 2],
    ]

    /// Rules for the visits; `more` replaces or adds members.
    static func rules(_ more: [String: JSON]) -> JSON {
        let visits: JSON = [
            "unit": ["column": "person", "groups": 12, "rowsPerGroup": 2], "columns": columns,
        ]
        return .object(
            ["rules": 1, "tables": ["visits": visits], "purposes": ["research"]].merging(more) { $1 })
    }

    static func noised(epsilon: String = "0.5", total: String, _ more: [String: JSON] = [:]) -> JSON {
        rules(
            ["privacy": ["mechanism": "laplace", "epsilon": .string(epsilon), "total": .string(total)]]
                .merging(more) { $1 })
    }

    /// Starts a node, publishes and lists the visits under these rules, and runs `body`.
    static func run(
        _ rules: JSON, visits: [UInt8] = visits(),
        _ body: @escaping @Sendable (CleanRoomNode) async throws -> Void
    ) async throws {
        try await ServedNode.run { node in
            let taken = try await node.publish(visits, named: "visits.csv").json
            let asset = taken["asset"]?.text ?? ""
            let listing = try await offer(asset, rules, at: node)
            try await body(CleanRoomNode(node: node, asset: asset, listing: listing))
        }
    }

    private static func offer(_ asset: String, _ rules: JSON, at node: ServedNode) async throws -> String {
        try await done(node.post("/api/v1/assets/\(asset)/grades", ["person": "Li"]))
        let filed = try await done(node.post("/api/v1/assets/\(asset)/registration"))
        let registration = filed["registration"]?.text ?? ""
        try await done(node.post("/api/v1/registrations/\(registration)/review", ["grants": true]))
        let terms = PlainTerms(
            purposes: ["research"], until: Instant(rfc3339: "2030-01-01T00:00:00Z"), usesMax: 1000,
            doors: [.query], isPaid: false)
        let offered = try await done(
            node.post(
                "/api/v1/listings",
                [
                    "asset": .string(asset), "table": "visits", "title": "visits", "about": "visits by day",
                    "terms": terms.policy(id: "urn:hutong:terms").json, "rules": rules, "price": "free",
                ]))
        let listing = offered["listing"]?.text ?? ""
        try await done(node.post("/api/v1/listings/\(listing)/review", ["opens": true]))
        return listing
    }

    /// The reply of a step that must have worked.
    @discardableResult
    static func done(_ reply: (status: Int, json: JSON)) throws -> JSON {
        guard reply.status < 300 else { throw StepRefused(reply: reply.json) }
        return reply.json
    }

    struct StepRefused: Error, CustomStringConvertible {
        let reply: JSON
        var description: String { reply.canonicalText }
    }

    // MARK: Parties

    func account(_ name: String, roles: String = "buyer") async throws -> Account {
        let invited = try await Self.done(
            node.post("/api/v1/parties/invitations", ["name": .string(name), "roles": .string(roles)]))
        guard let invitation = Invitation(text: invited["invitation"]?.text ?? "") else {
            throw StepRefused(reply: invited)
        }
        let (signer, sealingKey) = (Ed25519Signer(), SealingKey())
        let joined = try await Self.done(
            node.post(
                "/api/v1/parties/join",
                [
                    "secret": .string(invitation.secret.disclosed),
                    "id": .string(ID<Party>(at: WallClock.system.now()).uuid),
                    "signingKey": .string(Base64.encode(signer.publicKey.bytes)),
                    "sealingKey": .string(Base64.encode(sealingKey.publicKey)), "address": "account",
                ]))
        guard let party = joined["party"].flatMap(Party.init(json:)), let token = joined["token"]?.text else {
            throw StepRefused(reply: joined)
        }
        return Account(party: party, signer: signer, sealingKey: sealingKey, token: token)
    }

    /// An account that has agreed to the listing's terms, both signatures given.
    func buyer(_ name: String) async throws -> Account {
        var account = try await account(name)
        let asked = try await Self.done(
            post("/api/v1/offers", ["listing": .string(listing)], as: account))
        let offer = asked["offer"]?.text ?? ""
        try await eventually {
            let offers = try await get("/api/v1/offers", as: account)["offers"]?.array ?? []
            return offers.first { $0["offer"]?.text == offer }?["state"] == "AGREED"
        }
        let unsigned = try await get("/api/v1/offers/\(offer)/agreement", as: account)
        let bytes = unsigned["bytes"]?.text.flatMap { Base64.decode($0) } ?? []
        let signature = Base64.encode(try account.signer.signature(for: bytes))
        try await Self.done(
            post("/api/v1/offers/\(offer)/sign", ["signature": .string(signature)], as: account))
        let holder = account
        let agreement = Box("")
        try await eventually {
            let all = try await get("/api/v1/agreements", as: holder)["agreements"]?.array ?? []
            agreement.value = all.first { $0["state"] == "in-force" }?["agreement"]?.text ?? ""
            return !agreement.value.isEmpty
        }
        account.agreement = agreement.value
        return account
    }

    private final class Box {
        var value: String
        init(_ value: String) { self.value = value }
    }

    private func eventually(_ condition: () async throws -> Bool) async throws {
        for _ in 0..<4800 {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(25))
        }
        throw StepRefused(reply: "nothing came of it in two minutes")
    }

    // MARK: Asking

    func get(_ path: String, as account: Account) async throws -> JSON {
        try await node.ask("GET", path, headers: account.headers).json
    }

    func post(_ path: String, _ body: JSON, as account: Account) async throws -> (status: Int, json: JSON) {
        try await node.ask("POST", path, body.canonicalBytes, headers: account.headers)
    }

    /// What one question got: the problem's code, or the opened answer beside the reply.
    struct Outcome: Sendable {
        let reply: JSON
        let answer: JSON

        var code: String? { reply["receipt"] == nil ? reply["code"]?.text : nil }
        var epsilon: String? { reply["receipt"]?["content"]?["epsilon"]?.text }
        var rows: [JSON] { answer["rows"]?.array ?? [] }
    }

    func ask(
        _ text: String, as buyer: Account, purpose: String = "research", _ more: [String: JSON] = [:]
    ) async throws -> Outcome {
        let body: [String: JSON] = [
            "agreement": .string(buyer.agreement), "text": .string(text), "purpose": .string(purpose),
        ]
        let reply = try await post("/api/v1/questions", .object(body.merging(more) { $1 }), as: buyer).json
        guard
            let sealed = reply["answer"]?.text.flatMap({ Base64.decode($0) }).flatMap({
                SealedBytes(bytes: $0)
            }),
            let passage = reply["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) })
        else { return Outcome(reply: reply, answer: .null) }
        let opened = try buyer.sealingKey.open(sealed, context: ComputeService.sealContext(passage))
        return Outcome(reply: reply, answer: try JSON(parsing: opened))
    }

    /// How many leaves the node's log has.
    func leaves() async throws -> Int {
        let metrics = try await LoopbackHTTP.ask("GET", "/metrics", port: node.port).text
        let line = metrics.split(separator: "\n").first { $0.contains("log_leaves ") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? -1
    }

    /// Every GET route with real codes in its places.
    func everyPlace(_ buyer: Account) async throws -> [String] {
        let passages = try await get("/api/v1/passages", as: buyer)["passages"]?.array ?? []
        let codes =
            [listing, asset, buyer.agreement, buyer.party.code.text]
            + passages.prefix(2).compactMap { $0["passage"]?.text }
        var places: [String] = []
        for route in node.node.courtyard.table.routes where route.method == "GET" {
            let isOpen = route.path.contains(":") || route.path.contains("*")
            for code in isOpen ? codes + ["1", "2016-05", "0"] : [""] {
                let path = route.path.replacing(/:\w+/, with: code).replacing("*", with: code)
                places.append(path)
                if !isOpen, path.hasPrefix("/api/v1/listings") { places.append(path + "?q=CANARY7f3a91") }
            }
        }
        return places
    }

    /// What a route answers to a role: its body, or the problem's sentences; empty where the door refuses.
    func look(_ place: String, as role: Role?) async throws -> [UInt8] {
        let parts = place.split(separator: "?", maxSplits: 1).map(String.init)
        var request = APIRequest(
            method: "GET", path: parts[0], query: parts.count > 1 ? ["q": "CANARY7f3a91"] : [:])
        if let role {
            request.caller = Caller(
                party: node.node.own.id, roles: [role], scopes: role.scopes, jurisdiction: "CN")
        }
        do throws(Problem) {
            return try await node.node.courtyard.table.answer(request).body
        } catch {
            let refused = ["identity.scope-missing", "identity.token-refused"].contains(error.code)
            return refused ? [] : APIReply(error, in: .zh, request: "").body
        }
    }

    /// The listing's budget as somebody sees it; the holder's without an account.
    func budget(as account: Account? = nil) async throws -> JSON {
        let path = "/api/v1/budgets/" + listing
        guard let account else { return try await node.ask("GET", path).json }
        return try await get(path, as: account)
    }

    /// The page of an agreement's budget in a language; as the holder sees it without an account.
    func budgetPage(
        of buyer: Account, as reader: Account? = nil, in language: String
    ) async throws -> String {
        let reply = try await node.page(
            "/agreements/\(buyer.agreement)/budget", headers: reader?.headers ?? [:], in: language)
        guard reply.status == 200 else { throw StepRefused(reply: .string(reply.text)) }
        return reply.text
    }
}
