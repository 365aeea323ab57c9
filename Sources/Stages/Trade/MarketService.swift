// SPDX-License-Identifier: Apache-2.0

import Dataspace
package import Identity
package import Lane
import Policy
package import Primitives
package import Register
package import Store
private import Transparency

/// The market as one node takes part in it: listings, demands, negotiations and agreements.
///
/// The same verbs run at an exchange and at a party's node. What differs is who decides: an exchange reviews
/// listings and files agreements; a party negotiates.
package struct MarketService: Sendable {
    let context: StageContext
    /// Reaches participants that take the protocol's messages over the web.
    let outside: (any OutsideCaller)?

    package init(context: StageContext, outside: (any OutsideCaller)? = nil) {
        self.context = context
        self.outside = outside
    }

    // MARK: Listings

    /// A holder signs its listing and offers it to its exchange. Terms that cannot be enforced are refused here,
    /// before anybody sees them.
    package func offer(_ listing: Listing) async throws(Problem) -> JSON {
        try check(listing)
        let context = context
        let signature = try context.signer.signature(for: listing.json.canonicalBytes)
        try await context.store.write { transaction throws(Problem) in
            try ListingBook.put(listing, state: .submitted, in: transaction)
        }
        let exchange = try await context.exchange()
        let answer = try await context.lane.call(
            exchange, "listing.submit",
            ["listing": listing.json, "signature": .string(Base64.encode(signature))])
        if let state = answer["state"]?.text.flatMap(Listing.State.init) {
            try await context.store.write { transaction throws(Problem) in
                try ListingBook.setState(state, of: listing.code.text, in: transaction)
            }
        }
        return answer
    }

    /// An exchange takes a listing in: signed by its holder, of a registered asset, enforceable, attested.
    package func submit(_ listing: Listing, signature: [UInt8], from holder: Party) async throws(Problem)
        -> JSON
    {
        guard listing.holder == holder.id,
            PartySignature.isValid(signature, over: listing.json.canonicalBytes, by: holder.signingKey)
        else { throw Problem(.forbidden, "trade.listing-malformed", ["part": .text("signature")]) }
        try check(listing)
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            guard try RegistrationBook.inForce(listing.assetCode, in: transaction)?.holder == holder.id else {
                throw Problem(.conflict, "register.asset-unregistered", ["asset": .text(listing.assetCode)])
            }
            let attested = try AttestationBook.kindsInForce(
                about: listing.assetCode, at: transaction.now, in: transaction)
            let missing = listing.requiredAttestations.subtracting(attested.map(\.rawValue))
            guard missing.isEmpty else {
                throw Problem(
                    .conflict, "trade.listing-unattested",
                    ["listing": .code(listing.code), "kinds": .list(missing.sorted())])
            }
            try requireSpace(listing, in: transaction)
            try ListingBook.put(listing, state: .submitted, in: transaction)
            return [
                "state": .string(Listing.State.submitted.rawValue), "listing": .string(listing.code.text),
            ]
        }
    }

    private func check(_ listing: Listing) throws(Problem) {
        try listing.terms.enforceable()
        let doors = Set(listing.doors.map(\.rawValue))
        if let unpermitted = listing.price.doors.map(\.rawValue).sorted().first(where: { !doors.contains($0) }
        ) {
            throw Problem(.invalid, "trade.listing-unpriced-copy", ["door": .text(unpermitted)])
        }
        try FeeSchedule.standard.requireRoom(for: listing)
        _ = try listing.contract.checked()
    }

    /// The operator opens or refuses a submitted listing. Opening matches the waiting demands in the same commit
    /// and tells the holder.
    package func review(_ code: String, opens: Bool, why: String, by caller: Caller) async throws(Problem)
        -> JSON
    {
        try caller.require(.marketOperate)
        try await context.requireExchange()
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let (listing, state) = try ListingBook.listing(code, in: transaction)
            guard state == .submitted else {
                throw Problem(
                    .conflict, "trade.listing-not-open",
                    ["listing": .code(listing.code), "state": .text(state.rawValue)])
            }
            let next: Listing.State = opens ? .open : .refused
            try ListingBook.setState(next, of: listing.code.text, in: transaction)
            try context.record(
                opens ? .listingOpened : .listingRefused, listing.code,
                ["listing": .string(Digest(of: listing.json.canonicalBytes).hex), "why": .string(why)],
                in: transaction)
            try Notices.tell(
                listing.holder, opens ? .listingOpened : .listingRefused, about: listing.code.text,
                ["why": .string(why)], in: transaction)
            var matched: [Demand] = []
            if opens {
                matched = try DemandBook.match(listing, in: transaction)
                for demand in matched {
                    try context.record(
                        .demandMatched, demand.code, ["listing": .string(listing.code.text)], in: transaction)
                }
            }
            try tellState(next, of: listing, in: transaction)
            return [
                "state": .string(next.rawValue), "listing": .string(listing.code.text),
                "matched": .array(matched.map { .string($0.code.text) }),
            ]
        }
    }

    /// Its holder takes a listing off the market; agreements that exist stay.
    package func withdraw(_ code: String, by holder: ID<Party>) async throws(Problem) {
        let context = context
        try await context.store.write { transaction throws(Problem) in
            let (listing, _) = try ListingBook.listing(code, in: transaction)
            guard listing.holder == holder else { throw .listingUnknown(code) }
            try ListingBook.setState(.withdrawn, of: listing.code.text, in: transaction)
            try context.record(.listingWithdrawn, listing.code, [:], in: transaction)
            let exchange = try context.exchange(in: transaction)
            if exchange.id != context.own {
                try context.lane.post(
                    "listing.withdraw", ["listing": .string(listing.code.text)], to: exchange.id,
                    in: transaction)
            }
        }
    }

    private func tellState(
        _ state: Listing.State, of listing: Listing, in transaction: any SQLWriting
    ) throws(Problem) {
        let holder = try PartyRegister.party(listing.holder, in: transaction)
        guard holder.address != .account, holder.id != context.own else { return }
        // The holder's valve checks attestations for itself, so it is sent the signed statements.
        let attestations = try AttestationBook.all(about: listing.assetCode, in: transaction)
        try context.lane.post(
            "listing.state",
            [
                "listing": .string(listing.code.text), "state": .string(state.rawValue),
                "attestations": .array(attestations.map(\.json)),
            ],
            to: holder.id, in: transaction)
    }

    /// A holder hears what became of its listing, with the attestations it was opened on.
    package func takeState(_ json: JSON) async throws(Problem) {
        guard let code = json["listing"]?.text, let state = json["state"]?.text.flatMap(Listing.State.init)
        else {
            throw .bodyMalformed("listing.state", "state")
        }
        let attestations = (json["attestations"]?.array ?? []).compactMap(Attestation.init(json:))
        for attestation in attestations { _ = try await context.party(attestation.attester) }
        try await context.store.write { transaction throws(Problem) in
            for attestation in attestations { try AttestationBook.enter(attestation, in: transaction) }
            try ListingBook.setState(state, of: code, in: transaction)
        }
    }

    // MARK: Demands

    /// Posts a wish; a listing that answers it is matched when it opens.
    package func post(
        words: String, purpose: String, priceMax: Money?, dueAt: Instant?, field: String = "",
        by party: ID<Party>
    ) async throws(Problem) -> Demand {
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let demand = Demand(
                id: ID(at: transaction.now), party: party, words: words, purpose: purpose, priceMax: priceMax,
                dueAt: dueAt ?? transaction.now.advanced(by: .seconds(90 * 86_400)), field: field)
            try DemandBook.post(demand, in: transaction)
            try context.record(.demandPosted, demand.code, ["words": .string(words)], in: transaction)
            return demand
        }
    }

    // MARK: Filing

    /// An exchange takes one side's signed agreement; with the second it is in force, the money is held, and
    /// both sides are sent the filed text.
    package func file(_ agreement: Agreement, signature: [UInt8], by party: Party) async throws(Problem)
        -> JSON
    {
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            try file(agreement, signature: signature, by: party, in: transaction)
            let stored = try AgreementBook.agreement(agreement.code.text, in: transaction)
            return ["agreement": .string(stored.code.text), "state": .string(stored.state.rawValue)]
        }
    }

    func file(
        _ agreement: Agreement, signature: [UInt8], by party: Party, in transaction: any SQLWriting
    ) throws(Problem) {
        try SpaceBook.requireMember(agreement.consumer, for: agreement.listing, in: transaction)
        guard try AgreementBook.sign(agreement, by: party, signature: signature, in: transaction) else {
            return
        }
        try enter(AgreementBook.agreement(agreement.code.text, in: transaction), in: transaction)
    }

    /// Money came in: what waited for it comes into force, in the commit that books the money.
    package func fundsArrived(for consumer: ID<Party>, in transaction: any SQLWriting) throws(Problem) {
        for agreement in try AgreementBook.waiting(of: consumer, in: transaction) {
            try enter(agreement, in: transaction)
        }
    }

    /// Holds the money of the first uses and brings the agreement into force; with too little in the account it
    /// waits, and both sides are told how much is missing.
    func enter(_ stored: Agreement, in transaction: any SQLWriting) throws(Problem) {
        do throws(Problem) {
            try Bookkeeping.hold(for: stored, in: transaction)
        } catch  where error.code == "trade.funds-insufficient" {
            guard try AgreementBook.wait(stored.code.text, in: transaction) else { return }
            let missing = JSON.object(
                error.arguments.compactMapValues { argument in
                    if case .money(let money) = argument { .string(money.description) } else { nil }
                })
            try Notices.tell(
                stored.consumer, .fundsNeeded, about: stored.code.text, missing, in: transaction)
            for id in [stored.provider, stored.consumer] {
                let side = try PartyRegister.party(id, in: transaction)
                guard side.address != .account, side.id != context.own else { continue }
                try context.lane.post(
                    "agreement.waits", ["agreement": .string(stored.code.text), "missing": missing], to: id,
                    in: transaction)
            }
            return
        }
        try AgreementBook.enter(stored, in: transaction)
        try DemandBook.settle(stored.listing.code, for: stored.consumer, in: transaction)
        try context.record(
            .agreementSigned, stored.code, ["agreement": .string(Digest(of: stored.signedBytes).hex)],
            in: transaction)
        try context.record(
            .contractFiled, Code(.contract, stored.id),
            ["agreement": .string(stored.code.text), "text": .string(try stored.contractText().digest.hex)],
            in: transaction)
        for id in [stored.provider, stored.consumer] {
            try Notices.tell(id, .agreementInForce, about: stored.code.text, in: transaction)
            let side = try PartyRegister.party(id, in: transaction)
            guard side.address != .account, side.id != context.own else { continue }
            try context.lane.post("agreement.filed", stored.wire, to: id, in: transaction)
        }
    }

    /// A side's node hears what its agreement waits for.
    package func takeWaiting(_ code: String, missing: JSON) async throws(Problem) {
        let own = context.own
        try await context.store.write { transaction throws(Problem) in
            guard try AgreementBook.wait(code, in: transaction) else { return }
            try Notices.tell(own, .fundsNeeded, about: code, missing, in: transaction)
        }
    }

    /// A side's node takes the filed agreement: both signatures are checked again, nobody's word is taken.
    package func takeFiled(_ json: JSON) async throws(Problem) {
        let agreement = try Agreement(wire: json)
        let known = try await context.store.read { transaction throws(Problem) in
            try? AgreementBook.agreement(agreement.code.text, in: transaction)
        }
        guard known?.state != .inForce && known?.state != .revoked else { return }
        let provider = try await context.party(agreement.provider)
        let consumer = try await context.party(agreement.consumer)
        guard let providerSignature = agreement.providerSignature,
            let consumerSignature = agreement.consumerSignature
        else { throw Problem(.invalid, "trade.agreement-unsigned", ["agreement": .code(agreement.code)]) }
        let context = context
        try await context.store.write { transaction throws(Problem) in
            _ = try AgreementBook.sign(agreement, by: provider, signature: providerSignature, in: transaction)
            _ = try AgreementBook.sign(agreement, by: consumer, signature: consumerSignature, in: transaction)
            try AgreementBook.enter(agreement, in: transaction)
            try context.record(
                .agreementSigned, agreement.code,
                ["agreement": .string(Digest(of: agreement.signedBytes).hex)],
                in: transaction)
            try Notices.tell(context.own, .agreementInForce, about: agreement.code.text, in: transaction)
        }
    }

    /// One side ends an agreement. It acts on this node at once, at the others with the next message.
    package func revoke(_ code: String, by party: ID<Party>) async throws(Problem) {
        let context = context
        try await context.store.write { transaction throws(Problem) in
            let agreement = try AgreementBook.agreement(code, in: transaction)
            guard agreement.state != .revoked else { return }
            try AgreementBook.revoke(code, by: party, in: transaction)
            try context.record(.agreementRevoked, agreement.code, [:], in: transaction)
            let exchange = try context.exchange(in: transaction)
            if exchange.id == context.own {
                try Bookkeeping.release(agreement, in: transaction)
                for id in [agreement.provider, agreement.consumer] where id != party {
                    try Notices.tell(id, .agreementEnded, about: agreement.code.text, in: transaction)
                    let side = try PartyRegister.party(id, in: transaction)
                    guard side.address != .account else { continue }
                    try context.lane.post(
                        "agreement.revoke",
                        ["agreement": .string(agreement.code.text), "by": .string(party.uuid)],
                        to: id, in: transaction)
                }
            } else if party == context.own {
                try context.lane.post(
                    "agreement.revoke",
                    ["agreement": .string(agreement.code.text), "by": .string(party.uuid)],
                    to: exchange.id, in: transaction)
            }
        }
    }
}

extension Agreement {
    /// With both signatures, as it travels and as it is filed.
    package var wire: JSON {
        [
            "id": .string(id.uuid), "provider": .string(provider.uuid), "consumer": .string(consumer.uuid),
            "policy": policy.json, "listing": listing.json,
            "providerSignature": providerSignature.map { .string(Base64.encode($0)) } ?? .null,
            "consumerSignature": consumerSignature.map { .string(Base64.encode($0)) } ?? .null,
        ]
    }

    package init(wire json: JSON) throws(Problem) {
        guard let id = json["id"]?.text.flatMap({ ID<Agreement>(uuid: $0) }),
            let provider = json["provider"]?.text.flatMap({ ID<Party>(uuid: $0) }),
            let consumer = json["consumer"]?.text.flatMap({ ID<Party>(uuid: $0) })
        else { throw Problem(.invalid, "trade.listing-malformed", ["part": .text("agreement")]) }
        self.init(
            id: id, provider: provider, consumer: consumer,
            policy: try UsagePolicy(json: json["policy"] ?? .null),
            listing: try Listing(json: json["listing"] ?? .null),
            providerSignature: json["providerSignature"]?.text.flatMap { Base64.decode($0) },
            consumerSignature: json["consumerSignature"]?.text.flatMap { Base64.decode($0) })
    }
}
