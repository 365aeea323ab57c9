// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The lists (名录) of the node.
package struct ListsPage: Page {
    package struct Line: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
        package let pack: String
        package let isPublic: Bool
        package let isExample: Bool

        package init(id: String, title: LocalizedText, pack: String, isPublic: Bool, isExample: Bool) {
            self.id = id
            self.title = title
            self.pack = pack
            self.isPublic = isPublic
            self.isExample = isExample
        }
    }

    package let lists: [Line]
    package let sameThing: SameThing?
    package var section: Section { .lists }

    package init(lists: [Line], sameThing: SameThing?) {
        self.lists = lists
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("名录", "Lists") }

    package func content(_ say: Reader) -> HTML {
        let table = DataTable(
            caption: title(say),
            columns: [.text(title(say)), .text(say("规则包", "Pack")), .text(say("可见范围", "Readers"))],
            rows: lists.map { line in
                [
                    "<a href=\"/lists/\(line.id)\">\(say(line.title))</a>" + exampleMark(line.isExample, say),
                    HTML(line.pack), HTML(line.isPublic ? say("公开", "public") : say("限定角色", "by role")),
                ]
            })
        let emptiness = EmptyState(
            what: say("还没有名录。", "There is no list yet."),
            first: "<code>hutong pack add Packs/directories</code>")
        return "<h1>\(title(say))</h1>" + (lists.isEmpty ? emptiness.html : table.html)
    }
}

/// Seeded entries that an authority has to replace are never shown without saying so.
private func exampleMark(_ isExample: Bool, _ say: Reader) -> HTML {
    when(isExample) { " <span class=\"chip waits\">\(say("示例", "example"))</span>" }
}

/// One list as it stood on a day: searched, downloaded, and written by whoever may.
package struct ListPage: Page {
    package struct Column: Hashable, Sendable {
        package let name: String
        package let title: LocalizedText
        package let isRequired: Bool

        package init(name: String, title: LocalizedText, isRequired: Bool) {
            self.name = name
            self.title = title
            self.isRequired = isRequired
        }
    }

    package struct Row: Hashable, Sendable {
        package let cells: [String]
        package let key: String
        package let valid: String

        package init(cells: [String], key: String, valid: String) {
            self.cells = cells
            self.key = key
            self.valid = valid
        }
    }

    package let id: String
    package let name: LocalizedText
    package let day: String
    package let words: String
    package let isExample: Bool
    package let columns: [Column]
    package let rows: [Row]
    package let mayWrite: Bool
    package let refusal: Refusal?
    package let sameThing: SameThing?
    package var section: Section { .lists }

    /// More lines than this are in the download, not on the page.
    package static let rowsMax = 500

    package init(
        id: String, name: LocalizedText, day: String, words: String, isExample: Bool, columns: [Column],
        rows: [Row], mayWrite: Bool, refusal: Refusal? = nil, sameThing: SameThing?
    ) {
        self.id = id
        self.name = name
        self.day = day
        self.words = words
        self.isExample = isExample
        self.columns = columns
        self.rows = rows
        self.mayWrite = mayWrite
        self.refusal = refusal
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say(name) }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(say(name))\(exampleMark(isExample, say))</h1>
        \(given(refusal) { $0.note(say) })
        <form method="get" action="/lists/\(id)" class="search" role="search">
        \(Field.text("q", label: say("查找", "Search"), value: words))
        \(Field.text("asOf", label: say("截至", "As of"), value: day, kind: "date"))
        <p><button>\(say("查看", "Show"))</button>
        <a href="/api/v1/lists/\(id)?format=csv&amp;asOf=\(day)">CSV</a> · \
        <a href="/api/v1/lists/\(id)?asOf=\(day)">JSON</a></p></form>
        \(rows.isEmpty ? "<p class=\"fine\" id=\"none\">\(say("该日没有条目。", "No entry on that day."))</p>" : table(say))
        \(when(mayWrite) { form(say) })
        """
    }

    private func table(_ say: Reader) -> HTML {
        let shown = rows.prefix(Self.rowsMax)
        let count = "\(say.number(shown.count)) / \(say.number(rows.count))"
        return DataTable(
            caption: say(name) + " · " + count,
            columns: columns.map { .text(say($0.title)) } + [.text(say("有效期", "Valid"))]
                + (mayWrite ? [.text(say("操作", "Action"))] : []),
            rows: shown.map { row in
                row.cells.map { HTML($0) } + [HTML(row.valid)] + (mayWrite ? [removal(of: row, say)] : [])
            }
        ).html
    }

    private func removal(of row: Row, _ say: Reader) -> HTML {
        """
        <form method="post" action="/lists/\(id)/remove">\(Field.hidden("key", row.key))\
        <button>\(say("移除", "Remove"))</button></form>
        """
    }

    private func form(_ say: Reader) -> HTML {
        """
        <section><h2>\(say("写入条目", "Write an entry"))</h2>
        <p class="fine">\(say("同一键值再次写入即为新版本，旧版本保留。", "Writing a key again makes a new version; the old one stays."))</p>
        <form method="post" action="/lists/\(id)" id="entry">
        \(each(columns) { Field.text("field-" + $0.name, label: say($0.title), isRequired: $0.isRequired) })
        <p>\(gate(say("写入", "Write")))</p></form></section>
        """
    }
}
