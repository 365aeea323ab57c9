// SPDX-License-Identifier: Apache-2.0

/// A scale from values to a length of the picture, with round marks.
struct Axis: Hashable, Sendable {
    let low: Double
    let high: Double
    /// The round values that get a mark.
    let ticks: [Double]
    private let decimals: Int

    /// Covers the values with about `count` marks at 1, 2 or 5 times a power of ten. Values that are all equal, or
    /// none at all, still give an axis of some length.
    init(covering values: [Double], count: Int, fromZero: Bool) {
        let finite = values.filter(\.isFinite)
        var low = finite.min() ?? 0
        var high = finite.max() ?? 1
        if fromZero {
            low = min(0, low)
            high = max(0, high)
        }
        if high - low < .leastNormalMagnitude { high = low + max(1, low.magnitude / 10) }
        let step = Self.roundStep((high - low) / Double(count))
        let first = (low / step).rounded(.down)
        let last = (high / step).rounded(.up)
        ticks = stride(from: first, through: last, by: 1).map { $0 * step }
        self.low = first * step
        self.high = last * step
        var decimals = 0
        var scaled = step
        while scaled < 0.999 && decimals < 6 {
            scaled *= 10
            decimals += 1
        }
        self.decimals = decimals
    }

    /// Where a value lies between `start` and `end`.
    func place(_ value: Double, from start: Double, to end: Double) -> Double {
        start + (value - low) / (high - low) * (end - start)
    }

    /// The mark's text: as many decimals as the step needs, thousands divided.
    func text(_ tick: Double, _ say: Reader) -> String { say.decimal(tick, decimals: decimals) }

    private static func roundStep(_ rough: Double) -> Double {
        var power = 1.0
        while power * 10 <= rough { power *= 10 }
        while power > rough { power /= 10 }
        let factor = rough / power
        return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10)
    }
}

extension Reader {
    /// `1,234.50`: a measured value, for people. Money never comes this way.
    func decimal(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "–" }
        let power = (0..<decimals).reduce(Int64(1)) { power, _ in power * 10 }
        let scaled = Int64((value * Double(power)).rounded())
        let sign = scaled < 0 ? "−" : ""
        let whole = number(scaled.magnitude / UInt64(power))
        guard decimals > 0 else { return sign + whole }
        let fraction = String(scaled.magnitude % UInt64(power))
        return sign + whole + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}

/// A length in the picture, to a tenth: shorter pages, and the same bytes on every machine.
func length(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths.isMultiple(of: 10)
        ? String(tenths / 10) : "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
}
