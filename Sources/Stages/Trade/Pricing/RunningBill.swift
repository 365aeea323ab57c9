// SPDX-License-Identifier: Apache-2.0

package import Policy
package import Primitives
package import Store

/// What one agreement used and was charged in one month, kept as it grows: the price of a use that depends on the
/// uses before it costs one row, however long the month.
///
/// A use is priced when it is settled, not when it is reserved, so that uses which were given up leave no gap:
/// after each one the charges are what the plan asks for the uses so far. Where a plan asks less for more (`volume`)
/// the charge stays, and the month's statement says what is to be given back.
package struct RunningBill: Hashable, Sendable {
    package let agreement: ID<Agreement>
    package let start: Instant
    /// Settled uses by door, and what was charged of their units by meter.
    package private(set) var used: [String: Int64] = [:]
    package private(set) var chargedMinorUnits: Int64 = 0

    /// The month of the agreement's zone in which a moment lies.
    package static func month(of moment: Instant) -> (start: Instant, end: Instant) {
        let first = moment.day(in: .shanghai).firstOfMonth
        let next = first.advanced(byDays: 31).firstOfMonth
        return (Instant(startOf: first, in: .shanghai), Instant(startOf: next, in: .shanghai))
    }

    /// The bill of the month in which a moment lies.
    package static func current(
        for agreement: ID<Agreement>, at moment: Instant, in tx: any SQLReading
    ) throws(Problem) -> RunningBill {
        var bill = RunningBill(agreement: agreement, start: month(of: moment).start)
        let kept = try tx.first(
            "SELECT used, charged FROM trade_bill WHERE agreement_id = ? AND starts_at = ?",
            [agreement, bill.start]
        ) { row throws(Problem) in (try row.json(0), try row.integer(1)) }
        guard let (used, charged) = kept else { return bill }
        bill.used = (used.object ?? [:]).compactMapValues(\.integer)
        bill.chargedMinorUnits = charged
        return bill
    }

    /// The most that one more use can cost if those under way are settled before it: what is reserved for it.
    package func ceiling(
        of door: Door, beside inFlight: Int64, under plan: PricePlan
    ) throws(Problem) -> Money {
        var most = max(
            0,
            try plan.total(for: used.merging(plan.largestUse(through: door), uniquingKeysWith: +))
                - chargedMinorUnits)
        if !plan.units(at: door).isEmpty {
            if inFlight > 0 { most = max(most, try plan.largestIncrease(through: door)) }
        } else if !plan.isFlat(for: door), inFlight > 0 {
            var last = try total(after: 1, of: door, under: plan)
            for place in 1...min(inFlight, Self.inFlightMax) {
                let next = try total(after: place + 1, of: door, under: plan)
                most = max(most, next - last)
                last = next
            }
        }
        return Money(minorUnits: most)
    }

    /// Uses under way that are looked at, one by one; a reservation lives five minutes.
    private static let inFlightMax: Int64 = 1000

    /// Counts one settled use with its units and answers what it costs.
    package mutating func charge(
        _ door: Door, _ counts: [UseUnit: Int64] = [:], under plan: PricePlan
    ) throws(Problem) -> Money {
        let after = used.merging(plan.quantities(counts, through: door), uniquingKeysWith: +)
        let price = max(0, try plan.total(for: after) - chargedMinorUnits)
        used = after
        chargedMinorUnits += price
        return Money(minorUnits: price)
    }

    package func keep(in tx: any SQLWriting) throws(Problem) {
        try tx.execute(
            """
            INSERT INTO trade_bill (agreement_id, starts_at, used, charged) VALUES (?, ?, ?, ?)
            ON CONFLICT (agreement_id, starts_at) DO UPDATE SET used = excluded.used, charged = excluded.charged
            """,
            [agreement, start, JSON.object(used.mapValues(JSON.integer)), chargedMinorUnits])
    }

    private func total(after more: Int64, of door: Door, under plan: PricePlan) throws(Problem) -> Int64 {
        try plan.total(for: used.merging([door.rawValue: more], uniquingKeysWith: +))
    }
}

extension PricePlan {
    /// What is counted for the price.
    var meters: [String] { components.compactMap(\.meter) }

    /// Whether each use of a door costs the same, so that the uses before it do not matter.
    func isFlat(for door: Door) -> Bool {
        capMinorUnits == nil
            && components.allSatisfy { component in
                if let meter = component.meter, UseUnit.named(meter)?.door == door { return false }
                if case .perUnit(let meter, let price) = component {
                    return meter != door.rawValue || price.per == 1
                }
                return false
            }
    }

    /// What the first use of a month through a door costs; where its units cost, the largest.
    package func firstUse(through door: Door) -> Money {
        Money(minorUnits: (try? total(for: largestUse(through: door))) ?? 0)
    }

    /// The most that a use can add to a month in which others may have been settled before it.
    func largestIncrease(through door: Door) throws(Problem) -> Int64 {
        let largest = largestUse(through: door)
        var sum: Int64 = 0
        for component in components {
            let quantity = component.meter.map { largest[$0] ?? 0 } ?? 0
            guard quantity > 0 else { continue }
            guard let most = component.most(of: quantity) else { throw .amountOutOfRange }
            let (next, isOver) = sum.addingReportingOverflow(most)
            if isOver { throw .amountOutOfRange }
            sum = next
        }
        return min(sum, capMinorUnits ?? .max)
    }

    /// Whether a ceiling that the keeper of the account states is one of this plan. Where the price depends on earlier
    /// uses only the keeper knows it; the holder holds it against its own meter in the month's statement.
    package func allows(_ ceiling: Money, for door: Door) -> Bool {
        isFlat(for: door) ? ceiling == firstUse(through: door) : ceiling.minorUnits >= 0
    }

    /// What the first use of the dearest door costs: what a demand's ceiling is compared with.
    package var dearestUse: Money {
        doors.map(firstUse).max { $0.minorUnits < $1.minorUnits } ?? .zero
    }

    /// What so many uses of one door cost at most, whichever door it is.
    func dearest(uses: Int64) throws(Problem) -> Int64 {
        var most: Int64 = 0
        for door in doors {
            // The largest use is bounded by its plan, and `uses` by whoever asks: their product is not.
            var quantities: [String: Int64] = [:]
            for (meter, quantity) in largestUse(through: door) {
                let (product, isOver) = quantity.multipliedReportingOverflow(by: uses)
                if isOver { throw .amountOutOfRange }
                quantities[meter] = product
            }
            most = max(most, try total(for: quantities))
        }
        return most
    }
}

extension CalendarDay {
    fileprivate var firstOfMonth: CalendarDay { advanced(byDays: 1 - day) }
}
