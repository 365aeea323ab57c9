// SPDX-License-Identifier: Apache-2.0

package import Primitives

extension Problem {
    package static func scopeMissing(_ scope: Scope) -> Problem {
        Problem(.forbidden, "identity.scope-missing", ["scope": .text(scope.rawValue)])
    }

    /// No token, an unknown one, one that was revoked or has expired: outsiders are not told which.
    package static let tokenRefused = Problem(.unauthenticated, "identity.token-refused")

    package static func partyUnknown(_ name: String) -> Problem {
        Problem(.missing, "identity.party-unknown", ["party": .text(name)])
    }

    package static let invitationRefused = Problem(.forbidden, "identity.invitation-refused")
    package static let messageRefused = Problem(.unauthenticated, "identity.message-refused")
    package static let sealBroken = Problem(.invalid, "identity.seal-broken")
}
