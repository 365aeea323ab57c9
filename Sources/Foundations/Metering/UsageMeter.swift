// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// What is counted of one type of event.
package struct MeterDefinition: Hashable, Sendable {
    package enum Aggregation: String, Hashable, Sendable, CaseIterable {
        case sum, count, average, minimum, maximum, unique, latest
    }

    /// The events' type.
    package let type: String
    package let aggregation: Aggregation
    /// The member of the events' data that holds the quantity (an integer), or for `unique` the word.
    package let property: String?

    package init(type: String, aggregation: Aggregation, property: String? = nil) {
        self.type = type
        self.aggregation = aggregation
        self.property = property
    }
}

/// How an event was taken.
package enum EventOutcome: String, Hashable, Sendable {
    case counted
    /// Its period was closed: it counts now, as a correction.
    case countedLate
    /// The same fact was here before; nothing changed.
    case repeated
}

/// Usage: every fact once, for ever; sums over windows in the contract's zone.
///
/// Functions take the command they run in, so that the use, the grant it consumes, the money and the leaf are
/// one commit.
package enum UsageMeter {
    /// Defines what is counted of a type. The same definition again changes nothing; another one is refused,
    /// since what was billed under the first could not be recomputed.
    package static func define(_ meter: MeterDefinition, in tx: any SQLWriting) throws(Problem) {
        guard let standing = try definition(of: meter.type, in: tx) else {
            try tx.execute(
                "INSERT INTO metering_meter (type, aggregation, property) VALUES (?, ?, ?)",
                [meter.type, meter.aggregation.rawValue, meter.property])
            return
        }
        if standing != meter { throw .meterDefinedOtherwise(meter.type) }
    }

    package static func definition(
        of type: String, in tx: any SQLReading
    ) throws(Problem) -> MeterDefinition? {
        try tx.first("SELECT aggregation, property FROM metering_meter WHERE type = ?", [type]) {
            row throws(Problem) in
            guard let aggregation = MeterDefinition.Aggregation(rawValue: try row.text(0)) else {
                throw .rowDamaged
            }
            let property = try row.optional(1) { column throws(Problem) in try row.text(column) }
            return MeterDefinition(type: type, aggregation: aggregation, property: property)
        }
    }

    /// Takes events: all of them or, if one is refused, none.
    ///
    /// The same source and id with another body is refused (`metering.event-differs`): a repeated emission must not
    /// change a bill. Cost: two statements an event.
    package static func record(
        _ events: [UsageEvent], in tx: any SQLWriting
    ) throws(Problem) -> [EventOutcome] {
        var meters: [String: MeterDefinition] = [:]
        var closed: [String: Int64] = [:]
        var number = try tx.count("SELECT coalesce(max(number), 0) FROM metering_event")
        var outcomes: [EventOutcome] = []
        outcomes.reserveCapacity(events.count)
        for event in events {
            if meters[event.type] == nil { meters[event.type] = try known(event.type, in: tx) }
            if closed[event.subject] == nil {
                closed[event.subject] = try closedThrough(event.subject, in: tx)
            }
            guard let meter = meters[event.type], let through = closed[event.subject] else { continue }
            let outcome = try record(event, meter, closedThrough: through, number: number + 1, in: tx)
            if outcome != .repeated { number += 1 }
            outcomes.append(outcome)
        }
        return outcomes
    }

    private static func known(_ type: String, in tx: any SQLReading) throws(Problem) -> MeterDefinition {
        guard let meter = try definition(of: type, in: tx) else { throw .meterMissing(type) }
        return meter
    }

    private static func record(
        _ event: UsageEvent, _ meter: MeterDefinition, closedThrough: Int64, number: Int64,
        in tx: any SQLWriting
    ) throws(Problem) -> EventOutcome {
        let (quantity, word) = try reading(event, meter)
        let at = event.time ?? tx.now
        let isLate = at.microseconds <= closedThrough
        let countedAt = isLate ? Instant(microseconds: max(tx.now.microseconds, closedThrough + 1)) : at
        let digest = event.digest
        let changed = try tx.execute(
            """
            INSERT INTO metering_event (number, source, id, type, subject, at, counted_at, is_late, quantity, \
            word, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, id) DO NOTHING
            """,
            [
                number, event.source, event.id, event.type, event.subject, at, countedAt, isLate, quantity,
                word,
                digest,
            ])
        if changed == 1 { return isLate ? .countedLate : .counted }
        let stored = try tx.first(
            "SELECT digest FROM metering_event WHERE source = ? AND id = ?", [event.source, event.id]
        ) { row throws(Problem) in try row.digest(0) }
        guard stored == digest else { throw .eventDiffers(source: event.source, id: event.id) }
        return .repeated
    }

    private static func reading(
        _ event: UsageEvent, _ meter: MeterDefinition
    ) throws(Problem) -> (quantity: Int64, word: String?) {
        let property = meter.property ?? "value"
        switch meter.aggregation {
        case .count: return (1, nil)
        case .unique:
            guard let word = event.data[property]?.text else { throw .eventUncountable(event, property) }
            return (1, word)
        case .sum, .average, .minimum, .maximum, .latest:
            guard let quantity = event.data[property]?.integer else {
                throw .eventUncountable(event, property)
            }
            return (quantity, nil)
        }
    }

    // MARK: Closed periods

    /// Closes everything of a subject up to and with a moment: what arrives later for that time counts when it
    /// arrives, as a correction. A period is never opened again.
    package static func close(
        _ subject: String, through instant: Instant, in tx: any SQLWriting
    ) throws(Problem) {
        try tx.execute(
            """
            INSERT INTO metering_closed (subject, through) VALUES (?, ?) \
            ON CONFLICT (subject) DO UPDATE SET through = excluded.through \
            WHERE metering_closed.through < excluded.through
            """, [subject, instant])
    }

    private static func closedThrough(_ subject: String, in tx: any SQLReading) throws(Problem) -> Int64 {
        try tx.first("SELECT through FROM metering_closed WHERE subject = ?", [subject]) {
            row throws(Problem) in
            try row.integer(0)
        } ?? -1
    }
}
