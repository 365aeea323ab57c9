// SPDX-License-Identifier: Apache-2.0

package import Identity
import Policy
package import Primitives

/// A data space or zone 数据空间、专区: who is in it, who runs it under which mandate, and what may be offered there.
package struct Space: Hashable, Sendable {
    /// The zones the city names, and any other. Each is a template: the limits a new zone of its kind starts with.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case finance, medicine, transport, location, aerospace, research, other

        /// 专区名称.
        package var title: LocalizedText {
            switch self {
            case .finance: LocalizedText(zh: "金融公共数据专区", en: "Finance data zone")
            case .medicine: LocalizedText(zh: "医疗健康数据专区", en: "Medicine data zone")
            case .transport: LocalizedText(zh: "交通数据专区", en: "Transport data zone")
            case .location: LocalizedText(zh: "位置数据专区", en: "Location data zone")
            case .aerospace: LocalizedText(zh: "空间数据专区", en: "Space and remote sensing data zone")
            case .research: LocalizedText(zh: "科研数据专区", en: "Research data zone")
            case .other: LocalizedText(zh: "数据空间", en: "Data space")
            }
        }

        /// Whether raw rows stay inside: true wherever rows are about people or firms.
        package var forbidsRawRows: Bool { [.finance, .medicine, .transport, .location].contains(self) }
    }

    package let id: ID<Space>
    package let kind: Kind
    package let title: LocalizedText
    /// Who runs it 运营单位.
    package let `operator`: ID<Party>
    /// The operator's authorization: dated, and over the moment it is withdrawn.
    package let mandateCode: String
    /// What a member has to fulfil, in the operator's words.
    package let entry: LocalizedText
    package let forbidsRawRows: Bool
    /// The most that one use may cost; `nil` for no ceiling.
    package let feeCeiling: Money?
    /// What of each income must go back to the holders a product was made from, of 10,000.
    package let holdersShare: Int64

    package var code: Code { Code(.space, id) }

    package init(
        id: ID<Space>, kind: Kind, title: LocalizedText, operator: ID<Party>, mandateCode: String,
        entry: LocalizedText, forbidsRawRows: Bool, feeCeiling: Money?, holdersShare: Int64
    ) {
        self.id = id
        self.kind = kind
        self.title = title
        self.operator = `operator`
        self.mandateCode = mandateCode
        self.entry = entry
        self.forbidsRawRows = forbidsRawRows
        self.feeCeiling = feeCeiling
        self.holdersShare = holdersShare
    }

    /// What speaks against offering a product here. A product whose raw rows may leave is none here: it must be made from
    /// something, or hand over no copy; its price stays below the ceiling, and its holders get their share.
    package func objection(to listing: Listing) -> Problem? {
        let copies = listing.doors.filter(\.handsOverACopy)
        if forbidsRawRows, !copies.isEmpty, listing.lineage.isEmpty {
            return Problem(
                .conflict, "trade.space-raw-rows",
                ["space": .code(code), "doors": .list(copies.map(\.rawValue))])
        }
        let dearest = listing.price.dearestUse
        if let feeCeiling, dearest.minorUnits > feeCeiling.minorUnits {
            return Problem(
                .conflict, "trade.space-too-dear",
                ["space": .code(code), "price": .money(dearest), "ceiling": .money(feeCeiling)])
        }
        let share = listing.lineage.map(\.basisPoints).reduce(0, +)
        if !listing.lineage.isEmpty, share < holdersShare {
            return Problem(
                .conflict, "trade.space-share-missing",
                ["space": .code(code), "share": .integer(share), "least": .integer(holdersShare)])
        }
        return nil
    }

    package var json: JSON {
        [
            "id": .string(id.uuid), "kind": .string(kind.rawValue),
            "title": ["zh": .string(title.zh), "en": .string(title.en)], "operator": .string(`operator`.uuid),
            "mandate": .string(mandateCode), "entry": ["zh": .string(entry.zh), "en": .string(entry.en)],
            "forbidsRawRows": .bool(forbidsRawRows),
            "feeCeiling": feeCeiling.map { .string($0.description) } ?? .null,
            "holdersShare": .integer(holdersShare),
        ]
    }

    package init(json: JSON) throws(Problem) {
        func text(_ json: JSON?) -> LocalizedText {
            LocalizedText(zh: json?["zh"]?.text ?? "", en: json?["en"]?.text ?? "")
        }
        guard let id = json["id"]?.text.flatMap({ ID<Space>(uuid: $0) }),
            let kind = json["kind"]?.text.flatMap(Kind.init),
            let `operator` = json["operator"]?.text.flatMap({ ID<Party>(uuid: $0) })
        else { throw Problem(.fault, "trade.listing-malformed", ["part": .text("space")]) }
        self.init(
            id: id, kind: kind, title: text(json["title"]), operator: `operator`,
            mandateCode: json["mandate"]?.text ?? "", entry: text(json["entry"]),
            forbidsRawRows: json["forbidsRawRows"]?.bool ?? true,
            feeCeiling: json["feeCeiling"]?.text.flatMap { Money($0) },
            holdersShare: json["holdersShare"]?.integer ?? 0)
    }
}

extension Listing {
    /// The space it lies in; `nil` is the exchange floor, the root.
    package var spaceCode: String? { summary["space"]?.text }
}
