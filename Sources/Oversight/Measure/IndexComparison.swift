// SPDX-License-Identifier: Apache-2.0

/// Units beside one another, per dimension and year: rank, distance to the best, change since the year before.
package struct IndexComparison: Sendable {
    package struct Standing: Hashable, Sendable {
        package let score: Double
        package let rank: Int
        /// To the best of the year; zero for the best.
        package let gap: Double
        /// Since the unit's line of the year before; `nil` for its first.
        package let change: Double?
    }

    package struct Line: Sendable {
        package let unit: String
        package let year: String
        /// By group; absent where a group has no score.
        package let standings: [String: Standing]
    }

    /// By year, then by the index's rank.
    package let lines: [Line]

    /// Sets the scores of a result side by side. All years are normalized together, so that a change is a change.
    package init(_ result: IndexResult, of index: CompositeIndicator) {
        var lines: [Line] = []
        for (place, unit) in result.units.enumerated() {
            let year = result.years[place]
            let before = result.units.indices.filter { result.units[$0] == unit && result.years[$0] < year }
                .max { result.years[$0] < result.years[$1] }
            var standings: [String: Standing] = [:]
            for group in index.groups {
                guard let scores = result.scores[group.id], let score = scores[place] else { continue }
                let peers = zip(scores, result.years).filter { $0.1 == year }.compactMap(\.0)
                standings[group.id] = Standing(
                    score: score, rank: peers.count { $0 > score } + 1, gap: (peers.max() ?? score) - score,
                    change: before.flatMap { scores[$0] }.map { score - $0 })
            }
            lines.append(Line(unit: unit, year: year, standings: standings))
        }
        let root = index.groups.last?.id ?? ""
        self.lines = lines.sorted { left, right in
            let ranks = (left.standings[root]?.rank ?? .max, right.standings[root]?.rank ?? .max)
            return (left.year, ranks.0, left.unit) < (right.year, ranks.1, right.unit)
        }
    }

    /// The lines of the latest year, the best first.
    package var latest: [Line] { lines.filter { $0.year == lines.last?.year } }
}
