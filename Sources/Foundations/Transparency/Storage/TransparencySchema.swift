// SPDX-License-Identifier: Apache-2.0

package import Store

/// The room's tables.
package enum TransparencySchema {
    package static let migrations = [
        // A new table: no time on any number of rows.
        Migration(
            "transparency/0001-log",
            [
                """
                CREATE TABLE transparency_leaf (
                    leaf_index INTEGER PRIMARY KEY CHECK (leaf_index >= 0),
                    entry_id BLOB UNIQUE,
                    kind TEXT NOT NULL,
                    subject TEXT,
                    parties TEXT NOT NULL,
                    logged_at INTEGER NOT NULL,
                    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
                    salt BLOB NOT NULL CHECK (length(salt) = 16),
                    content TEXT NOT NULL
                ) STRICT
                """,
                "CREATE INDEX transparency_leaf_subject ON transparency_leaf (subject, leaf_index)",
                """
                CREATE TABLE transparency_refusal (
                    hour_at INTEGER NOT NULL,
                    scope BLOB NOT NULL,
                    code TEXT NOT NULL,
                    parties TEXT NOT NULL,
                    refusal_count INTEGER NOT NULL CHECK (refusal_count > 0),
                    leaf_index INTEGER,
                    PRIMARY KEY (hour_at, scope, code)
                ) STRICT
                """,
                """
                CREATE INDEX transparency_refusal_open ON transparency_refusal (hour_at)
                WHERE leaf_index IS NULL
                """,
                """
                CREATE TABLE transparency_peer_checkpoint (
                    origin TEXT NOT NULL,
                    tree_size INTEGER NOT NULL,
                    root BLOB NOT NULL CHECK (length(root) = 32),
                    note BLOB NOT NULL,
                    remembered_at INTEGER NOT NULL,
                    PRIMARY KEY (origin, tree_size, root)
                ) STRICT
                """,
                """
                CREATE TABLE transparency_anchor (
                    tree_size INTEGER NOT NULL,
                    authority TEXT NOT NULL,
                    note BLOB NOT NULL,
                    token BLOB NOT NULL,
                    stamped_at INTEGER NOT NULL,
                    PRIMARY KEY (tree_size, authority)
                ) STRICT
                """,
            ]
        ),
        // Rebuilds one index: some seconds on a million rows.
        Migration(
            "transparency/0002-subjects-by-epoch",
            [
                "DROP INDEX transparency_leaf_subject",
                """
                CREATE INDEX transparency_leaf_subject
                ON transparency_leaf ((leaf_index / \(epoch)), subject, leaf_index)
                """,
            ]
        ),
    ]

    /// Codes are random: an index by subject alone makes every leaf dirty a page of its own, half of what a leaf costs.
    /// So the index begins with the leaf's epoch of so many leaves, whose few pages stay warm while it grows; finding a
    /// subject looks into each epoch. Never changed: the index's expression is stored with it.
    static let epoch: Int64 = 4096

    /// The one table of a witness, which has a database of its own.
    package static let witnessMigrations = [
        Migration(
            "transparency/0001-witness",
            [
                """
                CREATE TABLE transparency_cosigned (
                    origin TEXT NOT NULL PRIMARY KEY,
                    tree_size INTEGER NOT NULL,
                    note BLOB NOT NULL,
                    cosigned_at INTEGER NOT NULL
                ) STRICT
                """
            ]
        )
    ]
}
