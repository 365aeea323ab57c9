// SPDX-License-Identifier: Apache-2.0

package import Dataspace
package import Identity
private import Lane
package import Policy
package import Primitives
private import Register
package import Store
private import Transparency

/// Negotiating: the machine's effects carried out. What a rule can decide is decided at once; the rest waits for
/// a person, with whose turn it is and until when.
extension MarketService {
    // MARK: Moves of people

    /// A buyer asks for a listing, under its own terms or a counter-proposal.
    package func request(
        _ listingCode: String, counter: UsagePolicy?, as consumer: ID<Party>,
        over web: NegotiationDesk.WebAddresses? = nil
    ) async throws(Problem) -> NegotiationDesk.Row {
        let listing = try await listing(listingCode)
        if let counter { try counter.enforceable() }
        let offer = counter ?? listing.terms
        return try await step { transaction throws(Problem) in
            // The listing is kept with the negotiation: what was shown is what is agreed on.
            if (try? ListingBook.listing(listing.code.text, in: transaction)) == nil {
                try ListingBook.put(listing, state: .open, in: transaction)
            }
            return try NegotiationDesk.request(
                listing, under: offer, as: consumer, over: web, in: transaction)
        }
    }

    /// A holder offers a listing of its own to one party, unasked, under its terms or others made for that party.
    package func offer(
        _ listingCode: String, to consumer: ID<Party>, under terms: UsagePolicy?, as holder: ID<Party>,
        over web: NegotiationDesk.WebAddresses? = nil
    ) async throws(Problem) -> NegotiationDesk.Row {
        if let terms { try terms.enforceable() }
        return try await step { transaction throws(Problem) in
            let listing = try ListingBook.openListing(listingCode, in: transaction)
            guard listing.holder == holder, consumer != holder else { throw .listingUnknown(listingCode) }
            return try NegotiationDesk.offer(
                listing, under: terms ?? listing.terms, to: consumer, over: web, in: transaction)
        }
    }

    /// The side whose turn it is accepts what lies on the table.
    package func accept(_ code: String, as party: ID<Party>) async throws(Problem) -> NegotiationDesk.Row {
        let row = try await context.store.read { transaction throws(Problem) in
            try NegotiationDesk.row(code, of: party, in: transaction)
        }
        switch row.negotiation.side {
        case .consumer: return try await make(.accept, on: row)
        case .provider: return try await make(.agree(agreement(for: row)), on: row)
        }
    }

    /// The side whose turn it is proposes other terms.
    package func counter(
        _ code: String, with offer: UsagePolicy, as party: ID<Party>
    ) async throws(Problem) -> NegotiationDesk.Row {
        try offer.enforceable()
        let row = try await context.store.read { transaction throws(Problem) in
            try NegotiationDesk.row(code, of: party, in: transaction)
        }
        var offer = offer
        offer.target = row.negotiation.offer.target
        offer.assigner = row.negotiation.offer.assigner
        return try await make(row.negotiation.side == .provider ? .offer(offer) : .request(offer), on: row)
    }

    package func decline(_ code: String, why: String, as party: ID<Party>) async throws(Problem)
        -> NegotiationDesk.Row
    {
        let row = try await context.store.read { transaction throws(Problem) in
            try NegotiationDesk.row(code, of: party, in: transaction)
        }
        return try await make(.terminate(Explanation(code: "declined", reasons: [why])), on: row)
    }

    /// An account holder, whose key this node does not have, signs the agreement that the provider stated.
    package func sign(
        _ code: String, signature: [UInt8], as party: ID<Party>
    ) async throws(Problem) -> NegotiationDesk.Row {
        let context = context
        let row = try await context.store.read { transaction throws(Problem) in
            try NegotiationDesk.row(code, of: party, in: transaction)
        }
        let agreement = try await agreement(of: row)
        try await context.store.write { transaction throws(Problem) in
            let signer = try PartyRegister.party(party, in: transaction)
            try file(agreement, signature: signature, by: signer, in: transaction)
        }
        return try await make(.verify, on: row)
    }

    // MARK: Messages

    /// Takes a message of the Dataspace Protocol that came over the lane, and answers as the protocol does.
    ///
    /// - Parameter receiver: whom a first offer is for: this node, or one of its accounts.
    package func receive(
        path: String, message: JSON, from sender: ID<Party>, to receiver: ID<Party>
    ) async throws(Problem) -> JSON {
        let parsed: NegotiationMessage
        do throws(MessageFailure) {
            parsed = try NegotiationMessage(json: message)
        } catch {
            throw Problem(.invalid, "trade.offer-refused", ["reason": .text(error.text)])
        }
        let parts = path.split(separator: "/").map(String.init)
        if case .offer(let offered) = parsed, parts.last == "offers", parts.count == 2 {
            try await learn(offered.offer.target, to: receiver)
        }
        let stored = try await store { transaction throws(Problem) in
            if case .request(let request) = parsed, parts.last == "request", parts.count == 2 {
                return try NegotiationDesk.open(request, from: sender, in: transaction)
            }
            if case .offer(let offered) = parsed, parts.last == "offers", parts.count == 2 {
                return try NegotiationDesk.open(offered, from: sender, to: receiver, in: transaction)
            }
            return try NegotiationDesk.receive(
                parsed, pid: parts.count > 1 ? parts[1] : "", from: sender, in: transaction)
        }
        // What follows is done by `work()`: a reply that waited for our next message could wait for itself.
        return stored.row.negotiation.reply
    }

    /// The state of a negotiation, for the other side.
    package func state(path: String, for sender: ID<Party>) async throws(Problem) -> JSON {
        let pid = String(path.split(separator: "/").last ?? "")
        return try await context.store.read { transaction throws(Problem) in
            try NegotiationDesk.row(pid: pid, counterparty: sender, in: transaction).negotiation.reply
        }
    }

    /// Does what is due in every negotiation: delivers and redelivers messages, decides what a rule can decide, files
    /// what was concluded. It needs nothing but the stored rows, so it also finishes what a crash interrupted.
    package func work() async throws(Problem) {
        let now = context.clock.now()
        let rows = try await context.store.read { transaction throws(Problem) in
            try NegotiationDesk.open(in: transaction)
        }
        for row in rows {
            if let delivery = row.negotiation.correspondence.delivery {
                if delivery.nextAttempt <= now { try await deliver(row) }
            } else if row.negotiation.state == .finalized {
                try await conclude(row)
            } else if row.negotiation.state.actor == row.negotiation.side {
                _ = try await decide(row)
            }
        }
    }

    // MARK: Steps and their effects

    private func make(_ move: Negotiation.Move, on row: NegotiationDesk.Row) async throws(Problem)
        -> NegotiationDesk.Row
    {
        try await step { transaction throws(Problem) in
            try NegotiationDesk.make(move, on: row.code.text, as: row.ownParty, in: transaction)
        }
    }

    /// Stores one step with its leaves, then carries out what lies outside the transaction.
    private func step(
        _ take: @escaping @Sendable (any SQLWriting) throws(Problem) -> NegotiationDesk.Step
    ) async throws(Problem) -> NegotiationDesk.Row {
        try await carryOut(store(take))
    }

    private func store(
        _ take: @escaping @Sendable (any SQLWriting) throws(Problem) -> NegotiationDesk.Step
    ) async throws(Problem) -> NegotiationDesk.Step {
        try await context.store.write { transaction throws(Problem) in
            let step = try take(transaction)
            try record(step.effects, of: step.row, in: transaction)
            return step
        }
    }

    /// Writes a step's leaves, and tells whoever is to act, in the step's own commit.
    package func record(
        _ effects: [Negotiation.Effect], of row: NegotiationDesk.Row, in transaction: any SQLWriting
    ) throws(Problem) {
        for case .record(let state, let digest) in effects {
            try context.record(
                Self.kind(of: state, by: row), row.code,
                ["state": .string(state.rawValue), "transcript": .string(digest.hex)], in: transaction)
            if row.negotiation.state.actor == row.negotiation.side {
                try Notices.tell(
                    row.ownParty, .offerReceived, about: row.code.text,
                    ["state": .string(state.rawValue)], in: transaction)
            }
        }
    }

    private static func kind(of state: Negotiation.State, by row: NegotiationDesk.Row) -> LogEntryKind {
        switch state {
        case .requested: .offerMade
        case .offered: .offerCountered
        case .terminated: .offerDeclined
        case .accepted, .agreed, .verified, .finalized: .offerAccepted
        }
    }

    private func carryOut(_ step: NegotiationDesk.Step) async throws(Problem) -> NegotiationDesk.Row {
        var row = step.row
        // Who is told that an agreement is final may use it with his next call: it is in force before he hears of it.
        if row.negotiation.state == .finalized { try await conclude(row) }
        for effect in step.effects {
            switch effect {
            case .deliver: row = try await deliver(row)
            case .decide: row = try await decide(row)
            case .askState: try await askState(row)
            case .record: break  // Its leaf is in the step's own commit.
            }
        }
        return row
    }

    /// What a rule can decide: terms that are the listing's own are agreed to; an agreement that is what was
    /// offered is verified; a verified one is finalized. Everything else waits for a person.
    private func decide(_ row: NegotiationDesk.Row) async throws(Problem) -> NegotiationDesk.Row {
        let negotiation = row.negotiation
        switch (negotiation.side, negotiation.state) {
        case (.provider, .requested):
            let listing = try await listing(row.listingCode)
            guard negotiation.offer.termsDigest == listing.terms.termsDigest else { return row }
            return try await make(.agree(agreement(for: row)), on: row)
        case (.provider, .accepted): return try await make(.agree(agreement(for: row)), on: row)
        case (.provider, .verified): return try await make(.finalize, on: row)
        case (.consumer, .agreed):
            let faults = negotiation.faults(ownId: row.ownParty.urn)
            guard faults.isEmpty else {
                return try await make(
                    .terminate(Explanation(code: "agreement-differs", reasons: faults)), on: row)
            }
            guard row.ownParty == context.own else { return row }  // An account signs with its own key first.
            return try await make(.verify, on: row)
        default: return row
        }
    }

    /// Both sides hold the agreement: each signs it and files it at the exchange, once. The negotiation stays open
    /// until the other side has acknowledged its last message.
    private func conclude(_ row: NegotiationDesk.Row) async throws(Problem) {
        let (context, id) = (context, row.id)
        let isDelivered = row.negotiation.correspondence.delivery == nil
        // An account signed and filed before it verified.
        let agreement = row.ownParty == context.own ? try await agreement(of: row) : nil
        try await context.store.write { transaction throws(Problem) in
            if let agreement, try !AgreementBook.isSigned(agreement, by: context.own, in: transaction) {
                try signAndFile(agreement, of: row, in: transaction)
            }
            if isDelivered { try NegotiationDesk.close(id, in: transaction) }
        }
    }

    private func signAndFile(
        _ agreement: Agreement, of row: NegotiationDesk.Row, in transaction: any SQLWriting
    ) throws(Problem) {
        let signature = try context.signer.signature(for: agreement.signedBytes)
        let exchange = try context.exchange(in: transaction)
        let own = try PartyRegister.party(context.own, in: transaction)
        let peer = try PartyRegister.party(row.counterparty, in: transaction)
        if row.webAddress != nil, peer.address == .account, row.negotiation.side == .provider {
            // A foreign connector has no key of ours to sign agreements with: its acceptance is the verification
            // that its credentials proved, kept as the digest of the whole transcript.
            try grant(agreement, evidence: row.negotiation.correspondence.digest, in: transaction)
        } else if exchange.id == context.own {
            try file(agreement, signature: signature, by: own, in: transaction)
        } else {
            _ = try AgreementBook.sign(agreement, by: own, signature: signature, in: transaction)
            try context.lane.post(
                "agreement.file",
                ["agreement": agreement.wire, "signature": .string(Base64.encode(signature))],
                to: exchange.id, in: transaction)
        }
    }

    /// The agreement a provider states for what lies on the table.
    private func agreement(for row: NegotiationDesk.Row) -> UsagePolicy {
        let now = context.clock.now()
        let offer = row.negotiation.offer
        return offer.agreement(
            id: ID<Agreement>(at: now).urn, assigner: row.ownParty.urn, assignee: row.counterparty.urn,
            target: offer.target ?? "", at: Instant(seconds: now.seconds))
    }

    /// The agreement as a row of ours, from a negotiation that states one.
    package func agreement(of row: NegotiationDesk.Row) async throws(Problem) -> Agreement {
        guard let policy = row.negotiation.agreement, let id = ID<Agreement>(uuid: policy.id) else {
            throw .offerUnknown(row.code.text)
        }
        let isProvider = row.negotiation.side == .provider
        return Agreement(
            id: id, provider: isProvider ? row.ownParty : row.counterparty,
            consumer: isProvider ? row.counterparty : row.ownParty, policy: policy,
            listing: try await listing(row.listingCode))
    }

    /// Keeps the listing that an offer is about, as the exchange shows it: what was shown is what is agreed on.
    package func learn(_ target: String?, to receiver: ID<Party>) async throws(Problem) {
        guard let id = target.flatMap({ ID<Listing>(uuid: $0) }) else { throw .listingUnknown(target ?? "") }
        let listing = try await listing(Code(.listing, id).text)
        guard listing.isShown(to: receiver) else { throw .listingUnknown(listing.code.text) }
        try await context.store.write { transaction throws(Problem) in
            if (try? ListingBook.listing(listing.code.text, in: transaction)) == nil {
                try ListingBook.put(listing, state: .open, in: transaction)
            }
        }
    }

    /// A listing from our own book, else from the exchange.
    package func listing(_ code: String) async throws(Problem) -> Listing {
        let known = try await context.store.read { transaction throws(Problem) in
            try? ListingBook.listing(code, in: transaction).0
        }
        if let known { return known }
        let exchange = try await context.exchange()
        guard exchange.id != context.own else { throw .listingUnknown(code) }
        return try Listing(
            json: try await context.lane.call(exchange, "listing.get", ["listing": .string(code)]))
    }

    // MARK: Delivery

    @discardableResult
    private func deliver(_ row: NegotiationDesk.Row) async throws(Problem) -> NegotiationDesk.Row {
        guard let delivery = row.negotiation.correspondence.delivery else { return row }
        let body: JSON = [
            "path": .string(delivery.path), "message": delivery.json, "as": .string(row.ownParty.uuid),
            "to": .string(row.counterparty.uuid),
        ]
        return try await note(dsp(body, for: row), of: row)
    }

    private func askState(_ row: NegotiationDesk.Row) async throws(Problem) {
        let body: JSON = ["path": .string(row.negotiation.statePath), "as": .string(row.ownParty.uuid)]
        _ = try await note(dsp(body, for: row), of: row, isState: true)
    }

    /// Sends one message of the protocol; a refusal becomes the status it stands for.
    private func dsp(_ body: JSON, for row: NegotiationDesk.Row) async -> DeliveryOutcome {
        if let address = row.webAddress { return await overWeb(body, to: row.counterparty, at: address) }
        do throws(Problem) {
            let peer = try await context.party(row.counterparty)
            return .answered(status: 200, body: try await dsp(body, to: peer))
        } catch {
            switch error.kind {
            case .unavailable: return .unreachable(error.code)
            case .limited: return .answered(status: 429, body: nil)
            case .fault: return .answered(status: 500, body: nil)
            case .missing: return .answered(status: 404, body: nil)
            default: return .answered(status: 400, body: nil)
            }
        }
    }

    /// A provider with an account has its negotiation at the exchange; everybody else has it at home.
    private func dsp(_ body: JSON, to peer: Party) async throws(Problem) -> JSON {
        let exchange = try await context.exchange()
        let receiver = peer.address == .account ? exchange : peer
        guard receiver.id != context.own else {
            return try await receiveLocally(body)
        }
        return try await context.lane.call(receiver, "dsp", body)
    }

    /// Two accounts of one exchange: the same message, without a wire.
    private func receiveLocally(_ body: JSON) async throws(Problem) -> JSON {
        guard let sender = body["as"]?.text.flatMap({ ID<Party>(uuid: $0) }), let path = body["path"]?.text
        else {
            throw .bodyMalformed("dsp", "as")
        }
        guard let message = body["message"] else { return try await state(path: path, for: sender) }
        return try await receive(path: path, message: message, from: sender, to: receiver(named: body))
    }

    /// Whom a message over the lane is for: this node's party, or an account that it keeps.
    package func receiver(named body: JSON) async throws(Problem) -> ID<Party> {
        guard let named = body["to"]?.text.flatMap({ ID<Party>(uuid: $0) }), named != context.own else {
            return context.own
        }
        guard try await context.party(named).address == .account else { throw .bodyMalformed("dsp", "to") }
        return named
    }

    private func note(
        _ outcome: DeliveryOutcome, of row: NegotiationDesk.Row, isState: Bool = false
    ) async throws(Problem) -> NegotiationDesk.Row {
        let step = try await context.store.write { transaction throws(Problem) in
            try NegotiationDesk.note(outcome, of: row.id, isState: isState, in: transaction)
        }
        guard let step else { return row }
        return try await carryOut(step)
    }
}
