// SPDX-License-Identifier: Apache-2.0
//
// Specification: none. Adversary: none. Secret: nothing. Leaks by design: which instructions a processor has.
// Timing: not applicable. Vectors: whoever computes in lanes compares them all in Tests/PSITests.

import CCurves

/// How many elements a curve's arithmetic takes at once. The results are the same, bit for bit.
package enum Lanes: Sendable, CaseIterable {
    /// Portable Swift.
    case one
    /// AVX2.
    case four
    /// AVX-512 IFMA.
    case eight

    /// The most that this processor and system run.
    package static let most: Lanes = allCases.last { $0.areThere } ?? .one

    /// Whether this processor and system run them.
    package var areThere: Bool {
        switch self {
        case .one: true
        case .four: hutong_curves_has_avx2() == 1
        case .eight: hutong_curves_has_ifma() == 1
        }
    }
}
