// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// Who asked for an asset's metadata, by hour (S20).
package enum DescriptionBook {
    private static let hourMicroseconds: Int64 = 3_600_000_000

    /// Counts one description; true for the first of this asker, asset and hour.
    package static func note(
        _ assetCode: String, _ asker: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) -> Bool {
        let hour = transaction.now.microseconds / hourMicroseconds
        let count = try transaction.first(
            """
            INSERT INTO register_description (asset_code, asker_id, hour, count) VALUES (?, ?, ?, 1)
            ON CONFLICT (asset_code, asker_id, hour) DO UPDATE SET count = count + 1 RETURNING count
            """,
            [assetCode, asker, hour]
        ) { row throws(Problem) in try row.integer(0) }
        return count == 1
    }

    /// How often an asset was described, to anybody.
    package static func count(of assetCode: String, in transaction: any SQLReading) throws(Problem) -> Int64 {
        try transaction.count(
            "SELECT COALESCE(SUM(count), 0) FROM register_description WHERE asset_code = ?", [assetCode])
    }
}
