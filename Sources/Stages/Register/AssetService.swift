// SPDX-License-Identifier: Apache-2.0

package import Collect
private import Foundation
package import Primitives
private import Store
package import Tables
private import Transparency

/// Makes assets of deliveries: each file passes the one gate in, becomes an immutable version named by its digest,
/// and is entered with its source, its delivery and its leaves in one commit.
package struct AssetService: Sendable {
    /// Proposes class and grade of fields; the recognizers of Classification stand behind it.
    package typealias Grader = @Sendable (_ profile: TableProfile) -> [FieldGrading]

    let context: StageContext
    let engines: any TableEngineFactory
    /// Where version files lie: `<data>/objects`.
    let objects: String
    let grade: Grader

    package init(
        context: StageContext, engines: any TableEngineFactory, objects: String, grade: @escaping Grader
    ) {
        self.context = context
        self.engines = engines
        self.objects = objects
        self.grade = grade
    }

    /// What `takeIn` made.
    package struct Intaken: Hashable, Sendable {
        package let asset: DataAsset
        package let version: AssetVersion
        package let gradings: [FieldGrading]
        package let delivery: Delivery
    }

    /// Takes files of one form in, from a declared source: as a new asset, or as the next version of one of ours.
    ///
    /// The Parquet file is on disk before the commit that names it: a crash in between leaves a file nobody names.
    package func takeIn(
        _ files: [String], title: String, from declaration: SourceDeclaration, asset assetCode: String? = nil
    ) async throws(Problem) -> Intaken {
        guard !files.isEmpty else { throw Problem(.invalid, "register.delivery-empty") }
        let context = context
        let engine = try engines.open(EngineLimits())
        defer { engine.close() }
        let intake = Intake(
            store: context.store, log: context.log, engine: engine, folder: objects, clock: context.clock)
        let sources = SourceRegister(log: context.log)
        let source = try await context.store.write { transaction throws(Problem) in
            try sources.enter(declaration, as: ID(at: transaction.now), in: transaction)
        }
        let prepared = try await intake.prepare(DeliveryOffer(source: source.id, files: files))
        let gradings = grade(prepared.profile)
        return try await context.store.write { transaction throws(Problem) in
            let delivery = try intake.record(prepared, in: transaction)
            let asset = try asset(assetCode, title: title, source: source, in: transaction)
            let version = AssetVersion(
                id: ID(at: transaction.now), asset: asset.id,
                number: try AssetShelf.versionCount(of: asset.id, in: transaction) + 1,
                digest: prepared.content,
                rowCount: delivery.rowCount, byteCount: delivery.byteCount,
                path: prepared.content.hex + ".parquet",
                document: [
                    "profile": prepared.profile.json, "columns": .array(prepared.columns.map(\.json)),
                    "delivery": .string(delivery.code.text),
                    "watermark": prepared.eventTime.map { .integer($0.microseconds) } ?? .null,
                ],
                createdAt: transaction.now)
            try AssetShelf.add(version, in: transaction)
            try AssetShelf.propose(gradings, for: asset.id, in: transaction)
            try context.record(
                .assetVersionAdded, asset.code,
                ["version": .string(version.digest.hex), "number": .integer(Int64(version.number))],
                in: transaction)
            return Intaken(asset: asset, version: version, gradings: gradings, delivery: delivery)
        }
    }

    private func asset(
        _ code: String?, title: String, source: CollectionSource, in transaction: any SQLWriting
    ) throws(Problem) -> DataAsset {
        if let code { return try AssetShelf.asset(code, in: transaction) }
        let origin: JSON = [
            "source": .string(source.code.text), "collector": .string(source.collector),
            "method": .string(source.method.rawValue), "legalBasis": .string(source.basis.ground.rawValue),
            "document": .string(source.basis.document),
        ]
        let asset = DataAsset(
            id: ID(at: transaction.now), holder: context.own, title: title, origin: origin,
            createdAt: transaction.now)
        try AssetShelf.add(asset, in: transaction)
        return asset
    }

    // MARK: Grades

    /// A responsible person confirms the proposals, or overrides some of them.
    package func confirmGrades(
        of assetCode: String, overrides: [String: String], by person: String
    ) async throws(Problem) -> [FieldGrading] {
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let asset = try AssetShelf.asset(assetCode, in: transaction)
            try AssetShelf.confirm(overrides, for: asset.id, by: person, in: transaction)
            let gradings = try AssetShelf.gradings(of: asset.id, in: transaction)
            let grades = Dictionary(
                uniqueKeysWithValues: gradings.map { ($0.field, JSON.string($0.confirmed ?? "")) })
            try context.record(.gradingConfirmed, asset.code, ["grades": .object(grades)], in: transaction)
            return gradings
        }
    }
}
