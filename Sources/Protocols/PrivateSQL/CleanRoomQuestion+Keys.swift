// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §3 (keys). Secret: the rows. Public: the rules, and their promise that a person has
// one row; never whether somebody has two: both ways of running have the same plan digest and the same noise.

package import Primitives
package import Tables

extension ReleaseRules {
    /// Tables whose rows are people's.
    package var personalTables: Set<String> {
        Set(tables.filter { $0.value.unit != nil }.keys)
    }

    /// The same rules with what the rows show: where people repeat, a person may have any number of rows and counts for
    /// as many as the rules say (for one under a broken promise); where nobody does, there is nothing to bound.
    func bounding(_ repeated: Set<String>) -> ReleaseRules {
        let bounded = tables.map { name, table in
            guard let unit = table.unit, repeated.contains(name) || !unit.isKey else { return (name, table) }
            var seen = unit.afterJoin
            seen.isSingle = !repeated.contains(name)
            return (
                name,
                TableRules(
                    columns: table.columns, unit: seen, joins: table.joins, rowFilter: table.rowFilter)
            )
        }
        return ReleaseRules(
            tables: Dictionary(uniqueKeysWithValues: bounded), protection: protection, purposes: purposes,
            limits: limits, recipients: recipients, json: json)
    }

    /// The tables of `personalTables` in whose rows somebody stands more than once. One pass over each; the
    /// outcome holds as long as the version does, and stays at the holder.
    package func tablesWithRepeatedPeople(
        _ schema: [String: [Column]],
        on engine: any TableEngine,
        dialect: any RelationDialect
    ) async throws(Problem) -> Set<String> {
        var repeated: Set<String> = []
        for name in personalTables.sorted() {
            guard let unit = tables[name]?.unit,
                let column = schema[name]?.first(where: { $0.name == unit.column })
            else { continue }
            let person = RelationExpression.column("#unit")
            let counts = Relation.aggregate(
                .project(.table(name), [.init("#unit", .read(column.name, column.type))]),
                keys: [], [.init("#rows", .present(person)), .init("#people", .distinct(person))])
            let row = try await engine.rows(TableQuery(dialect.sql(counts), timeLimit: .seconds(60))).rows
                .first
            guard let row, row.count == 2, row[0] == row[1] else {
                repeated.insert(name)
                continue
            }
        }
        return repeated
    }
}

extension CleanRoomQuestion {
    /// The plan to run where people repeat in these tables and in no other: contributions are bounded there alone, noise
    /// and digest are those of the plan by the rules, so that an answer does not tell which of the two ran.
    package func plan(bounding repeated: Set<String>) throws(Problem) -> ReleasePlan {
        let seen = rules.bounding(repeated)
        guard seen != rules else { return plan }
        do throws(QuestionRefusal) {
            var bounded = try CleanRoomQuestion(tree, rules: seen, schema: schema).plan
            bounded.standsFor = plan.digest
            return bounded
        } catch {
            throw error.problem(in: tree)
        }
    }
}
