// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §8. Public: everything here. A shape names roles; a holder says which of its columns
// plays each, and the renaming is of a tree, never of a text.

package import Primitives
package import Tables

/// A question that many holders are asked, written over roles instead of columns.
package struct QuestionShape: Sendable {
    package struct Role: Hashable, Sendable {
        package let name: String
        package let about: LocalizedText
    }

    package let name: String
    package let title: LocalizedText
    package let roles: [Role]
    /// The question over roles: the table is `the_table`, a role's column `the_` and its name.
    package let text: String
    /// Each open place with the role whose column says its type; `nil`: a whole number.
    let parameters: [(name: String, role: String?)]

    package var json: JSON {
        [
            "shape": .string(name), "title": title.json,
            "roles": .array(roles.map { ["role": .string($0.name), "about": $0.about.json] }),
            "text": .string(text), "parameters": .array(parameters.map { .string($0.name) }),
        ]
    }

    /// The shape as a question over one table; `tree` is `text` as the parser read it.
    ///
    /// - Parameter columns: which column plays each role.
    package func question(
        _ tree: SyntaxTree, over table: String, columns: [String: Column]
    ) throws(FormRefusal) -> (text: String, parameters: [QuestionParameter]) {
        for role in roles where columns[role.name] == nil {
            throw FormRefusal(parameter: role.name, wanted: role.about)
        }
        let names = Dictionary(uniqueKeysWithValues: columns.map { ("the_" + $0.key, $0.value.name) })
        let query = tree.query.replacing(table: { $0 == "the_table" ? table : $0 }) { part in
            guard case .column(let path) = part.form, path.count == 1, let column = names[path[0]] else {
                return nil
            }
            return SyntaxExpression(.column([column]), at: part.place)
        }
        let typed = parameters.map { name, role in
            QuestionParameter(name: name, kind: role.flatMap { columns[$0] }.map(\.type.kind) ?? .integer)
        }
        return (query.sql, typed)
    }
}

extension ColumnType {
    fileprivate var kind: QuestionParameter.Kind {
        switch self {
        case .bool: .bool
        case .integer: .integer
        case .decimal, .real: .decimal
        case .day, .timestamp: .day
        case .text, .bytes, .time: .text
        }
    }
}

extension LocalizedText {
    fileprivate var json: JSON { ["zh": .string(zh), "en": .string(en)] }
}

extension QuestionShape {
    /// The four questions that clean rooms are asked most.
    package static let all = [audienceOverlap, incidence, attribution, retention]

    private static let person = Role(
        name: "person", about: LocalizedText(zh: "人员代码列", en: "the column that says whose row it is"))

    private static let audienceOverlap = QuestionShape(
        name: "audience-overlap", title: LocalizedText(zh: "人群重合", en: "Audience overlap"),
        roles: [
            person,
            Role(name: "first", about: LocalizedText(zh: "第一人群的标记列", en: "the first audience's mark")),
            Role(name: "second", about: LocalizedText(zh: "第二人群的标记列", en: "the second audience's mark")),
        ],
        text: """
            SELECT count(DISTINCT the_person) FILTER (WHERE the_first = $first) AS in_first,
                count(DISTINCT the_person) FILTER (WHERE the_second = $second) AS in_second,
                count(DISTINCT the_person) FILTER (WHERE the_first = $first AND the_second = $second) AS in_both
            FROM the_table
            """,
        parameters: [("first", "first"), ("second", "second")])

    private static let incidence = QuestionShape(
        name: "incidence", title: LocalizedText(zh: "分区发病率", en: "Incidence by district"),
        roles: [
            person, Role(name: "district", about: LocalizedText(zh: "区域列", en: "the district")),
            Role(name: "day", about: LocalizedText(zh: "日期列", en: "the day")),
            Role(name: "finding", about: LocalizedText(zh: "诊断列", en: "the finding")),
        ],
        text: """
            SELECT district, cases, people, 10000.0 * cases / people AS per_10000 FROM (
                SELECT the_district AS district, count(DISTINCT the_person) AS people,
                    count(DISTINCT the_person) FILTER (WHERE the_finding = $finding) AS cases
                FROM the_table WHERE the_day >= $from AND the_day < $until GROUP BY the_district) AS d
            ORDER BY district
            """,
        parameters: [("finding", "finding"), ("from", "day"), ("until", "day")])

    private static let attribution = QuestionShape(
        name: "attribution", title: LocalizedText(zh: "归因", en: "Attribution"),
        roles: [
            person,
            Role(name: "channel", about: LocalizedText(zh: "触达渠道列", en: "where the person was reached")),
            Role(
                name: "lag",
                about: LocalizedText(
                    zh: "触达到转化的天数列，未转化为空", en: "days until the conversion, empty without one")),
            Role(name: "value", about: LocalizedText(zh: "转化金额列", en: "what the conversion was worth")),
        ],
        text: """
            SELECT channel, reached, converted, 100.0 * converted / reached AS percent, worth FROM (
                SELECT the_channel AS channel, count(DISTINCT the_person) AS reached,
                    count(DISTINCT the_person) FILTER (WHERE the_lag <= $days) AS converted,
                    sum(the_value) FILTER (WHERE the_lag <= $days) AS worth
                FROM the_table GROUP BY the_channel) AS c
            ORDER BY channel
            """,
        parameters: [("days", nil)])

    private static let retention = QuestionShape(
        name: "retention", title: LocalizedText(zh: "同期群留存", en: "Cohort retention"),
        roles: [
            person, Role(name: "cohort", about: LocalizedText(zh: "加入时期列", en: "when the person began")),
            Role(
                name: "period",
                about: LocalizedText(zh: "自加入起的第几期（整数）", en: "periods since then, a whole number")),
        ],
        text: """
            WITH seen AS (SELECT the_cohort AS cohort, the_period AS period, count(DISTINCT the_person) AS people
                FROM the_table WHERE the_period <= $periods GROUP BY the_cohort, the_period),
            begun AS (SELECT cohort AS began, people AS size FROM seen WHERE period = 0)
            SELECT cohort, period, people, 100.0 * people / size AS percent FROM seen JOIN begun ON cohort = began
            ORDER BY cohort, period
            """,
        parameters: [("periods", nil)])
}
