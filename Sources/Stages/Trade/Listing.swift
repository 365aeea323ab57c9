// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Policy
package import Primitives

/// A product on offer 挂牌: what it is, on which terms, for how much, through which doors.
///
/// The holder signs the document; an exchange shows it and cannot change a word of it.
package struct Listing: Hashable, Sendable {
    package enum State: String, Sendable, CaseIterable {
        /// Waits for the operator's review.
        case submitted
        case open
        case refused
        case withdrawn
        /// Closed by the valve or by a revoked registration; opens again when the reason is gone.
        case suspended
    }

    /// 开放属性: whether the public may have it without asking.
    package enum Openness: String, Sendable, CaseIterable {
        case unconditional, conditional, closed
    }

    package let id: ID<Listing>
    package let holder: ID<Party>
    package let title: LocalizedText
    package let about: LocalizedText
    package let openness: Openness
    /// The asset the product is made of, and where the income of a derived product goes back to.
    package let assetCode: String
    package let lineage: [LineageShare]
    /// How questions name the table.
    package let tableName: String
    /// Fields with types and grades, row count, watermark; for an open listing also its profile and a sample.
    package let summary: JSON
    package let terms: UsagePolicy
    /// The release rules of a `query` or `match` door.
    package let rules: JSON?
    package let price: PricePlan
    package let requiredAttestations: Set<String>
    /// The contract a buyer will sign, from a standard template.
    package let contract: ContractDraft

    package var code: Code { Code(.listing, id) }

    package init(
        id: ID<Listing>, holder: ID<Party>, title: LocalizedText, about: LocalizedText, openness: Openness,
        assetCode: String, lineage: [LineageShare], tableName: String, summary: JSON, terms: UsagePolicy,
        rules: JSON?, price: PricePlan, requiredAttestations: Set<String>,
        contract: ContractDraft = .standard
    ) {
        self.id = id
        self.holder = holder
        self.title = title
        self.about = about
        self.openness = openness
        self.assetCode = assetCode
        self.lineage = lineage
        self.tableName = tableName
        self.summary = summary
        self.terms = terms
        self.rules = rules
        self.price = price
        self.requiredAttestations = requiredAttestations
        self.contract = contract
    }

    /// Whether the catalog shows it. A grant on application is offered to its applicant alone.
    package var isForEverybody: Bool { summary["audience"] == nil }

    /// Whether this party may see it at all.
    package func isShown(to party: ID<Party>?) -> Bool {
        isForEverybody || party.map { summary["audience"]?.text == $0.urn || holder == $0 } == true
    }

    /// The column that says whom a row is about, by credit code or party code, where a copy may hold no rows but those of
    /// parties who authorize it; one of the rules for copies, which the holder signs with the listing.
    package var consentColumn: String? { summary["delivery"]?["consent"]?.text }

    /// The doors its terms permit.
    package var doors: [Door] {
        let actions = Set(terms.rules(.permission).flatMap(\.actions).map(\.name))
        return Door.allCases.filter { actions.contains($0.action) }
    }
}

/// What part of an income goes back to the holder of something this product was made from.
package struct LineageShare: Hashable, Sendable {
    package let listingCode: String
    package let holder: ID<Party>
    /// Of 10,000.
    package let basisPoints: Int64

    package init(listingCode: String, holder: ID<Party>, basisPoints: Int64) {
        self.listingCode = listingCode
        self.holder = holder
        self.basisPoints = basisPoints
    }
}

extension Listing {
    /// The signed form: what the holder answers for.
    package var json: JSON {
        [
            "id": .string(id.uuid), "holder": .string(holder.uuid),
            "title": ["zh": .string(title.zh), "en": .string(title.en)],
            "about": ["zh": .string(about.zh), "en": .string(about.en)],
            "openness": .string(openness.rawValue), "asset": .string(assetCode),
            "lineage": .array(
                lineage.map {
                    [
                        "listing": .string($0.listingCode), "holder": .string($0.holder.uuid),
                        "basisPoints": .integer($0.basisPoints),
                    ]
                }),
            "table": .string(tableName), "summary": summary, "terms": terms.json, "rules": rules ?? .null,
            "price": price.json, "requires": .array(requiredAttestations.sorted().map(JSON.string)),
            "contract": contract.json,
        ]
    }

    /// Reads the signed form. A policy that cannot be read throws its own problem; another part that cannot is
    /// `trade.listing-malformed`.
    package init(json: JSON) throws(Problem) {
        func part<Value>(_ name: String, _ value: Value?) throws(Problem) -> Value {
            guard let value else { throw Problem(.invalid, "trade.listing-malformed", ["part": .text(name)]) }
            return value
        }
        func text(_ json: JSON?) -> LocalizedText? {
            guard let zh = json?["zh"]?.text, let en = json?["en"]?.text else { return nil }
            return LocalizedText(zh: zh, en: en)
        }
        var lineage: [LineageShare] = []
        for share in json["lineage"]?.array ?? [] {
            lineage.append(
                LineageShare(
                    listingCode: try part("lineage", share["listing"]?.text),
                    holder: try part("lineage", share["holder"]?.text.flatMap { ID<Party>(uuid: $0) }),
                    basisPoints: try part("lineage", share["basisPoints"]?.integer)))
        }
        guard lineage.allSatisfy({ $0.basisPoints >= 0 }), lineage.map(\.basisPoints).reduce(0, +) <= 10_000
        else {
            throw Problem(.invalid, "trade.listing-malformed", ["part": .text("lineage")])
        }
        let rules = json["rules"] ?? .null
        self.init(
            id: try part("id", json["id"]?.text.flatMap { ID<Listing>(uuid: $0) }),
            holder: try part("holder", json["holder"]?.text.flatMap { ID<Party>(uuid: $0) }),
            title: try part("title", text(json["title"])), about: try part("about", text(json["about"])),
            openness: try part("openness", json["openness"]?.text.flatMap(Openness.init)),
            assetCode: try part("asset", json["asset"]?.text), lineage: lineage,
            tableName: try part("table", json["table"]?.text), summary: json["summary"] ?? .null,
            terms: try UsagePolicy(json: json["terms"] ?? .null), rules: rules.isNull ? nil : rules,
            price: try part("price", json["price"].flatMap(PricePlan.init(json:))),
            requiredAttestations: Set(json["requires"]?.array?.compactMap(\.text) ?? []),
            contract: try part(
                "contract", ContractDraft(json: json["contract"] ?? ContractDraft.standard.json)))
    }
}
