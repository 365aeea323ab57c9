// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// A one-time invitation of an exchange: where, whose key to expect there, and a secret.
package struct Invitation: Sendable {
    /// Seven days: long enough for a bureau's mail, short enough to be looked at twice.
    package static let lifetime: Duration = .seconds(7 * 86_400)

    package let url: String
    /// SHA-256 of the exchange's signing key; `join` refuses another key.
    package let fingerprint: Digest
    package let secret: Redacted<String>
    package let name: String

    package init(url: String, fingerprint: Digest, secret: Redacted<String>, name: String) {
        self.url = url
        self.fingerprint = fingerprint
        self.secret = secret
        self.name = name
    }

    private static let prefix = "hutong-invitation:"

    /// One line that a person can mail.
    package var text: String {
        let json: JSON = [
            "url": .string(url), "fingerprint": .string(fingerprint.hex), "secret": .string(secret.disclosed),
            "name": .string(name),
        ]
        return Self.prefix + Base64.encodeURL(json.canonicalBytes)
    }

    /// `nil` for a text that is not an invitation, or was cut in the mail.
    package init?(text: String) {
        guard text.hasPrefix(Self.prefix), let bytes = Base64.decodeURL(text.dropFirst(Self.prefix.count)),
            let json = try? JSON(parsing: bytes), let url = json["url"]?.text,
            let fingerprint = json["fingerprint"]?.text.flatMap({ Digest(hex: $0) }),
            let secret = json["secret"]?.text, let name = json["name"]?.text
        else { return nil }
        self.init(url: url, fingerprint: fingerprint, secret: Redacted(secret), name: name)
    }
}

/// What an operator promised to whom: consumed once by `join`.
package enum Invitations {
    /// What the operator decided for the invited party.
    package struct Promise: Hashable, Sendable {
        package let name: String
        package let creditCode: String?
        package let jurisdiction: String
        package let roles: Set<Role>

        package init(name: String, creditCode: String?, jurisdiction: String, roles: Set<Role>) {
            self.name = name
            self.creditCode = creditCode
            self.jurisdiction = jurisdiction
            self.roles = roles
        }
    }

    /// Writes a promise under a new secret and returns the secret.
    package static func invite(
        _ promise: Promise, using random: inout some RandomNumberGenerator, in transaction: any SQLWriting
    ) throws(Problem) -> Redacted<String> {
        let secret = Base64.encodeURL((0..<24).map { _ in UInt8.random(in: 0...255, using: &random) })
        try transaction.execute(
            """
            INSERT INTO identity_invitation (hash, name, credit_code, jurisdiction, roles, expires_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                Digest(of: secret), promise.name, promise.creditCode, promise.jurisdiction,
                promise.roles.sorted().map(\.rawValue).joined(separator: " "),
                transaction.now.advanced(by: Invitation.lifetime),
            ])
        return Redacted(secret)
    }

    /// Consumes the secret. A second use, a late one and a wrong one are refused alike.
    package static func consume(_ secret: String, in transaction: any SQLWriting) throws(Problem) -> Promise {
        let hash = Digest(of: secret)
        let changed = try transaction.execute(
            "UPDATE identity_invitation SET used_at = ? WHERE hash = ? AND used_at IS NULL AND expires_at > ?",
            [transaction.now, hash, transaction.now])
        guard changed == 1 else { throw .invitationRefused }
        let promise = try transaction.first(
            "SELECT name, credit_code, jurisdiction, roles FROM identity_invitation WHERE hash = ?", [hash]
        ) { row throws(Problem) in
            Promise(
                name: try row.text(0), creditCode: try row.optional(1, row.text),
                jurisdiction: try row.text(2),
                roles: Set(try row.text(3).split(separator: " ").compactMap { Role(rawValue: String($0)) }))
        }
        guard let promise else { throw .invitationRefused }
        return promise
    }
}
