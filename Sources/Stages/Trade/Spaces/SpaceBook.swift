// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
private import Register
package import Store

/// The spaces an exchange knows, with their members.
package enum SpaceBook {
    package enum Standing: String, Sendable { case applied, member, left }

    package static func put(_ space: Space, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            "INSERT INTO trade_space (id, code, document, opened_at) VALUES (?, ?, ?, ?)",
            [space.id, space.code, space.json, transaction.now])
        try set(.member, of: space.operator, in: space, transaction)
    }

    package static func all(in transaction: any SQLReading) throws(Problem) -> [Space] {
        try transaction.all("SELECT document FROM trade_space ORDER BY opened_at, id") {
            row throws(Problem) in
            try Space(json: try row.json(0))
        }
    }

    package static func find(_ code: String, in transaction: any SQLReading) throws(Problem) -> Space? {
        try transaction.first("SELECT document FROM trade_space WHERE code = ?", [Code(code)?.text ?? code]) {
            row throws(Problem) in try Space(json: try row.json(0))
        }
    }

    package static func space(_ code: String, in transaction: any SQLReading) throws(Problem) -> Space {
        guard let found = try find(code, in: transaction) else {
            throw Problem(.missing, "trade.space-unknown", ["space": .text(code)])
        }
        return found
    }

    // MARK: Members

    package static func set(
        _ standing: Standing, of party: ID<Party>, in space: Space, _ transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO trade_space_member (space_code, party_id, standing, changed_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (space_code, party_id) DO UPDATE SET standing = excluded.standing,
            changed_at = excluded.changed_at
            """, [space.code, party, standing.rawValue, transaction.now])
    }

    package static func standing(
        of party: ID<Party>, in space: Space, _ transaction: any SQLReading
    ) throws(Problem) -> Standing? {
        try transaction.first(
            "SELECT standing FROM trade_space_member WHERE space_code = ? AND party_id = ?",
            [space.code, party]
        ) { row throws(Problem) in Standing(rawValue: try row.text(0)) } ?? nil
    }

    package static func members(
        of space: Space, in transaction: any SQLReading
    ) throws(Problem) -> [(party: ID<Party>, standing: Standing, since: Instant)] {
        try transaction.all(
            """
            SELECT party_id, standing, changed_at FROM trade_space_member WHERE space_code = ?
            ORDER BY changed_at, party_id
            """, [space.code]
        ) { row throws(Problem) in
            (
                try row.id(0, of: Party.self), Standing(rawValue: try row.text(1)) ?? .left,
                try row.instant(2)
            )
        }
    }

    // MARK: Rules at the moment of use

    /// Refuses a party that is no member of the listing's space. A node that does not know the space leaves the question
    /// to the exchange, where the agreement is filed.
    package static func requireMember(
        _ party: ID<Party>, for listing: Listing, in transaction: any SQLReading
    ) throws(Problem) {
        guard let code = listing.spaceCode, let space = try find(code, in: transaction) else { return }
        guard try standing(of: party, in: space, transaction) == .member else {
            throw Problem(
                .forbidden, "trade.space-members-only",
                ["space": .code(space.code), "entry": .localized(space.entry)])
        }
    }

    /// Refuses a use while nobody is authorized to run the space: the operator's mandate was withdrawn or is over.
    package static func requireOperated(
        _ listing: Listing, at now: Instant, in transaction: any SQLReading
    ) throws(Problem) {
        guard let code = listing.spaceCode, let space = try find(code, in: transaction) else { return }
        let mandate = try MandateBook.inForce([space.mandateCode], in: transaction).first
        guard let mandate, now < mandate.until else {
            throw Problem(.forbidden, "trade.space-unoperated", ["space": .code(space.code)])
        }
    }

    /// The listings of a space that are on offer.
    package static func listings(
        of space: Space, in transaction: any SQLReading
    ) throws(Problem) -> [Listing] {
        try transaction.all(
            """
            SELECT l.document FROM trade_space_listing s JOIN trade_listing l ON l.code = s.listing_code
            WHERE s.space_code = ? AND l.state = 'open' ORDER BY l.opened_at DESC LIMIT 1000
            """, [space.code]
        ) { row throws(Problem) in try Listing(json: try row.json(0)) }
    }
}
