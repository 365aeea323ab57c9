// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of the books.
package enum LedgerSchema {
    package static let migrations = [
        // Empty tables: no time, whatever the size of the node.
        Migration(
            "ledger/0001-books",
            [
                """
                CREATE TABLE ledger_account (
                    number INTEGER NOT NULL PRIMARY KEY,
                    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
                    unit INTEGER NOT NULL,
                    kind INTEGER NOT NULL,
                    balance_limit INTEGER NOT NULL,
                    is_closed INTEGER NOT NULL DEFAULT 0,
                    owner BLOB,
                    name TEXT NOT NULL,
                    opened_at INTEGER NOT NULL,
                    debits_pending INTEGER NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
                    debits_posted INTEGER NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
                    credits_pending INTEGER NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
                    credits_posted INTEGER NOT NULL DEFAULT 0 CHECK (credits_posted >= 0)
                ) STRICT
                """,
                // `at` is strictly increasing, so that one key gives the order, the time and the past.
                """
                CREATE TABLE ledger_transfer (
                    at INTEGER NOT NULL PRIMARY KEY,
                    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
                    debit INTEGER NOT NULL,
                    credit INTEGER NOT NULL,
                    amount INTEGER NOT NULL CHECK (amount >= 0),
                    flags INTEGER NOT NULL,
                    code INTEGER NOT NULL,
                    pending_at INTEGER NOT NULL,
                    timeout_seconds INTEGER NOT NULL,
                    subject BLOB,
                    reference INTEGER NOT NULL,
                    refusal INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE ledger_pending (
                    at INTEGER NOT NULL PRIMARY KEY,
                    state INTEGER NOT NULL,
                    expires_at INTEGER NOT NULL,
                    resolved_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX ledger_pending_due ON ledger_pending (expires_at) WHERE state = 0",
                """
                CREATE TABLE ledger_bank_line (
                    statement TEXT NOT NULL,
                    line INTEGER NOT NULL,
                    reference TEXT NOT NULL,
                    amount INTEGER NOT NULL,
                    verdict TEXT NOT NULL,
                    transfer BLOB,
                    at INTEGER NOT NULL,
                    PRIMARY KEY (statement, line)
                ) STRICT
                """,
            ])
    ]
}
