// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a question would cost, before it is sent.
package struct Quote: Hashable, Sendable {
    package let price: Money
    /// What it takes from the privacy budget, such as `ε 0.50`; `nil` where answers are not noised.
    package let privacyCost: String?
    package let privacyLeftAfter: String?
    /// How precise the answer will be, in words.
    package let precision: LocalizedText?
    /// What the planner understood, in words.
    package let plan: LocalizedText

    package init(
        price: Money,
        privacyCost: String? = nil,
        privacyLeftAfter: String? = nil,
        precision: LocalizedText? = nil,
        plan: LocalizedText
    ) {
        self.price = price
        self.privacyCost = privacyCost
        self.privacyLeftAfter = privacyLeftAfter
        self.precision = precision
        self.plan = plan
    }
}

/// An answer with everything that belongs to it.
package struct Answer: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        /// Opened on this node, for its own party.
        case open(Preview, [Chart])
        /// Sealed to a key that this node does not have: the file, and the line that opens it.
        case sealed(path: String, command: String)
    }

    package let passage: Code
    package let at: Instant
    package let price: Money
    package let privacyCost: String?
    /// What the numbers mean: noise, interval, suppressed groups.
    package let notes: [LocalizedText]
    package let body: Body
    package let receiptPath: String
    package let logIndex: Int?

    package init(
        passage: Code,
        at: Instant,
        price: Money,
        privacyCost: String? = nil,
        notes: [LocalizedText] = [],
        body: Body,
        receiptPath: String,
        logIndex: Int?
    ) {
        self.passage = passage
        self.at = at
        self.price = price
        self.privacyCost = privacyCost
        self.notes = notes
        self.body = body
        self.receiptPath = receiptPath
        self.logIndex = logIndex
    }
}

/// An agreement in force, and the place to ask under it: price and budget first, then the answer.
package struct AgreementPage: Page {
    package let code: Code
    package let listing: Named
    package let holder: Named
    package let buyer: Named
    package let standing: Standing
    /// The commercial paper that names it, once both have signed.
    package let contract: Code?
    package let terms: Terms
    /// What is still held for it; `nil` on a node that keeps no account.
    package let moneyLeft: Money?
    package let budgets: [Budget]
    /// The tables one may name, with their columns.
    package let tables: [(name: String, columns: [String])]
    /// The purpose that the terms permit, sent with each question.
    package let purpose: String
    package let question: String
    package let quote: Quote?
    package let answer: Answer?
    package let refusal: Refusal?
    package let idempotencyKey: String
    package let sameThing: SameThing?
    package var section: Section { .mine }

    package init(
        code: Code,
        listing: Named,
        holder: Named,
        buyer: Named,
        standing: Standing,
        contract: Code? = nil,
        terms: Terms,
        moneyLeft: Money?,
        budgets: [Budget],
        tables: [(name: String, columns: [String])],
        purpose: String,
        question: String,
        quote: Quote? = nil,
        answer: Answer? = nil,
        refusal: Refusal? = nil,
        idempotencyKey: String,
        sameThing: SameThing?
    ) {
        self.code = code
        self.listing = listing
        self.holder = holder
        self.buyer = buyer
        self.standing = standing
        self.contract = contract
        self.terms = terms
        self.moneyLeft = moneyLeft
        self.budgets = budgets
        self.tables = tables
        self.purpose = purpose
        self.question = question
        self.quote = quote
        self.answer = answer
        self.refusal = refusal
        self.idempotencyKey = idempotencyKey
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String {
        say("提问：\(listing.name.zh)", "Ask \(listing.name.en)")
    }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above">\(say("数字合约", "Agreement")) \(code.link)</p>
        <h1>\(title(say))</h1>
        <div class="with-side"><div>
        \(given(refusal) { $0.note(say) })
        \(ask(say))
        \(given(answer) { block($0, say) })
        </div>
        <aside class="deal after">\(side(say))</aside></div>
        """
    }

    private func ask(_ say: Reader) -> HTML {
        """
        <form method="post" class="card ask">
        \(Field.hidden("idempotency-key", idempotencyKey))
        \(Field.area("question", label: say("问题（SQL）", "Question (SQL)"), value: question,
                     hint: say("只能问聚合结果；可用的表见下。", "Aggregates only; the tables are below.")))
        \(Field.text("purpose", label: say("目的", "Purpose"), value: purpose, isRequired: true))
        \(given(quote) { quoteBox($0, say) })
        <p class="actions">\(quote == nil
            ? gate(say("先看价格", "Show the price first"), name: "step", value: "quote")
            : gate(say("按此价格提问", "Ask at this price"), name: "step", value: "ask"))\
        \(when(quote != nil) {
            "<button name=\"step\" value=\"quote\">\(say("改过问题，重新估价", "Changed it: price again"))</button>"
        })</p>
        <details><summary>\(say("可用的表和列", "Tables and columns"))</summary>
        <ul class="tables">\(each(tables) { table in
            "<li><code>\(table.name)</code>(\(table.columns.joined(separator: ", ")))</li>"
        })</ul></details>
        </form>
        """
    }

    private func quoteBox(_ quote: Quote, _ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("理解为", "Understood as"), text: say(quote.plan))
        facts.add(say("价格", "Price"), "<b class=\"figure\">\(say.money(quote.price))</b>")
        facts.add(say("消耗隐私预算", "Privacy cost"), text: quote.privacyCost)
        facts.add(say("之后剩余", "Left afterwards"), text: quote.privacyLeftAfter)
        facts.add(say("精度", "Precision"), text: quote.precision.map { say($0) })
        return """
            <section class="quote" aria-label="\(say("估价", "Quote"))">\(facts.html)\
            <p class="fine">\(say("尚未执行，没有产生任何费用。", "Nothing has run and nothing was charged."))</p></section>
            """
    }

    private func block(_ answer: Answer, _ say: Reader) -> HTML {
        """
        <section class="answer" aria-labelledby="answer"><h2 id="answer">\(say("答案", "Answer"))</h2>
        \(body(of: answer, say))
        \(when(!answer.notes.isEmpty) { "<ul class=\"notes\">\(each(answer.notes) { "<li>\(say($0))</li>" })</ul>" })
        \(receipt(of: answer, say))
        </section>
        """
    }

    private func body(of answer: Answer, _ say: Reader) -> HTML {
        switch answer.body {
        case .open(let table, let charts):
            return each(charts) { $0.figure(say) } + table.table(say("答案的数据", "The answer"))
        case .sealed(let path, let command):
            return """
                <div class="sealed"><p>\(say(
                    "答案已封装给您的密钥，本节点和交易所都打不开。下载后在本机打开：",
                    "The answer is sealed to your key; neither this node nor the exchange can open it. Open it on your side:"
                ))</p><p><a class="gate" href="\(path)" download>\(say("下载封装文件", "Download the sealed file"))</a></p>
                <pre tabindex="0"><code>\(command)</code></pre></div>
                """
        }
    }

    private func receipt(of answer: Answer, _ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("过阀记录", "Passage"), answer.passage.link)
        facts.add(say("时间", "Time"), say.time(answer.at))
        facts.add(say("已收费", "Charged"), text: say.money(answer.price))
        facts.add(say("隐私预算", "Privacy budget"), text: answer.privacyCost)
        facts.add(
            say("回执", "Receipt"),
            "<a href=\"\(answer.receiptPath)\" download>\(say("下载，可离线核验", "download; verifies offline"))</a>"
        )
        facts.add(
            say("存证", "Log entry"),
            answer.logIndex.map { "<a href=\"/log/\($0)\">#\(say.number($0))</a>" }
        )
        return facts.html
    }

    private func side(_ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("状态", "State"), standing.chip(say))
        facts.add(say("持有方", "Holder"), holder.link(say))
        facts.add(say("使用方", "Buyer"), buyer.link(say))
        facts.add(say("合约内剩余金额", "Money left"), moneyLeft.map { "<b class=\"figure\">\(say.money($0))</b>" })
        return """
            \(facts.html)
            \(each(budgets) { $0.meter(say, label: say("隐私预算", "Privacy budget")) })
            <h2>\(say("约定的条款", "Agreed terms"))</h2>\(terms.html(say))
            <ul class="files">\(given(listing.code) {
                "<li><a href=\"/listings/\($0.text)/templates\">\(say("洁净室模板", "Clean-room templates"))</a></li>"
            })<li><a href="/agreements/\(code.text)/paper">\(say("打印数字合约", "Print the agreement"))</a></li>
            \(given(contract) {
                "<li><a href=\"/contracts/\($0.text)\">\(say("打印数据交易合同", "Print the contract"))</a></li>"
            })\(when(!budgets.isEmpty) {
                "<li><a href=\"/agreements/\(code.text)/budget\">\(say("隐私预算逐笔", "Every charge to the budget"))</a></li>"
            })</ul>
            """
    }
}
