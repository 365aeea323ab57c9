// SPDX-License-Identifier: Apache-2.0

private import enum Crypto.AES
private import struct Crypto.SymmetricKey
import Identity
package import Lane
package import Primitives
import Register
import Store
private import Trade

/// Foreign catalogs, read as they offer themselves, by hand or at an interval: each dataset is kept with its origin, what
/// several catalogs list is shown once with all of its origins, and what changed or went away is noticed and stays.
package struct HarvestService: Sendable {
    let context: StageContext
    let outside: any OutsideCaller
    /// Under which the tokens of foreign catalogs lie in the database.
    private let secret: Digest

    package init(delivery: DeliveryService, outside: any OutsideCaller) {
        context = delivery.context
        self.outside = outside
        secret = delivery.code("harvest/tokens")
    }

    package enum Kind: String, Hashable, Sendable, CaseIterable { case ckan, dsp }

    /// Seconds between readings: a catalog must have time for its other readers; a year is as good as never.
    package static let intervals = 10...31_622_400

    // MARK: Reading

    /// Reads a catalog now and takes over what changed, in one commit: a catalog that breaks off keeps its last complete
    /// reading, and says why.
    ///
    /// - Parameters:
    ///   - token: what proves us to a Dataspace Protocol catalog, kept sealed; `nil` keeps the one given before. A node
    ///     whose party is known here takes our own signature.
    ///   - interval: seconds between readings from now on; 0 ends them, `nil` keeps what was said before.
    package func harvest(
        _ url: String, kind: Kind, name: String, token: String? = nil, every interval: Int? = nil
    ) async throws(Problem) -> HarvestSource {
        let root = url.hasSuffix("/") ? String(url.dropLast()) : url
        if let interval, interval != 0, !Self.intervals.contains(interval) {
            throw Problem(
                .invalid, "deliver.interval-invalid",
                [
                    "least": .integer(Int64(Self.intervals.lowerBound)),
                    "most": .integer(Int64(Self.intervals.upperBound)),
                ])
        }
        let sealed = try token.map { text throws(Problem) in try seal(text) }
        let source = try await context.store.write { transaction throws(Problem) in
            try HarvestBook.remember(root, kind, name, sealed, interval, in: transaction)
        }
        return try await read(source)
    }

    /// Reads the catalogs whose time has come. One that cannot be read is tried again sooner than at its interval, and
    /// keeps nobody else waiting: what was wrong stands with it.
    package func work() async throws(Problem) {
        let due = try await context.store.read { [now = context.clock.now()] reading throws(Problem) in
            try HarvestBook.due(at: now, in: reading)
        }
        for source in due { _ = try? await read(source) }
    }

    private func read(_ source: HarvestSource) async throws(Problem) -> HarvestSource {
        let datasets: [ForeignDataset]
        do throws(Problem) {
            let reader = CatalogReader(outside: outside, root: source.url, token: try await tokens(source))
            datasets = try await reader.datasets(source.kind)
        } catch {
            try await context.store.write { transaction throws(Problem) in
                try HarvestBook.fail(source, error.operatorNote ?? error.code, in: transaction)
            }
            throw error
        }
        let own = context.own
        return try await context.store.write { transaction throws(Problem) in
            let read = try HarvestBook.take(datasets, from: source, in: transaction)
            if source.harvestedAt != nil, let changes = read.changes, !changes.isEmpty {
                try Notices.tell(own, .catalogChanged, about: source.url, changes.json, in: transaction)
            }
            return read
        }
    }

    // MARK: Proving ourselves

    /// The token given for a source, else one of ours for a node whose party we know; a CKAN is read without.
    private func tokens(
        _ source: HarvestSource
    ) async throws(Problem) -> @Sendable (JSON) throws(Problem) -> String {
        let (peer, sealed) = try await context.store.read { reading throws(Problem) in
            let peer = try PartyRegister.all(in: reading).first { party in
                guard case .url(let address) = party.address else { return false }
                return source.url == address || source.url.hasPrefix(address + "/")
            }
            return (peer, try HarvestBook.token(of: source, in: reading))
        }
        if let sealed {
            let token = try opened(sealed)
            return { _ in token }
        }
        guard let peer, source.kind == .dsp else { return { _ in "" } }
        let (context, clock) = (context, context.clock)
        return { message throws(Problem) in
            let now = clock.now()
            return try SignedToken(
                issuer: context.own, audience: peer.id, tokenID: ID<ForeignDataset>(at: now).uuid,
                issuedAt: now, subject: DataspaceToken.subject, body: Digest(of: message.canonicalBytes)
            ).signed(by: context.signer)
        }
    }

    private func seal(_ token: String) throws(Problem) -> String {
        let box = try? AES.GCM.seal(Array(token.utf8), using: SymmetricKey(data: secret.bytes)).combined
        guard let box else { throw Problem(.fault, "store.storage-failed", operatorNote: "cannot seal") }
        return Base64.encode(Array(box))
    }

    private func opened(_ sealed: String) throws(Problem) -> String {
        guard let bytes = Base64.decode(sealed), let box = try? AES.GCM.SealedBox(combined: bytes),
            let text = try? AES.GCM.open(box, using: SymmetricKey(data: secret.bytes))
        else { throw Problem(.fault, "store.storage-failed", operatorNote: "cannot open a sealed token") }
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: Finding

    /// The catalogs that are harvested, and how their last reading ended.
    package func sources() async throws(Problem) -> [HarvestSource] {
        try await context.store.read { reading throws(Problem) in try HarvestBook.sources(in: reading) }
    }

    /// Datasets that hold every word, each once: those still on offer first. What stands in our own catalog is left out:
    /// it is found there.
    package func find(
        _ words: String, start: Int = 0, most: Int = 50
    ) async throws(Problem) -> (count: Int, findings: [ForeignFinding]) {
        try await context.store.read { reading throws(Problem) in
            try ForeignBook.find(words, start: start, most: most, in: reading)
        }
    }

    /// One dataset with its origins, by what it is the same under everywhere; `nil` where nobody lists it.
    package func finding(_ key: String) async throws(Problem) -> ForeignFinding? {
        try await context.store.read { reading throws(Problem) in
            try ForeignBook.finding(key, in: reading)
        }
    }

    /// What was noticed between readings, newest first; of one dataset, or of all.
    package func changes(
        of key: String? = nil, most: Int = 200
    ) async throws(Problem) -> [ForeignChange] {
        try await context.store.read { reading throws(Problem) in
            try ForeignBook.changes(of: key, most: most, in: reading)
        }
    }
}
