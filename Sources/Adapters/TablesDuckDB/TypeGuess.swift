// SPDX-License-Identifier: Apache-2.0

internal import Primitives
internal import Tables

/// What the first values of a column look like, and the questions that decide over all of them.
enum TypeGuess: Hashable {
    case text
    case bool
    case number
    /// Days or timestamps in one `strptime` format.
    case moment(format: String, isDay: Bool)

    /// Digits before the point beyond which a number is taken for a code: 15 is what a double, and so every
    /// spreadsheet, keeps.
    private static let wholeDigitsMax = 15
    private static let scaleMax = 18

    init(_ values: [String]) {
        let texts = values.filter { !$0.isEmpty }
        guard let first = texts.first else {
            self = .text
            return
        }
        if texts.allSatisfy(Self.isNumber) {
            self = .number
        } else if texts.allSatisfy({ ["true", "false"].contains($0.lowercased()) }) {
            self = .bool
        } else if let format = Self.momentFormat(of: first),
            texts.allSatisfy({ Self.momentFormat(of: $0)?.0 == format.0 })
        {
            self = .moment(format: format.0, isDay: format.1)
        } else {
            self = .text
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy { (48...57).contains($0) || [43, 45, 46, 69, 101].contains($0) }
            && Double(text) != nil
    }

    /// ISO 8601, slashes, dots, and 2024年3月5日, alone or with a time of day.
    private static func momentFormat(of text: String) -> (String, Bool)? {
        let skeleton = skeleton(of: text)
        for (day, format) in [
            ("0-0-0", "%Y-%m-%d"), ("0/0/0", "%Y/%m/%d"), ("0.0.0", "%Y.%m.%d"), ("0年0月0日", "%Y年%m月%d日"),
        ] where skeleton.hasPrefix(day) && text.prefix(4).utf8.allSatisfy({ (48...57).contains($0) }) {
            let rest = skeleton.dropFirst(day.count)
            if rest.isEmpty { return (format, true) }
            for (time, tail) in [
                (" 0:0:0", " %H:%M:%S"), ("T0:0:0", "T%H:%M:%S"), (" 0:0", " %H:%M"),
                ("T0:0:0Z", "T%H:%M:%SZ"),
                (" 0:0:0.0", " %H:%M:%S.%f"), (" 0时0分0秒", " %H时%M分%S秒"), ("0时", "%H时"),
            ] where rest == time {
                return (format + tail, false)
            }
        }
        return nil
    }

    /// The text with every run of digits written as one `0`.
    private static func skeleton(of text: String) -> String {
        var skeleton = ""
        for character in text {
            let written: Character = character.isASCII && character.isNumber ? "0" : character
            if written != "0" || skeleton.last != "0" { skeleton.append(written) }
        }
        return skeleton
    }

    var questionCount: Int { questions("").count }

    /// Aggregates over the raw text of the column.
    func questions(_ field: String) -> [String] {
        switch self {
        case .text: []
        case .bool: ["count(\(field))", "count(TRY_CAST(\(field) AS BOOLEAN))"]
        case .moment(let format, _):
            ["count(\(field))", "count(try_strptime(\(field), \(format.quotedLiteral)))"]
        case .number:
            [
                "count(\(field))", "count(*) FILTER (TRY_CAST(\(field) AS BIGINT)::VARCHAR = \(field))",
                "count(TRY_CAST(\(field) AS DOUBLE))",
                "count(*) FILTER (contains(lower(\(field)), 'e') OR \(field)[1] IN ('+', '.', ' '))",
                "count(*) FILTER (\(field)[1] = '0' AND length(\(field)) > 1 AND \(field)[2] <> '.')",
                "max(CASE WHEN contains(\(field), '.') THEN strpos(\(field), '.') - 1 ELSE length(\(field)) END)",
                "max(CASE WHEN contains(\(field), '.') THEN length(\(field)) - strpos(\(field), '.') ELSE 0 END)",
            ]
        }
    }

    /// Gives the column the narrowest type that every value fits.
    func decide(_ column: inout CSVColumn, from answers: ArraySlice<TableValue>) {
        let counts = answers.map { answer in
            if case .integer(let count) = answer { Int(clamping: count) } else { 0 }
        }
        guard let valueCount = counts.first, valueCount > 0 else { return }
        switch self {
        case .text: break
        case .bool: if counts[1] == valueCount { column.type = .bool }
        case .moment(let format, let isDay):
            guard counts[1] == valueCount else { return }
            column.type = isDay ? .day : .timestamp
            column.format = format
        case .number: column.type = Self.numberType(counts)
        }
    }

    private static func numberType(_ counts: [Int]) -> ColumnType {
        let (all, integers, doubles, exponents) = (counts[0], counts[1], counts[2], counts[3])
        let (codes, whole, scale) = (counts[4], counts[5], counts[6])
        if codes > 0 || doubles < all { return .text }
        if integers == all { return whole <= wholeDigitsMax ? .integer : .text }
        let isExact = exponents == 0 && scale <= scaleMax && whole + scale <= 38
        return isExact ? .decimal(width: max(whole + scale, 1), scale: scale) : .real
    }
}
