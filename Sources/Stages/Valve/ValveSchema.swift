// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of passages and closures.
package enum ValveSchema {
    package static let migrations = [
        Migration(
            "valve/0001-passages",
            [
                """
                CREATE TABLE valve_passage (
                    id BLOB NOT NULL, side TEXT NOT NULL, code TEXT NOT NULL, agreement_id BLOB NOT NULL,
                    agreement_code TEXT NOT NULL, door TEXT NOT NULL, asker_id BLOB NOT NULL, state TEXT NOT NULL,
                    price INTEGER NOT NULL, request BLOB NOT NULL, document TEXT NOT NULL, answer BLOB,
                    reserved_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, finished_at INTEGER,
                    PRIMARY KEY (id, side)
                ) STRICT
                """,
                "CREATE INDEX valve_passage_by_agreement ON valve_passage (agreement_id, side, state)",
                "CREATE INDEX valve_passage_by_expiry ON valve_passage (state, expires_at)",
                """
                CREATE TABLE valve_closure (
                    target TEXT PRIMARY KEY NOT NULL, closed_by BLOB NOT NULL, why TEXT NOT NULL,
                    closed_at INTEGER NOT NULL
                ) STRICT
                """,
            ])
    ]
}
