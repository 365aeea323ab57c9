// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The signature schemes of the house. Closed: each is one case here and one checker.
package enum KeyAlgorithm: String, Hashable, Sendable, CaseIterable {
    /// RFC 8032, pure. The scheme of nodes, logs and witnesses.
    case ed25519
    /// GM/T 0003.2 with SM3 and the default distinguishing identifier `1234567812345678`.
    case sm2
}

/// A public key: the scheme, and the key's bytes as the scheme writes them (Ed25519: 32 bytes; SM2: the
/// uncompressed point, 65 bytes). That the bytes are a key shows when they check a signature.
package struct PublicKey: Hashable, Sendable {
    package let algorithm: KeyAlgorithm
    package let bytes: [UInt8]

    /// `nil` if the count is not the scheme's.
    package init?(_ algorithm: KeyAlgorithm, bytes: [UInt8]) {
        guard bytes.count == (algorithm == .ed25519 ? 32 : 65) else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// A short name for people and pins: SHA-256 over the scheme's name and the bytes.
    package var fingerprint: Digest { Digest(of: Array("\(algorithm.rawValue)\n".utf8) + bytes) }
}

/// A private key that can sign and never shows itself: in this process, in a file's handle or in a module.
package protocol Signer: Sendable {
    var publicKey: PublicKey { get }

    /// Signs the message. A key that cannot be reached is `unavailable`.
    func signature(for message: [UInt8]) throws(Problem) -> [UInt8]
}

/// Checks signatures of one scheme.
package protocol SignatureChecker: Sendable {
    var algorithm: KeyAlgorithm { get }

    /// Whether this key made this signature. Any bytes may come; they are answered, never trusted.
    func isValid(_ signature: [UInt8], for message: [UInt8], by key: PublicKey) -> Bool
}

/// The schemes this process can check: Ed25519 always, others where an adapter brought them.
package struct SignatureCheckers: Sendable {
    private var checkers: [KeyAlgorithm: any SignatureChecker]

    package init(_ more: any SignatureChecker...) {
        checkers = [.ed25519: Ed25519Checker()]
        for checker in more { checkers[checker.algorithm] = checker }
    }

    /// Whether signatures of this scheme can be checked here.
    package func supports(_ algorithm: KeyAlgorithm) -> Bool { checkers[algorithm] != nil }

    /// False also where the scheme cannot be checked.
    package func isValid(_ signature: [UInt8], for message: [UInt8], by key: PublicKey) -> Bool {
        checkers[key.algorithm]?.isValid(signature, for: message, by: key) ?? false
    }
}
