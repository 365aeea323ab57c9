// SPDX-License-Identifier: Apache-2.0

package import Primitives
import Store

/// A dataset with everywhere it was found.
package struct ForeignFinding: Hashable, Sendable {
    package let dataset: ForeignDataset
    package let origins: [ForeignOrigin]

    /// Since when no catalog offers it any more; `nil` while one does.
    package var withdrawnAt: Instant? {
        let ends = origins.compactMap(\.withdrawnAt)
        return ends.count == origins.count ? ends.max() : nil
    }
}

/// One catalog that lists a dataset, or did.
package struct ForeignOrigin: Hashable, Sendable {
    package let source: String
    /// What people call the catalog.
    package let name: String
    package let kind: HarvestService.Kind
    package let address: String
    package let firstSeenAt: Instant
    package let changedAt: Instant?
    package let withdrawnAt: Instant?
}

/// Something that was noticed between two readings of a catalog.
package struct ForeignChange: Hashable, Sendable {
    package let at: Instant
    package let kind: ForeignChanges.Kind
    package let source: String
    package let key: String
    package let title: LocalizedText

    package var json: JSON {
        [
            "at": .string(at.rfc3339), "what": .string(kind.rawValue), "source": .string(source),
            "key": .string(key), "title": ["zh": .string(title.zh), "en": .string(title.en)],
        ]
    }
}

/// The datasets of foreign catalogs. What a catalog withdrew stays, and says since when.
enum ForeignBook {
    struct Known {
        let document: JSON
        let isWithdrawn: Bool
    }

    /// What is kept of a source, by its own names.
    static func known(
        of source: HarvestSource, in reading: any SQLReading
    ) throws(Problem) -> [String: Known] {
        let rows = try reading.all(
            """
            SELECT foreign_id, document, withdrawn_at FROM deliver_foreign
            WHERE source_url = ? AND source_kind = ?
            """, [source.url, source.kind.rawValue]
        ) { row throws(Problem) in
            (try row.text(0), Known(document: try row.json(1), isWithdrawn: !row.isNull(2)))
        }
        return Dictionary(rows) { first, _ in first }
    }

    static func put(
        _ dataset: ForeignDataset, of source: HarvestSource, isChange: Bool, in transaction: any SQLWriting
    ) throws(Problem) {
        let words = "\(dataset.title.zh) \(dataset.title.en) \(dataset.about) \(dataset.publisher)"
        try transaction.execute(
            """
            INSERT INTO deliver_foreign
            (source_url, source_kind, foreign_id, dataset, document, words, seen_at, changed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (source_url, source_kind, foreign_id) DO UPDATE SET
            dataset = excluded.dataset, document = excluded.document, words = excluded.words,
            changed_at = ?, withdrawn_at = NULL
            """,
            [
                source.url, source.kind.rawValue, dataset.id, dataset.key, dataset.json, words.lowercased(),
                transaction.now, isChange ? transaction.now : nil,
            ])
    }

    static func withdraw(
        _ id: String, of source: HarvestSource, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            UPDATE deliver_foreign SET withdrawn_at = ?
            WHERE source_url = ? AND source_kind = ? AND foreign_id = ?
            """, [transaction.now, source.url, source.kind.rawValue, id])
    }

    static func note(
        _ kind: ForeignChanges.Kind, _ dataset: ForeignDataset, of source: HarvestSource,
        in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO deliver_foreign_change (source_url, source_kind, foreign_id, at, what, dataset, title)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (source_url, source_kind, foreign_id, at) DO NOTHING
            """,
            [
                source.url, source.kind.rawValue, dataset.id, transaction.now, kind.rawValue, dataset.key,
                ["zh": .string(dataset.title.zh), "en": .string(dataset.title.en)] as JSON,
            ])
    }

    // MARK: Finding

    static func find(
        _ words: String, start: Int, most: Int, in reading: any SQLReading
    ) throws(Problem) -> (count: Int, findings: [ForeignFinding]) {
        let wanted = words.lowercased().split(separator: " ").map { "%\($0)%" }
        let condition =
            (["NOT EXISTS (SELECT 1 FROM trade_listing l WHERE l.code = f.dataset)"]
            + wanted.map { _ in "f.words LIKE ?" }).joined(separator: " AND ")
        let count = try reading.count(
            "SELECT count(DISTINCT f.dataset) FROM deliver_foreign f WHERE \(condition)", wanted)
        let keys = try reading.all(
            """
            SELECT f.dataset FROM deliver_foreign f WHERE \(condition) GROUP BY f.dataset
            ORDER BY min(CASE WHEN f.withdrawn_at IS NULL THEN 0 ELSE 1 END), f.dataset LIMIT ? OFFSET ?
            """, (wanted as [any SQLConvertible]) + [most, start]
        ) { row throws(Problem) in try row.text(0) }
        let findings = try keys.map { key throws(Problem) in try finding(key, in: reading) }
        return (Int(count), findings.compactMap(\.self))
    }

    static func finding(_ key: String, in reading: any SQLReading) throws(Problem) -> ForeignFinding? {
        let rows = try reading.all(
            """
            SELECT f.document, f.source_url, s.name, f.source_kind, f.seen_at, f.changed_at, f.withdrawn_at
            FROM deliver_foreign f JOIN deliver_source s ON s.url = f.source_url AND s.kind = f.source_kind
            WHERE f.dataset = ? ORDER BY f.source_kind, f.source_url
            """, [key]
        ) { row throws(Problem) in
            let dataset = ForeignDataset(stored: try row.json(0))
            return (
                dataset,
                ForeignOrigin(
                    source: try row.text(1), name: try row.text(2),
                    kind: HarvestService.Kind(rawValue: try row.text(3)) ?? .ckan, address: dataset.address,
                    firstSeenAt: try row.instant(4), changedAt: try row.optional(5, row.instant),
                    withdrawnAt: try row.optional(6, row.instant))
            )
        }
        // The fullest description speaks for all; of what is still on offer, where anything is.
        let living = rows.filter { $0.1.withdrawnAt == nil }
        let fullest = (living.isEmpty ? rows : living).map(\.0).max { $0.about.count < $1.about.count }
        return fullest.map { ForeignFinding(dataset: $0, origins: rows.map(\.1)) }
    }

    static func changes(
        of key: String?, most: Int, in reading: any SQLReading
    ) throws(Problem) -> [ForeignChange] {
        try reading.all(
            """
            SELECT at, what, source_url, dataset, title FROM deliver_foreign_change
            WHERE \(key == nil ? "1 = 1" : "dataset = ?") ORDER BY at DESC, foreign_id LIMIT ?
            """, (key.map { [$0] } ?? [] as [any SQLConvertible]) + [most]
        ) { row throws(Problem) in
            let title = try row.json(4)
            return ForeignChange(
                at: try row.instant(0),
                kind: ForeignChanges.Kind(rawValue: try row.text(1)) ?? .changed, source: try row.text(2),
                key: try row.text(3),
                title: LocalizedText(zh: title["zh"]?.text ?? "", en: title["en"]?.text ?? ""))
        }
    }
}
