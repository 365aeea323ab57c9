// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// How far the witnesses are with a leaf. "Registered" 已登记 means: enough of them cosigned a checkpoint that
/// covers it, so that no single operator can rewrite what it says.
package struct Witnessing: Hashable, Sendable {
    /// Who cosigned the newest witnessed checkpoint, by their names in the policy; empty while it does not reach
    /// the leaf.
    package let cosigners: [String]
    /// How many witnesses the log's policy names.
    package let witnessCount: Int
    /// Whether those are enough. False for a log that asks no witnesses: its own word alone is no witness.
    package let isWitnessed: Bool

    /// For a certificate or a page: who, and how many of how many.
    package var text: LocalizedText {
        if witnessCount == 0 {
            return LocalizedText(zh: "未见证：本节点未设见证人", en: "not witnessed: this node asks no witnesses")
        }
        guard isWitnessed else {
            return LocalizedText(
                zh: "等待见证（共 \(witnessCount) 个见证人）",
                en: "waits for its witnesses (\(witnessCount) are asked)"
            )
        }
        let (count, names) = (cosigners.count, cosigners.joined(separator: ", "))
        return LocalizedText(
            zh: "\(witnessCount) 个见证人中 \(count) 个已联署：\(names)",
            en: "witnessed by \(count) of \(witnessCount): \(names)"
        )
    }

    package var json: JSON {
        [
            "witnessed": .bool(isWitnessed), "cosignedBy": .array(cosigners.map { .string($0) }),
            "witnesses": .integer(Int64(witnessCount)),
        ]
    }
}

extension LogPublisher {
    /// Who vouches for a leaf at this moment. Waits for nobody; costs one signature check a witness.
    package func witnessing(of index: LeafIndex) -> Witnessing {
        var cosigners: [String] = []
        if let signed = witnessedCheckpoint, index < signed.checkpoint.size,
            let verdict = try? policy.judge(signed, checkers: checkers)
        {
            cosigners = verdict.witnesses.keys.sorted()
        }
        return Witnessing(
            cosigners: cosigners,
            witnessCount: policy.witnesses.count,
            isWitnessed: !cosigners.isEmpty && policy.quorum.isMet(by: Set(cosigners))
        )
    }

    /// The leaf's receipt under a witnessed checkpoint, if the witnesses answer in this time; otherwise under the
    /// log's own word. A log without witnesses, or one that is not asking them now, does not wait.
    package func receipt(for index: LeafIndex, waiting patience: Duration) async throws(Problem) -> Receipt {
        let own = try await checkpoint(covering: index)
        let witnessed = isCollecting ? await witnessedCheckpoint(covering: index, within: patience) : nil
        if let witnessed = witnessed ?? witnessedCheckpoint, index < witnessed.checkpoint.size {
            return try await receipt(for: index, under: witnessed)
        }
        return try await receipt(for: index, under: own)
    }

    private func witnessedCheckpoint(covering index: LeafIndex, within patience: Duration) async
        -> SignedCheckpoint?
    {
        await withTaskGroup(of: SignedCheckpoint?.self) { group in
            group.addTask { try? await self.witnessedCheckpoint(covering: index) }
            group.addTask {
                try? await Task.sleep(for: patience)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
