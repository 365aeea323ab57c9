// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A thread of its own, outside the cooperative pool, whose end can be awaited.
package final class EndedThread: Sendable {
    private enum State {
        case running([CheckedContinuation<Void, Never>])
        case ended
    }

    private let state: Mutex<State>

    /// Starts `body`. The stack is 1 MiB: SQLite and deep JSON need more than the 512 kB of a secondary thread.
    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        state = Mutex(.running([]))
        let thread = Thread { [self] in
            body()
            end()
        }
        thread.name = name
        thread.stackSize = 1 << 20
        thread.start()
    }

    package func ended() async {
        await withCheckedContinuation { continuation in
            let isEnded = state.withLock { state in
                guard case .running(let waiting) = state else { return true }
                state = .running(waiting + [continuation])
                return false
            }
            if isEnded { continuation.resume() }
        }
    }

    private func end() {
        let waiting = state.withLock { state in
            guard case .running(let waiting) = state else { return [CheckedContinuation<Void, Never>]() }
            state = .ended
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
