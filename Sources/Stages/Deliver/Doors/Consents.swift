// SPDX-License-Identifier: Apache-2.0

import Identity
import Policy
import Primitives
import Register
import Store
import Trade
import Valve

/// Who authorizes that rows about him leave 一次授权、多次使用: a person or a firm says once to whom, for what, which
/// fields, until when; each later use needs no act of his, is shown to him, and stops with the next call after he
/// withdrew it.
enum Consents {
    /// The authorizations that cover a use, counted as used in the commit that reserves it. Empty where the listing's
    /// rows need none; nobody's consent at all is `deliver.consent-missing`.
    static func take(
        for use: Use, _ fields: [String], of listing: Listing, in transaction: any SQLWriting
    ) throws(Problem) -> [Mandate] {
        let rules = try listing.deliveryRules()
        guard rules.consent != nil else { return [] }
        let all = (listing.summary["fields"]?.array ?? []).compactMap { $0["name"]?.text }
        let wanted = Set(fields.isEmpty ? rules.columns ?? all : fields)
        let given = try MandateBook.authorizations(
            verb: use.door.rawValue, subject: listing.code.text, purpose: use.purpose, fields: wanted,
            to: use.asker.id, in: transaction)
        guard !given.isEmpty else {
            throw Problem(
                .forbidden, "deliver.consent-missing",
                [
                    "party": .text(use.asker.name), "purpose": .text(use.purpose),
                    "fields": .list(wanted.sorted()),
                ])
        }
        return given
    }

    static func noted(_ consents: [Mandate]) -> JSON {
        consents.isEmpty ? [:] : ["consents": .array(consents.map { .string($0.code.text) })]
    }

    /// How the rows of those who authorized a passage are named. One withdrawn since then ends the passage.
    static func identifiers(of passage: Passage, in transaction: any SQLReading) throws(Problem) -> [String] {
        guard let codes = passage.document["consents"]?.texts else { return [] }
        let mandates = try MandateBook.inForce(codes, in: transaction)
        guard mandates.count == codes.count else {
            throw Problem(.forbidden, "deliver.consent-withdrawn", ["passage": .code(passage.code)])
        }
        let people = try mandates.map { mandate throws(Problem) in
            try PartyRegister.party(mandate.principal, in: transaction)
        }
        return people.flatMap { [$0.code.text] + ($0.creditCode.map { [$0] } ?? []) }
    }

    /// Shows a use to everybody who authorized it, in the commit that settles it.
    static func tell(_ passage: Passage, _ use: Use, in transaction: any SQLWriting) throws(Problem) {
        let mandates = try MandateBook.inForce(passage.document["consents"]?.texts ?? [], in: transaction)
        for mandate in mandates {
            try Notices.tell(
                mandate.principal, .authorizationUsed, about: passage.code.text,
                [
                    "mandate": .string(mandate.code.text), "by": .string(use.asker.name),
                    "purpose": .string(use.purpose), "listing": .string(use.agreement.listing.code.text),
                ], in: transaction)
        }
    }
}
