// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A picture of numbers, always with the numbers themselves beside it as a table.
package struct Chart: Hashable, Sendable {
    /// One value with, if it is uncertain, the interval it lies in.
    package struct Point: Hashable, Sendable {
        package let x: Double
        package let y: Double
        package let interval: ClosedRange<Double>?

        package init(x: Double, y: Double, interval: ClosedRange<Double>? = nil) {
            self.x = x
            self.y = y
            self.interval = interval
        }
    }

    package struct Series: Hashable, Sendable {
        package let name: LocalizedText
        package let points: [Point]

        package init(_ name: LocalizedText, _ points: [Point]) {
            self.name = name
            self.points = points
        }
    }

    /// A straight line through scattered points, between the limits of its slope.
    package struct Fit: Hashable, Sendable {
        package let name: LocalizedText
        package let intercept: Double
        package let slope: Double
        package let slopeInterval: ClosedRange<Double>?

        package init(
            _ name: LocalizedText,
            intercept: Double,
            slope: Double,
            slopeInterval: ClosedRange<Double>? = nil
        ) {
            self.name = name
            self.intercept = intercept
            self.slope = slope
            self.slopeInterval = slopeInterval
        }
    }

    package enum Kind: Hashable, Sendable {
        /// Values that follow one another; `x` counts the categories, or measures.
        case line
        /// One bar a category, from zero.
        case bars
        /// Two measures against each other.
        case scatter([Fit])
        /// Each point a category in a row of its own, with its interval: estimates side by side.
        case estimates
    }

    package let kind: Kind
    package let title: LocalizedText
    package let xName: LocalizedText
    package let yName: LocalizedText
    /// The names of x = 0, 1, 2 …; empty when x measures.
    package let categories: [String]
    package let series: [Series]
    /// Decimals of the values in the table.
    package let decimals: Int

    package init(
        _ kind: Kind,
        title: LocalizedText,
        xName: LocalizedText,
        yName: LocalizedText,
        categories: [String] = [],
        series: [Series],
        decimals: Int = 1
    ) {
        self.kind = kind
        self.title = title
        self.xName = xName
        self.yName = yName
        self.categories = categories
        self.series = series
        self.decimals = decimals
    }

    /// At most so many different line styles can be told apart.
    static let seriesCountMax = 6

    /// The picture in two widths, of which the page shows the one that fits, and the table.
    package func figure(_ say: Reader) -> HTML {
        """
        <figure class="chart">
        <figcaption>\(say(title))</figcaption>
        <div class="for-wide">\(svg(Frame(width: 720, height: height(720)), say))</div>
        <div class="for-narrow">\(svg(Frame(width: 340, height: height(340)), say))</div>
        \(legend(say))
        <details><summary>\(say("以表格查看", "The same as a table"))</summary>\(table(say).html)</details>
        </figure>
        """
    }

    /// The wide picture as a file of its own, with the pages' style in it.
    package func file(_ say: Reader) -> String {
        let frame = Frame(width: 720, height: height(720))
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(length(frame.width)) \(length(frame.height))" \
            class="chart" role="img">
            <title>\(HTML(say(title)).markup)</title>
            <style><![CDATA[\(String(decoding: Asset.styleSheet.bytes, as: UTF8.self))]]></style>
            \(drawing(frame, say).markup)</svg>

            """
    }

    private func height(_ width: Double) -> Double {
        if case .estimates = kind { return Double(50 + 46 * (series.first?.points.count ?? 0)) }
        return width > 500 ? 300 : 240
    }

    private func svg(_ frame: Frame, _ say: Reader) -> HTML {
        """
        <svg viewBox="0 0 \(length(frame.width)) \(length(frame.height))" role="img" \
        aria-label="\(say(title)). \(summary(say))">
        \(drawing(frame, say))</svg>
        """
    }

    private func drawing(_ frame: Frame, _ say: Reader) -> HTML {
        switch kind {
        case .line, .scatter: LinePlot(chart: self, frame: frame).drawing(say)
        case .bars: BarPlot(chart: self, frame: frame).drawing(say)
        case .estimates: EstimatePlot(chart: self, frame: frame).drawing(say)
        }
    }

    /// One sentence for those who do not see the picture.
    private func summary(_ say: Reader) -> String {
        let values = series.flatMap(\.points).map(\.y)
        guard let low = values.min(), let high = values.max() else { return say("没有数据。", "No data.") }
        let range = (say.decimal(low, decimals: decimals), say.decimal(high, decimals: decimals))
        return say(
            "\(yName.zh)共 \(values.count) 个值，从 \(range.0) 到 \(range.1)。",
            "\(values.count) values of \(yName.en), from \(range.0) to \(range.1)."
        )
    }

    private func legend(_ say: Reader) -> HTML {
        var entries = series.count > 1 ? series.map(\.name) : []
        if case .scatter(let fits) = kind { entries = series.map(\.name) + fits.map(\.name) }
        return when(!entries.isEmpty) {
            """
            <ul class="legend">\(each(entries.prefix(Self.seriesCountMax).enumerated()) { place, name in
                "<li><svg viewBox=\"0 0 24 10\" aria-hidden=\"true\">\(key(place))</svg> \(say(name))</li>"
            })</ul>
            """
        }
    }

    private func key(_ place: Int) -> HTML {
        if case .scatter = kind {
            return place < series.count
                ? "<circle class=\"dot s\(place)\" cx=\"12\" cy=\"5\" r=\"3\"/>"
                : "<path class=\"fit f\(place - series.count)\" d=\"M1 5H23\"/>"
        }
        if case .bars = kind { return "<rect class=\"bar s\(place)\" x=\"4\" width=\"16\" height=\"10\"/>" }
        return "<path class=\"curve s\(place)\" d=\"M1 5H23\"/>"
    }

    private func table(_ say: Reader) -> DataTable {
        let hasIntervals = series.contains { $0.points.contains { $0.interval != nil } }
        var columns = [categories.isEmpty ? DataTable.Column.number(say(xName)) : .text(say(xName))]
        for one in series {
            columns.append(.number(series.count > 1 ? say(one.name) : say(yName)))
            if hasIntervals { columns.append(.number(say("区间", "interval"))) }
        }
        let xs = Set(series.flatMap { $0.points.map(\.x) }).sorted()
        let rows = xs.map { x in
            [HTML(name(of: x, say))] + series.flatMap { cells(of: $0, at: x, hasIntervals, say) }
        }
        return DataTable(caption: say(title), columns: columns, rows: rows)
    }

    private func cells(of one: Series, at x: Double, _ hasIntervals: Bool, _ say: Reader) -> [HTML] {
        let point = one.points.first { $0.x == x }
        let value = HTML(point.map { say.decimal($0.y, decimals: decimals) } ?? "–")
        guard hasIntervals else { return [value] }
        let interval = point?.interval.map { range in
            "\(say.decimal(range.lowerBound, decimals: decimals)) – \(say.decimal(range.upperBound, decimals: decimals))"
        }
        return [value, HTML(interval ?? "–")]
    }

    /// How much room a category's name takes, so that names never touch: digits are 7 wide at 12 pixels, Han 12.
    var categoryRoom: Double {
        let widths = categories.map { $0.unicodeScalars.reduce(0.0) { $0 + ($1.value < 0x2E80 ? 6.6 : 12) } }
        return (widths.max() ?? 0) + 10
    }

    func name(of x: Double, _ say: Reader) -> String {
        let place = Int(x)
        return categories.indices.contains(place) ? categories[place] : say.decimal(x, decimals: decimals)
    }
}

/// The part of the picture in which values are drawn, inside the room for the marks.
struct Frame {
    let width: Double
    let height: Double
    var left: Double { 52 }
    var right: Double { width - 22 }
    var top: Double { 24 }
    var bottom: Double { height - 40 }

    /// Horizontal lines with their values, and the name of the vertical axis.
    func valueAxis(_ axis: Axis, name: String, _ say: Reader) -> HTML {
        let lines = each(axis.ticks) { tick in
            let y = length(axis.place(tick, from: bottom, to: top))
            return """
                <path class="grid" d="M\(length(left)) \(y)H\(length(right))"/>\
                <text class="end" x="\(length(left - 6))" y="\(y)" dy="4">\(axis.text(tick, say))</text>

                """
        }
        return lines + "<text x=\"2\" y=\"12\">\(name)</text>\n"
    }

    func bottomName(_ name: String) -> HTML {
        "<text class=\"end\" x=\"\(length(right))\" y=\"\(length(height - 4))\">\(name)</text>\n"
    }
}
