// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of this room.
package enum CollectSchema {
    package static let migrations: [Migration] = [
        // Instant on an empty table.
        Migration(
            "collect/0001-sources-and-deliveries",
            [
                """
                CREATE TABLE collect_source (
                    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                    code TEXT NOT NULL UNIQUE,
                    name_zh TEXT NOT NULL,
                    name_en TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    owner TEXT NOT NULL,
                    collector TEXT NOT NULL,
                    method TEXT NOT NULL,
                    basis_ground TEXT NOT NULL,
                    basis_document TEXT NOT NULL,
                    basis_until INTEGER,
                    use_conditions TEXT NOT NULL,
                    entered_at INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE collect_delivery (
                    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                    source_id BLOB NOT NULL REFERENCES collect_source (id),
                    sequence INTEGER NOT NULL,
                    received_at INTEGER NOT NULL,
                    files_digest BLOB NOT NULL,
                    byte_count INTEGER NOT NULL,
                    refusal TEXT,
                    content_digest BLOB,
                    row_count INTEGER NOT NULL,
                    quarantined_count INTEGER NOT NULL,
                    event_time INTEGER,
                    report TEXT NOT NULL
                ) STRICT
                """,
                "CREATE INDEX collect_delivery_source ON collect_delivery (source_id, sequence)",
                """
                CREATE UNIQUE INDEX collect_delivery_accepted ON collect_delivery (source_id, sequence)
                WHERE refusal IS NULL
                """,
            ])
    ]
}
