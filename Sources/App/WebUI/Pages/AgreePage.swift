// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Asking for terms: what would be signed, with room for one counter-offer, and the negotiation so far.
package struct AgreePage: Page {
    package let listing: Named
    package let holder: Named
    package let terms: Terms
    package let prices: [Price]
    /// Purposes that the listing permits: value and name.
    package let purposes: [(value: String, name: LocalizedText)]
    package let chosenPurpose: String
    package let untilMax: CalendarDay
    package let countMax: Int
    /// What the buyer's account can reserve now.
    package let available: Money
    package let reserve: Money
    package let steps: [HistoryStep]
    /// Makes a repeated click one request.
    package let idempotencyKey: String
    package let refusal: Refusal?
    package let sameThing: SameThing?
    package var section: Section { .catalog }

    package init(
        listing: Named,
        holder: Named,
        terms: Terms,
        prices: [Price],
        purposes: [(value: String, name: LocalizedText)],
        chosenPurpose: String,
        untilMax: CalendarDay,
        countMax: Int,
        available: Money,
        reserve: Money,
        steps: [HistoryStep] = [],
        idempotencyKey: String,
        refusal: Refusal? = nil,
        sameThing: SameThing?
    ) {
        self.listing = listing
        self.holder = holder
        self.terms = terms
        self.prices = prices
        self.purposes = purposes
        self.chosenPurpose = chosenPurpose
        self.untilMax = untilMax
        self.countMax = countMax
        self.available = available
        self.reserve = reserve
        self.steps = steps
        self.idempotencyKey = idempotencyKey
        self.refusal = refusal
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String {
        say("申请使用：\(listing.name.zh)", "Terms for \(listing.name.en)")
    }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above">\(given(listing.code) { $0.link })</p>
        <h1>\(title(say))</h1>
        \(given(refusal) { $0.note(say) })
        <div class="with-side"><div>
        <h2>\(say("将要签署的条款", "What you would sign"))</h2>\(terms.html(say))
        <form method="post" class="card"><h2>\(say("我的用途", "My use"))</h2>
        \(Field.hidden("idempotency-key", idempotencyKey))
        \(Field.choice("purpose", label: say("目的", "Purpose"),
                       options: purposes.map { ($0.value, say($0.name)) }, chosen: chosenPurpose))
        \(Field.text("until", label: say("使用至", "Until"), value: untilMax.description,
                     hint: say("不晚于 \(untilMax)", "not after \(untilMax)"), kind: "date", isRequired: true))
        \(Field.text("count", label: say("最多提问次数", "At most so many questions"), value: String(countMax),
                     hint: say("不超过 \(say.number(countMax)) 次", "not above \(say.number(countMax))"),
                     kind: "number", isRequired: true))
        \(Field.text("counter-price", label: say("还价（可不填）", "Counter-offer (optional)"),
                     hint: say("每次提问的价格，例如 0.40；留空即接受标价。",
                               "price a question, such as 0.40; empty accepts the list price.")))
        <p>\(gate(say("签署并发送", "Sign and send"))) \
        <span class="fine">\(say("签署后预留 ", "Signing reserves ")) <b class="figure">\(say.money(reserve))</b>\
        \(say("；未用部分到期退回。", "; what is not used returns at the end."))</span></p>
        </form></div>
        <aside class="deal after"><h2>\(say("价格", "Price"))</h2>\(priceList(prices, say))
        \(facts(say))
        \(when(!steps.isEmpty) {
            "<h2>\(say("协商过程", "Negotiation"))</h2>\(history(steps, say))"
        })</aside></div>
        """
    }

    private func facts(_ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("持有方", "Holder"), holder.link(say))
        facts.add(say("可用余额", "Available"), text: say.money(available))
        facts.add(say("需预留", "To reserve"), text: say.money(reserve))
        return facts.html
    }
}
