// SPDX-License-Identifier: Apache-2.0

import Primitives
package import Store
import Trade
import Valve

/// The sets that were matched under each agreement: what tells a repeat from probing.
enum MatchBook {
    private static let window: Duration = .seconds(30 * 86_400)

    /// How many more sets an agreement may match after this one. Throws `compute.match-sets-spent` if this one would
    /// be one too many of thirty days.
    @discardableResult
    static func requireRoom(
        _ set: Digest, _ agreement: ID<Agreement>, _ rules: MatchRules, in transaction: any SQLWriting
    ) throws(Problem) -> Int {
        let others = try transaction.count(
            """
            SELECT count(DISTINCT set_digest) FROM compute_match WHERE agreement_id = ? AND set_digest <> ?
            AND released_at > ?
            """,
            [agreement, set, transaction.now.advanced(by: .zero - window)])
        guard others < Int64(rules.setsMax) else {
            throw Problem(
                .limited, "compute.match-sets-spent",
                ["sets": .integer(others), "most": .integer(Int64(rules.setsMax))])
        }
        return rules.setsMax - Int(others) - 1
    }

    static func record(
        _ passage: ID<Passage>, _ agreement: ID<Agreement>, _ set: Digest, items: Int, wants: String,
        in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO compute_match (passage_id, agreement_id, set_digest, items, wants, released_at)
            VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (passage_id) DO NOTHING
            """,
            [passage, agreement, set, Int64(items), wants, transaction.now])
    }
}

/// The tables of the `match` door.
package enum MatchSchema {
    package static let migrations = [
        Migration(
            "compute/0001-matches",
            [
                """
                CREATE TABLE compute_match (
                    passage_id BLOB PRIMARY KEY NOT NULL, agreement_id BLOB NOT NULL, set_digest BLOB NOT NULL,
                    items INTEGER NOT NULL, wants TEXT NOT NULL, released_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX compute_match_by_agreement ON compute_match (agreement_id, released_at)",
            ]),
        // An empty table: no time, however many rows the others have.
        Migration(
            "compute/0002-shares",
            [
                """
                CREATE TABLE compute_share (
                    passage_id BLOB NOT NULL, side TEXT NOT NULL, transcript BLOB NOT NULL,
                    agreement_code TEXT NOT NULL, plan TEXT NOT NULL, sealed BLOB NOT NULL, kept_at INTEGER NOT NULL,
                    PRIMARY KEY (passage_id, side, transcript)
                ) STRICT
                """
            ]),
    ]
}
