// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import PrivateSQL

/// How much may be learned about the people of one asset: by everybody (`agreement` is nil), or under one
/// agreement.
package struct PrivacyAccount: Hashable, Sendable {
    package let id: ID<PrivacyAccount>
    /// The asset whose people are protected.
    package let asset: ID<PrivacyAccount>
    /// The column that says who they are.
    package let unit: String
    package let agreement: ID<PrivacyAccount>?
    package let totalMicros: UInt64
    package let period: NoiseProtection.Period?
    /// δ at which ε is told, as the exponent of 10^−n; `nil`: pure ε only.
    package let deltaExponent: Int?
    package let questionsMax: Int?

    package init<Asset, Agreement>(
        id: ID<PrivacyAccount>,
        asset: ID<Asset>,
        unit: String,
        agreement: ID<Agreement>?,
        totalMicros: UInt64,
        period: NoiseProtection.Period?,
        deltaExponent: Int?,
        questionsMax: Int? = nil
    ) {
        self.id = id
        self.asset = asset.retyped()
        self.unit = unit
        self.agreement = agreement?.retyped()
        self.totalMicros = totalMicros
        self.period = period
        self.deltaExponent = deltaExponent
        self.questionsMax = questionsMax
    }

    /// The account that an agreement's rules ask for; `nil` where nothing is noised.
    package init?<Asset, Agreement>(
        id: ID<PrivacyAccount>,
        asset: ID<Asset>,
        unit: String,
        agreement: ID<Agreement>,
        rules: ReleaseRules
    ) {
        guard case .noise(let noise) = rules.protection else { return nil }
        self.init(
            id: id,
            asset: asset,
            unit: unit,
            agreement: agreement,
            totalMicros: noise.totalEpsilonMicros,
            period: noise.period,
            deltaExponent: noise.deltaExponent,
            questionsMax: rules.limits.questionsMax
        )
    }
}

/// What an account has given out, and what is left.
package struct PrivacyStanding: Hashable, Sendable {
    /// All in millionths of ε; reserved questions count as spent.
    package let spentMicros: UInt64
    package let leftMicros: UInt64
    package let spentInPeriodMicros: UInt64
    package let leftInPeriodMicros: UInt64?
    package let periodEndsAt: Instant?
    package let questions: Int
    /// Spent by asker, the most first.
    package let byAsker: [(asker: ID<PrivacyAccount>, micros: UInt64)]
    /// When the first question was asked.
    package let firstAt: Instant?

    package static func == (left: PrivacyStanding, right: PrivacyStanding) -> Bool {
        left.spentMicros == right.spentMicros && left.spentInPeriodMicros == right.spentInPeriodMicros
            && left.questions == right.questions && left.leftMicros == right.leftMicros
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(spentMicros) }

    /// When the total is spent if it goes on as it did so far; `nil` where nothing was spent.
    package func lastsUntil(from now: Instant) -> Instant? {
        guard let firstAt, spentMicros > 0 else { return nil }
        let elapsed = Double(max(1, now.microseconds - firstAt.microseconds))
        let rest = elapsed * Double(leftMicros) / Double(spentMicros)
        // Beyond a century nobody plans.
        return rest < 3.2e15 ? Instant(microseconds: now.microseconds + Int64(rest)) : nil
    }

    /// How many more questions of this price fit into what is left: the forecast of the budget page.
    /// Composition by ρ may allow more; never fewer.
    package func questionsLeft(at cost: PrivacyCost) -> Int? {
        guard cost.epsilonMicros > 0 else { return nil }
        return Int(min(leftMicros, leftInPeriodMicros ?? leftMicros) / cost.epsilonMicros)
    }
}

extension Problem {
    /// The budget has less left than the question needs.
    static func privacySpent(needed: UInt64, left: UInt64, renewsAt: Instant?) -> Problem {
        func decimal(_ micros: UInt64) -> Argument {
            .decimal(PrivacyCost(epsilonMicros: micros).epsilonText)
        }
        guard let renewsAt else {
            return Problem(
                .limited,
                "valve.privacy-spent",
                ["needed": decimal(needed), "left": decimal(left)]
            )
        }
        return Problem(
            .limited,
            "valve.privacy-period-spent",
            ["needed": decimal(needed), "left": decimal(left), "renews": .instant(renewsAt)]
        )
    }
}
