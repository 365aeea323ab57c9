// SPDX-License-Identifier: Apache-2.0

/// Signatures of parties: Ed25519 by the key a party was registered with.
package enum PartySignature {
    private static let checkers = SignatureCheckers()

    /// True if `signature` is the Ed25519 signature (RFC 8032) of the 32-byte `publicKey` over the bytes.
    package static func isValid(_ signature: [UInt8], over bytes: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard let key = PublicKey(.ed25519, bytes: publicKey) else { return false }
        return checkers.isValid(signature, for: bytes, by: key)
    }
}
