// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of usage.
package enum MeteringSchema {
    package static let migrations = [
        // Empty tables: no time, whatever the size of the node.
        Migration(
            "metering/0001-usage",
            [
                """
                CREATE TABLE metering_meter (
                    type TEXT NOT NULL PRIMARY KEY,
                    aggregation TEXT NOT NULL,
                    property TEXT
                ) STRICT
                """,
                """
                CREATE TABLE metering_event (
                    number INTEGER NOT NULL PRIMARY KEY,
                    source TEXT NOT NULL,
                    id TEXT NOT NULL,
                    type TEXT NOT NULL,
                    subject TEXT NOT NULL,
                    at INTEGER NOT NULL,
                    counted_at INTEGER NOT NULL,
                    is_late INTEGER NOT NULL,
                    quantity INTEGER NOT NULL,
                    word TEXT,
                    digest BLOB NOT NULL,
                    UNIQUE (source, id)
                ) STRICT
                """,
                "CREATE INDEX metering_event_counted ON metering_event (subject, type, counted_at)",
                """
                CREATE TABLE metering_closed (
                    subject TEXT NOT NULL PRIMARY KEY,
                    through INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE metering_grant (
                    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                    holder BLOB NOT NULL,
                    asset BLOB NOT NULL,
                    purpose TEXT NOT NULL,
                    granted INTEGER NOT NULL CHECK (granted >= 0),
                    reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
                    used INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
                    starts_at INTEGER NOT NULL,
                    ends_at INTEGER NOT NULL,
                    revoked_at INTEGER,
                    CHECK (used + reserved <= granted)
                ) STRICT
                """,
                "CREATE INDEX metering_grant_holder ON metering_grant (holder, asset)",
                """
                CREATE TABLE metering_reservation (
                    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                    grant_id BLOB NOT NULL,
                    uses INTEGER NOT NULL,
                    state INTEGER NOT NULL,
                    expires_at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX metering_reservation_due ON metering_reservation (expires_at) WHERE state = 0",
            ])
    ]
}
