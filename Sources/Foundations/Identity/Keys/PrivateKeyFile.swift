// SPDX-License-Identifier: Apache-2.0

private import Crypto
private import CryptoExtras
private import Foundation
import Primitives

/// Private keys as PEM text: PKCS#8 (RFC 5208), with a passphrase PBES2 (RFC 8018) with PBKDF2-HMAC-SHA256 and
/// AES-256-CBC, so that `openssl pkey` reads what we write and we read what it writes.
enum PrivateKeyFile {
    /// OWASP's advice of 2023 for PBKDF2-HMAC-SHA256; about 0.1 s, once a start.
    private static let rounds = 600_000
    /// A file that asks for more is refused: it would hold up the start.
    private static let roundsMax = 10_000_000

    private enum Object {
        static let pbes2: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d]
        static let pbkdf2: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c]
        static let hmacSHA256: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09]
        static let aes256CBC: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a]
        static let ed25519: [UInt8] = [0x2b, 0x65, 0x70]
    }

    // MARK: PEM

    /// The text of a key, encrypted if there is a passphrase.
    static func encode(_ key: Redacted<[UInt8]>, passphrase: Redacted<[UInt8]>?) throws -> String {
        guard let passphrase else { return armor(key.disclosed, label: "PRIVATE KEY") }
        return armor(try encrypt(key.disclosed, passphrase: passphrase), label: "ENCRYPTED PRIVATE KEY")
    }

    /// The PKCS#8 bytes in a text; `nil` if the text is no key file, or the passphrase is missing or wrong.
    static func decode(_ text: String, passphrase: Redacted<[UInt8]>?) -> Redacted<[UInt8]>? {
        if let bytes = unarmor(text, label: "PRIVATE KEY") { return Redacted(bytes) }
        guard let bytes = unarmor(text, label: "ENCRYPTED PRIVATE KEY"), let passphrase else { return nil }
        return decrypt(bytes, passphrase: passphrase).map { Redacted($0) }
    }

    private static func armor(_ bytes: [UInt8], label: String) -> String {
        let text = Array(Base64.encode(bytes))
        let lines = stride(from: 0, to: text.count, by: 64).map {
            String(text[$0..<min($0 + 64, text.count)])
        }
        return "-----BEGIN \(label)-----\n" + lines.joined(separator: "\n") + "\n-----END \(label)-----\n"
    }

    private static func unarmor(_ text: String, label: String) -> [UInt8]? {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        guard let start = lines.firstIndex(of: "-----BEGIN \(label)-----"),
            let end = lines.firstIndex(of: "-----END \(label)-----"), start < end
        else { return nil }
        return Base64.decode(lines[(start + 1)..<end].joined())
    }

    // MARK: Ed25519

    /// RFC 8410 §7: version 0, the algorithm, and the seed as an octet string in an octet string.
    static func wrap(seed: [UInt8]) -> Redacted<[UInt8]> {
        let algorithm = DER.encode(.sequence, DER.encode(.object, Object.ed25519))
        return Redacted(
            DER.encode(
                .sequence,
                DER.encode(.integer, [0]),
                algorithm,
                DER.encode(.octets, DER.encode(.octets, seed))
            )
        )
    }

    static func seed(of key: Redacted<[UInt8]>) -> [UInt8]? {
        var outer = DER.Reader(key.disclosed)
        guard var key = outer.sequence(), key.integer() != nil, var algorithm = key.sequence(),
            algorithm.take(.object) == Object.ed25519, let wrapped = key.take(.octets)
        else { return nil }
        var inner = DER.Reader(wrapped)
        return inner.take(.octets)
    }

    // MARK: PBES2

    private static func encrypt(_ key: [UInt8], passphrase: Redacted<[UInt8]>) throws -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        let vector = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        let secret = try derive(passphrase, salt: salt, rounds: rounds)
        let sealed = try AES._CBC.encrypt(key, using: secret, iv: AES._CBC.IV(ivBytes: vector))
        let count = (0..<4).map { UInt8(truncatingIfNeeded: rounds >> (24 - 8 * $0)) }.drop { $0 == 0 }
        let derivation = DER.encode(
            .sequence,
            DER.encode(.object, Object.pbkdf2),
            DER.encode(
                .sequence,
                DER.encode(.octets, salt),
                DER.encode(.integer, Array(count)),
                DER.encode(.sequence, DER.encode(.object, Object.hmacSHA256), DER.encode(.null))
            )
        )
        let cipher = DER.encode(
            .sequence,
            DER.encode(.object, Object.aes256CBC),
            DER.encode(.octets, vector)
        )
        let scheme = DER.encode(
            .sequence,
            DER.encode(.object, Object.pbes2),
            DER.encode(.sequence, derivation, cipher)
        )
        return DER.encode(.sequence, scheme, DER.encode(.octets, Array(sealed)))
    }

    private static func decrypt(_ file: [UInt8], passphrase: Redacted<[UInt8]>) -> [UInt8]? {
        var outer = DER.Reader(file)
        guard var body = outer.sequence(), var scheme = body.sequence(), let sealed = body.take(.octets),
            scheme.take(.object) == Object.pbes2, var parameters = scheme.sequence(),
            var derivation = parameters.sequence(), var cipher = parameters.sequence(),
            derivation.take(.object) == Object.pbkdf2, var details = derivation.sequence(),
            cipher.take(.object) == Object.aes256CBC, let vector = cipher.take(.octets),
            let salt = details.take(.octets), let rounds = details.integer(), (1...roundsMax).contains(rounds)
        else { return nil }
        _ = details.integer()  // RFC 8018 §A.2: the key length may stand here.
        guard var function = details.sequence(), function.take(.object) == Object.hmacSHA256,
            let secret = try? derive(passphrase, salt: salt, rounds: rounds),
            let iv = try? AES._CBC.IV(ivBytes: vector),
            let key = try? AES._CBC.decrypt(sealed, using: secret, iv: iv)
        else { return nil }
        return Array(key)
    }

    private static func derive(
        _ passphrase: Redacted<[UInt8]>,
        salt: [UInt8],
        rounds: Int
    ) throws -> SymmetricKey {
        try KDF.Insecure.PBKDF2.deriveKey(
            from: passphrase.disclosed,
            salt: salt,
            using: .sha256,
            outputByteCount: 32,
            unsafeUncheckedRounds: rounds
        )
    }
}
