// SPDX-License-Identifier: Apache-2.0

package import Dataspace
import Identity
package import Lane
import Policy
package import Primitives
package import Register
import Store
package import Trade
package import Valve

/// The Dataspace Protocol over the web, both roles, with everything it keeps in the node's database: a negotiation is
/// the row that the market's own negotiations are, and becomes the same agreement.
///
/// A request is one commit: the process, its leaf, and what has to follow. What follows, a message to deliver or a move
/// that a rule can decide, is found again in the stored rows by `work()`, so a crash at any moment costs a pause.
package struct DataspaceService: Sendable {
    let context: StageContext
    let market: MarketService
    let delivery: DeliveryService
    let outside: any OutsideCaller

    package init(
        context: StageContext, market: MarketService, delivery: DeliveryService, outside: any OutsideCaller
    ) {
        self.context = context
        self.market = market
        self.delivery = delivery
        self.outside = outside
    }

    /// Where the endpoints stand under a node's root.
    package static let path = "/dsp/2025-1"

    package func endpoints(at root: String) -> DSPEndpoints {
        DSPEndpoints(
            participantId: context.own.urn,
            service: DataService(id: context.own.urn + ":dsp", endpointURL: root + Self.path))
    }

    // MARK: Requests

    /// Answers one request of a proven participant. What the house refuses is told as the protocol tells a refusal.
    package func answer(_ request: DSPRequest, root: String) async throws(Problem) -> DSPReply {
        do throws(Problem) {
            return try await answered(request, root: root)
        } catch  where error.kind != .fault && error.kind != .limited && error.kind != .unavailable {
            return DSPReply(refusing: error.code, request)
        }
    }

    private func answered(_ request: DSPRequest, root: String) async throws(Problem) -> DSPReply {
        let endpoints = endpoints(at: root)
        let (context, market, now) = (context, market, context.clock.now())
        if request.method == "GET" || request.path == "/catalog/request" {
            return try await context.store.read { reading throws(Problem) in
                var book = ProcessStore(reading: reading, writing: nil, own: context.own)
                return try endpoints.answer(
                    request, book: &book,
                    shelf: ListingShelf(reading: reading, service: endpoints.service.id),
                    now: now, newPid: ""
                ).0
            }
        }
        let newPid = Self.pid(for: request)
        if request.path == "/negotiations/offers" {
            // An offer that cannot be read is refused below, with the protocol's own words.
            let target = (try? JSON(parsing: request.body))?["offer"]?["target"]?.text
            if let target { try await market.learn(target, to: context.own) }
        }
        return try await context.store.write { writing throws(Problem) in
            var book = ProcessStore(reading: writing, writing: writing, own: context.own)
            let (reply, event) = try endpoints.answer(
                request, book: &book, shelf: ListingShelf(reading: writing, service: endpoints.service.id),
                now: writing.now, newPid: newPid)
            if case .negotiation(let negotiation, let effects)? = event {
                let row = try NegotiationDesk.keep(negotiation, own: context.own, in: writing)
                try market.record(effects, of: row, in: writing)
            }
            return reply
        }
    }

    /// Our name of what the request may begin: derived from theirs, so that its repetition finds the first.
    private static func pid(for request: DSPRequest) -> String {
        let body = try? JSON(parsing: request.body)
        let theirs = (body?["consumerPid"] ?? body?["providerPid"])?.text ?? ""
        guard let party = ID<Party>(uuid: request.caller) else { return "" }
        return request.path.hasPrefix("/transfers")
            ? ID<TransferProcess>(derivedFrom: Digest(of: "transfer/" + party.urn + theirs)).urn
            : NegotiationDesk.id(begunBy: party, as: theirs).urn
    }

    // MARK: Our own moves

    /// We, the consumer, ask a provider for data under an agreement.
    package func request(
        _ agreementCode: String, at address: String, root: String
    ) async throws(Problem) -> TransferProcess {
        let context = context
        return try await context.store.write { writing throws(Problem) in
            let agreement = try AgreementBook.agreement(agreementCode, in: writing)
            guard agreement.consumer == context.own else { throw .offerUnknown(agreementCode) }
            let request = TransferRequest(
                consumerPid: ID<TransferProcess>(at: writing.now).urn, agreementId: agreement.id.urn,
                format: "HttpData-PULL", callbackAddress: root + Self.path)
            let (transfer, _) = TransferProcess.requesting(
                request, from: agreement.provider.urn, at: address, now: writing.now)
            var book = ProcessStore(reading: writing, writing: writing, own: context.own)
            try book.store(transfer.dueNow)
            return transfer
        }
    }

    /// Completes, suspends, starts again or ends a transfer of ours.
    package func make(_ move: TransferProcess.Move, on pid: String) async throws(Problem) -> TransferProcess {
        let context = context
        return try await context.store.write { writing throws(Problem) in
            var book = ProcessStore(reading: writing, writing: writing, own: context.own)
            guard var transfer = try book.transfer(pid) else { throw .offerUnknown(pid) }
            do throws(ProcessRefusal) {
                _ = try transfer.make(move, at: writing.now)
            } catch {
                throw Problem(.conflict, "trade.offer-refused", ["reason": .text(error.text)])
            }
            try book.store(transfer.dueNow)
            return transfer
        }
    }

    package func transfers() async throws(Problem) -> [TransferProcess] {
        try await context.store.read { reading throws(Problem) in
            try reading.all("SELECT document FROM deliver_transfer ORDER BY changed_at DESC LIMIT 200", []) {
                row throws(Problem) in try TransferProcess(stored: try row.json(0))
            }
        }
    }

    // MARK: What is due

    /// Moves every transfer that is due: starts what may start, delivers, tries again, gives up.
    package func work(root: String) async throws(Problem) {
        let now = context.clock.now()
        let due = try await context.store.read { reading throws(Problem) in
            try ProcessStore.due(at: now, in: reading)
        }
        for pid in due { try await work(on: pid, root: root) }
    }

    private func work(on pid: String, root: String) async throws(Problem) {
        let (context, engine) = (context, engine(root))
        var call = try await context.store.write { writing throws(Problem) -> DSPCall? in
            var book = ProcessStore(reading: writing, writing: writing, own: context.own)
            guard let transfer = try book.transfer(pid) else { return nil }
            let event = DSPEvent.transfer(transfer, [])
            if let moved = try engine.decide(event, book: &book, now: writing.now) {
                return engine.call(for: moved)
            }
            return engine.call(for: try engine.wake(event, book: &book, now: writing.now))
        }
        // A refused message asks for the state, and that is the last call of this round.
        for _ in 0..<2 {
            guard let made = call else { return }
            let outcome = await outcome(of: made)
            call = try await context.store.write { writing throws(Problem) -> DSPCall? in
                var book = ProcessStore(reading: writing, writing: writing, own: context.own)
                guard let event = try engine.settle(made, outcome, book: &book, now: writing.now) else {
                    return nil
                }
                return engine.call(for: event)
            }
        }
    }

    private func engine(_ root: String) -> DataspaceEngine<PullDesk> {
        DataspaceEngine(desk: PullDesk(door: PullDoor(delivery: delivery, root: root)))
    }

    private func outcome(of call: DSPCall) async -> DeliveryOutcome {
        guard let peer = ID<Party>(uuid: call.counterparty) else { return .unreachable(call.counterparty) }
        do throws(Problem) {
            let now = context.clock.now()
            let token = try SignedToken(
                issuer: context.own, audience: peer, tokenID: ID<Party>(at: now).uuid, issuedAt: now,
                subject: DataspaceToken.subject, body: Digest(of: call.body?.canonicalBytes ?? [])
            ).signed(by: context.signer)
            let reply = try await outside.call(
                call.method, call.url, token: token, call.body, deadline: .seconds(10))
            return .answered(status: reply.status, body: reply.body)
        } catch {
            return .unreachable(error.operatorNote ?? error.code)
        }
    }

    // MARK: The data

    /// What a started transfer opens, once more through the valve. `nil` for a token that opens nothing.
    package func pull(
        _ id: String, token: String, as form: FileForm, passage: ID<Passage>?, root: String
    ) async throws(Problem) -> DeliveredFile? {
        guard PullDoor(delivery: delivery, root: root).opens(token, id, now: context.clock.now()) else {
            return nil
        }
        let found = try await context.store.read { reading throws(Problem) -> (Agreement, Party)? in
            let book = ProcessStore(reading: reading, writing: nil, own: ID(derivedFrom: Digest(of: "")))
            guard let transfer = try book.transfer("urn:uuid:" + id), transfer.state == .started,
                transfer.side == .provider,
                let agreement = ProcessStore.agreement(transfer.agreementId, in: reading)
            else { return nil }
            return (agreement, try PartyRegister.party(agreement.consumer, in: reading))
        }
        guard let (agreement, asker) = found else { return nil }
        // A pull says no purpose: where the terms name one alone, that is what was agreed.
        let purposes = PlainTerms(agreement.policy)?.purposes ?? []
        // Named by its consumer, a pull that broke off goes on and counts once.
        return try await delivery.deliver(
            passage ?? ID(at: context.clock.now()), under: agreement.code.text, through: .download, as: form,
            purpose: purposes.count == 1 ? purposes.first ?? "" : "", to: asker)
    }

    /// A fresh token for a refresh token of ours; `nil` for any other.
    package func refreshed(_ refreshToken: String, root: String) -> (token: String, seconds: Int)? {
        let door = PullDoor(delivery: delivery, root: root)
        return door.transfer(of: refreshToken).map {
            (door.token($0, now: context.clock.now()), PullDoor.secondsToLive)
        }
    }
}

extension TransferProcess {
    /// Its message is to be tried at once, not after the time of an attempt that nobody has begun.
    fileprivate var dueNow: TransferProcess {
        var transfer = self
        transfer.correspondence.hasten()
        return transfer
    }
}

extension DSPReply {
    /// A refusal of the house in the words of the protocol.
    fileprivate init(refusing code: String, _ request: DSPRequest) {
        let said = try? JSON(parsing: request.body)
        let type =
            request.path.hasPrefix("/negotiations")
            ? "ContractNegotiationError"
            : request.path.hasPrefix("/transfers") ? "TransferError" : "CatalogError"
        var members: [String: JSON] = [
            "@context": [.string("https://w3id.org/dspace/2025/1/context.jsonld")], "@type": .string(type),
            "code": .string(code), "reason": [.string(code)],
        ]
        if type != "CatalogError" {
            members["providerPid"] = said?["providerPid"] ?? ""
            members["consumerPid"] = said?["consumerPid"] ?? ""
        }
        self.init(status: 400, body: .object(members))
    }
}
