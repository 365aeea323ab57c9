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
            ]),
        // Instant on empty tables.
        Migration(
            "collect/0002-grading-lineage-terminals-labels",
            [
                """
                CREATE TABLE collect_grading (
                    name TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL,
                    proposed_by TEXT NOT NULL, proposed_at INTEGER NOT NULL, reviewed_by TEXT,
                    reviewed_at INTEGER, why TEXT NOT NULL, PRIMARY KEY (name, version)
                ) STRICT
                """,
                """
                CREATE TABLE collect_step (
                    digest BLOB NOT NULL PRIMARY KEY, output BLOB NOT NULL, document TEXT NOT NULL
                ) STRICT
                """,
                "CREATE INDEX collect_step_output ON collect_step (output)",
                """
                CREATE TABLE collect_terminal (
                    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), code TEXT NOT NULL UNIQUE,
                    city_code TEXT NOT NULL UNIQUE,
                    type TEXT NOT NULL, place TEXT NOT NULL, district TEXT NOT NULL, owner TEXT NOT NULL,
                    standard TEXT NOT NULL, state TEXT NOT NULL, source_id BLOB NOT NULL
                    REFERENCES collect_source (id), secret BLOB NOT NULL, entered_at INTEGER NOT NULL,
                    UNIQUE (type, place)
                ) STRICT
                """,
                "CREATE INDEX collect_terminal_district ON collect_terminal (district, type)",
                """
                CREATE TABLE collect_reading (
                    terminal_id BLOB NOT NULL REFERENCES collect_terminal (id), sequence INTEGER NOT NULL,
                    received_at INTEGER NOT NULL, document TEXT NOT NULL, delivery_id BLOB,
                    PRIMARY KEY (terminal_id, sequence)
                ) STRICT
                """,
                "CREATE INDEX collect_reading_waiting ON collect_reading (terminal_id) WHERE delivery_id IS NULL",
                """
                CREATE TABLE collect_telemetry_count (
                    sender TEXT NOT NULL PRIMARY KEY, accepted INTEGER NOT NULL, repeated INTEGER NOT NULL,
                    rejected INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE collect_label_set (
                    name TEXT NOT NULL, version INTEGER NOT NULL, labels TEXT NOT NULL,
                    entered_at INTEGER NOT NULL, PRIMARY KEY (name, version)
                ) STRICT
                """,
                """
                CREATE TABLE collect_label (
                    set_name TEXT NOT NULL, set_version INTEGER NOT NULL, item TEXT NOT NULL,
                    annotator TEXT NOT NULL, label TEXT NOT NULL, labelled_at INTEGER NOT NULL,
                    PRIMARY KEY (set_name, set_version, item, annotator),
                    FOREIGN KEY (set_name, set_version) REFERENCES collect_label_set (name, version)
                ) STRICT
                """,
            ]),
    ]
}
