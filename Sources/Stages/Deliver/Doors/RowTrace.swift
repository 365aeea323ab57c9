// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
import Register
import Store
import Tables
import Trade
import Valve

/// Whose file a leaked one is: how many of its marked pairs say so.
package struct TraceFinding: Hashable, Sendable {
    package let passage: Code
    package let recipient: ID<Party>
    package let at: Instant
    /// Pairs of neighbors found in the leaked file, and how many stand as this delivery wrote them.
    package let pairs: Int
    package let agreeing: Int

    /// Somebody else's file agrees in half of its pairs. A share of more than nine in ten over 32 pairs or more comes by
    /// chance less than once in a million.
    package var isConvincing: Bool { pairs >= 32 && agreeing * 10 > pairs * 9 }
}

extension DeliveryService {
    /// Compares a leaked file (CSV or Parquet) with every marked delivery of an asset, the best first. It needs rows that
    /// can be told apart and still stand in their order; columns may be missing, rows too.
    package func trace(
        _ file: String, as form: FileForm, of assetCode: String
    ) async throws(Problem) -> [TraceFinding] {
        let deliveries = try await marked(assetCode)
        let engine = try engines.open(EngineLimits(memoryBytes: 512 << 20, threads: 2))
        defer { engine.close() }
        let reader = form == .parquet ? "read_parquet" : form == .json ? "read_json" : "read_csv"
        let options = form == .csv ? ", all_varchar = true, header = true" : ""
        try await engine.execute(
            "CREATE TEMP TABLE leaked AS SELECT *, row_number() OVER () AS hutong_place FROM "
                + "\(reader)(\(file.sqlText)\(options))")
        let described = try await engine.rows("DESCRIBE leaked")
        let columns = Set(described.rows.compactMap { $0[0].written }).subtracting(["hutong_place"])
        var findings: [TraceFinding] = []
        for delivery in deliveries {
            let (pairs, agreeing) = try await compare(delivery, columns: columns, on: engine)
            findings.append(
                TraceFinding(
                    passage: delivery.passage.code, recipient: delivery.passage.asker,
                    at: delivery.passage.reservedAt, pairs: pairs, agreeing: agreeing))
        }
        return findings.sorted { ($0.agreeing * max($1.pairs, 1)) > ($1.agreeing * max($0.pairs, 1)) }
    }

    private struct Marked: Sendable {
        let passage: Passage
        let label: String
        let asker: Party
        let version: AssetVersion
        let rules: DeliveryRules
    }

    /// Every file of the asset that left with a mark; one written once and read often counts once.
    private func marked(_ assetCode: String) async throws(Problem) -> [Marked] {
        try await context.store.read { transaction throws(Problem) in
            var labels: Set<String> = []
            var marked: [Marked] = []
            for passage in try PassageBook.passages(side: .keeper, in: transaction).reversed() {
                guard let label = passage.document["mark"]?.text, labels.insert(label).inserted,
                    let digest = passage.document["version"]?.text.flatMap({ Digest(hex: $0) }),
                    let version = try AssetShelf.version(digest, in: transaction)
                else { continue }
                let listing = try AgreementBook.agreement(passage.agreementCode, in: transaction).listing
                guard listing.assetCode == assetCode else { continue }
                let asker = try PartyRegister.party(passage.asker, in: transaction)
                marked.append(
                    Marked(
                        passage: passage, label: label, asker: asker, version: version,
                        rules: try listing.deliveryRules().forRecipient(asker.code.text).narrowed(
                            to: passage.document["fields"]?.texts ?? [],
                            about: passage.document["people"]?.texts ?? [])))
            }
            return marked
        }
    }

    /// What a row is known by. Values are compared as the column's type writes them: a file that went through a
    /// spreadsheet or a data frame says 10.5 where 10.50 was delivered.
    private static func key(_ columns: [(name: String, type: String)]) -> String {
        let words = columns.map { name, type in
            let text = "CAST(\(name.sqlName) AS VARCHAR)"
            return type == "VARCHAR"
                ? text : "coalesce(CAST(TRY_CAST(\(text) AS \(type)) AS VARCHAR), \(text))"
        }
        return "md5(concat_ws('|', \(words.joined(separator: ", "))))"
    }

    private func compare(
        _ delivery: Marked, columns: Set<String>, on engine: any TableEngine
    ) async throws(Problem) -> (Int, Int) {
        let selection = try await selection(
            delivery.version, delivery.rules, for: delivery.asker, marked: delivery.label)(engine)
        let common = selection.columns.filter { columns.contains($0.name) }
        guard !common.isEmpty else { return (0, 0) }
        let original = selection.numbered
        let key = Self.key(common)
        let bit = RowMark.bit(of: "a.n // 2", key: selection.mark?.key ?? "")
        // Rows that can be told apart. Grouped, not windowed: joined windows over a named expression find nothing in
        // DuckDB 2.0.0.
        let sql = """
            WITH original AS (SELECT any_value(n) AS n, k FROM (SELECT hutong_row AS n, \(key) AS k
                FROM (\(original.sql)) AS o) AS named GROUP BY k HAVING count(*) = 1),
            found AS (SELECT n, place FROM original JOIN (SELECT any_value(hutong_place) AS place, k
                FROM (SELECT hutong_place, \(key) AS k FROM leaked) AS named GROUP BY k HAVING count(*) = 1
                ) AS l USING (k))
            SELECT count(*), count(*) FILTER ((a.place > b.place) = (\(bit) = 1))
            FROM found AS a JOIN found AS b ON b.n = a.n + 1 WHERE a.n % 2 = 0
            """
        let answer = try await engine.rows(TableQuery(sql, original.arguments))
        guard case .integer(let pairs)? = answer.rows.first?.first,
            case .integer(let agreeing)? = answer.rows.first?.last
        else { return (0, 0) }
        return (Int(pairs), Int(agreeing))
    }
}
