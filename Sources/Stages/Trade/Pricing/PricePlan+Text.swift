// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The written form of a plan: what `--price` takes, what a listing carries and what people read.
///
/// Parts stand between commas, each a door and its price; uses are counted by the month of the agreement's zone.
/// ```
/// free
/// query:0.50CNY                                   each use
/// query:1CNY/1000                                 a thousand uses
/// query:tiers 0.50CNY..100 0.30CNY                each use at the price of its step
/// query:volume 0.50CNY..100 0.30CNY               all uses of the month at the price of the step they reach
/// query:pack 100 for 30CNY                        bought whole, before the first of its uses
/// query:month 200CNY with 1000 then 0.10CNY       a fee for the month that includes uses
/// month:50CNY                                     a fee for each month with a use, whatever its door
/// query:0.50CNY,match:2CNY,cap:500CNY             the most that a month costs
/// query.rows:1CNY/1000 up to 5000                 the rows of each answer, of which at most 5,000 cost
/// query.seconds:0.02CNY up to 60                  begun seconds of computing; bytes likewise
/// match.rows:1CNY/100 up to 9000                  keys brought to a match; match.matched: those it tells
/// download.bytes:0.10CNY/1000000 up to 1000000000 the bytes of each file; share.bytes, download.rows likewise
/// ```
extension PricePlan {
    private static let fee = "month"
    private static let cap = "cap"

    /// Reads the written form. Throws `trade.price-plan-invalid` with the place of the part and what is wrong.
    package init(text: String) throws(Problem) {
        var parts: [String: String] = [:]
        for (place, part) in text.split(separator: ",").map(\.trimmed).enumerated() where part != "free" {
            let pair = part.split(separator: ":", maxSplits: 1).map(\.trimmed)
            guard pair.count == 2 else {
                throw .planInvalid(place: place + 1, "“\(part)” is no door and price such as query:0.50CNY")
            }
            guard parts.updateValue(pair[1], forKey: pair[0]) == nil else {
                throw .planInvalid(place: place + 1, "“\(pair[0])” has two prices")
            }
        }
        try self.init(parts: parts)
    }

    /// Reads the form a listing carries: an object of doors and their prices. `nil` for anything else.
    package init?(json: JSON) {
        var parts: [String: String] = [:]
        for (name, value) in json.object ?? [:] {
            guard let text = value.text else { return nil }
            parts[name] = text
        }
        guard let plan = try? PricePlan(parts: parts) else { return nil }
        self = plan
    }

    private init(parts: [String: String]) throws(Problem) {
        var components: [PriceComponent] = []
        var mostPerUse: [String: Int64] = [:]
        var most: Int64?
        for (place, (name, text)) in parts.sorted(by: { $0.key < $1.key }).enumerated() {
            if name == Self.cap {
                guard let money = Self.money(text) else {
                    throw .planInvalid(place: place + 1, "the cap is no amount")
                }
                most = money
            } else if name == Self.fee {
                guard let money = Self.money(text) else {
                    throw .planInvalid(place: place + 1, "the fee is no amount")
                }
                components.append(.posted(minorUnits: money))
            } else if name.contains(".") {
                let (price, limit) = Self.limited(text)
                guard let (door, unit) = UseUnit.named(name), unit.isCounted(at: door) else {
                    throw .planInvalid(place: place + 1, "“\(name)” is nothing a door counts")
                }
                guard let limit, limit > 0 else {
                    throw .planInvalid(
                        place: place + 1, "“\(text)” does not end with the most of one use: up to 5000")
                }
                guard let component = PriceComponent(meter: name, text: price), !component.isVolume else {
                    throw .planInvalid(place: place + 1, "“\(price)” is no price of a unit in CNY")
                }
                components.append(component)
                mostPerUse[name] = limit
            } else if let component = PriceComponent(meter: name, text: text) {
                components.append(component)
            } else {
                throw .planInvalid(place: place + 1, "“\(text)” is no price in CNY")
            }
        }
        try self.init(components: components, capMinorUnits: most, mostPerUse: mostPerUse)
    }

    /// The form a listing carries; the same plan gives the same object.
    package var json: JSON {
        var members: [String: JSON] = [:]
        for component in components { members[component.meter ?? Self.fee] = .string(written(component)) }
        if let capMinorUnits { members[Self.cap] = .string(Money(minorUnits: capMinorUnits).description) }
        return .object(members)
    }

    private static let limit = " up to "

    /// `1CNY/1000 up to 5000` in its two parts.
    private static func limited(_ text: String) -> (price: String, most: Int64?) {
        guard let place = text.ranges(of: limit).last else { return (text, nil) }
        return (String(text[..<place.lowerBound]), Int64(text[place.upperBound...]))
    }

    /// The written form of one component, with the most of one use where there is one.
    package func written(_ component: PriceComponent) -> String {
        component.text
            + (component.meter.flatMap { mostPerUse[$0] }.map { Self.limit + String($0) } ?? "")
    }

    fileprivate static func money(_ text: String) -> Int64? {
        guard let money = Money(text), money.currency == .cny, money.minorUnits >= 0 else { return nil }
        return money.minorUnits
    }
}

extension PriceComponent {
    /// One part's price, such as `0.50CNY` or `pack 100 for 30CNY`; `nil` if it is none.
    fileprivate init?(meter: String, text: String) {
        if let money = PricePlan.money(text) {
            self = .perUnit(meter: meter, price: UnitPrice(minorUnits: money))
            return
        }
        let words = text.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("tiers", 2...):
            guard let tiers = Self.tiers(words.dropFirst()) else { return nil }
            self = .tiered(meter: meter, tiers: tiers)
        case ("volume", 2...):
            guard let tiers = Self.tiers(words.dropFirst()) else { return nil }
            self = .volume(meter: meter, tiers: tiers)
        case ("pack", 4):
            guard let size = Int64(words[1]), words[2] == "for", let price = PricePlan.money(words[3]) else {
                return nil
            }
            self = .packs(meter: meter, size: size, minorUnits: price)
        case ("month", 6):
            guard let fee = PricePlan.money(words[1]), words[2] == "with", let included = Int64(words[3]),
                words[4] == "then", let beyond = UnitPrice(text: words[5])
            else { return nil }
            self = .subscription(minorUnits: fee, meter: meter, included: included, beyond: beyond)
        case (_, 1):
            guard let price = UnitPrice(text: text) else { return nil }
            self = .perUnit(meter: meter, price: price)
        default: return nil
        }
    }

    private static func tiers(_ words: ArraySlice<String>) -> [Tier]? {
        var tiers: [Tier] = []
        for word in words {
            // The amount has a dot of its own, so the end of a step stands after two.
            let parts = word.split(separator: "..", maxSplits: 1)
            guard let price = UnitPrice(text: String(parts[0])) else { return nil }
            let end = parts.count == 2 ? Int64(parts[1]) : nil
            if parts.count == 2, end == nil { return nil }
            tiers.append(Tier(upTo: end, price: price))
        }
        return tiers
    }

    fileprivate var isVolume: Bool {
        if case .volume = self { return true }
        return false
    }

    /// The written form of the price, without the door.
    fileprivate var text: String {
        func written(_ tiers: [Tier]) -> String {
            tiers.map { $0.price.text + ($0.upTo.map { "..\($0)" } ?? "") }.joined(separator: " ")
        }
        return switch self {
        case .posted(let minorUnits): Money(minorUnits: minorUnits).description
        case .perUnit(_, let price) where price.per == 1: Money(minorUnits: price.minorUnits).description
        case .perUnit(_, let price): price.text
        case .tiered(_, let tiers): "tiers " + written(tiers)
        case .volume(_, let tiers): "volume " + written(tiers)
        case .packs(_, let size, let minorUnits): "pack \(size) for \(Money.compact(minorUnits))"
        case .subscription(let minorUnits, _, let included, let beyond):
            "month \(Money.compact(minorUnits)) with \(included) then \(beyond.text)"
        }
    }
}

extension UnitPrice {
    /// `0.50CNY`, or `1CNY/1000`.
    fileprivate init?(text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let money = PricePlan.money(String(parts[0])), let per = parts.count == 1 ? 1 : Int64(parts[1])
        else {
            return nil
        }
        self.init(minorUnits: money, per: per)
    }

    fileprivate var text: String { Money.compact(minorUnits) + (per == 1 ? "" : "/\(per)") }
}

extension Money {
    /// `0.50CNY`: one word.
    fileprivate static func compact(_ minorUnits: Int64) -> String {
        Money(minorUnits: minorUnits).amount + "CNY"
    }
}

extension StringProtocol {
    fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
