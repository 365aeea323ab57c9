// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Open data: everything is here, to look at and to take along.
package struct OpenDataPage: Page {
    package struct File: Hashable, Sendable {
        package let name: String
        package let format: String
        /// Already written, such as `12.3 MB`.
        package let size: String
        package let path: String
        /// Known once the file was written.
        package let digest: Digest?

        package init(name: String, format: String, size: String, path: String, digest: Digest?) {
            self.name = name
            self.format = format
            self.size = size
            self.path = path
            self.digest = digest
        }
    }

    /// The same file from a program: the language and the lines.
    package struct Snippet: Hashable, Sendable {
        package let language: String
        package let text: String

        package init(language: String, text: String) {
            self.language = language
            self.text = text
        }
    }

    /// How often the data left by one way, for everybody to see.
    package struct UseCount: Hashable, Sendable {
        package let way: LocalizedText
        package let count: Int64
        /// Already written, such as `12.3 MB`.
        package let size: String

        package init(way: LocalizedText, count: Int64, size: String) {
            self.way = way
            self.count = count
            self.size = size
        }
    }

    package let asset: Named
    package let holder: Named
    package let summary: LocalizedText
    /// The class of openness, such as 无条件开放.
    package let openness: LocalizedText
    package let license: LocalizedText
    package let source: LocalizedText
    package let updated: Instant
    package let rowCount: Int
    /// The share of values that are there, and what was measured; `nil` where nothing was.
    package let quality: LocalizedText?
    package let files: [File]
    package let columns: [ColumnView]
    package let preview: Preview
    package let sameThing: SameThing?
    package let snippets: [Snippet]
    package let uses: [UseCount]
    /// What readers said, newest first.
    package let remarks: [String]
    /// Where a remark is sent; `nil` takes none.
    package let feedbackPath: String?
    package var section: Section { .catalog }

    package init(
        asset: Named,
        holder: Named,
        summary: LocalizedText,
        openness: LocalizedText,
        license: LocalizedText,
        source: LocalizedText,
        updated: Instant,
        rowCount: Int,
        quality: LocalizedText? = nil,
        files: [File],
        columns: [ColumnView],
        preview: Preview,
        sameThing: SameThing?,
        snippets: [Snippet] = [],
        uses: [UseCount] = [],
        remarks: [String] = [],
        feedbackPath: String? = nil
    ) {
        self.asset = asset
        self.holder = holder
        self.summary = summary
        self.openness = openness
        self.license = license
        self.source = source
        self.updated = updated
        self.rowCount = rowCount
        self.quality = quality
        self.files = files
        self.columns = columns
        self.preview = preview
        self.sameThing = sameThing
        self.snippets = snippets
        self.uses = uses
        self.remarks = remarks
        self.feedbackPath = feedbackPath
    }

    package func title(_ say: Reader) -> String { say(asset.name) }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above"><span class="door">\(say(openness))</span> \(given(asset.code) { $0.link })</p>
        <h1>\(say(asset.name))</h1>
        <p class="lead">\(say(summary))</p>
        <div class="with-side"><div>
        <section><h2>\(say("预览", "Preview"))</h2>\(preview.table(say("前几行", "First rows")))
        <p class="fine">\(say("共 \(say.number(rowCount)) 行", "\(say.number(rowCount)) rows in all"))</p></section>
        <section><h2>\(say("数据结构", "Schema"))</h2>\(schema(say))</section>
        \(programs(say))\(feedback(say))</div>
        <aside class="deal"><h2>\(say("下载", "Download"))</h2>
        <ul class="files">\(each(files) { file($0, say) })</ul>\(facts(say))</aside></div>
        """
    }

    private func programs(_ say: Reader) -> HTML {
        guard !snippets.isEmpty else { return .nothing }
        return """
            <section><h2>\(say("从程序读取", "From a program"))</h2>
            \(each(snippets) { "<h3>\($0.language)</h3><pre tabindex=\"0\"><code>\($0.text)</code></pre>\n" })</section>
            """
    }

    private func feedback(_ say: Reader) -> HTML {
        guard let feedbackPath else { return .nothing }
        return """
            <section><h2>\(say("意见反馈", "Feedback"))</h2>
            <form method="post" action="\(feedbackPath)">
            <p><label for="words">\(say("数据有误、缺少字段或有建议，请告诉提供方。",
                "Tell the provider what is wrong, missing or could be better."))</label></p>
            <p><textarea id="words" name="words" rows="3" maxlength="2000" required></textarea></p>
            <p><button>\(say("提交", "Send"))</button></p></form>
            \(each(remarks) { "<blockquote><p>\($0)</p></blockquote>\n" })</section>
            """
    }

    private func file(_ file: File, _ say: Reader) -> HTML {
        """
        <li><a class="gate" href="\(file.path)" download>\(say("下载", "Download")) \(file.format)</a>
        <p class="fine">\(file.name) · <span class="figure">\(file.size)</span></p>
        \(given(file.digest) { "<p class=\"fine\">SHA-256 \($0.block)</p>" })</li>

        """
    }

    private func facts(_ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("提供方", "Provider"), holder.link(say))
        facts.add(say("许可", "License"), text: say(license))
        facts.add(say("来源", "Source"), text: say(source))
        facts.add(say("数据截至", "Data as of"), say.day(updated))
        if let quality { facts.add(say("质量", "Quality"), text: say(quality)) }
        facts.add(say("价格", "Price"), text: say("免费", "free"))
        for use in uses {
            facts.add(
                say(use.way), text: say("\(use.count) 次 · \(use.size)", "\(use.count) times · \(use.size)"))
        }
        return facts.html
    }

    private func schema(_ say: Reader) -> HTML {
        DataTable(
            caption: say("列与类型", "Columns and types"),
            columns: [
                .text(say("列", "Column")), .text(say("类型", "Type")), .number(say("空值", "Empty")),
                .text(say("分布", "Distribution")),
            ],
            rows: columns.map { column in
                [
                    "<code>\(column.name)</code>\(given(column.meaning) { "<span class=\"hint\">\(say($0))</span>" })",
                    HTML(say(column.type)), HTML(column.emptyShare ?? "–"),
                    column.histogram?.html(say) ?? "–",
                ]
            }
        ).html
    }
}
