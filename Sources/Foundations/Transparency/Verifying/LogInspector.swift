// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// Re-derives a node's whole log from its stored contents and compares every byte that was derived from it:
/// leaves with their committed hashes, bundles and tiles with the leaves, checkpoints with the tree, and the
/// checkpoints that others kept. Reads in batches, so memory does not grow with the log.
package struct LogInspector: Sendable {
    private static let batchLeavesMax = 2048

    private let store: any DataStore
    private let storage: any LogStorage
    private let policy: TrustPolicy?
    private let checkers: SignatureCheckers
    private let others: [any DataCheck]

    /// - Parameters:
    ///   - policy: whose signatures the published checkpoint must bear; `nil` checks its root alone.
    ///   - others: what other rooms check about their rows.
    package init(
        store: any DataStore,
        storage: any LogStorage,
        policy: TrustPolicy? = nil,
        checkers: SignatureCheckers = SignatureCheckers(),
        others: [any DataCheck] = []
    ) {
        self.store = store
        self.storage = storage
        self.policy = policy
        self.checkers = checkers
        self.others = others
    }

    /// Checks everything. With `peers`, also that each checkpoint of this log that somebody else kept is the
    /// beginning of what lies here. With `repairing`, missing or wrong derived files are written again; the
    /// database and signatures are never touched.
    package func inspect(
        peers: [SignedCheckpoint] = [],
        repairing: Bool = false
    ) async throws(Problem) -> InspectionReport {
        var report = InspectionReport()
        let published = try publishedCheckpoint(&report)
        var walk = Walk(
            published: published?.checkpoint,
            peers: peers,
            storage: storage,
            repairing: repairing
        )
        try await walkLeaves(&walk, &report)
        try walk.finish(&report)
        for check in others {
            report.checksRun.append(check.name)
            let findings = try await store.read { reading throws(Problem) in try check.findings(in: reading) }
            for finding in findings { report.add(finding) }
        }
        return report
    }

    private func publishedCheckpoint(_ report: inout InspectionReport) throws(Problem) -> SignedCheckpoint? {
        guard let bytes = try storage.read("checkpoint") else { return nil }
        report.filesChecked += 1
        guard let signed = SignedCheckpoint(parsing: bytes) else {
            report.add(
                Finding("checkpoint", .init(zh: "不是检查点", en: "is not a checkpoint"), isRepairable: true)
            )
            return nil
        }
        if let policy {
            do {
                _ = try policy.accept(signed, checkers: checkers)
            } catch {
                report.add(
                    Finding("checkpoint", .init(zh: "签名无效：\(error)", en: "is not validly signed: \(error)"))
                )
            }
        }
        return signed
    }

    private func walkLeaves(_ walk: inout Walk, _ report: inout InspectionReport) async throws(Problem) {
        var next: LeafIndex = 0
        while true {
            let first = next
            let rows = try await store.read { reading throws(Problem) in
                try LeafRow.rows(from: first, limit: Self.batchLeavesMax, in: reading)
            }
            for row in rows {
                while next < row.index {
                    report.add(Finding("leaf \(next)", .init(zh: "缺失", en: "is missing")))
                    next += 1
                }
                try walk.take(row, &report)
                next += 1
            }
            if rows.count < Self.batchLeavesMax { return }
        }
    }
}

/// A leaf's row as it lies there: readable or not, a finding names it.
private struct LeafRow: Sendable {
    let index: LeafIndex
    /// `nil` if the row is none that an append could have written.
    let stored: StoredLeaf?

    static func rows(from index: LeafIndex, limit: Int, in reading: any SQLReading) throws(Problem)
        -> [LeafRow]
    {
        try reading.all(
            StoredLeaf.select + " WHERE leaf_index >= ? ORDER BY leaf_index LIMIT ?",
            [Int64(clamping: index), limit]
        ) { row throws(Problem) in
            LeafRow(index: LeafIndex(clamping: try row.integer(0)), stored: try? StoredLeaf(row))
        }
    }
}

/// The pass over all leaves: grows the tree again and compares file after file.
private struct Walk {
    private let published: Checkpoint?
    private var expected: [Checkpoint]
    private let storage: any LogStorage
    private let isRepairing: Bool
    private var builder = TileBuilder()
    private var lastTime = Instant(microseconds: .min)
    /// False after a leaf that cannot be read: the tree beyond it is unknown.
    private var isWhole = true
    /// Bundles with a leaf whose row was changed: the file is the better witness and stays as it is.
    private var changedBundles: Set<UInt64> = []

    init(published: Checkpoint?, peers: [SignedCheckpoint], storage: any LogStorage, repairing: Bool) {
        self.published = published
        self.storage = storage
        isRepairing = repairing
        expected = ([published].compactMap(\.self) + peers.map(\.checkpoint)).sorted { $0.size < $1.size }
    }

    mutating func take(_ row: LeafRow, _ report: inout InspectionReport) throws(Problem) {
        try compareRoots(&report)
        report.leavesChecked += 1
        guard let stored = row.stored else {
            isWhole = false
            report.add(Finding("leaf \(row.index)", .init(zh: "无法读取", en: "cannot be read")))
            return
        }
        if !stored.isIntact {
            changedBundles.insert(row.index >> 8)
            report.add(
                Finding(
                    "leaf \(row.index)",
                    .init(zh: "内容与提交时的哈希不符", en: "is not what was committed: its hash differs")
                )
            )
        }
        if stored.leaf.time < lastTime {
            report.add(
                Finding("leaf \(row.index)", .init(zh: "时间早于前一叶", en: "is earlier than the leaf before"))
            )
        }
        lastTime = stored.leaf.time
        guard isWhole else { return }
        var full: [TileBuilder.File] = []
        // The tree is grown from the committed hashes; the bundle is compared with the derived bytes.
        builder.append(stored.leaf.bytes, hash: stored.hash, full: &full)
        for file in full where isPublished(file) { try compare(file, &report) }
    }

    mutating func finish(_ report: inout InspectionReport) throws(Problem) {
        guard isWhole else { return }
        try compareRoots(&report)
        for rest in expected {
            report.add(
                Finding(
                    name(rest),
                    .init(
                        zh: "含 \(rest.size) 个叶，而数据库只有 \(builder.size) 个：数据库被回退",
                        en:
                            "covers \(rest.size) leaves and the database has \(builder.size): it was rolled back"
                    )
                )
            )
        }
    }

    /// Every known checkpoint of the current size must have the root of the tree grown here.
    private mutating func compareRoots(_ report: inout InspectionReport) throws(Problem) {
        while let next = expected.first, next.size == builder.size {
            expected.removeFirst()
            if builder.root != next.root {
                report.add(
                    Finding(
                        name(next),
                        .init(
                            zh: "第 \(next.size) 个叶处的根与叶不符：历史分叉或叶被改动",
                            en: "has another root over \(next.size) leaves: the history was forked or changed"
                        )
                    )
                )
            }
            if next == published, builder.size > 0 {
                for file in builder.partialFiles { try compare(file, &report) }
            }
        }
    }

    private func name(_ checkpoint: Checkpoint) -> String {
        checkpoint == published ? "checkpoint" : "peer checkpoint \(checkpoint.size)"
    }

    /// Files beyond the published checkpoint may not be written yet.
    private func isPublished(_ file: TileBuilder.File) -> Bool {
        guard let published else { return isRepairing }
        return builder.size <= published.size || isRepairing
    }

    private func compare(_ file: TileBuilder.File, _ report: inout InspectionReport) throws(Problem) {
        report.filesChecked += 1
        if file.address.content == .entries, changedBundles.contains(file.address.index) { return }
        var found = try storage.read(file.address.path)
        if found == nil, !file.address.isFull {
            // A partial file may be gone once the full one exists: then the full one begins with it.
            let full = TileAddress(file.address.content, index: file.address.index, width: 256)
            found = try storage.read(full.path).map { Array($0.prefix(file.bytes.count)) }
        }
        guard found != file.bytes else { return }
        let what: LocalizedText =
            found == nil
            ? .init(zh: "缺失", en: "is missing")
            : .init(zh: "与由叶推导的内容不符", en: "is not what the leaves give")
        report.add(Finding(file.address.path, what, isRepairable: true))
        if isRepairing { try storage.write(file.bytes, to: file.address.path, durably: true) }
    }
}
