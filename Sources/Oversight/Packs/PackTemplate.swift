// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The first files of a new pack: small, complete, and passing their own test; and the schemas its editor reads.
package enum PackTemplate {
    package static func files(id: String, version: CalendarDay) -> [(path: String, text: String)] {
        declarations(id: id, version: version).map { path, text in
            (path, (PackJSONSchema(file: path)?.modeline(for: path) ?? "") + text)
        } + schemas
    }

    /// The schemas as files of a pack's folder; names that begin with a point are no part of the pack.
    package static var schemas: [(path: String, text: String)] {
        PackJSONSchema.allCases.map { (".schema/" + $0.fileName, $0.document.prettyText + "\n") }
    }

    private static func declarations(id: String, version: CalendarDay) -> [(path: String, text: String)] {
        [
            (
                "pack.yaml",
                """
                id: \(id)
                version: \(version)
                title: {zh: 新规则包, en: A new pack}
                sources:
                  - document: 文号
                    title: {zh: 文件名称, en: Name of the document}

                """
            ),
            (
                "rules/first.yaml",
                """
                id: first
                title: {zh: 第一条规则, en: A first rule}
                document: 文号
                facts:
                  staff: {type: number, title: {zh: 从业人数, en: Staff}}
                clauses:
                  - id: A-1
                    article: 第一条
                    kind: condition
                    text: {zh: 从业人员不超过 100 人, en: At most 100 staff}
                    when: staff <= 100
                tests:
                  - {id: T1, facts: {staff: 100}, expect: {verdict: true}}
                  - {id: T2, facts: {staff: 101}, expect: {verdict: false}}

                """
            ),
        ]
    }
}
