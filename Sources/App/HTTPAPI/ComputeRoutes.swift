// SPDX-License-Identifier: Apache-2.0

import Compute
import Identity
private import Lane
private import Ledger
private import Policy
import Primitives
import Register
import Store
import Trade
import Transparency
import Valve

extension Courtyard {
    /// Questions, passages, receipts, the budget and the valve.
    var computeRoutes: [Route] {
        [
            Route(
                "POST", "/api/v1/questions", .scope(.computeWrite),
                "Ask one question under one agreement, or over several."
            ) {
                request throws(Problem) in try await ask(request)
            },
            Route(
                "POST", "/api/v1/questions/check", .scope(.computeWrite),
                "What would it cost, and is it allowed?"
            ) {
                request throws(Problem) in try await check(request)
            },
            Route("GET", "/api/v1/passages", .scope(.tradeRead), "Our passages, newest first.") {
                request throws(Problem) in
                try await passages(request)
            },
            Route("GET", "/api/v1/passages/:code", .scope(.tradeRead), "One passage with its receipt.") {
                request throws(Problem) in APIReply(try await passage(request).listed)
            },
            Route(
                "POST", "/api/v1/passages/:code/replay", .signedIn,
                "Run an answered passage again: its holder, or an arbitrator with the holder's mandate."
            ) {
                request throws(Problem) in
                APIReply(try await replay(request.parameter("code"), by: request.proven().party))
            },
            Route(
                "GET", "/api/v1/budgets/:listing", .signedIn,
                "Privacy budget: spent, left, until when it lasts; by whom, as far as that is one's own."
            ) {
                request throws(Problem) in try await budget(request)
            },
            Route("GET", "/api/v1/valve", .signedIn, "What is closed, and what passed or was refused.") {
                _ throws(Problem) in try await valveStatus()
            },
            Route("POST", "/api/v1/valve/close", .scope(.valveWrite), "Close: node, a code, or country:XX.") {
                request throws(Problem) in try await moveValve(request, closes: true)
            },
            Route("POST", "/api/v1/valve/open", .scope(.valveWrite), "Open again.") {
                request throws(Problem) in
                try await moveValve(request, closes: false)
            },
        ]
    }

    private func ask(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let caller = try request.proven()
        if let agreements = body["agreements"]?.array {
            return try await askJointly(agreements, body, caller)
        }
        let id = body["passage"]?.text.flatMap { ID<Passage>(uuid: $0) } ?? ID(at: context.clock.now())
        let code = try body.needed("agreement", { Code($0)?.text })
        let question = Question(
            passage: id, agreementCode: code, door: .query,
            text: try await text(of: body, under: code, caller), purpose: body["purpose"]?.text ?? "",
            asker: caller.party)
        // The party of this node opens its answers here; an account's answer leaves sealed to its own key.
        if caller.party == context.own, !isExchange { return APIReply(try await compute.ask(question)) }
        return APIReply(try await compute.keep(question))
    }

    private func text(of body: JSON, under agreement: String, _ caller: Caller) async throws(Problem)
        -> String
    {
        guard body["template"] != nil else { return try body.needed("text") }
        let listing = try await store.read { transaction throws(Problem) in
            try AgreementBook.agreement(agreement, in: transaction).listing
        }
        return try await questionText(body, on: listing, for: caller.party)
    }

    /// Over several agreements: the parts are joined where they may be opened, at the asker's own node.
    private func askJointly(_ agreements: [JSON], _ body: JSON, _ caller: Caller) async throws(Problem)
        -> APIReply
    {
        guard caller.party == context.own, !isExchange else {
            throw Problem(.forbidden, "compute.joint-elsewhere")
        }
        let effect = body["effect"].flatMap { names -> (outcome: String, exposure: String)? in
            guard let outcome = names["outcome"]?.text, let exposure = names["exposure"]?.text else {
                return nil
            }
            return (outcome, exposure)
        }
        return APIReply(
            try await compute.ask(
                JointAsking(
                    id: body["asking"]?.text.flatMap { ID(uuid: $0) } ?? ID(at: context.clock.now()),
                    agreementCodes: agreements.compactMap { $0.text.flatMap { Code($0)?.text } },
                    text: try body.needed("text"), purpose: body["purpose"]?.text ?? "", effect: effect)))
    }

    private func check(_ request: APIRequest) async throws(Problem) -> APIReply {
        let (body, party) = (try request.json(), try request.proven().party)
        let listing = try await market.listing(body.needed("listing"))
        let text = try await questionText(body, on: listing, for: party)
        let quoted = try await quote(text, on: listing, for: party)
        return APIReply(.object((quoted.object ?? [:]).merging(["text": .string(text)]) { $1 }))
    }

    /// Price, plan and what is left of the budget. Only the holder knows the budget: it is asked, by way of the exchange.
    func quote(_ text: String, on listing: Listing, for party: ID<Party>) async throws(Problem) -> JSON {
        guard let next = try await nextNode(to: listing) else {
            return try await compute.check(text, on: listing, for: party)
        }
        return try await context.lane.call(
            next, "quote",
            [
                "listing": .string(listing.code.text), "text": .string(text), "for": .string(party.uuid),
            ])
    }

    /// The privacy budget as its holder keeps it, as far as a party may see it.
    func budget(on listing: Listing, for party: ID<Party>) async throws(Problem) -> JSON {
        guard let next = try await nextNode(to: listing) else {
            let (budget, now) = (budget, context.clock.now())
            return try await store.read { transaction throws(Problem) in
                try budget.status(of: listing, for: party, at: now, in: transaction)
            }
        }
        return try await context.lane.call(
            next, "budget", ["listing": .string(listing.code.text), "for": .string(party.uuid)])
    }

    /// The node to ask about a listing's holder: the exchange, or from there the holder; `nil` at the holder itself.
    func nextNode(to listing: Listing) async throws(Problem) -> Party? {
        guard listing.holder != context.own else { return nil }
        guard isExchange else { return try await context.exchange() }
        let holder = try await context.party(listing.holder)
        return holder.address == .account ? nil : holder
    }

    private func passages(_ request: APIRequest) async throws(Problem) -> APIReply {
        let rows = try await visiblePassages(try request.proven())
        return APIReply(["passages": .array(rows.map(\.listed))])
    }

    /// An auditor and the operator see every record of this node; a party its own.
    private func visiblePassages(_ caller: Caller) async throws(Problem) -> [Passage] {
        let asker = caller.may(.auditRead) ? nil : caller.party
        return try await store.read { transaction throws(Problem) in
            var rows: [Passage] = []
            for side in Passage.Side.allCases {
                rows += try PassageBook.passages(side: side, asker: asker, in: transaction)
            }
            return rows
        }
    }

    func passage(_ request: APIRequest) async throws(Problem) -> Passage {
        let code = request.parameter("code")
        let visible = try await visiblePassages(try request.proven())
        guard let passage = visible.first(where: { $0.code.text == Code(code)?.text }) else {
            throw Problem(.missing, "valve.passage-unknown", ["passage": .text(code)])
        }
        return passage
    }

    private func budget(_ request: APIRequest) async throws(Problem) -> APIReply {
        let listing = try await market.listing(request.parameter("listing"))
        return APIReply(try await budget(on: listing, for: request.proven().party))
    }

    private func valveStatus() async throws(Problem) -> APIReply {
        try await store.read { transaction throws(Problem) in
            let closures = try DataValve.closures(in: transaction)
            let passed = try transaction.count(
                "SELECT count(DISTINCT id) FROM valve_passage WHERE state IN ('answered', 'settled')")
            return APIReply(
                [
                    "closed": .array(
                        closures.map {
                            [
                                "target": .string($0.target), "why": .string($0.why),
                                "at": .string($0.at.rfc3339),
                            ]
                        }),
                    "passed": .integer(passed),
                    "refused": .integer(try TransparencyLog.refusalCount(in: transaction)),
                ])
        }
    }

    private func moveValve(_ request: APIRequest, closes: Bool) async throws(Problem) -> APIReply {
        let body = try request.json()
        let text = try body.needed("target")
        guard let target = ValveTarget(text) else {
            throw Problem(.invalid, "valve.target-unknown", ["target": .text(text)])
        }
        let party = try request.proven().party
        let (valve, clock) = (valve, context.clock)
        let begun = clock.now()
        try await store.write { transaction throws(Problem) in
            if closes {
                try valve.close(target, why: body["why"]?.text ?? "", by: party, in: transaction)
            } else {
                try valve.open(target, in: transaction)
            }
        }
        let took = clock.now().duration(since: begun).wholeMicroseconds
        return APIReply(
            [
                "target": .string(target.description), "state": closes ? "closed" : "open",
                "milliseconds": .number(Double(took) / 1000),
            ])
    }

    // MARK: Statement

    /// Every settled passage of a month with price, receipt and leaf; of a node that keeps no account, what it asked.
    func statement(_ request: APIRequest) async throws(Problem) -> APIReply {
        let caller = try request.proven()
        let month = request.query["month"] ?? ""
        let rows = try await visiblePassages(caller).filter { passage in
            (passage.state == .settled || passage.side == .holder && passage.state == .answered)
                && passage.reservedAt.day(in: .shanghai).description.hasPrefix(month)
        }
        let total = rows.filter { $0.side == .keeper || !isExchange }.reduce(Int64(0)) {
            $0 + $1.price.minorUnits
        }
        return APIReply(
            [
                "party": .string(Code(.party, caller.party).text), "month": .string(month),
                "lines": .array(rows.map(\.line)), "total": .string(Money(minorUnits: total).description),
            ])
    }
}

extension Passage {
    var listed: JSON {
        [
            "passage": .string(code.text), "side": .string(side.rawValue),
            "agreement": .string(agreementCode),
            "door": .string(door.rawValue), "state": .string(state.rawValue),
            "price": .string(price.description),
            "asker": .string(Code(.party, asker).text), "at": .string(reservedAt.rfc3339),
            "receipt": document["receipt"] ?? .null, "leaf": document["leaf"] ?? .null,
        ]
    }

    /// One line of a statement: what it was, what it cost, and where the evidence lies.
    var line: JSON {
        [
            "passage": .string(code.text), "agreement": .string(agreementCode),
            "door": .string(door.rawValue),
            "at": .string(reservedAt.dateAndTime(in: .shanghai)), "price": .string(price.description),
            "leaf": document["leaf"] ?? .null, "receipt": document["receiptDigest"] ?? .null,
        ]
    }
}
