// SPDX-License-Identifier: Apache-2.0

package import Identity
import Merkle
package import Primitives

/// A whole copy of another's log, checked as it is taken: every entry hashed into its tile, every tile into the
/// root that the log signed. The copy serves readers as well as the original, and outlives it.
package struct Mirror: Sendable {
    /// What one run did.
    package struct Progress: Hashable, Sendable {
        package let checkpoint: Checkpoint
        package let leavesAdded: UInt64
    }

    private let url: String
    private let storage: any LogStorage
    private let transport: any WebTransport
    private let policy: TrustPolicy
    private let checkers: SignatureCheckers

    /// - Parameters:
    ///   - url: the log's prefix: `checkpoint` and `tile/…` lie below it.
    ///   - policy: whose signatures its checkpoints must bear.
    package init(
        url: String,
        storage: any LogStorage,
        transport: any WebTransport,
        policy: TrustPolicy,
        checkers: SignatureCheckers = SignatureCheckers()
    ) {
        self.url = url
        self.storage = storage
        self.transport = transport
        self.policy = policy
        self.checkers = checkers
    }

    /// Brings the copy up to the log's newest checkpoint. Nothing of the log is believed: a checkpoint that is
    /// smaller than the copy's, or does not continue it, throws `transparency.log-forked` and the copy stays;
    /// the refused checkpoint is kept beside it as `refused-checkpoint`.
    ///
    /// Order: full tiles and bundles, partial ones, then the checkpoint; a crash leaves the old copy with some
    /// files more, and the next run goes on from it.
    package func update() async throws(Problem) -> Progress {
        let bytes = try await fetch("checkpoint")
        guard let signed = SignedCheckpoint(parsing: bytes) else { throw damaged("checkpoint") }
        do {
            _ = try policy.accept(signed, checkers: checkers)
        } catch {
            throw error.problem
        }
        var builder = try startingEdge()
        let before = builder.size
        let target = signed.checkpoint
        guard target.size >= before else { throw try forked(bytes, size: before) }
        while builder.size < target.size {
            for file in try await nextBundle(&builder, size: target.size) {
                try storage.write(file.bytes, to: file.address.path, durably: true)
            }
        }
        guard builder.root == target.root else { throw try forked(bytes, size: target.size) }
        for file in builder.partialFiles {
            try storage.write(file.bytes, to: file.address.path, durably: true)
        }
        try storage.write(bytes, to: "checkpoint", durably: true)
        return Progress(checkpoint: target, leavesAdded: target.size - before)
    }

    /// The right edge of the copy; the empty log where there is none or it is damaged.
    private func startingEdge() throws(Problem) -> TileBuilder {
        guard let bytes = try storage.read("checkpoint"), let kept = SignedCheckpoint(parsing: bytes),
            let edge = try TileBuilder(size: kept.checkpoint.size, storage: storage),
            edge.root == kept.checkpoint.root
        else { return TileBuilder() }
        return edge
    }

    /// Takes the entries of the bundle at the builder's edge that it has not yet; returns what became full.
    private func nextBundle(
        _ builder: inout TileBuilder,
        size: UInt64
    ) async throws(Problem) -> [TileBuilder.File] {
        guard let address = TileAddress(.entries, index: builder.size >> 8, logSize: size) else {
            throw damaged("checkpoint")
        }
        let entries = EntryBundle.decode(try await fetch(address.path), count: address.width)
        guard let entries else { throw damaged(address.path) }
        var full: [TileBuilder.File] = []
        for entry in entries.dropFirst(Int(builder.size & 255)) {
            builder.append(entry, hash: NodeHash(leaf: entry), full: &full)
        }
        return full
    }

    private func fetch(_ path: String) async throws(Problem) -> [UInt8] {
        let answer = try await transport.get(url + "/" + path)
        guard answer.status == 200 else {
            throw Problem(
                .unavailable,
                "transparency.mirror-incomplete",
                ["path": .text(path), "status": .integer(Int64(answer.status))]
            )
        }
        return answer.body
    }

    private func forked(_ checkpoint: [UInt8], size: UInt64) throws(Problem) -> Problem {
        try storage.write(checkpoint, to: "refused-checkpoint", durably: true)
        return Problem(.conflict, "transparency.log-forked", ["size": .integer(Int64(clamping: size))])
    }

    private func damaged(_ path: String) -> Problem {
        Problem(.invalid, "transparency.mirror-refused", ["path": .text(path)])
    }
}

extension Mirror {
    /// Checks a copy of a log by itself, without its database: each entry is hashed again, each tile compared,
    /// the root with the signed one. For a mirror's folder, or the log folder of a node.
    package static func inspect(
        _ storage: any LogStorage,
        policy: TrustPolicy?,
        checkers: SignatureCheckers = SignatureCheckers()
    ) throws(Problem) -> InspectionReport {
        var report = InspectionReport()
        guard let bytes = try storage.read("checkpoint"), let signed = SignedCheckpoint(parsing: bytes) else {
            report.add(Finding("checkpoint", .init(zh: "缺失或不是检查点", en: "is missing or not a checkpoint")))
            return report
        }
        report.filesChecked += 1
        if let policy {
            do {
                _ = try policy.accept(signed, checkers: checkers)
            } catch {
                report.add(
                    Finding("checkpoint", .init(zh: "签名无效：\(error)", en: "is not validly signed: \(error)"))
                )
            }
        }
        var walk = CopyWalk(storage: storage, size: signed.checkpoint.size)
        try walk.run(&report)
        if report.isClean, walk.root != signed.checkpoint.root {
            report.add(
                Finding("checkpoint", .init(zh: "根与条目不符", en: "has another root than its entries"))
            )
        }
        return report
    }
}

/// The pass over a copy's bundles.
private struct CopyWalk {
    let storage: any LogStorage
    let size: UInt64
    private var builder = TileBuilder()

    init(storage: any LogStorage, size: UInt64) {
        self.storage = storage
        self.size = size
    }

    var root: NodeHash { builder.root }

    mutating func run(_ report: inout InspectionReport) throws(Problem) {
        while builder.size < size {
            guard let address = TileAddress(.entries, index: builder.size >> 8, logSize: size),
                let bytes = try storage.read(address.path),
                let entries = EntryBundle.decode(bytes, count: address.width)
            else {
                let path =
                    TileAddress(.entries, index: builder.size >> 8, logSize: size)?.path ?? "tile/entries"
                report.add(Finding(path, .init(zh: "缺失或被截断", en: "is missing or cut off")))
                return
            }
            report.filesChecked += 1
            report.leavesChecked += UInt64(entries.count)
            var full: [TileBuilder.File] = []
            for entry in entries { builder.append(entry, hash: NodeHash(leaf: entry), full: &full) }
            for file in full where file.address.content != .entries { try compare(file, &report) }
        }
        for file in builder.partialFiles where file.address.content != .entries { try compare(file, &report) }
    }

    private func compare(_ file: TileBuilder.File, _ report: inout InspectionReport) throws(Problem) {
        report.filesChecked += 1
        guard try storage.read(file.address.path) != file.bytes else { return }
        report.add(
            Finding(
                file.address.path,
                .init(
                    zh: "与其下条目的哈希不符：分片或条目包被改动",
                    en: "is not what its entries give: the tile or a bundle under it was changed"
                )
            )
        )
    }
}
