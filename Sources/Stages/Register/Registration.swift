// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// A reviewed claim to hold, use or operate an asset 登记. It records; it does not create ownership.
package struct Registration: Hashable, Sendable {
    package let id: ID<Registration>
    package let assetCode: String
    /// The name of one of the node's `RegistrationRules`.
    package let kind: String
    package let holder: ID<Party>
    /// What was claimed and reviewed: title, version digest, fields and grades, legal basis, reviewer.
    package let document: JSON
    /// Where the log of the registering node proves it.
    package let leafIndex: Int64
    package let registeredAt: Instant

    package var code: Code { Code(.registration, id) }

    package init(
        id: ID<Registration>, assetCode: String, kind: String, holder: ID<Party>, document: JSON,
        leafIndex: Int64,
        registeredAt: Instant
    ) {
        self.id = id
        self.assetCode = assetCode
        self.kind = kind
        self.holder = holder
        self.document = document
        self.leafIndex = leafIndex
        self.registeredAt = registeredAt
    }
}

/// The registrations of a registering node.
package enum RegistrationBook {
    /// Writes a registration and the holder's right with it. A second registration beside one in force is refused: one
    /// asset is one registration unit.
    package static func enter(_ registration: Registration, in transaction: any SQLWriting) throws(Problem) {
        if try inForce(registration.assetCode, in: transaction) != nil {
            throw Problem(.conflict, "register.asset-registered", ["asset": .text(registration.assetCode)])
        }
        try transaction.execute(
            """
            INSERT INTO register_registration
            (id, code, asset_code, kind, holder_id, document, leaf_index, registered_at, content)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                registration.id, registration.code, registration.assetCode, registration.kind,
                registration.holder, registration.document, registration.leafIndex, registration.registeredAt,
                registration.document["version"]?.text,
            ])
        try transaction.execute(
            """
            INSERT INTO register_right (asset_code, party_id, kind, evidence, recorded_at) VALUES (?, ?, 'hold', ?, ?)
            ON CONFLICT (asset_code, party_id, kind) DO UPDATE SET evidence = excluded.evidence,
            recorded_at = excluded.recorded_at
            """,
            [registration.assetCode, registration.holder, registration.code, registration.registeredAt])
    }

    /// Ends the registration in force, and the right to hold that it gave.
    package static func end(_ registration: Registration, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            "UPDATE register_registration SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
            [transaction.now, registration.id])
        try transaction.execute(
            "DELETE FROM register_right WHERE asset_code = ? AND party_id = ? AND kind = 'hold'",
            [registration.assetCode, registration.holder])
    }

    /// Gives a right to use or to operate, within what the holder has: never longer, and only what he may give.
    package static func license(
        _ right: String, in assetCode: String, from holder: ID<Party>, to party: ID<Party>, until: Instant?,
        evidence: String, in transaction: any SQLWriting
    ) throws(Problem) {
        let held = try transaction.all(
            "SELECT valid_until FROM register_right WHERE asset_code = ? AND party_id = ? AND kind = 'hold'",
            [assetCode, holder]
        ) { row throws(Problem) in try row.optional(0, row.instant) }
        let isWithin = held.first.map { limit in
            limit.map { limit in until.map { $0 <= limit } ?? false } ?? true
        }
        guard ["use", "operate"].contains(right), isWithin == true else {
            throw Problem(
                .conflict, "register.right-exceeds", ["asset": .text(assetCode), "right": .text(right)])
        }
        try transaction.execute(
            """
            INSERT INTO register_right (asset_code, party_id, kind, evidence, valid_until, recorded_at)
            VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (asset_code, party_id, kind) DO UPDATE
            SET evidence = excluded.evidence, valid_until = excluded.valid_until
            """,
            [assetCode, party, right, evidence, until, transaction.now])
    }

    /// Who holds, who uses, who operates an asset, on which evidence and until when: the rights record.
    package static func rights(in assetCode: String, in transaction: any SQLReading) throws(Problem) -> [JSON]
    {
        try transaction.all(
            """
            SELECT party_id, kind, evidence, valid_until FROM register_right WHERE asset_code = ?
            ORDER BY recorded_at, kind
            """, [assetCode]
        ) { row throws(Problem) in
            [
                "party": .string(Code(.party, try row.id(0, of: Party.self)).text),
                "right": .string(try row.text(1)), "evidence": .string(try row.text(2)),
                "until": try row.optional(3, row.instant).map { .string($0.rfc3339) } ?? .null,
            ]
        }
    }

    /// Another holder's registration in force of the same content, if there is one.
    package static func other(
        than holder: ID<Party>, of content: String, in transaction: any SQLReading
    ) throws(Problem) -> Registration? {
        try transaction.first(
            """
            SELECT id, asset_code, kind, holder_id, document, leaf_index, registered_at
            FROM register_registration WHERE content = ? AND revoked_at IS NULL AND holder_id <> ? LIMIT 1
            """,
            [content, holder], read)
    }

    /// The registration in force for an asset, if there is one.
    package static func inForce(
        _ assetCode: String, in transaction: any SQLReading
    ) throws(Problem) -> Registration? {
        try transaction.first(
            """
            SELECT id, asset_code, kind, holder_id, document, leaf_index, registered_at
            FROM register_registration WHERE asset_code = ? AND revoked_at IS NULL
            ORDER BY registered_at DESC LIMIT 1
            """,
            [assetCode], read)
    }

    package static func registration(_ code: String, in transaction: any SQLReading) throws(Problem)
        -> Registration?
    {
        try transaction.first(
            """
            SELECT id, asset_code, kind, holder_id, document, leaf_index, registered_at
            FROM register_registration WHERE code = ?
            """,
            [code], read)
    }

    /// True if the party holds, uses or operates the asset: such a party is not a neutral assessor of it.
    package static func hasRight(
        _ party: ID<Party>, in assetCode: String, in transaction: any SQLReading
    ) throws(Problem) -> Bool {
        try transaction.count(
            "SELECT count(*) FROM register_right WHERE asset_code = ? AND party_id = ?", [assetCode, party])
            > 0
    }

    private static func read(_ row: any SQLRow) throws(Problem) -> Registration {
        Registration(
            id: try row.id(0), assetCode: try row.text(1),
            kind: try row.text(2),
            holder: try row.id(3), document: try row.json(4), leafIndex: try row.integer(5),
            registeredAt: try row.instant(6))
    }
}
