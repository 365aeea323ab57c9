// SPDX-License-Identifier: Apache-2.0

private import Policy
package import Primitives

/// The contract of an agreement in words: a pure function of what both sides sign, so that its digest can be recomputed
/// by either of them and by a court.
package struct ContractText: Hashable, Sendable {
    package let template: String
    package let text: LocalizedText

    /// What both sides sign and the log names.
    package var digest: Digest { Digest(of: json.canonicalBytes) }

    package var json: JSON {
        ["template": .string(template), "zh": .string(text.zh), "en": .string(text.en)]
    }

    fileprivate init(_ template: ContractTemplate, _ draft: ContractDraft, _ values: [String: LocalizedText])
    {
        let clauses = template.clauses.filter { !draft.omitted.contains($0.name) }
        func written(_ part: (LocalizedText) -> String) -> String {
            clauses.enumerated().map { place, clause in
                var text = part(clause.text)
                for (field, value) in values { text = text.replacing("{\(field)}", with: part(value)) }
                return "\(place + 1). \(part(clause.title))\n\(text)"
            }.joined(separator: "\n\n")
        }
        self.template = template.name
        text = LocalizedText(zh: written(\.zh), en: written(\.en))
    }
}

extension Agreement {
    /// The contract that this agreement is. Throws where the listing's draft leaves a mandatory clause out: such an
    /// agreement cannot be signed.
    package func contractText() throws(Problem) -> ContractText {
        let template = try listing.contract.checked()
        let terms = PlainTerms(policy)
        let unlimited = LocalizedText(zh: "不限", en: "without limit")
        func plain(_ text: String) -> LocalizedText { LocalizedText(text) }
        var values = template.fields.merging(listing.contract.fields) { _, given in given }.mapValues(plain)
        values["provider"] = plain(Code(.party, provider).text)
        values["consumer"] = plain(Code(.party, consumer).text)
        values["title"] = listing.title
        values["listing"] = plain(listing.code.text)
        values["asset"] = plain(listing.assetCode)
        let purposes = (terms?.purposes ?? []).sorted().joined(separator: ", ")
        values["purposes"] =
            purposes.isEmpty ? LocalizedText(zh: "任何合法用途", en: "any lawful purpose") : plain(purposes)
        values["until"] = terms?.until.map { plain("\($0.day(in: .shanghai))") } ?? unlimited
        values["uses"] = terms?.usesMax.map { plain("\($0)") } ?? unlimited
        values["doors"] = plain(listing.doors.map(\.rawValue).joined(separator: ", "))
        values["price"] = listing.price.words
        values["disputeDays"] = plain("\(Settlement.disputeDays)")
        return ContractText(template, listing.contract, values)
    }
}

extension PricePlan {
    /// The plan as a person reads it.
    fileprivate var words: LocalizedText {
        guard !components.isEmpty else { return LocalizedText(zh: "免费", en: "free") }
        let parts = components.map { ($0.meter ?? "month") + ": " + written($0) }
        let cap = capMinorUnits.map { Money(minorUnits: $0).description }
        return LocalizedText(
            zh: (parts + (cap.map { ["每月最多 \($0)"] } ?? [])).joined(separator: "；"),
            en: (parts + (cap.map { ["at most \($0) a month"] } ?? [])).joined(separator: "; "))
    }
}
