// SPDX-License-Identifier: Apache-2.0

package import Primitives
internal import Synchronization
package import Tables

/// A table of raw texts held against a standard, row by row (S02).
///
/// The same rows and the same version of the standard give the same report.
package struct ConformityCheck: Sendable {
    package let standard: CollectionStandard
    /// Fields of the table that the standard does not know; they are kept, and named in the report.
    package let unknownFields: [String]
    private let table: String

    /// `table` is attached to the engine and has only text columns. A field the standard demands and the table
    /// lacks is a `collect.fields-absent`.
    package init(_ standard: CollectionStandard, table: String, columns: [String]) throws(Problem) {
        let known = Set(columns)
        let absent = standard.fields.map(\.name).filter { !known.contains($0) }
        guard absent.isEmpty else {
            throw Problem(
                .invalid, "collect.fields-absent",
                ["fields": .list(absent), "standard": .text("\(standard.name) \(standard.version)")])
        }
        self.standard = standard
        self.table = table
        let demanded = Set(standard.fields.map(\.name))
        unknownFields = columns.filter { !demanded.contains($0) }
    }

    /// Every row with its number and the ids of the rules it breaks, separated by spaces.
    private var checked: String {
        let cases = standard.rules.map { rule in
            "CASE WHEN \(rule.violation) THEN \(rule.id.replacing(" ", with: "_").quotedLiteral) END"
        }
        let list = cases.isEmpty ? "''" : "concat_ws(' ', \(cases.joined(separator: ", ")))"
        return "(SELECT *, \(list) AS hutong_broken FROM "
            + "(SELECT row_number() OVER () AS hutong_row, * FROM \(table.quotedIdentifier)))"
    }

    /// The conforming rows, each field in its type.
    package var conforming: TableQuery {
        let fields = standard.fields.map { "\($0.attempt) AS \($0.name.quotedIdentifier)" }
        let rest = unknownFields.map(\.quotedIdentifier)
        let list = (fields + rest).joined(separator: ", ")
        return TableQuery("SELECT \(list) FROM \(checked) WHERE hutong_broken = ''")
    }

    /// The rows that do not conform, raw, with their numbers and the rules they break.
    package var quarantined: TableQuery {
        TableQuery("SELECT * FROM \(checked) WHERE hutong_broken <> ''")
    }

    package func report(_ engine: any TableEngine) async throws(Problem) -> ConformityReport {
        let answer = try await engine.rows("SELECT count(*) FROM \(table.quotedIdentifier)")
        guard case .integer(let rowCount)? = answer.rows.first?.first else {
            throw Problem(.fault, "tables.query-refused", operatorNote: "count(*) gave no number")
        }
        let tally = ViolationTally(standard.rules.map(\.id))
        let sql =
            "SELECT hutong_row, hutong_broken FROM \(checked) WHERE hutong_broken <> '' ORDER BY hutong_row"
        try await engine.run(TableQuery(sql)) { batch throws(Problem) in tally.take(batch) }
        return tally.report(standard, rowCount: Int64(rowCount), unknownFields: unknownFields)
    }
}

/// What a check found.
package struct ConformityReport: Hashable, Sendable {
    package struct RuleCount: Hashable, Sendable {
        package let rule: String
        package let count: Int64
    }

    package struct Violation: Hashable, Sendable {
        /// The row's place in the file, from 1, without the header.
        package let row: Int64
        package let rules: [String]
    }

    /// Rows listed one by one; every one of them is in the quarantine file.
    package static let listedMax = 10_000

    package let standard: String
    package let version: String
    package let minimumPercent: Int
    package let rowCount: Int64
    package let violatingCount: Int64
    package let rules: [RuleCount]
    package let violations: [Violation]
    package let unknownFields: [String]
    /// How many rows break exactly this set of rules.
    package let combinations: [Set<String>: Int64]

    /// Rows that break at least one of these rules.
    package func rowsBreaking(_ ids: Set<String>) -> Int64 {
        combinations.reduce(0) { $0 + ($1.key.isDisjoint(with: ids) ? 0 : $1.value) }
    }

    package var conformingCount: Int64 { rowCount - violatingCount }
    /// 1 for an empty table: nothing in it breaks a rule.
    package var rate: Double { rowCount == 0 ? 1 : Double(conformingCount) / Double(rowCount) }
    package var isAcceptable: Bool { conformingCount * 100 >= Int64(minimumPercent) * rowCount }

    package var json: JSON {
        [
            "standard": .string(standard), "version": .string(version), "rows": .integer(rowCount),
            "conforming": .integer(conformingCount), "rate": .number(rate),
            "minimumPercent": .integer(Int64(minimumPercent)), "acceptable": .bool(isAcceptable),
            "rules": .array(rules.map { ["rule": .string($0.rule), "violations": .integer($0.count)] }),
            "violations": .array(
                violations.map { ["row": .integer($0.row), "rules": .array($0.rules.map(JSON.string))] }),
            "listed": .integer(Int64(violations.count)),
            "unknownFields": .array(unknownFields.map(JSON.string)),
        ]
    }
}

/// Counts violations as their rows stream by.
private final class ViolationTally: Sendable {
    private struct State {
        var counts: [String: Int64] = [:]
        var rows: Int64 = 0
        var combinations: [Set<String>: Int64] = [:]
        var listed: [ConformityReport.Violation] = []
    }

    private let rules: [String]
    private let state = Mutex(State())

    init(_ rules: [String]) {
        self.rules = rules
    }

    func take(_ batch: TableBatch) {
        state.withLock { state in
            for place in 0..<batch.rowCount {
                guard case .integer(let row) = batch.vectors[0][place],
                    case .text(let text) = batch.vectors[1][place]
                else { continue }
                let broken = text.split(separator: " ").map(String.init)
                state.rows += 1
                state.combinations[Set(broken), default: 0] += 1
                for rule in broken { state.counts[rule, default: 0] += 1 }
                if state.listed.count < ConformityReport.listedMax {
                    state.listed.append(.init(row: Int64(row), rules: broken))
                }
            }
        }
    }

    func report(_ standard: CollectionStandard, rowCount: Int64, unknownFields: [String]) -> ConformityReport
    {
        state.withLock { state in
            ConformityReport(
                standard: standard.name, version: standard.version, minimumPercent: standard.minimumPercent,
                rowCount: rowCount, violatingCount: state.rows,
                rules: rules.map {
                    .init(rule: $0, count: state.counts[$0.replacing(" ", with: "_"), default: 0])
                },
                violations: state.listed, unknownFields: unknownFields, combinations: state.combinations)
        }
    }
}
