// SPDX-License-Identifier: Apache-2.0

package import Primitives
import Store

/// A catalog that is harvested: when, how the last reading ended, and when the next one comes.
package struct HarvestSource: Hashable, Sendable {
    package let url: String
    package let kind: HarvestService.Kind
    package let name: String
    /// Datasets on offer at the last complete reading.
    package let count: Int
    package let harvestedAt: Instant?
    package let lastError: String?
    /// Seconds between readings; `nil` where somebody reads by hand.
    package let interval: Int?
    package let dueAt: Instant?
    /// Readings that failed since the last complete one.
    package let failures: Int
    /// What the last complete reading found changed.
    package let changes: ForeignChanges?

    package var json: JSON {
        [
            "url": .string(url), "kind": .string(kind.rawValue), "name": .string(name),
            "count": .integer(Int64(count)),
            "harvestedAt": harvestedAt.map { .string($0.rfc3339) } ?? .null,
            "lastError": lastError.map(JSON.string) ?? .null,
            "every": interval.map { .integer(Int64($0)) } ?? .null,
            "dueAt": dueAt.map { .string($0.rfc3339) } ?? .null, "failures": .integer(Int64(failures)),
            "changes": changes?.json ?? .null,
        ]
    }
}

/// What one reading found different from the one before.
package struct ForeignChanges: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case added, changed, withdrawn
        /// On offer again after it was withdrawn.
        case returned
    }

    package private(set) var counts: [Kind: Int] = [:]

    package var isEmpty: Bool { counts.values.allSatisfy { $0 == 0 } }

    package var json: JSON {
        .object(
            Dictionary(
                uniqueKeysWithValues: Kind.allCases.map {
                    ($0.rawValue, .integer(Int64(counts[$0] ?? 0)))
                }))
    }

    mutating func note(_ kind: Kind) { counts[kind, default: 0] += 1 }

    init() {}

    init(json: JSON) {
        for kind in Kind.allCases { counts[kind] = json[kind.rawValue]?.integer.map { Int($0) } }
    }
}

/// The harvested catalogs and what each of them offers, as they are kept.
enum HarvestBook {
    /// How long after a failed reading the next one comes: twice as long each time, never longer than the interval.
    private static let pauseMin: Int64 = 60

    private static let columns =
        "url, kind, name, count, harvested_at, last_error, every_seconds, due_at, failures, changes"

    // MARK: Sources

    /// Notes a source before it is read, so that its interval holds even if the reading fails.
    static func remember(
        _ url: String, _ kind: HarvestService.Kind, _ name: String, _ token: String?, _ interval: Int?,
        in transaction: any SQLWriting
    ) throws(Problem) -> HarvestSource {
        try transaction.execute(
            """
            INSERT INTO deliver_source (url, kind, name, harvested_at, count, last_error, failures)
            VALUES (?, ?, ?, NULL, 0, NULL, 0) ON CONFLICT (url, kind) DO NOTHING
            """, [url, kind.rawValue, name.isEmpty ? url : name])
        if !name.isEmpty {
            try transaction.execute(
                "UPDATE deliver_source SET name = ? WHERE url = ? AND kind = ?", [name, url, kind.rawValue])
        }
        if let token {
            try transaction.execute(
                "UPDATE deliver_source SET token = ? WHERE url = ? AND kind = ?",
                [token, url, kind.rawValue])
        }
        if let interval {
            let due = interval == 0 ? nil : transaction.now.advanced(by: .seconds(interval))
            try transaction.execute(
                "UPDATE deliver_source SET every_seconds = ?, due_at = ? WHERE url = ? AND kind = ?",
                [interval == 0 ? nil : interval, due, url, kind.rawValue])
        }
        guard
            let source = try select("url = ? AND kind = ?", [url, kind.rawValue], in: transaction).first
        else { throw Problem(.fault, "store.storage-failed", operatorNote: "a source is gone") }
        return source
    }

    static func sources(in reading: any SQLReading) throws(Problem) -> [HarvestSource] {
        try select("1 = 1", [], in: reading)
    }

    static func due(at now: Instant, in reading: any SQLReading) throws(Problem) -> [HarvestSource] {
        try select("due_at <= ?", [now], in: reading)
    }

    static func token(of source: HarvestSource, in reading: any SQLReading) throws(Problem) -> String? {
        try reading.first(
            "SELECT token FROM deliver_source WHERE url = ? AND kind = ? AND token IS NOT NULL",
            [source.url, source.kind.rawValue]
        ) { row throws(Problem) in try row.text(0) }
    }

    /// A reading broke off: what was known stays, and the next attempt comes sooner than the interval.
    static func fail(
        _ source: HarvestSource, _ error: String, in transaction: any SQLWriting
    ) throws(Problem) {
        let pause = source.interval.map { interval in
            min(Int64(interval), pauseMin << Int64(min(source.failures, 16)))
        }
        try transaction.execute(
            """
            UPDATE deliver_source SET last_error = ?, failures = failures + 1, due_at = ?
            WHERE url = ? AND kind = ?
            """,
            [
                error, pause.map { transaction.now.advanced(by: .seconds($0)) }, source.url,
                source.kind.rawValue,
            ])
    }

    /// Takes a complete reading over: what is new, what changed, what is offered again, and what is no more.
    static func take(
        _ datasets: [ForeignDataset], from source: HarvestSource, in transaction: any SQLWriting
    ) throws(Problem) -> HarvestSource {
        let isFirst = source.harvestedAt == nil
        var left = try ForeignBook.known(of: source, in: transaction)
        var taken: Set<String> = []
        var changes = ForeignChanges()
        for dataset in datasets where taken.insert(dataset.id).inserted {
            let known = left.removeValue(forKey: dataset.id)
            let kind: ForeignChanges.Kind
            if let known {
                guard known.isWithdrawn || known.document != dataset.json else { continue }
                kind = known.isWithdrawn ? .returned : .changed
            } else {
                kind = .added
            }
            try ForeignBook.put(dataset, of: source, isChange: known != nil, in: transaction)
            // What a catalog holds when it is first read is no news.
            guard !isFirst else { continue }
            changes.note(kind)
            try ForeignBook.note(kind, dataset, of: source, in: transaction)
        }
        for (id, known) in left where !known.isWithdrawn {
            changes.note(.withdrawn)
            let dataset = ForeignDataset(stored: known.document)
            try ForeignBook.withdraw(id, of: source, in: transaction)
            try ForeignBook.note(.withdrawn, dataset, of: source, in: transaction)
        }
        let due = source.interval.map { transaction.now.advanced(by: .seconds($0)) }
        try transaction.execute(
            """
            UPDATE deliver_source SET harvested_at = ?, count = ?, last_error = NULL, failures = 0, due_at = ?,
            changes = ? WHERE url = ? AND kind = ?
            """,
            [transaction.now, taken.count, due, changes.json, source.url, source.kind.rawValue])
        return HarvestSource(
            url: source.url, kind: source.kind, name: source.name, count: taken.count,
            harvestedAt: transaction.now, lastError: nil, interval: source.interval, dueAt: due, failures: 0,
            changes: changes)
    }

    private static func select(
        _ condition: String, _ arguments: [any SQLConvertible], in reading: any SQLReading
    ) throws(Problem) -> [HarvestSource] {
        try reading.all(
            "SELECT \(columns) FROM deliver_source WHERE \(condition) ORDER BY name, url, kind", arguments
        ) { row throws(Problem) in
            HarvestSource(
                url: try row.text(0), kind: HarvestService.Kind(rawValue: try row.text(1)) ?? .ckan,
                name: try row.text(2), count: try row.int(3), harvestedAt: try row.optional(4, row.instant),
                lastError: try row.optional(5, row.text), interval: try row.optional(6, row.int),
                dueAt: try row.optional(7, row.instant), failures: try row.int(8),
                changes: try row.optional(9, row.json).map(ForeignChanges.init(json:)))
        }
    }
}
