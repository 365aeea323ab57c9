// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import Primitives
package import Store
package import Tables

/// One reading as a terminal sends it.
package struct TerminalReading: Hashable, Sendable {
    /// Counts a terminal's readings; the same number again is the same reading.
    package let sequence: Int64
    package let values: [String: JSON]

    package init(sequence: Int64, values: [String: JSON]) {
        self.sequence = sequence
        self.values = values
    }

    /// `{sequence, values}`; `nil` for anything else.
    package init?(json: JSON) {
        guard let sequence = json["sequence"]?.integer, sequence >= 0, let values = json["values"]?.object
        else {
            return nil
        }
        self.init(sequence: sequence, values: values)
    }
}

/// What the gateway made of a message.
package struct TelemetryVerdict: Hashable, Sendable {
    package var accepted = 0
    /// Readings it already had: a device that hears no answer sends again.
    package var repeated = 0
    /// Refused readings: place in the message, and the rule it breaks.
    package var refusals: [Refusal] = []

    package struct Refusal: Hashable, Sendable {
        package let place: Int
        package let why: String
    }

    package var json: JSON {
        [
            "accepted": .integer(Int64(accepted)), "repeated": .integer(Int64(repeated)),
            "rejected": .integer(Int64(refusals.count)),
            "refusals": .array(
                refusals.prefix(100).map {
                    ["reading": .integer(Int64($0.place + 1)), "why": .string($0.why)]
                }),
        ]
    }
}

/// The sensing service gateway 感知服务网关 (S08): proves the device, checks each reading against its standard, stamps
/// the time, drops repetitions, keeps the rest until a delivery takes them through `Intake`.
package enum SensingGateway {
    /// Readings one message may bring, so that one device cannot hold the writer.
    package static let readingsMax = 1000
    /// Readings one delivery takes at most; the rest waits for the next.
    package static let deliveredMax = 200_000

    /// Takes a message in the running command. A message from a terminal that is not in the ledger, not working, or
    /// without its key is rejected whole and counted under what it claims to be.
    package static func take(
        _ readings: [JSON], from claimed: String, key: String, in writing: any SQLWriting
    ) throws(Problem) -> TelemetryVerdict {
        var verdict = TelemetryVerdict()
        let found: Terminal? = try writing.first(
            "SELECT code FROM collect_terminal WHERE code = ? OR city_code = ?", [claimed, claimed]
        ) { row throws(Problem) in try row.text(0) }.map { code throws(Problem) in
            try TerminalLedger.terminal(code, in: writing)
        }
        if let refusal = try refusal(of: found, readings, key: key, in: writing) {
            verdict.refusals = readings.indices.map { .init(place: $0, why: refusal) }
        } else if let found {
            for (place, json) in readings.enumerated() {
                try take(json, at: place, from: found, into: &verdict, in: writing)
            }
        }
        try count(verdict, of: found?.code.text ?? "unknown", in: writing)
        return verdict
    }

    private static func refusal(
        of terminal: Terminal?, _ readings: [JSON], key: String, in reading: any SQLReading
    ) throws(Problem) -> String? {
        guard let terminal, try TerminalLedger.isKey(key, of: terminal.id, in: reading) else {
            return "unproven"
        }
        guard terminal.state == .working else { return "not-working" }
        return readings.count <= readingsMax ? nil : "message-too-long"
    }

    private static func take(
        _ json: JSON, at place: Int, from terminal: Terminal, into verdict: inout TelemetryVerdict,
        in writing: any SQLWriting
    ) throws(Problem) {
        guard let reading = TerminalReading(json: json) else {
            return verdict.refusals.append(.init(place: place, why: "unreadable"))
        }
        let fields = terminal.standard.fields
        if let stray = reading.values.keys.sorted().first(where: { name in
            !fields.contains { $0.name == name }
        }) {
            return verdict.refusals.append(.init(place: place, why: "\(stray).unknown"))
        }
        for field in fields {
            if let broken = field.ruleBroken(by: reading.values[field.name]) {
                return verdict.refusals.append(.init(place: place, why: broken.id))
            }
        }
        let changed = try writing.execute(
            """
            INSERT INTO collect_reading (terminal_id, sequence, received_at, document) VALUES (?, ?, ?, ?)
            ON CONFLICT (terminal_id, sequence) DO NOTHING
            """,
            [terminal.id, reading.sequence, writing.now, JSON.object(reading.values)])
        if changed == 1 { verdict.accepted += 1 } else { verdict.repeated += 1 }
    }

    private static func count(
        _ verdict: TelemetryVerdict, of sender: String, in writing: any SQLWriting
    ) throws(Problem) {
        try writing.execute(
            """
            INSERT INTO collect_telemetry_count (sender, accepted, repeated, rejected) VALUES (?, ?, ?, ?)
            ON CONFLICT (sender) DO UPDATE SET accepted = accepted + excluded.accepted,
                repeated = repeated + excluded.repeated, rejected = rejected + excluded.rejected
            """,
            [sender, verdict.accepted, verdict.repeated, verdict.refusals.count])
    }

    /// Readings of every sender so far; `unknown` stands for all that are not in the ledger.
    package static func counts(in reading: any SQLReading) throws(Problem) -> [TelemetryCount] {
        try reading.all(
            "SELECT sender, accepted, repeated, rejected FROM collect_telemetry_count ORDER BY sender"
        ) { row throws(Problem) in
            TelemetryCount(
                sender: try row.text(0), accepted: try row.integer(1), repeated: try row.integer(2),
                rejected: try row.integer(3))
        }
    }

    // MARK: Deliveries

    /// The waiting readings of a source as one table file for `Intake`, and what they are; `nil` where none waits.
    package static func draft(
        of source: ID<CollectionSource>, store: any DataStore, engine: any TableEngine, folder: String
    ) async throws(Problem) -> ReadingDraft? {
        let (standard, waiting) = try await store.read { reading throws(Problem) in
            (
                try TerminalLedger.terminals(of: source, in: reading).first?.standard,
                try Self.waiting(of: source, in: reading)
            )
        }
        guard let standard, let last = waiting.last else { return nil }
        let name = "readings-\(last.terminal.uuid)-\(last.sequence)"
        let (csv, path) = ("\(folder)/\(name).csv", "\(folder)/\(name).parquet")
        defer { try? FileManager.default.removeItem(atPath: csv) }
        try write(waiting, standard, to: csv)
        let layout = CSVLayout(
            nullTexts: [],
            columns: [
                CSVColumn("terminal", .text), CSVColumn("sequence", .integer),
                CSVColumn("received_at", .timestamp),
            ] + standard.fields.map { CSVColumn($0.name, $0.type) })
        try await engine.attach(.csv([csv], layout), as: name)
        _ = try await engine.writeParquet(TableQuery("SELECT * FROM \(name.quotedIdentifier)"), to: path)
        return ReadingDraft(
            path: path, readings: waiting.map { .init(terminal: $0.terminal, sequence: $0.sequence) })
    }

    /// Notes in the running command that a delivery has taken these readings.
    package static func mark(
        _ draft: ReadingDraft, takenBy delivery: ID<Delivery>, in writing: any SQLWriting
    ) throws(Problem) {
        for key in draft.readings {
            try writing.execute(
                "UPDATE collect_reading SET delivery_id = ? WHERE terminal_id = ? AND sequence = ?",
                [delivery, key.terminal, key.sequence])
        }
    }

    private struct Waiting {
        let terminal: ID<Terminal>
        let cityCode: String
        let sequence: Int64
        let receivedAt: Instant
        let values: JSON
    }

    private static func waiting(
        of source: ID<CollectionSource>, in reading: any SQLReading
    ) throws(Problem) -> [Waiting] {
        try reading.all(
            """
            SELECT r.terminal_id, t.city_code, r.sequence, r.received_at, r.document FROM collect_reading r
            JOIN collect_terminal t ON t.id = r.terminal_id
            WHERE t.source_id = ? AND r.delivery_id IS NULL ORDER BY t.city_code, r.sequence LIMIT ?
            """,
            [source, deliveredMax]
        ) { row throws(Problem) in
            Waiting(
                terminal: try row.id(0), cityCode: try row.text(1), sequence: try row.integer(2),
                receivedAt: try row.instant(3), values: try row.json(4))
        }
    }

    private static func write(
        _ waiting: [Waiting], _ standard: CollectionStandard, to path: String
    ) throws(Problem) {
        var text =
            (["terminal", "sequence", "received_at"] + standard.fields.map(\.name.quotedField))
            .joined(separator: ",") + "\n"
        for reading in waiting {
            let values = standard.fields.map { (reading.values[$0.name]?.written ?? "").quotedField }
            // The engine's moments have no zone; what stands in tables is UTC.
            let moment = reading.receivedAt.rfc3339.replacing("Z", with: "")
            text +=
                ([reading.cityCode.quotedField, String(reading.sequence), moment] + values)
                .joined(separator: ",") + "\n"
        }
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
            throw Problem(.unavailable, "tables.file-unwritten", operatorNote: path)
        }
    }
}

/// Readings written as a table file, waiting for the commit of their delivery.
package struct ReadingDraft: Sendable {
    struct Key: Sendable {
        let terminal: ID<Terminal>
        let sequence: Int64
    }

    package let path: String
    let readings: [Key]
    package var readingCount: Int { readings.count }
}

/// How many readings a sender brought, and what became of them.
package struct TelemetryCount: Hashable, Sendable {
    package let sender: String
    package let accepted: Int64
    package let repeated: Int64
    package let rejected: Int64

    package var json: JSON {
        [
            "sender": .string(sender), "accepted": .integer(accepted), "repeated": .integer(repeated),
            "rejected": .integer(rejected),
        ]
    }
}

extension String {
    /// RFC 4180 §2, always unambiguous: an empty field stays bare and means "no value".
    fileprivate var quotedField: String { isEmpty ? "" : "\"" + replacing("\"", with: "\"\"") + "\"" }
}
