// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Primitives

/// Addresses that carry their own permission: HMAC-SHA-256 over the file, the recipient and the end, under a key
/// of the node. Whoever holds the address may fetch the file until then, and nothing else.
package struct SignedLinks: Sendable {
    private let key: Redacted<[UInt8]>
    /// Files stand under this address: `https://node/delta-sharing/files`.
    private let base: String
    private let lifetime: Duration

    /// Long enough for a slow reader to begin, short enough that a leaked address is worth little.
    package static let lifetimeDefault: Duration = .seconds(900)

    /// - Parameter key: at least 32 secret bytes.
    package init(key: Redacted<[UInt8]>, base: String, lifetime: Duration = Self.lifetimeDefault) {
        precondition(key.disclosed.count >= 32, "a signing key has at least 32 bytes")
        self.key = key
        self.base = base
        self.lifetime = lifetime
    }

    /// The address of a file for a recipient, from now until the lifetime is over.
    package func address(of name: String, for recipient: String, now: Instant) -> String {
        let end = now.advanced(by: lifetime).seconds
        let recipient = Base64.encodeURL(Array(recipient.utf8))
        let signature = Base64.encodeURL(Array(code(name, recipient, end)))
        return "\(base)/\(name)?for=\(recipient)&until=\(end)&signature=\(signature)"
    }

    /// Whom an address was made for; `nil` where the signature does not fit or the time is over. The comparison
    /// takes the same time wherever the texts differ.
    package func recipient(of name: String, query: [String: String], now: Instant) -> String? {
        guard let encoded = query["for"], let end = query["until"].flatMap({ Int64($0) }),
            let signature = query["signature"].flatMap({ Base64.decodeURL($0) }), now.seconds < end,
            let recipient = Base64.decodeURL(encoded).flatMap({ String(validating: $0, as: UTF8.self) }),
            HMAC<SHA256>.isValidAuthenticationCode(
                signature, authenticating: message(name, encoded, end), using: symmetricKey)
        else { return nil }
        return recipient
    }

    private var symmetricKey: SymmetricKey { SymmetricKey(data: key.disclosed) }

    private func code(_ name: String, _ recipient: String, _ end: Int64) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: message(name, recipient, end), using: symmetricKey)
    }

    /// Each part with its length, so that two different links never sign the same bytes.
    private func message(_ name: String, _ recipient: String, _ end: Int64) -> [UInt8] {
        let parts = ["hutong delta file v1", name, recipient, String(end)]
        return parts.flatMap { Array("\($0.utf8.count):\($0)\n".utf8) }
    }
}
