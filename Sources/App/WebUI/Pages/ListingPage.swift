// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One column of a table as its catalog shows it. A compute-only table has no histogram: a public one would leak
/// what its privacy budget protects.
package struct ColumnView: Hashable, Sendable {
    package let name: String
    package let type: LocalizedText
    package let meaning: LocalizedText?
    package let grade: LocalizedText
    /// The share of empty values, such as `2.1 %`.
    package let emptyShare: String?
    package let histogram: Histogram?

    package init(
        name: String,
        type: LocalizedText,
        meaning: LocalizedText? = nil,
        grade: LocalizedText,
        emptyShare: String? = nil,
        histogram: Histogram? = nil
    ) {
        self.name = name
        self.type = type
        self.meaning = meaning
        self.grade = grade
        self.emptyShare = emptyShare
        self.histogram = histogram
    }
}

/// One dimension of quality with how it was measured.
package struct QualityScore: Hashable, Sendable {
    package let dimension: LocalizedText
    package let score: String
    package let how: LocalizedText

    package init(dimension: LocalizedText, score: String, how: LocalizedText) {
        self.dimension = dimension
        self.score = score
        self.how = how
    }
}

/// A few rows or values, each already text; `nil` is an empty value.
package struct Preview: Hashable, Sendable {
    package let columns: [String]
    /// Which columns hold numbers.
    package let numeric: Set<Int>
    package let rows: [[String?]]

    package init(columns: [String], numeric: Set<Int> = [], rows: [[String?]]) {
        self.columns = columns
        self.numeric = numeric
        self.rows = rows
    }

    func table(_ caption: String) -> HTML {
        DataTable(
            caption: caption,
            columns: columns.enumerated().map { numeric.contains($0) ? .number($1) : .text($1) },
            rows: rows.map { row in row.map { $0.map { HTML($0) } ?? "<span class=\"empty-value\">–</span>" }
            }
        ).html
    }
}

/// What a listing offers, on what terms, at what price, and how one knows.
package struct ListingPage: Page {
    package let code: Code
    package let name: LocalizedText
    package let summary: LocalizedText
    package let holder: Named
    package let asset: Named
    package let standing: Standing
    /// Said where the data was generated for demonstration.
    package let isSynthetic: Bool
    package let doors: [LocalizedText]
    package let grade: LocalizedText
    package let rowCount: Int?
    package let updated: Instant?
    package let version: Digest?
    package let columns: [ColumnView]
    /// Why there are no statistics, where there are none.
    package let withheldStatistics: LocalizedText?
    package let quality: [QualityScore]
    package let attestations: [HistoryStep]
    package let terms: Terms
    package let prices: [PriceLine]
    /// The rules under which answers leave: minimum group, ε a question.
    package let releaseRules: [LocalizedText]
    /// Where its holder offers it to one party; `nil` for everybody else.
    package let offerPath: String?
    package let sample: Preview?
    package let sameThing: SameThing?
    package var section: Section { .catalog }

    package init(
        code: Code,
        name: LocalizedText,
        summary: LocalizedText,
        holder: Named,
        asset: Named,
        standing: Standing,
        isSynthetic: Bool = false,
        doors: [LocalizedText],
        grade: LocalizedText,
        rowCount: Int?,
        updated: Instant? = nil,
        version: Digest?,
        columns: [ColumnView],
        withheldStatistics: LocalizedText? = nil,
        quality: [QualityScore] = [],
        attestations: [HistoryStep] = [],
        terms: Terms,
        prices: [PriceLine],
        releaseRules: [LocalizedText] = [],
        offerPath: String? = nil,
        sample: Preview? = nil,
        sameThing: SameThing?
    ) {
        self.code = code
        self.name = name
        self.summary = summary
        self.holder = holder
        self.asset = asset
        self.standing = standing
        self.isSynthetic = isSynthetic
        self.doors = doors
        self.grade = grade
        self.rowCount = rowCount
        self.updated = updated
        self.version = version
        self.columns = columns
        self.withheldStatistics = withheldStatistics
        self.quality = quality
        self.attestations = attestations
        self.terms = terms
        self.prices = prices
        self.releaseRules = releaseRules
        self.offerPath = offerPath
        self.sample = sample
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say(name) }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above">\(say("挂牌", "Listing")) \(code.link)</p>
        <h1>\(say(name))</h1>
        \(when(isSynthetic) { syntheticNote(say) })
        <p class="lead">\(say(summary))</p>
        <div class="with-side">
        <div>
        \(schema(say))
        \(sampleBlock(say))
        \(qualityBlock(say))
        </div>
        <aside class="deal">\(deal(say))</aside>
        </div>
        """
    }

    private func deal(_ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("持有方", "Holder"), holder.link(say))
        facts.add(say("资产", "Asset"), asset.link(say))
        facts.add(say("状态", "State"), standing.chip(say))
        facts.add(say("交付方式", "Doors"), text: say.list(doors.map { say($0) }))
        facts.add(say("级别", "Grade"), text: say(grade))
        facts.add(say("行数", "Rows"), text: rowCount.map { say.number($0) })
        facts.add(say("数据截至", "Data as of"), updated.map { say.day($0) })
        facts.add(say("版本摘要", "Version"), version?.block)
        return """
            <h2>\(say("价格", "Price"))</h2>\(priceList(prices, say))
            <p>\(offerPath.map { offerLink($0, say) } ?? agreeLink(say))</p>
            \(facts.html)
            <h2>\(say("使用条款", "Terms of use"))</h2>\(terms.html(say))
            \(when(!releaseRules.isEmpty) {
                """
                <h3>\(say("答案放行规则", "What an answer must satisfy"))</h3>
                <ul class="must">\(each(releaseRules) { "<li>\(say($0))</li>" })</ul>
                <p><a href="/listings/\(code.text)/templates">\(say("已批准的问题（模板）", "Approved questions (templates)"))</a></p>
                """
            })
            """
    }

    private func agreeLink(_ say: Reader) -> HTML {
        "<a class=\"gate\" href=\"/listings/\(code.text)/agree\">\(say("申请使用", "Ask for terms"))</a>"
    }

    private func offerLink(_ path: String, _ say: Reader) -> HTML {
        "<a class=\"gate\" href=\"\(path)\">\(say("向一方要约", "Offer it to a party"))</a>"
    }

    private func schema(_ say: Reader) -> HTML {
        let hasHistograms = columns.contains { $0.histogram != nil }
        let hasEmptyShares = columns.contains { $0.emptyShare != nil }
        var heads: [DataTable.Column] = [
            .text(say("列", "Column")), .text(say("类型", "Type")), .text(say("级别", "Grade")),
        ]
        if hasEmptyShares { heads.append(.number(say("空值", "Empty"))) }
        if hasHistograms { heads.append(.text(say("分布", "Distribution"))) }
        let rows = columns.map { column -> [HTML] in
            var row: [HTML] = [
                """
                <code>\(column.name)</code>\(given(column.meaning) { "<span class=\"hint\">\(say($0))</span>" })
                """,
                HTML(say(column.type)), HTML(say(column.grade)),
            ]
            if hasEmptyShares { row.append(HTML(column.emptyShare ?? "–")) }
            if hasHistograms { row.append(column.histogram?.html(say) ?? "–") }
            return row
        }
        return """
            <section><h2>\(say("数据结构", "Schema"))</h2>
            \(DataTable(caption: say("列、类型与级别", "Columns, types and grades"), columns: heads, rows: rows).html)
            \(given(withheldStatistics) { "<p class=\"fine\">\(say($0))</p>" })</section>
            """
    }

    private func sampleBlock(_ say: Reader) -> HTML {
        given(sample) {
            "<section><h2>\(say("样例", "Sample"))</h2>\($0.table(say("样例数据行", "Sample rows")))</section>"
        }
    }

    private func qualityBlock(_ say: Reader) -> HTML {
        when(!quality.isEmpty || !attestations.isEmpty) {
            let table = DataTable(
                caption: say("质量评价", "Quality"),
                columns: [
                    .text(say("维度", "Dimension")), .number(say("得分", "Score")),
                    .text(say("如何测得", "Measured by")),
                ],
                rows: quality.map { [HTML(say($0.dimension)), HTML($0.score), HTML(say($0.how))] }
            )
            return """
                <section><h2>\(say("质量与证明", "Quality and attestations"))</h2>
                \(when(!quality.isEmpty) { table.html })\(when(!attestations.isEmpty) { history(attestations, say) })
                </section>
                """
        }
    }
}

/// Said wherever generated data shows, so that nobody takes it for real.
func syntheticNote(_ say: Reader) -> HTML {
    """
    <p class="synthetic"><b>\(say("合成数据：", "Synthetic data: "))</b>\
    \(say("由程序生成，用于演示；不含任何真实个人。", "generated for demonstration; it contains no real person."))</p>
    """
}
