// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of installed packs, of who has which role in them, and of decisions.
package enum PacksSchema {
    /// Empty tables: instant. A version of a pack is never changed; a removed one stays for what was decided
    /// under it.
    package static let migrations = [
        Migration(
            "packs/0001-packs",
            [
                """
                CREATE TABLE packs_pack (
                    id TEXT NOT NULL, version TEXT NOT NULL, title_zh TEXT NOT NULL, title_en TEXT NOT NULL,
                    digest BLOB NOT NULL, files TEXT NOT NULL, added_at INTEGER NOT NULL, removed_at INTEGER,
                    PRIMARY KEY (id, version)) STRICT
                """,
                """
                CREATE TABLE packs_duty (
                    party TEXT NOT NULL, scope TEXT NOT NULL, role TEXT NOT NULL, until_day INTEGER NOT NULL,
                    is_suspended INTEGER NOT NULL, given_at INTEGER NOT NULL,
                    PRIMARY KEY (party, scope, role)) STRICT
                """,
                """
                CREATE TABLE packs_decision (
                    id BLOB PRIMARY KEY, code TEXT NOT NULL UNIQUE, pack TEXT NOT NULL, version TEXT NOT NULL,
                    rule TEXT NOT NULL, party TEXT NOT NULL, at INTEGER NOT NULL, answer TEXT NOT NULL) STRICT
                """,
            ]),
        // A published report is never changed; a correction is a row of its own. Instant on empty tables.
        Migration(
            "packs/0002-reports-and-reminders",
            [
                """
                CREATE TABLE packs_report (
                    index_id TEXT NOT NULL, period TEXT NOT NULL, version INTEGER NOT NULL, pack TEXT NOT NULL,
                    pack_version TEXT NOT NULL, figures TEXT NOT NULL, note TEXT NOT NULL,
                    digest BLOB NOT NULL, published_at INTEGER NOT NULL,
                    PRIMARY KEY (index_id, period, version)) STRICT
                """,
                """
                CREATE TABLE packs_reminder (
                    round TEXT NOT NULL, lead TEXT NOT NULL, stage TEXT NOT NULL, day INTEGER NOT NULL,
                    PRIMARY KEY (round, lead, stage)) STRICT
                """,
            ]),
    ]
}
