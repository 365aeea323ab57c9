// SPDX-License-Identifier: Apache-2.0

package import Tables

/// DuckDB's SQL.
package struct DuckDBDialect: DialectWords {
    package init() {}

    package var computedOnce: String { " MATERIALIZED" }

    package func identifier(_ name: String) -> String { name.quotedIdentifier }
    package func literal(text: String) -> String { text.quotedLiteral }

    package func typeName(_ type: ColumnType) -> String { type.sqlName }

    package func read(_ value: String, as type: ColumnType) -> String {
        "TRY_CAST(\(value) AS \(typeName(type)))"
    }
    package func quotient(_ dividend: String, _ divisor: String) -> String { "(\(dividend) // \(divisor))" }

    package func part(_ unit: RelationExpression.CalendarUnit, of value: String) -> String {
        "date_part('\(unit == .weekday ? "isodow" : unit.rawValue)', \(value))"
    }

    package func beginning(_ unit: RelationExpression.CalendarUnit, of value: String) -> String {
        "CAST(date_trunc('\(unit.rawValue)', \(value)) AS DATE)"
    }

    /// DuckDB adds 64-bit integers in 128 bits.
    package func wideSum(_ value: String) -> String { "sum(\(value))" }
}
