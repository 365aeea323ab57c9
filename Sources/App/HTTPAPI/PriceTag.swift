// SPDX-License-Identifier: Apache-2.0

import Policy
import Primitives
import Trade

/// One part of a listing's price, as pages show it.
struct PriceTag {
    /// A door, a unit of its uses such as `query.rows`, `month` or `cap`.
    let name: String
    /// What the first use of a month costs; of a unit, what one use costs for it at most.
    let amount: Money
    /// The plan's own words, where one amount does not say it all.
    let words: String?

    var isOfUnit: Bool { name.contains(".") }

    static func list(_ json: JSON?) -> [PriceTag] {
        guard let plan = json.flatMap(PricePlan.init(json:)) else { return [] }
        return (json?.object ?? [:]).sorted { $0.key < $1.key }.compactMap { name, value in
            guard let text = value.text else { return nil }
            if let money = Money(text) { return PriceTag(name: name, amount: money, words: nil) }
            let amount =
                plan.mostPerUse[name].map { plan.price(of: name, upTo: $0) }
                ?? plan.price(of: name, upTo: 1)
            return PriceTag(name: name, amount: amount, words: text)
        }
    }
}

extension PricePlan {
    /// What one meter's first quantity of a month costs, without the others'.
    fileprivate func price(of meter: String, upTo quantity: Int64) -> Money {
        Money(minorUnits: (try? price(of: [meter: quantity], after: [:])) ?? 0)
    }
}
