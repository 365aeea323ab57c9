// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The twenty indicators of GB/T 36344-2018, in its order.
package enum QualityIndicator: String, Hashable, Sendable, CaseIterable {
    case dataStandard = "data-standard"
    case dataModel = "data-model"
    case metadata
    case businessRule = "business-rule"
    case referenceData = "reference-data"
    case securityRule = "security-rule"
    case elementCompleteness = "element-completeness"
    case recordCompleteness = "record-completeness"
    case contentCorrectness = "content-correctness"
    case formatCompliance = "format-compliance"
    case duplicateRate = "duplicate-rate"
    case uniqueness
    case dirtyRate = "dirty-rate"
    case sameDataConsistency = "same-data-consistency"
    case relatedDataConsistency = "related-data-consistency"
    case periodCorrectness = "period-correctness"
    case pointTimeliness = "point-timeliness"
    case sequence
    case accessibility
    case usability

    package enum Dimension: String, Hashable, Sendable, CaseIterable {
        case compliance, completeness, accuracy, consistency, timeliness, accessibility

        package var title: LocalizedText {
            switch self {
            case .compliance: LocalizedText(zh: "规范性", en: "compliance")
            case .completeness: LocalizedText(zh: "完整性", en: "completeness")
            case .accuracy: LocalizedText(zh: "准确性", en: "accuracy")
            case .consistency: LocalizedText(zh: "一致性", en: "consistency")
            case .timeliness: LocalizedText(zh: "时效性", en: "timeliness")
            case .accessibility: LocalizedText(zh: "可访问性", en: "accessibility")
            }
        }
    }

    package var dimension: Dimension {
        switch self {
        case .dataStandard, .dataModel, .metadata, .businessRule, .referenceData, .securityRule: .compliance
        case .elementCompleteness, .recordCompleteness: .completeness
        case .contentCorrectness, .formatCompliance, .duplicateRate, .uniqueness, .dirtyRate: .accuracy
        case .sameDataConsistency, .relatedDataConsistency: .consistency
        case .periodCorrectness, .pointTimeliness, .sequence: .timeliness
        case .accessibility, .usability: .accessibility
        }
    }

    package var title: LocalizedText {
        switch self {
        case .dataStandard: LocalizedText(zh: "数据标准", en: "data standard")
        case .dataModel: LocalizedText(zh: "数据模型", en: "data model")
        case .metadata: LocalizedText(zh: "元数据", en: "metadata")
        case .businessRule: LocalizedText(zh: "业务规则", en: "business rule")
        case .referenceData: LocalizedText(zh: "权威参考数据", en: "reference data")
        case .securityRule: LocalizedText(zh: "安全规范", en: "security rule")
        case .elementCompleteness: LocalizedText(zh: "数据元素完整性", en: "element completeness")
        case .recordCompleteness: LocalizedText(zh: "数据记录完整性", en: "record completeness")
        case .contentCorrectness: LocalizedText(zh: "数据内容正确性", en: "content correctness")
        case .formatCompliance: LocalizedText(zh: "数据格式合规性", en: "format compliance")
        case .duplicateRate: LocalizedText(zh: "数据重复率", en: "free of duplicates")
        case .uniqueness: LocalizedText(zh: "数据唯一性", en: "uniqueness")
        case .dirtyRate: LocalizedText(zh: "脏数据出现率", en: "free of dirty data")
        case .sameDataConsistency: LocalizedText(zh: "相同数据一致性", en: "same-data consistency")
        case .relatedDataConsistency: LocalizedText(zh: "关联数据一致性", en: "related-data consistency")
        case .periodCorrectness: LocalizedText(zh: "基于时间段的正确性", en: "period correctness")
        case .pointTimeliness: LocalizedText(zh: "基于时间点及时性", en: "point timeliness")
        case .sequence: LocalizedText(zh: "时序性", en: "sequence")
        case .accessibility: LocalizedText(zh: "可访问", en: "accessible")
        case .usability: LocalizedText(zh: "可用性", en: "usable")
        }
    }
}

/// A of B elements satisfy an indicator, and what was counted. Counts add up across files, so the score of a year
/// is that of its months added.
package struct QualityScore: Hashable, Sendable {
    package let indicator: QualityIndicator
    package let satisfied: Int64
    /// 0 where the standard declares nothing to evaluate: the indicator does not apply.
    package let evaluated: Int64
    package let counted: LocalizedText

    package var value: Double? { evaluated == 0 ? nil : Double(satisfied) / Double(evaluated) }

    package func adding(_ other: QualityScore) -> QualityScore {
        QualityScore(
            indicator: indicator, satisfied: satisfied + other.satisfied,
            evaluated: evaluated + other.evaluated,
            counted: counted)
    }

    package var json: JSON {
        [
            "indicator": .string(indicator.rawValue), "dimension": .string(indicator.dimension.rawValue),
            "title": .string(indicator.title.zh), "a": .integer(satisfied), "b": .integer(evaluated),
            "value": value.map(JSON.number) ?? .null,
            "counted": ["zh": .string(counted.zh), "en": .string(counted.en)],
        ]
    }
}

/// The twenty scores of a table.
package struct QualityReport: Hashable, Sendable {
    package let standard: String
    package let version: String
    package let rowCount: Int64
    package let scores: [QualityScore]

    /// The mean of a dimension's applicable indicators; `nil` where none applies.
    package func value(of dimension: QualityIndicator.Dimension) -> Double? {
        let values = scores.filter { $0.indicator.dimension == dimension }.compactMap(\.value)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The report of two files under one standard, as if they were one: exact for every indicator but duplicates
    /// and uniqueness, which are counted within each file.
    package func merged(with other: QualityReport) -> QualityReport {
        QualityReport(
            standard: standard, version: version, rowCount: rowCount + other.rowCount,
            scores: zip(scores, other.scores).map { $0.adding($1) })
    }

    package var json: JSON {
        let dimensions = QualityIndicator.Dimension.allCases.map { dimension in
            [
                "dimension": .string(dimension.rawValue), "title": .string(dimension.title.zh),
                "value": value(of: dimension).map(JSON.number) ?? .null,
            ] as JSON
        }
        return [
            "norm": "GB/T 36344-2018", "standard": .string(standard), "version": .string(version),
            "rows": .integer(rowCount), "dimensions": .array(dimensions),
            "indicators": .array(scores.map(\.json)),
        ]
    }
}
