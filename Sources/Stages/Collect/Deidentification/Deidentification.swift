// SPDX-License-Identifier: Apache-2.0

internal import Classification
internal import Crypto
internal import FormatPreserving
internal import Foundation
package import Primitives
internal import Scan
internal import Synchronization
package import Tables

/// Carries a recipe out over a table of the engine and measures the result (S04).
package struct Deidentification: Sendable {
    private let recipe: DeidentificationRecipe
    private let key: Redacted<[UInt8]>
    private let engine: any TableEngine
    private let folder: String
    /// Names of this job's tables and functions in the engine.
    private let job: String

    /// `key` has 32 bytes; whoever holds it can undo `encrypt` and try values against `hash`. `folder` takes scratch
    /// files and the vault.
    package init(
        _ recipe: DeidentificationRecipe, key: Redacted<[UInt8]>, engine: any TableEngine, folder: String,
        job: String
    ) {
        self.recipe = recipe
        self.key = key
        self.engine = engine
        self.folder = folder
        self.job = job
    }

    /// The result as the table `<job>_result` of the engine, and its report. The caller writes it out only if the
    /// report accepts it.
    package func run(on table: String) async throws(Problem) -> DeidentificationReport {
        let columns = try await engine.columns(of: .named(table))
        let absent = recipe.steps.keys.filter { name in !columns.contains { $0.name == name } }.sorted()
        guard absent.isEmpty else {
            throw Problem(
                .invalid, "collect.fields-absent", ["fields": .list(absent), "standard": .text(recipe.name)])
        }
        try await defineFunctions()
        try await fillVault(from: table)
        let kept = columns.filter { recipe.steps[$0.name] != .suppress }
        let grouping = try await QuasiGrouping(recipe, table: table, columns: columns, engine: engine)
        let parts = grouping.parts()
        try await attach(parts, grouping)
        let list = kept.map { "\(sql($0, grouping)) AS \($0.name.quotedIdentifier)" }.joined(separator: ", ")
        let source =
            grouping.isEmpty
            ? table.quotedIdentifier
            : "(SELECT * FROM \(table.quotedIdentifier) POSITIONAL JOIN \(job)_row) JOIN \(job)_part USING (hutong_part)"
        try await engine.execute("CREATE OR REPLACE TABLE \(job)_result AS SELECT \(list) FROM \(source)")
        return try await report(on: table, columns, parts, grouping)
    }

    package var result: String { "\(job)_result" }
    /// Column, value and token of every tokenized value: the holder keeps it, apart from the result.
    package var vault: String { "\(job)_vault" }

    private func fillVault(from table: String) async throws(Problem) {
        try await engine.execute(
            "CREATE OR REPLACE TABLE \(vault) (col VARCHAR, value VARCHAR, token VARCHAR)")
        for name in recipe.steps.filter({ $0.value == .tokenize }).keys.sorted() {
            let field = name.quotedIdentifier
            try await engine.execute(
                "INSERT INTO \(vault) SELECT \(name.quotedLiteral), value, replace(uuid()::VARCHAR, '-', '') "
                    + "FROM (SELECT DISTINCT \(field)::VARCHAR AS value FROM \(table.quotedIdentifier) "
                    + "WHERE \(field) IS NOT NULL)")
        }
    }

    // MARK: Steps

    private func sql(_ column: Column, _ grouping: QuasiGrouping) -> String {
        let field = column.name.quotedIdentifier
        let text = "\(field)::VARCHAR"
        switch recipe.steps[column.name] {
        case nil, .sensitive?, .suppress?: return field
        case .quasi?: return grouping.label(column.name) ?? field
        case .mask(let first, let last)?:
            let stars = "repeat('*', greatest(length(\(text)) - \(first + last), 1)::BIGINT)"
            return "left(\(text), \(first)) || \(stars) || CASE WHEN length(\(text)) > \(first + last) "
                + "THEN right(\(text), \(last)) ELSE '' END"
        case .hash?: return "\(job)_hash(\(text))"
        case .encrypt?: return "\(job)_encrypt(\(text))"
        case .tokenize?:
            return "(SELECT token FROM \(vault) WHERE col = \(column.name.quotedLiteral) AND value = \(text))"
        case .bar(let width)?: return "floor(\(field) / \(width))::BIGINT * \(width)"
        case .truncate(let unit)?:
            return "date_trunc(\(unit.quotedLiteral), \(field))::\(column.type.sqlName)"
        case .prefix(let length)?: return "left(\(text), \(length))"
        case .shift(let daysMax)?:
            return "(\(field) + INTERVAL (\(shiftDays(column.name, daysMax))) DAY)::\(column.type.sqlName)"
        }
    }

    private func shiftDays(_ column: String, _ daysMax: Int) -> Int {
        let tag = HMAC<SHA256>.authenticationCode(
            for: Data("shift:\(column)".utf8), using: SymmetricKey(data: key.disclosed))
        let word = tag.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let days = Int(word % UInt64(2 * daysMax + 1)) - daysMax
        return days == 0 ? daysMax : days
    }

    private func defineFunctions() async throws(Problem) {
        let secret = SymmetricKey(data: key.disclosed)
        try await engine.define(
            TextFunction("\(job)_hash") { input, output in
                for row in 0..<input.count {
                    let tag = HMAC<SHA256>.authenticationCode(for: Data(input.bytes(row)), using: secret)
                    output.append(Hex.encode(tag.prefix(16)))
                }
            })
        let cipher = try? FF1(key: Array(SHA256.hash(data: Data("ff1:".utf8) + key.disclosed).prefix(16)))
        guard let cipher else { throw Problem(.fault, "collect.key-unusable") }
        try await engine.define(
            TextFunction("\(job)_encrypt") { input, output throws(Problem) in
                try DigitCipher(cipher).encrypt(input, &output)
            })
    }

    // MARK: Groups

    /// Gives the engine each row's part, and each part's labels.
    private func attach(_ parts: [QuasiGrouping.LabelledPart], _ grouping: QuasiGrouping)
        async throws(Problem)
    {
        guard !grouping.isEmpty else { return }
        guard !parts.isEmpty else {
            throw Problem(
                .invalid, "collect.groups-impossible",
                ["k": .integer(Int64(recipe.k)), "l": .integer(Int64(recipe.l))])
        }
        var places = [Int32](repeating: 0, count: grouping.rowCount)
        var labels =
            "hutong_part," + grouping.names.indices.map { "label\($0)" }.joined(separator: ",") + "\n"
        for (number, part) in parts.enumerated() {
            for row in part.rows { places[row] = Int32(number) }
            let cells = part.labels.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }
            labels += "\(number),\(cells.joined(separator: ","))\n"
        }
        var rows = "hutong_part\n"
        rows.reserveCapacity(places.count * 7)
        for place in places { rows += "\(place)\n" }
        try await load(rows, as: "row", ["hutong_part": "INTEGER"], ["hutong_part"])
        var types = ["hutong_part": "INTEGER"]
        let names = ["hutong_part"] + grouping.names.indices.map { "label\($0)" }
        for name in names.dropFirst() { types[name] = "VARCHAR" }
        try await load(labels, as: "part", types, names)
    }

    private func load(
        _ csv: String, as name: String, _ types: [String: String], _ order: [String]
    ) async throws(Problem) {
        let path = "\(folder)/\(job)-\(name).csv"
        guard FileManager.default.createFile(atPath: path, contents: Data(csv.utf8)) else {
            throw Problem(.unavailable, "tables.file-unwritten", operatorNote: path)
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        let list = order.map { "\($0.quotedLiteral): '\(types[$0] ?? "VARCHAR")'" }.joined(separator: ", ")
        try await engine.execute(
            "CREATE OR REPLACE TABLE \(job)_\(name) AS SELECT * FROM read_csv(\(path.quotedLiteral), "
                + "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', columns = {\(list)})"
        )
    }

    // MARK: Report

    private func report(
        on table: String, _ columns: [Column], _ parts: [QuasiGrouping.LabelledPart],
        _ grouping: QuasiGrouping
    ) async throws(Problem) -> DeidentificationReport {
        let counted = try await engine.rows("SELECT count(*) FROM \(result)")
        guard case .integer(let rowCount)? = counted.rows.first?.first else {
            throw Problem(.fault, "tables.query-refused", operatorNote: "count(*) gave no number")
        }
        let evidence = try await Discovery.evidence(
            of: result, rowCount: Int64(rowCount), recognizers: [], engine: engine)
        var remaining: [String: String] = [:]
        for column in evidence {
            // A keyed transformation keeps the form on purpose; its values are nobody's.
            switch recipe.steps[column.column] {
            case .encrypt?, .hash?, .tokenize?: continue
            default: break
            }
            let direct = column.counts.first { $0.evidence != .heuristic && $0.kind.grade > .general2 }
            if let direct { remaining[column.column] = direct.kind.word }
        }
        let after = try await smallestGroup(of: result)
        return DeidentificationReport(
            recipe: recipe.name, rowCount: Int64(rowCount), steps: recipe.steps.mapValues(\.word),
            kBefore: try await smallestGroup(of: table).k, kAfter: after.k, lAfter: after.l,
            groupCount: after.groups, informationLoss: grouping.informationLoss(parts), remaining: remaining,
            kDemanded: recipe.quasi.isEmpty ? 0 : recipe.k,
            lDemanded: recipe.sensitive.isEmpty ? 1 : recipe.l,
            utilityPercentMin: recipe.utilityPercentMin)
    }

    /// Counted by the engine from the table itself, not from the partition.
    private func smallestGroup(of table: String) async throws(Problem) -> (k: Int, l: Int, groups: Int) {
        guard !recipe.quasi.isEmpty else { return (0, 0, 0) }
        let by = recipe.quasi.map(\.quotedIdentifier).joined(separator: ", ")
        let diversity = recipe.sensitive.first.map { "count(DISTINCT \($0.quotedIdentifier))" } ?? "0"
        let answer = try await engine.rows(
            "SELECT min(n), min(d), count(*) FROM (SELECT count(*) AS n, \(diversity) AS d "
                + "FROM \(table.quotedIdentifier) GROUP BY \(by))")
        let numbers = (answer.rows.first ?? []).map { value in
            if case .integer(let number) = value { Int(number) } else { 0 }
        }
        guard numbers.count == 3 else { return (0, 0, 0) }
        return (numbers[0], numbers[1], numbers[2])
    }
}

/// FF1 over the digits of texts; what stands between the digits stays where it is.
private struct DigitCipher {
    private let cipher: FF1

    init(_ cipher: FF1) {
        self.cipher = cipher
    }

    /// Numbers of one length lie one after the other and go through the cipher together.
    private struct Group {
        var rowCount = 0
        var digits: [UInt8] = []
    }

    func encrypt(_ input: TextVector, _ output: inout TextVector) throws(Problem) {
        var groups: [Int: Group] = [:]
        // Of each row, how many digits it has and which of its group it is.
        var places: [(length: Int, number: Int)] = []
        places.reserveCapacity(input.count)
        for row in 0..<input.count {
            let bytes = input.bytes(row)
            let length = bytes.count(where: Self.isDigit)
            guard length > 0 else {
                places.append((0, 0))
                continue
            }
            places.append((length, Self.add(bytes, to: &groups[length, default: Group()])))
        }
        for length in groups.keys {
            do throws(FF1.Failure) {
                try cipher.encrypt(numerals: &groups[length, default: Group()].digits, length: length)
            } catch {
                throw Problem(.invalid, "collect.number-short", ["digits": .integer(Int64(length))])
            }
        }
        var line: [UInt8] = []
        for row in 0..<input.count {
            let (length, number) = places[row]
            let digits = groups[length]?.digits ?? []
            var next = number * length
            line.removeAll(keepingCapacity: true)
            for byte in input.bytes(row) {
                guard Self.isDigit(byte) else {
                    line.append(byte)
                    continue
                }
                line.append(digits[next] + 48)
                next += 1
            }
            output.append(line)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    private static func add(_ bytes: ArraySlice<UInt8>, to group: inout Group) -> Int {
        for byte in bytes where isDigit(byte) { group.digits.append(byte - 48) }
        group.rowCount += 1
        return group.rowCount - 1
    }
}
