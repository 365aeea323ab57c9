// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
private import PrivateSQL
package import Store
package import Trade
private import Valve

/// Budgets by asset: what all questions of all agreements together may learn of the people in it. Total and
/// period stand in the listing's release rules; answers compose by ρ or by ε, whichever bounds them lower
/// (`PrivacySpending`).
package struct PrivacyBudgets: BudgetKeeper {
    package init() {}

    package func charge(
        _ cost: QuestionCost,
        for question: Question,
        under agreement: Agreement,
        told answer: JSON,
        of version: Digest,
        in transaction: any SQLWriting
    ) throws(Problem) -> String {
        guard cost.privacy.epsilonMicros > 0, let account = try agreement.listing.privacyAccount else {
            return PrivacyCost.none.epsilonText
        }
        let told = answer.canonicalBytes
        let known = try PrivacyAccounts.answer(plan: cost.planDigest, versions: version, in: transaction)
        if known == told { return PrivacyCost.none.epsilonText }
        try PrivacyAccounts.open(account, in: transaction)
        try PrivacyAccounts.spend(
            question.passage,
            by: agreement.id,
            cost.privacy,
            plan: cost.planDigest,
            version: version,
            in: [account],
            transaction
        )
        // Two first askers at once drew two noises: both are paid for, and the first is the one that is told again.
        if known == nil {
            try PrivacyAccounts.keep(
                told, of: question.passage, plan: cost.planDigest, versions: version, in: transaction)
        }
        return cost.privacy.epsilonText
    }

    package func requireRoom(
        for cost: QuestionCost, under agreement: Agreement, on version: Digest,
        in transaction: any SQLWriting
    ) throws(Problem) {
        guard cost.privacy.epsilonMicros > 0, let account = try agreement.listing.privacyAccount,
            try PrivacyAccounts.answer(plan: cost.planDigest, versions: version, in: transaction) == nil
        else { return }
        try PrivacyAccounts.open(account, in: transaction)
        try PrivacyAccounts.check(cost.privacy, account, in: transaction)
    }

    package func status(
        of listing: Listing, for party: ID<Party>?, at now: Instant, in transaction: any SQLReading
    ) throws(Problem) -> JSON {
        guard let account = try listing.privacyAccount else { return ["mode": "minimum-group"] }
        let standing = try PrivacyAccounts.standing(of: account, at: now, in: transaction)
        func written(_ micros: UInt64) -> JSON { .string(PrivacyCost(epsilonMicros: micros).epsilonText) }
        return [
            "mode": "differential-privacy", "spent": written(standing.spentMicros),
            "left": written(standing.leftMicros),
            "total": written(account.totalMicros), "questions": .integer(Int64(standing.questions)),
            "questionsLeft": try listing.questionPrice.flatMap(standing.questionsLeft).map {
                .integer(Int64($0))
            } ?? .null,
            "lastsUntil": standing.lastsUntil(from: now).map { .string($0.rfc3339) } ?? .null,
            "spentInPeriod": account.period == nil ? .null : written(standing.spentInPeriodMicros),
            "leftInPeriod": standing.leftInPeriodMicros.map(written) ?? .null,
            "periodEnds": standing.periodEndsAt.map { .string($0.rfc3339) } ?? .null,
            "byAgreement": .array(try spenders(standing, of: listing, for: party, in: transaction)),
        ]
    }

    /// Everybody for the holder, one's own agreements for a party, nobody for the public.
    private func spenders(
        _ standing: PrivacyStanding, of listing: Listing, for party: ID<Party>?,
        in transaction: any SQLReading
    ) throws(Problem) -> [JSON] {
        guard let party else { return [] }
        var rows: [JSON] = []
        for spender in standing.byAsker {
            let code = Code(.agreement, spender.asker)
            let consumer = (try? AgreementBook.agreement(code.text, in: transaction))?.consumer
            guard party == listing.holder || consumer == party else { continue }
            rows.append([
                "agreement": .string(code.text),
                "spent": .string(PrivacyCost(epsilonMicros: spender.micros).epsilonText),
                "party": consumer.map { .string(Code(.party, $0).text) } ?? .null,
            ])
        }
        return rows
    }
}

extension Listing {
    /// The account of the asset's people under this listing's rules; `nil` where nothing is noised.
    fileprivate var privacyAccount: PrivacyAccount? {
        get throws(Problem) {
            guard rules != nil, case .noise(let noise) = try releaseRules().protection else { return nil }
            let asset = ID<PrivacyAccount>(derivedFrom: Digest(of: "privacy " + assetCode))
            let units = try releaseRules().tables.values.compactMap { $0.unit?.column }.sorted()
            return PrivacyAccount(
                id: asset,
                asset: asset,
                unit: units.first ?? "",
                agreement: ID<PrivacyAccount>?.none,
                totalMicros: noise.totalEpsilonMicros,
                period: noise.period,
                deltaExponent: noise.deltaExponent
            )
        }
    }
}

extension Listing {
    /// What one question costs by the rules; `nil` where nothing is noised.
    fileprivate var questionPrice: PrivacyCost? {
        get throws(Problem) {
            guard rules != nil, case .noise(let noise) = try releaseRules().protection else { return nil }
            return PrivacyCost(epsilonMicros: noise.questionEpsilonMicros)
        }
    }

    /// Which rules an exact answer was given under.
    var rulesDigest: Digest { Digest(of: (rules ?? .null).canonicalBytes) }
}
