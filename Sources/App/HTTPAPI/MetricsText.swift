// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// Counters of this process in the Prometheus text format. Names are fixed; there are no labels from requests.
package final class MetricsText: Sendable {
    private let counters = Mutex<[String: Int64]>([:])

    package init() {}

    package func add(_ name: String, _ value: Int64 = 1) {
        counters.withLock { $0[name, default: 0] += value }
    }

    /// `name value` lines, sorted, with gauges read now beside the counters.
    package func text(gauges: [String: Int64]) -> String {
        let all = counters.withLock { $0 }
        var lines = all.sorted { $0.key < $1.key }.map { "# TYPE \($0.key) counter\n\($0.key) \($0.value)" }
        lines += gauges.sorted { $0.key < $1.key }.map { "# TYPE \($0.key) gauge\n\($0.key) \($0.value)" }
        return lines.joined(separator: "\n") + "\n"
    }
}
