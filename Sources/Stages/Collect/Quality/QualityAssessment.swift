// SPDX-License-Identifier: Apache-2.0

internal import Classification
package import Primitives
package import Tables

/// Scores a table of raw texts against a standard, indicator by indicator.
package struct QualityAssessment: Sendable {
    private let standard: CollectionStandard
    private let table: String
    private let columns: [String]
    private let engine: any TableEngine

    package init(_ standard: CollectionStandard, table: String, columns: [String], engine: any TableEngine) {
        self.standard = standard
        self.table = table
        self.columns = columns
        self.engine = engine
    }

    package func report() async throws(Problem) -> QualityReport {
        let conformity = try await ConformityCheck(standard, table: table, columns: columns).report(engine)
        let present = try await presentCounts()
        let distinct = try await number(
            "SELECT count(*) FROM (SELECT DISTINCT * FROM \(table.quotedIdentifier))")
        let ordered = try await orderedCount()
        let evidence = try await Discovery.evidence(
            of: table, rowCount: conformity.rowCount, recognizers: [], engine: engine)
        let bare = evidence.filter { GradeProposal($0, rowCount: conformity.rowCount).grade >= .general4 }
            .count
        let tally = Tally(standard: standard, conformity: conformity, present: present)
        let scores = QualityIndicator.allCases.map { indicator in
            tally.score(
                indicator, distinct: distinct, ordered: ordered, columnCount: Int64(columns.count),
                bareColumns: Int64(bare))
        }
        return QualityReport(
            standard: standard.name, version: standard.version, rowCount: conformity.rowCount, scores: scores)
    }

    private func number(_ sql: String) async throws(Problem) -> Int64 {
        guard case .integer(let value)? = try await engine.rows(sql).rows.first?.first else { return 0 }
        return Int64(clamping: value)
    }

    /// How many values each field of the standard has.
    private func presentCounts() async throws(Problem) -> [String: Int64] {
        guard !standard.fields.isEmpty else { return [:] }
        let list = standard.fields.map { "count(\($0.name.quotedIdentifier))" }.joined(separator: ", ")
        let row = try await engine.rows("SELECT \(list) FROM \(table.quotedIdentifier)").rows.first ?? []
        var counts: [String: Int64] = [:]
        for (field, value) in zip(standard.fields, row) {
            if case .integer(let count) = value { counts[field.name] = Int64(clamping: count) }
        }
        return counts
    }

    /// Rows whose moment is not earlier than the row's before, and rows with a moment before them.
    private func orderedCount() async throws(Problem) -> (satisfied: Int64, evaluated: Int64) {
        guard let field = standard.fields.first(where: { $0.type == .timestamp || $0.type == .day }) else {
            return (0, 0)
        }
        let row =
            try await engine.rows(
                "SELECT count(*) FILTER (moment >= before), count(*) FROM (SELECT \(field.attempt) AS moment, "
                    + "lag(\(field.attempt)) OVER () AS before FROM \(table.quotedIdentifier)) "
                    + "WHERE moment IS NOT NULL AND before IS NOT NULL"
            ).rows.first ?? []
        guard row.count == 2, case .integer(let satisfied) = row[0], case .integer(let all) = row[1] else {
            return (0, 0)
        }
        return (Int64(clamping: satisfied), Int64(clamping: all))
    }
}

/// From counts of broken rules to A and B.
private struct Tally {
    let standard: CollectionStandard
    let conformity: ConformityReport
    let present: [String: Int64]

    private var rows: Int64 { conformity.rowCount }

    /// Values that a kind of rule was held against, and those that keep it.
    private func kept(_ kinds: StandardRule.Kind...) -> (Int64, Int64) {
        let rules = standard.rules.filter { kinds.contains($0.kind) }
        let evaluated = rules.reduce(Int64(0)) { sum, rule in
            sum + (rule.kind == .mandatory ? rows : present[rule.field.name] ?? 0)
        }
        let broken = conformity.rules.filter { count in rules.contains { $0.id == count.rule } }
        return (evaluated - broken.reduce(0) { $0 + $1.count }, evaluated)
    }

    /// Rows that break none of these kinds.
    private func rowsKept(_ kinds: StandardRule.Kind...) -> (Int64, Int64) {
        let ids = Set(standard.rules.filter { kinds.contains($0.kind) }.map(\.id))
        guard !ids.isEmpty else { return (0, 0) }
        let broken = conformity.rowsBreaking(ids)
        return (rows - broken, rows)
    }

    func score(
        _ indicator: QualityIndicator, distinct: Int64, ordered: (satisfied: Int64, evaluated: Int64),
        columnCount: Int64, bareColumns: Int64
    ) -> QualityScore {
        let fields = Int64(standard.fields.count)
        let described = Int64(standard.fields.count { $0.title.zh != $0.name || $0.unit != nil })
        let ((satisfied, evaluated), counted): ((Int64, Int64), LocalizedText) =
            switch indicator {
            case .dataStandard: (kept(.type), LocalizedText(zh: "符合字段类型的值", en: "values of the field's type"))
            case .dataModel:
                ((fields, fields), LocalizedText(zh: "标准字段存在", en: "fields of the standard present"))
            case .metadata:
                ((described, fields), LocalizedText(zh: "有名称说明或单位的字段", en: "fields with a title or unit"))
            case .businessRule: (kept(.range), LocalizedText(zh: "在取值范围内的值", en: "values within bounds"))
            case .referenceData: (kept(.codes), LocalizedText(zh: "属于代码表的值", en: "values of the code list"))
            case .securityRule:
                (
                    (columnCount - bareColumns, columnCount),
                    LocalizedText(zh: "无裸露 4 级标识的列", en: "columns without bare grade-4 identifiers")
                )
            case .elementCompleteness:
                (kept(.mandatory), LocalizedText(zh: "必填元素有值", en: "mandatory elements present"))
            case .recordCompleteness:
                (
                    rowsKept(.mandatory),
                    LocalizedText(zh: "必填项齐全的记录", en: "records with all mandatory elements")
                )
            case .contentCorrectness:
                (kept(.codes, .range), LocalizedText(zh: "内容正确的值", en: "values within codes and bounds"))
            case .formatCompliance:
                (kept(.type, .pattern), LocalizedText(zh: "格式合规的值", en: "values of the right form"))
            case .duplicateRate:
                ((distinct, rows), LocalizedText(zh: "不重复的记录", en: "records that are not repeated"))
            case .uniqueness: (kept(.unique), LocalizedText(zh: "唯一的键值", en: "key values that are unique"))
            case .dirtyRate:
                (rowsKept(.type, .pattern), LocalizedText(zh: "无脏数据的记录", en: "records without dirty values"))
            case .sequence:
                (ordered, LocalizedText(zh: "时间不早于前一条的记录", en: "records not earlier than the one before"))
            case .accessibility: ((1, 1), LocalizedText(zh: "文件可读取", en: "the file can be read"))
            case .usability:
                (
                    (conformity.conformingCount, rows),
                    LocalizedText(zh: "完全符合标准的记录", en: "records that conform")
                )
            case .sameDataConsistency, .relatedDataConsistency, .periodCorrectness, .pointTimeliness:
                ((0, 0), LocalizedText(zh: "标准未声明，不适用", en: "not declared by the standard: does not apply"))
            }
        return QualityScore(
            indicator: indicator, satisfied: satisfied, evaluated: evaluated, counted: counted)
    }
}
