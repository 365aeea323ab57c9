// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a privacy budget is, what is left of it, and every question that was charged to it.
package struct BudgetPage: Page {
    package struct Charge: Hashable, Sendable {
        package let passage: Code
        package let at: Instant
        package let cost: String
        /// What this and the earlier charges of the list come to.
        package let sum: String

        package init(passage: Code, at: Instant, cost: String, sum: String) {
            self.passage = passage
            self.at = at
            self.cost = cost
            self.sum = sum
        }
    }

    package let agreement: Named
    package let asset: Named
    package let budget: Budget
    package let charges: [Charge]
    /// What the charges come to, one after another.
    package let course: Chart?
    package let sameThing: SameThing?
    package var section: Section { .mine }

    package init(
        agreement: Named,
        asset: Named,
        budget: Budget,
        charges: [Charge],
        course: Chart? = nil,
        sameThing: SameThing?
    ) {
        self.agreement = agreement
        self.asset = asset
        self.budget = budget
        self.charges = charges
        self.course = course
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("隐私预算", "Privacy budget") }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above">\(agreement.link(say)) · \(asset.link(say))</p>
        <h1>\(title(say))</h1>
        <p class="lead">\(say(
            "每个加噪的答案都会多透露一点点。预算是持有方允许透露的总量；用完之后，问题会被拒绝，且不收费。",
            """
            Every noised answer tells a little more. The budget is all that the holder lets be told; when it is \
            used up, questions are refused and nothing is charged.
            """
        ))</p>
        \(budget.meter(say, label: say("本期预算", "This period")))
        \(given(course) { $0.figure(say) })
        <h2>\(say("逐笔", "Every charge"))</h2>\(chargeTable(say))
        """
    }

    private func chargeTable(_ say: Reader) -> HTML {
        guard !charges.isEmpty else {
            return EmptyState(
                what: say("还没有动用预算。", "Nothing was charged yet."),
                first: HTML(say("提问之前会先显示消耗。", "A question shows its cost before it is sent."))
            ).html
        }
        return DataTable(
            caption: say("预算消耗", "Charges"),
            columns: [
                .text(say("过阀记录", "Passage")), .text(say("时间", "Time")), .number(say("消耗", "Cost")),
                .number(say("累计", "Sum")),
            ],
            rows: charges.map { [$0.passage.link, say.time($0.at), HTML($0.cost), HTML($0.sum)] }
        ).html
    }
}
