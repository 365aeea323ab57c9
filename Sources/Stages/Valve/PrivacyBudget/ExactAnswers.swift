// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// Questions that were answered exactly, by version of the data: what a new exact answer is compared with, so
/// that their difference tells of nobody (docs/clean-room.md §8).
package enum ExactAnswers {
    /// The questions answered so far on a version under the same rules, to whichever recipient, oldest first; with
    /// `passage`, those before it.
    package static func history<Passage>(
        on version: Digest,
        rules: Digest,
        before passage: ID<Passage>? = nil,
        in tx: any SQLReading
    ) throws(Problem) -> [(question: String, recipient: ID<Party>?)] {
        let own = try passage.map { passage throws(Problem) in
            try tx.first(
                "SELECT number FROM valve_exact_answer WHERE version = ? AND passage = ?",
                [version, passage]
            ) {
                row throws(Problem) in try row.integer(0)
            }
        }
        return try tx.all(
            """
            SELECT question, recipient FROM valve_exact_answer
            WHERE version = ? AND rules = ? AND number < ? ORDER BY number
            """,
            [version, rules, own.flatMap { $0 } ?? .max]
        ) { row throws(Problem) in
            let recipient = try row.optional(1) { place throws(Problem) in try row.id(place, of: Party.self) }
            return (try row.text(0), recipient)
        }
    }

    /// Remembers an answered question in the commit that stores its answer. If another exact answer came in
    /// between, this one was not compared with it: `valve.history-moved`, and nothing is told.
    package static func record<Passage>(
        _ passage: ID<Passage>,
        _ question: String,
        for recipient: ID<Party>?,
        on version: Digest,
        rules: Digest,
        after count: Int,
        in tx: any SQLWriting
    ) throws(Problem) {
        let known = try tx.count(
            "SELECT count(*) FROM valve_exact_answer WHERE version = ? AND rules = ?",
            [version, rules]
        )
        guard known == Int64(count) else { throw Problem(.conflict, "valve.history-moved") }
        try tx.execute(
            """
            INSERT INTO valve_exact_answer (version, number, rules, passage, question, recipient) \
            SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ? FROM valve_exact_answer WHERE version = ?
            """,
            [version, rules, passage, question, recipient, version]
        )
    }
}
