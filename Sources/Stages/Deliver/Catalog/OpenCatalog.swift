// SPDX-License-Identifier: Apache-2.0

import Identity
package import Primitives
package import Publish
import Register
import Store
import Trade

/// The open listings as DCAT, CKAN and the open data pages show them. Rows come through the valve.
package struct OpenCatalog: OpenDataShelf {
    let delivery: DeliveryService
    /// The root of this node's pages, without a final slash.
    let address: String

    package init(delivery: DeliveryService, address: String) {
        self.delivery = delivery
        self.address = address
    }

    /// Filters that the index does not know are tried on this many hits; a search that finds more is to be narrowed.
    private static let filteredMax = 10_000
    private static let pageMax = 1000

    // MARK: Searching

    package func find(_ query: CatalogQuery) async throws(Problem) -> CatalogFindings {
        let openness = query.filters[.openness] ?? []
        let chosen = Set(openness.compactMap { CatalogIndex.Facet(name: "openness", value: $0) })
        guard chosen.count == openness.count else { throw Self.unreadable(openness.sorted().first ?? "") }
        let others = query.filters.filter { $0.key != .openness }
        let needsAll =
            !others.isEmpty || query.order == .name || openness.count > 1
            || query.facets.contains { $0 != .openness }
        return try await needsAll
            ? filtered(query) : page(query, chosen: chosen)
    }

    /// The index alone answers: a page at any place costs the same few milliseconds.
    private func page(
        _ query: CatalogQuery, chosen: Set<CatalogIndex.Facet>
    ) async throws(Problem) -> CatalogFindings {
        try await delivery.context.store.read { transaction throws(Problem) in
            let page = try CatalogIndex.page(
                query.words, chosen: chosen, from: .init(newest: .max, offset: Int64(query.start)),
                most: query.rows, in: transaction)
            let counts = page.facets.filter { $0.facet.name == "openness" }.map { ($0.facet.value, $0.count) }
            return CatalogFindings(
                count: page.total, records: try records(page.listings, in: transaction),
                facets: query.facets.contains(.openness)
                    ? [.openness: Dictionary(counts) { first, _ in first }] : [:])
        }
    }

    private func filtered(_ query: CatalogQuery) async throws(Problem) -> CatalogFindings {
        let all = try await delivery.context.store.read { transaction throws(Problem) in
            var listings: [Listing] = []
            var cursor: SearchIndex.Cursor? = .init(newest: .max, offset: 0)
            while let place = cursor, listings.count <= Self.filteredMax {
                let page = try CatalogIndex.page(
                    query.words, chosen: [], from: place, most: Self.pageMax, in: transaction)
                listings += page.listings
                cursor = page.next
            }
            guard cursor == nil else {
                throw Problem(
                    .limited, "deliver.search-too-wide", ["most": .integer(Int64(Self.filteredMax))])
            }
            return try records(listings, in: transaction)
        }
        var matching = all.filter { record in
            query.filters.allSatisfy { facet, values in
                !values.isDisjoint(with: record.values(of: facet))
            }
        }
        switch query.order {
        case .name: matching.sort { $0.code < $1.code }
        case .modified: matching.sort { ($1.modified, $0.code) < ($0.modified, $1.code) }
        case .relevance: break
        }
        var facets: [CatalogQuery.Facet: [String: Int]] = [:]
        for facet in query.facets {
            for value in matching.flatMap({ $0.values(of: facet) }) {
                facets[facet, default: [:]][value, default: 0] += 1
            }
        }
        return CatalogFindings(
            count: matching.count, records: Array(matching.dropFirst(query.start).prefix(query.rows)),
            facets: facets)
    }

    private func records(
        _ listings: [Listing], in transaction: any SQLReading
    ) throws(Problem) -> [CatalogRecord] {
        var holders: [ID<Party>: Party] = [:]
        return try listings.map { listing throws(Problem) in
            let holder: Party
            if let known = holders[listing.holder] {
                holder = known
            } else {
                holder = try PartyRegister.party(listing.holder, in: transaction)
                holders[listing.holder] = holder
            }
            let times = try transaction.first(
                "SELECT opened_at, changed_at FROM trade_listing WHERE id = ?", [listing.id]
            ) { row throws(Problem) in (try row.instant(0), try row.instant(1)) }
            let start = Instant(seconds: 0)
            return ListedProduct(
                listing: listing, holder: holder, opened: times?.0 ?? start, changed: times?.1 ?? start
            ).record(own: address, isHere: listing.holder == delivery.context.own)
        }
    }

    private static func unreadable(_ text: String) -> Problem {
        Problem(.invalid, "publish.search-unreadable", ["name": .text(text)])
    }

    // MARK: One by one

    package func record(_ name: String) async throws(Problem) -> CatalogRecord? {
        let code = ID<Listing>(uuid: name).map { Code(.listing, $0).text } ?? name
        return try await delivery.context.store.read { transaction throws(Problem) in
            guard let (listing, state) = try? ListingBook.listing(code, in: transaction), state == .open,
                listing.isForEverybody
            else { return nil }
            return try records([listing], in: transaction).first
        }
    }

    package func distribution(_ id: String) async throws(Problem) -> (
        CatalogRecord, CatalogRecord.Distribution
    )? {
        guard let id = ID<Listing>(uuid: id) else { return nil }
        for way in ListedProduct.Way.allCases {
            guard let record = try await record(ListedProduct.id(id, way).uuid) else { continue }
            return record.distributions.first { $0.id == id.uuid }.map { (record, $0) }
        }
        return nil
    }

    package func publishers() async throws(Problem) -> [(CatalogRecord.Publisher, Int)] {
        try await delivery.context.store.read { transaction throws(Problem) in
            let counts = try transaction.all(
                "SELECT holder_id, count(*) FROM trade_listing WHERE state = 'open' GROUP BY holder_id"
            ) { row throws(Problem) in (try row.id(0, of: Party.self), try row.int(1)) }
            return try counts.map { id, count throws(Problem) in
                let party = try PartyRegister.party(id, in: transaction)
                return (
                    CatalogRecord.Publisher(
                        code: party.code.text, name: LocalizedText(party.name), creditCode: party.creditCode),
                    count
                )
            }
        }
    }

    package func rows(_ query: RowQuery) async throws(Problem) -> RowPage {
        guard let (record, _) = try await distribution(query.distribution) else {
            throw Problem(.missing, "publish.record-missing", ["name": .text(query.distribution)])
        }
        return try await delivery.openRows(query, of: record.code)
    }

    // MARK: What is public about uses

    /// How often an open table was taken, by way, and how many bytes left.
    package func uses(of code: String) async throws(Problem) -> [(way: String, count: Int64, bytes: Int64)] {
        try await delivery.context.store.read { transaction throws(Problem) in
            try transaction.all(
                """
                SELECT way, sum(count), sum(bytes) FROM deliver_open_use WHERE listing_code = ?
                GROUP BY way ORDER BY way
                """, [code]
            ) { row throws(Problem) in (try row.text(0), try row.integer(1), try row.integer(2)) }
        }
    }

    /// Keeps what a reader says about a listing, for its holder.
    package func tell(_ words: String, about code: String) async throws(Problem) {
        let said = words.prefix(Self.wordsMax)
        guard !said.allSatisfy(\.isWhitespace) else {
            throw Problem(.invalid, "app.part-missing", ["part": "words"])
        }
        try await delivery.context.store.write { transaction throws(Problem) in
            let listing = try ListingBook.openListing(code, in: transaction)
            let waiting = try transaction.count(
                "SELECT count(*) FROM deliver_feedback WHERE listing_code = ?", [listing.code])
            guard waiting < Self.feedbackMax else { throw Problem(.limited, "deliver.feedback-full") }
            try transaction.execute(
                "INSERT INTO deliver_feedback (id, listing_code, words, at) VALUES (?, ?, ?, ?)",
                [ID<Listing>(at: transaction.now), listing.code, String(said), transaction.now])
        }
    }

    /// What readers said, newest first.
    package func feedback(
        on code: String, most: Int = 20
    ) async throws(Problem) -> [(words: String, at: Instant)] {
        try await delivery.context.store.read { transaction throws(Problem) in
            try transaction.all(
                "SELECT words, at FROM deliver_feedback WHERE listing_code = ? ORDER BY at DESC LIMIT ?",
                [code, most]
            ) { row throws(Problem) in (try row.text(0), try row.instant(1)) }
        }
    }

    /// A remark is a remark; a longer text is cut.
    private static let wordsMax = 2000
    /// Anybody may write, so somebody will write too much.
    private static let feedbackMax = 10_000
}

extension CatalogRecord {
    func values(of facet: CatalogQuery.Facet) -> Set<String> {
        switch facet {
        case .organization: [publisher.code]
        case .tags: Set(keywords)
        case .openness: [openness.rawValue]
        case .format: Set(distributions.map(\.format))
        case .license: license.map { [$0] } ?? []
        }
    }
}
