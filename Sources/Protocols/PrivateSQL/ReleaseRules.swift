// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §2. Adversary: an analyst who knows the rules, the schema and every
// answer given, and may ask as often as the rules allow. Secret: the rows. Public: the rules themselves.

package import Noise
package import Primitives
package import Tables

/// What may be asked of a listing's tables and how an answer is protected. Immutable; named by its `digest`
/// in the offer (`hutong:releaseRules`).
package struct ReleaseRules: Hashable, Sendable {
    package let tables: [String: TableRules]
    package let protection: Protection
    /// Purposes a question may be asked for; empty: whatever the agreement's policy says.
    package let purposes: [String]
    package let limits: AnswerLimits
    /// What single recipients see less of, by party code or `others`.
    package let recipients: [String: RecipientRules]
    /// The document itself, canonical.
    package let json: JSON

    /// SHA-256 over the canonical JSON.
    package var digest: Digest { Digest(of: json.canonicalBytes) }
}

/// How the rows behind an answer are protected. Two modes, two types of answer: there is no third.
package enum Protection: Hashable, Sendable {
    /// Exact figures over groups that are large enough.
    case minimumGroup(GroupProtection)
    /// Noisy figures under a privacy budget.
    case noise(NoiseProtection)
}

/// Figures over fewer than `minimum` people (or rows, where a table has no privacy unit) are not told.
package struct GroupProtection: Hashable, Sendable {
    package let minimum: Int
    /// A sum is not told if one contribution is more than this many thousandths of it.
    package let dominancePermille: Int?
    /// Counts and sums are rounded to multiples of this; 1 tells them as they are.
    package let rounding: Int
}

/// Differential privacy at the level of the privacy unit.
package struct NoiseProtection: Hashable, Sendable {
    package enum Mechanism: String, Hashable, Sendable {
        /// Pure ε: discrete Laplace.
        case laplace
        /// (ε, δ) by way of ρ: discrete Gaussian.
        case gaussian
    }

    package let mechanism: Mechanism
    /// What one question costs, in millionths of ε.
    package let questionEpsilonMicros: UInt64
    /// `nil` only with `laplace`, and then unlisted groups cannot be answered.
    package let delta: Delta?
    /// What all questions of a period, and all questions ever, may cost.
    package let period: Period?
    package let totalEpsilonMicros: UInt64

    package var deltaExponent: Int? { delta?.exponent }

    package struct Period: Hashable, Sendable {
        package let days: Int
        package let epsilonMicros: UInt64

        package init(days: Int, epsilonMicros: UInt64) {
            self.days = days
            self.epsilonMicros = epsilonMicros
        }
    }
}

/// How much one agreement may take out.
package struct AnswerLimits: Hashable, Sendable {
    /// Which questions are answered at all.
    package enum Questions: String, Hashable, Sendable {
        /// Whatever the rules above allow.
        case any
        /// Only those whose form the holder has approved.
        case approved
    }

    package let questions: Questions
    package let rowsMax: Int
    /// How many questions, refused ones not counted; `nil`: no limit but the budget.
    package let questionsMax: Int?
}

/// One table of a listing.
package struct TableRules: Hashable, Sendable {
    package let columns: [String: ColumnRules]
    /// Whose privacy is protected; `nil`: the rows are about nobody (open or technical data).
    package let unit: PrivacyUnit?
    /// `table.column` pairs that may be joined on.
    package let joins: [JoinRule]
    /// Rows that exist for askers at all.
    package let rowFilter: [RowCondition]
}

/// Who one person is, and how much of an answer one person may decide.
package struct PrivacyUnit: Hashable, Sendable {
    package let column: String
    /// Groups of one answer that one person may appear in; more are dropped by a fair draw.
    package let groups: Int
    /// Rows that one person may count for in one group; more count as that many of their mean.
    package let rowsPerGroup: Int
    /// The unit column is a key of this table: one row a person. Looked up in each version before it is relied on.
    package let isKey: Bool
    /// Nobody has two rows of this table in the version that is asked: seen there, never said by rules. Bounding would
    /// change nothing and is left out; noise is that of `groups` and `rowsPerGroup` all the same.
    var isSingle = false

    /// Whether a row is a person, by promise or by sight.
    var hasOneRow: Bool { isKey || isSingle }
}

package struct JoinRule: Hashable, Sendable {
    package let column: String
    package let otherTable: String
    package let otherColumn: String
}

/// `column` is one of the values.
package struct RowCondition: Hashable, Sendable {
    package let column: String
    package let values: [TableValue]
}

/// What one column may be used for.
package struct ColumnRules: Hashable, Sendable {
    package enum Use: String, Hashable, Sendable, CaseIterable {
        case filter, group, aggregate, join
    }

    package let uses: Set<Use>
    /// The values a question may assume, in units of 10^−`decimals`; values outside are taken to the nearer
    /// bound.
    package let bounds: ClosedRange<Int64>?
    package let decimals: Int
    /// The public list of groups; a group outside the list does not exist for askers.
    package let values: [TableValue]?
    /// Whether one row's value may be told as least or greatest (open data only).
    package let mayTellExtremes: Bool
    /// What this recipient is told in place of the values.
    var mask: ColumnMask?
}
