// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of assets, versions, gradings, registrations, rights, mandates and attestations.
package enum RegisterSchema {
    package static let migrations = [
        Migration(
            "register/0001-assets",
            [
                """
                CREATE TABLE register_asset (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, holder_id BLOB NOT NULL,
                    title TEXT NOT NULL, origin TEXT NOT NULL, registration TEXT, created_at INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE register_version (
                    id BLOB PRIMARY KEY NOT NULL, asset_id BLOB NOT NULL REFERENCES register_asset (id),
                    number INTEGER NOT NULL, digest BLOB NOT NULL, row_count INTEGER NOT NULL,
                    byte_count INTEGER NOT NULL, path TEXT NOT NULL, document TEXT NOT NULL,
                    created_at INTEGER NOT NULL, UNIQUE (asset_id, number)
                ) STRICT
                """,
                """
                CREATE TABLE register_grading (
                    asset_id BLOB NOT NULL REFERENCES register_asset (id), field TEXT NOT NULL,
                    class TEXT NOT NULL, proposed TEXT NOT NULL, why TEXT NOT NULL, confirmed TEXT,
                    confirmed_by TEXT, confirmed_at INTEGER, PRIMARY KEY (asset_id, field)
                ) STRICT
                """,
                """
                CREATE TABLE register_registration (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, asset_code TEXT NOT NULL,
                    kind TEXT NOT NULL, holder_id BLOB NOT NULL, document TEXT NOT NULL,
                    leaf_index INTEGER NOT NULL, registered_at INTEGER NOT NULL, revoked_at INTEGER
                ) STRICT
                """,
                "CREATE INDEX register_registration_by_asset ON register_registration (asset_code)",
                """
                CREATE TABLE register_right (
                    asset_code TEXT NOT NULL, party_id BLOB NOT NULL, kind TEXT NOT NULL,
                    evidence TEXT NOT NULL, valid_until INTEGER, encumbrance TEXT, recorded_at INTEGER NOT NULL,
                    PRIMARY KEY (asset_code, party_id, kind)
                ) STRICT
                """,
                """
                CREATE TABLE register_attestation (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, subject_code TEXT NOT NULL,
                    kind TEXT NOT NULL, party_id BLOB NOT NULL, document TEXT NOT NULL,
                    signature BLOB NOT NULL, valid_until INTEGER NOT NULL, signed_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX register_attestation_by_subject ON register_attestation (subject_code, kind)",
                """
                CREATE TABLE register_mandate (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, principal_id BLOB NOT NULL,
                    agent_id BLOB NOT NULL, document TEXT NOT NULL, parent_id BLOB, uses_left INTEGER,
                    granted_at INTEGER NOT NULL, revoked_at INTEGER
                ) STRICT
                """,
                """
                CREATE TABLE register_application (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, asset_code TEXT NOT NULL,
                    holder_id BLOB NOT NULL, document TEXT NOT NULL, state TEXT NOT NULL, why TEXT,
                    filed_at INTEGER NOT NULL, decided_at INTEGER
                ) STRICT
                """,
                """
                CREATE TABLE register_code (
                    code TEXT PRIMARY KEY NOT NULL, issued_at INTEGER NOT NULL, note TEXT NOT NULL
                ) STRICT
                """,
            ]),
        // Instant: two columns with a constant default, and empty tables.
        Migration(
            "register/0002-grading-valuations-descriptions",
            [
                "ALTER TABLE register_grading ADD COLUMN rule TEXT NOT NULL DEFAULT 'default'",
                "ALTER TABLE register_grading ADD COLUMN why_en TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE register_grading ADD COLUMN reason TEXT",
                """
                CREATE TABLE register_valuation (
                    id BLOB PRIMARY KEY NOT NULL, asset_code TEXT NOT NULL, version BLOB NOT NULL,
                    document TEXT NOT NULL, made_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX register_valuation_asset ON register_valuation (asset_code)",
                """
                CREATE TABLE register_description (
                    asset_code TEXT NOT NULL, asker_id BLOB NOT NULL, hour INTEGER NOT NULL, count INTEGER NOT NULL,
                    PRIMARY KEY (asset_code, asker_id, hour)
                ) STRICT
                """,
            ]),
        // A new column and an empty table: no time on any number of rows.
        Migration(
            "register/0003-notice",
            [
                "ALTER TABLE register_application ADD COLUMN notice_until INTEGER",
                "ALTER TABLE register_registration ADD COLUMN content TEXT",
                "CREATE INDEX register_registration_by_content ON register_registration (content)",
                """
                CREATE TABLE register_objection (
                    application_code TEXT NOT NULL, party_id BLOB NOT NULL, why TEXT NOT NULL,
                    filed_at INTEGER NOT NULL, is_upheld INTEGER, decision TEXT, decided_at INTEGER,
                    PRIMARY KEY (application_code, party_id)
                ) STRICT
                """,
            ]),
        // Two empty tables: no time on any number of rows.
        Migration(
            "register/0004-entities",
            [
                """
                CREATE TABLE register_entity (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, sort TEXT NOT NULL, name TEXT NOT NULL,
                    identity BLOB UNIQUE, subject_id BLOB, document TEXT NOT NULL, issuer_id BLOB NOT NULL,
                    valid_from INTEGER NOT NULL, valid_until INTEGER, issued_at INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE register_stay (
                    entity_code TEXT NOT NULL, place_code TEXT, since INTEGER NOT NULL, until INTEGER,
                    PRIMARY KEY (entity_code, since)
                ) STRICT
                """,
                "CREATE INDEX register_stay_by_place ON register_stay (place_code, since)",
            ]),
    ]
}
