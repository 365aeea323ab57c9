// SPDX-License-Identifier: Apache-2.0

package import Identity
import Merkle
package import Primitives
package import Store

/// An outside authority that stamps a checkpoint's hash with a time: what a court asks for besides the log's own
/// word. Each anchoring is a leaf, so that the log itself says where it was anchored.
package struct Anchor: Sendable {
    /// A stamp as it is kept: enough to check it later, offline, with `openssl ts -verify` too.
    package struct Stamp: Hashable, Sendable {
        package let checkpoint: SignedCheckpoint
        package let authority: String
        /// The authority's reply as it came (DER).
        package let token: [UInt8]
        package let time: Instant

        /// What the authority stamped: SHA-256 of this, the checkpoint without its signatures.
        package var stampedText: String { checkpoint.note.text }

        /// What the leaf says of it.
        var content: JSON {
            [
                "authority": .string(authority),
                "size": .integer(Int64(clamping: checkpoint.checkpoint.size)),
                "root": .string(Base64.encode(checkpoint.checkpoint.root.bytes)),
                "token": .string(Digest(of: token).hex), "time": .string(time.rfc3339),
            ]
        }
    }

    /// A name for people and for the leaf.
    package let authority: String
    private let url: String
    /// The certificates (PEM) that the authority's must lead to.
    private let certificates: String
    private let tokens: any TimestampTokens

    package init(authority: String, url: String, certificates: String, tokens: any TimestampTokens) {
        self.authority = authority
        self.url = url
        self.certificates = certificates
        self.tokens = tokens
    }

    /// Has a checkpoint stamped: one POST, no state. What was stamped is SHA-256 of the checkpoint's text.
    package func stamp(
        _ checkpoint: SignedCheckpoint,
        over transport: any WebTransport
    ) async throws(Problem) -> Stamp {
        let request = try tokens.request(over: Self.digest(of: checkpoint))
        let answer = try await transport.post(request, to: url, type: "application/timestamp-query")
        guard answer.status == 200 else {
            throw Problem(
                .unavailable,
                "transparency.anchor-refused",
                ["authority": .text(authority), "status": .integer(Int64(answer.status))]
            )
        }
        let time = try tokens.time(of: answer.body, to: request, trusting: certificates)
        return Stamp(checkpoint: checkpoint, authority: authority, token: answer.body, time: time)
    }

    /// Checks a kept stamp again, offline.
    package func verify(_ stamp: Stamp) throws(Problem) -> Instant {
        try tokens.time(of: stamp.token, over: Self.digest(of: stamp.checkpoint), trusting: certificates)
    }

    private static func digest(of checkpoint: SignedCheckpoint) -> Digest {
        Digest(of: checkpoint.note.text)
    }
}

extension TransparencyLog {
    /// Keeps a stamp and logs that it was made, in the running command.
    @discardableResult
    package func record(_ stamp: Anchor.Stamp, in writing: any SQLWriting) throws(Problem) -> LeafIndex {
        try writing.execute(
            """
            INSERT INTO transparency_anchor (tree_size, authority, note, token, stamped_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (tree_size, authority) DO NOTHING
            """,
            [
                Int64(clamping: stamp.checkpoint.checkpoint.size), stamp.authority, stamp.checkpoint.bytes,
                stamp.token, stamp.time,
            ]
        )
        return try append(LogEntry(.checkpointAnchored, content: stamp.content), in: writing)
    }

    /// Every kept stamp, smallest checkpoint first.
    package static func stamps(in reading: any SQLReading) throws(Problem) -> [Anchor.Stamp] {
        try reading.all(Anchor.Stamp.select + " ORDER BY tree_size, authority", [], Anchor.Stamp.init)
    }

    /// The stamp of the largest checkpoint; `nil` before the first.
    package static func newestStamp(in reading: any SQLReading) throws(Problem) -> Anchor.Stamp? {
        try reading.first(
            Anchor.Stamp.select + " ORDER BY tree_size DESC, authority LIMIT 1", [], Anchor.Stamp.init)
    }
}

extension Anchor.Stamp {
    fileprivate static let select = "SELECT note, authority, token, stamped_at FROM transparency_anchor"

    fileprivate init(_ row: any SQLRow) throws(Problem) {
        guard let checkpoint = SignedCheckpoint(parsing: try row.blob(0)) else {
            throw Problem(.fault, "store.row-unreadable", operatorNote: "a stamp's checkpoint is none")
        }
        self.init(
            checkpoint: checkpoint, authority: try row.text(1), token: try row.blob(2),
            time: try row.instant(3))
    }
}

/// Each kept stamp is the one that its leaf tells of; of the checkpoint's signatures the leaf says nothing.
package struct StampCheck: DataCheck {
    package let name = "anchors"

    package init() {}

    package func findings(in reading: any SQLReading) throws(Problem) -> [Finding] {
        let stamps = try reading.all(Anchor.Stamp.select + " ORDER BY tree_size, authority") {
            row throws(Problem) in try? Anchor.Stamp(row)
        }
        guard !stamps.isEmpty else { return [] }
        let told = try reading.all(
            "SELECT content FROM transparency_leaf WHERE kind = ?", [LogEntryKind.checkpointAnchored.rawValue]
        ) { row throws(Problem) in try row.text(0) }
        return stamps.compactMap { stamp in
            guard let stamp else {
                return Finding("anchor", .init(zh: "无法读取", en: "cannot be read"))
            }
            guard !told.contains(stamp.content.canonicalText) else { return nil }
            return Finding(
                "anchor \(stamp.checkpoint.checkpoint.size)",
                .init(zh: "与其存证不符", en: "is not the one that its leaf tells of"))
        }
    }
}
