// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// A right to use, counted: who may use which asset for which purpose, how often, from when until when.
package struct UsageGrant: Hashable, Sendable {
    package let id: ID<UsageGrant>
    /// Who may use it: a party's id, or any noun's.
    package let holder: ID<UsageGrant>
    package let asset: ID<UsageGrant>
    package let purpose: String
    /// Uses in all; `unlimited` for no count.
    package let granted: Int64
    package let startsAt: Instant
    /// Not used at or after this moment.
    package let endsAt: Instant
    package internal(set) var reserved: Int64 = 0
    package internal(set) var used: Int64 = 0
    package internal(set) var revokedAt: Instant?

    package static let unlimited = Int64.max

    package init<Holder, Asset>(
        id: ID<UsageGrant>, holder: ID<Holder>, asset: ID<Asset>, purpose: String, granted: Int64,
        startsAt: Instant, endsAt: Instant
    ) {
        self.id = id
        self.holder = holder.retyped()
        self.asset = asset.retyped()
        self.purpose = purpose
        self.granted = granted
        self.startsAt = startsAt
        self.endsAt = endsAt
    }

    /// Uses that nobody has taken or reserved.
    package var remaining: Int64 { granted - used - reserved }
}

/// Names one reservation: the passage it is for.
package enum Reservation {}

/// Grants: given, reserved, consumed. Use beyond a grant cannot happen: whoever takes the last use and whoever
/// comes after him stand in one writer's line.
package enum Grants {
    /// Gives a grant. The same again changes nothing; another body under its id is a `conflict`.
    package static func issue(_ grant: UsageGrant, in tx: any SQLWriting) throws(Problem) {
        if let standing = try self.grant(grant.id, in: tx) {
            let isSame =
                (standing.holder, standing.asset, standing.purpose) == (
                    grant.holder, grant.asset, grant.purpose
                )
                && (standing.granted, standing.startsAt, standing.endsAt)
                    == (grant.granted, grant.startsAt, grant.endsAt)
            if !isSame { throw .grantRefused("metering.grant-differs", grant.id) }
            return
        }
        try tx.execute(
            """
            INSERT INTO metering_grant (id, holder, asset, purpose, granted, starts_at, ends_at) \
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [grant.id, grant.holder, grant.asset, grant.purpose, grant.granted, grant.startsAt, grant.endsAt])
    }

    package static func grant(_ id: ID<UsageGrant>, in tx: any SQLReading) throws(Problem) -> UsageGrant? {
        try tx.first("SELECT \(columns) FROM metering_grant WHERE id = ?", [id]) { row throws(Problem) in
            try UsageGrant(row)
        }
    }

    /// The grants of one holder on one asset, the first to end first.
    package static func grants<Holder, Asset>(
        of holder: ID<Holder>, on asset: ID<Asset>, in tx: any SQLReading
    ) throws(Problem) -> [UsageGrant] {
        try tx.all(
            "SELECT \(columns) FROM metering_grant WHERE holder = ? AND asset = ? ORDER BY ends_at, id",
            [holder, asset]
        ) { row throws(Problem) in try UsageGrant(row) }
    }

    /// Sets uses aside until they are consumed, released, or the time is over. The same reservation again
    /// changes nothing, whatever became of it.
    package static func reserve(
        _ id: ID<Reservation>, uses: Int64 = 1, of grantID: ID<UsageGrant>, forSeconds seconds: Int64,
        in tx: any SQLWriting
    ) throws(Problem) {
        if try state(of: id, in: tx) != nil { return }
        let grant = try usable(grantID, in: tx)
        guard uses > 0, grant.remaining >= uses else {
            throw .grantRefused("metering.grant-exhausted", grantID)
        }
        try tx.execute("UPDATE metering_grant SET reserved = reserved + ? WHERE id = ?", [uses, grantID])
        try tx.execute(
            "INSERT INTO metering_reservation (id, grant_id, uses, state, expires_at) VALUES (?, ?, ?, 0, ?)",
            [id, grantID, uses, Instant(microseconds: tx.now.microseconds + seconds * 1_000_000)])
    }

    /// Uses what was reserved: all of it, or `uses` of it, and the rest is free again. Consuming again changes
    /// nothing; a reservation that is over throws `metering.reservation-over`.
    package static func consume(
        _ id: ID<Reservation>, uses: Int64? = nil, in tx: any SQLWriting
    ) throws(Problem) {
        try releaseDue(in: tx)
        guard let held = try held(id, in: tx) else { throw .reservationOver(id) }
        if held.state == .consumed { return }
        guard held.state == .open else { throw .reservationOver(id) }
        let taken = uses ?? held.uses
        guard (0...held.uses).contains(taken) else {
            throw .grantRefused("metering.grant-exhausted", held.grant)
        }
        try tx.execute(
            "UPDATE metering_grant SET reserved = reserved - ?, used = used + ? WHERE id = ?",
            [held.uses, taken, held.grant])
        try tx.execute(
            "UPDATE metering_reservation SET state = ?, uses = ? WHERE id = ?",
            [State.consumed.rawValue, taken, id])
    }

    /// Reserves and consumes in one step, for a door that answers at once. The same again changes nothing.
    package static func consume(
        _ id: ID<Reservation>, uses: Int64 = 1, of grantID: ID<UsageGrant>, in tx: any SQLWriting
    ) throws(Problem) {
        if let held = try held(id, in: tx) {
            guard held.state == .consumed else { throw .reservationOver(id) }
            return
        }
        let grant = try usable(grantID, in: tx)
        guard uses > 0, grant.remaining >= uses else {
            throw .grantRefused("metering.grant-exhausted", grantID)
        }
        try tx.execute("UPDATE metering_grant SET used = used + ? WHERE id = ?", [uses, grantID])
        try tx.execute(
            "INSERT INTO metering_reservation (id, grant_id, uses, state, expires_at) VALUES (?, ?, ?, ?, ?)",
            [id, grantID, uses, State.consumed.rawValue, tx.now])
    }

    /// Gives uses back. What was consumed stays consumed.
    package static func release(_ id: ID<Reservation>, in tx: any SQLWriting) throws(Problem) {
        guard let held = try held(id, in: tx), held.state == .open else { return }
        try free(id, held, as: .released, in: tx)
    }

    /// Ends a grant now: nothing new is reserved, and what is reserved cannot be consumed.
    package static func revoke(_ id: ID<UsageGrant>, in tx: any SQLWriting) throws(Problem) {
        try tx.execute(
            "UPDATE metering_grant SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", [tx.now, id])
        let open = try tx.all(
            "SELECT id, grant_id, uses, state FROM metering_reservation WHERE grant_id = ? AND state = 0",
            [id]
        ) { row throws(Problem) in (try row.id(0, of: Reservation.self), try Held(row, from: 1)) }
        for (reservation, held) in open { try free(reservation, held, as: .released, in: tx) }
    }

    /// Frees reservations whose time is over; answers how many. `reserve` and `consume` do it before deciding.
    @discardableResult
    package static func releaseDue(most: Int = 1000, in tx: any SQLWriting) throws(Problem) -> Int {
        let due = try tx.all(
            """
            SELECT id, grant_id, uses, state FROM metering_reservation \
            WHERE state = 0 AND expires_at <= ? ORDER BY expires_at LIMIT ?
            """, [tx.now, most]
        ) { row throws(Problem) in (try row.id(0, of: Reservation.self), try Held(row, from: 1)) }
        for (reservation, held) in due { try free(reservation, held, as: .expired, in: tx) }
        return due.count
    }

    // MARK: Parts

    private enum State: Int64 {
        case open = 0
        case consumed = 1
        case released = 2
        case expired = 3
    }

    private struct Held {
        let grant: ID<UsageGrant>
        let uses: Int64
        let state: State

        init(_ row: any SQLRow, from first: Int) throws(Problem) {
            grant = try row.id(first)
            uses = try row.integer(first + 1)
            guard let state = State(rawValue: try row.integer(first + 2)) else { throw .rowDamaged }
            self.state = state
        }
    }

    fileprivate static let columns = """
        id, holder, asset, purpose, granted, reserved, used, starts_at, ends_at, revoked_at
        """

    /// The grant, if it may be used now.
    private static func usable(_ id: ID<UsageGrant>, in tx: any SQLWriting) throws(Problem) -> UsageGrant {
        try releaseDue(in: tx)
        guard let grant = try grant(id, in: tx) else { throw .grantMissing(id) }
        if grant.revokedAt != nil { throw .grantRefused("metering.grant-revoked", id) }
        if tx.now < grant.startsAt { throw .grantRefused("metering.grant-not-begun", id) }
        if tx.now >= grant.endsAt { throw .grantRefused("metering.grant-ended", id) }
        return grant
    }

    private static func held(_ id: ID<Reservation>, in tx: any SQLReading) throws(Problem) -> Held? {
        try tx.first("SELECT grant_id, uses, state FROM metering_reservation WHERE id = ?", [id]) {
            row throws(Problem) in try Held(row, from: 0)
        }
    }

    private static func state(of id: ID<Reservation>, in tx: any SQLReading) throws(Problem) -> State? {
        try held(id, in: tx)?.state
    }

    private static func free(
        _ id: ID<Reservation>, _ held: Held, as state: State, in tx: any SQLWriting
    ) throws(Problem) {
        try tx.execute(
            "UPDATE metering_grant SET reserved = reserved - ? WHERE id = ?", [held.uses, held.grant])
        try tx.execute("UPDATE metering_reservation SET state = ? WHERE id = ?", [state.rawValue, id])
    }
}

extension UsageGrant {
    fileprivate init(_ row: any SQLRow) throws(Problem) {
        self.init(
            id: try row.id(0), holder: try row.id(1, of: UsageGrant.self),
            asset: try row.id(2, of: UsageGrant.self),
            purpose: try row.text(3), granted: try row.integer(4), startsAt: try row.instant(7),
            endsAt: try row.instant(8))
        reserved = try row.integer(5)
        used = try row.integer(6)
        revokedAt = try row.optional(9) { column throws(Problem) in try row.instant(column) }
    }
}
