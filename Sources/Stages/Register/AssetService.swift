// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import Identity
package import Primitives
private import Store
package import Tables
private import Transparency

/// Takes files in as asset versions: read, typed, profiled, written as one immutable Parquet file whose digest is
/// its name, and entered with its leaf.
package struct AssetService: Sendable {
    /// What a delivery must say before anything of it is read (S01).
    package struct Origin: Hashable, Sendable {
        package let collector: String
        package let source: String
        package let method: String
        package let legalBasis: String

        package init(collector: String, source: String, method: String, legalBasis: String) {
            self.collector = collector
            self.source = source
            self.method = method
            self.legalBasis = legalBasis
        }

        package var json: JSON {
            [
                "collector": .string(collector), "source": .string(source), "method": .string(method),
                "legalBasis": .string(legalBasis),
            ]
        }

        /// `register.origin-missing` names the parts that are empty.
        package init(json: JSON) throws(Problem) {
            self.init(
                collector: json["collector"]?.text ?? "", source: json["source"]?.text ?? "",
                method: json["method"]?.text ?? "", legalBasis: json["legalBasis"]?.text ?? "")
            let parts = [("collector", collector), ("source", source), ("method", method), ("legalBasis", legalBasis)]
            let missing = parts.filter { $0.1.isEmpty }.map(\.0)
            guard missing.isEmpty else {
                throw Problem(.invalid, "register.origin-missing", ["parts": .list(missing)])
            }
        }
    }

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
    }

    /// Takes files of one form in: as a new asset, or as the next version of one of ours.
    package func takeIn(
        _ files: [String], title: String, origin: Origin, asset assetCode: String? = nil
    ) async throws(Problem) -> Intaken {
        let engine = try engines.open(EngineLimits())
        defer { engine.close() }
        let table = try await source(of: files, engine)
        try await engine.attach(table, as: "delivery")
        let id = ID<AssetVersion>(at: context.clock.now())
        let draft = objects + "/" + id.uuid + ".parquet"
        makeFolder(objects)
        _ = try await engine.writeParquet(TableQuery("SELECT * FROM delivery"), to: draft)
        let stored = TableSource.parquet([draft])
        let profile = try await engine.profile(stored, ProfilePlan())
        let (digest, byteCount) = try StoredFile.digest(of: draft)
        let path = digest.hex + ".parquet"
        try StoredFile.rename(draft, to: objects + "/" + path)
        return try await enter(
            id, digest: digest, byteCount: byteCount, path: path, profile: profile, title: title, origin: origin,
            assetCode: assetCode)
    }

    /// The object is on disk before the commit that names it: a crash in between leaves a file nobody names, which
    /// `fsck` reports.
    private func enter(
        _ id: ID<AssetVersion>, digest: Digest, byteCount: Int64, path: String, profile: TableProfile, title: String,
        origin: Origin, assetCode: String?
    ) async throws(Problem) -> Intaken {
        let context = context
        let gradings = grade(profile)
        return try await context.store.write { transaction throws(Problem) in
            let asset: DataAsset
            var number = 1
            if let assetCode {
                asset = try AssetShelf.asset(assetCode, in: transaction)
                number = try AssetShelf.newestVersion(of: asset.id, in: transaction).number + 1
            } else {
                asset = DataAsset(
                    id: ID(at: transaction.now), holder: context.own, title: title, origin: origin.json,
                    createdAt: transaction.now)
                try AssetShelf.add(asset, in: transaction)
            }
            let version = AssetVersion(
                id: id, asset: asset.id, number: number, digest: digest, rowCount: profile.rowCount,
                byteCount: byteCount, path: path, document: ["profile": profile.json], createdAt: transaction.now)
            try AssetShelf.add(version, in: transaction)
            try AssetShelf.propose(gradings, for: asset.id, in: transaction)
            try context.record(
                .deliveryAccepted, asset.code,
                ["version": .string(digest.hex), "origin": .string(Digest(of: origin.json.canonicalBytes).hex)],
                in: transaction)
            return Intaken(asset: asset, version: version, gradings: gradings)
        }
    }

    private func source(of files: [String], _ engine: any TableEngine) async throws(Problem) -> TableSource {
        guard let first = files.first else { throw Problem(.invalid, "register.delivery-empty") }
        switch first.lowercased().split(separator: ".").last {
        case "parquet": return .parquet(files)
        case "json", "jsonl", "ndjson": return .json(files)
        default: return .csv(files, CSVLayout())
        }
    }

    private func makeFolder(_ path: String) {
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
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
            try context.record(
                .gradingConfirmed, asset.code,
                ["grades": .object(Dictionary(uniqueKeysWithValues: gradings.map { ($0.field, .string($0.confirmed ?? "")) }))],
                in: transaction)
            return gradings
        }
    }
}

/// Files that never change: written, synced, named by their digest.
package enum StoredFile {
    /// SHA-256 and size, read in pieces.
    package static func digest(of path: String) throws(Problem) -> (Digest, Int64) {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw Problem(.fault, "store.storage-failed", operatorNote: "cannot read \(path)")
        }
        defer { try? handle.close() }
        var hash = DigestBuilder()
        var count: Int64 = 0
        while let piece = try? handle.read(upToCount: 1 << 20), !piece.isEmpty {
            hash.add(Array(piece))
            count += Int64(piece.count)
        }
        return (hash.finish(), count)
    }

    package static func rename(_ path: String, to target: String) throws(Problem) {
        do {
            if FileManager.default.fileExists(atPath: target) {
                try FileManager.default.removeItem(atPath: path)  // The same bytes are there already.
            } else {
                try FileManager.default.moveItem(atPath: path, toPath: target)
            }
        } catch {
            throw Problem(.fault, "store.storage-failed", operatorNote: "\(error)")
        }
    }
}
