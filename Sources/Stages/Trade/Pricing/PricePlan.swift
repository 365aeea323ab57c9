// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a product costs: declared, exact, and the same whoever computes it.
///
/// A plan is a list of components whose amounts are added, and perhaps a cap. Prices of tiny units are ratios of
/// integers; each component is rounded once, at its end.
package struct PricePlan: Hashable, Sendable {
    package let currency: Currency
    package let components: [PriceComponent]
    /// The most a period may cost, held in real time: a use beyond it is free until the period ends.
    package let capMinorUnits: Int64?
    package let rounding: Rounding
    /// For meters of a use's units (`UseUnit`): the most that is counted of one use, so that it has a ceiling.
    package let mostPerUse: [String: Int64]

    /// Components of one plan: enough for every meter of a product in tiers, few enough to read.
    package static let componentsMax = 32

    /// Throws `trade.price-plan-invalid` with the place and the reason for a plan that could not be billed.
    package init(
        currency: Currency = .cny, components: [PriceComponent], capMinorUnits: Int64? = nil,
        rounding: Rounding = .halfEven, mostPerUse: [String: Int64] = [:]
    ) throws(Problem) {
        guard components.count <= Self.componentsMax else {
            throw .planInvalid(place: 0, "too many components")
        }
        for (place, component) in components.enumerated() {
            if let fault = component.fault { throw .planInvalid(place: place + 1, fault) }
        }
        if let capMinorUnits, capMinorUnits < 0 { throw .planInvalid(place: 0, "the cap is negative") }
        self.currency = currency
        self.components = components
        self.capMinorUnits = capMinorUnits
        self.rounding = rounding
        self.mostPerUse = mostPerUse
    }

    /// Costs nothing.
    package static let free = PricePlan()

    private init() {
        (currency, components, capMinorUnits, rounding, mostPerUse) = (.cny, [], nil, .halfEven, [:])
    }

    /// Whether no use of a month costs anything.
    package var costsNothing: Bool {
        capMinorUnits == 0
            || components.allSatisfy { component in
                switch component {
                case .posted(let minorUnits): minorUnits == 0
                case .perUnit(_, let price): price.minorUnits == 0
                default: false
                }
            }
    }

    /// The lines of a period, given what every meter counted. The last line is negative where the cap holds.
    package func lines(for usage: [String: Int64]) throws(Problem) -> [PriceLine] {
        var lines: [PriceLine] = []
        var total: Int64 = 0
        for (place, component) in components.enumerated() {
            let quantity = component.meter.map { usage[$0] ?? 0 } ?? 1
            guard let amount = component.amount(of: quantity, rounding: rounding) else {
                throw .amountOutOfRange
            }
            let (sum, isOver) = total.addingReportingOverflow(amount)
            if isOver { throw .amountOutOfRange }
            total = sum
            lines.append(
                PriceLine(component: place, meter: component.meter, quantity: quantity, minorUnits: amount))
        }
        if let capMinorUnits, total > capMinorUnits {
            lines.append(
                PriceLine(component: nil, meter: nil, quantity: 1, minorUnits: capMinorUnits - total))
        }
        return lines
    }

    /// What a period costs in all.
    package func total(for usage: [String: Int64]) throws(Problem) -> Int64 {
        try lines(for: usage).reduce(0) { $0 + $1.minorUnits }
    }

    /// What one more use costs after what was used before. Summed over a period this is exactly `total`, in
    /// whatever order and steps the uses come, with tiers and the cap: nothing is rounded twice.
    package func price(of use: [String: Int64], after used: [String: Int64]) throws(Problem) -> Int64 {
        var after = used
        for (meter, quantity) in use {
            let (sum, isOver) = (after[meter] ?? 0).addingReportingOverflow(quantity)
            if isOver || quantity < 0 { throw .amountOutOfRange }
            after[meter] = sum
        }
        return try total(for: after) - total(for: used)
    }
}

/// One line of a bill.
package struct PriceLine: Hashable, Sendable {
    /// Place of the component in its plan; `nil` is the cap.
    package let component: Int?
    package let meter: String?
    package let quantity: Int64
    package let minorUnits: Int64
}

/// How a line ends on a whole fen.
package enum Rounding: String, Hashable, Sendable, CaseIterable {
    case down, up, halfEven
}

/// A price of a quantity, exactly: `minorUnits` fen for each `per` units.
package struct UnitPrice: Hashable, Sendable {
    package let minorUnits: Int64
    package let per: Int64

    package init(minorUnits: Int64, per: Int64 = 1) {
        self.minorUnits = minorUnits
        self.per = per
    }

    var isValid: Bool { minorUnits >= 0 && per > 0 }
}

/// One part of a price.
package enum PriceComponent: Hashable, Sendable {
    /// Once for each order or period.
    case posted(minorUnits: Int64)
    /// Every unit of a meter: a query, a row, a CPU-second, a byte.
    case perUnit(meter: String, price: UnitPrice)
    /// Each unit at the price of the tier it falls into.
    case tiered(meter: String, tiers: [Tier])
    /// All units at the price of the tier the quantity falls into.
    case volume(meter: String, tiers: [Tier])
    /// A fee for the period that includes some units; further ones have their price.
    case subscription(minorUnits: Int64, meter: String, included: Int64, beyond: UnitPrice)
    /// Packs of units bought whole: a new pack begins when the last is used up.
    case packs(meter: String, size: Int64, minorUnits: Int64)

    /// One step of a price: up to and with `upTo` units; the last tier has no end.
    package struct Tier: Hashable, Sendable {
        package let upTo: Int64?
        package let price: UnitPrice
        /// Once, when the tier is reached.
        package let flatMinorUnits: Int64

        package init(upTo: Int64?, price: UnitPrice, flatMinorUnits: Int64 = 0) {
            self.upTo = upTo
            self.price = price
            self.flatMinorUnits = flatMinorUnits
        }
    }

    /// Tiers of one component.
    static let tiersMax = 20

    package var meter: String? {
        switch self {
        case .posted: nil
        case .perUnit(let meter, _), .tiered(let meter, _), .volume(let meter, _),
            .subscription(_, let meter, _, _), .packs(let meter, _, _):
            meter
        }
    }

    /// Why the component could not be billed.
    var fault: String? {
        if let meter, meter.isEmpty { return "a meter has no name" }
        switch self {
        case .posted(let minorUnits): return minorUnits < 0 ? "the price is negative" : nil
        case .perUnit(_, let price): return price.isValid ? nil : "the unit price is not a ratio above zero"
        case .subscription(let minorUnits, _, let included, let beyond):
            return minorUnits < 0 || included < 0 || !beyond.isValid
                ? "the subscription has a negative part" : nil
        case .packs(_, let size, let minorUnits):
            return size <= 0 || minorUnits < 0 ? "a pack has no size or a negative price" : nil
        case .tiered(_, let tiers), .volume(_, let tiers):
            guard let last = tiers.last, tiers.count <= Self.tiersMax else {
                return "there are no tiers, or too many"
            }
            if last.upTo != nil { return "the last tier has an end, so larger quantities have no price" }
            if !tiers.allSatisfy({ $0.price.isValid && $0.flatMinorUnits >= 0 }) {
                return "a tier's price is negative"
            }
            let ends = tiers.dropLast().map(\.upTo)
            if ends.contains(nil) { return "a tier without an end is not the last" }
            return zip([0] + ends, ends).allSatisfy { ($0 ?? 0) < ($1 ?? 0) } ? nil : "the tiers do not rise"
        }
    }

    /// The price of a quantity; `nil` if it leaves the range of an amount.
    func amount(of quantity: Int64, rounding: Rounding) -> Int64? {
        guard quantity >= 0 else { return nil }
        switch self {
        case .posted(let minorUnits): return minorUnits
        case .perUnit(_, let price): return ExactSum(price, quantity).rounded(rounding)
        case .subscription(let fee, _, let included, let beyond):
            let rest = max(0, quantity - included)
            return ExactSum(beyond, rest).rounded(rounding).flatMap { $0.plus(fee) }
        case .packs(_, let size, let minorUnits):
            let packs = quantity / size + (quantity % size == 0 ? 0 : 1)
            return packs.times(minorUnits)
        case .volume(_, let tiers):
            guard quantity > 0, let tier = tiers.first(where: { quantity <= $0.upTo ?? .max }) else {
                return 0
            }
            return ExactSum(tier.price, quantity).rounded(rounding).flatMap { $0.plus(tier.flatMinorUnits) }
        case .tiered(_, let tiers):
            var start: Int64 = 0
            var total: Int64 = 0
            for tier in tiers where quantity > start {
                let units = min(quantity, tier.upTo ?? .max) - start
                guard let part = ExactSum(tier.price, units).rounded(rounding)?.plus(tier.flatMinorUnits),
                    let sum = total.plus(part)
                else { return nil }
                total = sum
                start = tier.upTo ?? .max
            }
            return total
        }
    }
}

/// A product of price and quantity before it is rounded: 128 bits, so that nothing is lost.
private struct ExactSum {
    private let numerator: (high: Int64, low: UInt64)
    private let denominator: Int64

    init(_ price: UnitPrice, _ quantity: Int64) {
        numerator = price.minorUnits.multipliedFullWidth(by: quantity)
        denominator = price.per
    }

    func rounded(_ rounding: Rounding) -> Int64? {
        // Dividing traps where the quotient does not fit: it fits if the high word is below the divisor's half.
        guard numerator.high < denominator / 2 || (numerator.high == 0 && numerator.low <= UInt64(Int64.max))
        else {
            return nil
        }
        let (quotient, remainder) = denominator.dividingFullWidth(numerator)
        let rest = UInt64(remainder)
        let half = UInt64(denominator) - rest
        let goesUp =
            switch rounding {
            case .down: false
            case .up: rest > 0
            case .halfEven: rest > half || (rest == half && !quotient.isMultiple(of: 2))
            }
        return goesUp ? quotient.plus(1) : quotient
    }
}

extension Int64 {
    fileprivate func plus(_ other: Int64) -> Int64? {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? nil : sum
    }

    fileprivate func times(_ other: Int64) -> Int64? {
        let (product, isOver) = multipliedReportingOverflow(by: other)
        return isOver ? nil : product
    }
}
