// SPDX-License-Identifier: Apache-2.0

import Lists
package import Primitives

/// Applicants' facts as a spreadsheet writes them: a header of fact names, one line an applicant.
package enum SampleTable {
    /// Cells `true` and `false` are booleans, whole numbers are numbers, an empty cell is a fact not given; what
    /// else a text means, the rule's types say.
    package static func rows(_ text: String) -> [JSON] {
        let lines = ListText.rows(of: text)
        guard let header = lines.first else { return [] }
        return lines.dropFirst().filter { $0 != [""] }.map { line in
            var row: [String: JSON] = [:]
            for (name, cell) in zip(header, line) where !cell.isEmpty { row[name] = value(cell) }
            return .object(row)
        }
    }

    private static func value(_ cell: String) -> JSON {
        switch cell {
        case "true": true
        case "false": false
        default: Int64(cell).map { .integer($0) } ?? .string(cell)
        }
    }
}
