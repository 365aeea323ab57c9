// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of listings, demands, negotiations, agreements and notices.
package enum TradeSchema {
    package static let migrations = [
        Migration(
            "trade/0001-market",
            [
                """
                CREATE TABLE trade_listing (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, holder_id BLOB NOT NULL,
                    state TEXT NOT NULL, title TEXT NOT NULL, openness TEXT NOT NULL, document TEXT NOT NULL,
                    opened_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX trade_listing_by_state ON trade_listing (state, opened_at)",
                """
                CREATE TABLE trade_demand (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, party_id BLOB NOT NULL,
                    words TEXT NOT NULL, document TEXT NOT NULL, state TEXT NOT NULL, matched_listing TEXT,
                    posted_at INTEGER NOT NULL, due_at INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE trade_negotiation (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, own_party BLOB NOT NULL,
                    counterparty BLOB NOT NULL, listing_code TEXT NOT NULL, side TEXT NOT NULL,
                    own_pid TEXT NOT NULL UNIQUE, state TEXT NOT NULL, document TEXT NOT NULL,
                    is_open INTEGER NOT NULL, changed_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX trade_negotiation_by_open ON trade_negotiation (is_open, changed_at)",
                """
                CREATE TABLE trade_agreement (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT NOT NULL UNIQUE, listing_code TEXT NOT NULL,
                    provider_id BLOB NOT NULL, consumer_id BLOB NOT NULL, policy TEXT NOT NULL,
                    listing TEXT NOT NULL, provider_signature BLOB, consumer_signature BLOB,
                    state TEXT NOT NULL, in_force_at INTEGER, ended_at INTEGER, contract_code TEXT
                ) STRICT
                """,
                "CREATE INDEX trade_agreement_by_consumer ON trade_agreement (consumer_id)",
                """
                CREATE TABLE trade_notice (
                    id BLOB PRIMARY KEY NOT NULL, party_id BLOB NOT NULL, kind TEXT NOT NULL,
                    subject_code TEXT NOT NULL, document TEXT NOT NULL, at INTEGER NOT NULL, read_at INTEGER
                ) STRICT
                """,
                "CREATE INDEX trade_notice_by_party ON trade_notice (party_id, at)",
            ]),
        CatalogIndex.index.migration("trade/0002-search"),
        Migration(
            "trade/0003-acknowledgement",
            ["ALTER TABLE trade_agreement ADD COLUMN consumer_evidence BLOB"]),
        Migration(
            "trade/0004-spaces",
            [
                """
                CREATE TABLE trade_direct (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT UNIQUE NOT NULL, digest BLOB NOT NULL,
                    title TEXT NOT NULL, first_id BLOB NOT NULL, second_id BLOB NOT NULL,
                    filed_at INTEGER NOT NULL, confirmed_at INTEGER
                ) STRICT
                """,
                """
                CREATE TABLE trade_space (
                    id BLOB PRIMARY KEY NOT NULL, code TEXT UNIQUE NOT NULL, document TEXT NOT NULL,
                    opened_at INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE trade_space_member (
                    space_code TEXT NOT NULL, party_id BLOB NOT NULL, standing TEXT NOT NULL,
                    changed_at INTEGER NOT NULL, PRIMARY KEY (space_code, party_id)
                ) STRICT
                """,
                """
                CREATE TABLE trade_space_listing (
                    space_code TEXT NOT NULL, listing_code TEXT NOT NULL,
                    PRIMARY KEY (space_code, listing_code)
                ) STRICT
                """,
            ]),
        // One column without a default: no time on any number of rows.
        Migration("trade/0005-demand-tasks", ["ALTER TABLE trade_demand ADD COLUMN task_due INTEGER"]),
    ]
}
