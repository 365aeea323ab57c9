// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5. Public: every value of these types has been released.

package import Primitives
package import Tables

/// One released value with the interval it lies in.
package struct ReleasedCell: Hashable, Sendable {
    package let value: TableValue
    /// The true figure (after bounding) lies within at least 19 times in 20; `nil`: exact, or not a figure.
    package let interval: Interval?
    /// Not told, because too few people or one too great stand behind it.
    package let isSuppressed: Bool

    package init(_ value: TableValue, interval: Interval? = nil, isSuppressed: Bool = false) {
        self.value = value
        self.interval = interval
        self.isSuppressed = isSuppressed
    }

    package static let suppressed = ReleasedCell(.null, isSuppressed: true)

    package struct Interval: Hashable, Sendable {
        package let low: Double
        package let high: Double

        package init(_ low: Double, _ high: Double) {
            self.low = min(low, high)
            self.high = max(low, high)
        }

        var halfWidth: Double { (high - low) / 2 }
        package var json: JSON { .array([.number(low), .number(high)]) }
    }
}

/// A small table of released values.
package struct ReleasedTable: Hashable, Sendable {
    package struct Name: Hashable, Sendable {
        package let qualifier: String
        package let name: String
    }

    package let names: [Name]
    package let rows: [[ReleasedCell]]
    /// Groups that exist and are not told because their keys are not public; for the reader's sake, under a
    /// minimum group alone.
    package let hiddenGroups: Int

    package init(names: [Name], rows: [[ReleasedCell]], hiddenGroups: Int = 0) {
        self.names = names
        self.rows = rows
        self.hiddenGroups = hiddenGroups
    }

    /// Values, intervals and suppressed cells, row by row.
    package var json: JSON {
        let suppressed = rows.enumerated().flatMap { row, cells in
            cells.enumerated().filter(\.element.isSuppressed).map {
                JSON.array([.integer(Int64(row)), .integer(Int64($0.offset))])
            }
        }
        return [
            "columns": .array(names.map { .string($0.name) }),
            "types": .array(types.map { .string($0.name) }),
            "rows": .array(rows.map { .array($0.map(\.value.json)) }),
            "intervals": .array(rows.map { .array($0.map { $0.interval?.json ?? .null }) }),
            "suppressed": .array(suppressed), "hiddenGroups": .integer(Int64(hiddenGroups)),
        ]
    }

    /// What each column holds, by its first value.
    private var types: [ColumnType] {
        names.indices.map { column in
            switch rows.lazy.map({ $0[column].value }).first(where: { $0 != .null }) {
            case .bool: .bool
            case .integer: .integer
            case .day: .day
            case .timestamp: .timestamp
            case .real, .decimal: .real
            default: .text
            }
        }
    }

    func place(_ path: [String]) -> Int? {
        names.firstIndex {
            $0.name.lowercased() == path.last?.lowercased()
                && (path.count < 2 || $0.qualifier.lowercased() == path[path.count - 2].lowercased())
        }
    }
}

/// The answer to a question: what leaves the holder.
package struct ReleasedAnswer: Hashable, Sendable {
    package let columns: [String]
    package let rows: [[ReleasedCell]]
    package let charge: PrivacyCost
    package let planDigest: Digest
    /// SHA-256 of the noise seed: so that an arbitrator, given the seed, gets the same bytes.
    package let seedCommitment: Digest
    package let hiddenGroups: Int
    /// What would make the figures better, as text codes (`Texts/privatesql.yaml`).
    package let hints: [Hint]

    package enum Hint: String, Hashable, Sendable, CaseIterable {
        /// Some interval is wider than half the figure: coarser groups tell more.
        case fewerGroups = "fewer-groups"
        /// Several figures share the price: one figure a question is sharper.
        case fewerFigures = "fewer-figures"
        /// Cells are suppressed: longer periods or larger areas would show them.
        case largerGroups = "larger-groups"
    }

    /// The answer as canonical JSON; its bytes are what replay compares.
    package var json: JSON {
        let facts: [String: JSON] = [
            "charge": charge.json, "plan": .string(planDigest.hex),
            "seedCommitment": .string(seedCommitment.hex),
            "hints": .array(hints.map { .string($0.rawValue) }),
        ]
        return .object((table.json.object ?? [:]).merging(facts) { $1 })
    }

    /// The answer as a table of released values.
    package var table: ReleasedTable {
        ReleasedTable(
            names: columns.map { .init(qualifier: "", name: $0) },
            rows: rows,
            hiddenGroups: hiddenGroups
        )
    }

    /// SHA-256 of the canonical JSON.
    package var digest: Digest { Digest(of: json.canonicalBytes) }
}
