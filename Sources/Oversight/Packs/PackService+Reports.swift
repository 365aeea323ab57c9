// SPDX-License-Identifier: Apache-2.0

package import Identity
import Lists
package import Measure
package import Primitives
import Register
import Store
import Transparency

/// A published measurement (S147): an index over figures that are frozen with it. A version never changes; a
/// correction is a new version and says why.
package struct IndexReport: Sendable {
    package let index: CompositeIndicator
    /// `2025`, as its publisher names the period.
    package let period: String
    package let version: Int
    /// The pack whose declaration was computed, in its version.
    package let pack: String
    package let packVersion: String
    /// The figures as they came: CSV.
    package let figures: String
    /// What a correction corrects; empty for a first version without one.
    package let note: String
    /// SHA-256 over all of the above: what the log leaf commits to.
    package let digest: Digest
    package let publishedAt: Instant

    /// Computed anew from the frozen figures: the same bytes every time.
    package func result() throws(Problem) -> IndexResult {
        try index.compute(FigureTable(csv: ListText.rows(of: figures)))
    }

    /// Without the scores: a line of a list.
    package func json(in language: Language) -> JSON {
        [
            "index": .string(index.id), "title": .string(index.title[language]), "period": .string(period),
            "version": .integer(Int64(version)), "pack": .string(pack), "packVersion": .string(packVersion),
            "note": .string(note), "digest": .string(digest.hex),
            "publishedAt": .string(publishedAt.rfc3339),
        ]
    }

    /// With every score, rank, gap and change, and the figures themselves.
    package func fullJSON(in language: Language) throws(Problem) -> JSON {
        let result = try result()
        var members = json(in: language).object ?? [:]
        members["figures"] = .string(figures)
        members["imputed"] = .integer(Int64(result.imputed))
        members["defaultWeights"] = .bool(index.hasDefaultWeights)
        members["lines"] = IndexComparison(result, of: index).json
        return .object(members)
    }
}

extension IndexComparison {
    package var json: JSON {
        .array(
            lines.map { line in
                [
                    "unit": .string(line.unit), "year": .string(line.year),
                    "standings": .object(
                        line.standings.mapValues {
                            [
                                "score": .number($0.score), "rank": .integer(Int64($0.rank)),
                                "gap": .number($0.gap), "change": $0.change.map { .number($0) } ?? .null,
                            ]
                        }),
                ]
            })
    }
}

extension PackService {
    /// Freezes figures and publishes the index over them. The same figures again publish nothing new; other figures
    /// for the same period are a correction and need a note.
    package func publish(
        _ index: String, period: String, figures: String, note: String, by caller: Caller
    ) async throws(Problem) -> IndexReport {
        try caller.require(.marketOperate)
        let (packs, context) = (packs, context)
        return try await store.write { writer throws(Problem) -> IndexReport in
            let found = try packs.inForce(asOf: nil, writer).first { $0.indices.contains { $0.id == index } }
            guard let pack = found, let declared = pack.indices.first(where: { $0.id == index }) else {
                throw Problem(.missing, "measure.index-missing", ["index": .text(index)])
            }
            let earlier = try Self.reports(index, period, packs, writer)
            let packVersion = pack.version.description
            if let last = earlier.last, last.figures == figures, last.packVersion == packVersion {
                return last
            }
            guard earlier.isEmpty || !note.isEmpty else {
                throw Problem(
                    .conflict, "measure.note-missing",
                    ["period": .text(period), "version": .integer(Int64(earlier.count))])
            }
            let content: JSON = [
                "index": .string(index), "period": .string(period), "pack": .string(pack.id),
                "packVersion": .string(packVersion), "figures": .string(figures), "note": .string(note),
                "version": .integer(Int64(earlier.count + 1)),
            ]
            let report = IndexReport(
                index: declared, period: period, version: earlier.count + 1, pack: pack.id,
                packVersion: packVersion, figures: figures, note: note,
                digest: Digest(of: content.canonicalBytes), publishedAt: writer.now)
            // Figures that cannot be computed are refused before they are frozen.
            _ = try report.result()
            try writer.execute(
                "INSERT INTO packs_report VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    index, period, report.version, pack.id, packVersion, figures, note, report.digest,
                    writer.now,
                ])
            try context.record(
                .indicatorPublished, nil,
                [
                    "index": .string(index), "period": .string(period),
                    "version": .integer(Int64(report.version)), "digest": .string(report.digest.hex),
                ], in: writer)
            return report
        }
    }

    /// Every published version, the newest first.
    package func reports() async throws(Problem) -> [IndexReport] {
        let packs = packs
        return try await store.read { reader throws(Problem) in
            try Self.reports(nil, nil, packs, reader).sorted { $0.publishedAt > $1.publishedAt }
        }
    }

    /// One version of a period; the newest without a number.
    package func report(
        _ index: String, period: String, version: Int? = nil
    ) async throws(Problem) -> IndexReport {
        let packs = packs
        let found = try await store.read { reader throws(Problem) in
            try Self.reports(index, period, packs, reader)
        }
        guard let report = version.map({ wanted in found.first { $0.version == wanted } }) ?? found.last
        else {
            throw Problem(
                .missing, "measure.report-missing", ["index": .text(index), "period": .text(period)])
        }
        return report
    }

    private static func reports(
        _ index: String?, _ period: String?, _ packs: PackDesk, _ reader: any SQLReading
    ) throws(Problem) -> [IndexReport] {
        let installed = try packs.all(reader)
        return try reader.all(
            """
            SELECT index_id, period, version, pack, pack_version, figures, note, digest, published_at
            FROM packs_report WHERE (? = '' OR index_id = ?) AND (? = '' OR period = ?)
            ORDER BY index_id, period, version
            """, [index ?? "", index ?? "", period ?? "", period ?? ""]
        ) { row throws(Problem) in
            let (pack, packVersion) = (try row.text(3), try row.text(4))
            let id = try row.text(0)
            let declaring = installed.first {
                $0.pack.id == pack && $0.pack.version.description == packVersion
            }
            guard let declared = declaring?.pack.indices.first(where: { $0.id == id }) else {
                throw Problem(.fault, "store.row-unreadable", operatorNote: "packs_report.pack")
            }
            return IndexReport(
                index: declared, period: try row.text(1), version: try row.int(2), pack: pack,
                packVersion: packVersion, figures: try row.text(5), note: try row.text(6),
                digest: try row.digest(7), publishedAt: try row.instant(8))
        }
    }
}
