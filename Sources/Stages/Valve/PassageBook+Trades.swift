// SPDX-License-Identifier: Apache-2.0

import Identity
package import Primitives
package import Store
import Trade

extension PassageBook {
    /// What each contract about an asset has really paid so far, from passages that were answered and charged.
    package static func paidByContract(
        of assetCode: String, in transaction: any SQLReading
    ) throws(Problem) -> [(contract: String, paid: Money)] {
        let sums = try transaction.all(
            """
            SELECT agreement_code, MAX(total) FROM (
                SELECT agreement_code, side, SUM(price) AS total FROM valve_passage
                WHERE state IN ('answered', 'settled') AND side IN ('keeper', 'holder')
                GROUP BY agreement_code, side)
            GROUP BY agreement_code ORDER BY agreement_code
            """
        ) { row throws(Problem) in (try row.text(0), try row.integer(1)) }
        var paid: [(contract: String, paid: Money)] = []
        for (code, total) in sums where total > 0 {
            let agreement = try AgreementBook.agreement(code, in: transaction)
            guard agreement.listing.assetCode == assetCode, let contract = agreement.contractCode else {
                continue
            }
            paid.append((contract, Money(minorUnits: total)))
        }
        return paid
    }

    /// How many passages began at this node since a moment, by the code of the asset and by that of who asked. Cost: one
    /// look at an agreement for each that was used.
    package static func countsByTarget(
        since start: Instant, in transaction: any SQLReading
    ) throws(Problem) -> [String: Int] {
        let used = try transaction.all(
            """
            SELECT agreement_code, asker_id, count(DISTINCT id) FROM valve_passage
            WHERE reserved_at >= ? AND side <> 'asker' GROUP BY agreement_code, asker_id
            """, [start]
        ) { row throws(Problem) in (try row.text(0), try row.id(1, of: Party.self), try row.int(2)) }
        var counts: [String: Int] = [:]
        for (code, asker, count) in used {
            counts[Code(.party, asker).text, default: 0] += count
            let agreement = try AgreementBook.agreement(code, in: transaction)
            counts[agreement.listing.assetCode, default: 0] += count
        }
        return counts
    }
}
