// SPDX-License-Identifier: Apache-2.0

private import Primitives

/// Asking for terms: what would be signed, what it costs, and the negotiation so far.
package struct AgreePage: Page {
    package let listing: Named
    package let holder: Named
    package let terms: Terms
    package let prices: [PriceLine]
    /// What the asker may change; `nil` for terms that the form cannot show.
    package let draft: TermsDraft?
    /// Makes a repeated click one request.
    package let idempotencyKey: String
    package let refusal: Refusal?
    package let sameThing: SameThing?
    package var section: Section { .catalog }

    package init(
        listing: Named,
        holder: Named,
        terms: Terms,
        prices: [PriceLine],
        draft: TermsDraft? = nil,
        idempotencyKey: String,
        refusal: Refusal? = nil,
        sameThing: SameThing?
    ) {
        self.listing = listing
        self.holder = holder
        self.terms = terms
        self.prices = prices
        self.draft = draft
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
        <form method="post" class="card">\(Field.hidden("idempotency-key", idempotencyKey))
        <p>\(say(
            "按以上条款发出请求；持有方接受后双方签署，合约生效并预留金额，未用部分到期退回。",
            """
            This asks under the terms above. When the holder accepts and both have signed, the agreement is in \
            force and money is reserved; what is not used returns at the end.
            """
        ))</p>
        <p>\(gate(say("按此条款请求", "Ask under these terms")))</p>
        </form>\(given(draft) { counterForm($0, say) })</div>
        <aside class="deal after"><h2>\(say("价格", "Price"))</h2>\(priceList(prices, say))
        <p>\(say("持有方：", "Holder: "))\(holder.link(say))</p></aside></div>
        """
    }

    private func counterForm(_ draft: TermsDraft, _ say: Reader) -> HTML {
        """
        <details class="card"><summary>\(say("提出别的条款", "Propose other terms"))</summary>\
        <form method="post">\(draft.fields("counter-", say))\
        <p><button name="step" value="counter">\(say("按这些条款请求", "Ask under these terms instead"))</button></p>\
        </form></details>
        """
    }
}
