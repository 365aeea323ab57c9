// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5. Public: everything here; the noise's width is known before a row is read.

package import Primitives

/// How far a figure will lie from the true one at most, 19 times in 20: told before the question is asked.
package struct ExpectedError: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case count, sum
    }

    package let kind: Kind
    /// In the column's own units.
    package let within: Double

    package var json: JSON { ["figure": .string(kind.rawValue), "within": .number(within)] }
}

extension ReleasePlan {
    /// Of each count and sum under noise, in the order of the question. Means and variances depend on how many
    /// there are, which nobody knows yet.
    package var expectedErrors: [ExpectedError] {
        releases.flatMap { release in
            release.measures.compactMap { figure in
                switch figure {
                case .count(let place): release.expectedError(place, .count, digits: 0)
                case .sum(let place, let digits): release.expectedError(place, .sum, digits: digits)
                case .mean, .variance, .quantile, .extreme: nil
                }
            }
        }
    }
}

extension TableRelease {
    fileprivate func expectedError(_ place: Int, _ kind: ExpectedError.Kind, digits: Int) -> ExpectedError? {
        components[place].noise.map {
            ExpectedError(kind: kind, within: $0.reach(oneIn: 20) / Double(ScaledNumber.power(digits)))
        }
    }
}
