// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Lets so many through at once; others wait in the order they came. Owns the line.
package final class Turnstile: Sendable {
    /// Longer lines are refused at once: nobody would wait to the end of them.
    private static let lineMax = 1000

    private let turns: Turns

    package init(places: Int) { turns = Turns(places: places) }

    /// Runs the body when it is its turn; throws `tables.engine-busy` where the line is too long.
    package func pass<Answer: Sendable>(
        _ body: () async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        guard turns.waiting < Self.lineMax else {
            throw Problem(.limited, "tables.engine-busy", ["limit": .integer(Int64(Self.lineMax))])
        }
        await turns.take()
        defer { turns.giveBack() }
        return try await body()
    }
}
