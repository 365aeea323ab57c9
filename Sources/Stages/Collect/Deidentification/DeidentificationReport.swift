// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Before and after: what was done, how small the smallest group is, what risk is left, what was lost (S04).
package struct DeidentificationReport: Hashable, Sendable {
    package let recipe: String
    package let rowCount: Int64
    package let steps: [String: String]
    /// Rows that share all quasi-identifiers with this many others or more, before and after.
    package let kBefore: Int
    package let kAfter: Int
    /// Different sensitive values in the poorest group; 0 where no column is sensitive.
    package let lAfter: Int
    package let groupCount: Int
    /// Mean normalized width of the quasi-identifiers' ranges: 0 nothing lost, 1 everything.
    package let informationLoss: Double
    /// Direct identifiers still found in the result, by column.
    package let remaining: [String: String]
    package let kDemanded: Int
    package let lDemanded: Int
    package let utilityPercentMin: Int

    /// Prosecutor: the attacker knows that somebody is in the table; the chance to be right is one in the smallest
    /// group. Journalist risk equals it as long as no larger register is known.
    package var prosecutorRisk: Double { kAfter == 0 ? 1 : 1 / Double(kAfter) }
    /// Marketer: the share of all rows an attacker gets right on average.
    package var marketerRisk: Double { rowCount == 0 ? 0 : Double(groupCount) / Double(rowCount) }

    /// Our reading of GB/T 42460-2023: 1 direct identifiers remain; 2 they are gone; 3 and the risk of recognizing
    /// somebody is at most 0.05. Level 4 (aggregates only) is not made by this tool. The output is de-identified
    /// (去标识化); it is never called anonymous.
    package var effectLevel: Int {
        if !remaining.isEmpty { return 1 }
        return prosecutorRisk <= 0.05 ? 3 : 2
    }

    package var isAccepted: Bool {
        kAfter >= kDemanded && (lDemanded <= 1 || lAfter >= lDemanded) && remaining.isEmpty
            && (1 - informationLoss) * 100 >= Double(utilityPercentMin)
    }

    package var json: JSON {
        [
            "recipe": .string(recipe), "rows": .integer(rowCount),
            "steps": .object(steps.mapValues(JSON.string)),
            "k": [
                "before": .integer(Int64(kBefore)), "after": .integer(Int64(kAfter)),
                "demanded": .integer(Int64(kDemanded)),
            ],
            "l": ["after": .integer(Int64(lAfter)), "demanded": .integer(Int64(lDemanded))],
            "groups": .integer(Int64(groupCount)), "informationLoss": .number(informationLoss),
            "risk": [
                "prosecutor": .number(prosecutorRisk), "journalist": .number(prosecutorRisk),
                "marketer": .number(marketerRisk),
            ],
            "effectLevel": .integer(Int64(effectLevel)), "standard": "GB/T 42460-2023", "kind": "去标识化",
            "remainingIdentifiers": .object(remaining.mapValues(JSON.string)), "accepted": .bool(isAccepted),
        ]
    }
}
