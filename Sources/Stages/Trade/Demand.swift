// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// A search that found nothing, kept as a wish 需求: purpose, fields, price ceiling, due date.
package struct Demand: Hashable, Sendable {
    /// `accepted`: its party chose a listing, whose holder has a task with a due time until an agreement is in force.
    package enum State: String, Sendable, CaseIterable { case open, matched, accepted, closed }

    package let id: ID<Demand>
    package let party: ID<Party>
    package let words: String
    package let purpose: String
    package let priceMax: Money?
    package let dueAt: Instant
    /// The field of the economy or of the city it is in 领域, such as `transport`; empty where none was named.
    package let field: String

    package var code: Code { Code(.demand, id) }

    package init(
        id: ID<Demand>, party: ID<Party>, words: String, purpose: String, priceMax: Money?, dueAt: Instant,
        field: String = ""
    ) {
        self.id = id
        self.party = party
        self.words = words
        self.purpose = purpose
        self.priceMax = priceMax
        self.dueAt = dueAt
        self.field = field
    }
}

/// A demand as it stands in the book.
package struct DemandEntry: Hashable, Sendable {
    package let demand: Demand
    package let state: Demand.State
    /// The listing that answered it.
    package let listing: String?
    /// Until when the holder of an accepted listing is to bring an agreement into force.
    package let taskDue: Instant?

    /// Past its date with nothing that answered it, or with an answer that led to nothing in time.
    package func isUnmet(at now: Instant) -> Bool {
        switch state {
        case .open, .matched: demand.dueAt <= now
        case .accepted: taskDue.map { $0 <= now } ?? false
        case .closed: false
        }
    }
}

/// How well a listing answers a demand, with the reasons a person is shown. Pure.
package struct DemandMatch: Hashable, Sendable {
    package let isMatch: Bool
    /// The demand's words that the listing's title, description, table or fields contain.
    package let found: [String]
    package let missing: [String]
    package let isWithinPrice: Bool

    /// How many of the words were found, in thousandths.
    package var wordShare: Int { found.isEmpty ? 0 : found.count * 1000 / (found.count + missing.count) }

    /// A listing answers when it holds at least half of the demand's words and its dearest use is affordable.
    package init(_ demand: Demand, with listing: Listing) {
        let fields = listing.summary["fields"]?.array?.compactMap { $0["name"]?.text } ?? []
        let text =
            ([listing.title.zh, listing.title.en, listing.about.zh, listing.about.en, listing.tableName]
            + fields)
            .joined(separator: " ").lowercased()
        let words = demand.words.lowercased().split(whereSeparator: { " ,，、;；".contains($0) }).map(
            String.init)
        found = words.filter { text.contains($0) }
        missing = words.filter { !text.contains($0) }
        let dearest = listing.price.dearestUse.minorUnits
        isWithinPrice = demand.priceMax.map { dearest <= $0.minorUnits } ?? true
        isMatch = !words.isEmpty && found.count * 2 >= words.count && isWithinPrice
    }
}

/// The demands of a market.
package enum DemandBook {
    package static func post(_ demand: Demand, in transaction: any SQLWriting) throws(Problem) {
        let document: JSON = [
            "purpose": .string(demand.purpose),
            "priceMax": demand.priceMax.map { .string($0.description) } ?? .null,
            "field": .string(demand.field),
        ]
        try transaction.execute(
            """
            INSERT INTO trade_demand (id, code, party_id, words, document, state, posted_at, due_at)
            VALUES (?, ?, ?, ?, ?, 'open', ?, ?)
            """,
            [demand.id, demand.code, demand.party, demand.words, document, transaction.now, demand.dueAt])
    }

    package static func open(in transaction: any SQLReading) throws(Problem) -> [Demand] {
        try list("state = ?", ["open"], in: transaction).map(\.demand)
    }

    package static func entry(_ code: String, in transaction: any SQLReading) throws(Problem) -> DemandEntry {
        guard let found = try list("code = ?", [Code(code)?.text ?? code], in: transaction).first else {
            throw Problem(.missing, "trade.demand-unknown", ["demand": .text(code)])
        }
        return found
    }

    /// Every demand with its state and the listing that answered it, newest first.
    package static func list(
        _ condition: String = "1 = 1", _ arguments: [any SQLConvertible] = [],
        in transaction: any SQLReading
    ) throws(Problem) -> [DemandEntry] {
        try transaction.all(
            """
            SELECT id, party_id, words, document, due_at, state, matched_listing, task_due FROM trade_demand
            WHERE \(condition) ORDER BY posted_at DESC, id
            """, arguments
        ) { row throws(Problem) in
            let document = try row.json(3)
            let demand = Demand(
                id: try row.id(0), party: try row.id(1), words: try row.text(2),
                purpose: document["purpose"]?.text ?? "",
                priceMax: document["priceMax"]?.text.flatMap { Money($0) },
                dueAt: try row.instant(4), field: document["field"]?.text ?? "")
            return DemandEntry(
                demand: demand, state: Demand.State(rawValue: try row.text(5)) ?? .closed,
                listing: try row.optional(6, row.text), taskDue: try row.optional(7, row.instant))
        }
    }

    /// Its party chose one of the listings that answer it: the holder has until `due` to come to an agreement. A listing
    /// that does not stand in the ranking is `trade.demand-unanswered`; a demand that is settled, `trade.demand-settled`.
    package static func accept(
        _ code: String, listing: String, by party: ID<Party>, due: Instant, in transaction: any SQLWriting
    ) throws(Problem) {
        let entry = try entry(code, in: transaction)
        guard entry.demand.party == party else {
            throw Problem(.missing, "trade.demand-unknown", ["demand": .text(code)])
        }
        guard entry.state == .open || entry.state == .matched else {
            throw Problem(.conflict, "trade.demand-settled", ["demand": .code(entry.demand.code)])
        }
        let ranking = DemandRanking(entry.demand, among: try ListingBook.openWithTimes(in: transaction))
        guard let chosen = ranking.ranks.first(where: { $0.listing.code.text == listing })?.listing else {
            throw Problem(
                .conflict, "trade.demand-unanswered",
                ["demand": .code(entry.demand.code), "listing": .text(listing)])
        }
        try transaction.execute(
            "UPDATE trade_demand SET state = 'accepted', matched_listing = ?, task_due = ? WHERE id = ?",
            [chosen.code, due, entry.demand.id])
        try Notices.tell(
            chosen.holder, .matchAccepted, about: entry.demand.code.text,
            ["listing": .string(listing), "due": .string(due.rfc3339)], in: transaction)
    }

    /// An agreement came into force: what its consumer wished for with this listing is met, and the task is done.
    static func settle(
        _ listing: Code, for consumer: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            UPDATE trade_demand SET state = 'closed'
            WHERE party_id = ? AND matched_listing = ? AND state IN ('matched', 'accepted')
            """, [consumer, listing])
    }

    /// Matches every open demand with a listing that was just opened, and tells both sides in the same commit.
    package static func match(_ listing: Listing, in transaction: any SQLWriting) throws(Problem) -> [Demand]
    {
        var matched: [Demand] = []
        for demand in try open(in: transaction) where DemandMatch(demand, with: listing).isMatch {
            try transaction.execute(
                "UPDATE trade_demand SET state = 'matched', matched_listing = ? WHERE id = ?",
                [listing.code, demand.id])
            for party in [demand.party, listing.holder] {
                try Notices.tell(
                    party, .demandMatched, about: demand.code.text, ["listing": .string(listing.code.text)],
                    in: transaction)
            }
            matched.append(demand)
        }
        return matched
    }
}

/// What a party is told: its inbox, read at its next visit.
package enum Notices {
    package enum Kind: String, Sendable, CaseIterable {
        case demandMatched = "demand-matched"
        /// Somebody chose a listing of ours for his demand: a task with a due time.
        case matchAccepted = "match-accepted"
        case offerReceived = "offer-received"
        case fundsNeeded = "funds-needed"
        case agreementInForce = "agreement-in-force"
        case agreementEnded = "agreement-ended"
        case registrationGranted = "registration-granted"
        case listingOpened = "listing-opened"
        case listingRefused = "listing-refused"
        case valveClosed = "valve-closed"
        /// An application for data went one step further.
        case requestMoved = "request-moved"
        /// What somebody authorized was used.
        case authorizationUsed = "authorization-used"
        case reportDue = "report-due"
        case caseOverdue = "case-overdue"
        case settlementMoved = "settlement-moved"
        case statementIssued = "statement-issued"
    }

    package struct Notice: Hashable, Sendable {
        package let kind: String
        package let subjectCode: String
        package let document: JSON
        package let at: Instant
        package let isRead: Bool
    }

    package static func tell(
        _ party: ID<Party>, _ kind: Kind, about code: String, _ document: JSON = [:],
        in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            "INSERT INTO trade_notice (id, party_id, kind, subject_code, document, at) VALUES (?, ?, ?, ?, ?, ?)",
            [ID<Notice>(at: transaction.now), party, kind.rawValue, code, document, transaction.now])
    }

    /// The newest notices of a party, at most `limit`.
    package static func inbox(
        of party: ID<Party>, limit: Int = 100, in transaction: any SQLReading
    ) throws(Problem) -> [Notice] {
        try transaction.all(
            """
            SELECT kind, subject_code, document, at, read_at FROM trade_notice WHERE party_id = ?
            ORDER BY at DESC, id LIMIT ?
            """,
            [party, limit]
        ) { row throws(Problem) in
            Notice(
                kind: try row.text(0), subjectCode: try row.text(1), document: try row.json(2),
                at: try row.instant(3), isRead: !row.isNull(4))
        }
    }
}
