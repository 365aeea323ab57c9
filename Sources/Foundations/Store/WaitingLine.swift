// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A bounded line between the tasks that ask and the threads that do. It never grows past its limit: who comes
/// then is turned away at once and can decide for himself.
package final class WaitingLine<Element: Sendable>: @unchecked Sendable {
    // SAFETY: every access to the three variables happens between `lock` and `unlock` of `condition`.
    package enum Entry: Sendable { case entered, full, closed }

    package let limit: Int
    private let condition = NSCondition()
    private var waiting: [Element] = []
    private var first = 0
    private var isClosed = false

    package init(limit: Int) {
        self.limit = limit
    }

    package func enter(_ element: Element) -> Entry {
        condition.lock()
        defer { condition.unlock() }
        if isClosed { return .closed }
        if waiting.count - first >= limit { return .full }
        waiting.append(element)
        condition.signal()
        return .entered
    }

    /// Blocks until somebody waits, then takes up to `most` in the order they came. Empty: the line is closed
    /// and everybody has been served.
    package func take(_ most: Int) -> [Element] {
        condition.lock()
        defer { condition.unlock() }
        while first == waiting.count && !isClosed { condition.wait() }
        let taken = Array(waiting[first..<min(waiting.count, first + most)])
        first += taken.count
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            first = 0
        } else if first >= limit {
            waiting.removeFirst(first)
            first = 0
        }
        return taken
    }

    /// Nobody enters any more; those who wait are still served.
    package func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
