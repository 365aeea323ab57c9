// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// The parties this node knows: itself, its exchange, and whom the exchange's signed list names.
package enum PartyRegister {
    /// Writes a party. A known identifier keeps its place and takes the new document (a rotated key, a new
    /// address); its `code` never changes.
    package static func put(
        _ party: Party, isSelf: Bool = false, isExchange: Bool = false, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO identity_party (id, code, name, document, is_self, is_exchange, joined_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, document = excluded.document
            """,
            [party.id, party.code, party.name, party.json, isSelf, isExchange, transaction.now])
    }

    package static func party(_ id: ID<Party>, in transaction: any SQLReading) throws(Problem) -> Party {
        guard let party = try find("id = ?", id, in: transaction) else { throw .partyUnknown(id.uuid) }
        return party
    }

    /// Finds a party by its code or its exact name.
    package static func party(named text: String, in transaction: any SQLReading) throws(Problem) -> Party {
        let canonical = Code(text)?.text ?? text
        if let party = try find("code = ?", canonical, in: transaction) { return party }
        guard let party = try find("name = ?", text, in: transaction) else { throw .partyUnknown(text) }
        return party
    }

    /// The party that owns this node.
    package static func ownParty(in transaction: any SQLReading) throws(Problem) -> Party {
        guard let party = try find("is_self = ?", 1, in: transaction) else { throw .partyUnknown("self") }
        return party
    }

    /// The exchange this node joined; the own party where this node is one; `nil` before joining.
    package static func exchange(in transaction: any SQLReading) throws(Problem) -> Party? {
        try find("is_exchange = ?", 1, in: transaction)
    }

    package static func all(in transaction: any SQLReading) throws(Problem) -> [Party] {
        try transaction.all(
            "SELECT document FROM identity_party WHERE revoked_at IS NULL ORDER BY joined_at, id"
        ) {
            row throws(Problem) in try read(row)
        }
    }

    /// A revoked party keeps its history and may do nothing more; its tokens end in the same commit.
    package static func revoke(_ id: ID<Party>, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            "UPDATE identity_party SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
            [transaction.now, id])
        try transaction.execute(
            "UPDATE identity_token SET revoked_at = ? WHERE party_id = ? AND revoked_at IS NULL",
            [transaction.now, id])
    }

    private static func find(
        _ condition: String, _ argument: any SQLConvertible, in transaction: any SQLReading
    ) throws(Problem) -> Party? {
        try transaction.first(
            "SELECT document FROM identity_party WHERE \(condition) AND revoked_at IS NULL", [argument]
        ) { row throws(Problem) in try read(row) }
    }

    private static func read(_ row: any SQLRow) throws(Problem) -> Party {
        guard let party = Party(json: try row.json(0)) else {
            throw Problem(.fault, "store.row-unreadable", operatorNote: "identity_party.document")
        }
        return party
    }
}
