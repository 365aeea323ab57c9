// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One use through the valve, as its party sees it.
package struct PassageView: Hashable, Sendable {
    package let code: Code
    package let at: Instant
    package let agreement: Named
    package let door: LocalizedText
    package let standing: Standing
    package let price: Money
    package let privacyCost: String?
    package let receiptPath: String?

    package init(
        code: Code,
        at: Instant,
        agreement: Named,
        door: LocalizedText,
        standing: Standing,
        price: Money,
        privacyCost: String? = nil,
        receiptPath: String? = nil
    ) {
        self.code = code
        self.at = at
        self.agreement = agreement
        self.door = door
        self.standing = standing
        self.price = price
        self.privacyCost = privacyCost
        self.receiptPath = receiptPath
    }

    static func table(_ passages: [PassageView], _ say: Reader) -> HTML {
        DataTable(
            caption: say("过阀记录", "Passages"),
            columns: [
                .text(say("过阀记录", "Passage")), .text(say("时间", "Time")), .text(say("依据", "Under")),
                .text(say("方式", "Door")), .text(say("结果", "Result")), .number(say("金额", "Price")),
                .number(say("隐私预算", "Privacy")), .text(say("回执", "Receipt")),
            ],
            rows: passages.map { passage in
                [
                    passage.code.link, say.time(passage.at), passage.agreement.link(say),
                    HTML(say(passage.door)),
                    passage.standing.chip(say), HTML(say.money(passage.price)),
                    HTML(passage.privacyCost ?? "–"),
                    passage.receiptPath.map { "<a href=\"\($0)\" download>\(say("下载", "download"))</a>" }
                        ?? "–",
                ]
            }
        ).html
    }
}

/// What the signed-in party has: agreements, listings, passages, statements, and what waits for it.
package struct MinePage: Page {
    /// Negotiations under way, ours to move first.
    package let offers: [OfferView]
    package let agreements: [(agreement: Named, standing: Standing, moneyLeft: Money?, askPath: String?)]
    package let listings: [(listing: Named, standing: Standing, earned: Money?)]
    package let passages: [PassageView]
    /// Months that have a statement, newest first, such as `2026-11`.
    package let statementMonths: [String]
    /// `nil` on a node that keeps no account for the party.
    package let balance: Money?
    package let reserved: Money?
    package let sameThing: SameThing?
    package var section: Section { .mine }

    package init(
        offers: [OfferView] = [],
        agreements: [(agreement: Named, standing: Standing, moneyLeft: Money?, askPath: String?)],
        listings: [(listing: Named, standing: Standing, earned: Money?)],
        passages: [PassageView],
        statementMonths: [String],
        balance: Money?,
        reserved: Money?,
        sameThing: SameThing?
    ) {
        self.offers = offers
        self.agreements = agreements
        self.listings = listings
        self.passages = passages
        self.statementMonths = statementMonths
        self.balance = balance
        self.reserved = reserved
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("我的", "Mine") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        <dl class="band"><div><dt>\(say("可用余额", "Available"))</dt><dd class="figure">\(balance.map { say.money($0) } ?? "–")</dd></div>
        <div><dt>\(say("已预留", "Reserved"))</dt><dd class="figure">\(reserved.map { say.money($0) } ?? "–")</dd></div>
        <div><dt>\(say("结算单", "Statements"))</dt><dd>\(statements(say))</dd></div></dl>
        \(when(say.isA(.holder)) {
            "<p><a class=\"gate\" href=\"/publish\">\(say("发布数据集", "Publish a dataset"))</a></p>"
        })
        \(when(!offers.isEmpty) {
            """
            <section><h2>\(say("磋商中", "Under negotiation"))</h2>\
            <ol class="cards">\(each(offers) { $0.card(say) })</ol></section>
            """
        })
        <section><h2>\(say("我的合约", "My agreements"))</h2>\(agreementTable(say))</section>
        \(when(!listings.isEmpty) { "<section><h2>\(say("我的挂牌", "My listings"))</h2>\(listingTable(say))</section>" })
        <section><h2>\(say("我的过阀记录", "My passages"))</h2>\(passageTable(say))</section>
        """
    }

    private func statements(_ say: Reader) -> HTML {
        guard !statementMonths.isEmpty else { return HTML(say("尚无", "none yet")) }
        return each(statementMonths) { "<a href=\"/statements/\($0)\">\($0)</a> " }
    }

    private func agreementTable(_ say: Reader) -> HTML {
        guard !agreements.isEmpty else {
            return EmptyState(
                what: say("还没有合约。", "No agreement yet."),
                first: """
                    \(say("先在", "Begin in the")) <a href="/">\(say("目录", "catalog"))</a>\
                    \(say("里找到数据，再申请使用。", ": find data and ask for terms."))
                    """
            ).html
        }
        return DataTable(
            caption: say("我的合约", "My agreements"),
            columns: [
                .text(say("合约", "Agreement")), .text(say("状态", "State")), .number(say("剩余金额", "Money left")),
                .text(""),
            ],
            rows: agreements.map { row in
                [
                    row.agreement.link(say), row.standing.chip(say),
                    HTML(row.moneyLeft.map { say.money($0) } ?? "–"),
                    row.askPath.map { "<a href=\"\($0)\">\(say("提问", "Ask"))</a>" } ?? .nothing,
                ]
            }
        ).html
    }

    private func listingTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("我的挂牌", "My listings"),
            columns: [.text(say("挂牌", "Listing")), .text(say("状态", "State")), .number(say("收入", "Earned"))],
            rows: listings.map {
                [$0.listing.link(say), $0.standing.chip(say), HTML($0.earned.map(say.money) ?? "–")]
            }
        ).html
    }

    private func passageTable(_ say: Reader) -> HTML {
        guard !passages.isEmpty else {
            return EmptyState(
                what: say("还没有过阀记录。", "No passage yet."),
                first: HTML(
                    say(
                        "第一次提问之后，价格与回执会出现在这里。",
                        "After your first question its price and receipt appear here."
                    )
                )
            ).html
        }
        return PassageView.table(passages, say)
    }
}

/// A month's statement: every passage, every sum, and that debit and credit meet.
package struct StatementPage: Page {
    package let code: Code
    package let month: String
    package let party: Named
    package let passages: [PassageView]
    /// What the month adds up to: label and amount, from opening balance to closing balance.
    package let sums: [(label: LocalizedText, amount: Money)]
    package let difference: Money
    package let standing: Standing
    package let sameThing: SameThing?
    package var section: Section { .mine }

    package init(
        code: Code,
        month: String,
        party: Named,
        passages: [PassageView],
        sums: [(label: LocalizedText, amount: Money)],
        difference: Money,
        standing: Standing,
        sameThing: SameThing?
    ) {
        self.code = code
        self.month = month
        self.party = party
        self.passages = passages
        self.sums = sums
        self.difference = difference
        self.standing = standing
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("\(month) 结算单", "Statement \(month)") }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above">\(say("结算单", "Statement")) \(code.link)</p>
        <h1>\(title(say))</h1>
        <p>\(party.link(say)) · \(standing.chip(say))</p>
        \(DataTable(
            caption: say("汇总", "Summary"),
            columns: [.text(say("项目", "Item")), .number(say("金额", "Amount"))],
            rows: (sums + [(LocalizedText(zh: "借贷差", en: "Debit less credit"), difference)])
                .map { [HTML(say($0.label)), HTML(say.money($0.amount))] }
        ).html)
        <h2>\(say("逐笔", "Every passage"))</h2>
        \(passages.isEmpty ? HTML(say("本月没有过阀记录。", "No passage this month.")) : PassageView.table(passages, say))
        """
    }
}
