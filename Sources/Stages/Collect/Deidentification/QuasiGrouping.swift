// SPDX-License-Identifier: Apache-2.0

internal import Primitives
internal import Synchronization
internal import Tables

/// The quasi-identifiers of a table as ranks, its groups, and how a group's values are written.
struct QuasiGrouping: Sendable {
    struct LabelledPart: Sendable {
        /// Places of the table's rows.
        let rows: [Int]
        let labels: [String]
        let widths: [Double]
    }

    /// The quasi-identifiers, in the order of their codes.
    let names: [String]
    private let domains: [Domain]
    private let sensitiveCount: Int
    private let codes: [Int32]
    private let demand: Mondrian.Demand

    private struct Domain: Sendable {
        let type: ColumnType
        /// In order; a rank is a place here. The last is the rank of NULL.
        let values: [String]
    }

    /// More different values than this in one quasi-identifier are refused: such a column is an identifier.
    private static let distinctMax = 1_000_000

    init(
        _ recipe: DeidentificationRecipe, table: String, columns: [Column], engine: any TableEngine
    ) async throws(Problem) {
        names = recipe.quasi
        demand = Mondrian.Demand(k: recipe.k, l: recipe.l, t: recipe.t)
        guard !names.isEmpty else {
            (domains, sensitiveCount, codes) = ([], 0, [])
            return
        }
        let coded = names + recipe.sensitive.prefix(1)
        var domains: [Domain] = []
        for name in coded {
            let type = columns.first { $0.name == name }?.type ?? .text
            let field = name.quotedIdentifier
            let sql =
                "SELECT \(field)::VARCHAR FROM (SELECT DISTINCT \(field) FROM \(table.quotedIdentifier) "
                + "WHERE \(field) IS NOT NULL) ORDER BY \(field)"
            let answer = try await engine.rows(TableQuery(sql), rowsMax: Self.distinctMax)
            domains.append(Domain(type: type, values: answer.rows.map { $0[0].written ?? "" }))
        }
        self.domains = Array(domains.prefix(names.count))
        sensitiveCount = domains.count > names.count ? domains[names.count].values.count + 1 : 0
        codes = try await Self.codes(coded, domains, names.count, table, engine)
    }

    var isEmpty: Bool { names.isEmpty }
    var rowCount: Int { names.isEmpty ? 0 : codes.count / (names.count + 2) }

    private static func codes(
        _ names: [String], _ domains: [Domain], _ quasiCount: Int, _ table: String, _ engine: any TableEngine
    ) async throws(Problem) -> [Int32] {
        let ranks = domains.map { domain in
            Dictionary(uniqueKeysWithValues: domain.values.enumerated().map { (Array($1.utf8), Int32($0)) })
        }
        let list = names.map { "\($0.quotedIdentifier)::VARCHAR" }.joined(separator: ", ")
        let collected = Mutex<[Int32]>([])
        try await engine.run(TableQuery("SELECT \(list) FROM \(table.quotedIdentifier)")) { batch in
            collected.withLock { codes in
                for row in 0..<batch.rowCount {
                    for (place, vector) in batch.vectors.enumerated() {
                        codes.append(rank(vector, row, ranks[place]))
                    }
                    if names.count == quasiCount { codes.append(0) }
                    codes.append(Int32(codes.count / (quasiCount + 2)))
                }
            }
        }
        return collected.withLock { $0 }
    }

    private static func rank(_ vector: ColumnVector, _ row: Int, _ ranks: [[UInt8]: Int32]) -> Int32 {
        guard case .texts(let texts) = vector.storage, !vector.isNull(row) else { return Int32(ranks.count) }
        return ranks[Array(texts.bytes(row))] ?? Int32(ranks.count)
    }

    func parts() -> [LabelledPart] {
        guard !isEmpty else { return [] }
        let sizes = domains.map { Int32($0.values.count + 1) }
        var mondrian = Mondrian(
            codes: codes, quasiCount: names.count, domainSizes: sizes, sensitiveCount: sensitiveCount,
            demand: demand)
        let parts = mondrian.partition()
        return parts.map { part in
            let labels = domains.indices.map { label(domains[$0], part.least[$0], part.greatest[$0]) }
            let widths = domains.indices.map { place in
                Double(part.greatest[place] - part.least[place]) / Double(max(1, sizes[place] - 1))
            }
            return LabelledPart(rows: part.rows.map(mondrian.place), labels: labels, widths: widths)
        }
    }

    private func label(_ domain: Domain, _ least: Int32, _ greatest: Int32) -> String {
        guard greatest < domain.values.count else { return least == greatest ? "" : "*" }
        let (first, last) = (domain.values[Int(least)], domain.values[Int(greatest)])
        if least == greatest { return first }
        guard domain.type == .text else { return "\(first)–\(last)" }
        let prefix = first.commonPrefix(with: last)
        return prefix + "*"
    }

    /// The column's generalized value as it stands in the joined table.
    func label(_ name: String) -> String? {
        names.firstIndex(of: name).map { "label\($0)" }
    }

    /// Normalized certainty penalty (Xu et al. 2006): the mean width over rows and quasi-identifiers.
    func informationLoss(_ parts: [LabelledPart]) -> Double {
        guard !isEmpty, rowCount > 0 else { return 0 }
        let sum = parts.reduce(0.0) { $0 + $1.widths.reduce(0, +) * Double($1.rows.count) }
        return sum / Double(rowCount * names.count)
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map(\.0))
    }
}
