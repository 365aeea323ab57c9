// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §7. Adversary: each holder sees its own part and rows; the asker sees
// released values of all parts. No holder sees another's rows, nor anything that depends on them.

import Primitives
package import Tables

/// A question over several holders' tables: each holder is asked for its own aggregates, as an ordinary question
/// under its own agreement, and what joins them is computed by the asker from released values alone.
package struct JointQuestion: Hashable, Sendable {
    /// What one holder is asked.
    package struct Part: Hashable, Sendable {
        /// The holders' tables it reads, as the question names them.
        package let tables: [String]
        /// A question of its own, with a price and a receipt of its own.
        package let text: String
        let columns: [String]
        package let place: SyntaxPlace?
    }

    package let parts: [Part]
    private let final: FinalQuery

    /// Splits the question: every WITH table or subquery that aggregates rows becomes a part.
    ///
    /// A join of rows is one part, and whoever sends it finds its tables with one holder or with none.
    package init(_ tree: SyntaxTree) throws(QuestionRefusal) {
        var draft = PlanDraft(splits: true)
        final = try QuestionPlanner([]).finalQuery(tree.query, QueryNames(common: [:]), &draft)
        parts = draft.parts
        guard !parts.isEmpty else { throw QuestionRefusal(.rowsRequested, at: tree.query.place) }
    }

    /// A part's answer that was first given to another text of the same plan, under the part's own names.
    package func renamed(_ answer: ReleasedTable, forPart place: Int) -> ReleasedTable {
        guard parts[place].columns.count == answer.names.count else { return answer }
        return ReleasedTable(
            names: parts[place].columns.map { .init(qualifier: "", name: $0) }, rows: answer.rows,
            hiddenGroups: answer.hiddenGroups)
    }

    /// The joined answer from the parts' answers, in the order of `parts`; `nil` where an answer has other
    /// columns than its part.
    ///
    /// Noise of different parts is independent, and intervals are carried through the arithmetic.
    package func answered(_ answers: [ReleasedTable], rowsMax: Int = 100_000) -> ReleasedTable? {
        guard answers.count == parts.count,
            zip(answers, parts).allSatisfy({ $0.names.map(\.name) == $1.columns })
        else { return nil }
        return final.evaluated(answers, rowsMax: rowsMax)
    }
}

extension JointQuestion.Part {
    init(_ query: SyntaxQuery, _ names: QueryNames) throws(QuestionRefusal) {
        var query = query
        query.commonTables = []
        var tables: [String] = []
        var reads: [SyntaxQuery.CommonTable] = []
        if let source = query.source { try names.follow(source, &tables, &reads) }
        query.commonTables = reads
        self.tables = tables
        text = query.sql
        columns = query.namedOutputs.map(\.name)
        place = query.place
    }
}

extension QueryNames {
    /// The base tables a source reads, and the WITH tables on the way, inner ones first.
    fileprivate func follow(
        _ source: SyntaxSource, _ tables: inout [String], _ reads: inout [SyntaxQuery.CommonTable]
    ) throws(QuestionRefusal) {
        switch source {
        case .table(let name, _, let place):
            guard let common = find(name) else {
                if !tables.contains(name) { tables.append(name) }
                return
            }
            if let inner = common.query.source { try common.names.follow(inner, &tables, &reads) }
            var query = common.query
            query.commonTables = []
            if let known = reads.first(where: { $0.name.lowercased() == name.lowercased() }) {
                // Two WITH tables of one name in reach of one part: rename one, so that the part reads plainly.
                guard known.query == query else {
                    throw QuestionRefusal(.formUnknown, at: place, ["form": .text("WITH \(name)")])
                }
            } else {
                reads.append(.init(name: name, query: query))
            }
        case .query(let query, _, _):
            guard query.commonTables.isEmpty else {
                throw QuestionRefusal(.formUnknown, at: query.place, ["form": .text("WITH")])
            }
            if let inner = query.source { try follow(inner, &tables, &reads) }
        case .join(_, let left, let right, _, _, _):
            try follow(left, &tables, &reads)
            try follow(right, &tables, &reads)
        }
    }
}

extension ReleasedTable {
    /// The effect of one column on another over the rows where both are told: "does bad air bring patients".
    ///
    /// `nil` where there are too few such rows, or the exposure never changes.
    package func effect(of exposure: String, on outcome: String) -> EffectEstimate? {
        guard let one = place([outcome]), let two = place([exposure]) else { return nil }
        return EffectEstimate(rows.compactMap { EffectEstimate.Point(outcome: $0[one], exposure: $0[two]) })
    }
}
