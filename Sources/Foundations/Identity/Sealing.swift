// SPDX-License-Identifier: Apache-2.0

private import Crypto
private import FoundationEssentials
package import Primitives

/// An X25519 private key that answers are sealed to (HPKE base mode, RFC 9180, DHKEM(X25519, HKDF-SHA256),
/// HKDF-SHA256, ChaCha20-Poly1305). It cannot be printed, compared or encoded by accident.
package struct SealingKey: Sendable {
    private let key: Curve25519.KeyAgreement.PrivateKey

    package init() {
        key = Curve25519.KeyAgreement.PrivateKey()
    }

    /// Takes 32 stored bytes; `nil` for another count.
    package init?(stored bytes: [UInt8]) {
        guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes) else { return nil }
        self.key = key
    }

    /// For the key file alone.
    package var stored: [UInt8] { Array(key.rawRepresentation) }
    package var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// Opens what was sealed to this key under the same `context`; throws `identity.seal-broken` for any other
    /// key, context or byte.
    package func open(_ sealed: SealedBytes, context: String) throws(Problem) -> [UInt8] {
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key, ciphersuite: .Curve25519_SHA256_ChachaPoly, info: Data(context.utf8),
                encapsulatedKey: Data(sealed.encapsulatedKey))
            return Array(try recipient.open(sealed.ciphertext))
        } catch {
            throw .sealBroken
        }
    }
}

/// Bytes that only the holder of one sealing key can read.
package struct SealedBytes: Hashable, Sendable {
    package let encapsulatedKey: [UInt8]
    package let ciphertext: [UInt8]

    /// Seals to a public key under a `context` that the opener must name again (which passage it answers).
    package init(_ bytes: [UInt8], to publicKey: [UInt8], context: String) throws(Problem) {
        do {
            let recipient = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey)
            var sender = try HPKE.Sender(
                recipientKey: recipient, ciphersuite: .Curve25519_SHA256_ChachaPoly, info: Data(context.utf8))
            ciphertext = Array(try sender.seal(bytes))
            encapsulatedKey = Array(sender.encapsulatedKey)
        } catch {
            throw .sealBroken
        }
    }

    /// Reads the concatenation that `bytes` gives; `nil` if it is too short to hold a tag.
    package init?(bytes: [UInt8]) {
        guard bytes.count >= 48 else { return nil }
        encapsulatedKey = Array(bytes.prefix(32))
        ciphertext = Array(bytes.dropFirst(32))
    }

    package var bytes: [UInt8] { encapsulatedKey + ciphertext }
}
