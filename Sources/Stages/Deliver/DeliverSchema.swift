// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of what left by the open doors, of transfers, and of what readers say.
package enum DeliverSchema {
    package static let migrations = [
        Migration(
            "deliver/0001-doors",
            [
                """
                CREATE TABLE deliver_open_use (
                    listing_code TEXT NOT NULL, way TEXT NOT NULL, day INTEGER NOT NULL, count INTEGER NOT NULL,
                    bytes INTEGER NOT NULL, PRIMARY KEY (listing_code, way, day)
                ) STRICT
                """,
                """
                CREATE TABLE deliver_transfer (
                    own_pid TEXT PRIMARY KEY NOT NULL, peer_pid TEXT NOT NULL, counterparty TEXT NOT NULL,
                    agreement TEXT NOT NULL, side TEXT NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL,
                    due_at INTEGER, changed_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX deliver_transfer_by_due ON deliver_transfer (due_at)",
                "CREATE INDEX deliver_transfer_by_peer ON deliver_transfer (counterparty, peer_pid)",
                """
                CREATE TABLE deliver_feedback (
                    id BLOB PRIMARY KEY NOT NULL, listing_code TEXT NOT NULL, words TEXT NOT NULL,
                    at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX deliver_feedback_by_listing ON deliver_feedback (listing_code, at)",
            ]),
        Migration(
            "deliver/0002-requests",
            [
                """
                CREATE TABLE deliver_request (
                    case_code TEXT PRIMARY KEY NOT NULL, holder_id BLOB NOT NULL, listing_code TEXT NOT NULL,
                    at INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE deliver_task (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT UNIQUE NOT NULL, state TEXT NOT NULL,
                    document TEXT NOT NULL, due_at INTEGER, changed_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX deliver_task_by_due ON deliver_task (due_at)",
                """
                CREATE TABLE deliver_source (
                    url TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, harvested_at INTEGER,
                    count INTEGER NOT NULL, last_error TEXT, PRIMARY KEY (url, kind)
                ) STRICT
                """,
                """
                CREATE TABLE deliver_foreign (
                    source_url TEXT NOT NULL, source_kind TEXT NOT NULL, foreign_id TEXT NOT NULL,
                    dataset TEXT NOT NULL, document TEXT NOT NULL, words TEXT NOT NULL,
                    seen_at INTEGER NOT NULL,
                    PRIMARY KEY (source_url, source_kind, foreign_id)
                ) STRICT
                """,
                "CREATE INDEX deliver_foreign_by_dataset ON deliver_foreign (dataset)",
            ]),
        // A million foreign datasets: a moment; columns without a value are not written.
        Migration(
            "deliver/0003-harvests",
            [
                "ALTER TABLE deliver_source ADD COLUMN every_seconds INTEGER",
                "ALTER TABLE deliver_source ADD COLUMN due_at INTEGER",
                "ALTER TABLE deliver_source ADD COLUMN failures INTEGER NOT NULL DEFAULT 0",
                "ALTER TABLE deliver_source ADD COLUMN token TEXT",
                "ALTER TABLE deliver_source ADD COLUMN changes TEXT",
                "ALTER TABLE deliver_foreign ADD COLUMN changed_at INTEGER",
                "ALTER TABLE deliver_foreign ADD COLUMN withdrawn_at INTEGER",
                """
                CREATE TABLE deliver_foreign_change (
                    source_url TEXT NOT NULL, source_kind TEXT NOT NULL, foreign_id TEXT NOT NULL,
                    at INTEGER NOT NULL, what TEXT NOT NULL, dataset TEXT NOT NULL, title TEXT NOT NULL,
                    PRIMARY KEY (source_url, source_kind, foreign_id, at)
                ) STRICT
                """,
                "CREATE INDEX deliver_foreign_change_by_time ON deliver_foreign_change (at)",
                "CREATE INDEX deliver_foreign_change_by_dataset ON deliver_foreign_change (dataset, at)",
            ]),
    ]
}
