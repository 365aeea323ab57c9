// SPDX-License-Identifier: Apache-2.0

package import Classification
package import Primitives
package import Store

/// Reading and writing assets, versions and gradings inside a transaction of the caller.
package enum AssetShelf {
    package static func add(_ asset: DataAsset, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            "INSERT INTO register_asset (id, code, holder_id, title, origin, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            [asset.id, asset.code, asset.holder, asset.title, asset.origin, asset.createdAt])
    }

    package static func add(_ version: AssetVersion, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO register_version
            (id, asset_id, number, digest, row_count, byte_count, path, document, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                version.id, version.asset, version.number, version.digest, version.rowCount,
                version.byteCount,
                version.path, version.document, version.createdAt,
            ])
    }

    /// Writes what was proposed for a version's fields. A field whose new proposal is stricter than what a person had
    /// decided waits for a decision again; the answer names every field whose proposal changed.
    package static func propose(
        _ gradings: [FieldGrading], for asset: ID<DataAsset>, in transaction: any SQLWriting
    ) throws(Problem) -> [GradeDifference] {
        let before = Dictionary(try self.gradings(of: asset, in: transaction).map { ($0.field, $0) }) { $1 }
        for grading in gradings {
            let isStricter = before[grading.field]?.confirmed.map { $0 < grading.proposed } ?? false
            try transaction.execute(
                """
                INSERT INTO register_grading (asset_id, field, class, proposed, rule, why, why_en)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (asset_id, field) DO UPDATE
                SET class = excluded.class, proposed = excluded.proposed, rule = excluded.rule,
                    why = excluded.why, why_en = excluded.why_en
                """,
                [
                    asset, grading.field, grading.dataClass.rawValue, grading.proposed.word, grading.rule,
                    grading.why.zh, grading.why.en,
                ])
            if isStricter {
                try transaction.execute(
                    """
                    UPDATE register_grading SET confirmed = NULL, confirmed_by = NULL, confirmed_at = NULL,
                        reason = NULL WHERE asset_id = ? AND field = ?
                    """,
                    [asset, grading.field])
            }
        }
        guard !before.isEmpty else { return [] }
        return gradings.compactMap { grading in
            let old = before[grading.field]?.proposed
            return old == grading.proposed
                ? nil : GradeDifference(column: grading.field, before: old, after: grading.proposed)
        }
    }

    /// A responsible person accepts the proposals that are still open, or decides otherwise with a reason: the grade by
    /// field. Throws `register.field-unknown`, `classification.reason-missing`.
    package static func confirm(
        _ overrides: [String: DataGrade], reasons: [String: String], for asset: ID<DataAsset>,
        by person: String,
        in transaction: any SQLWriting
    ) throws(Problem) {
        let known = try gradings(of: asset, in: transaction)
        let strangers = Set(overrides.keys).subtracting(known.map(\.field)).sorted()
        guard strangers.isEmpty else {
            throw Problem(.invalid, "register.field-unknown", ["fields": .list(strangers)])
        }
        for grading in known where grading.confirmed == nil || overrides[grading.field] != nil {
            let (grade, reason) = (overrides[grading.field] ?? grading.proposed, reasons[grading.field])
            try GradeDecision.requireReason(
                reason, for: grade, insteadOf: grading.proposed, column: grading.field)
            try transaction.execute(
                """
                UPDATE register_grading SET confirmed = ?, confirmed_by = ?, confirmed_at = ?, reason = ?
                WHERE asset_id = ? AND field = ?
                """,
                [grade.word, person, transaction.now, reason, asset, grading.field])
        }
    }

    package static func gradings(
        of asset: ID<DataAsset>, in transaction: any SQLReading
    ) throws(Problem) -> [FieldGrading] {
        try transaction.all(
            """
            SELECT field, class, proposed, rule, why, why_en, confirmed, confirmed_by, reason FROM register_grading
            WHERE asset_id = ? ORDER BY field
            """,
            [asset]
        ) { row throws(Problem) in
            let zh = try row.text(4)
            let en = try row.text(5)
            return FieldGrading(
                field: try row.text(0), dataClass: DataClass(rawValue: try row.text(1)) ?? .business,
                // A word from before grades were typed is taken for the strictest general grade.
                proposed: DataGrade(word: try row.text(2)) ?? .general4, rule: try row.text(3),
                why: LocalizedText(zh: zh, en: en.isEmpty ? zh : en),
                confirmed: try row.optional(6, row.text).flatMap { DataGrade(word: $0) },
                confirmedBy: try row.optional(7, row.text), reason: try row.optional(8, row.text))
        }
    }

    /// Every field that is graded important or higher, with its asset and the catalog's item that graded it.
    package static func importantFields(
        in transaction: any SQLReading
    ) throws(Problem) -> [(asset: String, field: String, item: String?)] {
        let strict = [DataGrade.important, .core].map(\.word)
        return try transaction.all(
            """
            SELECT a.code, g.field, g.rule FROM register_grading g JOIN register_asset a ON a.id = g.asset_id
            WHERE COALESCE(g.confirmed, g.proposed) IN (?, ?) ORDER BY a.code, g.field
            """,
            strict
        ) { row throws(Problem) in
            let rule = try row.text(2)
            return (
                try row.text(0), try row.text(1), rule.hasPrefix("catalog:") ? String(rule.dropFirst(8)) : nil
            )
        }
    }

    package static func asset(_ code: String, in transaction: any SQLReading) throws(Problem) -> DataAsset {
        let found = try transaction.first(
            "SELECT id, holder_id, title, origin, registration, created_at FROM register_asset WHERE code = ?",
            [code]
        ) { row throws(Problem) in
            DataAsset(
                id: try row.id(0), holder: try row.id(1), title: try row.text(2), origin: try row.json(3),
                registration: try row.optional(4, row.text), createdAt: try row.instant(5))
        }
        guard let found else { throw .codeUnknown(code) }
        return found
    }

    package static func newestVersion(
        of asset: ID<DataAsset>, in transaction: any SQLReading
    ) throws(Problem) -> AssetVersion {
        let found = try transaction.first(
            """
            SELECT id, asset_id, number, digest, row_count, byte_count, path, document, created_at
            FROM register_version WHERE asset_id = ? ORDER BY number DESC LIMIT 1
            """,
            [asset], read)
        guard let found else {
            throw Problem(.missing, "register.version-missing", ["asset": .code(Code(.asset, asset))])
        }
        return found
    }

    package static func versionCount(of asset: ID<DataAsset>, in transaction: any SQLReading) throws(Problem)
        -> Int
    {
        Int(try transaction.count("SELECT count(*) FROM register_version WHERE asset_id = ?", [asset]))
    }

    package static func version(_ digest: Digest, in transaction: any SQLReading) throws(Problem)
        -> AssetVersion?
    {
        try transaction.first(
            """
            SELECT id, asset_id, number, digest, row_count, byte_count, path, document, created_at
            FROM register_version WHERE digest = ?
            """,
            [digest], read)
    }

    /// Notes the registration in force; `nil` when it was revoked.
    package static func setRegistration(
        _ registration: String?, of assetCode: String, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            "UPDATE register_asset SET registration = ? WHERE code = ?", [registration, assetCode])
    }

    private static func read(_ row: any SQLRow) throws(Problem) -> AssetVersion {
        AssetVersion(
            id: try row.id(0), asset: try row.id(1), number: try row.int(2), digest: try row.digest(3),
            rowCount: try row.integer(4), byteCount: try row.integer(5), path: try row.text(6),
            document: try row.json(7), createdAt: try row.instant(8))
    }
}

extension Problem {
    package static func codeUnknown(_ code: String) -> Problem {
        Problem(.missing, "register.code-unknown", ["code": .text(code)])
    }
}
