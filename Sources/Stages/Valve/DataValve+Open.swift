// SPDX-License-Identifier: Apache-2.0

package import Policy
package import Primitives
import Register
package import Store
package import Trade

/// The decision for everybody 无条件开放: an unconditionally open listing needs no agreement, and nothing else leaves
/// without one.
extension DataValve {
    /// Throws the first reason against handing an open listing to somebody unknown: it is not open, something is
    /// closed, an attestation lapsed, or its terms ask for what nobody unknown can give, such as a purpose.
    package func decideOpen(
        _ listing: Listing, through door: Door, in transaction: any SQLReading, at now: Instant
    ) throws(Problem) {
        guard listing.openness == .unconditional, listing.doors.contains(door),
            listing.price.costsNothing
        else { throw Problem(.forbidden, "valve.listing-not-open", ["listing": .code(listing.code)]) }
        try requireOpen(
            ["node", listing.code.text, listing.assetCode, "country:" + home], in: transaction)
        let present = try AttestationBook.kindsInForce(about: listing.assetCode, at: now, in: transaction)
        let missing = listing.requiredAttestations.subtracting(present.map(\.rawValue))
        guard missing.isEmpty else {
            throw Problem(
                .forbidden, "valve.attestation-lapsed",
                ["kinds": .list(missing.sorted()), "asset": .text(listing.assetCode)])
        }
        let request = UseRequest(
            party: Self.anybody, action: door.action, target: listing.terms.target ?? "", purposes: [],
            recipient: Self.anybody, jurisdiction: home)
        let decision = listing.terms.evaluate(request, in: WorldState(now: now, uses: 0))
        if let refusal = decision.refusal(of: request) { throw refusal }
    }

    /// Who asks without saying who.
    private static let anybody = "urn:hutong:anybody"
}
