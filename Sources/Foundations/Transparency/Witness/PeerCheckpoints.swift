// SPDX-License-Identifier: Apache-2.0

import Identity
import Merkle
package import Primitives
package import Store

/// The checkpoints of other nodes' logs that this node has seen: in messages, in receipts, on a mirror. They
/// are what somebody else's copy is compared with; a node that shows two histories is found out by whoever
/// kept one.
package enum PeerCheckpoints {
    /// What a checkpoint tells about a log that was seen before.
    package enum Memory: Hashable, Sendable {
        case new
        case known
        /// The same log signed another root over the same size: both notes are kept as evidence.
        case forked
    }

    /// Keeps a checkpoint whose signatures the caller has verified.
    @discardableResult
    package static func remember(
        _ signed: SignedCheckpoint,
        in writing: any SQLWriting
    ) throws(Problem) -> Memory {
        let checkpoint = signed.checkpoint
        let roots = try writing.all(
            "SELECT root FROM transparency_peer_checkpoint WHERE origin = ? AND tree_size = ?",
            [checkpoint.origin, Int64(clamping: checkpoint.size)]
        ) { row throws(Problem) in try row.blob(0) }
        if roots.contains(checkpoint.root.bytes) { return .known }
        try writing.execute(
            """
            INSERT INTO transparency_peer_checkpoint (origin, tree_size, root, note, remembered_at)
            VALUES (?, ?, ?, ?, ?)
            """,
            [
                checkpoint.origin, Int64(clamping: checkpoint.size), checkpoint.root.bytes, signed.bytes,
                writing.now,
            ]
        )
        return roots.isEmpty ? .new : .forked
    }

    /// Everything kept of a log, smallest first. A row that is no checkpoint is a `fault`.
    package static func all(
        of origin: String,
        in reading: any SQLReading
    ) throws(Problem) -> [SignedCheckpoint] {
        try reading.all(
            "SELECT note FROM transparency_peer_checkpoint WHERE origin = ? ORDER BY tree_size, root",
            [origin]
        ) { row throws(Problem) in
            guard let signed = SignedCheckpoint(parsing: try row.blob(0)) else {
                throw Problem(.fault, "transparency.witness-damaged", ["origin": .text(origin)])
            }
            return signed
        }
    }
}
