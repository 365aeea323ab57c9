// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Datasets in the catalogs of others that this node reads, each once, and how those readings go.
package struct ForeignPage: Page {
    package struct Entry: Hashable, Sendable {
        package let title: LocalizedText
        package let about: String
        package let publisher: String
        package let formats: [String]
        /// The catalogs that list it, or did.
        package let origins: [String]
        package let withdrawnAt: Instant?
        package let path: String

        package init(
            title: LocalizedText, about: String, publisher: String, formats: [String], origins: [String],
            withdrawnAt: Instant?, path: String
        ) {
            self.title = title
            self.about = about
            self.publisher = publisher
            self.formats = formats
            self.origins = origins
            self.withdrawnAt = withdrawnAt
            self.path = path
        }
    }

    /// A catalog that is read: how the last reading ended, when the next one comes.
    package struct Source: Hashable, Sendable {
        package let name: String
        package let kind: LocalizedText
        package let url: String
        package let count: Int
        package let readAt: Instant?
        package let dueAt: Instant?
        package let lastError: String?
        /// What the last reading found different, in words.
        package let changes: [LocalizedText]

        package init(
            name: String, kind: LocalizedText, url: String, count: Int, readAt: Instant?, dueAt: Instant?,
            lastError: String?, changes: [LocalizedText]
        ) {
            self.name = name
            self.kind = kind
            self.url = url
            self.count = count
            self.readAt = readAt
            self.dueAt = dueAt
            self.lastError = lastError
            self.changes = changes
        }
    }

    package let words: String
    package let total: Int
    package let entries: [Entry]
    package let sources: [Source]
    package let previousPath: String?
    package let nextPath: String?
    package let sameThing: SameThing?
    package var section: Section { .catalog }

    package init(
        words: String, total: Int, entries: [Entry], sources: [Source], previousPath: String?,
        nextPath: String?, sameThing: SameThing?
    ) {
        self.words = words
        self.total = total
        self.entries = entries
        self.sources = sources
        self.previousPath = previousPath
        self.nextPath = nextPath
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("外部数据目录", "In the catalogs of others") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        <form class="search" role="search" action="/foreign" method="get">
        <label class="unseen" for="q">\(say("搜索外部数据集", "Search foreign datasets"))</label>
        <input id="q" name="q" type="search" value="\(words)">
        <button>\(say("搜索", "Search"))</button></form>
        \(results(say))
        \(when(!sources.isEmpty) { sourceTable(say) })
        """
    }

    private func results(_ say: Reader) -> HTML {
        guard !entries.isEmpty else { return emptiness(say) }
        return """
            <p class="fine" role="status">\(say("共 \(say.number(total)) 项", "\(say.number(total)) found"))</p>
            <ol class="cards">\(each(entries) { card($0, say) })</ol>
            \(when(previousPath != nil || nextPath != nil) { pages(say) })
            """
    }

    private func card(_ entry: Entry, _ say: Reader) -> HTML {
        """
        <li><article><h2><a href="\(entry.path)">\(say(entry.title))</a></h2>
        \(given(entry.withdrawnAt) { "<p>\(withdrawn($0, say))</p>" })\
        <p>\(String(entry.about.prefix(200)))</p>
        <p class="doors">\(each(entry.formats) { "<span class=\"door\">\($0)</span> " })</p>
        <p class="meta"><span>\(entry.publisher)</span>\
        <span>\(say("来自", "from")) \(say.list(entry.origins))</span></p></article></li>

        """
    }

    private func pages(_ say: Reader) -> HTML {
        """
        <nav class="pages" aria-label="\(say("翻页", "Pages"))">\
        \(given(previousPath) { "<a rel=\"prev\" href=\"\($0)\">← \(say("上一页", "Previous"))</a>" }) \
        \(given(nextPath) { "<a rel=\"next\" href=\"\($0)\">\(say("下一页", "Next")) →</a>" })</nav>
        """
    }

    private func sourceTable(_ say: Reader) -> HTML {
        """
        <section><h2>\(say("汇集的目录", "Catalogs that are read"))</h2>\(DataTable(
            caption: say("目录、上次与下次读取", "Catalogs, their last and next reading"),
            columns: [
                .text(say("目录", "Catalog")), .number(say("数据集", "Datasets")),
                .text(say("上次读取", "Last read")), .text(say("变化", "Changes")), .text(say("下次", "Next")),
            ],
            rows: sources.map { source in
                [
                    "\(outside(source.url, named: source.name)) <span class=\"fine\">\(say(source.kind))</span>",
                    HTML(say.number(source.count)), reading(source, say),
                    HTML(source.changes.isEmpty ? "–" : say.list(source.changes.map { say($0) })),
                    source.dueAt.map { say.time($0) } ?? HTML(say("手动", "by hand")),
                ]
            }).html)</section>
        """
    }

    private func reading(_ source: Source, _ say: Reader) -> HTML {
        """
        \(source.readAt.map { say.time($0) } ?? "–")\(given(source.lastError) { error in
            let standing = Standing(
                LocalizedText(zh: "读取失败：\(error)", en: "not read: \(error)"), .waits)
            return " \(standing.chip(say))"
        })
        """
    }

    private func emptiness(_ say: Reader) -> HTML {
        EmptyState(
            what: words.isEmpty
                ? say("还没有汇集外部目录。", "No foreign catalog has been read yet.")
                : say("外部目录中没有“\(words)”。", "No foreign catalog lists “\(words)”."),
            first: """
                \(say("运营方登记并定时读取一个目录：", "The operator adds one, read at an interval, with")) \
                <code>hutong harvest URL --kind ckan --every 6h</code>
                """
        ).html
    }
}

/// One dataset in the catalogs of others: where it is listed, and what became of it.
package struct ForeignDatasetPage: Page {
    package struct Origin: Hashable, Sendable {
        package let name: String
        package let kind: LocalizedText
        package let address: String
        package let firstSeenAt: Instant
        package let changedAt: Instant?
        package let withdrawnAt: Instant?

        package init(
            name: String, kind: LocalizedText, address: String, firstSeenAt: Instant, changedAt: Instant?,
            withdrawnAt: Instant?
        ) {
            self.name = name
            self.kind = kind
            self.address = address
            self.firstSeenAt = firstSeenAt
            self.changedAt = changedAt
            self.withdrawnAt = withdrawnAt
        }
    }

    package let dataset: LocalizedText
    package let about: String
    package let publisher: String
    package let formats: [String]
    package let withdrawnAt: Instant?
    package let origins: [Origin]
    package let history: [HistoryStep]
    package let sameThing: SameThing?
    package var section: Section { .catalog }

    package init(
        dataset: LocalizedText, about: String, publisher: String, formats: [String], withdrawnAt: Instant?,
        origins: [Origin], history: [HistoryStep], sameThing: SameThing?
    ) {
        self.dataset = dataset
        self.about = about
        self.publisher = publisher
        self.formats = formats
        self.withdrawnAt = withdrawnAt
        self.origins = origins
        self.history = history
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say(dataset) }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above"><a href="/foreign">\(say("外部数据目录", "In the catalogs of others"))</a></p>
        <h1>\(title(say))</h1>
        \(given(withdrawnAt) { "<p>\(withdrawn($0, say))</p>" })
        <p class="lead">\(about)</p>
        \(facts(say))
        <section><h2>\(say("来源", "Origins"))</h2>\(originTable(say))
        <p class="fine">\(say(
            "数据不在本节点：条款、价格与取得方式以来源目录为准。",
            "The data are not here: terms, price and ways to get them are those of the catalog it stands in."
        ))</p></section>
        \(when(!history.isEmpty) {
            "<section><h2>\(say("变化", "Changes"))</h2>\(WebUI.history(history, say))</section>"
        })
        """
    }

    private func facts(_ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("提供方", "Publisher"), text: publisher)
        facts.add(say("格式", "Formats"), text: formats.isEmpty ? "–" : say.list(formats))
        return facts.html
    }

    private func originTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("列出该数据集的目录", "Catalogs that list it"),
            columns: [
                .text(say("目录", "Catalog")), .text(say("首次见到", "First seen")),
                .text(say("最近变更", "Last changed")), .text(say("状态", "State")),
            ],
            rows: origins.map { origin in
                [
                    "\(outside(origin.address, named: origin.name)) <span class=\"fine\">\(say(origin.kind))</span>",
                    say.day(origin.firstSeenAt), origin.changedAt.map { say.day($0) } ?? "–",
                    origin.withdrawnAt.map { withdrawn($0, say) } ?? HTML(say("在列", "listed")),
                ]
            }
        ).html
    }
}

/// Since when something is no longer offered.
private func withdrawn(_ at: Instant, _ say: Reader) -> HTML {
    """
    \(Standing(LocalizedText(zh: "来源目录已撤下", en: "withdrawn by its catalog"), .stopped).chip(say)) \
    <span class="fine">\(say.time(at))</span>
    """
}

/// A link to what somebody else said is its address: only one of the web becomes a link.
private func outside(_ address: String, named name: String) -> HTML {
    guard address.hasPrefix("https://") || address.hasPrefix("http://") else { return HTML(name) }
    return "<a href=\"\(address)\" rel=\"noreferrer nofollow\">\(name)</a>"
}
