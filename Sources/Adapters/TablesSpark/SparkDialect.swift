// SPDX-License-Identifier: Apache-2.0

package import Tables

/// Spark SQL (3.5 and later, ANSI mode on or off).
package struct SparkDialect: DialectWords {
    package init() {}

    package func identifier(_ name: String) -> String { "`" + name.replacing("`", with: "``") + "`" }

    /// Spark reads backslashes in literals as escapes.
    package func literal(text: String) -> String {
        "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }

    package func typeName(_ type: ColumnType) -> String {
        switch type {
        case .bool: "BOOLEAN"
        case .integer, .time: "BIGINT"
        case .decimal(let width, let scale): "DECIMAL(\(width), \(scale))"
        case .real: "DOUBLE"
        case .text: "STRING"
        case .bytes: "BINARY"
        case .day: "DATE"
        case .timestamp: "TIMESTAMP_NTZ"
        }
    }

    package func read(_ value: String, as type: ColumnType) -> String { "try_cast(\(value) AS \(typeName(type)))" }
    package func quotient(_ dividend: String, _ divisor: String) -> String { "(\(dividend) DIV \(divisor))" }

    package func part(_ unit: RelationExpression.CalendarUnit, of value: String) -> String {
        let word = unit == .weekday ? "DAYOFWEEK_ISO" : unit.rawValue.uppercased()
        return "CAST(extract(\(word) FROM \(value)) AS BIGINT)"
    }

    package func beginning(_ unit: RelationExpression.CalendarUnit, of value: String) -> String {
        "CAST(date_trunc('\(unit.rawValue)', \(value)) AS DATE)"
    }

    package func wideSum(_ value: String) -> String { "sum(CAST(\(value) AS DECIMAL(20, 0)))" }
}
