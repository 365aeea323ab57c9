// SPDX-License-Identifier: Apache-2.0

import Primitives
import WebUI

/// A joint answer's effect as a picture: its points, the line through them, and where it is known the true one.
enum EffectChart {
    /// `nil` where the answer has no effect, or its two columns are not in it.
    static func make(
        of answer: JSON, outcome: String, exposure: String, planted: Double? = nil
    ) -> Chart? {
        let columns = answer["result"]?["columns"]?.array?.compactMap(\.text) ?? []
        guard let x = columns.firstIndex(of: exposure), let y = columns.firstIndex(of: outcome),
            let effect = answer["effect"], let slope = effect["slope"]?.double,
            let intercept = effect["intercept"]?.double, let low = effect["interval"]?[0]?.double,
            let high = effect["interval"]?[1]?.double
        else { return nil }
        let points = (answer["result"]?["rows"]?.array ?? []).compactMap { row -> Chart.Point? in
            guard let x = row[x]?.figure, let y = row[y]?.figure else { return nil }
            return Chart.Point(x: x, y: y)
        }
        guard !points.isEmpty else { return nil }
        let meanX = points.reduce(0) { $0 + $1.x } / Double(points.count)
        var fits = [
            Chart.Fit(
                LocalizedText(zh: "还原", en: "recovered"), intercept: intercept, slope: slope,
                slopeInterval: min(low, high)...max(low, high))
        ]
        if let planted {
            // Through the same middle, so that only the slopes differ.
            fits.append(
                Chart.Fit(
                    LocalizedText(zh: "植入", en: "planted"),
                    intercept: intercept + (slope - planted) * meanX, slope: planted))
        }
        return Chart(
            .scatter(fits),
            title: LocalizedText(zh: "\(outcome) 与 \(exposure)", en: "\(outcome) by \(exposure)"),
            xName: LocalizedText(exposure), yName: LocalizedText(outcome),
            series: [Chart.Series(LocalizedText(zh: "每一行", en: "each row"), points)])
    }
}
