// SPDX-License-Identifier: Apache-2.0

package import Dataspace
package import Identity
package import Policy
package import Primitives
package import Store

/// Negotiations as this node sees them: the state machine is Dataspace's, the rows are ours.
///
/// Each step loads the machine, moves it and stores it with its effects in one transaction. A message of ours
/// lies in the machine until the other side has confirmed it; `due` finds it after a crash.
package enum NegotiationDesk {
    /// One negotiation with what a desk needs to show it.
    package struct Row: Hashable, Sendable {
        package let id: ID<Negotiation>
        package let ownParty: ID<Party>
        package let counterparty: ID<Party>
        package let listingCode: String
        package let negotiation: Negotiation

        package var code: Code { Code(.offer, id) }
    }

    /// Where both sides take the protocol's messages over the web, instead of over the lane.
    package struct WebAddresses: Hashable, Sendable {
        package let peer: String
        package let own: String

        package init(peer: String, own: String) {
            self.peer = peer
            self.own = own
        }
    }

    /// A step that was stored: the machine after it, and what has to follow.
    package struct Step: Sendable {
        package let row: Row
        package let effects: [Negotiation.Effect]
    }

    // MARK: Beginning

    /// We ask for a listing under a policy: its own terms, or a counter-proposal.
    package static func request(
        _ listing: Listing, under offer: UsagePolicy, as consumer: ID<Party>, over web: WebAddresses? = nil,
        in transaction: any SQLWriting
    ) throws(Problem) -> Step {
        let id = ID<Negotiation>(at: transaction.now)
        var offer = offer
        offer.target = listing.id.urn
        offer.assigner = listing.holder.urn
        let (negotiation, effects) = Negotiation.requesting(
            offer, from: listing.holder.urn, at: web?.peer ?? listing.holder.urn, consumerPid: id.urn,
            callback: web?.own ?? consumer.urn, now: transaction.now)
        let row = Row(
            id: id, ownParty: consumer, counterparty: listing.holder, listingCode: listing.code.text,
            negotiation: negotiation)
        try insert(row, in: transaction)
        return Step(row: row, effects: effects)
    }

    /// We offer a listing of ours to one party, unasked.
    package static func offer(
        _ listing: Listing, under terms: UsagePolicy, to consumer: ID<Party>, over web: WebAddresses? = nil,
        in transaction: any SQLWriting
    ) throws(Problem) -> Step {
        try SpaceBook.requireMember(consumer, for: listing, in: transaction)
        let id = ID<Negotiation>(at: transaction.now)
        var offer = terms
        offer.target = listing.id.urn
        offer.assigner = listing.holder.urn
        let (negotiation, effects) = Negotiation.offering(
            offer, to: consumer.urn, at: web?.peer ?? consumer.urn, providerPid: id.urn,
            callback: web?.own ?? listing.holder.urn, now: transaction.now)
        let row = Row(
            id: id, ownParty: listing.holder, counterparty: consumer, listingCode: listing.code.text,
            negotiation: negotiation)
        try insert(row, in: transaction)
        return Step(row: row, effects: effects)
    }

    /// A provider's first offer arrived. The same offer again finds its first effect.
    package static func open(
        _ offered: ContractOffer, from provider: ID<Party>, to consumer: ID<Party>,
        in transaction: any SQLWriting
    ) throws(Problem) -> Step {
        let id = Self.id(begunBy: provider, as: offered.providerPid)
        if let known = try find("id = ?", id, in: transaction) { return Step(row: known, effects: []) }
        let (negotiation, effects) = try refusable {
            () throws(ProcessRefusal) in
            try Negotiation.opened(
                by: offered, from: provider.urn, consumerPid: id.urn, now: transaction.now)
        }
        let listing = try listing(of: negotiation, in: transaction)
        let row = Row(
            id: id, ownParty: consumer, counterparty: provider, listingCode: listing.code.text,
            negotiation: negotiation)
        try insert(row, in: transaction)
        return Step(row: row, effects: effects)
    }

    /// The open listing that a process is about: a provider's own, whichever side we are on.
    private static func listing(
        of negotiation: Negotiation, in transaction: any SQLReading
    ) throws(Problem) -> Listing {
        let listing = try listing(named: negotiation.offer.target, in: transaction)
        guard
            negotiation.side == .provider || negotiation.correspondence.counterparty == listing.holder.urn
        else { throw .listingUnknown(listing.code.text) }
        return listing
    }

    private static func listing(
        named target: String?, in transaction: any SQLReading
    ) throws(Problem) -> Listing {
        guard let id = target.flatMap({ ID<Listing>(uuid: $0) }) else { throw .listingUnknown(target ?? "") }
        return try ListingBook.openListing(Code(.listing, id).text, in: transaction)
    }

    /// A first request for one of our listings arrived. The same request again finds its first effect.
    package static func open(
        _ request: ContractRequest, from consumer: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) -> Step {
        let id = Self.id(begunBy: consumer, as: request.consumerPid)
        if let known = try find("id = ?", id, in: transaction) { return Step(row: known, effects: []) }
        let listing = try listing(named: request.offer.target, in: transaction)
        try SpaceBook.requireMember(consumer, for: listing, in: transaction)
        let (negotiation, effects) = try refusable {
            () throws(ProcessRefusal) in
            try Negotiation.opened(by: request, from: consumer.urn, providerPid: id.urn, now: transaction.now)
        }
        let row = Row(
            id: id, ownParty: listing.holder, counterparty: consumer, listingCode: listing.code.text,
            negotiation: negotiation)
        try insert(row, in: transaction)
        return Step(row: row, effects: effects)
    }

    // MARK: Steps

    /// Takes a message about a negotiation that is under way.
    package static func receive(
        _ message: NegotiationMessage, pid: String, from sender: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) -> Step {
        guard let row = try find("own_pid = ?", pid, in: transaction), row.counterparty == sender else {
            throw .offerUnknown(pid)
        }
        var negotiation = row.negotiation
        let effects = try refusable {
            () throws(ProcessRefusal) in
            try negotiation.receive(message, from: sender.urn, at: transaction.now)
        }
        return try store(row, negotiation, effects, in: transaction)
    }

    /// Makes a move of ours.
    package static func make(
        _ move: Negotiation.Move, on code: String, as party: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) -> Step {
        let row = try self.row(code, of: party, in: transaction)
        var negotiation = row.negotiation
        let effects = try refusable {
            () throws(ProcessRefusal) in try negotiation.make(move, at: transaction.now)
        }
        return try store(row, negotiation, effects, in: transaction)
    }

    /// Notes what became of our last message, or, after a refusal, what the other side said of its state.
    package static func note(
        _ outcome: DeliveryOutcome, of id: ID<Negotiation>, isState: Bool = false,
        in transaction: any SQLWriting
    ) throws(Problem) -> Step? {
        guard let row = try find("id = ?", id, in: transaction) else { return nil }
        var negotiation = row.negotiation
        let effects =
            isState
            ? negotiation.synchronize(outcome, at: transaction.now)
            : negotiation.settle(outcome, at: transaction.now)
        return try store(row, negotiation, effects, in: transaction)
    }

    // MARK: Reading

    package static func row(
        _ code: String, of party: ID<Party>, in transaction: any SQLReading
    ) throws(Problem) -> Row {
        guard let row = try find("code = ?", Code(code)?.text ?? code, in: transaction), row.ownParty == party
        else {
            throw .offerUnknown(code)
        }
        return row
    }

    /// The state of a negotiation by its process name: what the other side may ask for.
    package static func row(
        pid: String, counterparty: ID<Party>, in transaction: any SQLReading
    ) throws(Problem) -> Row {
        guard let row = try find("own_pid = ?", pid, in: transaction), row.counterparty == counterparty else {
            throw .offerUnknown(pid)
        }
        return row
    }

    package static func rows(of party: ID<Party>?, in transaction: any SQLReading) throws(Problem) -> [Row] {
        guard let party else { return try select("1 = 1", [], in: transaction) }
        return try select("own_party = ?", [party], in: transaction)
    }

    /// Negotiations in which something may still be due: those not ended, and those whose end is not yet delivered or
    /// filed.
    package static func open(in transaction: any SQLReading) throws(Problem) -> [Row] {
        try select("is_open = ?", [1], in: transaction)
    }

    /// Nothing is due any more: the agreement is filed.
    package static func close(_ id: ID<Negotiation>, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute("UPDATE trade_negotiation SET is_open = 0 WHERE id = ?", [id])
    }

    // MARK: The endpoints' book

    /// Our name of a process that the other side begins: the same however often, and by whatever way, its first message
    /// comes.
    package static func id(begunBy counterparty: ID<Party>, as pid: String) -> ID<Negotiation> {
        ID(derivedFrom: Digest(of: counterparty.urn + pid))
    }

    /// A negotiation by our own name of it.
    package static func negotiation(_ pid: String, in transaction: any SQLReading) throws(Problem)
        -> Negotiation?
    {
        try find("own_pid = ?", pid, in: transaction)?.negotiation
    }

    /// Keeps a negotiation as the protocol's endpoints left it. A new one must be about a listing of ours, or about one
    /// that we know.
    package static func keep(
        _ negotiation: Negotiation, own: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) -> Row {
        let pid = negotiation.correspondence.ownPid
        if let row = try find("own_pid = ?", pid, in: transaction) {
            return try store(row, negotiation, [], in: transaction).row
        }
        guard let id = ID<Negotiation>(uuid: pid),
            let counterparty = ID<Party>(uuid: negotiation.correspondence.counterparty)
        else { throw .offerUnknown(pid) }
        let listing = try listing(of: negotiation, in: transaction)
        if negotiation.side == .provider {
            try SpaceBook.requireMember(counterparty, for: listing, in: transaction)
        }
        let row = Row(
            id: id, ownParty: negotiation.side == .provider ? listing.holder : own,
            counterparty: counterparty, listingCode: listing.code.text, negotiation: negotiation)
        try insert(row, in: transaction)
        return row
    }

    // MARK: Small parts

    private static func insert(_ row: Row, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO trade_negotiation
            (id, code, own_party, counterparty, listing_code, side, own_pid, state, document, is_open, changed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                row.id, row.code, row.ownParty, row.counterparty, row.listingCode,
                row.negotiation.side.rawValue,
                row.negotiation.correspondence.ownPid, row.negotiation.state.rawValue, row.negotiation.json,
                true,
                transaction.now,
            ])
    }

    private static func store(
        _ row: Row, _ negotiation: Negotiation, _ effects: [Negotiation.Effect],
        in transaction: any SQLWriting
    ) throws(Problem) -> Step {
        try transaction.execute(
            "UPDATE trade_negotiation SET state = ?, document = ?, is_open = ?, changed_at = ? WHERE id = ?",
            [
                negotiation.state.rawValue, negotiation.json,
                negotiation.state != .terminated || negotiation.correspondence.delivery != nil,
                transaction.now, row.id,
            ])
        let stored = Row(
            id: row.id, ownParty: row.ownParty, counterparty: row.counterparty, listingCode: row.listingCode,
            negotiation: negotiation)
        return Step(row: stored, effects: effects)
    }

    private static func find(
        _ condition: String, _ argument: any SQLConvertible, in transaction: any SQLReading
    ) throws(Problem) -> Row? {
        try select(condition, [argument], in: transaction).first
    }

    private static func select(
        _ condition: String, _ arguments: [any SQLConvertible], in transaction: any SQLReading
    ) throws(Problem) -> [Row] {
        try transaction.all(
            """
            SELECT id, own_party, counterparty, listing_code, document FROM trade_negotiation
            WHERE \(condition) ORDER BY changed_at DESC, id
            """,
            arguments
        ) { row throws(Problem) in
            Row(
                id: try row.id(0), ownParty: try row.id(1), counterparty: try row.id(2),
                listingCode: try row.text(3), negotiation: try Negotiation(stored: try row.json(4)))
        }
    }

    /// Turns a refusal of the protocol into a problem for people.
    private static func refusable<Value>(
        _ step: () throws(ProcessRefusal) -> Value
    ) throws(Problem) -> Value {
        do throws(ProcessRefusal) {
            return try step()
        } catch {
            throw Problem(.conflict, "trade.offer-refused", ["reason": .text(error.text)])
        }
    }
}

extension Problem {
    package static func offerUnknown(_ name: String) -> Problem {
        Problem(.missing, "trade.offer-unknown", ["offer": .text(name)])
    }
}
