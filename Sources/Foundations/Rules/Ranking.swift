// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Rewards by rank: who counts, by what, and how much each place earns.
package struct Ranking: Sendable {
    /// Places `from` to `through` earn `amountYuan` each.
    package struct Band: Hashable, Sendable {
        package let from: Int
        package let through: Int
        package let amountYuan: Int
    }

    package let id: String
    package let article: String
    package let title: LocalizedText
    package let bands: [Band]
    let measure: FEELExpression
    let filter: FEELExpression?

    init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("id", "article", "title", "by", "only", "bands")
        id = try declared.member("id").text()
        article = try declared.member("article").text()
        title = try declared.member("title").localized()
        measure = try declared.member("by").expression()
        filter = try declared.optional("only")?.expression()
        var bands: [Band] = []
        for band in try declared.elements("bands") {
            try band.allows("from", "through", "amount")
            bands.append(
                Band(
                    from: try band.member("from").integer(), through: try band.member("through").integer(),
                    amountYuan: try band.member("amount").integer()))
        }
        self.bands = bands
    }

    /// What all places together can earn.
    package var totalYuan: Int { bands.reduce(0) { $0 + ($1.through - $1.from + 1) * $1.amountYuan } }
}

/// What one applicant gets from the rankings.
package struct Award: Sendable {
    package let applicant: Int
    /// Rank and amount of every ranking the applicant has a place in.
    package let places: [String: (rank: Int, amountYuan: Int)]
    /// The rankings kept where groups exclude one another; the larger sum by default.
    package let kept: [String]
    package let totalYuan: Int
    /// The applicant had a choice: an approver looks at it.
    package let hadChoice: Bool
    /// Shares a rank at the border of a band.
    package let isTied: Bool
}

extension RuleBook {
    /// Ranks all applicants. Equal values share the better rank and the next is skipped; ranks are fixed before
    /// exclusive groups are resolved.
    package func awards(_ applicants: [JSON], now: Instant? = nil) -> [Award] {
        var places = [[String: (rank: Int, amountYuan: Int)]](repeating: [:], count: applicants.count)
        var tied = Set<Int>()
        for ranking in rankings {
            let values = measured(ranking, applicants, now)
            for (applicant, value) in values {
                let rank = values.count { $0.value > value } + 1
                guard let band = ranking.bands.first(where: { ($0.from...$0.through).contains(rank) }) else {
                    continue
                }
                places[applicant][ranking.id] = (rank, band.amountYuan)
                if values.count(where: { $0.value == value }) > 1 { tied.insert(applicant) }
            }
        }
        return places.enumerated().map { award($0.offset, $0.element, isTied: tied.contains($0.offset)) }
    }

    private func measured(
        _ ranking: Ranking, _ applicants: [JSON], _ now: Instant?
    ) -> [(applicant: Int, value: Decimal34)] {
        applicants.indices.compactMap { place in
            var evaluation = FEELEvaluation(isOpenWorld: true, now: now.map { FEELDateTime($0) })
            let scope = scope(applicants[place], &evaluation)
            if let filter = ranking.filter, !evaluation.value(filter, in: scope).isTrue { return nil }
            return evaluation.value(ranking.measure, in: scope).number.map { (place, $0) }
        }
    }

    private func award(_ applicant: Int, _ places: [String: (rank: Int, amountYuan: Int)], isTied: Bool)
        -> Award
    {
        func sum(_ ids: [String]) -> Int { ids.reduce(0) { $0 + (places[$1]?.amountYuan ?? 0) } }
        let candidates = exclusiveGroups.map { $0.filter { places[$0] != nil } }.filter { !$0.isEmpty }
        // The first of equal sums wins, so that running again gives the same.
        let best = candidates.enumerated().max {
            (sum($0.element), -$0.offset) < (sum($1.element), -$1.offset)
        }?.element
        let free = places.keys.filter { id in !exclusiveGroups.contains { $0.contains(id) } }
        let kept = ((best ?? []) + free).sorted()
        return Award(
            applicant: applicant, places: places, kept: kept, totalYuan: sum(kept),
            hadChoice: candidates.count > 1,
            isTied: isTied)
    }
}
