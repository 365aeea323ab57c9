// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A key that signs notes, with its name: what the Go tools call a verifier key, `name+hash+key`
/// (c2sp.org/signed-note@v1.0.0, "Verifier keys").
package struct NoteKey: Hashable, Sendable, CustomStringConvertible {
    /// What a signature by the key says. The bytes stand before the key in its text and in its ID.
    package enum Purpose: Hashable, Sendable, CaseIterable {
        /// 0x01: an Ed25519 signature over the note's text.
        case ed25519
        /// 0x04: an Ed25519 cosignature/v1 with a time (c2sp.org/tlog-cosignature@v1.0.1).
        case cosignature
        /// 0xff and an identifier of our own: SM2 with SM3 over the note's text. Readers that do not know it
        /// pass over the line, as the format demands of unknown keys.
        case sm2

        package var algorithm: KeyAlgorithm { self == .sm2 ? .sm2 : .ed25519 }

        var typeBytes: [UInt8] {
            switch self {
            case .ed25519: [0x01]
            case .cosignature: [0x04]
            case .sm2: [0xff] + Array("hutong/note-sm2-sm3-v1\n".utf8)
            }
        }
    }

    package let name: String
    package let purpose: Purpose
    package let publicKey: PublicKey
    /// The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key): finds the key, proves nothing.
    package let id: UInt32

    /// `nil` if the name is none (empty, Unicode space, `+`, longer than 255 bytes) or the key is of another
    /// scheme than the purpose.
    package init?(name: String, purpose: Purpose, publicKey: PublicKey) {
        guard Self.isName(name), purpose.algorithm == publicKey.algorithm else { return nil }
        self.name = name
        self.purpose = purpose
        self.publicKey = publicKey
        let digest = Digest(of: Array(name.utf8) + [0x0a] + purpose.typeBytes + publicKey.bytes)
        id = digest.bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Reads `name+33d7b496+AeHT…`; `nil` for anything else, such as a hash that is not the key's.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let hash = Hex.decode(parts[1]), hash.count == 4,
            let encoded = Base64.decode(parts[2]),
            let purpose = Purpose.allCases.first(where: { encoded.starts(with: $0.typeBytes) }),
            let key = PublicKey(purpose.algorithm, bytes: Array(encoded.dropFirst(purpose.typeBytes.count)))
        else { return nil }
        self.init(name: String(parts[0]), purpose: purpose, publicKey: key)
        guard id == hash.reduce(0, { $0 << 8 | UInt32($1) }) else { return nil }
    }

    /// The verifier key as text, for policies and configuration.
    package var description: String {
        "\(name)+\(Hex.encode(Self.bytes(of: id)))+\(Base64.encode(purpose.typeBytes + publicKey.bytes))"
    }

    static func isName(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && name.utf8.count <= 255
            && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0 != "+" && $0.value >= 0x20 }
    }

    static func bytes(of id: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: id >> $0) }
    }
}

/// A private key under a name and for a purpose: it signs notes.
package struct NoteSigner: Sendable {
    package let key: NoteKey
    private let signer: any Signer

    /// `nil` if the name or the purpose does not fit, as for `NoteKey`.
    package init?(name: String, purpose: NoteKey.Purpose, signer: any Signer) {
        guard let key = NoteKey(name: name, purpose: purpose, publicKey: signer.publicKey) else { return nil }
        self.key = key
        self.signer = signer
    }

    /// The signature line over exactly these bytes. Whoever signs decides what the bytes are: a note's text, or
    /// a cosignature's message.
    package func line(over message: [UInt8], prefix: [UInt8] = []) throws(Problem) -> NoteSignature {
        NoteSignature(name: key.name, keyID: key.id, bytes: prefix + (try signer.signature(for: message)))
    }
}
