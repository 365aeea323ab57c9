// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Policy
package import Primitives
package import Store
package import Trade
package import Transparency

/// One use through the valve 过阀记录, as one node keeps it.
///
/// The keeper of the account reserves and settles; the holder reserves, answers and charges the budget; the asker
/// keeps what it was told. The same identifier names the use at all three.
package struct Passage: Hashable, Sendable {
    /// The type of a copy's receipt: it names the file that left instead of an answer.
    package static let copyReceiptType = "hutong/delivery/v1"

    /// Whose record this is.
    package enum Side: String, Sendable, CaseIterable { case keeper, holder, asker }

    /// reserved → answered → settled; reserved → voided (refused by the holder, or expired).
    package enum State: String, Sendable, CaseIterable {
        case reserved, answered, settled, voided
    }

    package let id: ID<Passage>
    package let side: Side
    package let agreement: ID<Agreement>
    package let agreementCode: String
    package let door: Door
    package let asker: ID<Party>
    package let state: State
    /// What it cost; until it is settled, the most that it may cost.
    package let price: Money
    /// SHA-256 of what was asked: a repeat with another question under the same identifier is a conflict.
    package let request: Digest
    /// Version, plan, answer and noise-seed digests, charge, receipt: what this side may know.
    package let document: JSON
    /// The answer sealed to the asker's key.
    package let answer: [UInt8]?
    package let reservedAt: Instant
    package let expiresAt: Instant

    package var code: Code { Code(.passage, id) }

    package init(
        id: ID<Passage>, side: Side, agreement: ID<Agreement>, agreementCode: String, door: Door,
        asker: ID<Party>,
        state: State, price: Money, request: Digest, document: JSON, answer: [UInt8]?, reservedAt: Instant,
        expiresAt: Instant
    ) {
        self.id = id
        self.side = side
        self.agreement = agreement
        self.agreementCode = agreementCode
        self.door = door
        self.asker = asker
        self.state = state
        self.price = price
        self.request = request
        self.document = document
        self.answer = answer
        self.reservedAt = reservedAt
        self.expiresAt = expiresAt
    }

    /// How long a reservation holds without a receipt: longer than any question may run.
    package static let reservation: Duration = .seconds(300)
}

/// The passages of a node.
package enum PassageBook {
    /// Writes a reservation. The same identifier with the same question answers what is stored; with another
    /// question it is `valve.passage-reused`.
    package static func reserve(
        _ passage: Passage, in transaction: any SQLWriting
    ) throws(Problem) -> (stored: Passage, isNew: Bool) {
        if let known = try find(passage.id, passage.side, in: transaction) {
            guard known.request == passage.request, known.asker == passage.asker else {
                throw Problem(.conflict, "valve.passage-reused", ["passage": .code(passage.code)])
            }
            return (known, false)
        }
        try transaction.execute(
            """
            INSERT INTO valve_passage (id, side, code, agreement_id, agreement_code, door, asker_id, state, price,
            request, document, answer, reserved_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                passage.id, passage.side.rawValue, passage.code, passage.agreement, passage.agreementCode,
                passage.door.rawValue, passage.asker, passage.state.rawValue, passage.price.minorUnits,
                passage.request, passage.document, passage.answer, passage.reservedAt, passage.expiresAt,
            ])
        return (passage, true)
    }

    /// Moves a passage on with what is now known of it. A step that was taken already changes nothing: `false`.
    package static func advance(
        _ id: ID<Passage>, _ side: Passage.Side, from: Passage.State, to: Passage.State, price: Money? = nil,
        document: JSON, answer: [UInt8]? = nil, in transaction: any SQLWriting
    ) throws(Problem) -> Bool {
        try transaction.execute(
            """
            UPDATE valve_passage SET state = ?, price = coalesce(?, price), document = ?,
            answer = coalesce(?, answer), finished_at = ? WHERE id = ? AND side = ? AND state = ?
            """,
            [
                to.rawValue, price?.minorUnits, document, answer, transaction.now, id, side.rawValue,
                from.rawValue,
            ]) == 1
    }

    /// Notes in a passage's record which leaf of this node's log proves it.
    package static func note(
        _ leaf: LeafIndex, of id: ID<Passage>, _ side: Passage.Side, in transaction: any SQLWriting
    ) throws(Problem) {
        guard let passage = try find(id, side, in: transaction) else { return }
        let document = (passage.document.object ?? [:]).merging(["leaf": .integer(Int64(leaf))]) { $1 }
        try transaction.execute(
            "UPDATE valve_passage SET document = ? WHERE id = ? AND side = ?",
            [JSON.object(document), id, side.rawValue])
    }

    package static func find(
        _ id: ID<Passage>, _ side: Passage.Side, in transaction: any SQLReading
    ) throws(Problem) -> Passage? {
        try select("id = ? AND side = ?", [id, side.rawValue], "1", in: transaction).first
    }

    package static func passage(_ code: String, in transaction: any SQLReading) throws(Problem) -> Passage {
        guard
            let found = try select("code = ?", [Code(code)?.text ?? code], "reserved_at", in: transaction)
                .first
        else {
            throw Problem(.missing, "valve.passage-unknown", ["passage": .text(code)])
        }
        return found
    }

    /// The keeper's record of a passage, by its code; `nil` where this node does not keep its account.
    package static func kept(_ code: String, in transaction: any SQLReading) throws(Problem) -> Passage? {
        try select(
            "code = ? AND side = 'keeper'", [Code(code)?.text ?? code], "reserved_at", in: transaction
        ).first
    }

    /// An answered passage of the same agreement and question over the same data: its answer is given again.
    package static func answered(
        _ request: Digest, under agreement: ID<Agreement>, side: Passage.Side, in transaction: any SQLReading
    ) throws(Problem) -> Passage? {
        try select(
            "request = ? AND agreement_id = ? AND side = ? AND state IN ('answered', 'settled')",
            [request, agreement, side.rawValue], "reserved_at", in: transaction
        ).first
    }

    /// How many questions of an agreement one side has answered.
    package static func answeredCount(
        under agreement: ID<Agreement>, side: Passage.Side, in transaction: any SQLReading
    ) throws(Problem) -> Int64 {
        try transaction.count(
            "SELECT count(*) FROM valve_passage WHERE agreement_id = ? AND side = ? AND state IN ('answered', 'settled')",
            [agreement, side.rawValue])
    }

    /// A party's passages, newest first; every passage for `nil`.
    package static func passages(
        side: Passage.Side, asker: ID<Party>? = nil, in transaction: any SQLReading
    ) throws(Problem) -> [Passage] {
        guard let asker else {
            return try select("side = ?", [side.rawValue], "reserved_at DESC, id", in: transaction)
        }
        return try select(
            "side = ? AND asker_id = ?", [side.rawValue, asker], "reserved_at DESC, id", in: transaction)
    }

    /// Reservations whose time has passed without a receipt.
    package static func expired(
        _ side: Passage.Side, at now: Instant, in transaction: any SQLReading
    ) throws(Problem) -> [Passage] {
        try select(
            "side = ? AND state = 'reserved' AND expires_at < ?", [side.rawValue, now], "expires_at",
            in: transaction)
    }

    private static func select(
        _ condition: String, _ arguments: [any SQLConvertible], _ order: String,
        in transaction: any SQLReading
    ) throws(Problem) -> [Passage] {
        try transaction.all(
            """
            SELECT id, side, agreement_id, agreement_code, door, asker_id, state, price, request, document, answer,
            reserved_at, expires_at FROM valve_passage WHERE \(condition) ORDER BY \(order)
            """,
            arguments
        ) { row throws(Problem) in
            Passage(
                id: try row.id(0), side: Passage.Side(rawValue: try row.text(1)) ?? .asker,
                agreement: try row.id(2), agreementCode: try row.text(3),
                door: Door(rawValue: try row.text(4)) ?? .describe, asker: try row.id(5),
                state: Passage.State(rawValue: try row.text(6)) ?? .voided,
                price: Money(minorUnits: try row.integer(7)), request: try row.digest(8),
                document: try row.json(9),
                answer: try row.optional(10, row.blob), reservedAt: try row.instant(11),
                expiresAt: try row.instant(12))
        }
    }
}
