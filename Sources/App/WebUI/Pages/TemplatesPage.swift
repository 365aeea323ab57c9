// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What may be asked of a listing by template: ask one, hand one in, and, for the holder, decide.
package struct TemplatesPage: Page {
    package struct Template: Hashable, Sendable {
        package let name: String
        package let version: Int
        package let title: LocalizedText
        package let text: String
        /// Each open place with what may stand there.
        package let parameters: [(name: String, hint: String)]
        package let standing: Standing
        package let why: String
        /// What the reader may decide: `approve`, `refuse`, `withdraw`.
        package let decisions: [String]
        package let canAsk: Bool

        package init(
            name: String, version: Int, title: LocalizedText, text: String,
            parameters: [(name: String, hint: String)], standing: Standing, why: String, decisions: [String],
            canAsk: Bool
        ) {
            self.name = name
            self.version = version
            self.title = title
            self.text = text
            self.parameters = parameters
            self.standing = standing
            self.why = why
            self.decisions = decisions
            self.canAsk = canAsk
        }

        package static func == (left: Template, right: Template) -> Bool {
            left.name == right.name && left.version == right.version && left.standing == right.standing
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(name)
            hasher.combine(version)
        }
    }

    package let listing: Named
    package let templates: [Template]
    /// Under which agreement the reader may ask, and for which purpose.
    package let agreement: (code: Code, purpose: String)?
    /// Whether the rules answer nothing but approved forms.
    package let isApprovedOnly: Bool
    package let canPropose: Bool
    package let refusal: Refusal?
    package let sameThing: SameThing?
    package var section: Section { .catalog }

    package init(
        listing: Named, templates: [Template], agreement: (code: Code, purpose: String)?,
        isApprovedOnly: Bool, canPropose: Bool, refusal: Refusal? = nil, sameThing: SameThing?
    ) {
        self.listing = listing
        self.templates = templates
        self.agreement = agreement
        self.isApprovedOnly = isApprovedOnly
        self.canPropose = canPropose
        self.refusal = refusal
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("洁净室模板", "Clean-room templates") }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above">\(say("挂牌", "Listing")) \(given(listing.code) { "<a href=\"/listings/\($0.text)\">\(say(listing.name))</a>" })</p>
        <h1>\(title(say))</h1>
        <p class="lead">\(isApprovedOnly
            ? say("只回答形式已获持有方批准的问题；其他问题可提交审批。",
                  "Only questions whose form the holder has approved are answered; hand others in for approval.")
            : say("常问的问题，由持有方批准一次，填入参数即可提出。",
                  "Questions that are asked often: approved once by the holder, asked by filling in their places."))</p>
        \(given(refusal) { $0.note(say) })
        <div class="with-side"><div>\(templates.isEmpty ? emptiness(say) : list(say))</div>
        <aside class="deal after">\(when(canPropose) { form(say) })</aside></div>
        """
    }

    private func emptiness(_ say: Reader) -> HTML {
        EmptyState(
            what: say("还没有模板。", "There is no template yet."),
            first: HTML(
                say(
                    "写下问题并提交，持有方批准后即可提出；命令行：hutong template shapes 查看常用样式。",
                    "Write a question and hand it in; `hutong template shapes` lists the usual ones."))
        ).html
    }

    private func list(_ say: Reader) -> HTML {
        """
        <ol class="cards">\(each(templates) { template in
            """
            <li><article><h2>\(say(template.title))</h2><p>\(template.standing.chip(say))</p>
            <p class="meta"><span><code>\(template.name)@\(String(template.version))</code></span>\
            \(when(!template.why.isEmpty) { "<span>\(template.why)</span>" })</p>
            <pre tabindex="0"><code>\(template.text)</code></pre>
            \(when(template.canAsk) { asking(template, say) })\
            \(when(!template.decisions.isEmpty) { deciding(template, say) })</article></li>

            """
        })</ol>
        """
    }

    private func asking(_ template: Template, _ say: Reader) -> HTML {
        given(agreement) { agreement in
            """
            <form method="post" action="/agreements/\(agreement.code.text)">\
            \(Field.hidden("template", template.name))\(Field.hidden("purpose", agreement.purpose))
            \(each(template.parameters) { parameter in
                Field.text(
                    "argument-" + parameter.name, id: template.name + "-" + parameter.name, label: parameter.name,
                    hint: parameter.hint, isRequired: true)
            })<p class="actions">\(gate(say("先看价格", "Show the price first"), name: "step", value: "quote"))</p></form>
            """
        }
    }

    private func deciding(_ template: Template, _ say: Reader) -> HTML {
        """
        <form method="post" action="/listings/\(listing.code?.text ?? "")/templates/\(template.name)">\
        \(Field.hidden("version", String(template.version)))
        \(Field.text("why", id: "why-\(template.name)-\(template.version)", label: say("理由（可不填）", "Reason (optional)")))
        <p class="actions">\(each(template.decisions) { decision in
            decision == "approve"
                ? gate(say("批准", "Approve"), name: "decision", value: decision)
                : "<button name=\"decision\" value=\"\(decision)\">\(word(decision, say))</button>"
        })</p></form>
        """
    }

    private func word(_ decision: String, _ say: Reader) -> String {
        decision == "refuse" ? say("拒绝", "Refuse") : say("撤回", "Withdraw")
    }

    private func form(_ say: Reader) -> HTML {
        """
        <h2>\(say("提交问题", "Hand a question in"))</h2>\
        <form method="post" action="/listings/\(listing.code?.text ?? "")/templates">
        \(Field.text("name", label: say("名称", "Name"), hint: say("小写字母、数字、连字符", "small letters, digits, hyphens"), isRequired: true))
        \(Field.text("title", label: say("标题", "Title")))
        \(Field.area("text", label: say("问题（SQL，参数写作 $名称）", "Question (SQL, with $places)"), value: ""))
        \(Field.text("parameters", label: say("参数（可不填）", "Places (optional)"),
                     hint: say("如 from:day, n:integer；类型 text integer decimal day bool",
                               "such as from:day, n:integer; types text integer decimal day bool")))
        <p>\(gate(say("提交", "Hand it in")))</p></form>
        """
    }
}
