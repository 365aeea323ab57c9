// SPDX-License-Identifier: Apache-2.0

/// What an engine is asked to compute: an algebra of our own, the same for every engine.
///
/// A plan is checked as this value and only then rendered in an engine's words (`RelationDialect`). Each
/// operator and function has one meaning, stated here, which every dialect must give; none can fail on any
/// row: there is no cast that throws, no division by zero and, given the ranges its maker proved, no
/// overflow. An engine's error therefore tells nothing about a row.
package indirect enum Relation: Hashable, Sendable {
    /// All rows of a table by its attached name.
    case table(String)
    /// One column an expression, under new names.
    case project(Relation, [NamedExpression])
    /// The rows for which the condition is true (not false, not unknown).
    case filter(Relation, RelationExpression)
    /// Pairs of rows whose keys are equal and not null. Both sides' column names differ.
    case join(JoinKind, Relation, Relation, on: [JoinKey])
    /// One row for each combination of the key columns (null is a value of its own); without keys always one
    /// row.
    case aggregate(Relation, keys: [String], [NamedAggregate])
    /// The first `count` rows of each partition in the order of the expressions.
    case first(Int, of: Relation, partition: [String], order: [RelationExpression])
    /// The rows whose column is among the values of the other relation's only column; `isIn` false: is not. Neither
    /// side has nulls there.
    case members(Relation, column: String, isIn: Bool, of: Relation)
    /// All rows of both, which have the same columns.
    case union(Relation, Relation)
    /// A relation that is computed once and named inside another.
    case sharing(String, Relation, in: Relation)
    case shared(String)

    package enum JoinKind: String, Hashable, Sendable {
        case inner
        case left
    }

    package struct JoinKey: Hashable, Sendable {
        package let left: String
        package let right: String

        package init(_ left: String, _ right: String) {
            self.left = left
            self.right = right
        }
    }

    package struct NamedExpression: Hashable, Sendable {
        package let name: String
        package let expression: RelationExpression

        package init(_ name: String, _ expression: RelationExpression) {
            self.name = name
            self.expression = expression
        }
    }

    package struct NamedAggregate: Hashable, Sendable {
        package let name: String
        package let aggregate: RelationAggregate

        package init(_ name: String, _ aggregate: RelationAggregate) {
            self.name = name
            self.aggregate = aggregate
        }
    }
}

/// Exact aggregates: integers in, a 64-bit integer out (nulls are passed over).
package enum RelationAggregate: Hashable, Sendable {
    /// How many rows.
    case rows
    /// How many rows where the expression is not null.
    case present(RelationExpression)
    /// How many different values that are not null.
    case distinct(RelationExpression)
    /// The sum; 0 where there is no value.
    case sum(RelationExpression)
    /// The least or greatest value; null where there is none.
    case least(RelationExpression)
    case greatest(RelationExpression)
}

/// A value computed from one row.
package indirect enum RelationExpression: Hashable, Sendable {
    package enum Comparison: String, Hashable, Sendable {
        case equal = "="
        case unequal = "<>"
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    package struct Branch: Hashable, Sendable {
        package let condition: RelationExpression
        package let value: RelationExpression

        package init(_ condition: RelationExpression, _ value: RelationExpression) {
            self.condition = condition
            self.value = value
        }
    }

    /// A part of a date, or the beginning of the period it lies in. Weeks begin on Monday (ISO 8601).
    package enum CalendarUnit: String, Hashable, Sendable, CaseIterable {
        case year, quarter, month, week, day, hour, weekday
    }

    case column(String)
    /// Null, bool, integer, decimal, text or day.
    case literal(TableValue)
    /// The column read as a type; null where it cannot be.
    case read(String, ColumnType)
    case compare(Comparison, RelationExpression, RelationExpression)
    case and([RelationExpression])
    case or([RelationExpression])
    case not(RelationExpression)
    case isNull(RelationExpression)
    /// Equal to one of the literals.
    case isIn(RelationExpression, [TableValue])
    /// SQL's LIKE, with case, without escapes.
    case isLike(RelationExpression, String)
    /// The first branch whose condition is true.
    case branches([Branch], otherwise: RelationExpression)
    /// 64-bit integer arithmetic; its maker proved that it stays within 64 bits.
    case plus(RelationExpression, RelationExpression)
    case minus(RelationExpression, RelationExpression)
    case times(RelationExpression, RelationExpression)
    /// Whole quotient, rounded toward zero; null where the divisor is zero.
    case quotient(RelationExpression, RelationExpression)
    /// A number × 10^`digits`, rounded half away from zero, kept within the bounds: a 64-bit integer.
    case scaled(RelationExpression, digits: Int, low: Int64, high: Int64)
    /// An integer: `year` … `hour`; `weekday` is 1 for Monday … 7 for Sunday.
    case part(CalendarUnit, RelationExpression)
    /// The day on which the period begins.
    case beginning(CalendarUnit, RelationExpression)
    /// The first characters of a text.
    case prefix(RelationExpression, Int)
    case lowercased(RelationExpression)
    /// A text that no reader can foresee without the values: the first 12 digits of MD5 over their texts, `|` between
    /// them, null as `~` (texts of 12 bytes are sorted in place). For choosing rows fairly and repeatably; equal keys
    /// are possible, and it is no cryptographic claim.
    case shuffleKey([RelationExpression])
}

/// Writes a relation in one engine's SQL.
package protocol RelationDialect: Sendable {
    /// One SELECT whose columns are the relation's, in its order; rows in no particular order.
    func sql(_ relation: Relation) -> String
}
