// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The yearly report of an index (年度白皮书): text, tables and charts from frozen figures; made to be printed.
package struct IndexReportPage: Page {
    package struct Cell: Hashable, Sendable {
        package let score: Double
        package let rank: Int
        package let gap: Double
        package let change: Double?

        package init(score: Double, rank: Int, gap: Double, change: Double?) {
            self.score = score
            self.rank = rank
            self.gap = gap
            self.change = change
        }
    }

    package struct Line: Hashable, Sendable {
        package let unit: String
        /// By dimension, in the order of `dimensions`; the last is the index.
        package let cells: [Cell?]
        /// The best and the worst rank when weights change.
        package let rankRange: ClosedRange<Int>?

        package init(unit: String, cells: [Cell?], rankRange: ClosedRange<Int>?) {
            self.unit = unit
            self.cells = cells
            self.rankRange = rankRange
        }
    }

    package let name: LocalizedText
    package let period: String
    package let version: Int
    /// How many versions the period has.
    package let versions: Int
    package let note: String
    package let source: String
    package let digest: Digest
    package let publishedAt: Instant
    package let dimensions: [LocalizedText]
    /// The best first.
    package let lines: [Line]
    package let imputed: Int
    package let hasDefaultWeights: Bool
    package let sameThing: SameThing?
    package var section: Section { .measure }

    package init(
        name: LocalizedText, period: String, version: Int, versions: Int, note: String, source: String,
        digest: Digest, publishedAt: Instant, dimensions: [LocalizedText], lines: [Line], imputed: Int,
        hasDefaultWeights: Bool, sameThing: SameThing?
    ) {
        self.name = name
        self.period = period
        self.version = version
        self.versions = versions
        self.note = note
        self.source = source
        self.digest = digest
        self.publishedAt = publishedAt
        self.dimensions = dimensions
        self.lines = lines
        self.imputed = imputed
        self.hasDefaultWeights = hasDefaultWeights
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say(name) + " " + period }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        \(facts(say).html)
        \(when(version < versions) { superseded(say) })
        <section id="summary"><h2>\(say("摘要", "Summary"))</h2>\(each(sentences(say)) { "<p>\($0)</p>\n" })</section>
        \(ranking.figure(say))
        \(standingTable(say))
        \(when(dimensions.count > 1) { dimensionChart.figure(say) })
        \(changeTable(say))
        <section><h2>\(say("方法与数据", "Method and figures"))</h2>\(each(methods(say)) { "<p>\($0)</p>\n" })</section>
        """
    }

    private func facts(_ say: Reader) -> Facts {
        var facts = Facts()
        facts.add(say("版本", "Version"), text: "\(version) / \(versions)")
        facts.add(say("更正说明", "Correction"), text: note.isEmpty ? nil : note)
        facts.add(say("发布", "Published"), say.day(publishedAt))
        facts.add(say("依据", "Source"), text: source)
        facts.add(
            say("数据与方法的摘要值", "Digest of figures and method"), "<code id=\"digest\">\(digest.hex)</code>")
        return facts
    }

    private func superseded(_ say: Reader) -> HTML {
        "<p class=\"chip waits\">\(say("已有更正版本。", "A corrected version exists."))</p>"
    }

    private func text(_ value: Double, _ say: Reader) -> String { say.decimal(value, decimals: 2) }

    /// What the numbers say, in words made from them.
    private func sentences(_ say: Reader) -> [String] {
        guard let first = lines.first, let best = first.cells.last ?? nil else { return [] }
        var sentences = [
            say(
                "\(lines.count) 个单位参加测算，\(first.unit)以 \(text(best.score, say)) 分居首。",
                "Of \(lines.count) units, \(first.unit) ranks first with \(text(best.score, say)).")
        ]
        for (place, dimension) in dimensions.dropLast().enumerated() {
            let leader = lines.first { $0.cells[place]?.rank == 1 }
            if let leader {
                sentences.append(
                    say("\(dimension.zh)：\(leader.unit)居首。", "\(dimension.en): \(leader.unit) leads."))
            }
        }
        let moved = lines.compactMap { line in line.cells.last.flatMap { $0?.change }.map { (line.unit, $0) }
        }
        if let rise = moved.max(by: { $0.1 < $1.1 }) {
            sentences.append(
                say(
                    "较上年升幅最大的是\(rise.0)（\(text(rise.1, say))）。",
                    "The largest rise since the year before is that of \(rise.0) (\(text(rise.1, say)))."))
        }
        return sentences
    }

    private func methods(_ say: Reader) -> [String] {
        var lines = [
            say(
                "数据随本版本冻结；以同一数据再次计算得到相同结果。更正另行发布新版本并附说明。",
                "The figures are frozen with this version; computing again gives the same. A correction is a new version with a note."
            ),
            say("缺失后插补的数值：\(imputed) 个。", "Missing values filled in: \(imputed)."),
            say(
                "名次区间：各权重在正负四分之一内变动时的最好与最差名次。",
                "Range of ranks: the best and the worst when each weight changes by up to a quarter."),
        ]
        if hasDefaultWeights {
            lines.append(
                say("原文未规定权重，按等权计算（默认）。", "The source gives no weights; they are equal (default)."))
        }
        return lines
    }

    // MARK: Tables and charts

    private var ranking: Chart {
        Chart(
            .bars, title: LocalizedText(zh: "总指数", en: "The index"),
            xName: LocalizedText(zh: "单位", en: "Unit"), yName: LocalizedText(zh: "得分", en: "Score"),
            categories: lines.map(\.unit),
            series: [
                Chart.Series(
                    name,
                    lines.enumerated().compactMap { place, line in
                        (line.cells.last ?? nil).map { Chart.Point(x: Double(place), y: $0.score) }
                    })
            ], decimals: 2)
    }

    private var dimensionChart: Chart {
        Chart(
            .bars, title: LocalizedText(zh: "各维度得分", en: "Scores by dimension"),
            xName: LocalizedText(zh: "单位", en: "Unit"), yName: LocalizedText(zh: "得分", en: "Score"),
            categories: lines.map(\.unit),
            series: dimensions.dropLast().prefix(Chart.seriesCountMax).enumerated().map { dimension, name in
                Chart.Series(
                    name,
                    lines.enumerated().compactMap { place, line in
                        line.cells[dimension].map { Chart.Point(x: Double(place), y: $0.score) }
                    })
            }, decimals: 2)
    }

    private func standingTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("得分与名次", "Scores and ranks"),
            columns: [.text(say("单位", "Unit")), .number(say("名次", "Rank")), .text(say("名次区间", "Range"))]
                + dimensions.map { .number(say($0)) },
            rows: lines.map { line in
                let range = line.rankRange.map { "\($0.lowerBound)–\($0.upperBound)" } ?? "–"
                let rank = (line.cells.last ?? nil).map { "\($0.rank)" } ?? "–"
                return [HTML(line.unit), HTML(rank), HTML(range)]
                    + line.cells.map { HTML($0.map { text($0.score, say) } ?? "–") }
            }, showsCaption: true
        ).html
    }

    private func changeTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("与最优的差距、较上年的变化", "Distance to the best, change since the year before"),
            columns: [.text(say("单位", "Unit"))]
                + dimensions.flatMap { name in
                    [
                        DataTable.Column.number(say(name) + say(" 差距", " gap")),
                        .number(say(name) + say(" 变化", " change")),
                    ]
                },
            rows: lines.map { line in
                [HTML(line.unit)]
                    + line.cells.flatMap { cell in
                        [
                            HTML(cell.map { text($0.gap, say) } ?? "–"),
                            HTML(cell?.change.map { text($0, say) } ?? "–"),
                        ]
                    }
            }, showsCaption: true
        ).html
    }
}
