// SPDX-License-Identifier: Apache-2.0

private import Primitives

/// Curves over categories or a measure, and scattered points with their fitted lines.
struct LinePlot {
    let chart: Chart
    let frame: Frame
    private let across: Axis
    private let up: Axis

    init(chart: Chart, frame: Frame) {
        self.chart = chart
        self.frame = frame
        let points = chart.series.flatMap(\.points)
        let isMeasured = chart.categories.isEmpty
        across = Axis(covering: points.map(\.x), count: frame.width > 500 ? 8 : 4, fromZero: !isMeasured)
        let values = points.flatMap {
            [$0.y, $0.interval?.lowerBound ?? $0.y, $0.interval?.upperBound ?? $0.y]
        }
        up = Axis(covering: values, count: 5, fromZero: true)
    }

    func drawing(_ say: Reader) -> HTML {
        frame.valueAxis(up, name: say(chart.yName), say)
            + bottomMarks(say)
            + frame.bottomName(say(chart.xName))
            + each(chart.series.prefix(Chart.seriesCountMax).enumerated(), content)
            + fits
    }

    private func content(_ place: Int, _ series: Chart.Series) -> HTML {
        if case .scatter = chart.kind { return dots(series, place, radius: 2.6) }
        let path = series.points.enumerated()
            .map { ($0.offset == 0 ? "M" : "L") + length(x($0.element.x)) + " " + length(y($0.element.y)) }
            .joined()
        return band(series, place)
            + "<path class=\"curve s\(place)\" d=\"\(path)\"/>\n"
            + when(series.points.count <= 40) { dots(series, place, radius: 2.2) }
    }

    private func dots(_ series: Chart.Series, _ place: Int, radius: Double) -> HTML {
        each(series.points) { point in
            "<circle class=\"dot s\(place)\" cx=\"\(length(x(point.x)))\" cy=\"\(length(y(point.y)))\" r=\"\(length(radius))\"/>"
        } + "\n"
    }

    /// The interval as a band around the curve.
    private func band(_ series: Chart.Series, _ place: Int) -> HTML {
        let ranged = series.points.compactMap { point in point.interval.map { (point.x, $0) } }
        guard ranged.count > 1 else { return .nothing }
        let upper = ranged.map { length(x($0.0)) + " " + length(y($0.1.upperBound)) }
        let lower = ranged.reversed().map { length(x($0.0)) + " " + length(y($0.1.lowerBound)) }
        return "<path class=\"band s\(place)\" d=\"M\((upper + lower).joined(separator: "L"))Z\"/>\n"
    }

    /// Each fitted line from edge to edge, and between the limits of its slope a wedge through the middle.
    private var fits: HTML {
        guard case .scatter(let fits) = chart.kind else { return .nothing }
        let points = chart.series.flatMap(\.points)
        let low = points.map(\.x).min() ?? 0
        let high = points.map(\.x).max() ?? 1
        let middle = points.isEmpty ? 0 : points.map(\.x).reduce(0, +) / Double(points.count)
        return each(fits.enumerated()) { place, fit in
            let center = fit.intercept + fit.slope * middle
            let at = { (slope: Double, at: Double) in center + slope * (at - middle) }
            let wedge: HTML = given(fit.slopeInterval) { slopes in
                let corners = [
                    (low, at(slopes.lowerBound, low)), (middle, center), (high, at(slopes.upperBound, high)),
                    (high, at(slopes.lowerBound, high)), (middle, center), (low, at(slopes.upperBound, low)),
                ]
                let path = corners.map { "\(length(x($0.0))) \(length(y($0.1)))" }.joined(separator: "L")
                return "<path class=\"band f\(place)\" d=\"M\(path)Z\"/>"
            }
            return """
                \(wedge)<path class="fit f\(place)" d="M\(length(x(low))) \(length(y(at(fit.slope, low))))\
                L\(length(x(high))) \(length(y(at(fit.slope, high))))"/>

                """
        }
    }

    private func bottomMarks(_ say: Reader) -> HTML {
        guard !chart.categories.isEmpty else {
            return each(across.ticks) { bottomMark(x($0), across.text($0, say)) }
        }
        let room = frame.right - frame.left
        let step = max(1, Int((Double(chart.categories.count) * chart.categoryRoom / room).rounded(.up)))
        return each(stride(from: 0, to: chart.categories.count, by: step)) {
            bottomMark(x(Double($0)), chart.categories[$0])
        }
    }

    private func bottomMark(_ place: Double, _ text: String) -> HTML {
        "<text class=\"middle\" x=\"\(length(place))\" y=\"\(length(frame.bottom + 17))\">\(text)</text>\n"
    }

    private func x(_ value: Double) -> Double {
        guard chart.categories.isEmpty else {
            let steps = Double(max(1, chart.categories.count - 1))
            return frame.left + 14 + value / steps * (frame.right - frame.left - 28)
        }
        return across.place(value, from: frame.left, to: frame.right)
    }

    private func y(_ value: Double) -> Double {
        up.place(min(up.high, max(up.low, value)), from: frame.bottom, to: frame.top)
    }
}

/// One group of bars a category, from zero, with whiskers where a value is uncertain.
struct BarPlot {
    let chart: Chart
    let frame: Frame

    func drawing(_ say: Reader) -> HTML {
        let points = chart.series.flatMap(\.points)
        let values = points.flatMap {
            [$0.y, $0.interval?.lowerBound ?? $0.y, $0.interval?.upperBound ?? $0.y]
        }
        let up = Axis(covering: values, count: 5, fromZero: true)
        let slot = (frame.right - frame.left) / Double(max(1, chart.categories.count))
        let width = min(36, slot * 0.72 / Double(max(1, chart.series.count)))
        let skip = max(1, Int((chart.categoryRoom / slot).rounded(.up)))
        let bars = each(chart.series.prefix(Chart.seriesCountMax).enumerated()) { place, series in
            each(series.points) { point in
                let center = frame.left + slot * (point.x + 0.5)
                let left = center + width * (Double(place) - Double(chart.series.count) / 2)
                return bar(point, place, up, left: left, width: width)
            }
        }
        let names = each(stride(from: 0, to: chart.categories.count, by: skip)) { category in
            let center = length(frame.left + slot * (Double(category) + 0.5))
            let y = length(frame.bottom + 17)
            return "<text class=\"middle\" x=\"\(center)\" y=\"\(y)\">\(chart.categories[category])</text>\n"
        }
        return frame.valueAxis(up, name: say(chart.yName), say) + bars + names
            + frame.bottomName(say(chart.xName))
    }

    private func bar(_ point: Chart.Point, _ place: Int, _ up: Axis, left: Double, width: Double) -> HTML {
        let zero = up.place(0, from: frame.bottom, to: frame.top)
        let end = up.place(point.y, from: frame.bottom, to: frame.top)
        let whisker: HTML = given(point.interval) { range in
            let low = length(up.place(range.lowerBound, from: frame.bottom, to: frame.top))
            let high = length(up.place(range.upperBound, from: frame.bottom, to: frame.top))
            return "<path class=\"whisker\" d=\"M\(length(left + width / 2)) \(low)V\(high)\"/>"
        }
        return """
            <rect class="bar s\(place)" x="\(length(left))" y="\(length(min(zero, end)))" width="\(length(width))" \
            height="\(length((zero - end).magnitude))"/>\(whisker)

            """
    }
}

/// Estimates in rows, each with its interval on one scale: the planted effect beside the recovered one.
struct EstimatePlot {
    let chart: Chart
    let frame: Frame

    func drawing(_ say: Reader) -> HTML {
        let points = chart.series.first?.points ?? []
        let values = points.flatMap {
            [$0.y, $0.interval?.lowerBound ?? $0.y, $0.interval?.upperBound ?? $0.y]
        }
        let across = Axis(covering: values, count: frame.width > 500 ? 8 : 4, fromZero: false)
        let left = frame.left - 36
        let x = { (value: Double) in across.place(value, from: left, to: frame.right - 12) }
        let grid = each(across.ticks) { tick in
            """
            <path class="grid" d="M\(length(x(tick))) 8V\(length(frame.bottom))"/>\
            <text class="middle" x="\(length(x(tick)))" y="\(length(frame.bottom + 17))">\(across.text(tick, say))</text>

            """
        }
        let rows = each(points.enumerated()) { place, point in
            let y = 34 + Double(place) * 46
            let whisker: HTML = given(point.interval) { range in
                "<path class=\"whisker\" d=\"M\(length(x(range.lowerBound))) \(length(y))H\(length(x(range.upperBound)))\"/>"
            }
            let name = chart.name(of: point.x, say) + "  " + say.decimal(point.y, decimals: chart.decimals)
            let isLeft = x(point.y) < frame.width / 2
            let anchor: HTML = isLeft ? .nothing : " class=\"end\""
            return """
                \(whisker)<circle class="dot s\(place)" cx="\(length(x(point.y)))" cy="\(length(y))" r="5"/>\
                <text\(anchor) x="\(length(x(point.y)))" y="\(length(y - 11))">\(name)</text>

                """
        }
        return grid + rows + frame.bottomName(say(chart.yName))
    }
}

/// A histogram small enough for a table's cell; the numbers stand in its label.
package struct Histogram: Hashable, Sendable {
    package let counts: [Int]
    /// The ends of the range, as text.
    package let low: String
    package let high: String

    package init(counts: [Int], low: String, high: String) {
        self.counts = counts
        self.low = low
        self.high = high
    }

    func html(_ say: Reader) -> HTML {
        let highest = Double(counts.max() ?? 0)
        guard highest > 0 else { return "–" }
        let width = 96 / Double(counts.count)
        let bars = each(counts.enumerated()) { place, count in
            let height = count == 0 ? 0 : max(1, Double(count) / highest * 24)
            return """
                <rect x="\(length(Double(place) * width))" y="\(length(24 - height))" \
                width="\(length(max(1, width - 1)))" height="\(length(height))"/>
                """
        }
        let label = say("分布：从 \(low) 到 \(high)", "distribution from \(low) to \(high)")
        return """
            <span class="histogram"><svg viewBox="0 0 96 24" role="img" aria-label="\(label)">\(bars)</svg>\
            <span class="ends" aria-hidden="true"><span>\(low)</span><span>\(high)</span></span></span>
            """
    }
}
