// SPDX-License-Identifier: Apache-2.0

import Compute
import Primitives
import Synchronization
import Testing

@Suite("The release grid")
struct ReleaseGridTests {
    /// A clock that only the test moves, and every pause that was asked for.
    private final class Hand: Sendable {
        let now = Mutex(Int64(1_790_000_000_000_000))
        let pauses = Mutex<[Duration]>([])

        var clock: WallClock { WallClock { Instant(microseconds: self.now.withLock { $0 }) } }

        func grid() -> ReleaseGrid {
            ReleaseGrid(step: .milliseconds(50)) { pause in self.pauses.withLock { $0.append(pause) } }
        }
    }

    @Test("an answer leaves at the next whole 50 ms, whatever the rows took")
    func answers() async throws {
        let hand = Hand()
        for (took, waits) in [
            (0, 0), (1, 49_999), (3_000, 47_000), (49_999, 1), (50_000, 0), (50_001, 49_999),
            (1_234_567, 15_433),
        ] {
            let told = try await hand.grid().release(hand.clock) { () async throws(Problem) in
                hand.now.withLock { $0 += Int64(took) }
                return took
            }
            #expect(told == took)
            #expect(hand.pauses.withLock { $0.last } == .microseconds(waits), "\(took) µs")
        }
    }

    @Test("a refusal waits as an answer does, so its time tells no more")
    func refusals() async {
        let hand = Hand()
        await #expect(throws: Problem(.forbidden, "privatesql.rows-requested")) {
            try await hand.grid().release(hand.clock) { () async throws(Problem) -> Int in
                hand.now.withLock { $0 += 7_000 }
                throw Problem(.forbidden, "privatesql.rows-requested")
            }
        }
        #expect(hand.pauses.withLock { $0 } == [.microseconds(43_000)])
    }

    @Test("a clock that goes back makes nobody wait longer than a step")
    func backwards() {
        let grid = Hand().grid()
        #expect(grid.rest(after: .seconds(-5)) == .zero)
        #expect(grid.rest(after: .microseconds(1)) < grid.step)
    }
}
