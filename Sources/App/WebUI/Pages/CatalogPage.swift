// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The catalog: everything on offer, searched and narrowed.
package struct CatalogPage: Page {
    /// One listing in a list.
    package struct Entry: Hashable, Sendable {
        package let code: Code
        package let title: LocalizedText
        package let summary: LocalizedText
        package let holder: Named
        /// What a buyer may do with it: open data, download, query, match.
        package let doors: [LocalizedText]
        package let grade: LocalizedText
        package let price: LocalizedText
        package let rowCount: Int?
        package let updated: Instant?
        /// The path of the listing's page; open data has a page of its own.
        package let path: String

        package init(
            code: Code,
            title: LocalizedText,
            summary: LocalizedText,
            holder: Named,
            doors: [LocalizedText],
            grade: LocalizedText,
            price: LocalizedText,
            rowCount: Int?,
            updated: Instant? = nil,
            path: String
        ) {
            self.code = code
            self.title = title
            self.summary = summary
            self.holder = holder
            self.doors = doors
            self.grade = grade
            self.price = price
            self.rowCount = rowCount
            self.updated = updated
            self.path = path
        }
    }

    /// A way to narrow the list: one question, its answers with their counts.
    package struct Facet: Hashable, Sendable {
        package struct Choice: Hashable, Sendable {
            package let name: LocalizedText
            package let count: Int
            package let isChosen: Bool
            /// The catalog with this choice taken, or given back if it is chosen.
            package let path: String

            package init(name: LocalizedText, count: Int, isChosen: Bool, path: String) {
                self.name = name
                self.count = count
                self.isChosen = isChosen
                self.path = path
            }
        }

        package let name: LocalizedText
        package let choices: [Choice]

        package init(name: LocalizedText, choices: [Choice]) {
            self.name = name
            self.choices = choices
        }
    }

    /// Figures of the whole node, shown to who comes without a question.
    package struct Figures: Hashable, Sendable {
        package let listings: Int
        package let passages: Int
        package let refusals: Int
        package let logSize: Int

        package init(listings: Int, passages: Int, refusals: Int, logSize: Int) {
            self.listings = listings
            self.passages = passages
            self.refusals = refusals
            self.logSize = logSize
        }
    }

    package let words: String
    package let entries: [Entry]
    package let total: Int
    package let facets: [Facet]
    package let figures: Figures?
    package let nextPath: String?
    package let previousPath: String?
    /// What the catalogs of others list for the same words, and where.
    package let foreign: (count: Int, path: String)?
    package let sameThing: SameThing?
    package var section: Section { .catalog }

    package init(
        words: String,
        entries: [Entry],
        total: Int,
        facets: [Facet],
        figures: Figures? = nil,
        previousPath: String? = nil,
        nextPath: String? = nil,
        foreign: (count: Int, path: String)? = nil,
        sameThing: SameThing?
    ) {
        self.words = words
        self.entries = entries
        self.total = total
        self.facets = facets
        self.figures = figures
        self.previousPath = previousPath
        self.nextPath = nextPath
        self.foreign = foreign
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String {
        words.isEmpty ? say("数据目录", "Data catalog") : say("“\(words)”的搜索结果", "Search: \(words)")
    }

    package func content(_ say: Reader) -> HTML {
        """
        \(words.isEmpty && figures != nil ? welcome(say) : "<h1>\(title(say))</h1>")
        <form class="search" role="search" action="/" method="get">
        <label class="unseen" for="q">\(say("搜索数据", "Search data"))</label>
        <input id="q" name="q" type="search" value="\(words)" \
        placeholder="\(say("例如：空气质量、门诊", "for instance: air quality, visits"))">
        <button>\(say("搜索", "Search"))</button></form>
        <div class="with-side">
        <div>\(results(say))\(given(foreign) { elsewhere($0.count, $0.path, say) })</div>
        \(when(!facets.isEmpty) { sidebar(say) })
        </div>
        """
    }

    private func welcome(_ say: Reader) -> HTML {
        """
        <section class="welcome"><h1>\(say("数据不出院，价值走胡同", "Data stays in the courtyard"))</h1>
        <p>\(say(
            "在这里找到数据、谈妥条款、直接提问。原始数据留在持有方的数据节点；得到的是答案、价格和可离线核验的回执。",
            """
            Find data, agree on terms, ask. The rows stay with their holder; you get the answer, its price and a \
            receipt that anybody can check offline.
            """
        ))</p>
        \(given(figures) { figureBand($0, say) })</section>
        """
    }

    private func figureBand(_ figures: Figures, _ say: Reader) -> HTML {
        let cells = [
            (figures.listings, say("在架产品", "on offer")),
            (figures.passages, say("过阀次数", "passages")),
            (figures.refusals, say("拒绝次数", "refusals")),
            (figures.logSize, say("存证条目", "log entries")),
        ]
        return """
            <dl class="band">\(each(cells) { count, name in
                "<div><dt>\(name)</dt><dd class=\"figure\">\(say.number(count))</dd></div>"
            })</dl>
            """
    }

    private func results(_ say: Reader) -> HTML {
        guard !entries.isEmpty else { return emptiness(say) }
        return """
            <p class="fine" role="status">\(say("共 \(say.number(total)) 项", "\(say.number(total)) found"))</p>
            <ol class="cards">\(each(entries) { card($0, say) })</ol>
            \(pages(say))
            """
    }

    private func card(_ entry: Entry, _ say: Reader) -> HTML {
        """
        <li><article><h2><a href="\(entry.path)">\(say(entry.title))</a></h2>
        <p>\(say(entry.summary))</p>
        <p class="doors">\(each(entry.doors) { "<span class=\"door\">\(say($0))</span> " })\
        <span class="fine">\(say(entry.grade))</span></p>
        <p class="meta"><span>\(entry.holder.link(say))</span>\
        \(given(entry.rowCount) { "<span>\(say.number($0)) \(say("行", "rows"))</span>" })\
        \(given(entry.updated) { "<span>\(say("更新于", "updated")) \(say.day($0))</span>" })<b class="figure">\(say(entry.price))</b></p>
        </article></li>

        """
    }

    private func elsewhere(_ count: Int, _ path: String, _ say: Reader) -> HTML {
        let found = say.number(count)
        return """
            <p><a href="\(path)">\(say("外部目录中另有 \(found) 项", "\(found) more in the catalogs of others"))</a></p>
            """
    }

    private func pages(_ say: Reader) -> HTML {
        when(previousPath != nil || nextPath != nil) {
            """
            <nav class="pages" aria-label="\(say("翻页", "Pages"))">\
            \(given(previousPath) { "<a rel=\"prev\" href=\"\($0)\">← \(say("上一页", "Previous"))</a>" }) \
            \(given(nextPath) { "<a rel=\"next\" href=\"\($0)\">\(say("下一页", "Next")) →</a>" })</nav>
            """
        }
    }

    private func sidebar(_ say: Reader) -> HTML {
        """
        <aside class="facets" aria-label="\(say("筛选", "Narrow down"))">
        \(each(facets) { facet in
            """
            <h2>\(say(facet.name))</h2><ul>\(each(facet.choices) { choice in
                let chosen: HTML = choice.isChosen ? " aria-current=\"true\"" : .nothing
                return """
                    <li><a href="\(choice.path)"\(chosen)>\(say(choice.name))</a> \
                    <span class="figure">\(say.number(choice.count))</span></li>
                    """
            })</ul>

            """
        })</aside>
        """
    }

    private func emptiness(_ say: Reader) -> HTML {
        guard !words.isEmpty else {
            return EmptyState(
                what: say("目录还是空的。", "The catalog is empty."),
                first: """
                    \(say("持有方用命令行发布第一个数据集：", "A holder publishes the first dataset with")) \
                    <code>hutong publish</code>
                    """
            ).html
        }
        return EmptyState(
            what: say("没有找到“\(words)”。", "Nothing matches “\(words)”."),
            first: """
                \(say("换几个词试试，或", "Try other words, or")) \
                <a href="/demands/new?title=\(words)">\(say("发布一条需求", "post a demand"))</a>\
                \(say("；一旦有匹配的挂牌，双方都会收到通知。", "; both sides are told when a listing answers it."))
                """
        ).html
    }
}
