// SPDX-License-Identifier: Apache-2.0

package import Tables

/// How a table tells when its rows happened: the watermark of an asset version is the latest of these moments.
package enum EventTime: Hashable, Sendable {
    case column(String)
    /// Year, month, day and perhaps hour, as numbers in columns of their own.
    case parts(year: String, month: String, day: String, hour: String?)

    /// What the columns offer: the first timestamp, else year–month–day columns, else the first day.
    package init?(of columns: [Column]) {
        func named(_ names: String...) -> String? {
            columns.first { names.contains($0.name.lowercased()) && $0.type == .integer }?.name
        }
        if let column = columns.first(where: { $0.type == .timestamp }) {
            self = .column(column.name)
        } else if let year = named("year", "年", "年份"), let month = named("month", "月", "月份"),
            let day = named("day", "日")
        {
            self = .parts(year: year, month: month, day: day, hour: named("hour", "时", "小时"))
        } else if let column = columns.first(where: { $0.type == .day }) {
            self = .column(column.name)
        } else {
            return nil
        }
    }

    /// The moment as a TIMESTAMP in the engine's SQL.
    package var sql: String {
        switch self {
        case .column(let name): "\(name.quotedIdentifier)::TIMESTAMP"
        case .parts(let year, let month, let day, let hour):
            "make_timestamp(\(year.quotedIdentifier), \(month.quotedIdentifier), \(day.quotedIdentifier), "
                + "\(hour?.quotedIdentifier ?? "0"), 0, 0)"
        }
    }
}
