// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5. The order of one question's life: check (public), run (rows, at the
// holder), release (noise). Secret: rows and seed, inside `run` alone.

package import Primitives
package import Tables

/// A question beside the rules it must keep.
package struct CleanRoomQuestion: Sendable {
    package let tree: SyntaxTree
    package let plan: ReleasePlan
    let rules: ReleaseRules
    let schema: [String: [Column]]

    /// Parses nothing and reads no row: the question's tree against rules and schema.
    package init(_ tree: SyntaxTree, rules: ReleaseRules, schema: [String: [Column]]) throws(QuestionRefusal)
    {
        self.tree = tree
        self.rules = rules
        self.schema = schema
        plan = try QuestionPlanner([QuestionSide(name: "", rules: rules, schema: schema)]).plan(tree)
    }

    /// The question in an engine's parser, then as above.
    package init(
        _ text: String,
        rules: ReleaseRules,
        schema: [String: [Column]],
        engine: any TableEngine
    ) async throws(Problem) {
        let tree = try await SyntaxTree(text, engine: engine)
        do throws(QuestionRefusal) {
            try self.init(tree, rules: rules, schema: schema)
        } catch {
            throw error.problem(in: tree)
        }
    }

    /// Runs the plan where the rows are and releases the answer.
    ///
    /// - Secret: the rows, the seed.
    /// - Public: the answer; it is told only after its charge is durable (the valve's commit).
    /// - Parameters:
    ///   - versions: a digest over the versions of all tables read, so that other data never meet the same
    ///     noise.
    ///   - history: what was answered before on these versions under a minimum group, oldest first: cells
    ///     whose
    ///     difference from earlier answers would tell of too few people are suppressed.
    ///   - repeated: tables in which somebody has more than one row, as far as that is known of these versions;
    ///     `nil` looks into the rows first.
    package func run(
        on engine: any TableEngine,
        dialect: some RelationDialect,
        seed: NoiseSeed,
        versions: Digest,
        after history: [ReleasePlan] = [],
        repeated: Set<String>? = nil
    ) async throws(Problem) -> ReleasedAnswer {
        let found =
            if let repeated { repeated } else {
                try await rules.tablesWithRepeatedPeople(schema, on: engine, dialect: dialect)
            }
        return try await plan(bounding: found).run(
            on: engine, dialect: dialect, seed: seed, versions: versions, after: history)
    }
}

extension ReleasePlan {
    /// As `CleanRoomQuestion.run`.
    package func run(
        on engine: any TableEngine,
        dialect: some RelationDialect,
        seed: NoiseSeed,
        versions: Digest,
        after history: [ReleasePlan] = []
    ) async throws(Problem) -> ReleasedAnswer {
        var answers: [[[[TableValue]]]] = []
        var withheld: [Set<[TableValue]>] = []
        var earlier = history.flatMap(\.releases).compactMap(\.answered)
        for release in releases {
            withheld.append(try await release.withheld(after: earlier, on: engine, dialect: dialect))
            if let answered = release.answered { earlier.append(answered) }
            var rows: [[[TableValue]]] = []
            for relation in release.relations {
                let query = TableQuery(dialect.sql(relation), timeLimit: .seconds(60))
                rows.append(try await engine.rows(query, rowsMax: Self.engineRowsMax).rows)
            }
            answers.append(rows)
        }
        do throws(ReleaseFailure) {
            return try release(answers, withholding: withheld, seed: seed, versions: versions)
        } catch {
            throw Problem(.fault, "privatesql.plan-unfit", operatorNote: error.what)
        }
    }

    /// Rows an engine may hand over for one relation: groups times bins.
    fileprivate static let engineRowsMax = 2_000_000

    /// The answer from the relations' rows: a pure function, so that a passage can be replayed byte for byte.
    package func release(
        _ answers: [[[[TableValue]]]],
        withholding withheld: [Set<[TableValue]>] = [],
        seed: NoiseSeed,
        versions: Digest
    ) throws(ReleaseFailure) -> ReleasedAnswer {
        let digest = digest
        var stream = seed.stream(plan: digest, versions: versions)
        var tables: [ReleasedTable] = []
        for (place, release) in releases.enumerated() {
            let withheld = withheld.indices.contains(place) ? withheld[place] : []
            tables.append(try release.released(answers[place], withholding: withheld, using: &stream))
        }
        let table = final.evaluated(tables, rowsMax: rowsMax)
        return ReleasedAnswer(
            columns: table.names.map(\.name),
            rows: table.rows,
            charge: cost,
            planDigest: digest,
            seedCommitment: seed.commitment,
            hiddenGroups: table.hiddenGroups,
            hints: hints(table)
        )
    }

    private func hints(_ table: ReleasedTable) -> [ReleasedAnswer.Hint] {
        var hints: [ReleasedAnswer.Hint] = []
        let isWide = table.rows.contains { row in
            row.contains { cell in
                guard let interval = cell.interval, let value = cell.value.approximate else { return false }
                return interval.high - interval.low > value.magnitude
            }
        }
        if isWide { hints.append(.fewerGroups) }
        if isWide, releases.reduce(0, { $0 + $1.components.count + $1.histograms.count }) > 1 {
            hints.append(.fewerFigures)
        }
        if table.hiddenGroups > 0 || table.rows.contains(where: { $0.contains(where: \.isSuppressed) }) {
            hints.append(.largerGroups)
        }
        return hints
    }
}

extension SyntaxTree {
    /// The question read by an engine's parser; what the subset does not have is refused with its place.
    package init(_ text: String, engine: any TableEngine) async throws(Problem) {
        guard text.utf8.count <= Self.textBytesMax else {
            throw QuestionRefusal(SyntaxRefusal.tooLarge("\(text.utf8.count) bytes")).problem(in: nil)
        }
        let tree = try await engine.syntax(of: text)
        do throws(SyntaxRefusal) {
            try self.init(serialized: tree, text: text)
        } catch {
            let words = SyntaxTree(text: text, query: SyntaxQuery())
            throw QuestionRefusal(error).problem(in: words)
        }
    }
}

extension TableRelease {
    /// Cells that must be suppressed beside earlier answers over the same rows.
    fileprivate func withheld(
        after history: [AnsweredCells],
        on engine: any TableEngine,
        dialect: some RelationDialect
    ) async throws(Problem) -> Set<[TableValue]> {
        guard let answered else { return [] }
        let comparable = history.filter { $0.base == answered.base && $0 != answered }
        guard !comparable.isEmpty else { return [] }
        let atoms = DisclosureAtoms(questions: comparable + [answered])
        let rows = try await engine.rows(
            TableQuery(dialect.sql(atoms.relation), timeLimit: .seconds(60)),
            rowsMax: ReleasePlan.engineRowsMax
        ).rows
        let withheld: Set<[TableValue]>?
        do throws(ReleaseFailure) {
            withheld = try atoms.suppressed(rows)
        } catch {
            throw Problem(.fault, "privatesql.plan-unfit", operatorNote: error.what)
        }
        guard let withheld else { throw Problem(.limited, "privatesql.history-too-fine") }
        return withheld
    }
}
