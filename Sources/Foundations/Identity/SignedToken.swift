// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a message between nodes says about itself: a JWT (RFC 7519) in compact JWS (RFC 7515), EdDSA (RFC 8037).
package struct SignedToken: Hashable, Sendable {
    package let issuer: ID<Party>
    package let audience: ID<Party>
    /// Used once; the receiver keeps it until `expiresAt` and a minute.
    package let tokenID: String
    package let issuedAt: Instant
    package let expiresAt: Instant
    /// What the body is: the message's kind, or `reply`.
    package let subject: String
    /// SHA-256 of the body.
    package let body: Digest
    /// In a reply: the `tokenID` of the message it answers.
    package let answers: String?

    /// Longest validity that a receiver accepts.
    package static let lifetimeMax: Duration = .seconds(60)
    /// How far two nodes' clocks may differ.
    package static let skewMax: Duration = .seconds(60)

    package init(
        issuer: ID<Party>, audience: ID<Party>, tokenID: String, issuedAt: Instant, subject: String,
        body: Digest,
        answers: String? = nil
    ) {
        self.issuer = issuer
        self.audience = audience
        self.tokenID = tokenID
        self.issuedAt = issuedAt
        self.expiresAt = issuedAt.advanced(by: Self.lifetimeMax)
        self.subject = subject
        self.body = body
        self.answers = answers
    }

    private static let header = Base64.encodeURL(Array(#"{"alg":"EdDSA","typ":"JWT"}"#.utf8))

    /// The compact form, signed.
    package func signed(by signer: any Signer) throws(Problem) -> String {
        let claims: JSON = [
            "iss": .string(issuer.uuid), "aud": .string(audience.uuid), "jti": .string(tokenID),
            "iat": .integer(issuedAt.seconds), "exp": .integer(expiresAt.seconds), "sub": .string(subject),
            "sha256": .string(body.hex), "re": answers.map(JSON.string) ?? .null,
        ]
        let input = Self.header + "." + Base64.encodeURL(claims.canonicalBytes)
        return input + "." + Base64.encodeURL(try signer.signature(for: Array(input.utf8)))
    }

    /// Reads the claims without believing them: the issuer is needed to find the key.
    private static func claims(of parts: [Substring]) -> SignedToken? {
        guard parts.count == 3, parts[0] == header, let bytes = Base64.decodeURL(parts[1]),
            let json = try? JSON(parsing: bytes),
            let issuer = json["iss"]?.text.flatMap({ ID<Party>(uuid: $0) }),
            let audience = json["aud"]?.text.flatMap({ ID<Party>(uuid: $0) }),
            let tokenID = json["jti"]?.text, tokenID.utf8.count <= 64,
            let issuedAt = json["iat"]?.integer, let expiresAt = json["exp"]?.integer,
            let subject = json["sub"]?.text, let body = json["sha256"]?.text.flatMap({ Digest(hex: $0) })
        else { return nil }
        let token = SignedToken(
            issuer: issuer, audience: audience, tokenID: tokenID, issuedAt: Instant(seconds: issuedAt),
            subject: subject, body: body, answers: json["re"]?.text)
        return token.expiresAt.seconds == expiresAt ? token : nil
    }

    /// Whom a token claims to come from: enough to look a key up, nothing more.
    package static func claimedIssuer(of text: String) -> ID<Party>? {
        claims(of: text.split(separator: ".", omittingEmptySubsequences: false))?.issuer
    }

    /// Believes a token if its issuer's key signed it, it covers `body`, and its time is now.
    ///
    /// - Parameter key: the issuer's pinned key, `nil` for an unknown party.
    /// - Throws: `identity.message-refused` with the reason in the operator's note only.
    package static func verified(
        _ text: String, body: [UInt8], at now: Instant,
        key: (ID<Party>) throws(Problem) -> [UInt8]?
    ) throws(Problem) -> SignedToken {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let token = claims(of: parts) else { throw .messageRefused.noted("the token cannot be read") }
        guard let key = try key(token.issuer) else { throw .messageRefused.noted("the issuer is unknown") }
        let input = Array((parts[0] + "." + parts[1]).utf8)
        guard let signature = Base64.decodeURL(parts[2]),
            PartySignature.isValid(signature, over: input, by: key)
        else { throw .messageRefused.noted("the signature does not verify") }
        guard token.body == Digest(of: body) else { throw .messageRefused.noted("the body was altered") }
        guard token.issuedAt <= now.advanced(by: skewMax), now <= token.expiresAt.advanced(by: skewMax) else {
            throw .messageRefused.noted("the message has expired, or comes from the future")
        }
        return token
    }
}
