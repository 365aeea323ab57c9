// SPDX-License-Identifier: Apache-2.0

package import Lane
package import Primitives
package import Register
import Store

/// Foreign catalogs, read as they offer themselves: each dataset is kept with its origin, and what several catalogs list is
/// shown once, with all of its origins.
package struct HarvestService: Sendable {
    let context: StageContext
    let outside: any OutsideCaller

    package init(context: StageContext, outside: any OutsideCaller) {
        self.context = context
        self.outside = outside
    }

    package enum Kind: String, Hashable, Sendable, CaseIterable { case ckan, dsp }

    /// A catalog that is harvested, with how its last reading ended.
    package struct Source: Hashable, Sendable {
        package let url: String
        package let kind: Kind
        package let name: String
        package let count: Int
        package let harvestedAt: Instant?
        package let lastError: String?

        package var json: JSON {
            [
                "url": .string(url), "kind": .string(kind.rawValue), "name": .string(name),
                "count": .integer(Int64(count)),
                "harvestedAt": harvestedAt.map { .string($0.rfc3339) } ?? .null,
                "lastError": lastError.map(JSON.string) ?? .null,
            ]
        }
    }

    /// A dataset with everywhere it was found.
    package struct Finding: Hashable, Sendable {
        package let dataset: ForeignDataset
        package let origins: [Origin]
    }

    package struct Origin: Hashable, Sendable {
        package let source: String
        package let kind: Kind
        package let address: String
    }

    private static let pageMost = 100
    /// A catalog larger than this is read in parts by its own search, not copied.
    private static let datasetsMax = 200_000

    // MARK: Reading

    /// Reads a catalog from its beginning and replaces what was known of it, in one commit: a catalog that breaks off keeps
    /// its last complete reading, and says why.
    ///
    /// - Parameter token: what proves us to a Dataspace Protocol catalog; a CKAN is read without.
    package func harvest(
        _ url: String, kind: Kind, name: String, token: String
    ) async throws(Problem) -> Source {
        let root = url.hasSuffix("/") ? String(url.dropLast()) : url
        let datasets: [ForeignDataset]
        do throws(Problem) {
            datasets = kind == .ckan ? try await ckan(root) : try await dsp(root, token)
        } catch {
            try await note(root, kind, name, error: error.operatorNote ?? error.code)
            throw error
        }
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            try transaction.execute(
                "DELETE FROM deliver_foreign WHERE source_url = ? AND source_kind = ?", [root, kind.rawValue])
            for dataset in datasets {
                try transaction.execute(
                    """
                    INSERT INTO deliver_foreign
                    (source_url, source_kind, foreign_id, dataset, document, words, seen_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """,
                    [
                        root, kind.rawValue, dataset.id, dataset.key, dataset.json,
                        "\(dataset.title.zh) \(dataset.title.en) \(dataset.about) \(dataset.publisher)"
                            .lowercased(), transaction.now,
                    ])
            }
            try transaction.execute(
                """
                INSERT INTO deliver_source (url, kind, name, harvested_at, count, last_error)
                VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT (url, kind) DO UPDATE SET name = excluded.name,
                harvested_at = excluded.harvested_at, count = excluded.count, last_error = NULL
                """, [root, kind.rawValue, name, transaction.now, datasets.count])
            return Source(
                url: root, kind: kind, name: name, count: datasets.count, harvestedAt: transaction.now,
                lastError: nil)
        }
    }

    private func note(_ url: String, _ kind: Kind, _ name: String, error: String) async throws(Problem) {
        try await context.store.write { transaction throws(Problem) in
            try transaction.execute(
                """
                INSERT INTO deliver_source (url, kind, name, harvested_at, count, last_error)
                VALUES (?, ?, ?, NULL, 0, ?) ON CONFLICT (url, kind) DO UPDATE SET last_error = excluded.last_error
                """, [url, kind.rawValue, name, error])
        }
    }

    private func ckan(_ root: String) async throws(Problem) -> [ForeignDataset] {
        var found: [ForeignDataset] = []
        var start = 0
        while found.count < Self.datasetsMax {
            let answer = try await outside.post(
                root + "/api/3/action/package_search",
                ["rows": .integer(Int64(Self.pageMost)), "start": .integer(Int64(start))])
            let page = answer["result"]?["results"]?.array ?? []
            found += page.compactMap { ForeignDataset(ckan: $0, at: root) }
            start += page.count
            // A catalog whose count lies, or that ignores `start`, must not be read for ever.
            guard !page.isEmpty, Int64(start) < answer["result"]?["count"]?.integer ?? 0 else { break }
        }
        return found
    }

    private func dsp(_ root: String, _ token: String) async throws(Problem) -> [ForeignDataset] {
        let message: JSON = [
            "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage",
        ]
        var found: [ForeignDataset] = []
        var next: String? = root + "/catalog/request"
        var seen: Set<String> = []
        while let url = next, seen.insert(url).inserted, found.count < Self.datasetsMax {
            let reply = try await outside.call("POST", url, token: token, message, deadline: .seconds(30))
            guard reply.status == 200, let body = reply.body else {
                throw Problem(
                    .unavailable, "deliver.catalog-refused",
                    ["url": .text(url), "status": .integer(Int64(reply.status))])
            }
            let participant = body["participantId"]?.text ?? root
            found += (body["dataset"]?.array ?? []).compactMap {
                ForeignDataset(dsp: $0, from: participant, at: root)
            }
            next = reply.next
        }
        return found
    }

    // MARK: Finding

    package func sources() async throws(Problem) -> [Source] {
        try await context.store.read { reading throws(Problem) in
            try reading.all(
                "SELECT url, kind, name, count, harvested_at, last_error FROM deliver_source ORDER BY name, url"
            ) { row throws(Problem) in
                Source(
                    url: try row.text(0), kind: Kind(rawValue: try row.text(1)) ?? .ckan,
                    name: try row.text(2), count: try row.int(3),
                    harvestedAt: try row.optional(4, row.instant),
                    lastError: try row.optional(5, row.text))
            }
        }
    }

    /// Datasets that hold every word, each once. What stands in our own catalog is left out: it is found there.
    package func find(
        _ words: String, start: Int = 0, most: Int = 50
    ) async throws(Problem) -> (count: Int, findings: [Finding]) {
        let wanted = words.lowercased().split(separator: " ").map { "%\($0)%" }
        let condition =
            (["NOT EXISTS (SELECT 1 FROM trade_listing l WHERE l.code = f.dataset)"]
            + wanted.map { _ in "f.words LIKE ?" }).joined(separator: " AND ")
        return try await context.store.read { reading throws(Problem) in
            let count = try reading.count(
                "SELECT count(DISTINCT f.dataset) FROM deliver_foreign f WHERE \(condition)", wanted)
            let keys = try reading.all(
                """
                SELECT f.dataset FROM deliver_foreign f WHERE \(condition) GROUP BY f.dataset
                ORDER BY f.dataset LIMIT ? OFFSET ?
                """, (wanted as [any SQLConvertible]) + [most, start]
            ) { row throws(Problem) in try row.text(0) }
            let findings = try keys.map { key throws(Problem) in try Self.finding(key, in: reading) }
            return (Int(count), findings)
        }
    }

    private static func finding(_ key: String, in reading: any SQLReading) throws(Problem) -> Finding {
        let rows = try reading.all(
            """
            SELECT document, source_url, source_kind FROM deliver_foreign WHERE dataset = ?
            ORDER BY source_kind, source_url
            """, [key]
        ) { row throws(Problem) in
            (
                ForeignDataset(stored: try row.json(0)), try row.text(1),
                Kind(rawValue: try row.text(2)) ?? .ckan
            )
        }
        // The fullest description speaks for all.
        let fullest = rows.map(\.0).max { $0.about.count < $1.about.count }
        return Finding(
            dataset: fullest ?? ForeignDataset(stored: .null),
            origins: rows.map { Origin(source: $0.1, kind: $0.2, address: $0.0.address) })
    }
}
