// SPDX-License-Identifier: Apache-2.0

import Policy
package import Primitives

/// Which listings answer a demand, the best first 交易撮合, with the reasons a person is shown. Pure: the same book gives
/// the same ranking.
///
/// What does not meet a demand's conditions does not stand in it at all, whatever it costs. Among the rest the order is:
/// more of the words, then the lower price, then the earlier listing.
package struct DemandRanking: Hashable, Sendable {
    package struct Rank: Hashable, Sendable {
        package let listing: Listing
        package let match: DemandMatch
        package let price: Money
        package let opened: Instant

        package var json: JSON {
            [
                "listing": .string(listing.code.text),
                "title": ["zh": .string(listing.title.zh), "en": .string(listing.title.en)],
                "found": .array(match.found.map(JSON.string)),
                "missing": .array(match.missing.map(JSON.string)),
                "wordShare": .integer(Int64(match.wordShare)), "price": .string(price.description),
                "opened": .string(opened.rfc3339),
            ]
        }
    }

    package let ranks: [Rank]

    package init(_ demand: Demand, among offers: [(listing: Listing, opened: Instant)]) {
        ranks = offers.compactMap { offer in
            let match = DemandMatch(demand, with: offer.listing)
            guard match.isMatch, Self.permits(demand.purpose, offer.listing) else { return nil }
            return Rank(
                listing: offer.listing, match: match, price: offer.listing.price.dearestUse,
                opened: offer.opened)
        }.sorted(by: Self.precedes)
    }

    private static func precedes(_ left: Rank, _ right: Rank) -> Bool {
        let (words, otherWords) = (left.match.found.count, right.match.found.count)
        if words != otherWords { return words > otherWords }
        if left.price != right.price { return left.price.minorUnits < right.price.minorUnits }
        if left.opened != right.opened { return left.opened < right.opened }
        return left.listing.code < right.listing.code
    }

    /// Terms that name purposes permit no other; a demand that names none has to ask first.
    private static func permits(_ purpose: String, _ listing: Listing) -> Bool {
        let purposes = PlainTerms(listing.terms)?.purposes ?? []
        return purpose.isEmpty || purposes.isEmpty || purposes.contains(purpose)
    }
}
