// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §3: functions of one row and integer arithmetic with proved ranges. Every function
// here is total: for every row it gives a value or null, and never an error. Public: everything here.

import Primitives
import Tables

/// What a question may call on a row.
enum RowFunctions {
    static let names = [
        "%", "*", "+", "-", "/", "//", "abs", "coalesce", "date_part", "date_trunc", "day", "floor", "greatest",
        "hour", "if", "isodow", "least", "left", "like", "lower", "month", "nullif", "quarter", "round", "substring",
        "week", "year",
    ]
}

extension ExpressionBinder {
    /// A switch over all functions, one line each.
    func call(
        _ name: String, _ arguments: [SyntaxExpression], at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        switch (name, arguments.count) {
        case ("+", 1): return try bind(arguments[0])
        case ("-", 1): return try difference(.zero, try number(arguments[0]), at: place).bound
        case ("+", 2): return try sum(try number(arguments[0]), try number(arguments[1]), at: place).bound
        case ("-", 2): return try difference(try number(arguments[0]), try number(arguments[1]), at: place).bound
        case ("*", 2): return try product(try number(arguments[0]), try number(arguments[1]), at: place).bound
        case ("/", 2): return try quotient(try number(arguments[0]), try number(arguments[1]), at: place).bound
        case ("//", 2): return try wholeQuotient(arguments[0], arguments[1], at: place)
        case ("%", 2), ("mod", 2): return try remainder(arguments[0], arguments[1], at: place)
        case ("floor", 1): return try floor(try number(arguments[0])).bound
        case ("round", 1): return try rounded(try number(arguments[0]), at: place).bound
        case ("abs", 1): return try magnitude(try number(arguments[0]), at: place).bound
        case ("least", 2): return try chosen(arguments, .less, at: place)
        case ("greatest", 2): return try chosen(arguments, .greater, at: place)
        case ("coalesce", 1...): return try coalesce(arguments, at: place)
        case ("nullif", 2):
            let equal = SyntaxExpression(.compare(.equal, arguments[0], arguments[1]), at: place)
            return try branches([.init(condition: equal, value: .init(.null))], arguments[0], at: place)
        case ("if", 3):
            return try branches([.init(condition: arguments[0], value: arguments[1])], arguments[2], at: place)
        case ("~~", 2): return .truth(.isLike(try text(arguments[0]), try pattern(arguments[1])))
        case ("!~~", 2): return .truth(.not(.isLike(try text(arguments[0]), try pattern(arguments[1]))))
        case ("lower", 1): return BoundValue(.lowercased(try text(arguments[0])), .text)
        case ("left", 2), ("substring", 3), ("substr", 3): return try prefix(name, arguments, at: place)
        case ("date_trunc", 2): return try beginning(try unit(arguments[0]), arguments[1], at: place)
        case ("date_part", 2): return try part(try unit(arguments[0]), arguments[1], at: place)
        case ("year", 1), ("quarter", 1), ("month", 1), ("week", 1), ("day", 1), ("hour", 1):
            return try part(RelationExpression.CalendarUnit(rawValue: name) ?? .day, arguments[0], at: place)
        case ("dayofmonth", 1): return try part(.day, arguments[0], at: place)
        case ("isodow", 1): return try part(.weekday, arguments[0], at: place)
        default: throw unlisted(name, at: place)
        }
    }

    // MARK: Texts and dates

    private func text(_ expression: SyntaxExpression) throws(QuestionRefusal) -> RelationExpression {
        let value = try bind(expression)
        guard value.kind == .text else { throw mismatch("text", at: expression.place) }
        return value.expression
    }

    private func pattern(_ expression: SyntaxExpression) throws(QuestionRefusal) -> String {
        guard case .text(let pattern) = expression.form, pattern.utf8.count <= 100, !pattern.contains("\\") else {
            throw mismatch("a pattern of at most 100 characters", at: expression.place)
        }
        return pattern
    }

    private func prefix(
        _ name: String, _ arguments: [SyntaxExpression], at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        guard case .integer(let count)? = arguments.last?.form, (1...100).contains(count) else {
            throw mismatch("a length from 1 to 100", at: place)
        }
        if arguments.count == 3 {
            guard arguments[1].form == .integer(1) else { throw mismatch("a text from its first character", at: place) }
        }
        let value = try bind(arguments[0])
        guard value.kind == .text else { throw mismatch("text", at: place) }
        let values = value.values.map { values in
            values.map { if case .text(let text) = $0 { TableValue.text(String(text.prefix(Int(count)))) } else { $0 } }
        }
        return BoundValue(.prefix(value.expression, Int(count)), .text, values: values?.unique)
    }

    private func unit(_ expression: SyntaxExpression) throws(QuestionRefusal) -> RelationExpression.CalendarUnit {
        let words = ["isodow": RelationExpression.CalendarUnit.weekday, "dayofmonth": .day]
        guard case .text(let text) = expression.form,
            let unit = words[text.lowercased()] ?? RelationExpression.CalendarUnit(rawValue: text.lowercased())
        else { throw mismatch("year, quarter, month, week, day, hour or isodow", at: expression.place) }
        return unit
    }

    private func date(_ expression: SyntaxExpression) throws(QuestionRefusal) -> BoundValue {
        let value = try bind(expression)
        guard value.kind == .day || value.kind == .timestamp else { throw mismatch("a date", at: expression.place) }
        return value
    }

    private func beginning(
        _ unit: RelationExpression.CalendarUnit, _ expression: SyntaxExpression, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        let date = try date(expression)
        guard unit != .hour, unit != .weekday else { throw mismatch("year, quarter, month, week or day", at: place) }
        let values = date.values?.map { unit.beginning(of: $0) }.unique
        return BoundValue(.beginning(unit, date.expression), .day, values: values)
    }

    private func part(
        _ unit: RelationExpression.CalendarUnit, _ expression: SyntaxExpression, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        let date = try date(expression)
        guard unit != .hour || date.kind == .timestamp else { throw mismatch("a time of day", at: place) }
        var part = BoundValue.whole(.part(unit, date.expression), unit.range)
        part.values = date.values?.map { unit.part(of: $0) }.unique ?? unit.partValues
        return part
    }

    func cast(
        _ expression: SyntaxExpression, to type: String, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        if case .text(let text) = expression.form, type == "date" {
            guard let day = CalendarDay(text) else { throw mismatch("YYYY-MM-DD", at: expression.place) }
            let value = TableValue.day(Int32(day.daysSince1970))
            return BoundValue(.literal(value), .day, values: [value])
        }
        let value = try bind(expression)
        switch (value.kind, type) {
        case (.day, "date"), (.text, "varchar"), (.text, "text"), (.bool, "boolean"): return value
        case (.timestamp, "date"): return try beginning(.day, expression, at: place)
        case (.bool, "integer"), (.bool, "bigint"):
            let one = SyntaxExpression(.integer(1)), zero = SyntaxExpression(.integer(0))
            let negation = SyntaxExpression(.not(expression), at: place)
            return try branches(
                [.init(condition: expression, value: one), .init(condition: negation, value: zero)], .init(.null), at: place)
        case (.number, "integer"), (.number, "bigint"):
            return try rounded(try scaled(value, at: place), at: place).bound
        case (.number, "double"), (.number, "decimal"), (.number, "numeric"): return value
        default: throw mismatch("a value that can be read as \(type)", at: place)
        }
    }

    // MARK: Choices

    func branches(
        _ branches: [SyntaxExpression.Branch], _ otherwise: SyntaxExpression, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        var conditions: [RelationExpression] = []
        var values: [BoundValue] = []
        for branch in branches {
            conditions.append(try condition(branch.condition))
            values.append(try bind(branch.value))
        }
        values.append(try bind(otherwise))
        return try chosen(conditions, values, at: place)
    }

    /// One of several values: of one kind, numbers in one scale, public values together.
    private func chosen(
        _ conditions: [RelationExpression], _ values: [BoundValue], at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        var values = values
        let kinds = Set(values.map(\.kind.family)).subtracting([.null])
        guard kinds.count <= 1 else { throw mismatch("branches of one type", at: place) }
        var kind = values.first { $0.kind != .null }?.kind ?? .null
        let publicValues = values.allSatisfy { $0.values != nil } ? values.flatMap { $0.values ?? [] }.unique : nil
        if kinds == [.number] {
            var aligned: [ScaledNumber] = []
            for value in values where value.kind != .null { aligned.append(try scaled(value, at: place)) }
            let digits = aligned.map(\.digits).max() ?? 0
            for place in aligned.indices { aligned[place] = aligned[place].scaledUp(to: digits) }
            for number in aligned { _ = try checked(number, at: place) }
            let low = aligned.map(\.range.lowerBound).min() ?? 0
            let high = aligned.map(\.range.upperBound).max() ?? 0
            kind = .number(.scaled(digits: digits, low...high))
            var rest = aligned[...]
            values = values.map { $0.kind == .null ? $0 : (rest.popFirst()?.bound ?? $0) }
        }
        let branches = zip(conditions, values).map { RelationExpression.Branch($0, $1.expression) }
        let otherwise = values.last?.expression ?? .literal(.null)
        return BoundValue(.branches(branches, otherwise: otherwise), kind, values: publicValues)
    }

    private func coalesce(
        _ arguments: [SyntaxExpression], at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        let branches = arguments.dropLast().map {
            SyntaxExpression.Branch(
                condition: SyntaxExpression(.not(SyntaxExpression(.isNull($0), at: $0.place)), at: $0.place), value: $0)
        }
        return try self.branches(Array(branches), arguments[arguments.count - 1], at: place)
    }

    /// LEAST and GREATEST of two; null if either is null.
    private func chosen(
        _ arguments: [SyntaxExpression], _ comparison: SyntaxExpression.Comparison, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        let isNull = SyntaxExpression(.or(arguments.map { SyntaxExpression(.isNull($0), at: $0.place) }), at: place)
        let isFirst = SyntaxExpression(.compare(comparison, arguments[0], arguments[1]), at: place)
        return try branches(
            [.init(condition: isNull, value: .init(.null)), .init(condition: isFirst, value: arguments[0])],
            arguments[1], at: place)
    }
}

extension BoundValue.Kind {
    enum Family: Hashable { case bool, text, day, timestamp, number, null }

    var family: Family {
        switch self {
        case .bool: .bool
        case .text: .text
        case .day: .day
        case .timestamp: .timestamp
        case .number: .number
        case .null: .null
        }
    }
}

extension [TableValue] {
    /// Each value once, in the order of first appearance.
    var unique: [TableValue] {
        var seen: Set<TableValue> = []
        return filter { seen.insert($0).inserted }
    }
}

extension RelationExpression.CalendarUnit {
    var range: ClosedRange<Int128> {
        switch self {
        case .year: -9999...9999
        case .quarter: 1...4
        case .month: 1...12
        case .week: 1...53
        case .day: 1...31
        case .hour: 0...23
        case .weekday: 1...7
        }
    }

    /// All values of the part, where they are few.
    var partValues: [TableValue]? {
        self == .year ? nil : range.lowerBound <= 1 ? Array(range.lowerBound...range.upperBound).map { .integer($0) } : nil
    }

    /// The part of a public day; null stays null.
    func part(of value: TableValue) -> TableValue {
        guard case .day(let number) = value else { return .null }
        let day = CalendarDay(daysSince1970: Int(number))
        return switch self {
        case .year: .integer(Int128(day.year))
        case .quarter: .integer(Int128((day.month + 2) / 3))
        case .month: .integer(Int128(day.month))
        case .day: .integer(Int128(day.day))
        case .hour: .integer(0)
        case .weekday: .integer(Int128(Self.weekday(Int(number))))
        case .week: .integer(Int128(Self.week(Int(number))))
        }
    }

    /// The first day of the period in which a public day lies.
    func beginning(of value: TableValue) -> TableValue {
        guard case .day(let number) = value else { return .null }
        let day = CalendarDay(daysSince1970: Int(number))
        let first: CalendarDay? =
            switch self {
            case .year: CalendarDay(year: day.year, month: 1, day: 1)
            case .quarter: CalendarDay(year: day.year, month: (day.month - 1) / 3 * 3 + 1, day: 1)
            case .month: CalendarDay(year: day.year, month: day.month, day: 1)
            case .week: CalendarDay(daysSince1970: Int(number) - Self.weekday(Int(number)) + 1)
            case .day, .hour, .weekday: day
            }
        return first.map { .day(Int32($0.daysSince1970)) } ?? value
    }

    /// 1 for Monday; 1970-01-01 was a Thursday.
    private static func weekday(_ days: Int) -> Int { ((days + 3) % 7 + 7) % 7 + 1 }

    /// ISO 8601: the week with the year's first Thursday is the first.
    private static func week(_ days: Int) -> Int {
        let thursday = days - weekday(days) + 4
        let year = CalendarDay(daysSince1970: thursday).year
        let newYear = CalendarDay(year: year, month: 1, day: 1)?.daysSince1970 ?? thursday
        return (thursday - newYear) / 7 + 1
    }
}
