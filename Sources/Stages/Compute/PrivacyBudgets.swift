// SPDX-License-Identifier: Apache-2.0

package import Primitives
private import PrivateSQL
package import Store
package import Trade
private import Valve

/// Budgets by asset: what all questions of all agreements together may learn of the people in it. ε adds up, which is
/// always right (basic composition, Dwork and Roth, theorem 3.16).
package struct PrivacyBudgets: BudgetKeeper {
    package init() {}

    package func charge(
        _ cost: QuestionCost, for question: Question, under agreement: Agreement, in transaction: any SQLWriting
    ) throws(Problem) {
        guard cost.epsilonMicros > 0 else { return }
        let (spent, total) = try spent(on: agreement.listing, in: transaction)
        guard spent + Int64(cost.epsilonMicros) <= total else {
            throw Problem(
                .limited, "compute.budget-spent",
                [
                    "needed": .decimal(Self.written(Int64(cost.epsilonMicros))),
                    "left": .decimal(Self.written(total - spent)), "total": .decimal(Self.written(total)),
                ])
        }
        try transaction.execute(
            """
            INSERT INTO valve_budget_charge (passage_id, asset_code, agreement_code, epsilon_micros, charged_at)
            VALUES (?, ?, ?, ?, ?)
            """,
            [
                question.passage, agreement.listing.assetCode, agreement.code, Int64(cost.epsilonMicros),
                transaction.now,
            ])
    }

    package func status(of listing: Listing, in transaction: any SQLReading) throws(Problem) -> JSON {
        let (spent, total) = try spent(on: listing, in: transaction)
        guard total > 0 else { return ["mode": "minimum-group"] }
        return [
            "mode": "differential-privacy", "spent": .string(Self.written(spent)),
            "left": .string(Self.written(total - spent)), "total": .string(Self.written(total)),
        ]
    }

    private func spent(
        on listing: Listing, in transaction: any SQLReading
    ) throws(Problem) -> (spent: Int64, total: Int64) {
        let spent = try transaction.count(
            "SELECT coalesce(sum(epsilon_micros), 0) FROM valve_budget_charge WHERE asset_code = ?",
            [listing.assetCode])
        guard listing.rules != nil, case .noise(let noise) = try listing.releaseRules().protection else { return (spent, 0) }
        return (spent, Int64(clamping: noise.totalEpsilonMicros))
    }

    private static func written(_ micros: Int64) -> String { Decimal6.written(micros) }
}

/// Millionths as a decimal without trailing zeros.
private enum Decimal6 {
    static func written(_ micros: Int64) -> String {
        let whole = "\(micros / 1_000_000)"
        let rest = Decimal10.padded(Int(micros.magnitude % 1_000_000), 6)
        let digits = String(rest.reversed().drop { $0 == "0" }.reversed())
        return digits.isEmpty ? whole : whole + "." + digits
    }
}
