// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §8 (differencing). Adversary: an asker who subtracts any number of answers from one another
// (differencing, trackers: Denning, Denning, Schwartz 1979; secondary suppression: Willenborg, de Waal 2001, §4).
// Secret: the counts. Leaks by design: which cells are suppressed, which a question about the difference itself would tell too.

import Primitives
import Tables

/// The rows behind one exactly answered question, and how it cuts them into cells.
struct AnsweredCells: Hashable, Sendable {
    /// The listing's rows; only questions over the same rows are compared.
    let base: Relation
    let condition: RelationExpression
    let keys: [RelationExpression]
    let unit: PrivacyUnit?
    let unitColumn: String?
    let minimum: Int

    /// The rows of a core, its filters taken off the listing's rows.
    init(_ scope: RowScope, keys: [RelationExpression], values: [[TableValue]?], minimum: Int) {
        var base = scope.relation
        var conditions: [RelationExpression] = []
        while case .filter(let inner, let condition) = base { (base, conditions) = (inner, conditions + [condition]) }
        if let unit = scope.unit { conditions.append(.not(.isNull(.column(unit.column)))) }
        for (key, list) in zip(keys, values) {
            if let list { conditions.append(.membership(key, list)) }
        }
        self.base = base
        self.condition = .and(conditions)
        self.keys = keys
        self.unit = scope.unit?.rules
        self.unitColumn = scope.unit?.column
        self.minimum = minimum
    }
}

/// Decides which cells of a new answer may be told beside all that was told before.
///
/// All questions together cut the people into atoms: two people are in one atom if every told cell holds both or
/// neither. Every sum or count that was told is constant on atoms' totals, so no arithmetic on answers can isolate less
/// than an atom. A cell is told only if afterwards every atom inside a told cell has at least the minimum of people.
struct DisclosureAtoms: Sendable {
    /// The history, oldest first, then the new question; all over the same base.
    let questions: [AnsweredCells]

    /// More different cells than this are not compared; the question is then refused as a whole.
    static let cellsMax = 100_000

    /// For each told question its flag and its keys (null outside the question), and how many people have that combination.
    var relation: Relation {
        var columns: [Relation.NamedExpression] = []
        for (place, question) in questions.enumerated() {
            let isIn = question.condition
            columns.append(.init("#q\(place)", .branches([.init(isIn, .literal(.integer(1)))], otherwise: .literal(.integer(0)))))
            for (number, key) in question.keys.enumerated() {
                columns.append(.init(
                    "#q\(place)k\(number)", .branches([.init(isIn, key)], otherwise: .literal(.null))))
            }
        }
        let names = columns.map(\.name)
        let unit = questions[0].unitColumn
        if let unit { columns.append(.init("#unit", .column(unit))) }
        let people: RelationAggregate = questions[0].unit.map { $0.isKey ? .rows : .distinct(.column("#unit")) } ?? .rows
        return .aggregate(.project(questions[0].base, columns), keys: names, [.init("#people", people)])
    }

    /// The keys of the newest question's cells that may not be told; `nil` where too many cells would have to be compared.
    ///
    /// Earlier questions are decided first, in their order, by the same rule: the outcome is the same every time, so only
    /// the questions need to be remembered.
    func suppressed(_ rows: [[TableValue]]) throws(ReleaseFailure) -> Set<[TableValue]>? {
        guard rows.count <= Self.cellsMax else { return nil }
        var cells: [(membership: [[TableValue]?], people: Int)] = []
        for row in rows { cells.append(try membership(row)) }
        var told: [Set<[TableValue]>] = []
        for place in questions.indices { told.append(decide(place, cells, told)) }
        let last = questions.count - 1
        let every = Set(cells.compactMap { $0.membership[last] })
        return every.subtracting(told[last])
    }

    /// For each question the cell that holds this combination, and its people.
    private func membership(_ row: [TableValue]) throws(ReleaseFailure) -> ([[TableValue]?], Int) {
        var place = 0
        var membership: [[TableValue]?] = []
        for question in questions {
            guard row.count > place + question.keys.count else { throw ReleaseFailure(what: "atoms") }
            let isIn = row[place] == .integer(1)
            membership.append(isIn ? Array(row[place + 1..<place + 1 + question.keys.count]) : nil)
            place += 1 + question.keys.count
        }
        guard case .integer(let people) = row[place] else { throw ReleaseFailure(what: "atoms") }
        return (membership, Int(clamping: people))
    }

    /// The cells of one question that are told, given what earlier ones told: start with all that are large enough, and
    /// take back the smallest that touches an atom which is too small, until none is.
    private func decide(
        _ place: Int, _ cells: [(membership: [[TableValue]?], people: Int)], _ earlier: [Set<[TableValue]>]
    ) -> Set<[TableValue]> {
        let minimum = questions[place].minimum
        var sizes: [[TableValue]: Int] = [:]
        for cell in cells {
            if let key = cell.membership[place] { sizes[key] = added(sizes[key], cell.people) }
        }
        var told = Set(sizes.filter { $0.value >= minimum }.keys)
        while !told.isEmpty {
            guard let small = smallAtom(cells, earlier + [told], minimum) else { break }
            // Inside a told cell: that cell goes. Outside, as a remainder: the smallest told neighbor goes, so that the
            // remainder grows.
            let candidates = small.last.flatMap { $0 }.map { [$0] }
                ?? neighbors(of: small, place, cells, earlier, told)
            guard let smallest = candidates.min(by: { one, two in
                let (first, second) = (sizes[one] ?? 0, sizes[two] ?? 0)
                return first == second ? one.precedes(two) : first < second
            }) else { break }
            told.remove(smallest)
        }
        return told
    }

    /// Told cells of this question that share an earlier signature with the atom.
    private func neighbors(
        of atom: [[TableValue]?], _ place: Int, _ cells: [(membership: [[TableValue]?], people: Int)],
        _ earlier: [Set<[TableValue]>], _ told: Set<[TableValue]>
    ) -> [[TableValue]] {
        let before = Array(atom.dropLast())
        let touching = cells.filter { signature($0.membership, earlier) == before }.compactMap { $0.membership[place] }
        let near = Set(touching).intersection(told)
        return Array(near.isEmpty ? told : near)
    }

    /// The told cells that hold a combination.
    private func signature(_ membership: [[TableValue]?], _ told: [Set<[TableValue]>]) -> [[TableValue]?] {
        told.indices.map { place in membership[place].flatMap { told[place].contains($0) ? $0 : nil } }
    }

    /// An atom inside some told cell with fewer people than the minimum.
    private func smallAtom(
        _ cells: [(membership: [[TableValue]?], people: Int)], _ told: [Set<[TableValue]>], _ minimum: Int
    ) -> [[TableValue]?]? {
        var atoms: [[[TableValue]?]: Int] = [:]
        for cell in cells {
            let signature = signature(cell.membership, told)
            guard signature.contains(where: { $0 != nil }) else { continue }
            atoms[signature] = added(atoms[signature], cell.people)
        }
        return atoms.filter { $0.value < minimum }.keys.min { "\($0)" < "\($1)" }
    }

    /// People of two cells together: all of them where nobody is in two, else at least those of the larger one.
    private func added(_ people: Int?, _ more: Int) -> Int {
        guard let people else { return more }
        let isAdditive = questions[0].unit?.isKey ?? true
        return isAdditive ? people + more : max(people, more)
    }
}
