// SPDX-License-Identifier: Apache-2.0

package import Policy
package import Primitives

/// What a price may count of one use beside the use itself.
package enum UseUnit: String, Hashable, Sendable, CaseIterable {
    /// Rows of the answer to a question, or of a copy; items that the asker brings to a match.
    case rows
    /// Bytes of the answer in canonical form, before it is sealed; of a copy, those of the recipient's file in the form
    /// asked for. A file that is fetched in parts or again counts once.
    case bytes
    /// Begun seconds that the holder's engine worked on the question, with the cores it gives to one.
    case seconds
    /// Keys that a match told: the sum of its released counts, or the number of its rows. What was held back is free.
    case matched

    /// The meter that counts this unit at a door, such as `query.rows`.
    package func meter(at door: Door) -> String { door.rawValue + "." + rawValue }

    /// Whether the holder can count this unit at a door: a match is computed on both sides while flights come and go.
    func isCounted(at door: Door) -> Bool {
        switch self {
        case .rows, .bytes: door == .query || door == .match || door.handsOverACopy
        case .seconds: door == .query
        case .matched: door == .match
        }
    }

    /// The door and the unit of a meter; `nil` for one that counts uses.
    static func named(_ meter: String) -> (door: Door, unit: UseUnit)? {
        let parts = meter.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let door = Door(rawValue: String(parts[0])),
            let unit = UseUnit(rawValue: String(parts[1]))
        else { return nil }
        return (door, unit)
    }

    /// Counts as a receipt carries them.
    package static func json(_ counts: [UseUnit: Int64]) -> JSON {
        .object(Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, .integer($0.value)) }))
    }
}

extension PricePlan {
    /// The units of one door that have a price.
    package func units(at door: Door) -> [UseUnit] {
        UseUnit.allCases.filter { mostPerUse[$0.meter(at: door)] != nil }
    }

    /// What is charged of the counts of one use: the priced units alone, each at most what one use may count. What a
    /// use took beyond that is free, so that its price is known before its answer is.
    package func billed(_ counts: [UseUnit: Int64], through door: Door) -> [UseUnit: Int64] {
        var billed: [UseUnit: Int64] = [:]
        for unit in units(at: door) {
            billed[unit] = min(max(0, counts[unit] ?? 0), mostPerUse[unit.meter(at: door)] ?? 0)
        }
        return billed
    }

    /// The counts of a holder's receipt; `nil` where a priced unit is missing or below zero.
    package func counts(_ json: JSON?, through door: Door) -> [UseUnit: Int64]? {
        var counts: [UseUnit: Int64] = [:]
        for unit in units(at: door) {
            guard let count = json?[unit.rawValue]?.integer, count >= 0 else { return nil }
            counts[unit] = count
        }
        return billed(counts, through: door)
    }

    /// One use and its counts, by meter.
    func quantities(_ counts: [UseUnit: Int64], through door: Door) -> [String: Int64] {
        var quantities = [door.rawValue: Int64(1)]
        for (unit, count) in billed(counts, through: door) { quantities[unit.meter(at: door)] = count }
        return quantities
    }

    /// The largest use that a door may have.
    func largestUse(through door: Door) -> [String: Int64] {
        quantities(Dictionary(uniqueKeysWithValues: units(at: door).map { ($0, .max) }), through: door)
    }

    /// The doors that have a price.
    package var doors: Set<Door> {
        Set(meters.compactMap { Door(rawValue: $0) ?? UseUnit.named($0)?.door })
    }
}

extension PriceComponent {
    /// The most that one more use can add to this component after any others: what stands against uses under way, of
    /// which nobody knows yet how large they are. Not exact, never too little.
    func most(of quantity: Int64) -> Int64? {
        func dearest(_ prices: [UnitPrice]) -> Int64? {
            var sum = Int64(prices.count)
            var most: Int64 = 0
            for price in prices {
                guard
                    let amount = PriceComponent.perUnit(meter: "", price: price)
                        .amount(of: quantity, rounding: .up)
                else { return nil }
                most = max(most, amount)
            }
            (sum, _) = sum.addingReportingOverflow(most)
            return sum < 0 ? nil : sum
        }
        switch self {
        case .posted: return 0
        case .perUnit(_, let price): return dearest([price])
        case .tiered(_, let tiers), .volume(_, let tiers):
            return dearest(tiers.map(\.price)).map { $0 + tiers.reduce(0) { $0 + $1.flatMinorUnits } }
        case .subscription(_, _, _, let beyond): return dearest([beyond])
        case .packs: return amount(of: quantity, rounding: .up)
        }
    }
}
