// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Messages that leave the node after the commit that caused them: written in the same transaction, sent later,
/// kept until the other side has them. Delivery is at least once, so a receiver recognizes `id`.
package enum Outbox {
    package static let migrations = [
        // An empty table: no time.
        Migration(
            "store/0001-outbox",
            [
                """
                CREATE TABLE store_outbox (
                    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                    topic TEXT NOT NULL,
                    recipient TEXT NOT NULL,
                    body BLOB NOT NULL,
                    created_at INTEGER NOT NULL,
                    due_at INTEGER NOT NULL,
                    attempts INTEGER NOT NULL DEFAULT 0,
                    failure TEXT
                ) STRICT
                """,
                "CREATE INDEX store_outbox_due ON store_outbox (due_at)",
            ])
    ]

    /// One message on its way.
    package struct Message: Hashable, Sendable {
        package let id: ID<Message>
        /// What it is, such as `valve.receipt`; it picks the handler.
        package let topic: String
        /// To whom: a node's code, or empty for a handler of this node.
        package let recipient: String
        package let body: [UInt8]
        package let createdAt: Instant
        /// Failed attempts so far.
        package let attempts: Int
    }

    /// Puts a message out. The same id twice is one message.
    package static func enqueue(
        _ id: ID<Message>, topic: String, recipient: String = "", body: [UInt8], in tx: any SQLWriting
    ) throws(Problem) {
        try tx.execute(
            """
            INSERT INTO store_outbox (id, topic, recipient, body, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?) \
            ON CONFLICT (id) DO NOTHING
            """,
            [id, topic, recipient, body, tx.now, tx.now])
    }

    /// What is due at a moment, the longest due first.
    package static func due(
        at instant: Instant, most: Int = 100, in tx: any SQLReading
    ) throws(Problem) -> [Message] {
        try tx.all(
            """
            SELECT id, topic, recipient, body, created_at, attempts FROM store_outbox \
            WHERE due_at <= ? ORDER BY due_at LIMIT ?
            """, [instant, most]
        ) { row throws(Problem) in
            Message(
                id: try row.id(0), topic: try row.text(1), recipient: try row.text(2), body: try row.blob(3),
                createdAt: try row.instant(4), attempts: try row.int(5))
        }
    }

    /// The other side has it.
    package static func done(_ id: ID<Message>, in tx: any SQLWriting) throws(Problem) {
        try tx.execute("DELETE FROM store_outbox WHERE id = ?", [id])
    }

    /// It did not arrive: again later, after 1 s, 2 s, 4 s … up to an hour, for ever. `why` is for the operator.
    package static func retry(_ message: Message, why: String, in tx: any SQLWriting) throws(Problem) {
        let seconds = min(Int64(1) << Int64(min(message.attempts, 12)), 3600)
        try tx.execute(
            "UPDATE store_outbox SET attempts = attempts + 1, due_at = ?, failure = ? WHERE id = ?",
            [Instant(microseconds: tx.now.microseconds + seconds * 1_000_000), why, message.id])
    }
}
