// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Merkle
package import Primitives

/// What a log claims to be: its name, its size, its root (c2sp.org/tlog-checkpoint@v1.0.0).
package struct Checkpoint: Hashable, Sendable {
    /// Sizes from here on are refused: no log of ours or a peer's comes near, and arithmetic stays exact.
    package static let sizeMax: UInt64 = 1 << 62

    /// The log's name: unique, never changed, independent of where it is served.
    package let origin: String
    package let size: UInt64
    package let root: NodeHash

    package init(origin: String, size: UInt64, root: NodeHash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads the text of a note. Extension lines after the root are permitted and passed over, as the format
    /// says; `nil` for anything else.
    package init?(noteText text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines.last == "", !lines[0].isEmpty, let size = Decimal.parse(lines[1]),
            size < Self.sizeMax, let root = Base64.decode(lines[2]).flatMap({ NodeHash(bytes: $0) }),
            !lines.dropFirst(3).dropLast().contains("")
        else { return nil }
        self.init(origin: String(lines[0]), size: size, root: root)
    }

    /// The text that is signed.
    package var noteText: String { "\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n" }
}

/// Decimal numbers as the C2SP formats write them: digits only, no leading zeroes.
enum Decimal {
    static func parse(_ text: some StringProtocol) -> UInt64? {
        let digits = text.utf8
        guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }),
            digits.first != 48 || digits.count == 1
        else { return nil }
        return UInt64(text)
    }
}

/// A checkpoint with the lines of those who vouch for it.
package struct SignedCheckpoint: Hashable, Sendable {
    package let checkpoint: Checkpoint
    package private(set) var note: SignedNote

    /// Signs a checkpoint with the log's keys; the first must be Ed25519 under the origin's name.
    package init(_ checkpoint: Checkpoint, signedBy signers: [NoteSigner]) throws(Problem) {
        let message = Array(checkpoint.noteText.utf8)
        var lines: [NoteSignature] = []
        for signer in signers { lines.append(try signer.line(over: message)) }
        self.checkpoint = checkpoint
        note = SignedNote(text: checkpoint.noteText, signatures: lines)
    }

    /// Takes any note whose text is a checkpoint; nothing is verified by that.
    package init?(_ note: SignedNote) {
        guard let checkpoint = Checkpoint(noteText: note.text) else { return nil }
        self.checkpoint = checkpoint
        self.note = note
    }

    package init?(parsing bytes: [UInt8]) {
        guard let note = try? SignedNote(parsing: bytes) else { return nil }
        self.init(note)
    }

    package mutating func add(_ line: NoteSignature) { note.add(line) }

    package var bytes: [UInt8] { note.bytes }
}

/// A witness's word that it saw this checkpoint, consistent with every one it saw before, at a time
/// (c2sp.org/tlog-cosignature@v1.0.1, cosignature/v1).
package struct Cosignature: Hashable, Sendable {
    package let time: Instant

    /// The message that is signed: the time binds the whole text, so that extension lines count too.
    static func message(seconds: UInt64, text: String) -> [UInt8] {
        Array("cosignature/v1\ntime \(seconds)\n\(text)".utf8)
    }

    /// Signs at a time, which is cut to whole seconds.
    package static func line(
        over checkpoint: SignedCheckpoint,
        at time: Instant,
        by signer: NoteSigner
    ) throws(Problem) -> NoteSignature {
        let seconds = UInt64(clamping: time.seconds)
        let stamp = (0..<8).map { UInt8(truncatingIfNeeded: seconds >> UInt64(56 - 8 * $0)) }
        return try signer.line(over: message(seconds: seconds, text: checkpoint.note.text), prefix: stamp)
    }

    /// Reads and checks a line by this key; `nil` if it is not the key's valid cosignature of the text.
    package init?(_ line: NoteSignature, over text: String, by key: NoteKey, checkers: SignatureCheckers) {
        guard line.isBy(key), key.purpose == .cosignature, line.bytes.count == 8 + 64 else { return nil }
        let seconds = line.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // Up to the year 9999, so that a stranger's stamp cannot overflow what people read.
        guard seconds < 253_402_300_800,
            checkers.isValid(
                Array(line.bytes.dropFirst(8)),
                for: Self.message(seconds: seconds, text: text),
                by: key.publicKey
            )
        else { return nil }
        time = Instant(seconds: Int64(seconds))
    }
}
