// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Identity
import Lane
import Primitives
import Register
import Store

/// Negotiations with participants that speak the Dataspace Protocol over the web instead of over the lane.
extension MarketService {
    /// How long a connector gets to answer one message.
    private static let patience: Duration = .seconds(10)

    /// One message to a connector, under a token that our key signed for it and for these very bytes.
    func overWeb(_ body: JSON, to peer: ID<Party>, at address: String) async -> DeliveryOutcome {
        guard let outside else { return .unreachable("lane.peer-unreachable") }
        let message = body["message"]
        do throws(Problem) {
            let token = SignedToken(
                issuer: context.own, audience: peer, tokenID: ID<Party>(at: context.clock.now()).uuid,
                issuedAt: context.clock.now(), subject: DataspaceToken.subject,
                body: Digest(of: message?.canonicalBytes ?? []))
            let reply = try await outside.call(
                message == nil ? "GET" : "POST", address + (body["path"]?.text ?? ""),
                token: token.signed(by: context.signer), message, deadline: Self.patience)
            return .answered(status: reply.status, body: reply.body)
        } catch {
            return .unreachable(error.operatorNote ?? error.code)
        }
    }
}

/// What our signed tokens say they are for, under the profile that the version document names.
package enum DataspaceToken {
    package static let subject = "dsp"
}

extension NegotiationDesk.Row {
    /// Where the other side takes messages over the web; `nil` for the lane.
    var webAddress: String? {
        let address = negotiation.correspondence.address
        guard address.hasPrefix("http://") || address.hasPrefix("https://") else { return nil }
        return address.hasSuffix("/") ? String(address.dropLast()) : address
    }
}
