// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// A search that found nothing, kept as a wish 需求: purpose, fields, price ceiling, due date.
package struct Demand: Hashable, Sendable {
    package enum State: String, Sendable { case open, matched, closed }

    package let id: ID<Demand>
    package let party: ID<Party>
    package let words: String
    package let purpose: String
    package let priceMax: Money?
    package let dueAt: Instant

    package var code: Code { Code(.demand, id) }

    package init(
        id: ID<Demand>, party: ID<Party>, words: String, purpose: String, priceMax: Money?, dueAt: Instant
    ) {
        self.id = id
        self.party = party
        self.words = words
        self.purpose = purpose
        self.priceMax = priceMax
        self.dueAt = dueAt
    }
}

/// How well a listing answers a demand, with the reasons a person is shown. Pure.
package struct DemandMatch: Hashable, Sendable {
    package let isMatch: Bool
    /// The demand's words that the listing's title, description, table or fields contain.
    package let found: [String]
    package let missing: [String]
    package let isWithinPrice: Bool

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
        ]
        try transaction.execute(
            """
            INSERT INTO trade_demand (id, code, party_id, words, document, state, posted_at, due_at)
            VALUES (?, ?, ?, ?, ?, 'open', ?, ?)
            """,
            [demand.id, demand.code, demand.party, demand.words, document, transaction.now, demand.dueAt])
    }

    package static func open(in transaction: any SQLReading) throws(Problem) -> [Demand] {
        try list("state = 'open'", in: transaction).map(\.0)
    }

    /// Every demand with its state and the listing that answered it, newest first.
    package static func list(
        _ condition: String = "1 = 1", in transaction: any SQLReading
    ) throws(Problem) -> [(Demand, Demand.State, String?)] {
        try transaction.all(
            """
            SELECT id, party_id, words, document, due_at, state, matched_listing FROM trade_demand
            WHERE \(condition) ORDER BY posted_at DESC, id
            """
        ) { row throws(Problem) in
            let document = try row.json(3)
            let demand = Demand(
                id: try row.id(0), party: try row.id(1), words: try row.text(2),
                purpose: document["purpose"]?.text ?? "",
                priceMax: document["priceMax"]?.text.flatMap { Money($0) },
                dueAt: try row.instant(4))
            return (demand, Demand.State(rawValue: try row.text(5)) ?? .closed, try row.optional(6, row.text))
        }
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
        /// A foreign catalog that is harvested has added, changed or withdrawn datasets.
        case catalogChanged = "catalog-changed"
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
