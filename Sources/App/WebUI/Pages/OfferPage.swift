// SPDX-License-Identifier: Apache-2.0

private import Primitives

/// Offering a listing to one party unasked, under its terms or others.
package struct OfferPage: Page {
    package let listing: Named
    /// To whom it may be offered.
    package let parties: [Named]
    package let terms: Terms
    /// What may be changed for this party; `nil` for terms that the form cannot show.
    package let draft: TermsDraft?
    package let sameThing: SameThing?
    package var section: Section { .mine }

    package init(
        listing: Named, parties: [Named], terms: Terms, draft: TermsDraft?, sameThing: SameThing?
    ) {
        self.listing = listing
        self.parties = parties
        self.terms = terms
        self.draft = draft
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String {
        say("向一方要约：\(listing.name.zh)", "Offer \(listing.name.en)")
    }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above">\(given(listing.code) { $0.link })</p>
        <h1>\(title(say))</h1>
        \(parties.isEmpty ? nobody(say) : form(say))
        """
    }

    private func form(_ say: Reader) -> HTML {
        """
        <h2>\(say("挂牌条款", "Terms of the listing"))</h2>\(terms.html(say))
        <form method="post" class="card narrow">
        \(Field.choice("party", label: say("对象", "To whom"),
                       options: parties.compactMap { party in party.code.map { ($0.text, say(party.name)) } },
                       chosen: ""))
        \(given(draft) { $0.fields("", say) })
        <p>\(say(
            "对方会在收件箱中看到，可以接受、还价或拒绝；接受并签署后合约生效。",
            "It lies in their inbox: they accept, counter or decline. Accepted and signed, it is an agreement."
        ))</p>
        <p>\(gate(say("发出要约", "Offer it")))</p></form>
        """
    }

    private func nobody(_ say: Reader) -> HTML {
        EmptyState(
            what: say("还没有别的主体。", "There is no other party yet."),
            first: """
                \(say("先邀请一方：", "Invite one first:")) <code>hutong party invite</code>
                """
        ).html
    }
}
