// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store
package import Transparency

/// The legality register: every source with its basis, and every delivery, taken or refused (S01).
package struct SourceRegister: Sendable {
    private let log: TransparencyLog

    package init(log: TransparencyLog) {
        self.log = log
    }

    /// Enters a source in the running command. Throws `collect.source-incomplete` or `collect.basis-expired`.
    package func enter(
        _ declaration: SourceDeclaration, as id: ID<CollectionSource>, in writing: any SQLWriting
    ) throws(Problem) -> CollectionSource {
        let source = try declaration.reviewed(as: id, at: writing.now)
        try writing.execute(
            """
            INSERT INTO collect_source (id, code, name_zh, name_en, kind, owner, collector, method, basis_ground,
                basis_document, basis_until, use_conditions, entered_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                source.id, source.code, source.name.zh, source.name.en, source.kind.rawValue, source.owner,
                source.collector, source.method.rawValue, source.basis.ground.rawValue, source.basis.document,
                source.basis.until, source.useConditions, writing.now,
            ])
        return source
    }

    /// The source with this id; `collect.source-missing` if there is none.
    package static func source(
        _ id: ID<CollectionSource>, in reading: any SQLReading
    ) throws(Problem) -> CollectionSource {
        guard let source = try reading.first(select + " WHERE id = ?", [id], CollectionSource.init) else {
            throw Problem(.missing, "collect.source-missing", ["source": .code(Code(.source, id))])
        }
        return source
    }

    /// The source with this code; `collect.source-unknown` if there is none.
    package static func source(
        named code: String, in reading: any SQLReading
    ) throws(Problem) -> CollectionSource {
        let found = try reading.first(
            select + " WHERE code = ?", [Code(code)?.text ?? code], CollectionSource.init)
        guard let found else { throw Problem(.missing, "collect.source-unknown", ["source": .text(code)]) }
        return found
    }

    /// Sources whose name, owner or collector holds the words, each with its kind, owner and use conditions (S05).
    package static func search(
        _ words: String, limit: Int = 100, in reading: any SQLReading
    ) throws(Problem) -> [CollectionSource] {
        let mark = "%" + words.replacing("%", with: "").replacing("_", with: "") + "%"
        return try reading.all(
            select + " WHERE name_zh LIKE ? OR name_en LIKE ? OR owner LIKE ? OR collector LIKE ? "
                + "ORDER BY name_en, id LIMIT ?", [mark, mark, mark, mark, limit], CollectionSource.init)
    }

    /// All sources, or those of one kind, by name.
    package static func sources(
        of kind: SourceKind? = nil, in reading: any SQLReading
    ) throws(Problem) -> [CollectionSource] {
        try reading.all(
            select + " WHERE ? IS NULL OR kind = ? ORDER BY name_en, id",
            [kind?.rawValue, kind?.rawValue], CollectionSource.init)
    }

    /// Every delivery of a source, taken or refused, newest first.
    package static func deliveries(
        of source: ID<CollectionSource>, limit: Int = 100, in reading: any SQLReading
    ) throws(Problem) -> [Delivery] {
        try reading.all(
            Delivery.select + " WHERE source_id = ? ORDER BY id DESC LIMIT ?", [source, limit], Delivery.init)
    }

    /// Writes a delivery and its leaf in the running command. The same files sent again under the same number
    /// give back the first delivery; other files under a number already taken are a `collect.sequence-taken`.
    package func record(_ delivery: Delivery, in writing: any SQLWriting) throws(Problem) -> Delivery {
        if delivery.refusal == nil, let first = try Self.accepted(delivery, in: writing) { return first }
        try writing.execute(
            """
            INSERT INTO collect_delivery (id, source_id, sequence, received_at, files_digest, byte_count, refusal,
                content_digest, row_count, quarantined_count, event_time, report)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                delivery.id, delivery.source, delivery.sequence, delivery.receivedAt, delivery.filesDigest,
                delivery.byteCount, delivery.refusal, delivery.contentDigest, delivery.rowCount,
                delivery.quarantinedCount, delivery.eventTime, delivery.report,
            ])
        let kind: LogEntryKind = delivery.refusal == nil ? .deliveryAccepted : .deliveryRejected
        try log.append(LogEntry(kind, subject: delivery.code, content: delivery.logContent), in: writing)
        return delivery
    }

    /// The number a source's next delivery gets.
    package static func nextSequence(
        of source: ID<CollectionSource>, in reading: any SQLReading
    ) throws(Problem) -> Int64 {
        try reading.count(
            "SELECT COALESCE(MAX(sequence), 0) + 1 FROM collect_delivery WHERE source_id = ? AND refusal IS NULL",
            [source])
    }

    private static func accepted(
        _ delivery: Delivery, in reading: any SQLReading
    ) throws(Problem) -> Delivery? {
        let first = try reading.first(
            Delivery.select + " WHERE source_id = ? AND sequence = ? AND refusal IS NULL",
            [delivery.source, delivery.sequence], Delivery.init)
        guard let first, first.filesDigest != delivery.filesDigest else { return first }
        throw Problem(
            .conflict, "collect.sequence-taken",
            ["sequence": .integer(delivery.sequence), "delivery": .code(first.code)])
    }

    private static let select = """
        SELECT id, name_zh, name_en, kind, owner, collector, method, basis_ground, basis_document, basis_until,
            use_conditions FROM collect_source
        """
}

extension CollectionSource {
    fileprivate init(_ row: any SQLRow) throws(Problem) {
        guard let kind = SourceKind(rawValue: try row.text(3)),
            let method = CollectionMethod(rawValue: try row.text(6)),
            let ground = LegalBasis.Ground(rawValue: try row.text(7))
        else {
            throw Problem(.fault, "store.row-unreadable", operatorNote: "collect_source has an unknown word")
        }
        let until = try row.optional(9) { column throws(Problem) in try row.instant(column) }
        self.init(
            id: try row.id(0), name: LocalizedText(zh: try row.text(1), en: try row.text(2)), kind: kind,
            owner: try row.text(4), collector: try row.text(5), method: method,
            basis: LegalBasis(ground: ground, document: try row.text(8), until: until),
            useConditions: try row.text(10))
    }
}
