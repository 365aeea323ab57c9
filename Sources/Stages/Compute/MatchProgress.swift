// SPDX-License-Identifier: Apache-2.0

package import Primitives
import Register
package import Valve

/// How far a match is, for those who wait for it at either node.
package struct MatchProgress: Hashable, Sendable {
    package let passage: ID<Passage>
    /// Whether this node asks; else it holds.
    package let isAsker: Bool
    /// What the plan says will cross, both ways, as the lane writes it.
    package let bytesExpected: Int64
    package let begunAt: Instant
    package private(set) var flights = 0
    package private(set) var bytes: Int64 = 0

    init(_ passage: ID<Passage>, _ plan: MatchPlan, isAsker: Bool, at now: Instant) {
        self.passage = passage
        self.isAsker = isAsker
        bytesExpected = plan.json["bytes"]?.integer ?? 0
        begunAt = now
    }

    mutating func add(_ frames: [[UInt8]]) {
        // The lane writes two digits a byte.
        bytes += Int64(2 * frames.reduce(0) { $0 + $1.count })
    }

    mutating func endFlight() { flights += 1 }
}

extension ComputeService {
    /// The matches under way at this node, the oldest first.
    package var matchesUnderWay: [MatchProgress] { matchDoor.underWay(at: context.clock.now()) }
}
