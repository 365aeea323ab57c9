// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// Where the applications of this node's own party lie, when they lie at somebody else's node.
package enum RequestBook {
    package static func note(
        _ code: String, at holder: ID<Party>, about listing: String, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO deliver_request (case_code, holder_id, listing_code, at) VALUES (?, ?, ?, ?)
            ON CONFLICT (case_code) DO NOTHING
            """, [code, holder, listing, transaction.now])
    }

    package static func holder(of code: String, in transaction: any SQLReading) throws(Problem) -> ID<Party>?
    {
        try transaction.first("SELECT holder_id FROM deliver_request WHERE case_code = ?", [code]) {
            row throws(Problem) in try row.id(0, of: Party.self)
        }
    }

    /// The newest first, as many as an inbox shows.
    package static func all(
        in transaction: any SQLReading
    ) throws(Problem) -> [(code: String, holder: ID<Party>)] {
        try transaction.all("SELECT case_code, holder_id FROM deliver_request ORDER BY at DESC LIMIT 100") {
            row throws(Problem) in (try row.text(0), try row.id(1, of: Party.self))
        }
    }
}
