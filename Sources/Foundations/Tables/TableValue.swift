// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a column holds. Sums over `integer` and `decimal` are exact, and give the same bytes in every run.
package enum ColumnType: Hashable, Sendable {
    case bool
    /// Up to 128 bits, signed or not.
    case integer
    /// `width` digits in all, `scale` of them after the point; width is at most 38.
    case decimal(width: Int, scale: Int)
    /// IEEE 754 binary64 or binary32.
    case real
    case text
    case bytes
    case day
    /// Without a zone unless the source says one; then UTC.
    case timestamp
    /// Microseconds since midnight.
    case time

    package var isNumeric: Bool {
        switch self {
        case .integer, .decimal, .real: true
        case .bool, .text, .bytes, .day, .timestamp, .time: false
        }
    }

    /// Whether plans may add it up and be replayed to the same bytes.
    package var isExact: Bool {
        switch self {
        case .integer, .decimal: true
        default: false
        }
    }

    /// `integer`, `decimal(10,2)`, …: the same word in JSON, on pages and in reports.
    package var name: String {
        switch self {
        case .bool: "bool"
        case .integer: "integer"
        case .decimal(let width, let scale): "decimal(\(width),\(scale))"
        case .real: "real"
        case .text: "text"
        case .bytes: "bytes"
        case .day: "day"
        case .timestamp: "timestamp"
        case .time: "time"
        }
    }
}

/// One column of a table, as its source names it.
package struct Column: Hashable, Sendable {
    package let name: String
    package let type: ColumnType

    package init(_ name: String, _ type: ColumnType) {
        self.name = name
        self.type = type
    }

    package var json: JSON { ["name": .string(name), "type": .string(type.name)] }
}

/// One value of a table: exact where the column is.
package enum TableValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int128)
    case decimal(ExactDecimal)
    case real(Double)
    case text(String)
    case bytes([UInt8])
    /// Days since 1970-01-01.
    case day(Int32)
    case timestamp(Instant)
    /// Microseconds since midnight.
    case time(Int64)

    /// As people and JSON read it; `nil` for null.
    package var written: String? {
        switch self {
        case .null: nil
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .decimal(let value): value.description
        case .real(let value): JSON.number(value).canonicalText
        case .text(let value): value
        case .bytes(let value): Hex.encode(value)
        case .day(let days): CalendarDay(daysSince1970: Int(days)).description
        case .timestamp(let instant): String(instant.dateAndTime(in: .utc))
        case .time(let microseconds): Self.clock(microseconds)
        }
    }

    /// JSON keeps small integers as numbers; everything else that must stay exact is a string.
    package var json: JSON {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): Int64(exactly: value).map(JSON.integer) ?? .string(String(value))
        case .real(let value): .number(value)
        default: written.map(JSON.string) ?? .null
        }
    }

    private static func clock(_ microseconds: Int64) -> String {
        let seconds = Int(microseconds / 1_000_000)
        let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { Decimal10.padded($0, 2) }
        return parts.joined(separator: ":")
    }
}

/// A decimal number without rounding: `unscaled` × 10^−`scale`.
package struct ExactDecimal: Hashable, Sendable, CustomStringConvertible {
    package let unscaled: Int128
    package let scale: Int

    package init(unscaled: Int128, scale: Int) {
        self.unscaled = unscaled
        self.scale = scale
    }

    package var description: String {
        let digits = String(unscaled.magnitude)
        let sign = unscaled < 0 ? "-" : ""
        guard scale > 0 else { return sign + digits }
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return sign + padded.dropLast(scale) + "." + padded.suffix(scale)
    }

    /// The nearest double, for charts and statistics that need no exactness.
    package var approximate: Double {
        Double(description) ?? 0
    }
}

extension TableValue {
    /// The nearest double of a number; `nil` for anything else.
    package var approximate: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .decimal(let value): value.approximate
        case .real(let value): value
        default: nil
        }
    }
}
