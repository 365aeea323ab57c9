// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// So many places, taken in the order of coming; waiting holds no thread. Owns the line.
package final class Turns: Sendable {
    private struct State {
        var free: Int
        var line: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    package init(places: Int) { state = Mutex(State(free: places)) }

    /// How many wait now.
    package var waiting: Int { state.withLock { $0.line.count } }

    /// Waits for a place; whoever takes one gives it back.
    package func take() async {
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
    package func giveBack() {
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
