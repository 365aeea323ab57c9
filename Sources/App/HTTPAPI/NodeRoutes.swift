// SPDX-License-Identifier: Apache-2.0

import Packs
import Compute
private import Dataspace
import Identity
package import Lane
private import Policy
package import Primitives
import Register
import Store
import Trade
import Transparency
import Valve

extension Courtyard {
    /// Every door of this node.
    package var table: RouteTable {
        let (store, clock) = (store, context.clock)
        return RouteTable(
            nodeRoutes + identityRoutes + registerRoutes + collectRoutes + tradeRoutes + computeRoutes
                + matchRoutes + moneyRoutes + logRoutes + packRoutes + listRoutes + caseRoutes
                + templateRoutes
                + requestRoutes + spaceRoutes + entityRoutes + demandRoutes + taskRoutes + openDataRoutes
                + sharingRoutes + dataspaceRoutes
                + measureRoutes + measurePages + templatePages + listPages + casePages + pageRoutes
        ) { token throws(Problem) in
            try await store.read { transaction throws(Problem) in
                try Tokens.caller(bearing: token, at: clock.now(), in: transaction)
            }
        }
    }

    private var nodeRoutes: [Route] {
        [
            Route("GET", "/healthz", .anyone, "200 while the node serves.") { _ in
                APIReply(["name": .string(name), "version": .string(version), "status": "ok"])
            },
            Route("GET", "/api/v1/openapi.json", .anyone, "This API, described.") { _ in
                APIReply(OpenAPI.document(table.routes, version: version))
            },
            Route("GET", "/metrics", .anyone, "Prometheus text.") { _ throws(Problem) in
                try await metricsText()
            },
            Route(
                "POST", "/lane/v1/messages", .message,
                "A signed message between nodes; an exchange relays it.",
                bodyBytesMax: LaneMessage.bodyBytesMax
            ) { request throws(Problem) in try await receiveMessage(request) },
            Route("POST", "/lane/v1/mailbox", .message, "A dial-out node waits for its next message.") {
                request throws(Problem) in try await poll(request)
            },
            Route(
                "POST", "/lane/v1/mailbox/:ticket", .message, "A dial-out node's reply.",
                bodyBytesMax: LaneMessage.bodyBytesMax
            ) { request throws(Problem) in
                mailbox.reply(try message(of: request), to: request.parameter("ticket"))
                return APIReply([:])
            },
        ]
    }

    private func metricsText() async throws(Problem) -> APIReply {
        let gauges = try await store.read { transaction throws(Problem) in
            [
                "transparency_log_leaves": Int64(try TransparencyLog.size(in: transaction)),
                "valve_refusals": try TransparencyLog.refusalCount(in: transaction),
                "lane_outgoing_messages": try transaction.count("SELECT count(*) FROM lane_outgoing"),
            ]
        }
        return APIReply(
            contentType: "text/plain; version=0.0.4; charset=utf-8",
            body: Array(metrics.text(gauges: gauges).utf8))
    }

    // MARK: The lane

    private func message(of request: APIRequest) throws(Problem) -> LaneMessage {
        guard let token = request.headers["hutong-token"] else { throw .messageRefused.noted("no token") }
        return LaneMessage(token: token, body: request.body)
    }

    private func receiveMessage(_ request: APIRequest) async throws(Problem) -> APIReply {
        let message = try message(of: request)
        let receiver = request.headers["hutong-to"].flatMap { ID<Party>(uuid: $0) }
        if let receiver, receiver != context.own { return reply(try await relay(message, to: receiver)) }
        return reply(try await receive(message))
    }

    /// Takes a message that came by whatever way. A sender this node has not heard of yet is looked up in the
    /// exchange's party list before its message is judged.
    package func receive(_ message: LaneMessage) async throws(Problem) -> LaneMessage {
        if let issuer = SignedToken.claimedIssuer(of: message.token) { _ = try? await context.party(issuer) }
        return try await context.lane.receive(message, receivers: receivers)
    }

    private func reply(_ message: LaneMessage) -> APIReply {
        APIReply(
            contentType: "application/json", headers: ["Hutong-Token": message.token], body: message.body)
    }

    /// An exchange carries what it can neither read the meaning of nor alter: the token names sender and receiver.
    private func relay(_ message: LaneMessage, to receiver: ID<Party>) async throws(Problem) -> LaneMessage {
        guard isExchange else { throw .messageRefused.noted("this node relays nothing") }
        let party = try await store.read { transaction throws(Problem) in
            try PartyRegister.party(receiver, in: transaction)
        }
        return try await context.lane.forward(message, to: party)
    }

    /// The poll is itself a signed message, so that nobody empties another's box.
    private func poll(_ request: APIRequest) async throws(Problem) -> APIReply {
        let sender = try await context.lane.sender(of: try message(of: request), kind: "poll")
        guard let item = await mailbox.next(for: sender.id, patience: .seconds(20)) else {
            return APIReply(status: 204, contentType: "application/json", body: [])
        }
        return APIReply(
            contentType: "application/json",
            headers: ["Hutong-Token": item.message.token, "Hutong-Ticket": item.ticket],
            body: item.message.body)
    }

    /// What this node does with each kind of message.
    package var receivers: [String: LaneService.Receiver] {
        var receivers = [templateReceivers, requestReceivers].reduce(partyReceivers) {
            $0.merging($1) { own, _ in own }
        }
        if isExchange { receivers.merge(exchangeReceivers) { _, exchange in exchange } }
        return receivers
    }

    private var partyReceivers: [String: LaneService.Receiver] {
        [
            "dsp": { body, sender throws(Problem) in try await dsp(body, from: sender) },
            "quote": { body, sender throws(Problem) in
                try await quote(
                    body.needed("text"), on: market.listing(body.needed("listing")),
                    for: speaker(body, sender))
            },
            "budget": { body, sender throws(Problem) in
                try await budget(
                    on: market.listing(body.needed("listing")), for: speaker(body, sender))
            },
            "run": { body, sender throws(Problem) in try await run(body, from: sender) },
            "match.plan": { body, sender throws(Problem) in try await compute.planMatch(body, from: sender) },
            "match.flight": { body, sender throws(Problem) in
                try await compute.takeFlight(body, from: sender)
            },
            "register.granted": { body, sender throws(Problem) in
                try await requireExchange(sender)
                try await registrations.takeGranted(body)
                return [:]
            },
            "listing.state": { body, sender throws(Problem) in
                try await requireExchange(sender)
                try await market.takeState(body)
                return [:]
            },
            "agreement.filed": { body, sender throws(Problem) in
                try await requireExchange(sender)
                try await market.takeFiled(body)
                return [:]
            },
            "proof.get": { body, sender throws(Problem) in try await holderProof(body, for: sender) },
            "agreement.waits": { body, sender throws(Problem) in
                try await requireExchange(sender)
                try await market.takeWaiting(body.needed("agreement"), missing: body["missing"] ?? .null)
                return [:]
            },
            "agreement.revoke": { body, sender throws(Problem) in try await revoke(body, from: sender) },
            "listing.get": { body, sender throws(Problem) in
                let code = try body.needed("listing")
                let listing = try await store.read { transaction throws(Problem) in
                    try ListingBook.listing(code, in: transaction).0
                }
                guard listing.isShown(to: sender.id) else { throw .listingUnknown(code) }
                return listing.json
            },
        ]
    }

    private var exchangeReceivers: [String: LaneService.Receiver] {
        [
            "parties": { _, _ throws(Problem) in
                let parties = try await store.read { transaction throws(Problem) in
                    try PartyRegister.all(in: transaction)
                }
                return ["parties": .array(parties.map(\.json))]
            },
            "register.apply": { body, sender throws(Problem) in
                try await registrations.submit(body, from: sender)
            },
            "listing.submit": { body, sender throws(Problem) in
                let signature = try body.needed("signature") { Base64.decode($0) }
                let listing = try Listing(json: body["listing"] ?? .null)
                try await packs.refuseListing(listing)
                return try await market.submit(listing, signature: signature, from: sender)
            },
            "listing.withdraw": { body, sender throws(Problem) in
                try await market.withdraw(try body.needed("listing"), by: sender.id)
                return [:]
            },
            // What anybody may read here anyway, for a node whose people look at our catalog from their own pages.
            "catalog": { body, _ throws(Problem) in
                let path = try body.needed("path")
                let query = (body["query"]?.object ?? [:]).compactMapValues(\.text)
                guard ["/api/v1/listings", "/api/v1/attestations/"].contains(where: path.hasPrefix) else {
                    throw .bodyMalformed("catalog", "path")
                }
                return try await table.answer(APIRequest(method: "GET", path: path, query: query)).json
            },
            "listing.search": { body, _ throws(Problem) in
                try await table.answer(
                    APIRequest(
                        method: "GET", path: "/api/v1/listings",
                        query: (body.object ?? [:]).compactMapValues(\.text))
                ).json
            },
            "passage.dispute": { body, sender throws(Problem) in
                try await dispute(try body.needed("passage"), why: try body.needed("why"), by: sender.id)
            },
            "demand.post": { body, sender throws(Problem) in try await posted(body, by: sender.id) },
            "demand.accept": { body, sender throws(Problem) in try await accepted(body, by: sender.id) },
            "agreement.file": { body, sender throws(Problem) in
                let signature = try body.needed("signature") { Base64.decode($0) }
                let agreement = try Agreement(wire: body["agreement"] ?? .null)
                try await packs.refuseUse(
                    agreement.policy, of: agreement.listing.terms, by: agreement.consumer)
                return try await market.file(agreement, signature: signature, by: sender)
            },
            "ask": { body, sender throws(Problem) in
                let question = try Question(json: body)
                guard question.asker == sender.id else {
                    throw .messageRefused.noted("asks in another's name")
                }
                return try await compute.keep(question)
            },
            "receipt": { body, sender throws(Problem) in
                guard let receipt = body["receipt"].flatMap(PassageReceipt.init(json:)) else {
                    throw .bodyMalformed("receipt", "receipt")
                }
                try await compute.take(
                    receipt, sealed: body["answer"]?.text.flatMap { Base64.decode($0) }, from: sender)
                return [:]
            },
        ]
    }

    private func requireExchange(_ sender: Party) async throws(Problem) {
        guard try await context.exchange().id == sender.id else {
            throw .messageRefused.noted("only the exchange says this")
        }
    }

    /// The Dataspace Protocol over the lane. An exchange may speak for its accounts, nobody else for anybody.
    private func dsp(_ body: JSON, from sender: Party) async throws(Problem) -> JSON {
        var speaker = sender.id
        if let named = body["as"]?.text.flatMap({ ID<Party>(uuid: $0) }), named != sender.id {
            try await requireExchange(sender)
            let account = try await context.party(named)
            guard account.address == .account else { throw .messageRefused.noted("speaks for a node") }
            speaker = named
        }
        let path = try body.needed("path")
        guard let message = body["message"] else { return try await market.state(path: path, for: speaker) }
        return try await market.receive(path: path, message: message, from: speaker)
    }

    private func run(_ body: JSON, from sender: Party) async throws(Problem) -> JSON {
        try await requireExchange(sender)
        let question = try Question(json: body["question"] ?? .null)
        let price = try body.needed("price") { Money($0) }
        // A question may overtake the news that its agreement was filed: both signatures come with it.
        if let filed = body["agreement"] { try await market.takeFiled(filed) }
        return try await compute.answer(
            question, price: price, asker: try await context.party(question.asker))
    }

    private func revoke(_ body: JSON, from sender: Party) async throws(Problem) -> JSON {
        let party = try body.needed("by") { ID<Party>(uuid: $0) }
        if party != sender.id { try await requireExchange(sender) }
        try await market.revoke(try body.needed("agreement"), by: party)
        return [:]
    }
}

extension APIReply {
    /// The body as JSON, for a verb that calls another.
    var json: JSON { (try? JSON(parsing: body)) ?? .null }
}
