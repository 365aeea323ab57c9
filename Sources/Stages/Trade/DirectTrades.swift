// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// Contracts that two parties made without the platform 直接交易, filed by their digests: what was agreed stays with the
/// two, that it was agreed and when can be shown to anybody.
package enum DirectTrades {
    /// A filed contract. It counts once both sides filed the same digest.
    package struct Contract: Hashable, Sendable {
        package let code: Code
        package let digest: Digest
        package let title: String
        package let parties: [ID<Party>]
        package let filedAt: Instant
        package let confirmedAt: Instant?
    }

    /// One side files; the other's filing of the same digest confirms it. Filing again changes nothing.
    package static func file(
        _ digest: Digest, title: String, by party: ID<Party>, with other: ID<Party>,
        in transaction: any SQLWriting
    ) throws(Problem) -> Contract {
        let id = ID<Contract>(derivedFrom: Digest(of: "direct/" + digest.hex))
        try transaction.execute(
            """
            INSERT INTO trade_direct (id, code, digest, title, first_id, second_id, filed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
            """, [id, Code(.contract, id), digest, title, party, other, transaction.now])
        try transaction.execute(
            """
            UPDATE trade_direct SET confirmed_at = ?
            WHERE id = ? AND second_id = ? AND first_id = ? AND confirmed_at IS NULL
            """, [transaction.now, id, party, other])
        guard let filed = try find(id, in: transaction), Set(filed.parties) == [party, other] else {
            throw Problem(.conflict, "trade.direct-foreign", ["digest": .text(digest.hex)])
        }
        return filed
    }

    private static func find(_ id: ID<Contract>, in transaction: any SQLReading) throws(Problem) -> Contract?
    {
        try transaction.first(
            """
            SELECT code, digest, title, first_id, second_id, filed_at, confirmed_at FROM trade_direct WHERE id = ?
            """, [id]
        ) { row throws(Problem) in
            Contract(
                code: Code(.contract, id), digest: try row.digest(1), title: try row.text(2),
                parties: [try row.id(3, of: Party.self), try row.id(4, of: Party.self)],
                filedAt: try row.instant(5), confirmedAt: try row.optional(6, row.instant))
        }
    }

    /// How many trades were made in each way: contracts made outside and filed by both, and agreements made here.
    package static func counts(
        in transaction: any SQLReading
    ) throws(Problem) -> (direct: Int64, platform: Int64) {
        (
            try transaction.count("SELECT count(*) FROM trade_direct WHERE confirmed_at IS NOT NULL"),
            try transaction.count("SELECT count(*) FROM trade_agreement WHERE in_force_at IS NOT NULL")
        )
    }
}
