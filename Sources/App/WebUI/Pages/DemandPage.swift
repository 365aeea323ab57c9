// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Demands: what parties look for, with what answers them; and the form that posts one.
package struct DemandPage: Page {
    package struct Demand: Hashable, Sendable {
        package let code: Code
        package let title: LocalizedText
        package let party: Named?
        package let purpose: LocalizedText?
        package let ceiling: Money?
        package let standing: Standing
        /// The listings that answer it, with how well, such as `87 %`.
        package let matches: [Match]

        package init(
            code: Code,
            title: LocalizedText,
            party: Named?,
            purpose: LocalizedText?,
            ceiling: Money?,
            standing: Standing,
            matches: [Match] = []
        ) {
            self.code = code
            self.title = title
            self.party = party
            self.purpose = purpose
            self.ceiling = ceiling
            self.standing = standing
            self.matches = matches
        }
    }

    package struct Match: Hashable, Sendable {
        package let listing: Named
        package let score: String?

        package init(listing: Named, score: String?) {
            self.listing = listing
            self.score = score
        }
    }

    package let demands: [Demand]
    /// The title with which the form begins, from a search that found nothing.
    package let draftTitle: String
    package let canPost: Bool
    package let idempotencyKey: String
    package let refusal: Refusal?
    package let sameThing: SameThing?
    package var section: Section { .demands }

    package init(
        demands: [Demand],
        draftTitle: String = "",
        canPost: Bool,
        idempotencyKey: String,
        refusal: Refusal? = nil,
        sameThing: SameThing?
    ) {
        self.demands = demands
        self.draftTitle = draftTitle
        self.canPost = canPost
        self.idempotencyKey = idempotencyKey
        self.refusal = refusal
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("需求", "Demands") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        \(given(refusal) { $0.note(say) })
        <div class="with-side"><div>\(demands.isEmpty ? emptiness(say) : list(say))</div>
        <aside class="deal after">\(canPost ? form(say) : invitation(say))</aside></div>
        """
    }

    private func list(_ say: Reader) -> HTML {
        """
        <ol class="cards">\(each(demands) { demand in
            """
            <li><article><h2>\(say(demand.title))</h2>\(given(demand.purpose) { "<p>\(say($0))</p>" })
            <p>\(demand.standing.chip(say))</p>
            <p class="meta">\(given(demand.party) { "<span>\($0.link(say))</span>" })\
            \(given(demand.ceiling) { "<span>\(say("价格上限", "at most")) \(say.money($0))</span>" })\
            <span>\(demand.code.link)</span></p>
            \(when(!demand.matches.isEmpty) {
                matches(demand, say)
            })</article></li>

            """
        })</ol>
        """
    }

    private func matches(_ demand: Demand, _ say: Reader) -> HTML {
        """
        <ul class="matches">\(each(demand.matches) { match in
            "<li>\(match.listing.link(say)) <span class=\"figure\">\(match.score ?? "")</span></li>"
        })</ul>
        """
    }

    private func form(_ say: Reader) -> HTML {
        """
        <h2>\(say("发布需求", "Post a demand"))</h2><form method="post" action="/demands">
        \(Field.hidden("idempotency-key", idempotencyKey))
        \(Field.text("title", label: say("需要什么数据", "What data"), value: draftTitle, isRequired: true))
        \(Field.text("purpose", label: say("用途", "For what purpose"), isRequired: true))
        \(Field.text("fields", label: say("字段（可不填）", "Fields (optional)"),
                     hint: say("用逗号分隔", "separated by commas")))
        \(Field.text("ceiling", label: say("每次价格上限（元）", "At most, a question (CNY)")))
        \(Field.text("due", label: say("期限", "Due"), kind: "date"))
        <p>\(gate(say("发布需求", "Post the demand")))</p></form>
        """
    }

    private func invitation(_ say: Reader) -> HTML {
        "<p><a href=\"/sign-in?next=/demands\">\(say("登录后发布需求", "Sign in to post a demand"))</a></p>"
    }

    private func emptiness(_ say: Reader) -> HTML {
        EmptyState(
            what: say("目前没有公开的需求。", "There is no open demand."),
            first: HTML(
                say("在目录里没有找到数据时，可以发布一条。", "Post one when the catalog does not have what you look for.")
            )
        ).html
    }
}
