// SPDX-License-Identifier: Apache-2.0

extension ColumnType {
    /// Reads what `name` writes, such as `decimal(10,2)`; `nil` for anything else.
    package init?(named name: some StringProtocol) {
        let simple: [ColumnType] = [.bool, .integer, .real, .text, .bytes, .day, .timestamp, .time]
        if let type = simple.first(where: { $0.name == name }) {
            self = type
            return
        }
        guard name.hasPrefix("decimal("), name.hasSuffix(")") else { return nil }
        let numbers = name.dropFirst(8).dropLast().split(separator: ",").map {
            Int($0.drop { $0 == " " })
        }
        guard numbers.count == 2, let width = numbers[0], let scale = numbers[1], (1...38).contains(width),
            (0...width).contains(scale)
        else { return nil }
        self = .decimal(width: width, scale: scale)
    }
}
