// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// Bearer tokens of people and programs: 32 random bytes, kept only as SHA-256, scoped, revocable.
package enum Tokens {
    /// How long a token lives unless revoked: a year, so that nobody's script dies unseen within a budget year.
    package static let lifetime: Duration = .seconds(365 * 86_400)
    private static let prefix = "htk_"

    /// Makes a token for a party; the text is shown once and never stored.
    package static func issue(
        to party: Party, scopes: Set<Scope>? = nil, using random: inout some RandomNumberGenerator,
        in transaction: any SQLWriting
    ) throws(Problem) -> Redacted<String> {
        let granted = party.roles.reduce(into: Set<Scope>()) { $0.formUnion($1.scopes) }
        let wanted = scopes ?? granted
        if let excess = wanted.subtracting(granted).sorted().first { throw .scopeMissing(excess) }
        let text = prefix + Base64.encodeURL((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        try transaction.execute(
            """
            INSERT INTO identity_token (hash, party_id, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?)
            """,
            [
                Digest(of: text), party.id, wanted.sorted().map(\.rawValue).joined(separator: " "),
                transaction.now, transaction.now.advanced(by: lifetime),
            ])
        return Redacted(text)
    }

    /// The caller a token proves at `now`. A guest's scopes never reach the node's own data, whatever its role: an
    /// exchange's guests cannot grade, register or shut what the exchange itself holds. The look-up is by SHA-256 of the token, so its timing tells nothing
    /// about a stored secret.
    package static func caller(
        bearing token: String, at now: Instant, in transaction: any SQLReading
    ) throws(Problem) -> Caller {
        let found = try transaction.first(
            """
            SELECT party.document, token.scopes, party.is_self FROM identity_token token
            JOIN identity_party party ON party.id = token.party_id
            WHERE token.hash = ? AND token.revoked_at IS NULL AND token.expires_at > ? AND party.revoked_at IS NULL
            """,
            [Digest(of: token), now]
        ) { row throws(Problem) in
            let scopes = Set(try row.text(1).split(separator: " ").compactMap { Scope(rawValue: String($0)) })
            return (
                Party(json: try row.json(0)),
                try row.integer(2) == 1 ? scopes : scopes.subtracting(Scope.ofOwnData)
            )
        }
        guard let (party, scopes) = found, let party else { throw .tokenRefused }
        return Caller(
            party: party.id, roles: party.roles, scopes: scopes, jurisdiction: party.jurisdiction)
    }

    /// Ends one token, as its bearer wishes on leaving.
    package static func revoke(_ token: String, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            "UPDATE identity_token SET revoked_at = ? WHERE hash = ? AND revoked_at IS NULL",
            [transaction.now, Digest(of: token)])
    }
}
