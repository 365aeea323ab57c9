// SPDX-License-Identifier: Apache-2.0

package import Classification
package import Collect
private import Foundation
package import Primitives
import Store
package import Tables
private import Transparency

/// Makes assets of deliveries: each file passes the one gate in, becomes an immutable version named by its digest,
/// and is entered with its source, its delivery, its signed step of lineage and its leaves in one commit.
package struct AssetService: Sendable {
    let context: StageContext
    let engines: any TableEngineFactory
    /// Where version files lie: `<data>/objects`.
    let objects: String

    package init(context: StageContext, engines: any TableEngineFactory, objects: String) {
        self.context = context
        self.engines = engines
        self.objects = objects
    }

    /// What `takeIn` made.
    package struct Intaken: Hashable, Sendable {
        package let asset: DataAsset
        package let version: AssetVersion
        package let gradings: [FieldGrading]
        /// Fields whose proposal is not that of the version before: the data grew, or the rules changed.
        package let differences: [GradeDifference]
        package let delivery: Delivery
    }

    /// Takes files of one form in, from a declared source: as a new asset, or as the next version of one of ours.
    ///
    /// The Parquet file is on disk before the commit that names it: a crash in between leaves a file nobody names,
    /// which `sweep` removes at the next start.
    package func takeIn(
        _ files: [String], title: String, from declaration: SourceDeclaration, asset: String? = nil
    ) async throws(Problem) -> Intaken {
        guard !files.isEmpty else { throw Problem(.invalid, "register.delivery-empty") }
        let sources = SourceRegister(log: context.log)
        let source = try await context.store.write { transaction throws(Problem) in
            try sources.enter(declaration, as: ID(at: transaction.now), in: transaction)
        }
        return try await withEngine { engine throws(Problem) in
            try await take(files, title: title, from: source, asset: asset, engine) { _, _ in }
        }
    }

    /// Takes the waiting readings of a source's terminals in: the next version of the asset is the one before and
    /// these rows. `nil` where no reading waits.
    package func takeInReadings(
        of sourceCode: String, title: String, asset: String? = nil
    ) async throws(Problem) -> Intaken? {
        let (source, earlier) = try await context.store.read { transaction throws(Problem) in
            (
                try SourceRegister.source(named: sourceCode, in: transaction),
                try asset.map { code throws(Problem) in
                    let known = try AssetShelf.asset(code, in: transaction)
                    return try AssetShelf.newestVersion(of: known.id, in: transaction).path
                }
            )
        }
        let objects = objects
        return try await withEngine { engine throws(Problem) -> Intaken? in
            let draft = try await SensingGateway.draft(
                of: source.id, store: context.store, engine: engine, folder: objects)
            guard let draft else { return nil }
            defer { try? FileManager.default.removeItem(atPath: draft.path) }
            let files = earlier.map { [objects + "/" + $0, draft.path] } ?? [draft.path]
            return try await take(files, title: title, from: source, asset: asset, engine) {
                delivery, transaction throws(Problem) in
                try SensingGateway.mark(draft, takenBy: delivery.id, in: transaction)
            }
        }
    }

    private func withEngine<Value>(
        _ body: (any TableEngine) async throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        let engine = try engines.open(EngineLimits(spillFolder: objects + "/spill"))
        defer { engine.close() }
        return try await body(engine)
    }

    private func take(
        _ files: [String], title: String, from source: CollectionSource, asset assetCode: String?,
        _ engine: any TableEngine,
        also: @escaping @Sendable (Delivery, any SQLWriting) throws(Problem) -> Void
    ) async throws(Problem) -> Intaken {
        let context = context
        let intake = Intake(
            store: context.store, log: context.log, engine: engine, folder: objects, clock: context.clock)
        let prepared = try await intake.prepare(DeliveryOffer(source: source.id, files: files))
        let gradings = prepared.grades.map { FieldGrading($0) }
        return try await context.store.write { transaction throws(Problem) in
            let delivery = try intake.record(prepared, in: transaction)
            try also(delivery, transaction)
            let asset = try asset(assetCode, title: title, source: source, in: transaction)
            let version = try add(prepared, delivery, to: asset, in: transaction)
            let differences = try AssetShelf.propose(gradings, for: asset.id, in: transaction)
            let step = LineageStep(
                "collect", inputs: prepared.fileDigests, output: prepared.content,
                parameters: [
                    "source": .string(source.code.text), "delivery": .string(delivery.code.text),
                    "rows": .integer(delivery.rowCount), "legalBasis": .string(source.basis.ground.rawValue),
                ], by: Code(.party, context.own).text, at: transaction.now)
            try LineageBook.add(try step.signed(by: context.signer), in: transaction)
            return Intaken(
                asset: asset, version: version, gradings: gradings, differences: differences,
                delivery: delivery)
        }
    }

    private func add(
        _ prepared: PreparedDelivery, _ delivery: Delivery, to asset: DataAsset,
        in transaction: any SQLWriting
    ) throws(Problem) -> AssetVersion {
        let version = AssetVersion(
            id: ID(at: transaction.now), asset: asset.id,
            number: try AssetShelf.versionCount(of: asset.id, in: transaction) + 1,
            digest: prepared.content, rowCount: delivery.rowCount, byteCount: delivery.byteCount,
            path: prepared.content.hex + ".parquet",
            document: [
                // Never a value of a column graded above general 2: what leaves the node is made of this document.
                "profile": prepared.publicProfile.json, "columns": .array(prepared.columns.map(\.json)),
                "delivery": .string(delivery.code.text),
                "watermark": prepared.eventTime.map { .integer($0.microseconds) } ?? .null,
            ],
            createdAt: transaction.now)
        try AssetShelf.add(version, in: transaction)
        try context.record(
            .assetVersionAdded, asset.code,
            ["version": .string(version.digest.hex), "number": .integer(Int64(version.number))],
            in: transaction)
        return version
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

    /// Removes files under `objects` that no delivery names: what a crash between file and commit left. Only while
    /// nothing is being taken in: before a node serves.
    package func sweep() async throws(Problem) -> Int {
        let named = try await context.store.read { transaction throws(Problem) in
            Set(
                try transaction.all(
                    "SELECT content_digest FROM collect_delivery WHERE content_digest IS NOT NULL"
                ) { row throws(Problem) in try row.digest(0).hex }
                    + transaction.all("SELECT path FROM register_version") { row throws(Problem) in
                        String(try row.text(0).prefix { $0 != "." })
                    })
        }
        return OrphanFiles(folder: objects).remove(exceptContents: named)
    }

    // MARK: Grades

    /// A responsible person confirms the proposals, or overrides some of them with a reason.
    package func confirmGrades(
        of assetCode: String, overrides: [String: DataGrade], reasons: [String: String], by person: String
    ) async throws(Problem) -> [FieldGrading] {
        guard person.contains(where: { !$0.isWhitespace }) else {
            throw Problem(.invalid, "collect.person-missing")
        }
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let asset = try AssetShelf.asset(assetCode, in: transaction)
            try AssetShelf.confirm(overrides, reasons: reasons, for: asset.id, by: person, in: transaction)
            let gradings = try AssetShelf.gradings(of: asset.id, in: transaction)
            let grades = Dictionary(
                uniqueKeysWithValues: gradings.map { ($0.field, JSON.string($0.grade.word)) })
            try context.record(.gradingConfirmed, asset.code, ["grades": .object(grades)], in: transaction)
            return gradings
        }
    }
}
