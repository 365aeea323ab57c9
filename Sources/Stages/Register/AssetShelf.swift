// SPDX-License-Identifier: Apache-2.0

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

    package static func propose(
        _ gradings: [FieldGrading], for asset: ID<DataAsset>, in transaction: any SQLWriting
    ) throws(Problem) {
        for grading in gradings {
            try transaction.execute(
                """
                INSERT INTO register_grading (asset_id, field, class, proposed, why) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (asset_id, field) DO UPDATE
                SET class = excluded.class, proposed = excluded.proposed, why = excluded.why
                """,
                [asset, grading.field, grading.dataClass, grading.proposed, grading.why])
        }
    }

    /// A responsible person accepts the proposals that are still open, or names another grade with a reason.
    package static func confirm(
        _ overrides: [String: String], for asset: ID<DataAsset>, by person: String,
        in transaction: any SQLWriting
    ) throws(Problem) {
        for grading in try gradings(of: asset, in: transaction)
        where grading.confirmed == nil || overrides[grading.field] != nil {
            try transaction.execute(
                """
                UPDATE register_grading SET confirmed = ?, confirmed_by = ?, confirmed_at = ?
                WHERE asset_id = ? AND field = ?
                """,
                [overrides[grading.field] ?? grading.proposed, person, transaction.now, asset, grading.field])
        }
    }

    package static func gradings(
        of asset: ID<DataAsset>, in transaction: any SQLReading
    ) throws(Problem) -> [FieldGrading] {
        try transaction.all(
            """
            SELECT field, class, proposed, why, confirmed, confirmed_by FROM register_grading
            WHERE asset_id = ? ORDER BY field
            """,
            [asset]
        ) { row throws(Problem) in
            FieldGrading(
                field: try row.text(0), dataClass: try row.text(1), proposed: try row.text(2),
                why: try row.text(3), confirmed: try row.optional(4, row.text),
                confirmedBy: try row.optional(5, row.text))
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
