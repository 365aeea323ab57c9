// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// A reviewed claim to hold, use or operate an asset 登记. It records; it does not create ownership.
package struct Registration: Hashable, Sendable {
    /// The six kinds of Shenzhen's rules (深发改规〔2023〕5号). Other places have others: a pack may rename them.
    package enum Kind: String, Sendable, CaseIterable {
        case first, license, transfer, change, cancellation, objection
    }

    package let id: ID<Registration>
    package let assetCode: String
    package let kind: Kind
    package let holder: ID<Party>
    /// What was claimed and reviewed: title, version digest, fields and grades, legal basis, reviewer.
    package let document: JSON
    /// Where the log of the registering node proves it.
    package let leafIndex: Int64
    package let registeredAt: Instant

    package var code: Code { Code(.registration, id) }

    package init(
        id: ID<Registration>, assetCode: String, kind: Kind, holder: ID<Party>, document: JSON,
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
    /// Writes a registration and the holder's right with it. A second first registration of the same asset is
    /// refused: one asset is one registration unit.
    package static func enter(_ registration: Registration, in transaction: any SQLWriting) throws(Problem) {
        if registration.kind == .first, try inForce(registration.assetCode, in: transaction) != nil {
            throw Problem(.conflict, "register.asset-registered", ["asset": .text(registration.assetCode)])
        }
        try transaction.execute(
            """
            INSERT INTO register_registration
            (id, code, asset_code, kind, holder_id, document, leaf_index, registered_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                registration.id, registration.code, registration.assetCode, registration.kind.rawValue,
                registration.holder, registration.document, registration.leafIndex, registration.registeredAt,
            ])
        try transaction.execute(
            """
            INSERT INTO register_right (asset_code, party_id, kind, evidence, recorded_at) VALUES (?, ?, 'hold', ?, ?)
            ON CONFLICT (asset_code, party_id, kind) DO UPDATE SET evidence = excluded.evidence
            """,
            [registration.assetCode, registration.holder, registration.code, registration.registeredAt])
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
            kind: Registration.Kind(rawValue: try row.text(2)) ?? .first,
            holder: try row.id(3), document: try row.json(4), leafIndex: try row.integer(5),
            registeredAt: try row.instant(6))
    }
}
