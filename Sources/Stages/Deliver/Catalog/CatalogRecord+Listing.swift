// SPDX-License-Identifier: Apache-2.0

import Identity
import Policy
import Primitives
import Publish
import Trade

/// A listing with what catalogs tell besides: who offers it, where, since when.
struct ListedProduct: Sendable {
    let listing: Listing
    let holder: Party
    let opened: Instant
    let changed: Instant

    /// The ways to the data, in the order of their identifiers.
    enum Way: UInt64, CaseIterable {
        case csv = 1
        case parquet, json, asked
    }

    /// Derived from the listing's identifier, so that it leads back to it: the last bits tell the way.
    static func id(_ listing: ID<Listing>, _ way: Way) -> ID<Listing> {
        ID(high: listing.high, low: listing.low ^ way.rawValue)
    }

    /// - Parameter own: the root of this node's pages.
    func record(own: String, isHere: Bool) -> CatalogRecord {
        let catalog = listing.summary["catalog"] ?? .null
        var root = own
        if !isHere, case .url(let url) = holder.address { root = url }
        return CatalogRecord(
            id: listing.id.uuid, code: listing.code.text, title: listing.title, about: listing.about,
            publisher: CatalogRecord.Publisher(
                code: holder.code.text, name: LocalizedText(holder.name), creditCode: holder.creditCode),
            keywords: catalog["keywords"]?.texts ?? [listing.tableName],
            catalogCode: catalog["code"]?.text.flatMap { CatalogCode($0) },
            openness: CatalogRecord.Openness(rawValue: listing.openness.rawValue) ?? .closed,
            sharing: catalog["sharing"]?.text.flatMap(CatalogRecord.Sharing.init) ?? .conditional,
            frequency: catalog["frequency"]?.text.flatMap(CatalogRecord.Frequency.init) ?? .unknown,
            issued: opened, modified: changed, license: catalog["license"]?.text,
            area: catalog["area"]?.text, fields: fields,
            rowCount: listing.summary["rows"]?.integer, grade: grade, distributions: distributions(root),
            origin: nil)
    }

    private var fields: [CatalogRecord.Field] {
        (listing.summary["fields"]?.array ?? []).compactMap { field in
            field["name"]?.text.map {
                CatalogRecord.Field(name: $0, type: DeltaTable.fileType(field["type"]?.text ?? ""))
            }
        }
    }

    private var grade: String? {
        (listing.summary["fields"]?.array ?? []).compactMap { $0["grade"]?.text }.max()
            .flatMap { $0.isEmpty ? nil : $0 }
    }

    private func distributions(_ root: String) -> [CatalogRecord.Distribution] {
        let page = "\(root)/listings/\(listing.code.text)"
        guard listing.isOpenFile else {
            return [
                CatalogRecord.Distribution(
                    id: Self.id(listing.id, .asked).uuid,
                    title: LocalizedText(zh: "按约定使用", en: "Use under an agreement"), format: "API",
                    accessURL: page)
            ]
        }
        return [(Way.csv, FileForm.csv), (.parquet, .parquet), (.json, .json)].map { way, form in
            CatalogRecord.Distribution(
                id: Self.id(listing.id, way).uuid, title: LocalizedText(form.rawValue.uppercased()),
                format: form.rawValue.uppercased(),
                mediaType: form.mediaType.split(separator: ";").first.map(String.init),
                accessURL: "\(root)/open/\(listing.code.text)",
                downloadURL: "\(root)/open/\(listing.code.text)/data.\(form.rawValue)", hasRows: way == .csv)
        }
    }
}

extension Listing {
    /// Whether everybody may take the whole along.
    package var isOpenFile: Bool { openness == .unconditional && doors.contains(.download) }
}
