// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import Primitives
package import Classification
package import Tables

/// An offered delivery with its number and what the first look at its files told.
struct DeliveryReceipt: Sendable {
    let id: ID<Delivery>
    let offer: DeliveryOffer
    let receivedAt: Instant
    private(set) var surveys: [FileSurvey] = []

    init(_ offer: DeliveryOffer, at now: Instant) {
        id = ID(at: now)
        self.offer = offer
        receivedAt = now
    }

    mutating func survey() throws(Problem) {
        guard !offer.files.isEmpty else {
            throw Problem(.invalid, "tables.file-unreadable", ["file": .text("")])
        }
        for file in offer.files { surveys.append(try FileSurvey(of: file)) }
    }

    var filesDigest: Digest { Digest(of: surveys.flatMap(\.digest.bytes)) }
    var byteCount: Int64 { surveys.reduce(0) { $0 + $1.byteCount } }

    /// An engine's complaint about a statement of ours is in truth one about the sender's file: said so.
    func told(_ problem: Problem) -> Problem {
        let complaints = ["tables.query-refused", "tables.value-unreadable", "tables.file-unreadable"]
        guard complaints.contains(problem.code), let survey = surveys.first, problem.kind != .fault else {
            return problem
        }
        let name = URL(filePath: survey.path).lastPathComponent
        let code = survey.kind == .jsonText ? "tables.json-unreadable" : "tables.file-unreadable"
        return Problem(.invalid, code, ["file": .text(name)], operatorNote: problem.operatorNote)
    }

    func refused(_ problem: Problem) -> Delivery {
        Delivery(
            id: id, source: offer.source, sequence: offer.sequence ?? 0, receivedAt: receivedAt,
            filesDigest: filesDigest, byteCount: byteCount, refusal: problem.code, contentDigest: nil,
            rowCount: 0,
            quarantinedCount: 0, eventTime: nil, report: [:])
    }
}

/// Everything that reading a delivery's files gave. Making it leaves one Parquet file, named by its digest.
struct DeliveryReading: Sendable {
    let columns: [Column]
    let profile: TableProfile
    let conformity: ConformityReport?
    let evidence: [ColumnEvidence]
    let grades: [GradeProposal]
    let content: Digest
    let eventTime: Instant?

    init(
        _ receipt: DeliveryReceipt, _ rules: GradingRules, engine: any TableEngine, folder: String
    ) async throws(Problem) {
        let scratch = DeliveryScratch(receipt, folder: folder)
        defer { scratch.clear() }
        let source = try await scratch.source(receipt, engine: engine)
        let table = "delivery_\(receipt.id.uuid)"
        try await engine.attach(source, as: table)
        let check = try await Self.check(receipt.offer.standard, table, engine)
        conformity = try await check?.report(engine)
        if let conformity, !conformity.isAcceptable {
            throw Problem(
                .invalid, "collect.conformity-low",
                [
                    "rows": .integer(conformity.rowCount), "broken": .integer(conformity.violatingCount),
                    "percent": .integer(Int64(conformity.minimumPercent)),
                ])
        }
        let query = check?.conforming ?? TableQuery("SELECT * FROM \(table.quotedIdentifier)")
        columns = try await engine.writeParquet(query, to: scratch.draft).columns
        if let check, let conformity, conformity.violatingCount > 0 {
            _ = try await engine.writeParquet(check.quarantined, to: scratch.quarantine)
        }
        content = try FileSurvey(of: scratch.draft).digest
        let path = try scratch.keep(as: content)
        profile = try await engine.profile(.parquet([path]), ProfilePlan())
        // From here on the table's name means the accepted rows.
        try await engine.attach(.parquet([path]), as: table)
        evidence = try await Discovery.evidence(
            of: table, rowCount: profile.rowCount, recognizers: rules.recognizers, engine: engine)
        let rowCount = profile.rowCount
        grades = evidence.map { GradeProposal($0, rowCount: rowCount, catalogs: rules.catalogs) }
        eventTime = try await Self.eventTime(of: table, columns, engine)
        try await engine.execute("DROP VIEW \(table.quotedIdentifier)")
    }

    private static func check(
        _ standard: CollectionStandard?, _ table: String, _ engine: any TableEngine
    ) async throws(Problem) -> ConformityCheck? {
        guard let standard else { return nil }
        let columns = try await engine.columns(of: .named(table)).map(\.name)
        return try ConformityCheck(standard, table: table, columns: columns)
    }

    private static func eventTime(
        of table: String, _ columns: [Column], _ engine: any TableEngine
    ) async throws(Problem) -> Instant? {
        guard let moment = EventTime(of: columns) else { return nil }
        let answer = try await engine.rows("SELECT max(\(moment.sql)) FROM \(table.quotedIdentifier)")
        guard case .timestamp(let instant)? = answer.rows.first?.first else { return nil }
        return instant
    }
}

/// The files a reading makes on its way.
private struct DeliveryScratch {
    private let prefix: String
    private let folder: String
    private let decodedCount: Int

    init(_ receipt: DeliveryReceipt, folder: String) {
        self.folder = folder
        prefix = "\(folder)/\(receipt.id.uuid)"
        decodedCount = receipt.surveys.count
    }

    var draft: String { prefix + ".draft.parquet" }
    /// Rows that break the standard stay beside the accepted ones, for the sender to correct.
    var quarantine: String { prefix + ".quarantine.parquet" }

    private func decoded(_ place: Int) -> String { "\(prefix).\(place).decoded" }

    /// The files as a table source: texts in UTF-8, typed unless a standard is to judge the raw texts.
    func source(_ receipt: DeliveryReceipt, engine: any TableEngine) async throws(Problem) -> TableSource {
        let kinds = Set(receipt.surveys.map(\.kind))
        guard kinds.count == 1, let kind = kinds.first else { throw Problem(.invalid, "collect.files-mixed") }
        guard kind != .parquet else { return .parquet(receipt.offer.files) }
        var files: [String] = []
        for (place, survey) in receipt.surveys.enumerated() {
            guard survey.encoding != .utf8 else {
                files.append(survey.path)
                continue
            }
            try TextDecoding.decode(survey.path, from: survey.encoding, to: decoded(place))
            files.append(decoded(place))
        }
        guard kind == .delimitedText else { return .json(files) }
        var layout = try await engine.layout(of: files)
        if receipt.offer.standard != nil {
            layout.columns = layout.columns.map { CSVColumn($0.name, .text) }
        }
        return .csv(files, layout)
    }

    func keep(as content: Digest) throws(Problem) -> String {
        let path = "\(folder)/\(content.hex).parquet"
        do {
            // The same rows may have been taken before; a content's file is the same whoever wrote it.
            if FileManager.default.fileExists(atPath: path) {
                try FileManager.default.removeItem(atPath: draft)
            } else {
                try FileManager.default.moveItem(atPath: draft, toPath: path)
            }
        } catch {
            throw Problem(.unavailable, "tables.file-unwritten", operatorNote: "\(error)")
        }
        return path
    }

    func clear() {
        for place in 0..<decodedCount { try? FileManager.default.removeItem(atPath: decoded(place)) }
        try? FileManager.default.removeItem(atPath: draft)
    }
}

/// A delivery that was read and waits for its commit.
package struct PreparedDelivery: Sendable {
    let receipt: DeliveryReceipt
    private let reading: DeliveryReading

    init(_ receipt: DeliveryReceipt, _ reading: DeliveryReading) {
        self.receipt = receipt
        self.reading = reading
    }

    package var columns: [Column] { reading.columns }
    package var profile: TableProfile { reading.profile }
    package var conformity: ConformityReport? { reading.conformity }
    /// SHA-256 of the Parquet file.
    package var content: Digest { reading.content }
    package var eventTime: Instant? { reading.eventTime }
    package var evidence: [ColumnEvidence] { reading.evidence }

    /// Proposed classes and grades, one a column, under the rules in force when it was read.
    package var grades: [GradeProposal] { reading.grades }
    /// SHA-256 of every file as it arrived, in their order.
    package var fileDigests: [Digest] { receipt.surveys.map(\.digest) }

    /// The profile without values of columns that hold something personal or graded above general 2.
    package var publicProfile: TableProfile {
        let hidden = Set(grades.filter { $0.grade > .general2 }.map(\.column))
        return profile.withoutValues(of: hidden)
    }

    func delivery(sequence: Int64) -> Delivery {
        let findings = evidence.map { ["column": .string($0.column), "findings": $0.json] as JSON }
        var report: [String: JSON] = [
            "profile": publicProfile.json, "findings": .array(findings),
            "grades": .array(grades.map(\.json)),
        ]
        if let conformity { report["conformity"] = conformity.json }
        return Delivery(
            id: receipt.id, source: receipt.offer.source, sequence: sequence, receivedAt: receipt.receivedAt,
            filesDigest: receipt.filesDigest, byteCount: receipt.byteCount, refusal: nil,
            contentDigest: content,
            rowCount: profile.rowCount, quarantinedCount: conformity?.violatingCount ?? 0,
            eventTime: eventTime,
            report: .object(report))
    }
}
