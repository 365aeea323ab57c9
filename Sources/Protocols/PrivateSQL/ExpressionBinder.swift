// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §3: the allow-list of expressions over rows. Public: everything here.

import Primitives
import Tables

/// Gives expressions over rows their meaning: names to columns whose rules permit the use, operators to the
/// algebra's total ones, numbers to integers whose range is proved.
struct ExpressionBinder: Sendable {
    let scope: RowScope
    /// What the expression is for; each column in it must permit that.
    let use: ColumnRules.Use

    func bind(_ expression: SyntaxExpression) throws(QuestionRefusal) -> BoundValue {
        switch expression.form {
        case .column(let path): return try column(path, at: expression.place)
        case .null: return .null
        case .bool(let value): return BoundValue(.literal(.bool(value)), .bool, values: [.bool(value)])
        case .integer(let value):
            let literal = ExactDecimal(unscaled: Int128(value), scale: 0)
            return BoundValue(
                .literal(.integer(Int128(value))),
                .number(.literal(literal)),
                values: [.integer(Int128(value))]
            )
        case .decimal(let value): return BoundValue(.literal(.decimal(value)), .number(.literal(value)))
        case .text(let value): return BoundValue(.literal(.text(value)), .text, values: [.text(value)])
        case .compare(let comparison, let left, let right):
            return try compare(comparison, left, right)
        case .and(let parts): return .truth(.and(try conditions(parts)))
        case .or(let parts): return .truth(.or(try conditions(parts)))
        case .not(let part): return .truth(.not(try condition(part)))
        case .isNull(let part):
            return BoundValue(.isNull(try bind(part).expression), .bool, values: [.bool(false), .bool(true)])
        case .isIn(let value, let list): return try isIn(value, list)
        case .branches(let branches, let otherwise):
            return try self.branches(branches, otherwise, at: expression.place)
        case .cast(let value, let type): return try cast(value, to: type, at: expression.place)
        case .call(let name, let arguments, let isDistinct, let filter):
            guard !Aggregates.names.contains(name) else {
                throw QuestionRefusal(.aggregateMisplaced, at: expression.place, ["function": .text(name)])
            }
            guard !isDistinct, filter == nil else { throw unlisted(name, at: expression.place) }
            return try call(name, arguments, at: expression.place)
        case .star: throw QuestionRefusal(.rowsRequested, at: expression.place)
        case .parameter(let name): throw QuestionRefusal.unfilled(name, at: expression.place)
        }
    }

    /// The expression as a condition.
    func condition(_ expression: SyntaxExpression) throws(QuestionRefusal) -> RelationExpression {
        let value = try bind(expression)
        guard value.kind == .bool || value.kind == .null else {
            throw mismatch("true or false", at: expression.place)
        }
        return value.expression
    }

    private func conditions(_ parts: [SyntaxExpression]) throws(QuestionRefusal) -> [RelationExpression] {
        var conditions: [RelationExpression] = []
        for part in parts { conditions.append(try condition(part)) }
        return conditions
    }

    /// The expression as a number in whole units.
    func number(_ expression: SyntaxExpression) throws(QuestionRefusal) -> ScaledNumber {
        try scaled(try bind(expression), at: expression.place)
    }

    func mismatch(_ wanted: String, at place: SyntaxPlace?) -> QuestionRefusal {
        QuestionRefusal(.typeMismatched, at: place, ["wanted": .text(wanted)])
    }

    func unlisted(_ name: String, at place: SyntaxPlace?) -> QuestionRefusal {
        QuestionRefusal(
            .functionUnlisted,
            at: place,
            ["function": .text(name), "known": .list(RowFunctions.names)]
        )
    }

    // MARK: Columns

    private func column(_ path: [String], at place: SyntaxPlace?) throws(QuestionRefusal) -> BoundValue {
        switch try scope.entry(path, at: place).meaning {
        case .expression(let expression, let inner):
            return try ExpressionBinder(scope: inner, use: use).bind(expression)
        case .column(let column):
            guard column.rules.uses.contains(use) else {
                throw QuestionRefusal(.useRefused, at: place, Self.useArguments(column, use))
            }
            let value = Self.value(of: column)
            guard let mask = column.rules.mask else { return value }
            guard let masked = mask.masked(value) else {
                throw QuestionRefusal(
                    .schemaMismatched, at: place,
                    ["table": .text(column.table), "column": .text(column.name)])
            }
            return masked
        }
    }

    static func useArguments(_ column: RowScope.BaseColumn, _ use: ColumnRules.Use) -> [String: Problem
        .Argument]
    {
        let uses = column.rules.uses.map(\.rawValue).sorted()
        return [
            "column": .text(column.name), "use": .text(use.rawValue),
            "allowed": uses.isEmpty ? .localized(LocalizedText(zh: "无", en: "nothing")) : .list(uses),
        ]
    }

    static func value(of column: RowScope.BaseColumn) -> BoundValue {
        let kind: BoundValue.Kind =
            switch column.type {
            case .bool: .bool
            case .day: .day
            case .timestamp: .timestamp
            case .integer, .decimal, .real:
                .number(
                    .column(
                        column.type,
                        bounds: column.rules.bounds,
                        decimals: column.rules.decimals,
                        name: column.name
                    )
                )
            case .text, .bytes, .time: .text
            }
        return BoundValue(.column(column.physical), kind, values: column.rules.values)
    }

    // MARK: Conditions

    private func compare(
        _ comparison: SyntaxExpression.Comparison,
        _ left: SyntaxExpression,
        _ right: SyntaxExpression
    ) throws(QuestionRefusal) -> BoundValue {
        guard let kind = RelationExpression.Comparison(rawValue: comparison.rawValue) else {
            throw mismatch(comparison.rawValue, at: left.place)
        }
        let (first, second) = try alike(left, right)
        return .truth(.compare(kind, first, second))
    }

    /// Both sides in one kind: numbers as the columns have them where no arithmetic is done, else in one
    /// scale.
    private func alike(
        _ left: SyntaxExpression,
        _ right: SyntaxExpression
    ) throws(QuestionRefusal) -> (RelationExpression, RelationExpression) {
        let first = try bind(left)
        let second = try bind(right)
        switch (first.kind, second.kind) {
        case (.number(.scaled), .number), (.number, .number(.scaled)):
            var one = try scaled(first, at: left.place)
            var other = try scaled(second, at: right.place)
            let digits = max(one.digits, other.digits)
            one = try checked(one.scaledUp(to: digits), at: left.place)
            other = try checked(other.scaledUp(to: digits), at: right.place)
            return (one.expression, other.expression)
        case (.number, .number), (.bool, .bool), (.text, .text), (.null, _), (_, .null):
            return (first.expression, second.expression)
        case (.day, .day), (.timestamp, .timestamp), (.day, .timestamp), (.timestamp, .day):
            return (first.expression, second.expression)
        case (.day, .text), (.timestamp, .text):
            return (first.expression, .literal(try Self.day(right, self)))
        case (.text, .day), (.text, .timestamp):
            return (.literal(try Self.day(left, self)), second.expression)
        default:
            throw mismatch("two values of one type", at: right.place ?? left.place)
        }
    }

    private static func day(
        _ expression: SyntaxExpression,
        _ binder: ExpressionBinder
    ) throws(QuestionRefusal) -> TableValue {
        guard case .text(let text) = expression.form, let day = CalendarDay(text) else {
            throw binder.mismatch("YYYY-MM-DD", at: expression.place)
        }
        return .day(Int32(day.daysSince1970))
    }

    private func isIn(
        _ value: SyntaxExpression,
        _ list: [SyntaxExpression]
    ) throws(QuestionRefusal) -> BoundValue {
        var equalities: [RelationExpression] = []
        for element in list {
            guard element.isLiteral else { throw mismatch("a list of literals", at: element.place) }
            let (one, other) = try alike(value, element)
            equalities.append(.compare(.equal, one, other))
        }
        let literals = equalities.compactMap { equality -> TableValue? in
            if case .compare(_, _, .literal(let literal)) = equality { literal } else { nil }
        }
        // One IN where the list is plain; engines hash long lists.
        guard literals.count == list.count, case .compare(_, let subject, _)? = equalities.first else {
            return .truth(.or(equalities))
        }
        return .truth(.isIn(subject, literals))
    }
}

extension SyntaxExpression {
    var isLiteral: Bool {
        switch form {
        case .null, .bool, .integer, .decimal, .text: true
        case .cast(let inner, _): inner.isLiteral
        default: false
        }
    }
}
