// SPDX-License-Identifier: Apache-2.0

import Policy
import Primitives
import Trade

/// One part of a listing's price, as pages show it.
struct PriceTag {
    /// A door, `month` or `cap`.
    let name: String
    /// What the first use of a month costs.
    let amount: Money
    /// The plan's own words, where one amount does not say it all.
    let words: String?

    static func list(_ json: JSON?) -> [PriceTag] {
        guard let plan = json.flatMap(PricePlan.init(json:)) else { return [] }
        return (json?.object ?? [:]).sorted { $0.key < $1.key }.compactMap { name, value in
            guard let text = value.text else { return nil }
            if let money = Money(text) { return PriceTag(name: name, amount: money, words: nil) }
            let first = Door(rawValue: name).map { plan.firstUse(through: $0) } ?? .zero
            return PriceTag(name: name, amount: first, words: text)
        }
    }
}
