// SPDX-License-Identifier: Apache-2.0

package import Primitives
import Synchronization

/// Lets so many through at once; others wait in the order they came. Owns the line.
package final class Turnstile: Sendable {
    private struct State {
        var free: Int
        var line: [CheckedContinuation<Void, Never>] = []
    }

    /// Longer lines are refused at once: nobody would wait to the end of them.
    private static let lineMax = 1000

    private let state: Mutex<State>

    package init(places: Int) {
        state = Mutex(State(free: places))
    }

    /// Runs the body when it is its turn; throws `tables.engine-busy` where the line is too long.
    package func pass<Answer: Sendable>(
        _ body: () async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        guard state.withLock({ $0.line.count < Self.lineMax }) else {
            throw Problem(.limited, "tables.engine-busy", ["limit": .integer(Int64(Self.lineMax))])
        }
        await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async {
        await withCheckedContinuation { turn in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.line.append(turn)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { turn.resume() }
        }
    }

    /// The place goes to who waits longest, or becomes free.
    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.line.isEmpty else {
                state.free += 1
                return nil
            }
            return state.line.removeFirst()
        }
        next?.resume()
    }
}
