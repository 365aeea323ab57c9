// SPDX-License-Identifier: Apache-2.0

private import Crypto
package import Primitives

/// Signs for one key that stays where it is: a file, a module, another process.
package struct MessageSigner: Sendable {
    /// Ed25519, 32 bytes.
    package let publicKey: [UInt8]
    package let sign: @Sendable ([UInt8]) throws(Problem) -> [UInt8]

    package init(publicKey: [UInt8], sign: @escaping @Sendable ([UInt8]) throws(Problem) -> [UInt8]) {
        self.publicKey = publicKey
        self.sign = sign
    }

    /// What an invitation pins: SHA-256 of the public key.
    package var fingerprint: Primitives.Digest { Primitives.Digest(of: publicKey) }

    /// True if `signature` is the key's Ed25519 signature over the bytes (RFC 8032).
    package static func isValid(_ signature: [UInt8], over bytes: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: bytes)
    }
}
