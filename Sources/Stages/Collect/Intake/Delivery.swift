// SPDX-License-Identifier: Apache-2.0

package import Primitives
internal import Store

/// One delivery of a source: what arrived, and what became of it.
package struct Delivery: Hashable, Sendable {
    package let id: ID<Delivery>
    package let source: ID<CollectionSource>
    /// Counts the accepted deliveries of a source from 1; the sender may name it.
    package let sequence: Int64
    package let receivedAt: Instant
    /// SHA-256 over the digests of the files, in their order.
    package let filesDigest: Digest
    package let byteCount: Int64
    /// The code of the problem that refused it; `nil` if it was taken.
    package let refusal: String?
    /// SHA-256 of the Parquet file that holds the accepted rows, which is also its name.
    package let contentDigest: Digest?
    package let rowCount: Int64
    package let quarantinedCount: Int64
    /// The latest moment the rows tell of.
    package let eventTime: Instant?
    /// Columns, profile, findings, conformity: what pages and certificates show. Never a raw value of a
    /// sensitive column.
    package let report: JSON

    package var code: Code { Code(.delivery, id) }

    package var json: JSON {
        var members: [String: JSON] = [
            "code": .string(code.text), "source": .string(Code(.source, source).text),
            "sequence": .integer(sequence), "receivedAt": .string(receivedAt.rfc3339),
            "files": .string(filesDigest.hex), "bytes": .integer(byteCount), "rows": .integer(rowCount),
            "quarantined": .integer(quarantinedCount), "report": report,
        ]
        if let refusal { members["refusal"] = .string(refusal) }
        if let contentDigest { members["content"] = .string(contentDigest.hex) }
        if let eventTime { members["eventTime"] = .string(eventTime.rfc3339) }
        return .object(members)
    }

    /// What the log's leaf commits to: digests and counts, never contents.
    var logContent: JSON {
        var members = json.object ?? [:]
        members["report"] = .string(Digest(of: report.canonicalBytes).hex)
        return .object(members)
    }

    static let select = """
        SELECT id, source_id, sequence, received_at, files_digest, byte_count, refusal, content_digest, row_count,
            quarantined_count, event_time, report FROM collect_delivery
        """
}

extension Delivery {
    init(_ row: any SQLRow) throws(Problem) {
        self.init(
            id: try row.id(0), source: try row.id(1), sequence: try row.integer(2),
            receivedAt: try row.instant(3),
            filesDigest: try row.digest(4), byteCount: try row.integer(5),
            refusal: try row.optional(6) { column throws(Problem) in try row.text(column) },
            contentDigest: try row.optional(7) { column throws(Problem) in try row.digest(column) },
            rowCount: try row.integer(8), quarantinedCount: try row.integer(9),
            eventTime: try row.optional(10) { column throws(Problem) in try row.instant(column) },
            report: try row.json(11))
    }
}
