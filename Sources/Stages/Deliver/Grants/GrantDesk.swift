// SPDX-License-Identifier: Apache-2.0

package import Casework
import Identity
import Policy
package import Primitives
package import Register
package import Store
package import Trade

/// What an application for data 依申请 leads to: a granted one is an agreement about the approved fields until the
/// approved end, made in the commit of the decision. The procedure itself, with its clocks, appeal and letters, is a
/// declaration (`Packs/data-requests`); this follows its steps.
///
/// A grant is a listing for its applicant alone, so that every door and the valve treat it as any other: the fields
/// left out are never written into a file, the end is the terms' own, and withdrawing it is revoking the agreement.
package struct GrantDesk: Sendable {
    let context: StageContext
    let market: MarketService

    /// The procedure whose steps are followed.
    package static let procedure = "data-request"

    package init(context: StageContext, market: MarketService) {
        self.context = context
        self.market = market
    }

    /// Follows one step of a case, in that step's own commit. What it throws undoes the step.
    package func follow(
        _ record: CaseRecord, _ file: CaseFile, in transaction: any SQLWriting
    ) throws(Problem) {
        guard file.procedure == Self.procedure else { return }
        let listing = try ListingBook.openListing(file.subject, in: transaction)
        let applicant = try PartyRegister.party(named: file.applicant, in: transaction).id
        var said: [String: JSON] = ["case": .string(file.code.text), "state": .string(record.to)]
        said["reason"] = record.details["reason"].map(JSON.string)
        switch (record.action, record.to) {
        case ("open", _):
            guard listing.openness == .conditional else {
                throw Problem(
                    .conflict, "deliver.request-needless",
                    ["listing": .code(listing.code), "openness": .text(listing.openness.rawValue)])
            }
            _ = try terms(file.answers["fields"], file.answers["until"], listing, at: transaction.now)
            try tell([listing.holder], file, said, in: transaction)
        case (_, "granted"):
            try grant(record, file, listing, to: applicant, in: transaction)
            try tell([applicant], file, said, in: transaction)
        case ("withdraw", _):
            for agreement in try agreements(of: file, in: transaction) {
                try market.revokeGrant(agreement, in: transaction)
            }
            try ListingBook.setState(
                .withdrawn, of: Code(.listing, Self.listing(of: file)).text, in: transaction)
            try tell([applicant], file, said, in: transaction)
        case (_, "refused"), (_, "upheld"): try tell([applicant], file, said, in: transaction)
        case (_, let state) where state != record.from:
            try tell([listing.holder, applicant], file, said, in: transaction)
        default: break
        }
    }

    /// The listing for the applicant alone that a case led to, or would lead to.
    package static func listing(of file: CaseFile) -> ID<Listing> {
        ID(derivedFrom: Digest(of: "grant/" + file.code.text))
    }

    /// The agreements about what a case granted: one, as soon as both sides hold it.
    package func agreements(
        of file: CaseFile, in transaction: any SQLReading
    ) throws(Problem) -> [Agreement] {
        let applicant = try PartyRegister.party(named: file.applicant, in: transaction).id
        let listing = Self.listing(of: file)
        return try AgreementBook.agreements(of: applicant, in: transaction).filter {
            $0.listing.id == listing
        }
    }

    private func tell(
        _ parties: [ID<Party>], _ file: CaseFile, _ said: [String: JSON], in transaction: any SQLWriting
    ) throws(Problem) {
        for party in Set(parties) {
            try Notices.tell(
                party, .requestMoved, about: file.code.text, .object(said), in: transaction)
        }
    }

    // MARK: Granting

    private func grant(
        _ record: CaseRecord, _ file: CaseFile, _ listing: Listing, to applicant: ID<Party>,
        in transaction: any SQLWriting
    ) throws(Problem) {
        guard listing.holder == context.own else {
            throw Problem(.missing, "deliver.holder-elsewhere", ["agreement": .code(listing.code)])
        }
        let (fields, until) = try terms(
            record.details["fields"], record.details["until"], listing, at: transaction.now)
        let asked = try terms(
            file.answers["fields"], file.answers["until"], listing, at: transaction.now)
        guard Set(fields).isSubset(of: asked.fields) else {
            throw Problem(
                .invalid, "deliver.grant-widens",
                ["fields": .list(fields.filter { !asked.fields.contains($0) })])
        }
        let granted = try listing.granted(
            fields, for: file.answers["purpose"] ?? "", until: until, to: applicant,
            as: Self.listing(of: file))
        try ListingBook.put(granted, state: .open, in: transaction)
        guard try PartyRegister.party(applicant, in: transaction).address == .account else {
            return try market.offerGrant(granted, to: applicant, in: transaction)
        }
        let id = ID<Agreement>(derivedFrom: Digest(of: "agreement/" + granted.code.text))
        let policy = granted.terms.agreement(
            id: id.urn, assigner: listing.holder.urn, assignee: applicant.urn, target: granted.id.urn,
            at: Instant(seconds: transaction.now.seconds))
        let agreement = Agreement(
            id: id, provider: listing.holder, consumer: applicant, policy: policy, listing: granted)
        // The application said what the applicant wants; it is kept as his acceptance of what does not exceed it.
        try market.grant(agreement, evidence: Digest(of: file.json.canonicalBytes), in: transaction)
    }

    /// The fields and the end that somebody wrote; a field the listing has not, or an end that is over, is refused.
    private func terms(
        _ fields: String?, _ until: String?, _ listing: Listing, at now: Instant
    ) throws(Problem) -> (fields: [String], until: Instant) {
        let known = Set((listing.summary["fields"]?.array ?? []).compactMap { $0["name"]?.text })
        let names = (fields ?? "").split { ",，、; ".contains($0) }.map(String.init)
        if let unknown = names.first(where: { !known.contains($0) }) { throw .columnUnknown(unknown) }
        let text = until ?? ""
        let end =
            Instant(rfc3339: text)
            ?? CalendarDay(text).map {
                // A day is meant with all its hours.
                Instant(startOf: CalendarDay(daysSince1970: $0.daysSince1970 + 1), in: .shanghai)
            }
        guard !names.isEmpty, let end, end > now else {
            throw Problem(
                .invalid, "deliver.request-malformed", ["fields": .list(names), "until": .text(text)])
        }
        return (names, end)
    }
}

extension Listing {
    /// This product for one party alone: some of its fields, for one purpose, until an end. The price stays.
    fileprivate func granted(
        _ fields: [String], for purpose: String, until: Instant, to applicant: ID<Party>, as id: ID<Listing>
    ) throws(Problem) -> Listing {
        let open = Set(try deliveryRules().columns ?? fields)
        var delivery = summary["delivery"]?.object ?? [:]
        delivery["columns"] = .array(fields.filter(open.contains).map(JSON.string))
        var summary = summary.object ?? [:]
        summary["audience"] = .string(applicant.urn)
        summary["delivery"] = .object(delivery)
        summary["fields"] = .array(
            (summary["fields"]?.array ?? []).filter { fields.contains($0["name"]?.text ?? "") })
        let copies = doors.filter(\.handsOverACopy)
        let terms = PlainTerms(
            purposes: purpose.isEmpty ? [] : [purpose], until: until,
            doors: Set(copies.isEmpty ? [.download] : copies),
            isPaid: !price.costsNothing)
        return Listing(
            id: id, holder: holder, title: title, about: about, openness: openness, assetCode: assetCode,
            lineage: lineage, tableName: tableName, summary: .object(summary),
            terms: terms.policy(id: "urn:hutong:grant"), rules: rules, price: price,
            requiredAttestations: requiredAttestations)
    }
}
