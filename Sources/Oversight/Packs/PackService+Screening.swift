// SPDX-License-Identifier: Apache-2.0

package import Identity
import Lane
import Lists
package import Policy
package import Primitives
import Register
import Store
package import Trade
import Transparency

/// An entry of one of the four lists of trade and of use that a text matches.
package struct ScreeningHit: Hashable, Sendable {
    package let list: LocalizedText
    package let entry: String
    package let since: CalendarDay

    package var json: JSON {
        [
            "list": ["zh": .string(list.zh), "en": .string(list.en)], "entry": .string(entry),
            "since": .string(since.description),
        ]
    }
}

/// The two pairs of lists, kept apart as their source keeps them: what may be traded, and what data may be used for.
package enum ExclusionList {
    package static let tradeNegative = "trade-negative"
    package static let tradePrudent = "trade-prudent"
    package static let useProhibited = "use-prohibited"
    package static let usePrudent = "use-prudent"
    /// Purposes that a review approved for a party, by the procedure `use-review`.
    package static let approvedUses = "approved-uses"
}

extension PackService {
    /// Refuses a listing that the negative list of trade names (S65), or one whose own terms are for a prohibited use
    /// (S124). Where the lists are not installed nothing is refused.
    package func refuseListing(_ listing: Listing) async throws(Problem) {
        if let hit = try await hits(of: listing.screenedText, in: ExclusionList.tradeNegative).first {
            throw Self.problem("lists.listing-prohibited", hit)
        }
        for purpose in listing.terms.purposes.sorted() {
            if let hit = try await hits(of: purpose, in: ExclusionList.useProhibited).first {
                throw Self.problem("lists.use-prohibited", hit)
            }
        }
    }

    /// What a reviewer must look at: the prudent entries, of trade and of use, that a listing matches. A listing is
    /// opened by a person who has seen them.
    package func prudentHits(of listing: Listing) async throws(Problem) -> [ScreeningHit] {
        try await hits(of: listing.screenedText, in: ExclusionList.tradePrudent)
            + hits(of: listing.terms.purposes.sorted().joined(separator: " "), in: ExclusionList.usePrudent)
    }

    /// Refuses terms with a purpose that the prohibited list names, or that the prudent list names and no review has
    /// approved for this party (S124). Purposes of the listing itself were looked at when it was opened.
    package func refuseUse(
        _ terms: UsagePolicy, of listing: UsagePolicy?, by party: ID<Party>
    ) async throws(Problem) {
        let fresh = terms.purposes.subtracting(listing?.purposes ?? [])
        for purpose in terms.purposes.sorted() {
            if let hit = try await hits(of: purpose, in: ExclusionList.useProhibited).first {
                throw Self.problem("lists.use-prohibited", hit)
            }
            guard fresh.contains(purpose),
                let hit = try await hits(of: purpose, in: ExclusionList.usePrudent).first,
                try await !isApproved(purpose, for: party)
            else { continue }
            throw Self.problem("lists.use-review-needed", hit)
        }
    }

    /// Approved uses are a list that the procedure `use-review` writes.
    private func isApproved(_ purpose: String, for party: ID<Party>) async throws(Problem) -> Bool {
        let (packs, lists, clock) = (packs, lists, context.clock)
        return try await store.read { reader throws(Problem) in
            guard let schema = try? packs.list(ExclusionList.approvedUses, reader) else { return false }
            let today = clock.now().day(in: .shanghai)
            return try lists.entries(of: schema, asOf: today, reader).contains {
                $0.content["purpose"]?.text == purpose
                    && $0.content["party"]?.text == Code(.party, party).text
            }
        }
    }

    /// Looks at every open listing again after the negative list changed, and suspends what it now names. State,
    /// leaf, notice and the message to the holder's node are one commit.
    ///
    /// - Returns: the codes of the suspended listings.
    package func screenOpenListings() async throws(Problem) -> [String] {
        let entries = try await entries(of: ExclusionList.tradeNegative)
        guard !entries.isEmpty else { return [] }
        let context = context
        return try await store.write { writer throws(Problem) in
            var suspended: [String] = []
            for (listing, _) in try ListingBook.all(in: [.open], in: writer) {
                guard let hit = entries.first(where: { $0.matches(listing.screenedText) }) else { continue }
                let (code, why) = (listing.code, "\(hit.list): \(hit.entry)")
                try ListingBook.setState(.suspended, of: code.text, in: writer)
                try context.record(
                    .listingWithdrawn, code, ["listing": .string(code.text), "why": .string(why)], in: writer)
                try Notices.tell(
                    listing.holder, .listingRefused, about: code.text, ["why": .string(why)], in: writer)
                let holder = try PartyRegister.party(listing.holder, in: writer)
                if holder.address != .account, holder.id != context.own {
                    try context.lane.post(
                        "listing.state",
                        [
                            "listing": .string(code.text),
                            "state": .string(Listing.State.suspended.rawValue), "attestations": [],
                        ], to: holder.id, in: writer)
                }
                suspended.append(code.text)
            }
            return suspended
        }
    }

    private func hits(of text: String, in list: String) async throws(Problem) -> [ScreeningHit] {
        try await entries(of: list).filter { $0.matches(text) }.map(\.hit)
    }

    private func entries(of id: String) async throws(Problem) -> [ScreeningEntry] {
        let (packs, lists, clock) = (packs, lists, context.clock)
        return try await store.read { reader throws(Problem) in
            guard let schema = try? packs.list(id, reader) else { return [] }
            let today = clock.now().day(in: .shanghai)
            return try lists.entries(of: schema, asOf: today, reader).map {
                ScreeningEntry(list: schema.title, $0)
            }
        }
    }

    private static func problem(_ code: String, _ hit: ScreeningHit) -> Problem {
        Problem(
            .forbidden, code,
            [
                "list": .localized(hit.list), "entry": .text(hit.entry), "day": .text(hit.since.description),
            ])
    }
}

/// One entry with the words by which it is recognized.
private struct ScreeningEntry: Sendable {
    let hit: ScreeningHit
    private let words: [String]

    var list: String { hit.list.zh }
    var entry: String { hit.entry }

    init(list: LocalizedText, _ entry: ListEntry) {
        hit = ScreeningHit(list: list, entry: entry.key, since: entry.validFrom)
        let keywords = entry.content["keywords"]?.array?.compactMap(\.text) ?? []
        words = (keywords.isEmpty ? [entry.key] : keywords).map { $0.lowercased() }
    }

    func matches(_ text: String) -> Bool {
        let text = text.lowercased()
        return words.contains { text.contains($0) }
    }
}

extension UsagePolicy {
    /// Every purpose that a permission names, wherever in its conditions it stands.
    fileprivate var purposes: Set<String> {
        Set(rules(.permission).flatMap(\.constraints).flatMap(\.purposes))
    }
}

extension UsageConstraint {
    fileprivate var purposes: [String] {
        switch self {
        case .logical(_, let parts, _): parts.flatMap(\.purposes)
        case .atomic(let comparison):
            LeftOperand(rawValue: comparison.leftOperand) == .purpose ? comparison.rightOperands : []
        }
    }
}

extension Listing {
    /// What a listing says of itself: titles, description, names of fields, terms.
    fileprivate var screenedText: String {
        let fields = summary["fields"]?.array?.compactMap { $0["name"]?.text } ?? []
        return ([title.zh, title.en, about.zh, about.en, tableName] + fields).joined(separator: " ")
    }
}
