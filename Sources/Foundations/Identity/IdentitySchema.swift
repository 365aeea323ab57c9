// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of parties, tokens and invitations.
package enum IdentitySchema {
    package static let migrations = [
        // Instant on any size: the tables are new.
        Migration(
            "identity/0001-parties",
            [
                """
                CREATE TABLE identity_party (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
                    document TEXT NOT NULL, is_self INTEGER NOT NULL, is_exchange INTEGER NOT NULL,
                    joined_at INTEGER NOT NULL, revoked_at INTEGER
                ) STRICT
                """,
                """
                CREATE TABLE identity_token (
                    hash BLOB PRIMARY KEY NOT NULL, party_id BLOB NOT NULL REFERENCES identity_party (id),
                    scopes TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
                    revoked_at INTEGER
                ) STRICT
                """,
                "CREATE INDEX identity_token_by_party ON identity_token (party_id)",
                """
                CREATE TABLE identity_invitation (
                    hash BLOB PRIMARY KEY NOT NULL, name TEXT NOT NULL, credit_code TEXT,
                    jurisdiction TEXT NOT NULL, roles TEXT NOT NULL, expires_at INTEGER NOT NULL,
                    used_at INTEGER
                ) STRICT
                """,
            ])
    ]
}
