// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §3. Public: everything here (the question, the rules, the schema).

import Primitives
import Tables

/// The rows a SELECT reads: which names it may say, what they stand for, and whose rows they are.
struct RowScope: Sendable {
    /// What a name stands for.
    indirect enum Meaning: Sendable {
        case column(BaseColumn)
        /// An expression of an inner SELECT, given its meaning where it is used, so that the use is checked there.
        case expression(SyntaxExpression, RowScope)
    }

    struct Entry: Sendable {
        let qualifier: String
        let name: String
        let meaning: Meaning
    }

    struct BaseColumn: Sendable {
        let table: String
        let name: String
        /// Its name in `relation`.
        let physical: String
        let type: ColumnType
        let rules: ColumnRules
        let isUnit: Bool
    }

    /// Which side's rows they are.
    let side: Int
    var relation: Relation
    var entries: [Entry]
    /// The column of `relation` that says whose a row is, and how much one may contribute.
    var unit: (column: String, rules: PrivacyUnit)?

    func entry(_ path: [String], at place: SyntaxPlace?) throws(QuestionRefusal) -> Entry {
        let name = path.last ?? ""
        let matches = entries.filter {
            $0.name.lowercased() == name.lowercased()
                && (path.count < 2 || $0.qualifier.lowercased() == path[path.count - 2].lowercased())
        }
        guard path.count <= 2, let first = matches.first else {
            let known = Set(entries.map(\.name)).sorted()
            throw QuestionRefusal(
                .columnUnknown, at: place,
                ["column": .text(path.joined(separator: ".")), "known": .list(Array(known.prefix(30)))])
        }
        guard matches.count == 1 else {
            throw QuestionRefusal(.columnAmbiguous, at: place, ["column": .text(name)])
        }
        return first
    }
}

extension RowScope.Meaning {
    var isUnit: Bool {
        switch self {
        case .column(let column): column.isUnit
        case .expression(let expression, let scope):
            if case .column(let path) = expression.form, let entry = try? scope.entry(path, at: nil) {
                entry.meaning.isUnit
            } else {
                false
            }
        }
    }
}
