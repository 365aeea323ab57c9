// SPDX-License-Identifier: Apache-2.0

package import Identity
private import Lane
package import Primitives
import Register
package import Store
private import Transparency

/// Agreements that a decision makes, not a negotiation: the holder signs, and what the other side said before is kept
/// as its acceptance.
extension MarketService {
    /// Brings an agreement of ours into force on evidence of the consumer's acceptance: the digest of an application,
    /// or of a transcript that its credentials proved.
    package func grant(
        _ agreement: Agreement, evidence: Digest, in transaction: any SQLWriting
    ) throws(Problem) {
        let own = try PartyRegister.party(context.own, in: transaction)
        let signature = try context.signer.signature(for: agreement.signedBytes)
        _ = try AgreementBook.sign(agreement, by: own, signature: signature, in: transaction)
        try AgreementBook.acknowledge(agreement.code.text, by: evidence, in: transaction)
        try enter(AgreementBook.agreement(agreement.code.text, in: transaction), in: transaction)
    }

    /// Offers a granted listing to its applicant's own node, which then concludes as in any negotiation.
    package func offerGrant(
        _ listing: Listing, to applicant: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) {
        try context.lane.post("listing.granted", ["listing": listing.json], to: applicant, in: transaction)
    }

    /// Takes a listing that its holder made for us alone, and asks for it under its own terms.
    package func takeGrant(_ json: JSON, from holder: Party) async throws(Problem) {
        let listing = try Listing(json: json["listing"] ?? .null)
        guard listing.holder == holder.id, listing.summary["audience"]?.text == context.own.urn else {
            throw Problem(.forbidden, "trade.listing-malformed", ["part": .text("audience")])
        }
        try await context.store.write { transaction throws(Problem) in
            try ListingBook.put(listing, state: .open, in: transaction)
        }
        let known = try await context.store.read { [own = context.own] transaction throws(Problem) in
            try NegotiationDesk.rows(of: own, in: transaction).contains {
                $0.listingCode == listing.code.text
            }
        }
        // The message may come twice.
        if !known { _ = try await request(listing.code.text, counter: nil, as: context.own) }
    }

    /// Ends an agreement of ours, in the caller's commit.
    package func revokeGrant(_ agreement: Agreement, in transaction: any SQLWriting) throws(Problem) {
        guard agreement.state != .revoked else { return }
        try AgreementBook.revoke(agreement.code.text, by: context.own, in: transaction)
        try context.record(.agreementRevoked, agreement.code, [:], in: transaction)
        let exchange = try PartyRegister.exchange(in: transaction)
        if exchange == nil || exchange?.id == context.own {
            try Bookkeeping.release(agreement, in: transaction)
        } else if let exchange {
            try context.lane.post(
                "agreement.revoke",
                ["agreement": .string(agreement.code.text), "by": .string(context.own.uuid)],
                to: exchange.id, in: transaction)
        }
    }
}
