// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a privacy budget is, what is left of it and for how long, who spent it, and every question that was charged.
package struct BudgetPage: Page {
    /// How far what is left will go.
    package struct Forecast: Hashable, Sendable {
        /// Questions at the rules' price that still fit.
        package let questionsLeft: Int?
        /// When the total is spent if it goes on as so far; `nil` where nothing was charged.
        package let lastsUntil: Instant?

        package init(questionsLeft: Int?, lastsUntil: Instant?) {
            self.questionsLeft = questionsLeft
            self.lastsUntil = lastsUntil
        }
    }

    /// What one agreement's questions cost.
    package struct Spender: Hashable, Sendable {
        package let agreement: Code
        package let party: Named
        package let spent: String
        /// Of all that was spent, in thousandths.
        package let share: Int

        package init(agreement: Code, party: Named, spent: String, share: Int) {
            self.agreement = agreement
            self.party = party
            self.spent = spent
            self.share = share
        }
    }

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
    /// The part of it that may be spent in this period; `nil` where the rules name none.
    package let period: Budget?
    package let forecast: Forecast
    /// The most first: everybody for the holder, one's own agreements for others.
    package let spenders: [Spender]
    package let charges: [Charge]
    /// What the charges come to, one after another.
    package let course: Chart?
    package let sameThing: SameThing?
    package var section: Section { .mine }

    package init(
        agreement: Named,
        asset: Named,
        budget: Budget,
        period: Budget? = nil,
        forecast: Forecast,
        spenders: [Spender],
        charges: [Charge],
        course: Chart? = nil,
        sameThing: SameThing?
    ) {
        self.agreement = agreement
        self.asset = asset
        self.budget = budget
        self.period = period
        self.forecast = forecast
        self.spenders = spenders
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
        \(budget.meter(say, label: say("总预算", "In all")))
        \(given(period) { $0.meter(say, label: say("本期预算", "This period")) })
        <h2>\(say("预计", "Forecast"))</h2>\(forecastFacts(say))
        <h2>\(say("谁在使用", "By whom"))</h2>\(spenderTable(say))
        \(given(course) { $0.figure(say) })
        <h2>\(say("逐笔", "Every charge"))</h2>\(chargeTable(say))
        """
    }

    private func forecastFacts(_ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("还可提问", "Questions left"), text: forecast.questionsLeft.map { say.number($0) })
        let until =
            forecast.questionsLeft == 0
            ? HTML(say("剩余已不足一个问题", "what is left is less than one question"))
            : forecast.lastsUntil.map { say.day($0) }
                ?? HTML(say("尚无消耗，还不能预计", "nothing was charged yet"))
        facts.add(say("照目前速度可用到", "At this pace it lasts until"), until)
        return facts.html
    }

    private func spenderTable(_ say: Reader) -> HTML {
        let note = say(
            "持有方看到每一份合约；其他各方只看到自己的。", "The holder sees every agreement; others see their own.")
        guard !spenders.isEmpty else { return "<p class=\"fine\">\(note)</p>" }
        let table = DataTable(
            caption: say("各合约的消耗", "Spent by agreement"),
            columns: [
                .text(say("合约", "Agreement")), .text(say("主体", "Party")), .number(say("消耗", "Spent")),
                .number(say("占已用", "Of all spent")),
            ],
            rows: spenders.map {
                [
                    $0.agreement.link, $0.party.link(say), HTML($0.spent),
                    HTML("\($0.share / 10).\($0.share % 10)\u{A0}%"),
                ]
            }
        ).html
        return "\(table)<p class=\"fine\">\(note)</p>"
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
