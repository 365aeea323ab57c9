// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of privacy accounts.
package enum PrivacyBudgetSchema {
    package static let migrations = [
        // Empty tables: no time, whatever the size of the node.
        Migration(
            "valve/0002-privacy-accounts",
            [
                """
                CREATE TABLE valve_privacy_account (
                    id BLOB NOT NULL PRIMARY KEY,
                    asset BLOB NOT NULL,
                    unit TEXT NOT NULL,
                    agreement BLOB NOT NULL,
                    total_micros INTEGER NOT NULL CHECK (total_micros > 0),
                    period_micros INTEGER CHECK (period_micros > 0),
                    period_days INTEGER CHECK (period_days > 0),
                    delta_exponent INTEGER,
                    questions_max INTEGER,
                    opened_at INTEGER NOT NULL,
                    UNIQUE (asset, unit, agreement)
                ) STRICT
                """,
                """
                CREATE TABLE valve_privacy_charge (
                    passage BLOB NOT NULL,
                    account BLOB NOT NULL REFERENCES valve_privacy_account (id),
                    asker BLOB NOT NULL,
                    plan BLOB NOT NULL,
                    versions BLOB NOT NULL,
                    epsilon_micros INTEGER NOT NULL,
                    rho_nanos INTEGER NOT NULL,
                    is_pure INTEGER NOT NULL,
                    delta_exponent INTEGER,
                    groups_delta_exponent INTEGER,
                    state INTEGER NOT NULL,
                    reserved_at INTEGER NOT NULL,
                    expires_at INTEGER NOT NULL,
                    PRIMARY KEY (passage, account)
                ) STRICT
                """,
                "CREATE INDEX valve_privacy_charge_account ON valve_privacy_charge (account, state, reserved_at)",
                "CREATE INDEX valve_privacy_charge_due ON valve_privacy_charge (state, expires_at)",
                """
                CREATE TABLE valve_privacy_answer (
                    plan BLOB NOT NULL,
                    versions BLOB NOT NULL,
                    passage BLOB NOT NULL,
                    answer BLOB NOT NULL,
                    answer_digest BLOB NOT NULL,
                    stored_at INTEGER NOT NULL,
                    PRIMARY KEY (plan, versions)
                ) STRICT
                """,
                """
                CREATE TABLE valve_exact_answer (
                    version BLOB NOT NULL,
                    number INTEGER NOT NULL,
                    rules BLOB NOT NULL,
                    passage BLOB NOT NULL,
                    question TEXT NOT NULL,
                    PRIMARY KEY (version, number)
                ) STRICT
                """,
            ]
        ),
        // Adds a column without touching a row.
        Migration(
            "valve/0003-exact-recipients", ["ALTER TABLE valve_exact_answer ADD COLUMN recipient BLOB"]),
    ]
}
