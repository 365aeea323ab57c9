// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §3: arithmetic on integers in units of 10^−digits. The range of every intermediate
// value is proved from the rules' bounds, so no row can overflow; division by zero gives null. Public: everything here.

import Primitives
import Tables

extension ScaledNumber {
    static let zero = ScaledNumber(expression: .literal(.integer(0)), digits: 0, range: 0...0)
}

extension ExpressionBinder {
    /// The value in whole units; a column needs bounds for it, and its values are taken to the nearer bound.
    func scaled(_ value: BoundValue, at place: SyntaxPlace?) throws(QuestionRefusal) -> ScaledNumber {
        guard case .number(let form) = value.kind else { throw mismatch("a number", at: place) }
        switch form {
        case .scaled(let digits, let range):
            return ScaledNumber(expression: value.expression, digits: digits, range: range)
        case .literal(let decimal):
            let number = ScaledNumber(
                expression: .literal(.integer(decimal.unscaled)), digits: decimal.scale,
                range: decimal.unscaled...decimal.unscaled)
            return try checked(number, at: place)
        case .column(_, let bounds, let decimals, let name):
            guard let bounds else { throw QuestionRefusal(.boundsMissing, at: place, ["column": .text(name)]) }
            return ScaledNumber(
                expression: .scaled(value.expression, digits: decimals, low: bounds.lowerBound, high: bounds.upperBound),
                digits: decimals, range: Int128(bounds.lowerBound)...Int128(bounds.upperBound))
        }
    }

    func checked(_ number: ScaledNumber, at place: SyntaxPlace?) throws(QuestionRefusal) -> ScaledNumber {
        guard number.magnitude <= ScaledNumber.magnitudeMax, number.digits <= ScaledNumber.digitsMax else {
            throw QuestionRefusal(.rangeTooWide, at: place)
        }
        return number
    }

    private func aligned(
        _ left: ScaledNumber, _ right: ScaledNumber, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> (ScaledNumber, ScaledNumber) {
        let digits = max(left.digits, right.digits)
        return (
            try checked(left.scaledUp(to: digits), at: place), try checked(right.scaledUp(to: digits), at: place)
        )
    }

    func sum(
        _ left: ScaledNumber, _ right: ScaledNumber, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> ScaledNumber {
        let (left, right) = try aligned(left, right, at: place)
        return try checked(
            ScaledNumber(
                expression: .plus(left.expression, right.expression), digits: left.digits,
                range: left.range.lowerBound + right.range.lowerBound...left.range.upperBound + right.range.upperBound),
            at: place)
    }

    func difference(
        _ left: ScaledNumber, _ right: ScaledNumber, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> ScaledNumber {
        let (left, right) = try aligned(left, right, at: place)
        return try checked(
            ScaledNumber(
                expression: .minus(left.expression, right.expression), digits: left.digits,
                range: left.range.lowerBound - right.range.upperBound...left.range.upperBound - right.range.lowerBound),
            at: place)
    }

    func product(
        _ left: ScaledNumber, _ right: ScaledNumber, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> ScaledNumber {
        let corners = [
            left.range.lowerBound * right.range.lowerBound, left.range.lowerBound * right.range.upperBound,
            left.range.upperBound * right.range.lowerBound, left.range.upperBound * right.range.upperBound,
        ]
        return try checked(
            ScaledNumber(
                expression: .times(left.expression, right.expression), digits: left.digits + right.digits,
                range: (corners.min() ?? 0)...(corners.max() ?? 0)),
            at: place)
    }

    /// Digits that a quotient keeps after the point.
    private static let quotientDigits = 4

    func quotient(
        _ left: ScaledNumber, _ right: ScaledNumber, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> ScaledNumber {
        let dividend = try checked(left.scaledUp(to: right.digits + Self.quotientDigits), at: place)
        // The least divisor that is not zero is one unit.
        let divisorMin = right.range.lowerBound > 0 ? right.range.lowerBound : 1
        let bound = dividend.magnitude / divisorMin + 1
        return try checked(
            ScaledNumber(
                expression: .quotient(dividend.expression, right.expression),
                digits: dividend.digits - right.digits, range: -bound...bound),
            at: place)
    }

    /// `a // b` with a positive literal b: floor, as SQL engines disagree about negative numbers.
    func wholeQuotient(
        _ left: SyntaxExpression, _ right: SyntaxExpression, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        let dividend = try floor(try number(left))
        let divisor = try number(right)
        guard divisor.range.lowerBound == divisor.range.upperBound, divisor.digits == 0, divisor.range.lowerBound > 0
        else { throw mismatch("a positive whole number to divide by", at: right.place) }
        return floorDivided(dividend, by: divisor.range.lowerBound).bound
    }

    func remainder(
        _ left: SyntaxExpression, _ right: SyntaxExpression, at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> BoundValue {
        let dividend = try floor(try number(left))
        let divisor = try number(right)
        guard divisor.range.lowerBound == divisor.range.upperBound, divisor.digits == 0, divisor.range.lowerBound > 0
        else { throw mismatch("a positive whole number to divide by", at: right.place) }
        let quotient = floorDivided(dividend, by: divisor.range.lowerBound)
        let rest = try difference(dividend, try product(quotient, divisor, at: place), at: place)
        return ScaledNumber(expression: rest.expression, digits: 0, range: 0...divisor.range.lowerBound - 1).bound
    }

    func floor(_ number: ScaledNumber) throws(QuestionRefusal) -> ScaledNumber {
        guard number.digits > 0 else { return number }
        var floored = floorDivided(number, by: ScaledNumber.power(number.digits))
        floored.digits = 0
        return floored
    }

    func rounded(_ number: ScaledNumber, at place: SyntaxPlace?) throws(QuestionRefusal) -> ScaledNumber {
        guard number.digits > 0 else { return number }
        let half = ScaledNumber.power(number.digits) / 2
        let literal = ScaledNumber(expression: .literal(.integer(half)), digits: number.digits, range: half...half)
        return try floor(try sum(number, literal, at: place))
    }

    func magnitude(_ number: ScaledNumber, at place: SyntaxPlace?) throws(QuestionRefusal) -> ScaledNumber {
        let negative = try difference(.zero, number, at: place)
        let isNegative = RelationExpression.compare(.less, number.expression, .literal(.integer(0)))
        return ScaledNumber(
            expression: .branches([.init(isNegative, negative.expression)], otherwise: number.expression),
            digits: number.digits, range: 0...number.magnitude)
    }

    /// Shifted to be nonnegative first, because quotients are rounded toward zero. Keeps the digits as they are.
    private func floorDivided(_ number: ScaledNumber, by divisor: Int128) -> ScaledNumber {
        let low = number.range.lowerBound
        let lift = low >= 0 ? 0 : (-low + divisor - 1) / divisor
        let lifted: RelationExpression =
            lift == 0 ? number.expression : .plus(number.expression, .literal(.integer(lift * divisor)))
        let quotient = RelationExpression.quotient(lifted, .literal(.integer(divisor)))
        let first = (low + lift * divisor) / divisor - lift
        let last = (number.range.upperBound + lift * divisor) / divisor - lift
        return ScaledNumber(
            expression: lift == 0 ? quotient : .minus(quotient, .literal(.integer(lift))), digits: number.digits,
            range: first...last)
    }
}
