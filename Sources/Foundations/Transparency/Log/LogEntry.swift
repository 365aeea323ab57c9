// SPDX-License-Identifier: Apache-2.0

private import Foundation
package import Identity
package import Merkle
package import Primitives
private import Synchronization

/// One state change, as a room hands it to the log. What becomes public is its `Leaf`; the content stays with
/// the parties.
package struct LogEntry: Hashable, Sendable {
    /// Contents larger than this are refused: a large thing is logged by its digest.
    package static let contentBytesMax = 64 * 1024
    /// A passage has at most an asker, a holder, an exchange and a mandated agent; the rest is room.
    package static let partiesMax = 8

    package let kind: LogEntryKind
    /// What the entry is about. Kept beside the leaf for looking it up; public only where the kind says so.
    package let subject: Code?
    package let parties: [Pseudonym]
    /// What happened, for those who may know: an object of the room's own making.
    package let content: JSON
    /// The bytes of the content; made with the entry, so that the writer does not.
    let canonicalContent: [UInt8]
    /// Makes a repeated entry find its first leaf instead of a second one; `nil` where the state machine of the
    /// room already rules out repeats.
    package let id: ID<LogEntry>?

    package init(
        _ kind: LogEntryKind,
        subject: Code? = nil,
        parties: [Pseudonym] = [],
        content: JSON,
        id: ID<LogEntry>? = nil
    ) {
        self.kind = kind
        self.subject = subject
        self.parties = parties
        self.content = content
        canonicalContent = content.canonicalBytes
        self.id = id
    }
}

/// A party as one agreement's leaves name it: the first 16 bytes of an HMAC under the node's key. The same
/// party has another pseudonym in each agreement, so that the public log does not say who trades with whom.
package struct Pseudonym: Hashable, Sendable, CustomStringConvertible {
    /// 32 lower-case hexadecimal digits.
    package let text: String

    /// `nil` for anything but 32 lower-case hexadecimal digits.
    package init?(_ text: some StringProtocol) {
        guard let bytes = Hex.decode(text), bytes.count == 16, Hex.encode(bytes) == text else { return nil }
        self.text = String(text)
    }

    fileprivate init(tag: [UInt8]) {
        text = Hex.encode(tag.prefix(16))
    }

    package var description: String { text }
}

/// Makes pseudonyms. One a node; its secret is derived from the node's key and never leaves.
package struct Pseudonyms: Sendable {
    private let secret: Redacted<[UInt8]>

    package init(secret: Redacted<[UInt8]>) {
        self.secret = secret
    }

    /// The secret that belongs to a node's key.
    package init(nodeKey: Ed25519Signer) {
        self.init(secret: nodeKey.derivedSecret(for: "hutong log pseudonyms v1"))
    }

    /// The party's name in the leaves of one agreement, space or other scope.
    package func pseudonym<Party, Scope>(of party: ID<Party>, within scope: ID<Scope>) -> Pseudonym {
        Pseudonym(tag: KeyedDigest.hmac(scope.bytes + party.bytes, key: secret))
    }
}

/// A leaf of the log: the public part of an entry, in its canonical encoding, version 1.
///
/// The bytes are the canonical JSON (RFC 8785) of `{content, kind, parties, subject?, time, v}`:
/// `content` is the salted digest in hexadecimal, `time` microseconds since 1970, `v` 1.
package struct Leaf: Hashable, Sendable {
    package static let version = 1

    package let kind: LogEntryKind
    package let subject: Code?
    package let parties: [Pseudonym]
    package let time: Instant
    package let contentDigest: Digest

    package init(_ entry: LogEntry, at time: Instant, contentDigest: Digest) {
        kind = entry.kind
        subject = entry.kind.namesSubject ? entry.subject : nil
        parties = entry.parties
        self.time = time
        self.contentDigest = contentDigest
    }

    /// SHA-256(salt ‖ canonical content). The salt has a fixed length, so that the two cannot be shifted.
    package static func contentDigest(_ canonicalContent: [UInt8], salt: Salt) -> Digest {
        Digest(of: salt.bytes + canonicalContent)
    }

    /// The bytes of the leaf, written directly in canonical order: every append pays for this.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(160 + 35 * parties.count)
        bytes.append(contentsOf: "{\"content\":\"".utf8)
        for byte in contentDigest.bytes {
            bytes.append(Self.hexDigits[Int(byte >> 4)])
            bytes.append(Self.hexDigits[Int(byte & 15)])
        }
        bytes.append(contentsOf: "\",\"kind\":\"".utf8)
        bytes.append(contentsOf: kind.rawValue.utf8)
        bytes.append(contentsOf: "\",\"parties\":[".utf8)
        for (place, party) in parties.enumerated() {
            bytes.append(contentsOf: (place == 0 ? "\"" : ",\"").utf8)
            bytes.append(contentsOf: party.text.utf8)
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "]"))
        if let subject { bytes.append(contentsOf: ",\"subject\":\"\(subject)\"".utf8) }
        bytes.append(contentsOf: ",\"time\":\(time.microseconds),\"v\":\(Self.version)}".utf8)
        return bytes
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    package var hash: NodeHash { NodeHash(leaf: bytes) }

    /// Reads a leaf from the public log. Only the canonical bytes are one: `nil` for any other text, an unknown
    /// version or an unknown kind.
    package init?(parsing bytes: [UInt8]) {
        guard bytes.count <= EntryBundle.entryBytesMax, let json = try? JSON(parsing: bytes),
            let kind = json["kind"]?.text.flatMap(LogEntryKind.init),
            let digest = json["content"]?.text.flatMap({ Digest(hex: $0) }),
            let time = json["time"]?.integer, let names = json["parties"]?.array
        else { return nil }
        self.kind = kind
        subject = json["subject"]?.text.flatMap { Code($0) }
        parties = names.compactMap { $0.text.flatMap { Pseudonym($0) } }
        self.time = Instant(microseconds: time)
        contentDigest = digest
        guard self.bytes == bytes else { return nil }
    }
}

/// 16 random bytes that keep a content from being guessed from its digest.
package struct Salt: Hashable, Sendable {
    package static let byteCount = 16
    package let bytes: [UInt8]

    /// `nil` for any other count than 16.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    package init(using random: inout some RandomNumberGenerator) {
        let words = (random.next(), random.next())
        bytes = (0..<16).map {
            UInt8(truncatingIfNeeded: ($0 < 8 ? words.0 : words.1) >> UInt64(8 * ($0 & 7)))
        }
    }
}

/// Salts from the system's random bytes: what a node uses. The system is asked once for sixteen: a call for each
/// cost a tenth of the writer's time.
package final class SaltSource: Sendable {
    /// `getentropy` gives at most 256 bytes.
    private static let saltsAtOnce = 16

    private let waiting = Mutex<[Salt]>([])

    package init() {}

    package func next() -> Salt {
        waiting.withLock { salts in
            if let salt = salts.popLast() { return salt }
            salts = Self.fresh()
            return salts.removeLast()
        }
    }

    private static func fresh() -> [Salt] {
        var bytes = [UInt8](repeating: 0, count: saltsAtOnce * Salt.byteCount)
        // SAFETY: the buffer is the array's own and as long as is said.
        let isFilled = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe getentropy(buffer.baseAddress, buffer.count) == 0
        }
        guard isFilled else {
            var random = SystemRandomNumberGenerator()
            return [Salt(using: &random)]
        }
        return stride(from: 0, to: bytes.count, by: Salt.byteCount).compactMap {
            Salt(bytes: Array(bytes[$0..<$0 + Salt.byteCount]))
        }
    }
}
