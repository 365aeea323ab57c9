// SPDX-License-Identifier: Apache-2.0

extension ColumnType {
    /// Reads what `name` writes; `nil` for anything else.
    package init?(named name: String) {
        switch name {
        case "bool": self = .bool
        case "integer": self = .integer
        case "real": self = .real
        case "text": self = .text
        case "bytes": self = .bytes
        case "day": self = .day
        case "timestamp": self = .timestamp
        case "time": self = .time
        default:
            guard let parts = name.wholeMatch(of: /decimal\((\d+),(\d+)\)/), let width = Int(parts.output.1),
                let scale = Int(parts.output.2)
            else { return nil }
            self = .decimal(width: width, scale: scale)
        }
    }
}
