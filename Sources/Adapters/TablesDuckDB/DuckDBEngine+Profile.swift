// SPDX-License-Identifier: Apache-2.0

internal import Primitives
internal import Tables

extension DuckDBEngine {
    func profile(_ source: TableSource, _ plan: ProfilePlan) async throws(Problem) -> TableProfile {
        let columns = try await columns(of: source)
        var counts: [ProfileStatement.Part] = [.rowCount]
        for column in columns { counts += ProfileStatement.parts(column) }
        let statement = ProfileStatement(parts: counts)
        let answer = try await rows(TableQuery(statement.sql(from: source.sql)))
        guard let row = answer.rows.first else {
            throw Problem(.fault, "tables.query-refused", operatorNote: "an aggregate gave no row")
        }
        let first = statement.profile(columns, row)
        let second = ProfileDetails(profile: first, plan: plan)
        var profile = first
        if let sql = second.sql(from: source.sql) {
            profile = second.completed(try await rows(TableQuery(sql)).rows.first ?? [])
        }
        let shapes = ProfileShapes(profile: profile, plan: plan)
        guard let sql = shapes.sql(from: source.sql) else { return profile }
        return shapes.completed(try await rows(TableQuery(sql)).rows.first ?? [])
    }
}

/// The first pass: counts, extremes, mean, deviation, quantiles, distinct values of every column.
private struct ProfileStatement {
    enum Part {
        case rowCount
        case valueCount(Column)
        case distinct(Column)
        case least(Column)
        case greatest(Column)
        case mean(Column)
        case deviation(Column)
        case quantile(Column, Int)
    }

    static let shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]

    let parts: [Part]

    static func parts(_ column: Column) -> [Part] {
        let common: [Part] = [.valueCount(column), .distinct(column), .least(column), .greatest(column)]
        guard column.type.isNumeric else { return common }
        return common + [.mean(column), .deviation(column)] + shares.indices.map { .quantile(column, $0) }
    }

    func sql(from source: String) -> String {
        let list = parts.map { part in
            switch part {
            case .rowCount: "count(*)"
            case .valueCount(let column): "count(\(column.quoted))"
            case .distinct(let column): "approx_count_distinct(\(column.quoted))"
            case .least(let column): "min(\(column.quoted))"
            case .greatest(let column): "max(\(column.quoted))"
            case .mean(let column): "avg(\(column.quoted))"
            case .deviation(let column): "stddev_samp(\(column.quoted)::DOUBLE)"
            // DuckDB computes all shares of one column in one state (the list is a common sub-expression).
            case .quantile(let column, let place):
                "approx_quantile(\(column.quoted)::DOUBLE, \(Self.shares))[\(place + 1)]"
            }
        }
        return "SELECT \(list.joined(separator: ", ")) FROM \(source)"
    }

    func profile(_ columns: [Column], _ row: [TableValue]) -> TableProfile {
        var rowCount: Int64 = 0
        var profiles: [ColumnProfile] = []
        for (part, value) in zip(parts, row) {
            let last = profiles.count - 1
            switch part {
            case .rowCount: rowCount = value.count
            case .valueCount(let column):
                profiles.append(ColumnProfile(column: column, nullCount: rowCount - value.count))
            case .distinct: profiles[last].approximateDistinct = value.count
            case .least: profiles[last].least = value
            case .greatest: profiles[last].greatest = value
            case .mean: profiles[last].mean = value.approximate
            case .deviation: profiles[last].deviation = value.approximate
            case .quantile(_, let place):
                guard let quantile = value.approximate else { continue }
                profiles[last].approximateQuantiles.append(.init(share: Self.shares[place], value: quantile))
            }
        }
        return TableProfile(rowCount: rowCount, columns: profiles)
    }
}

/// The second pass: histograms between the extremes, and the most frequent values.
private struct ProfileDetails {
    let profile: TableProfile
    let plan: ProfilePlan

    /// A column of more different values than this has no frequent ones worth keeping.
    private static let distinctMax = 2000

    private enum Question {
        case histogram(place: Int, least: Double, greatest: Double)
        case frequent(place: Int)
    }

    private var questions: [Question] {
        profile.columns.enumerated().compactMap { place, column in
            guard column.column.type.isNumeric else {
                let isWanted = plan.frequentValues > 0 && column.approximateDistinct <= Self.distinctMax
                return isWanted ? .frequent(place: place) : nil
            }
            guard plan.histogramBars > 0, let least = column.least.approximate,
                let greatest = column.greatest.approximate, least < greatest, (greatest - least).isFinite
            else { return nil }
            return .histogram(place: place, least: least, greatest: greatest)
        }
    }

    /// One statement over all columns; `nil` where nothing is left to ask.
    func sql(from source: String) -> String? {
        let list = questions.map { question in
            switch question {
            case .histogram(let place, let least, let greatest):
                let bars = plan.histogramBars
                let position =
                    "(\(quoted(place))::DOUBLE - (\(least))) / \((greatest - least) / Double(bars))"
                return "to_json(histogram(least(\(bars - 1), floor(\(position)))::INTEGER) "
                    + "FILTER (\(quoted(place)) IS NOT NULL))::VARCHAR"
            case .frequent(let place):
                return "to_json(histogram(\(quoted(place))::VARCHAR))::VARCHAR"
            }
        }
        return list.isEmpty ? nil : "SELECT \(list.joined(separator: ", ")) FROM \(source)"
    }

    func completed(_ row: [TableValue]) -> TableProfile {
        var columns = profile.columns
        for (question, value) in zip(questions, row) {
            guard case .text(let text) = value, case .object(let counts)? = try? JSON(parsing: text) else {
                continue
            }
            switch question {
            case .histogram(let place, let least, let greatest):
                var bars = [Int64](repeating: 0, count: plan.histogramBars)
                for (bar, count) in counts {
                    if let bar = Int(bar), bars.indices.contains(bar) { bars[bar] = count.integer ?? 0 }
                }
                columns[place].histogram = .init(least: least, greatest: greatest, counts: bars)
            case .frequent(let place):
                let all = counts.map { ColumnProfile.Frequency(value: $0.key, count: $0.value.integer ?? 0) }
                let sorted = all.sorted { ($1.count, $0.value) < ($0.count, $1.value) }
                columns[place].frequent = Array(sorted.prefix(plan.frequentValues))
            }
        }
        return TableProfile(rowCount: profile.rowCount, columns: columns)
    }

    private func quoted(_ place: Int) -> String { profile.columns[place].column.quoted }
}

/// The shapes of texts, over the first rows: `9` for digits, `a` for letters, `中` for Han characters.
private struct ProfileShapes {
    let profile: TableProfile
    let plan: ProfilePlan

    private static let rowsMax = 20_000
    /// A longer text is prose; its beginning says enough.
    private static let lengthMax = 40

    private var places: [Int] {
        plan.frequentValues == 0
            ? [] : profile.columns.indices.filter { profile.columns[$0].column.type == .text }
    }

    func sql(from source: String) -> String? {
        let list = places.map { place in
            let text = "left(\(profile.columns[place].column.quoted), \(Self.lengthMax))"
            let shape =
                "regexp_replace(regexp_replace(regexp_replace(\(text), '[0-9]', '9', 'g'), "
                + "'[A-Za-z]', 'a', 'g'), '\\p{Han}', '中', 'g')"
            return "to_json(histogram(\(shape)))::VARCHAR"
        }
        return list.isEmpty
            ? nil
            : "SELECT \(list.joined(separator: ", ")) FROM (SELECT * FROM \(source) LIMIT \(Self.rowsMax))"
    }

    func completed(_ row: [TableValue]) -> TableProfile {
        var columns = profile.columns
        for (place, value) in zip(places, row) {
            guard case .text(let text) = value, case .object(let counts)? = try? JSON(parsing: text) else {
                continue
            }
            let all = counts.map { ColumnProfile.Frequency(value: $0.key, count: $0.value.integer ?? 0) }
            let sorted = all.sorted { ($1.count, $0.value) < ($0.count, $1.value) }
            columns[place].patterns = Array(sorted.prefix(plan.frequentValues))
        }
        return TableProfile(rowCount: profile.rowCount, columns: columns)
    }
}

extension Column {
    fileprivate var quoted: String { name.quotedIdentifier }
}

extension TableValue {
    fileprivate var count: Int64 {
        if case .integer(let value) = self { Int64(clamping: value) } else { 0 }
    }
}
