// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of casework.
package enum CaseworkSchema {
    /// A case is kept as one JSON text, with the columns that inboxes ask for beside it; its records are never
    /// changed. Empty tables: instant.
    package static let migrations = [
        Migration(
            "casework/0001-cases",
            [
                """
                CREATE TABLE casework_procedure (
                    id TEXT NOT NULL, version TEXT NOT NULL, declaration TEXT NOT NULL,
                    installed_at INTEGER NOT NULL, retired_at INTEGER, PRIMARY KEY (id, version)) STRICT
                """,
                """
                CREATE TABLE casework_case (
                    id BLOB PRIMARY KEY, code TEXT NOT NULL UNIQUE, procedure TEXT NOT NULL,
                    version TEXT NOT NULL, applicant TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL,
                    owner TEXT NOT NULL, is_open INTEGER NOT NULL, due_day INTEGER, looked_day INTEGER,
                    file TEXT NOT NULL) STRICT
                """,
                "CREATE INDEX casework_case_inbox ON casework_case (is_open, owner, due_day)",
                "CREATE INDEX casework_case_due ON casework_case (due_day)",
                "CREATE INDEX casework_case_applicant ON casework_case (applicant, procedure)",
                """
                CREATE TABLE casework_record (
                    case_id BLOB NOT NULL REFERENCES casework_case (id), sequence INTEGER NOT NULL,
                    at INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (case_id, sequence)) STRICT
                """,
                """
                CREATE TABLE casework_letter (
                    case_id BLOB NOT NULL REFERENCES casework_case (id), sequence INTEGER NOT NULL,
                    at INTEGER NOT NULL, zh TEXT NOT NULL, en TEXT NOT NULL, PRIMARY KEY (case_id, sequence)
                ) STRICT
                """,
                """
                CREATE TABLE casework_bar (
                    applicant TEXT NOT NULL, procedure TEXT NOT NULL, until_day INTEGER NOT NULL,
                    PRIMARY KEY (applicant, procedure)) STRICT
                """,
            ]),
        // Whoever was appointed to a case finds it in his inbox. Instant on empty tables.
        Migration(
            "casework/0002-appointees",
            [
                """
                CREATE TABLE casework_appointee (
                    party TEXT NOT NULL, case_id BLOB NOT NULL REFERENCES casework_case (id),
                    PRIMARY KEY (party, case_id)) STRICT
                """
            ]),
    ]
}
