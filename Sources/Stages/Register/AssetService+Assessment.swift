// SPDX-License-Identifier: Apache-2.0

import Classification
package import Collect
package import Primitives
import Store
import Tables

extension AssetService {
    /// Scores the newest version of an asset against a standard, on the real table, signed by this node (S21).
    package func assess(_ assetCode: String, _ document: JSON) async throws(Problem) -> QualityStatement {
        let standard = try CollectionStandard(document: document)
        let version = try await context.store.read { transaction throws(Problem) in
            let asset = try AssetShelf.asset(assetCode, in: transaction)
            return try AssetShelf.newestVersion(of: asset.id, in: transaction)
        }
        let engine = try engines.open(EngineLimits())
        defer { engine.close() }
        try await engine.attachTexts(.parquet([objects + "/" + version.path]), as: "version")
        let columns = try await engine.columns(of: .named("version")).map(\.name)
        let report = try await QualityAssessment(standard, table: "version", columns: columns, engine: engine)
            .report()
        return try QualityStatement(
            report, about: version.digest, by: Code(.party, context.own).text, at: context.clock.now(),
            signer: context.signer)
    }

    /// What may be told of an asset without any agreement: names, types, grades; and statistics only where the table is
    /// openly listed, never of a column graded above general 2 (the `describe` door, S20).
    package static func description(
        of asset: DataAsset, _ version: AssetVersion, _ gradings: [FieldGrading], isOpen: Bool
    ) -> JSON {
        let grades = Dictionary(gradings.map { ($0.field, $0) }) { $1 }
        let columns = version.document["profile"]?["columns"]?.array ?? []
        let fields = columns.map { column -> JSON in
            let grading = grades[column["name"]?.text ?? ""]
            return [
                "name": column["name"] ?? .null, "type": column["type"] ?? .null,
                "class": grading.map { .string($0.dataClass.rawValue) } ?? .null,
                "grade": grading.map { .string($0.grade.word) } ?? "",
            ]
        }
        var description: [String: JSON] = [
            "asset": .string(asset.code.text), "title": .string(asset.title),
            "registration": asset.registration.map(JSON.string) ?? .null,
            "version": .string(version.digest.hex), "fields": .array(fields),
            "grade": .string((gradings.map(\.grade).max() ?? .general1).word),
        ]
        if isOpen {
            description["rows"] = .integer(version.rowCount)
            description["profile"] = [
                "rows": .integer(version.rowCount),
                "columns": .array(
                    columns.map { column in
                        let grade = grades[column["name"]?.text ?? ""]?.grade ?? .general1
                        return grade > .general2 ? column.withoutStatistics : column
                    }),
            ]
        }
        return .object(description)
    }
}

extension JSON {
    /// A column's profile without anything its values tell: name and type alone.
    fileprivate var withoutStatistics: JSON {
        ["name": self["name"] ?? .null, "type": self["type"] ?? .null]
    }
}
