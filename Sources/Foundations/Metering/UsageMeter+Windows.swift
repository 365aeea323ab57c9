// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// How wide a window is.
package enum WindowWidth: String, Hashable, Sendable, CaseIterable {
    case minute, hour, day

    package var microseconds: Int64 {
        switch self {
        case .minute: 60_000_000
        case .hour: 3_600_000_000
        case .day: 86_400_000_000
        }
    }
}

/// What was used in one window.
package struct UsageWindow: Hashable, Sendable {
    package let start: Instant
    /// The aggregate; for `average` the sum, to be divided by `events` exactly.
    package let quantity: Int64
    package let events: Int64
    /// Whether events of a closed period are among them.
    package let hasCorrections: Bool
}

extension UsageMeter {
    /// The windows of a subject's use after one moment, up to and with another, in a zone; windows without use
    /// are left out. Cost: one index range.
    package static func windows(
        of type: String, subject: String, after start: Instant, through end: Instant, width: WindowWidth,
        zone: TimeZoneOffset, in tx: any SQLReading
    ) throws(Problem) -> [UsageWindow] {
        guard let meter = try definition(of: type, in: tx) else { throw .meterMissing(type) }
        let offset = Int64(zone.minutes) * 60_000_000
        let key = "(counted_at + \(offset)) / \(width.microseconds)"
        let period: [any SQLConvertible] = [subject, type, start, end]
        let latest = meter.aggregation == .latest ? try latestByWindow(key, period, in: tx) : [:]
        return try tx.all(
            """
            SELECT \(key), \(meter.aggregation.sql), count(*), max(is_late) FROM metering_event \
            WHERE subject = ? AND type = ? AND counted_at > ? AND counted_at <= ? GROUP BY \(key) ORDER BY \(key)
            """, period
        ) { row throws(Problem) in
            let window = try row.integer(0)
            let aggregate = try row.integer(1)
            return UsageWindow(
                start: Instant(microseconds: window * width.microseconds - offset),
                quantity: latest[window] ?? aggregate, events: try row.integer(2),
                hasCorrections: try row.bool(3))
        }
    }

    /// The whole period as one window; `nil` if nothing was used.
    package static func total(
        of type: String, subject: String, after start: Instant, through end: Instant, in tx: any SQLReading
    ) throws(Problem) -> UsageWindow? {
        guard let meter = try definition(of: type, in: tx) else { throw .meterMissing(type) }
        let period: [any SQLConvertible] = [subject, type, start, end]
        let latest = meter.aggregation == .latest ? try latestByWindow("0", period, in: tx)[0] : nil
        return try tx.first(
            """
            SELECT \(meter.aggregation.sql), count(*), max(is_late) FROM metering_event \
            WHERE subject = ? AND type = ? AND counted_at > ? AND counted_at <= ? HAVING count(*) > 0
            """, period
        ) { row throws(Problem) in
            let aggregate = try row.integer(0)
            return UsageWindow(
                start: start, quantity: latest ?? aggregate, events: try row.integer(1),
                hasCorrections: try row.bool(2))
        }
    }

    /// The last reading of each window: by time, and among equal times by arrival.
    private static func latestByWindow(
        _ key: String, _ period: [any SQLConvertible], in tx: any SQLReading
    ) throws(Problem) -> [Int64: Int64] {
        var latest: [Int64: Int64] = [:]
        try tx.query(
            """
            SELECT \(key), quantity FROM metering_event WHERE subject = ? AND type = ? \
            AND counted_at > ? AND counted_at <= ? ORDER BY counted_at, number
            """, period
        ) { row throws(Problem) in latest[try row.integer(0)] = try row.integer(1) }
        return latest
    }

    /// The events of a period, so that a bill's line resolves to facts. In order of arrival.
    package static func events(
        of type: String, subject: String, after start: Instant, through end: Instant, in tx: any SQLReading
    ) throws(Problem) -> [CountedEvent] {
        try tx.all(
            """
            SELECT number, source, id, at, counted_at, is_late, quantity, digest FROM metering_event \
            WHERE subject = ? AND type = ? AND counted_at > ? AND counted_at <= ? ORDER BY number
            """, [subject, type, start, end]
        ) { row throws(Problem) in
            CountedEvent(
                number: try row.integer(0), source: try row.text(1), id: try row.text(2),
                at: try row.instant(3),
                countedAt: try row.instant(4), isLate: try row.bool(5), quantity: try row.integer(6),
                digest: try row.digest(7))
        }
    }
}

/// One event as the meter keeps it.
package struct CountedEvent: Hashable, Sendable {
    package let number: Int64
    package let source: String
    package let id: String
    package let at: Instant
    package let countedAt: Instant
    package let isLate: Bool
    package let quantity: Int64
    package let digest: Digest
}

extension MeterDefinition.Aggregation {
    /// Exact: PostgreSQL's sum of big integers is a decimal, so it is cast back; overflow is an error there too.
    fileprivate var sql: String {
        switch self {
        case .sum, .average: "CAST(sum(quantity) AS INTEGER)"
        case .count: "count(*)"
        case .minimum: "min(quantity)"
        case .maximum, .latest: "max(quantity)"
        case .unique: "count(DISTINCT word)"
        }
    }
}
