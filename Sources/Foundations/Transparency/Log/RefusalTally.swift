// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

extension TransparencyLog {
    /// Counts a refusal of an authenticated caller. Refusals of one agreement, one code and one hour become one
    /// leaf with their count, so that nobody can flood the log by asking for what is refused.
    package func countRefusal<Scope>(
        code: String,
        within scope: ID<Scope>,
        parties: [Pseudonym] = [],
        in writing: any SQLWriting
    ) throws(Problem) {
        try writing.execute(
            """
            INSERT INTO transparency_refusal (hour_at, scope, code, parties, refusal_count)
            VALUES (?, ?, ?, ?, 1)
            ON CONFLICT (hour_at, scope, code) DO UPDATE
            SET refusal_count = transparency_refusal.refusal_count + 1
            """,
            [Self.hour(of: writing.now), scope, code, parties.map(\.text).joined(separator: " ")]
        )
    }

    /// Tallies that one call of `sealRefusals` logs: a commit that others hardly notice.
    package static let refusalsSealedAtOnce = 500

    /// Logs the tallies of all hours before the current one, and keeps them with their leaf: background work, every
    /// few minutes. At most `limit` at once; returns how many, so that the caller goes on while it is the limit.
    @discardableResult
    package func sealRefusals(
        limit: Int = TransparencyLog.refusalsSealedAtOnce,
        in writing: any SQLWriting
    ) throws(Problem) -> Int {
        let tallies = try writing.all(
            """
            SELECT hour_at, scope, code, parties, refusal_count FROM transparency_refusal
            WHERE leaf_index IS NULL AND hour_at < ? ORDER BY hour_at, scope, code LIMIT ?
            """,
            [Self.hour(of: writing.now), limit]
        ) { row throws(Problem) in
            Tally(
                hour: try row.instant(0),
                scope: try row.id(1),
                code: try row.text(2),
                parties: try row.text(3).split(separator: " ").compactMap { Pseudonym($0) },
                count: try row.integer(4)
            )
        }
        for tally in tallies {
            let leaf = try append(
                LogEntry(.passageRefused, parties: tally.parties, content: tally.content),
                in: writing
            )
            try writing.execute(
                "UPDATE transparency_refusal SET leaf_index = ? WHERE hour_at = ? AND scope = ? AND code = ?",
                [Int64(clamping: leaf), tally.hour, tally.scope, tally.code]
            )
        }
        return tallies.count
    }

    /// How many refusals this node has counted, logged already or not.
    package static func refusalCount(in reading: any SQLReading) throws(Problem) -> Int64 {
        try reading.count("SELECT coalesce(sum(refusal_count), 0) FROM transparency_refusal")
    }

    private static func hour(of time: Instant) -> Instant {
        Instant(seconds: time.seconds - time.seconds % 3600)
    }

    private struct Tally {
        let hour: Instant
        let scope: ID<LogEntry>
        let code: String
        let parties: [Pseudonym]
        let count: Int64

        var content: JSON {
            [
                "agreement": .string(scope.urn), "code": .string(code), "count": .integer(count),
                "hour": .string(hour.rfc3339),
            ]
        }
    }
}
