// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5 (figures and intervals). Public: noised components and parameters. Floating point is
// used here and only here: after the noise, where it can leak nothing.

import Noise
import Primitives
import Tables

/// A component after its protection.
struct NoisyComponent: Hashable, Sendable {
    let value: Int64
    /// `nil`: exact.
    let noise: LatticeNoise?

    /// The true component lies within value ± this, but for one time in `times`.
    func reach(oneIn times: UInt64) -> Double {
        noise?.reach(oneIn: times) ?? 0
    }

    func range(oneIn times: UInt64) -> ClosedRange<Double> {
        let reach = reach(oneIn: times)
        return Double(value) - reach...Double(value) + reach
    }
}

extension LatticeNoise {
    /// The distance that the noise (and the rounding to the lattice) exceeds at most one time in `times`.
    func reach(oneIn times: UInt64) -> Double {
        let rounding = step > 1 ? Double(step) / 2 : 0
        let draws: Double
        switch shape {
        case .laplace(let noise):
            // P(|X| > t) = 2 q^(t+1) / (1 + q) with q = exp(−1/b) ≥ 1 − 1/b.
            let scale = Double(noise.rateDenominator) / Double(noise.rateNumerator)
            let tails = 2 / (1 + max(0, 1 - 1 / scale)) * Double(times)
            let logarithm = Double(RoundedUpLogarithm.nanos(of: UInt64(tails * 1000) + 1)) / 1e9 - 6.907755278
            draws = max(0, (scale * logarithm - 1).rounded(.up))
        case .gaussian(let noise):
            let quantile = times <= 20 ? 1.959964 : times <= 40 ? 2.241403 : 2.393980
            draws = (quantile * Double(noise.variance).squareRoot()).rounded(.up)
        }
        return draws * Double(step) + rounding
    }
}

extension TableRelease.Figure {
    /// The figure from its protected components. `choices` are the quantiles' places.
    func told(
        _ components: [NoisyComponent?], _ choices: [Int64], _ histograms: [TableRelease.Histogram], rounding: Int
    ) -> ReleasedCell {
        switch self {
        case .count(let place):
            guard let component = components[place] else { return .suppressed }
            return Self.whole(component, digits: 0, rounding: rounding)
        case .sum(let place, let digits):
            guard let component = components[place] else { return .suppressed }
            return Self.whole(component, digits: digits, rounding: rounding)
        case .mean(let sum, let count, let center, let digits, let bounds):
            guard let sum = components[sum], let count = components[count] else { return .suppressed }
            return Self.mean(sum, count, center, digits, bounds)
        case .variance(let squares, let sum, let count, let step, let digits, let root):
            guard let squares = components[squares], let sum = components[sum], let count = components[count] else {
                return .suppressed
            }
            return Self.variance(squares, sum, count, step: Double(step), digits: digits, root: root)
        case .quantile(let place):
            return ReleasedCell(Self.decimal(Int128(choices[place]), histograms[place].digits))
        case .extreme(let place, let digits):
            guard let component = components[place] else { return ReleasedCell(.null) }
            return ReleasedCell(Self.decimal(Int128(component.value), digits))
        }
    }

    private static func decimal(_ units: Int128, _ digits: Int) -> TableValue {
        digits == 0 ? .integer(units) : .decimal(ExactDecimal(unscaled: units, scale: digits))
    }

    private static func power(_ digits: Int) -> Double { Double(ScaledNumber.power(digits)) }

    private static func whole(_ component: NoisyComponent, digits: Int, rounding: Int) -> ReleasedCell {
        let scale = power(digits)
        guard let noise = component.noise else {
            let base = Int128(rounding) * ScaledNumber.power(digits)
            let rounded = rounding == 1 ? Int128(component.value) : nearest(Int128(component.value), multipleOf: base)
            let half = Double(rounding) / 2
            let told = Double(rounded) / scale
            return ReleasedCell(
                decimal(rounded, digits), interval: rounding == 1 ? nil : .init(told - half, told + half))
        }
        let reach = noise.reach(oneIn: 20)
        return ReleasedCell(
            decimal(Int128(component.value), digits),
            interval: .init((Double(component.value) - reach) / scale, (Double(component.value) + reach) / scale))
    }

    private static func nearest(_ value: Int128, multipleOf base: Int128) -> Int128 {
        let magnitude = (value.magnitude + UInt128(base) / 2) / UInt128(base) * UInt128(base)
        return value < 0 ? -Int128(magnitude) : Int128(magnitude)
    }

    /// Digits a mean tells beyond those of the values.
    private static let meanDigits = 2

    private static func mean(
        _ sum: NoisyComponent, _ count: NoisyComponent, _ center: Int64, _ digits: Int, _ bounds: ClosedRange<Int64>
    ) -> ReleasedCell {
        let scale = power(digits)
        let low = Double(bounds.lowerBound) / scale
        let high = Double(bounds.upperBound) / scale
        guard count.value > 0 else {
            // Nobody seems to be there: noise can say so of a few. Exactly nobody has no mean.
            return ReleasedCell(.null, interval: count.noise == nil ? nil : .init(low, high))
        }
        // Exact decimal division, so that an exact mean has the same bytes everywhere.
        let factor = ScaledNumber.power(meanDigits)
        let quotient = divided(Int128(sum.value) * factor, by: Int128(count.value)) + Int128(center) * factor
        let kept = min(max(quotient, Int128(bounds.lowerBound) * factor), Int128(bounds.upperBound) * factor)
        let value = TableValue.decimal(ExactDecimal(unscaled: kept, scale: digits + meanDigits))
        guard sum.noise != nil else { return ReleasedCell(value) }
        // Both within their reach but for one time in 40 each; then the quotient lies between the corners.
        let counts = count.range(oneIn: 40)
        guard counts.lowerBound > 0 else { return ReleasedCell(value, interval: .init(low, high)) }
        let sums = sum.range(oneIn: 40)
        let corners = [sums.lowerBound, sums.upperBound].flatMap { sum in
            [counts.lowerBound, counts.upperBound].map { (Double(center) + sum / $0) / scale }
        }
        return ReleasedCell(
            value, interval: .init(max(low, corners.min() ?? low), min(high, corners.max() ?? high)))
    }

    /// Rounded half away from zero; the divisor is positive.
    private static func divided(_ dividend: Int128, by divisor: Int128) -> Int128 {
        let magnitude = (dividend.magnitude + UInt128(divisor) / 2) / UInt128(divisor)
        return dividend < 0 ? -Int128(magnitude) : Int128(magnitude)
    }

    private static func variance(
        _ squares: NoisyComponent, _ sum: NoisyComponent, _ count: NoisyComponent, step: Double, digits: Int, root: Bool
    ) -> ReleasedCell {
        guard count.value > 1 else { return ReleasedCell(.null) }
        let unit = step / power(digits)
        func figure(_ squares: Double, _ sum: Double, _ count: Double) -> Double {
            let mean = sum / count
            let variance = max(0, (squares / count - mean * mean) * count / max(count - 1, 1)) * unit * unit
            return root ? variance.squareRoot() : variance
        }
        let told = figure(Double(squares.value), Double(sum.value), Double(count.value))
        guard squares.noise != nil else { return ReleasedCell(.real(told)) }
        let counts = count.range(oneIn: 60)
        guard counts.lowerBound > 1 else { return ReleasedCell(.real(told)) }
        let (all, sums) = (squares.range(oneIn: 60), sum.range(oneIn: 60))
        let corners = [all.lowerBound, all.upperBound].flatMap { square in
            [sums.lowerBound, sums.upperBound].flatMap { sum in
                [counts.lowerBound, counts.upperBound].map { figure(square, sum, $0) }
            }
        }
        // Where the sum may be zero the variance is greatest at zero.
        let middle = sums.contains(0) ? [figure(all.upperBound, 0, counts.lowerBound)] : []
        let every = corners + middle
        return ReleasedCell(.real(told), interval: .init(every.min() ?? told, every.max() ?? told))
    }
}
