// SPDX-License-Identifier: Apache-2.0

package import Classification
package import Primitives
internal import Scan
internal import Synchronization
package import Tables

/// Looks through the columns of a table for sensitive data (S119).
package enum Discovery {
    /// Rows looked at, spread evenly over the table.
    package static let sampleRows: Int64 = 20_000

    /// Evidence of every column of a table the engine has under `table`, by the scanner and by `recognizers`. Texts,
    /// whole numbers and days are looked at; truth values and fractions hold no identifier.
    package static func evidence(
        of table: String, rowCount: Int64,
        recognizers: [DeclaredRecognizer] = GradingRules.builtIn.recognizers,
        engine: any TableEngine
    ) async throws(Problem) -> [ColumnEvidence] {
        let columns = try await engine.columns(of: .named(table))
        let looked = columns.filter { [.text, .integer, .day].contains($0.type) }
        guard !looked.isEmpty else {
            return columns.map { ColumnEvidence(column: $0.name, sampledCount: 0, counts: []) }
        }
        let step = max(1, rowCount / sampleRows)
        let list = looked.map { "\($0.name.quotedIdentifier)::VARCHAR" }.joined(separator: ", ")
        let sql =
            step == 1
            ? "SELECT \(list) FROM \(table.quotedIdentifier)"
            : "SELECT \(list) FROM (SELECT *, row_number() OVER () AS hutong_row FROM \(table.quotedIdentifier)) "
                + "WHERE hutong_row % \(step) = 0"
        let tallies = Mutex(looked.map { ColumnTally(header: $0.name, recognizers: recognizers) })
        try await engine.run(TableQuery(sql)) { batch in
            tallies.withLock { tallies in
                for place in tallies.indices {
                    tallies[place].take(batch.vectors[place], rowCount: batch.rowCount)
                }
            }
        }
        let found = tallies.withLock { tallies in tallies.map(\.evidence) }
        return columns.map { column in
            found.first { $0.column == column.name }
                ?? ColumnEvidence(column: column.name, sampledCount: 0, counts: [])
        }
    }
}

/// What one column's values show, batch by batch.
struct ColumnTally {
    private struct Tally {
        var rows = 0
        var wholes = 0
        var evidence: [Finding.Evidence: Int] = [:]
        var example = ""
    }

    private let header: String
    /// The header as a label, so that `病历号` or `account_no` speaks for the values under it.
    private let label: [UInt8]
    private var sampled = 0
    private var tallies: [EvidenceKind: Tally] = [:]
    /// Declared recognizers that look under this header, and whether the header names them.
    private let declared: [(recognizer: DeclaredRecognizer, isNamed: Bool)]

    init(header: String, recognizers: [DeclaredRecognizer]) {
        self.header = header
        declared = recognizers.filter { $0.looks(under: header) }.map { ($0, $0.isNamed(by: header)) }
        let words = header.replacing("_", with: " ").replacing("\n", with: " ")
        label = Array((words + "：").utf8)
    }

    mutating func take(_ vector: ColumnVector, rowCount: Int) {
        guard case .texts(let texts) = vector.storage else { return }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(texts.buffer.count + rowCount * (label.count + 1))
        var values: [Range<Int>] = []
        for row in 0..<rowCount where !vector.isNull(row) && !texts.range(row).isEmpty {
            buffer.append(contentsOf: label)
            let start = buffer.count
            buffer.append(contentsOf: texts.bytes(row))
            values.append(start..<buffer.count)
            buffer.append(UInt8(ascii: "\n"))
        }
        sampled += values.count
        count(buffer, values)
        for (recognizer, isNamed) in declared { count(buffer, values, by: recognizer, isNamed: isNamed) }
    }

    /// A declared recognizer takes values whole.
    private mutating func count(
        _ buffer: [UInt8], _ values: [Range<Int>], by recognizer: DeclaredRecognizer, isNamed: Bool
    ) {
        var tally = tallies[recognizer.kind] ?? Tally()
        for value in values {
            guard let evidence = recognizer.evidence(for: buffer[value], isNamed: isNamed) else { continue }
            tally.rows += 1
            tally.wholes += 1
            tally.evidence[evidence, default: 0] += 1
            if tally.example.isEmpty { tally.example = Self.masked(buffer[value]) }
        }
        if tally.rows > 0 { tallies[recognizer.kind] = tally }
    }

    private mutating func count(_ buffer: [UInt8], _ values: [Range<Int>]) {
        var row = 0
        var seen: Set<SensitiveKind> = []
        for finding in TextScanner.findings(in: buffer) {
            while row < values.count, values[row].upperBound < finding.end {
                row += 1
                seen.removeAll(keepingCapacity: true)
            }
            // A finding in the label itself, or one that runs over a value's end, is none.
            guard row < values.count, finding.start >= values[row].lowerBound else { continue }
            guard seen.insert(finding.kind).inserted else { continue }
            let kind = EvidenceKind(finding.kind)
            var tally = tallies[kind] ?? Tally()
            tally.rows += 1
            if finding.start == values[row].lowerBound, finding.end == values[row].upperBound {
                tally.wholes += 1
            }
            tally.evidence[finding.evidence, default: 0] += 1
            if tally.example.isEmpty { tally.example = Self.masked(buffer[finding.start..<finding.end]) }
            tallies[kind] = tally
        }
    }

    /// The first and the last sixth of the characters; the rest as `*`.
    static func masked(_ bytes: ArraySlice<UInt8>) -> String {
        let text = Array(String(decoding: bytes, as: UTF8.self))
        let kept = text.count / 6
        return String(text.prefix(max(kept, 1)))
            + String(repeating: "*", count: max(0, text.count - 1 - kept))
            .prefix(text.count - max(kept, 1) - kept) + String(text.suffix(kept))
    }

    var evidence: ColumnEvidence {
        let counts = tallies.map { kind, tally in
            ColumnEvidence.Count(
                kind: kind, rowCount: tally.rows, wholeCount: tally.wholes,
                evidence: tally.evidence.max {
                    ($0.value, $0.key.confidence) < ($1.value, $1.key.confidence)
                }?.key
                    ?? .heuristic, example: tally.example)
        }
        let sorted = counts.sorted { ($1.rowCount, $0.kind.word) < ($0.rowCount, $1.kind.word) }
        return ColumnEvidence(column: header, sampledCount: sampled, counts: sorted)
    }
}
