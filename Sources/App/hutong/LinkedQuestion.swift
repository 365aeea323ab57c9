// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import PrivateSQL
import Tables
import TablesDuckDB

/// A question over rows that a match left in shares: which rows, and in which groups, is worked out here from the
/// asker's own table; the figures come from both nodes' shares.
///
/// The grammar is what shares can answer: `SELECT [group,] count(*) [, sum(COL)] FROM file [WHERE …] [GROUP BY group]`,
/// where COL is the holder's shared column and everything else is the file's.
struct LinkedQuestion {
    let passage: String
    let text: String
    let file: String
    let keys: [String]

    func ask(
        through door: NodeDoor, purpose: String, dryRun: Bool, on console: Console
    ) async throws -> JSON {
        let shared = try await door.get("/api/v1/passages/" + passage)
        let agreement = shared["agreement"]?.text ?? ""
        let recipe = try await MatchCall.recipe(of: agreement, keyCount: keys.count, through: door)
        // Keys in the clear.
        let folder = try FileManager.default.privateFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let chosen = folder.appending(path: "rows.csv").path(percentEncoded: false)
        let shape = try await choose(into: chosen)
        let table = try KeyedTable(
            file: chosen, key: shape.keys, recipe: recipe, by: shape.isGrouped ? LinkedShape.group : nil)
        let call = MatchCall(shares: passage, purpose: purpose, want: shape.want, table: table)
        return try await call.ask(through: door, dryRun: dryRun, on: console)
    }

    /// Writes keys and group of the rows that the question chooses.
    private func choose(into chosen: String) async throws -> LinkedShape {
        guard FileManager.default.isReadableFile(atPath: file) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        defer { engine.close() }
        let shape = try LinkedShape(try await SyntaxTree(text, engine: engine), keys)
        // Keys stay the texts they are: a leading zero is part of one.
        let types = keys.map { $0.quotedLiteral + ": 'VARCHAR'" }.joined(separator: ", ")
        try await engine.execute(
            """
            CREATE TABLE \(shape.table.quotedIdentifier) AS
            SELECT * FROM read_csv(\(file.quotedLiteral), header = true, types = {\(types)})
            """)
        try await engine.execute("COPY (\(shape.selection)) TO \(chosen.quotedLiteral) (HEADER)")
        return shape
    }
}

/// What a question over shares chooses, by which groups, and what it sums.
struct LinkedShape {
    /// The column of the chosen rows that holds the group.
    static let group = "hutong_group"

    let table: String
    let keys: [String]
    /// `size`, or `sum:COL`.
    let want: String
    let isGrouped: Bool
    /// The statement that lists keys and group of the chosen rows.
    let selection: String

    init(_ tree: SyntaxTree, _ keys: [String]) throws(Problem) {
        let (query, text) = (tree.query, tree.text)
        guard let source = query.source, case .table(let table, _, _) = source, query.commonTables.isEmpty,
            query.having == nil,
            query.order.isEmpty, query.limit == nil, !query.isDistinct
        else { throw Self.refused(text) }
        var (counts, sums, groups): (Int, [String], [SyntaxQuery.Output]) = (0, [], [])
        for output in query.outputs {
            switch output.expression.form {
            case .call("count_star", _, isDistinct: false, filter: nil): counts += 1
            case .call("sum", let of, isDistinct: false, filter: nil):
                guard of.count == 1, case .column(let path) = of[0].form, let name = path.last else {
                    throw Self.refused(text)
                }
                sums.append(name)
            default: groups.append(output)
            }
        }
        let isGrouped = query.groupsByAll || !query.groups.isEmpty
        guard counts == 1, sums.count <= 1, groups.count == (isGrouped ? 1 : 0), query.groups.count <= 1
        else {
            throw Self.refused(text)
        }
        var rows = SyntaxQuery()
        rows.source = source
        rows.condition = query.condition
        rows.outputs = keys.map { SyntaxQuery.Output(expression: SyntaxExpression(.column([$0])), alias: $0) }
        rows.outputs += groups.map { SyntaxQuery.Output(expression: $0.expression, alias: Self.group) }
        (self.table, self.keys, self.isGrouped) = (table, keys, isGrouped)
        want = sums.first.map { "sum:" + $0 } ?? "size"
        selection = rows.sql
    }

    private static func refused(_ text: String) -> Problem {
        Problem(.invalid, "compute.shares-question-refused", ["text": .text(text)])
    }
}
