// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Scan

/// What was found in one column: how often, how surely, and a masked example.
package struct ColumnEvidence: Hashable, Sendable {
    package struct Count: Hashable, Sendable {
        package let kind: EvidenceKind
        /// Rows of the sample with at least one.
        package let rowCount: Int
        /// Rows in which the value is nothing else.
        package let wholeCount: Int
        package let evidence: Finding.Evidence
        /// `110***********002X`: never more than a third of the characters.
        package let example: String

        package init(
            kind: SensitiveKind, rowCount: Int, wholeCount: Int, evidence: Finding.Evidence, example: String
        ) {
            self.init(
                kind: EvidenceKind(kind), rowCount: rowCount, wholeCount: wholeCount, evidence: evidence,
                example: example)
        }

        package init(
            kind: EvidenceKind, rowCount: Int, wholeCount: Int, evidence: Finding.Evidence, example: String
        ) {
            self.kind = kind
            self.rowCount = rowCount
            self.wholeCount = wholeCount
            self.evidence = evidence
            self.example = example
        }
    }

    package let column: String
    /// Rows looked at that hold a value.
    package let sampledCount: Int
    /// Most frequent first.
    package let counts: [Count]

    package init(column: String, sampledCount: Int, counts: [Count]) {
        self.column = column
        self.sampledCount = sampledCount
        self.counts = counts
    }

    package func rate(_ count: Count) -> Double {
        sampledCount == 0 ? 0 : Double(count.rowCount) / Double(sampledCount)
    }

    package var json: JSON {
        .array(
            counts.map { count in
                [
                    "kind": .string(count.kind.word), "count": .integer(Int64(count.rowCount)),
                    "rate": .number(rate(count)),
                    "confidence": .number(Double(count.evidence.confidence) / 100),
                    "evidence": .string(count.evidence.rawValue), "example": .string(count.example),
                    "whole": .integer(Int64(count.wholeCount)),
                ]
            })
    }
}

/// A proposed class and grade of one column, with its reasons. A proposal only: `GradeDecision` is what counts.
package struct GradeProposal: Hashable, Sendable {
    package let column: String
    package let dataClass: DataClass
    package let grade: DataGrade
    /// Every rule that spoke, strictest first.
    package let reasons: [LocalizedText]
    /// The rule's name: `kind:resident-id`, `catalog:…`, `default`.
    package let rule: String

    package var json: JSON {
        [
            "column": .string(column), "class": .string(dataClass.rawValue), "grade": .string(grade.word),
            "rule": .string(rule), "sensitivePersonal": .bool(dataClass.isSensitivePersonal),
            "why": .array(reasons.map { ["zh": .string($0.zh), "en": .string($0.en)] }),
        ]
    }

    /// A kind counts for the column where it fills at least this share of its values, or where a check character
    /// confirms even one: a single identity number in a remark makes the remark sensitive.
    private static let shareMin = 0.05

    /// The proposal for a column of a table with so many rows, under the catalogs in force.
    package init(_ evidence: ColumnEvidence, rowCount: Int64, catalogs: [ImportantDataCatalog] = []) {
        let counting = evidence.counts.filter { count in
            evidence.rate(count) >= Self.shareMin || count.evidence == .checked
        }
        let strictest = counting.max { ($0.kind.grade, $0.rowCount) < ($1.kind.grade, $1.rowCount) }
        var grade = strictest?.kind.grade ?? .general1
        var rule = strictest.map { "kind:" + $0.kind.word } ?? "default"
        var reasons = counting.map { Self.reason($0, share: evidence.rate($0)) }
        let kinds = Set(counting.map(\.kind.word))
        for catalog in catalogs {
            guard let item = catalog.item(column: evidence.column, kinds: kinds, rowCount: rowCount) else {
                continue
            }
            grade = max(grade, .important)
            rule = "catalog:" + item.name
            reasons.insert(
                LocalizedText(
                    zh: "疑似重要数据，建议级别：重要。依据目录“\(catalog.title.zh)”\(catalog.version)，项目“\(item.name)”",
                    en:
                        "suspected important data: catalog \(catalog.title.en) \(catalog.version), item \(item.name)"
                ),
                at: 0)
        }
        if reasons.isEmpty {
            reasons = [
                LocalizedText(zh: "未发现个人信息或目录所列数据", en: "no personal data and nothing of the catalog found")
            ]
        }
        column = evidence.column
        dataClass = strictest?.kind.dataClass ?? .business
        self.grade = grade
        self.rule = rule
        self.reasons = reasons
    }

    private static func reason(_ count: ColumnEvidence.Count, share: Double) -> LocalizedText {
        let percent = Int((share * 100).rounded())
        return LocalizedText(
            zh: "\(percent)% 的值含\(count.kind.title.zh)（\(count.evidence.rawValue)，如 \(count.example)）",
            en:
                "\(percent) % of the values hold a \(count.kind.title.en) (\(count.evidence.rawValue), as \(count.example))"
        )
    }
}

extension [GradeProposal] {
    /// A table's grade is that of its strictest column (就高从严).
    package var tableGrade: DataGrade { map(\.grade).max() ?? .general1 }

    /// The proposals of a table joined with another: every column keeps its stricter grade, and a column that says nothing
    /// by itself is about a person as soon as either side names one (GB/T 43697-2024 §6.5, derived data).
    package func joined(with other: [GradeProposal]) -> [GradeProposal] {
        let all = self + other
        let names = all.contains { $0.dataClass == .personalIdentity || $0.dataClass == .personalContact }
        return all.map { proposal in
            guard names, !proposal.dataClass.isPersonal, proposal.grade < .general2 else { return proposal }
            return proposal.raised(
                to: .general2, as: .personalBasic,
                because: LocalizedText(
                    zh: "关联后可与个人对应，按个人信息定级", en: "joined, it is about an identified person"))
        }
    }
}

extension GradeProposal {
    fileprivate func raised(
        to grade: DataGrade, as dataClass: DataClass, because reason: LocalizedText
    ) -> GradeProposal {
        GradeProposal(
            column: column, dataClass: dataClass, grade: grade, reasons: [reason] + reasons, rule: "join")
    }

    private init(
        column: String, dataClass: DataClass, grade: DataGrade, reasons: [LocalizedText], rule: String
    ) {
        self.column = column
        self.dataClass = dataClass
        self.grade = grade
        self.reasons = reasons
        self.rule = rule
    }
}

/// Important-data items of one sector, as dated data (S115). Loaded from a pack.
package struct ImportantDataCatalog: Hashable, Sendable {
    package struct Item: Hashable, Sendable {
        package let name: String
        /// Words of a column's name; any of them is enough.
        package let words: [String]
        /// Kinds of values, the scanner's own or declared ones; any of them is enough.
        package let kinds: [String]
        /// Fewer rows than this are not meant.
        package let rowsMin: Int64
    }

    package let sector: String
    package let title: LocalizedText
    package let version: String
    package let asOf: CalendarDay?
    package let items: [Item]

    private init(sector: String, title: LocalizedText, version: String, asOf: CalendarDay?, items: [Item]) {
        self.sector = sector
        self.title = title
        self.version = version
        self.asOf = asOf
        self.items = items
    }

    package init(_ declaration: Declaration) throws(Declaration.Fault) {
        try declaration.allows("sector", "title", "version", "asOf", "items")
        var items: [Item] = []
        for item in try declaration.elements("items") {
            try item.allows("name", "words", "kinds", "rowsMin")
            items.append(
                Item(
                    name: try item.member("name").text(), words: try item.optional("words")?.texts() ?? [],
                    kinds: try item.optional("kinds")?.texts() ?? [],
                    rowsMin: Int64(try item.optional("rowsMin")?.integer() ?? 0)))
        }
        self.init(
            sector: try declaration.member("sector").text(),
            title: try declaration.member("title").localized(),
            version: try declaration.member("version").text(), asOf: try declaration.optional("asOf")?.day(),
            items: items)
    }

    func item(column: String, kinds: Set<String>, rowCount: Int64) -> Item? {
        let name = column.lowercased()
        return items.first { item in
            rowCount >= item.rowsMin
                && (item.words.contains { name.contains($0.lowercased()) }
                    || item.kinds.contains(where: kinds.contains))
        }
    }

    /// Columns graded important that no item names, and items that no column was graded by.
    package func differences(from proposals: [GradeProposal]) -> (ungrounded: [String], unused: [String]) {
        let used = Set(
            proposals.map(\.rule).filter { $0.hasPrefix("catalog:") }.map { String($0.dropFirst(8)) })
        let ungrounded = proposals.filter { $0.grade >= .important && !$0.rule.hasPrefix("catalog:") }.map(
            \.column)
        return (ungrounded, items.map(\.name).filter { !used.contains($0) })
    }
}

/// What a responsible person made of a proposal.
package struct GradeDecision: Hashable, Sendable {
    package let proposal: GradeProposal
    package let grade: DataGrade
    package let decidedBy: String
    package let reason: String?

    /// Confirms or overrides. Another grade than the proposed one, and core in any case, needs a reason:
    /// `classification.reason-missing`.
    package init(
        _ proposal: GradeProposal, grade: DataGrade, by person: String, reason: String?
    ) throws(Problem) {
        try Self.requireReason(reason, for: grade, insteadOf: proposal.grade, column: proposal.column)
        self.proposal = proposal
        self.grade = grade
        decidedBy = person
        self.reason = reason
    }

    /// The rule itself, for whoever keeps proposals in another form.
    package static func requireReason(
        _ reason: String?, for grade: DataGrade, insteadOf proposed: DataGrade, column: String
    ) throws(Problem) {
        let hasReason = reason?.contains { !$0.isWhitespace } ?? false
        guard hasReason || (grade == proposed && grade != .core) else {
            throw Problem(
                .invalid, "classification.reason-missing",
                [
                    "column": .text(column), "proposed": .localized(proposed.title),
                    "wanted": .localized(grade.title),
                ])
        }
    }
}

/// One difference between two gradings of a table: data grew, were joined, or changed (S114).
package struct GradeDifference: Hashable, Sendable {
    package let column: String
    package let before: DataGrade?
    package let after: DataGrade?

    package init(column: String, before: DataGrade?, after: DataGrade?) {
        self.column = column
        self.before = before
        self.after = after
    }

    /// What changed between two runs, by column name.
    package static func between(_ old: [GradeProposal], _ new: [GradeProposal]) -> [GradeDifference] {
        let before = Dictionary(old.map { ($0.column, $0.grade) }) { first, _ in first }
        let after = Dictionary(new.map { ($0.column, $0.grade) }) { first, _ in first }
        return Set(before.keys).union(after.keys).sorted().compactMap { column in
            before[column] == after[column]
                ? nil : GradeDifference(column: column, before: before[column], after: after[column])
        }
    }
}
