// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §7. Adversary: each holder sees its own part's plan and rows; the asker sees released
// values of all parts. No holder sees another's rows, nor anything that depends on them.

import Primitives
package import Tables

/// A question over several agreements: each side answers its aggregated part under its own rules, and what joins the parts
/// is computed by the asker from released values alone.
package struct JointQuestion: Hashable, Sendable {
    /// An ordinary question to one side, with a plan, a digest and a price of its own.
    package struct Part: Hashable, Sendable {
        package let side: String
        package let plan: ReleasePlan
    }

    package let parts: [Part]
    /// What the asker computes; `release` places are the parts'.
    package let final: FinalQuery
    private let rowsMax: Int

    /// Splits the question: every WITH table or subquery that aggregates one side's rows becomes a part.
    ///
    /// The holder of one side splits the same text for itself and compares its part's digest (it trusts nobody's split).
    package init(_ tree: SyntaxTree, sides: [QuestionSide]) throws(QuestionRefusal) {
        let planner = QuestionPlanner(sides)
        let (final, cores) = try planner.draft(tree)
        var parts: [Part] = []
        for core in cores {
            let side = sides[core.side]
            parts.append(Part(side: side.name, plan: try planner.plan([core], core.everything, side.rules)))
        }
        self.parts = parts
        self.final = final
        rowsMax = sides.map(\.rules.limits.rowsMax).min() ?? 0
    }

    /// The joined answer from the parts' answers, in the order of `parts`.
    ///
    /// Noise of different parts is independent, and intervals are carried through the arithmetic.
    package func answered(_ answers: [ReleasedAnswer]) -> ReleasedTable {
        precondition(answers.count == parts.count, "one answer a part")
        return final.evaluated(answers.map(\.table), rowsMax: rowsMax)
    }
}

extension CoreQuestion {
    /// All keys and measures under their own names: what a part tells the asker.
    fileprivate var everything: FinalQuery {
        let names = keys.map(\.name) + measures.indices.map { "#m\($0)" }
        return FinalQuery(
            source: .release(0), condition: nil, groups: nil,
            outputs: names.map { .init(name: $0, expression: SyntaxExpression(.column([$0]))) }, having: nil,
            isDistinct: false, order: [], limit: nil)
    }
}

extension ReleasedTable {
    /// The effect of one column on another over the rows where both are told: "does bad air bring patients".
    ///
    /// `nil` where there are too few such rows, or the exposure never changes.
    package func effect(of exposure: String, on outcome: String) -> EffectEstimate? {
        guard let one = place([outcome]), let two = place([exposure]) else { return nil }
        return EffectEstimate(rows.compactMap { EffectEstimate.Point(outcome: $0[one], exposure: $0[two]) })
    }
}
