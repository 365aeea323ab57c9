// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §3 (types and ranges). Public: everything here (the question and the rules).

import Primitives
import Tables

/// An expression over rows that has been given its meaning: what to compute, its kind, and what is publicly known of
/// its values.
struct BoundValue: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case bool, text, day, timestamp
        case number(NumberForm)
        /// NULL without a type of its own.
        case null
    }

    var expression: RelationExpression
    var kind: Kind
    /// All values it can take, where the rules make them public; null must be in the list to be one of them.
    var values: [TableValue]?

    init(_ expression: RelationExpression, _ kind: Kind, values: [TableValue]? = nil) {
        self.expression = expression
        self.kind = kind
        self.values = values
    }

    static let null = BoundValue(.literal(.null), .null, values: [.null])

    /// A computed truth value: both, and unknown.
    static func truth(_ expression: RelationExpression) -> BoundValue {
        BoundValue(expression, .bool, values: [.bool(false), .bool(true), .null])
    }

    static func whole(_ expression: RelationExpression, _ range: ClosedRange<Int128>) -> BoundValue {
        BoundValue(expression, .number(.scaled(digits: 0, range)))
    }
}

/// How a number is held.
enum NumberForm: Hashable, Sendable {
    /// As the column has it; arithmetic needs its bounds.
    case column(ColumnType, bounds: ClosedRange<Int64>?, decimals: Int, name: String)
    case literal(ExactDecimal)
    /// An integer in units of 10^−digits within a range that was proved.
    case scaled(digits: Int, ClosedRange<Int128>)
}

/// A number as a 64-bit integer in units of 10^−`digits`, within `range`: what all arithmetic is done in.
struct ScaledNumber: Hashable, Sendable {
    var expression: RelationExpression
    var digits: Int
    var range: ClosedRange<Int128>

    /// Ranges beyond this are refused: two such numbers still add up within 64 bits.
    static let magnitudeMax: Int128 = 1 << 61
    static let digitsMax = 9

    func scaledUp(to digits: Int) -> ScaledNumber {
        guard digits > self.digits else { return self }
        let power = Self.power(digits - self.digits)
        return ScaledNumber(
            expression: .times(expression, .literal(.integer(power))), digits: digits,
            range: range.lowerBound * power...range.upperBound * power)
    }

    /// The greatest distance of a value from zero.
    var magnitude: Int128 { Swift.max(abs(range.lowerBound), abs(range.upperBound)) }

    var bound: BoundValue { BoundValue(expression, .number(.scaled(digits: digits, range))) }

    static func power(_ digits: Int) -> Int128 { (0..<digits).reduce(1) { power, _ in power * 10 } }
}
