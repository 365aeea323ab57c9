// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §7. Ordinary least squares with heteroscedasticity-consistent standard errors (HC3:
// MacKinnon and White 1985; Long and Ervin 2000). Public: released values.

package import Primitives
import Tables

/// How much an outcome moves with an exposure: "does bad air bring patients".
///
/// Noise that the clean room added to the outcomes is part of the residuals, so the interval covers it without being
/// told. Noise in the exposures would draw the slope toward zero; it is corrected for by its known variance (Fuller
/// 1987, §1.2) as long as that is less than half of the exposures' own.
package struct EffectEstimate: Hashable, Sendable {
    package struct Point: Hashable, Sendable {
        package let outcome: Double
        package let exposure: Double
        /// Variance of the noise known to be in the exposure.
        package let exposureNoise: Double

        package init(outcome: Double, exposure: Double, exposureNoise: Double = 0) {
            self.outcome = outcome
            self.exposure = exposure
            self.exposureNoise = exposureNoise
        }

        /// `nil` where either is not a told number.
        init?(outcome: ReleasedCell, exposure: ReleasedCell) {
            guard let one = outcome.value.approximate, let two = exposure.value.approximate else { return nil }
            let reach = exposure.interval.map(\.halfWidth) ?? 0
            self.init(outcome: one, exposure: two, exposureNoise: reach * reach / (1.96 * 1.96))
        }
    }

    /// Change of the outcome for one unit of the exposure.
    package let slope: Double
    package let intercept: Double
    /// Standard error of the slope.
    package let standardError: Double
    package let correlation: Double
    package let count: Int

    /// The fewest points from which an effect is estimated.
    package static let pointsMin = 8

    /// `nil` for fewer than `pointsMin` points, for an exposure that never changes, or one that is mostly noise.
    package init?(_ points: [Point]) {
        let count = Double(points.count)
        guard points.count >= Self.pointsMin else { return nil }
        let meanX = points.reduce(0) { $0 + $1.exposure } / count
        let meanY = points.reduce(0) { $0 + $1.outcome } / count
        var (squaresX, squaresY, products) = (0.0, 0.0, 0.0)
        for point in points {
            let (x, y) = (point.exposure - meanX, point.outcome - meanY)
            squaresX += x * x
            squaresY += y * y
            products += x * y
        }
        let noise = points.reduce(0) { $0 + $1.exposureNoise }
        guard squaresX > 0, noise < squaresX / 2 else { return nil }
        let reliability = 1 - noise / squaresX
        let plainSlope = products / squaresX
        slope = plainSlope / reliability
        intercept = meanY - slope * meanX
        correlation = squaresY > 0 ? products / (squaresX * squaresY).squareRoot() : 0
        self.count = points.count
        var sandwich = 0.0
        for point in points {
            let x = point.exposure - meanX
            let residual = point.outcome - meanY - plainSlope * x
            let leverage = min(1 / count + x * x / squaresX, 0.99)
            let adjusted = x * residual / (1 - leverage)
            sandwich += adjusted * adjusted
        }
        standardError = sandwich.squareRoot() / squaresX / reliability
    }

    /// The slope lies within, 19 times in 20 (normal approximation).
    package var interval: ReleasedCell.Interval {
        .init(slope - 1.96 * standardError, slope + 1.96 * standardError)
    }

    /// Whether the interval leaves out "no effect".
    package var isDistinctFromZero: Bool { interval.low > 0 || interval.high < 0 }

    package var json: JSON {
        [
            "slope": .number(slope), "interval": interval.json, "standardError": .number(standardError),
            "intercept": .number(intercept), "correlation": .number(correlation), "points": .integer(Int64(count)),
            "distinctFromZero": .bool(isDistinctFromZero),
        ]
    }
}
