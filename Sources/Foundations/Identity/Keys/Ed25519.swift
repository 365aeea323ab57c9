// SPDX-License-Identifier: Apache-2.0

private import Crypto
package import Primitives

struct Ed25519Checker: SignatureChecker {
    let algorithm = KeyAlgorithm.ed25519

    func isValid(_ signature: [UInt8], for message: [UInt8], by key: PublicKey) -> Bool {
        guard signature.count == 64,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key.bytes)
        else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

/// An Ed25519 private key in this process. It cannot be printed, compared or encoded; swift-crypto erases it
/// when it is dropped.
package struct Ed25519Signer: Signer {
    private let key: Curve25519.Signing.PrivateKey
    package let publicKey: PublicKey

    /// Makes a new key from the system's random bytes.
    package init() {
        self.init(Curve25519.Signing.PrivateKey())
    }

    /// Takes up a key from its 32-byte seed (RFC 8032 §5.1.5); `nil` for any other count.
    package init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.init(key)
    }

    private init(_ key: Curve25519.Signing.PrivateKey) {
        guard let publicKey = PublicKey(.ed25519, bytes: Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("an Ed25519 public key has 32 bytes")
        }
        self.key = key
        self.publicKey = publicKey
    }

    package func signature(for message: [UInt8]) throws(Problem) -> [UInt8] {
        do {
            return Array(try key.signature(for: message))
        } catch {
            throw Problem(.fault, "identity.key-unusable", operatorNote: "\(error)")
        }
    }

    /// The seed, for the key file alone.
    var seed: [UInt8] { Array(key.rawRepresentation) }

    /// A secret for another use, derived from this key (RFC 5869); the same at every start.
    package func derivedSecret(for use: String) -> Redacted<[UInt8]> {
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: key.rawRepresentation),
            info: Array(use.utf8),
            outputByteCount: 32
        )
        // SAFETY: the view lives inside the closure and its 32 bytes are copied out.
        return Redacted(unsafe derived.withUnsafeBytes { bytes in unsafe Array(bytes) })
    }
}
