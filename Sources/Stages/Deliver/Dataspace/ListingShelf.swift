// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Policy
import Primitives
import Store
import Trade

/// The open listings as the catalog protocol shows them to one participant: those for everybody, and those granted to
/// it alone.
struct ListingShelf: CatalogShelf {
    let reading: any SQLReading
    /// The `DataService` that serves every door.
    let service: String

    private static let pageMost = 100

    func page(
        _ request: CatalogRequest, for caller: String, after cursor: String?
    ) throws(Problem) -> CatalogPage {
        guard request.themes.isEmpty else { throw Self.refused("theme") }
        var chosen: Set<CatalogIndex.Facet> = []
        for format in request.formats {
            guard let door = Door.allCases.first(where: { $0.format == format }) else {
                throw Self.refused(format)
            }
            chosen.insert(.door(door))
        }
        let place = try cursor.map(Self.place)
        let page = try CatalogIndex.page(
            request.words.joined(separator: " "), chosen: chosen, from: place, most: Self.pageMost,
            in: reading)
        let before = place.flatMap { place -> String? in
            guard place.offset > 0 else { return nil }
            return "\(place.newest)-\(max(0, place.offset - Int64(Self.pageMost)))"
        }
        return CatalogPage(
            datasets: page.listings.map { $0.entry(service: service) },
            next: page.next.map { "\($0.newest)-\($0.offset)" }, previous: before)
    }

    func dataset(_ id: String, for caller: String) throws(Problem) -> DatasetEntry? {
        guard let id = ID<Listing>(uuid: id),
            let (listing, state) = try? ListingBook.listing(Code(.listing, id).text, in: reading),
            state == .open, listing.summary["audience"].map({ $0.text == caller }) ?? true
        else { return nil }
        return listing.entry(service: service)
    }

    private static func place(_ cursor: String) throws(Problem) -> SearchIndex.Cursor {
        let parts = cursor.split(separator: "-").compactMap { Int64($0) }
        guard parts.count == 2, parts.allSatisfy({ $0 >= 0 }) else { throw refused("cursor") }
        return SearchIndex.Cursor(newest: parts[0], offset: parts[1])
    }

    private static func refused(_ name: String) -> Problem {
        Problem(.invalid, "publish.search-unreadable", ["name": .text(name)])
    }
}

extension Listing {
    fileprivate func entry(service: String) -> DatasetEntry {
        var offer = terms
        offer.id = id.urn + "#offer"
        return DatasetEntry(
            id: id.urn, offers: [offer],
            distributions: doors.map { .init(format: $0.format, accessService: service) },
            description: [
                "dct:title": [
                    ["@value": .string(title.zh), "@language": "zh"],
                    ["@value": .string(title.en), "@language": "en"],
                ],
                "dct:description": [
                    ["@value": .string(about.zh), "@language": "zh"],
                    ["@value": .string(about.en), "@language": "en"],
                ],
                "dct:identifier": .string(code.text),
            ])
    }
}

extension Door {
    /// The format of a distribution: the field's word for a pull, ours for what the field has no word for.
    var format: String { self == .download ? "HttpData-PULL" : action }
}
