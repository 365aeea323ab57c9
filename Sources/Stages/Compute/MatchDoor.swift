// SPDX-License-Identifier: Apache-2.0

import Identity
import PSI
package import Primitives
import Register
import Synchronization
package import Tables
import Trade
import Valve

/// What the `match` door needs of a node: its tables' keys, its secret, and the runs in progress.
///
/// Owns the runs. They live in memory alone: their keys must not outlive them. A run that is lost with the process is
/// begun again under the same passage, at no charge.
package final class MatchDoor: Sendable {
    let engines: any TableEngineFactory
    /// Where version files lie.
    let objects: String
    /// From the node's key: for commitments to our sets and for orders that no peer can know.
    let secret: Redacted<[UInt8]>

    private struct State {
        var runs: [ID<Passage>: MatchRun] = [:]
        var newest: (key: Digest, keys: HeldKeys)?
    }

    private let state = Mutex(State())

    package init(engines: any TableEngineFactory, objects: String, secret: Redacted<[UInt8]>) {
        self.engines = engines
        self.objects = objects
        self.secret = secret
    }

    /// More runs at once are refused: each holds points of both sets.
    private static let runsMax = 16
    /// A run whose asker says nothing for so long is given up.
    private static let patience: Duration = .seconds(120)
    private static let limits = EngineLimits(memoryBytes: 512 << 20, threads: 2, queriesAtOnceMax: 4)

    // MARK: Runs at the holder

    func begin(_ run: MatchRun, at now: Instant) throws(Problem) {
        let (isFull, given) = state.withLock { state in
            let idle = state.runs.filter { now.duration(since: $0.value.lastHeard) > Self.patience }
            for passage in idle.keys { state.runs[passage] = nil }
            let before = state.runs.removeValue(forKey: run.passage)
            let isFull = state.runs.count >= Self.runsMax
            if !isFull { state.runs[run.passage] = run }
            return (isFull, idle.values + [before].compactMap { $0 })
        }
        for run in given { run.link.finish() }
        if isFull { throw Problem(.limited, "compute.match-busy") }
    }

    func run(_ passage: ID<Passage>) -> MatchRun? { state.withLock { $0.runs[passage] } }

    // MARK: Keys of the holder's table

    /// The keys of one version under some rules, with what is summed over them; those of the newest call are kept.
    func keys(
        of listing: Listing, _ rules: MatchRules, _ want: MatchWant, _ version: AssetVersion
    ) async throws(Problem) -> HeldKeys {
        var parts = [version.digest.hex, rules.recipe.digest.hex, listing.tableName] + rules.keys
        let amount = want.column
        parts.append(amount ?? "")
        let key = Digest(of: JSON.array(parts.map(JSON.string)).canonicalBytes)
        if let known = state.withLock({ $0.newest?.key == key ? $0.newest?.keys : nil }) { return known }
        let source = TableSource.parquet([objects + "/" + version.path])
        let engine = try await engines.openSealed([listing.tableName: source], Self.limits)
        defer { engine.close() }
        let quoted = { (name: String) in "\"" + name.replacing("\"", with: "\"\"") + "\"" }
        var columns = rules.keys.map { "CAST(\(quoted($0)) AS VARCHAR)" }
        let bounds = amount.flatMap { rules.sums[$0] }
        if let amount, let bounds {
            let scale = (0..<bounds.decimals).reduce(1) { scale, _ in scale * 10 }
            columns.append("CAST(ROUND(\(quoted(amount)) * \(scale)) AS BIGINT)")
        }
        let collector = ItemCollector(rules.recipe, keyCount: rules.keys.count)
        try await engine.run(
            TableQuery("SELECT \(columns.joined(separator: ", ")) FROM \(quoted(listing.tableName))")
        ) {
            batch throws(Problem) in collector.take(batch)
        }
        let keys = collector.keys(within: bounds?.range)
        state.withLock { $0.newest = (key, keys) }
        return keys
    }

    // MARK: Secrets of the asker

    /// Opens the sums of one set under one agreement, whenever they come.
    func share(_ set: Digest) -> JointKeyShare {
        let seed = ["sum-0", "sum-1"].flatMap {
            Digest(of: secret.disclosed + Array($0.utf8) + set.bytes).bytes
        }
        return JointKeyShare(seed: seed)
    }

    /// Commits to a set under one agreement, so that the holder can tell a repeat from a changed set.
    func commitment(_ request: MatchRequest) -> Digest {
        var bytes = secret.disclosed + Array("set".utf8) + Array(request.agreementCode.utf8)
        for size in request.groupSizes { bytes += Array("\(size),".utf8) }
        for item in request.items { Self.append(item, to: &bytes) }
        return Digest(of: bytes)
    }

    /// The order in which a request's items are sent: shuffled inside each group under the secret, and the same again
    /// for the same passage, so that an answer that comes after a crash still leads back to the rows.
    func order(_ request: MatchRequest, in passage: ID<Passage>) -> [Int] {
        let key = Digest(of: secret.disclosed + Array("order".utf8) + Array(passage.uuid.utf8)).bytes
        let ranks = request.items.indices.map { place in
            Digest(of: key + (0..<8).map { UInt8(truncatingIfNeeded: place >> (8 * $0)) }).hex
        }
        var start = 0
        return request.groupSizes.flatMap { size -> [Int] in
            defer { start += size }
            return (start..<start + size).sorted { ranks[$0] < ranks[$1] }
        }
    }

    private static func append(_ item: MatchRequest.Item, to bytes: inout [UInt8]) {
        for word in [item.x, item.y] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
    }
}

/// A holder's side of a match: distinct keys and, where something is summed, one amount for each.
struct HeldKeys: Sendable {
    let items: ItemSet
    let amounts: [Int64]?
}

/// Makes items of an engine's batches: key columns first, then perhaps an amount.
private final class ItemCollector: Sendable {
    private struct State {
        var builder: ItemSet.Builder
        var amounts: [Int64] = []
    }

    private let recipe: KeyRecipe
    private let keyCount: Int
    private let state: Mutex<State>

    init(_ recipe: KeyRecipe, keyCount: Int) {
        self.recipe = recipe
        self.keyCount = keyCount
        state = Mutex(State(builder: ItemSet.Builder(recipe: recipe)))
    }

    func take(_ batch: TableBatch) {
        state.withLock { state in
            for row in 0..<batch.rowCount {
                state.builder.add(
                    batch.vectors.prefix(keyCount).map { vector -> [UInt8]? in
                        guard case .texts(let texts) = vector.storage, !vector.isNull(row) else { return nil }
                        return recipe.normalize(texts.bytes(row))
                    })
                guard batch.vectors.count > keyCount else { continue }
                let vector = batch.vectors[keyCount]
                guard case .integers(let values) = vector.storage, !vector.isNull(row) else {
                    state.amounts.append(0)
                    continue
                }
                state.amounts.append(values[row])
            }
        }
    }

    /// - Parameter range: what one key's rows together count at least and at most; `nil` where nothing is summed.
    func keys(within range: ClosedRange<Int64>?) -> HeldKeys {
        let (builder, rows) = state.withLock { ($0.builder, $0.amounts) }
        let items = builder.build()
        guard let range else { return HeldKeys(items: items, amounts: nil) }
        var sums = items.firstRow.map { rows[$0] }
        for (item, row) in items.repeats { sums[item] = sums[item].addingSaturated(rows[row]) }
        return HeldKeys(
            items: items, amounts: sums.map { min(max($0, range.lowerBound), range.upperBound) })
    }
}

extension Int64 {
    fileprivate func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
