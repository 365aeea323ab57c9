// SPDX-License-Identifier: Apache-2.0

package import Primitives
import PrivateSQL
package import Store

extension PrivacyAccounts {
    /// What an account has given out and what is left, at a moment: the budget page.
    package static func standing(
        of account: PrivacyAccount,
        at now: Instant,
        in tx: any SQLReading
    ) throws(Problem) -> PrivacyStanding {
        let charges = try charges(of: account, in: tx)
        let period = try period(of: account, at: now, in: tx)
        let inPeriod = charges.filter { charge in period.map { $0.contains(charge.at) } ?? true }
        let spent = spending(charges).epsilonMicros(at: account.deltaExponent) ?? .max
        let spentInPeriod = spending(inPeriod).epsilonMicros(at: account.deltaExponent) ?? .max
        var byAsker: [ID<PrivacyAccount>: UInt64] = [:]
        for charge in charges { byAsker[charge.asker, default: 0] += charge.cost.epsilonMicros }
        return PrivacyStanding(
            spentMicros: spent,
            leftMicros: account.totalMicros - min(spent, account.totalMicros),
            spentInPeriodMicros: spentInPeriod,
            leftInPeriodMicros: account.period.map {
                $0.epsilonMicros - min(spentInPeriod, $0.epsilonMicros)
            },
            periodEndsAt: period?.upperBound,
            questions: charges.count,
            byAsker: byAsker.sorted { $0.value > $1.value }.map { (asker: $0.key, micros: $0.value) },
            firstAt: charges.map(\.at).min()
        )
    }

    /// Refuses a price that does not fit: into the total, into the period, into the number of questions.
    static func check(_ cost: PrivacyCost, _ account: PrivacyAccount, in tx: any SQLWriting) throws(Problem) {
        let charges = try charges(of: account, in: tx)
        if let limit = account.questionsMax, charges.count >= limit {
            throw Problem(.limited, "valve.questions-spent", ["limit": .integer(Int64(limit))])
        }
        let period = try period(of: account, at: tx.now, in: tx)
        let inPeriod = charges.filter { charge in period.map { $0.contains(charge.at) } ?? true }
        for (spent, limit, renewsAt) in [
            (charges, account.totalMicros, Instant?.none),
            (inPeriod, account.period?.epsilonMicros ?? account.totalMicros, period?.upperBound),
        ] {
            let before = spending(spent)
            var after = before
            after.add(cost)
            guard let total = after.epsilonMicros(at: account.deltaExponent), total <= limit else {
                let used = before.epsilonMicros(at: account.deltaExponent) ?? limit
                throw .privacySpent(
                    needed: cost.epsilonMicros,
                    left: limit - min(used, limit),
                    renewsAt: renewsAt
                )
            }
        }
    }

    private struct Entry {
        let asker: ID<PrivacyAccount>
        let cost: PrivacyCost
        let at: Instant
    }

    private static func spending(_ charges: [Entry]) -> PrivacySpending {
        charges.reduce(into: PrivacySpending()) { $0.add($1.cost) }
    }

    /// Reserved and charged alike: what may have been learned.
    private static func charges(
        of account: PrivacyAccount,
        in tx: any SQLReading
    ) throws(Problem) -> [Entry] {
        try tx.all(
            """
            SELECT asker, reserved_at, epsilon_micros, rho_nanos, is_pure, delta_exponent, groups_delta_exponent \
            FROM valve_privacy_charge WHERE account = ? AND state <> ?
            """,
            [account.id, State.released.rawValue]
        ) { row throws(Problem) in
            let cost = PrivacyCost(
                epsilonMicros: UInt64(try row.integer(2)),
                rhoNanos: UInt64(try row.integer(3)),
                isPure: try row.bool(4),
                deltaExponent: try row.optional(5) { column throws(Problem) in try row.int(column) },
                groupsDeltaExponent: try row.optional(6) { column throws(Problem) in try row.int(column) }
            )
            return Entry(asker: try row.id(0), cost: cost, at: try row.instant(1))
        }
    }

    /// Periods follow one another from the day the account was opened.
    private static func period(
        of account: PrivacyAccount,
        at now: Instant,
        in tx: any SQLReading
    ) throws(Problem) -> Range<Instant>? {
        guard let days = account.period?.days else { return nil }
        let opened =
            try tx.first("SELECT opened_at FROM valve_privacy_account WHERE id = ?", [account.id]) {
                row throws(Problem) in try row.instant(0)
            } ?? now
        let length = Int64(days) * 86_400_000_000
        let number = max(0, now.microseconds - opened.microseconds) / length
        let start = opened.microseconds + number * length
        return Instant(microseconds: start)..<Instant(microseconds: start + length)
    }
}

extension PrivacyAccount {
    init(_ row: any SQLRow) throws(Problem) {
        let agreement = try row.id(3, of: PrivacyAccount.self)
        let days = try row.optional(6) { column throws(Problem) in try row.int(column) }
        let micros = try row.optional(5) { column throws(Problem) in try row.integer(column) }
        self.init(
            id: try row.id(0),
            asset: try row.id(1, of: PrivacyAccount.self),
            unit: try row.text(2),
            agreement: agreement == PrivacyAccounts.everybody ? nil : agreement,
            totalMicros: UInt64(try row.integer(4)),
            period: days.flatMap { days in micros.map { .init(days: days, epsilonMicros: UInt64($0)) } },
            deltaExponent: try row.optional(7) { column throws(Problem) in try row.int(column) },
            questionsMax: try row.optional(8) { column throws(Problem) in try row.int(column) }
        )
    }
}
