// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Merkle
package import Primitives
package import Store

/// A witness: it watches logs of others and cosigns each checkpoint that continues the last one it cosigned
/// (c2sp.org/tlog-witness@v1.0.0). It keeps one row a log; what it cosigned it never takes back.
///
/// Its database is trusted: a witness that forgets can be made to cosign a fork.
package struct Witness: Sendable {
    /// Bodies beyond this are refused: 63 proof lines and a checkpoint fit many times.
    package static let requestBytesMax = 128 * 1024

    /// What the caller of `add-checkpoint` is told.
    package enum Answer: Hashable, Sendable {
        /// 200: the witness's cosignature lines.
        case cosigned([NoteSignature])
        /// 404: no log of this name is watched.
        case unknownOrigin
        /// 403: no key of the log signed the checkpoint.
        case unsigned
        /// 400: the request is none, or its old size is beyond its checkpoint.
        case malformed
        /// 409: the last cosigned size is this one.
        case conflict(size: UInt64)
        /// 422: the proof does not lead from the old tree to the new one.
        case inconsistent
    }

    private let store: any DataStore
    private let signer: NoteSigner
    private let logs: [NoteKey]
    private let clock: WallClock
    private let checkers: SignatureCheckers

    /// - Parameters:
    ///   - signer: the witness's own cosignature key, used for nothing else.
    ///   - logs: the keys of the logs it watches; a log's name is its origin.
    package init(
        store: any DataStore,
        signer: NoteSigner,
        logs: [NoteKey],
        clock: WallClock,
        checkers: SignatureCheckers = SignatureCheckers()
    ) {
        precondition(signer.key.purpose == .cosignature, "a witness signs cosignatures")
        self.store = store
        self.signer = signer
        self.logs = logs
        self.clock = clock
        self.checkers = checkers
    }

    package var key: NoteKey { signer.key }

    /// Answers `add-checkpoint`. The check against the last cosigned checkpoint and its replacement are one
    /// command of the store, so two callers cannot pass each other; the cosignature leaves only after the
    /// commit.
    package func addCheckpoint(_ body: [UInt8]) async throws(Problem) -> Answer {
        guard let request = AddCheckpoint(parsing: body) else { return .malformed }
        let signed = request.checkpoint
        let keys = logs.filter { $0.name == signed.checkpoint.origin }
        guard !keys.isEmpty else { return .unknownOrigin }
        guard let signers = try? signed.note.signers(among: keys, checkers: checkers), !signers.isEmpty else {
            return .unsigned
        }
        guard request.oldSize <= signed.checkpoint.size else { return .malformed }
        let line = try Cosignature.line(over: signed, at: clock.now(), by: signer)
        let refusal = try await store.write { writing throws(Problem) -> Answer? in
            let last = try Self.last(signed.checkpoint.origin, in: writing)
            if let refusal = Self.refusal(of: request, after: last?.checkpoint) { return refusal }
            try Self.remember(signed, line: line, in: writing)
            return nil
        }
        return refusal ?? .cosigned([line])
    }

    /// The rules, in the order of the specification. Pure.
    static func refusal(of request: AddCheckpoint, after last: Checkpoint?) -> Answer? {
        let new = request.checkpoint.checkpoint
        let lastSize = last?.size ?? 0
        guard request.oldSize == lastSize else { return .conflict(size: lastSize) }
        guard let last, last.size > 0 else {
            // From nothing there is nothing to prove; an empty tree has one root.
            let isEmptyRight = new.size > 0 || new.root == .emptyTree
            return request.proof.isEmpty && isEmptyRight ? nil : .inconsistent
        }
        let proof = ConsistencyProof(oldSize: last.size, newSize: new.size, path: request.proof)
        do {
            try proof.verify(oldRoot: last.root, newRoot: new.root)
            return nil
        } catch {
            return .inconsistent
        }
    }

    /// The last cosigned checkpoint of a log, with the cosignature: what monitors compare.
    package func latest(_ origin: String) async throws(Problem) -> SignedCheckpoint? {
        try await store.read { reading throws(Problem) in try Self.last(origin, in: reading) }
    }

    /// The names of the logs this witness watches.
    package var origins: [String] { logs.map(\.name) }

    private static func last(_ origin: String, in reading: any SQLReading) throws(Problem)
        -> SignedCheckpoint?
    {
        let note = try reading.first(
            "SELECT note FROM transparency_cosigned WHERE origin = ?",
            [origin]
        ) { row throws(Problem) in try row.blob(0) }
        guard let note else { return nil }
        guard let signed = SignedCheckpoint(parsing: note) else {
            // A damaged row must stop the witness: to forget would be to sign anything.
            throw Problem(.fault, "transparency.witness-damaged", ["origin": .text(origin)])
        }
        return signed
    }

    private static func remember(
        _ signed: SignedCheckpoint,
        line: NoteSignature,
        in writing: any SQLWriting
    ) throws(Problem) {
        var kept = signed
        kept.add(line)
        try writing.execute(
            """
            INSERT INTO transparency_cosigned (origin, tree_size, note, cosigned_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (origin) DO UPDATE
            SET tree_size = excluded.tree_size, note = excluded.note, cosigned_at = excluded.cosigned_at
            """,
            [signed.checkpoint.origin, Int64(clamping: signed.checkpoint.size), kept.bytes, writing.now]
        )
    }
}

/// The body of `add-checkpoint`: the old size, a consistency proof, a blank line, the checkpoint.
package struct AddCheckpoint: Hashable, Sendable {
    /// More lines no proof between 64-bit sizes has.
    package static let proofLinesMax = 63

    package let oldSize: UInt64
    package let proof: [NodeHash]
    package let checkpoint: SignedCheckpoint

    package init(oldSize: UInt64, proof: [NodeHash], checkpoint: SignedCheckpoint) {
        self.oldSize = oldSize
        self.proof = proof
        self.checkpoint = checkpoint
    }

    package init?(parsing body: [UInt8]) {
        guard body.count <= Witness.requestBytesMax,
            let blank = body.indices.dropLast().first(where: { body[$0] == 0x0a && body[$0 + 1] == 0x0a }),
            let head = String(validating: body[..<blank], as: UTF8.self)
        else { return nil }
        let lines = head.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first.hasPrefix("old "),
            let oldSize = Decimal.parse(first.dropFirst(4)),
            lines.count - 1 <= Self.proofLinesMax,
            let checkpoint = SignedCheckpoint(parsing: Array(body[(blank + 2)...]))
        else { return nil }
        proof = lines.dropFirst().compactMap { Base64.decode($0).flatMap { NodeHash(bytes: $0) } }
        guard proof.count == lines.count - 1 else { return nil }
        self.oldSize = oldSize
        self.checkpoint = checkpoint
    }

    package var bytes: [UInt8] {
        let lines = proof.map { Base64.encode($0.bytes) + "\n" }.joined()
        return Array("old \(oldSize)\n\(lines)\n".utf8) + checkpoint.bytes
    }
}
