// SPDX-License-Identifier: Apache-2.0

import Primitives

/// One signature line: `— name base64(key ID ‖ signature)` (c2sp.org/signed-note@v1.0.0).
package struct NoteSignature: Hashable, Sendable {
    package let name: String
    package let keyID: UInt32
    /// Without the key ID.
    package let bytes: [UInt8]

    package init(name: String, keyID: UInt32, bytes: [UInt8]) {
        self.name = name
        self.keyID = keyID
        self.bytes = bytes
    }

    /// Reads one line without its line feed; `nil` for anything else.
    package init?(line: some StringProtocol) {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "—", NoteKey.isName(parts[1]),
            let encoded = Base64.decode(parts[2]), encoded.count > 4
        else { return nil }
        name = String(parts[1])
        keyID = encoded.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        bytes = Array(encoded.dropFirst(4))
    }

    /// The line with its line feed.
    package var line: String {
        "— \(name) \(Base64.encode(NoteKey.bytes(of: keyID) + bytes))\n"
    }

    /// Whether the line claims to be by this key.
    package func isBy(_ key: NoteKey) -> Bool { name == key.name && keyID == key.id }
}

/// A text with signature lines under it: the form of every checkpoint (c2sp.org/signed-note@v1.0.0).
package struct SignedNote: Hashable, Sendable {
    /// Notes larger than this are refused: a checkpoint has a few hundred bytes, and each signature line one.
    package static let bytesMax = 64 * 1024
    /// The format asks readers for at least 16; more than this is refused, since each costs a check.
    package static let signaturesMax = 64

    /// Why bytes are not a note.
    package enum Failure: Error, Hashable, Sendable {
        case tooLong, notText, noSignatures, malformedSignature, tooManySignatures
        /// A key we know did not make the line that bears its name.
        case wrongSignature(name: String)
    }

    /// Ends with a line feed.
    package let text: String
    package private(set) var signatures: [NoteSignature]

    /// - Precondition: the text ends with a line feed.
    package init(text: String, signatures: [NoteSignature] = []) {
        precondition(text.utf8.last == 0x0a, "a note's text ends with a line feed")
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note. Strict: UTF-8, no control characters but line feeds, the text split from its signatures at
    /// the last blank line, at least one signature line.
    package init(parsing bytes: [UInt8]) throws(Failure) {
        guard bytes.count <= Self.bytesMax else { throw .tooLong }
        guard bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0a }), bytes.last == 0x0a,
            String(validating: bytes, as: UTF8.self) != nil
        else { throw .notText }
        guard let blank = bytes.indices.dropLast().last(where: { bytes[$0] == 0x0a && bytes[$0 + 1] == 0x0a })
        else { throw .noSignatures }
        text = String(decoding: bytes[...blank], as: UTF8.self)
        let lines = bytes[(blank + 2)...].dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
        guard blank + 2 < bytes.count else { throw .noSignatures }
        guard lines.count <= Self.signaturesMax else { throw .tooManySignatures }
        signatures = []
        for line in lines {
            guard let signature = NoteSignature(line: String(decoding: line, as: UTF8.self)) else {
                throw .malformedSignature
            }
            signatures.append(signature)
        }
    }

    package var bytes: [UInt8] {
        Array((text + "\n" + signatures.map(\.line).joined()).utf8)
    }

    /// Adds a line, unless it stands there already.
    package mutating func add(_ signature: NoteSignature) {
        if !signatures.contains(signature) { signatures.append(signature) }
    }

    package func adding(_ signature: NoteSignature) -> SignedNote {
        var note = self
        note.add(signature)
        return note
    }

    /// The keys among `keys` that signed this note's text. Lines by unknown keys are passed over; a line that
    /// bears a known key's name and ID but is not its signature refuses the whole note
    /// (c2sp.org/signed-note@v1.0.0, "Verifiers"). Keys for cosignatures are not judged here: see `Cosignature`.
    package func signers(
        among keys: [NoteKey],
        checkers: SignatureCheckers
    ) throws(Failure) -> [NoteKey] {
        var found: [NoteKey] = []
        let message = Array(text.utf8)
        for key in keys where key.purpose != .cosignature && checkers.supports(key.purpose.algorithm) {
            guard let line = signatures.first(where: { $0.isBy(key) }) else { continue }
            guard checkers.isValid(line.bytes, for: message, by: key.publicKey) else {
                throw .wrongSignature(name: key.name)
            }
            found.append(key)
        }
        return found
    }
}
