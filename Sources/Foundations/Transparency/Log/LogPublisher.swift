// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Merkle
package import Primitives
package import Store

/// Derives the public log from the committed leaves: entry bundles, tiles, and a signed checkpoint over them.
///
/// An actor, because one owner must grow the tree: it owns the right edge of the tree and the derived files.
/// The database is the truth. Whatever is lost of the files, and whenever the process ends, the next `start`
/// derives the same bytes again.
package actor LogPublisher {
    /// Leaves read from the database at once: some hundred kilobytes.
    private static let batchLeavesMax = 2048

    private let store: any DataStore
    nonisolated let storage: any LogStorage
    private let signers: [NoteSigner]
    /// The log's name.
    package nonisolated let origin: String
    /// The witnesses it asks, and how many make a checkpoint count.
    package nonisolated let policy: TrustPolicy
    nonisolated let checkers: SignatureCheckers

    private var builder = TileBuilder()
    private var latest: SignedCheckpoint?
    private var rounds: WitnessRounds
    private var isPublishing = false
    /// Whether the witnesses are being asked: only then is it worth waiting for them.
    var isCollecting = false
    /// Who waits for something here to change; each wakes, looks, and waits again if it was not for it.
    private var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
    private var nextWatcher = 0

    /// - Parameters:
    ///   - signers: the log's key first (Ed25519, under the origin's name), then others such as SM2.
    ///   - policy: the witnesses to ask, and how many make a checkpoint count; by default none.
    package init(
        store: any DataStore,
        storage: any LogStorage,
        signers: [NoteSigner],
        policy: TrustPolicy? = nil,
        checkers: SignatureCheckers = SignatureCheckers()
    ) {
        guard let key = signers.first?.key, key.purpose == .ed25519 else {
            preconditionFailure("a public log has an Ed25519 key (c2sp.org/tlog-checkpoint@v1.0.0)")
        }
        self.store = store
        self.storage = storage
        self.signers = signers
        self.policy = policy ?? TrustPolicy(log: key)
        self.checkers = checkers
        rounds = WitnessRounds(policy: self.policy, checkers: checkers)
        origin = key.name
    }

    /// The keys that sign the checkpoints: the log's Ed25519 key first, then others such as SM2.
    package nonisolated var ownKeys: [NoteKey] { signers.map(\.key) }

    // MARK: Deriving

    /// Takes up the stored files, or derives them again where they are missing or do not fit. Call once, before
    /// anything else. A published checkpoint beyond the database throws `transparency.log-behind`: to sign on
    /// from an old backup would be a fork.
    package func start() async throws(Problem) {
        let published = try storage.read("checkpoint").flatMap { SignedCheckpoint(parsing: $0) }
        let size = try await store.read { reading throws(Problem) in try TransparencyLog.size(in: reading) }
        if let published {
            try await takeUp(published.checkpoint, databaseSize: size)
            rounds.resume(published)
        }
        try await publish()
    }

    /// Continues from what was published: from its files, or from the database where files are damaged. Throws
    /// before anything is signed that would not continue it.
    private func takeUp(_ published: Checkpoint, databaseSize: UInt64) async throws(Problem) {
        guard published.origin == origin else {
            throw Problem(
                .conflict,
                "transparency.origin-differs",
                ["stored": .text(published.origin), "origin": .text(origin)]
            )
        }
        guard published.size <= databaseSize else {
            throw Problem(
                .conflict,
                "transparency.log-behind",
                ["size": .integer(Int64(databaseSize)), "published": .integer(Int64(published.size))]
            )
        }
        if let edge = try TileBuilder(size: published.size, storage: storage), edge.root == published.root {
            builder = edge
            return
        }
        try await takeLeaves(upTo: published.size)
        guard builder.root == published.root else {
            throw Problem(.conflict, "transparency.log-forked", ["size": .integer(Int64(published.size))])
        }
    }

    /// Brings tiles and checkpoint up to what is committed, and returns the checkpoint. Calls that come while
    /// one runs wait for it and then share the next.
    ///
    /// Order: full tiles and bundles (durable: they are written once), partial ones, then the checkpoint that
    /// names them. A crash between any two leaves the old checkpoint with files that contain its own; `start`
    /// finishes the rest.
    @discardableResult
    package func publish() async throws(Problem) -> SignedCheckpoint {
        while isPublishing { await change() }
        isPublishing = true
        defer {
            isPublishing = false
            wake()
        }
        let before = builder.size
        let stale = builder.partialFiles.map(\.address)
        try await takeLeaves()
        if let latest, builder.size == before { return latest }
        for file in builder.partialFiles {
            try storage.write(file.bytes, to: file.address.path, durably: false)
        }
        let checkpoint = Checkpoint(origin: origin, size: builder.size, root: builder.root)
        let signed = try SignedCheckpoint(checkpoint, signedBy: signers)
        latest = signed
        rounds.offer(signed)
        if rounds.witnessed == signed { try storage.write(signed.bytes, to: "checkpoint", durably: true) }
        try removePartials(stale)
        return signed
    }

    private func takeLeaves(upTo end: UInt64 = .max) async throws(Problem) {
        while builder.size < end {
            let first = builder.size
            let limit = Int(min(UInt64(Self.batchLeavesMax), end - first))
            let leaves = try await store.read { reading throws(Problem) in
                try TransparencyLog.leaves(from: first, limit: limit, in: reading)
            }
            var full: [TileBuilder.File] = []
            for stored in leaves {
                // A row that is not what was committed must never be published under a signature.
                guard stored.isIntact, stored.index == builder.size else {
                    throw Problem(
                        .fault,
                        "transparency.leaf-damaged",
                        ["index": .integer(Int64(clamping: stored.index))]
                    )
                }
                builder.append(stored.leaf.bytes, hash: stored.hash, full: &full)
            }
            try storage.write(full)
            if leaves.count < limit { return }
        }
    }

    /// A partial tile is needed until the full one exists (c2sp.org/tlog-tiles@v0.1.0, "Partial Tiles").
    private func removePartials(_ addresses: [TileAddress]) throws(Problem) {
        for address in addresses {
            let full = TileAddress(address.content, index: address.index, width: TileAddress.widthMax)
            guard let now = TileAddress(address.content, index: address.index, logSize: builder.size),
                now.isFull
            else { continue }
            try storage.remove(full.path + ".p")
        }
    }

    // MARK: Proving

    /// The newest signed checkpoint; publishes first if there is none yet.
    package func checkpoint() async throws(Problem) -> SignedCheckpoint {
        if let latest { return latest }
        return try await publish()
    }

    /// The newest checkpoint that enough witnesses cosigned; `nil` before the first.
    package var witnessedCheckpoint: SignedCheckpoint? { rounds.witnessed }

    /// A signed checkpoint that covers the leaf; publishes if the newest does not.
    package func checkpoint(covering index: LeafIndex) async throws(Problem) -> SignedCheckpoint {
        if let latest, index < latest.checkpoint.size { return latest }
        return try await publish()
    }

    /// Waits until enough witnesses cosigned a checkpoint that covers the leaf. Waits for ever if they do not:
    /// the caller sets the limit and cancels; then `nil`.
    package func witnessedCheckpoint(covering index: LeafIndex) async throws(Problem) -> SignedCheckpoint? {
        _ = try await checkpoint(covering: index)
        while !Task.isCancelled {
            if let witnessed = rounds.witnessed, index < witnessed.checkpoint.size { return witnessed }
            await change()
        }
        return nil
    }

    /// The leaf's receipt under a checkpoint that covers it, with everything about it disclosed.
    package func receipt(
        for index: LeafIndex,
        under signed: SignedCheckpoint
    ) async throws(Problem) -> Receipt {
        try await Self.receipt(for: index, under: signed, store: store, storage: storage)
    }

    /// The same from a database and files alone: for verbs that work beside a node.
    package static func receipt(
        for index: LeafIndex,
        under signed: SignedCheckpoint,
        store: any DataStore,
        storage: any LogStorage
    ) async throws(Problem) -> Receipt {
        var reader = TileReader(size: signed.checkpoint.size, storage: storage)
        let proof = try reader.inclusionProof(index: index)
        let stored = try await store.read { reading throws(Problem) in
            try TransparencyLog.leaves(from: index, limit: 1, in: reading).first
        }
        guard let stored, stored.isIntact, stored.index == index else {
            throw Problem(.fault, "transparency.leaf-damaged", ["index": .integer(Int64(clamping: index))])
        }
        return Receipt(extra: try Disclosure(stored).bytes, proof: proof, checkpoint: signed)
    }

    /// The leaf's receipt under the newest checkpoint: the log's own word, without waiting for witnesses.
    package func receipt(for index: LeafIndex) async throws(Problem) -> Receipt {
        try await receipt(for: index, under: try await checkpoint(covering: index))
    }

    /// That the log of an older size is the beginning of the newest.
    package func consistencyProof(from oldSize: UInt64) async throws(Problem) -> ConsistencyProof {
        var reader = TileReader(size: try await checkpoint().checkpoint.size, storage: storage)
        return try reader.consistencyProof(from: oldSize)
    }

    // MARK: Witnesses

    /// What this witness is to cosign now; `nil` if it has nothing to do.
    func work(for witness: TrustPolicy.Witness) -> SignedCheckpoint? { rounds.work(for: witness) }

    /// A witness answered. Enough of them make the checkpoint the published one. A line that is not its
    /// cosignature of what it was asked throws.
    func take(
        _ lines: [NoteSignature],
        from witness: TrustPolicy.Witness,
        over asked: SignedCheckpoint
    ) throws(Problem) {
        let before = rounds.witnessed
        guard rounds.take(lines, from: witness, over: asked) else {
            throw CosignatureRequest.refused(witness, "its line is not its cosignature of the checkpoint")
        }
        guard let witnessed = rounds.witnessed, witnessed != before else { return }
        try storage.write(witnessed.bytes, to: "checkpoint", durably: true)
        wake()
    }

    // MARK: Waiting

    /// Suspends until something here changes.
    func change() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let watcher = nextWatcher
        nextWatcher += 1
        watchers[watcher] = continuation
        for await _ in stream { break }
        watchers[watcher] = nil
    }

    private func wake() {
        for watcher in watchers.values { watcher.yield() }
    }
}
