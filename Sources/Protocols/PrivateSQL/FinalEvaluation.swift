// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §6. Public: released values.

import Primitives
import Tables

/// What may be called on released values.
enum FinalFunctions {
    static let names: Set<String> = [
        "+", "-", "*", "/", "//", "%", "abs", "ceil", "coalesce", "date_part", "date_trunc", "floor",
        "greatest", "if",
        "least", "month", "nullif", "quarter", "round", "sqrt", "year", "day", "week",
    ]
}

/// Evaluates one expression over one released row; one part may be moved to another value.
struct FinalEvaluation {
    let row: FinalRow
    let moved: (part: SyntaxExpression, value: TableValue)?

    func value(_ expression: SyntaxExpression) -> TableValue {
        if let moved, expression == moved.part { return moved.value }
        switch expression.form {
        case .column, .star: return row.cell(expression).value
        case .null, .parameter: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(Int128(value))
        case .decimal(let value): return .decimal(value)
        case .text(let value): return .text(value)
        case .compare(let comparison, let left, let right):
            return compare(comparison, value(left), value(right))
        case .and(let parts): return logical(parts, decisive: false)
        case .or(let parts): return logical(parts, decisive: true)
        case .not(let part):
            guard case .bool(let flag) = value(part) else { return .null }
            return .bool(!flag)
        case .isNull(let part): return .bool(value(part) == .null)
        case .isIn(let subject, let list):
            return logical(list.map { SyntaxExpression(.compare(.equal, subject, $0)) }, decisive: true)
        case .branches(let branches, let otherwise):
            let chosen = branches.first { value($0.condition) == .bool(true) }?.value
            return value(chosen ?? otherwise)
        case .cast(let inner, let type): return cast(value(inner), to: type)
        case .call(let name, let arguments, _, _):
            guard !Aggregates.names.contains(name) else { return row.cell(expression).value }
            return call(name, arguments)
        }
    }

    /// AND and OR of three truth values: one decisive part decides.
    private func logical(_ parts: [SyntaxExpression], decisive: Bool) -> TableValue {
        let values = parts.map(value)
        if values.contains(.bool(decisive)) { return .bool(decisive) }
        return values.contains(.null) ? .null : .bool(!decisive)
    }

    private func compare(
        _ comparison: SyntaxExpression.Comparison,
        _ left: TableValue,
        _ right: TableValue
    ) -> TableValue {
        guard left != .null, right != .null else { return .null }
        let (one, two) = Self.alike(left, right)
        let isLess = one.precedes(two)
        let isGreater = two.precedes(one)
        return switch comparison {
        case .equal: .bool(!isLess && !isGreater)
        case .unequal: .bool(isLess || isGreater)
        case .less: .bool(isLess)
        case .lessOrEqual: .bool(!isGreater)
        case .greater: .bool(isGreater)
        case .greaterOrEqual: .bool(!isLess)
        }
    }

    /// A text beside a day is read as a day.
    private static func alike(_ left: TableValue, _ right: TableValue) -> (TableValue, TableValue) {
        switch (left, right) {
        case (.day, .text(let text)): (left, CalendarDay(text).map { .day(Int32($0.daysSince1970)) } ?? right)
        case (.text(let text), .day): (CalendarDay(text).map { .day(Int32($0.daysSince1970)) } ?? left, right)
        default: (left, right)
        }
    }

    private func cast(_ value: TableValue, to type: String) -> TableValue {
        switch type {
        case "integer", "bigint":
            value.approximate.flatMap { Int64(exactly: $0.rounded()) }.map { .integer(Int128($0)) } ?? .null
        case "double", "decimal", "numeric", "float": value.approximate.map { .real($0) } ?? .null
        case "varchar", "text": value.written.map { .text($0) } ?? .null
        case "date":
            if case .text(let text) = value {
                CalendarDay(text).map { .day(Int32($0.daysSince1970)) } ?? .null
            } else {
                value
            }
        default: .null
        }
    }

    // MARK: Functions

    private func call(_ name: String, _ arguments: [SyntaxExpression]) -> TableValue {
        switch name {
        case "coalesce": return arguments.lazy.map(value).first { $0 != .null } ?? .null
        case "if" where arguments.count == 3:
            return value(value(arguments[0]) == .bool(true) ? arguments[1] : arguments[2])
        case "date_part" where arguments.count == 2:
            return calendar(arguments[0], arguments[1]) { $0.part(of: $1) }
        case "date_trunc" where arguments.count == 2:
            return calendar(arguments[0], arguments[1]) { $0.beginning(of: $1) }
        case "year", "quarter", "month", "week", "day":
            return RelationExpression.CalendarUnit(rawValue: name)?.part(
                of: arguments.first.map(value) ?? .null
            ) ?? .null
        default: return arithmetic(name, arguments.map(value))
        }
    }

    private func calendar(
        _ unit: SyntaxExpression,
        _ day: SyntaxExpression,
        _ apply: (RelationExpression.CalendarUnit, TableValue) -> TableValue
    ) -> TableValue {
        guard case .text(let word) = unit.form,
            let unit = RelationExpression.CalendarUnit(rawValue: word.lowercased())
        else { return .null }
        return apply(unit, value(day))
    }

    private func arithmetic(_ name: String, _ values: [TableValue]) -> TableValue {
        guard !values.contains(.null) else { return .null }
        if let whole = Self.whole(name, values) { return whole }
        let numbers = values.compactMap(\.approximate)
        guard numbers.count == values.count, let first = numbers.first else { return .null }
        let second = numbers.count > 1 ? numbers[1] : 0
        switch (name, numbers.count) {
        case ("+", 1): return values[0]
        case ("-", 1): return .real(-first)
        case ("+", 2): return .real(first + second)
        case ("-", 2): return .real(first - second)
        case ("*", 2): return .real(first * second)
        case ("/", 2): return second == 0 ? .null : .real(first / second)
        case ("//", 2): return second == 0 ? .null : .real((first / second).rounded(.down))
        case ("%", 2): return second == 0 ? .null : .real(first.truncatingRemainder(dividingBy: second))
        case ("abs", 1): return .real(first.magnitude)
        case ("sqrt", 1): return first < 0 ? .null : .real(first.squareRoot())
        case ("floor", 1): return .real(first.rounded(.down))
        case ("ceil", 1): return .real(first.rounded(.up))
        case ("round", 1): return .real(first.rounded())
        case ("round", 2):
            guard (0...9).contains(second) else { return .null }
            let power = Double(ScaledNumber.power(Int(second)))
            return .real((first * power).rounded() / power)
        case ("least", 2): return first < second ? values[0] : values[1]
        case ("greatest", 2): return first > second ? values[0] : values[1]
        case ("nullif", 2): return first == second ? .null : values[0]
        default: return .null
        }
    }

    /// Whole numbers stay whole where the operator keeps them so.
    private static func whole(_ name: String, _ values: [TableValue]) -> TableValue? {
        guard values.count == 2, case .integer(let one) = values[0], case .integer(let two) = values[1] else {
            return nil
        }
        let (result, overflow) =
            switch name {
            case "+": one.addingReportingOverflow(two)
            case "-": one.subtractingReportingOverflow(two)
            case "*": one.multipliedReportingOverflow(by: two)
            default: (Int128(0), true)
            }
        return overflow ? nil : .integer(result)
    }
}
