// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// The listings a node knows: a holder its own, an exchange all of its market.
package enum ListingBook {
    package static func put(
        _ listing: Listing, state: Listing.State, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO trade_listing (id, code, holder_id, state, title, openness, document, opened_at, changed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, title = excluded.title,
            openness = excluded.openness, document = excluded.document, changed_at = excluded.changed_at
            """,
            [
                listing.id, listing.code, listing.holder, state.rawValue, listing.title.zh,
                listing.openness.rawValue, listing.json, transaction.now, transaction.now,
            ])
        try CatalogIndex.place(listing, state: state, in: transaction)
        if let space = listing.spaceCode {
            try transaction.execute(
                "INSERT INTO trade_space_listing VALUES (?, ?) ON CONFLICT DO NOTHING", [space, listing.code])
        }
    }

    package static func setState(
        _ state: Listing.State, of code: String, in transaction: any SQLWriting
    ) throws(Problem) {
        let (listing, _) = try listing(code, in: transaction)
        try transaction.execute(
            "UPDATE trade_listing SET state = ?, changed_at = ? WHERE id = ?",
            [state.rawValue, transaction.now, listing.id])
        try CatalogIndex.place(listing, state: state, in: transaction)
    }

    /// The listing and its state.
    package static func listing(
        _ code: String, in transaction: any SQLReading
    ) throws(Problem) -> (Listing, Listing.State) {
        let found = try transaction.first(
            "SELECT document, state FROM trade_listing WHERE code = ?", [Code(code)?.text ?? code]
        ) { row throws(Problem) in
            (try Listing(json: try row.json(0)), Listing.State(rawValue: try row.text(1)) ?? .withdrawn)
        }
        guard let found else { throw .listingUnknown(code) }
        return found
    }

    /// An open listing; any other state is a conflict that names it.
    package static func openListing(_ code: String, in transaction: any SQLReading) throws(Problem) -> Listing
    {
        let (listing, state) = try listing(code, in: transaction)
        guard state == .open else {
            throw Problem(
                .conflict, "trade.listing-not-open",
                ["listing": .code(listing.code), "state": .text(state.rawValue)])
        }
        return listing
    }

    package static func all(
        in states: [Listing.State], in transaction: any SQLReading
    ) throws(Problem) -> [(Listing, Listing.State)] {
        let marks = states.map { _ in "?" }.joined(separator: ", ")
        return try transaction.all(
            "SELECT document, state FROM trade_listing WHERE state IN (\(marks)) ORDER BY opened_at DESC, id",
            states.map(\.rawValue)
        ) { row throws(Problem) in
            (try Listing(json: try row.json(0)), Listing.State(rawValue: try row.text(1)) ?? .withdrawn)
        }
    }

    /// Listings in any state that changed after a moment, oldest change first.
    package static func changed(
        after moment: Instant, limit: Int, in transaction: any SQLReading
    ) throws(Problem) -> [(Listing, Listing.State, Instant)] {
        try transaction.all(
            """
            SELECT document, state, changed_at FROM trade_listing WHERE changed_at > ?
            ORDER BY changed_at, id LIMIT ?
            """,
            [moment, limit]
        ) { row throws(Problem) in
            (
                try Listing(json: try row.json(0)), Listing.State(rawValue: try row.text(1)) ?? .withdrawn,
                try row.instant(2)
            )
        }
    }
}

extension Problem {
    package static func listingUnknown(_ code: String) -> Problem {
        Problem(.missing, "trade.listing-unknown", ["listing": .text(code)])
    }
}
