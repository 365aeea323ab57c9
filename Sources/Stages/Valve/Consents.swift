// SPDX-License-Identifier: Apache-2.0

import Identity
import Policy
package import Primitives
package import Register
package import Store
import Trade

/// What a use is permitted on beside its agreement: named in the leaf and the record of the commit that acts on it.
package struct Permit: Hashable, Sendable {
    /// The authorizations of those whom the rows are about; empty where the listing's rows need none.
    package let consents: [Mandate]

    package var json: JSON {
        consents.isEmpty ? [:] : ["consents": .array(consents.map { .string($0.code.text) })]
    }
}

/// The clause of those whom rows are about 一次授权、多次使用: a person or a firm says once to whom, for what, which fields,
/// until when; each later use needs no act of theirs, is shown to them, and stops with the next call after they withdrew.
extension DataValve {
    /// The authorizations that cover a copy, counted as used in the deciding commit. None needed, none asked; nobody's
    /// at all is `valve.consent-missing`.
    func requireConsents(_ use: Use, in transaction: any SQLWriting) throws(Problem) -> [Mandate] {
        guard use.door.handsOverACopy, use.agreement.listing.consentColumn != nil else { return [] }
        let given = try MandateBook.authorizations(
            verb: use.door.rawValue, subject: use.agreement.listing.code.text, purpose: use.purpose,
            fields: use.columns, to: use.asker.id, in: transaction)
        guard !given.isEmpty else {
            throw Problem(
                .forbidden, "valve.consent-missing",
                [
                    "party": .text(use.asker.name), "purpose": .text(use.purpose),
                    "fields": .list(use.columns.sorted()),
                ])
        }
        return given
    }

    /// Throws if a use that was permitted before must not go on: something about it was closed, or an authorization that
    /// it rests on was withdrawn. Asked again right before a copy leaves, and before it leaves once more.
    package func requireStanding(
        _ passage: Passage, of use: Use, in transaction: any SQLReading
    ) throws(Problem) {
        try requireOpen(use, in: transaction)
        _ = try consents(of: passage, in: transaction)
    }

    /// How the rows of those who authorized a passage are named: by party code and credit code. One authorization
    /// withdrawn since then is `valve.consent-withdrawn`.
    package func identifiers(
        of passage: Passage, in transaction: any SQLReading
    ) throws(Problem) -> [String] {
        let people = try consents(of: passage, in: transaction).map { mandate throws(Problem) in
            try PartyRegister.party(mandate.principal, in: transaction)
        }
        return people.flatMap { [$0.code.text] + ($0.creditCode.map { [$0] } ?? []) }
    }

    /// Shows a use to everybody who authorized it, in the commit that settles it.
    package func tellConsenting(
        _ passage: Passage, of use: Use, in transaction: any SQLWriting
    ) throws(Problem) {
        for mandate in try consents(of: passage, in: transaction) {
            try Notices.tell(
                mandate.principal, .authorizationUsed, about: passage.code.text,
                [
                    "mandate": .string(mandate.code.text), "by": .string(use.asker.name),
                    "purpose": .string(use.purpose), "listing": .string(use.agreement.listing.code.text),
                ], in: transaction)
        }
    }

    private func consents(of passage: Passage, in transaction: any SQLReading) throws(Problem) -> [Mandate] {
        let codes = (passage.document["consents"]?.array ?? []).compactMap(\.text)
        let standing = try MandateBook.inForce(codes, in: transaction)
        guard standing.count == codes.count else {
            throw Problem(.forbidden, "valve.consent-withdrawn", ["passage": .code(passage.code)])
        }
        return standing
    }
}
