// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// What usage says of itself: counts follow from reservations, events are numbered without a gap and fit their meter.
package enum MeteringAudit {
    /// One thing that does not hold, and the row.
    package struct Fault: Hashable, Sendable {
        package let place: String
        package let what: LocalizedText
    }

    package static func faults(in tx: any SQLReading) throws(Problem) -> [Fault] {
        try grantFaults(in: tx) + eventFaults(in: tx)
    }

    /// `used` and `reserved` are sums of the reservations; each reservation has its grant.
    private static func grantFaults(in tx: any SQLReading) throws(Problem) -> [Fault] {
        let grants = try tx.all(
            """
            SELECT id, granted, used, reserved, starts_at, ends_at,
            (SELECT coalesce(sum(uses), 0) FROM metering_reservation WHERE grant_id = g.id AND state = 1),
            (SELECT coalesce(sum(uses), 0) FROM metering_reservation WHERE grant_id = g.id AND state = 0)
            FROM metering_grant g
            """, []
        ) { row throws(Problem) -> Fault? in
            let id = try row.id(0, of: UsageGrant.self)
            let (used, reserved) = (try row.integer(2), try row.integer(3))
            guard try used == row.integer(6), try reserved == row.integer(7) else {
                return Fault(
                    place: "grant \(id.uuid)",
                    what: LocalizedText(
                        zh: "已用或预留次数与预留记录不符", en: "its counts are not the sum of its reservations"))
            }
            return nil
        }
        let lost = try tx.all(
            """
            SELECT id FROM metering_reservation
            WHERE state NOT IN (0, 1, 2, 3) OR grant_id NOT IN (SELECT id FROM metering_grant)
            """, []
        ) { row throws(Problem) -> Fault? in
            Fault(
                place: "use \(try row.id(0, of: Reservation.self).uuid)",
                what: LocalizedText(zh: "不属于任何授权", en: "belongs to no grant"))
        }
        return (grants + lost).compactMap(\.self)
    }

    private static func eventFaults(in tx: any SQLReading) throws(Problem) -> [Fault] {
        var expected: Int64 = 0
        return try tx.all(
            """
            SELECT e.number, e.id, e.at, e.counted_at, e.is_late, e.quantity, e.word, length(e.digest),
            m.aggregation FROM metering_event e LEFT JOIN metering_meter m ON m.type = e.type ORDER BY e.number
            """, []
        ) { row throws(Problem) -> Fault? in
            expected += 1
            let (number, isLate, quantity) = (try row.integer(0), try row.integer(4), try row.integer(5))
            let (at, countedAt) = (try row.integer(2), try row.integer(3))
            let (word, digestBytes) = (try row.optional(6, row.text), try row.integer(7))
            let aggregation = try row.optional(8, row.text).flatMap(MeterDefinition.Aggregation.init)
            let isCounted = aggregation != .count || (quantity == 1 && word == nil)
            let fits =
                number == expected && (0...1).contains(isLate) && (isLate == 1) == (at != countedAt)
                && digestBytes == 32 && aggregation != nil && isCounted
            guard !fits else { return nil }
            return Fault(
                place: "event \(try row.text(1))",
                what: LocalizedText(
                    zh: "序号、时间或计量与其计量规则不符", en: "its number, time or quantity does not fit its meter"))
        }.compactMap(\.self)
    }
}
