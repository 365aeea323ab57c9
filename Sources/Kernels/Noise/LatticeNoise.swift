// SPDX-License-Identifier: Apache-2.0
//
// Specification: Proof.md §4. Adversary, secrets, leaks and timing: as in ExactBernoulli.swift.

/// A noisy integer: the value is rounded to a lattice and exact integer noise on that lattice is added.
///
/// With step 1 nothing is rounded. A coarser step serves noise so wide that its samplers would leave 128 bits.
package struct LatticeNoise: Hashable, Sendable {
    package enum Shape: Hashable, Sendable {
        case laplace(DiscreteLaplace)
        case gaussian(DiscreteGaussian)
    }

    package let shape: Shape
    /// Released values are multiples of this power of two.
    package let step: UInt64

    /// Noise for a vector that one person changes by at most `sensitivity` in one coordinate and in at most
    /// `coordinates` of them, at a price of `epsilonMicros` millionths of ε for the whole vector.
    /// `nil` where the bounds are too wide to be drawn.
    package static func laplace(
        sensitivity: UInt64, coordinates: UInt64, epsilonMicros: UInt64
    ) -> LatticeNoise? {
        guard sensitivity > 0, coordinates > 0, epsilonMicros > 0 else { return nil }
        // The proposal's denominator is Δ · coordinates · 10^6: keep it below 2^62.
        var step: UInt64 = 1
        while true {
            let onLattice = sensitivity.dividedRoundingUp(by: step)
            let (total, overflow) = onLattice.multipliedReportingOverflow(by: coordinates)
            if !overflow, let noise = DiscreteLaplace(sensitivity: total, epsilonMicros: epsilonMicros) {
                return LatticeNoise(shape: .laplace(noise), step: step)
            }
            guard step < 1 << 40, onLattice > 1 else { return nil }
            step *= 2
        }
    }

    /// The same at a price of `rhoNanos` billionths of ρ (zero-concentrated differential privacy):
    /// σ² = ⌈Δ² · coordinates / 2ρ⌉.
    package static func gaussian(
        sensitivity: UInt64, coordinates: UInt64, rhoNanos: UInt64
    ) -> LatticeNoise? {
        guard sensitivity > 0, coordinates > 0, rhoNanos > 0 else { return nil }
        var step: UInt64 = 1
        while true {
            let onLattice = UInt128(sensitivity.dividedRoundingUp(by: step))
            let (square, tooWide) = (onLattice * onLattice).multipliedReportingOverflow(
                by: UInt128(coordinates) * 1_000_000_000)
            if !tooWide {
                let variance = square.dividedRoundingUp(by: 2 * UInt128(rhoNanos))
                if let small = UInt64(exactly: variance), let noise = DiscreteGaussian(variance: max(1, small)) {
                    return LatticeNoise(shape: .gaussian(noise), step: step)
                }
            }
            guard step < 1 << 40, onLattice > 1 else { return nil }
            step *= 2
        }
    }

    /// The value with noise; `nil` only if the sum leaves 64 bits, which bounded values cannot do.
    package func released(_ value: Int64, using random: inout some RandomNumberGenerator) -> Int64? {
        let draw = switch shape {
        case .laplace(let noise): noise.draw(using: &random)
        case .gaussian(let noise): noise.draw(using: &random)
        }
        let (noise, tooWide) = draw.multipliedReportingOverflow(by: Int64(step))
        let (sum, leaves) = rounded(value).addingReportingOverflow(noise)
        return tooWide || leaves ? nil : sum
    }

    /// To the nearest multiple of the step, halves up. Moves by at most ⌈d/step⌉ steps when the value moves by d.
    private func rounded(_ value: Int64) -> Int64 {
        guard step > 1 else { return value }
        let half = Int64(step / 2)
        let shift = Int64(step.trailingZeroBitCount)
        return ((value + half) >> shift) << shift
    }
}
