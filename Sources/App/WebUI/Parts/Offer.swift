// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The terms a person may change without knowing ODRL: for what, until when, how often, by whom.
package struct TermsDraft: Hashable, Sendable {
    /// Separated by commas; empty: for any purpose.
    package let purposes: String
    package let until: CalendarDay?
    package let usesMax: Int64?
    /// Names or codes of parties, separated by commas; empty: whoever agrees.
    package let recipients: String

    package init(purposes: String, until: CalendarDay?, usesMax: Int64?, recipients: String = "") {
        self.purposes = purposes
        self.until = until
        self.usesMax = usesMax
        self.recipients = recipients
    }

    /// The fields of a form; `id` keeps the fields of several forms on one page apart.
    func fields(_ id: String, _ say: Reader) -> HTML {
        Field.text(
            "purposes", id: id + "purposes", label: say("用途", "Purpose"), value: purposes,
            hint: say("用逗号分隔；留空为不限。", "Separated by commas; empty: any."))
            + Field.text(
                "uses", id: id + "uses", label: say("最多使用次数", "Uses, at most"),
                value: usesMax.map { String($0) } ?? "", kind: "number")
            + Field.text(
                "until", id: id + "until", label: say("有效期至", "Until"), value: until?.description ?? "",
                kind: "date")
            + Field.text(
                "recipients", id: id + "recipients", label: say("仅限这些主体", "Only these parties"),
                value: recipients,
                hint: say("名称或编码，用逗号分隔；留空为不限。", "Names or codes, separated by commas; empty: whoever agrees.")
            )
    }
}

/// One negotiation as its party sees it: who asks for what, whose turn it is until when, and what may be done now.
package struct OfferView: Hashable, Sendable {
    package enum Move: Hashable, Sendable { case accept, counter, decline }

    package let code: Code
    package let listing: Named
    package let other: Named
    package let standing: Standing
    package let terms: Terms
    package let moves: Set<Move>
    /// With what a counter-proposal begins; `nil` for terms that the form cannot show.
    package let draft: TermsDraft?
    /// Said where a step needs a key that this node does not have.
    package let note: LocalizedText?

    package init(
        code: Code, listing: Named, other: Named, standing: Standing, terms: Terms, moves: Set<Move>,
        draft: TermsDraft?, note: LocalizedText? = nil
    ) {
        self.code = code
        self.listing = listing
        self.other = other
        self.standing = standing
        self.terms = terms
        self.moves = moves
        self.draft = draft
        self.note = note
    }

    func card(_ say: Reader) -> HTML {
        """
        <li><article><h3>\(say(listing.name))</h3>
        <p>\(standing.chip(say)) \(other.link(say)) <span class="fine">\(code.link)</span></p>
        \(terms.html(say))\(given(note) { "<p class=\"fine\">\(say($0))</p>" })\(forms(say))</article></li>

        """
    }

    private func forms(_ say: Reader) -> HTML {
        when(!moves.isEmpty) {
            """
            <div class="moves">\(when(moves.contains(.accept)) {
                """
                <form method="post" action="/offers/\(code.text)/accept">\
                \(gate(say("接受", "Accept")))</form>
                """
            })\(when(moves.contains(.counter)) { counterForm(say) })\
            \(when(moves.contains(.decline)) { declineForm(say) })</div>
            """
        }
    }

    private func counterForm(_ say: Reader) -> HTML {
        given(draft) { draft in
            """
            <details><summary>\(say("还价", "Counter"))</summary>\
            <form method="post" action="/offers/\(code.text)/counter">\(draft.fields(code.text + "-", say))\
            <p><button>\(say("提出这些条款", "Propose these terms"))</button></p></form></details>
            """
        }
    }

    private func declineForm(_ say: Reader) -> HTML {
        """
        <details><summary>\(say("拒绝", "Decline"))</summary>\
        <form method="post" action="/offers/\(code.text)/decline">\
        \(Field.text(
            "why", id: code.text + "-why", label: say("理由（对方会看到）", "Reason, told to the other side"),
            isRequired: true))\
        <p><button>\(say("拒绝", "Decline"))</button></p></form></details>
        """
    }
}
