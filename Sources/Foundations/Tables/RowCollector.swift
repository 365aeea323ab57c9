// SPDX-License-Identifier: Apache-2.0

import Primitives
import Synchronization

/// Gathers the rows of one answer, at most `rowsMax` of them.
final class RowCollector: Sendable {
    private let rowsMax: Int
    private let collected = Mutex<[[TableValue]]>([])

    init(rowsMax: Int) {
        self.rowsMax = rowsMax
    }

    var rows: [[TableValue]] { collected.withLock { $0 } }

    func take(_ batch: TableBatch) throws(Problem) {
        let isFull = collected.withLock { rows in
            guard rows.count + batch.rowCount <= rowsMax else { return true }
            for place in 0..<batch.rowCount { rows.append(batch.row(place)) }
            return false
        }
        if isFull { throw Problem(.limited, "tables.answer-too-long", ["limit": .integer(Int64(rowsMax))]) }
    }
}
