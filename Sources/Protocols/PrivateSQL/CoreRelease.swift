// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5; Sources/Kernels/Noise/Proof.md §7 (bounded contributions) and §8
// (thresholds). Public: everything here; no row is read. What protects: each relation built here changes by
// no more than the stated sensitivity when one person's rows are added or removed.

import Noise
import Primitives
import Tables

/// Divides the price of one question over everything that is noised.
struct BudgetAllotment {
    private(set) var cost: PrivacyCost
    /// What each component and each choice costs: ε in millionths under Laplace, ρ in billionths under
    /// Gaussian.
    private let share: UInt64
    private let mechanism: NoiseProtection.Mechanism
    /// How many people-thresholds the question has, and the δ they share.
    private let thresholds: Int
    private let groupsDelta: Delta?

    init(_ protection: Protection, over cores: [CoreQuestion]) throws(QuestionRefusal) {
        mechanism = if case .noise(let rules) = protection { rules.mechanism } else { .laplace }
        let noised = cores.filter { $0.unit != nil }
        guard case .noise(let rules) = protection, !noised.isEmpty else {
            (cost, share, thresholds, groupsDelta) = (.none, 0, 0, nil)
            return
        }
        let thresholds = noised.filter { !$0.keysArePublic }.count
        if thresholds > 0, rules.delta == nil { throw QuestionRefusal(.groupsUnlisted) }
        let shares = UInt64(max(1, noised.reduce(0) { $0 + $1.noisedParts }))
        // With thresholds, a tenth of δ is for them and a tenth for the conversion from ρ: together below δ.
        let tenth = rules.delta.flatMap { Delta(exponent: min(18, $0.exponent + 1)) }
        let groupsDelta = thresholds > 0 ? tenth : nil
        let epsilon = rules.questionEpsilonMicros
        switch rules.mechanism {
        case .laplace:
            share = epsilon / shares
            cost = PrivacyCost(
                epsilonMicros: epsilon,
                delta: groupsDelta == nil ? nil : rules.delta,
                rhoNanos: PrivacyLoss.rhoNanos(ofPure: epsilon),
                isPure: true,
                groupsDelta: groupsDelta
            )
        case .gaussian:
            guard let delta = groupsDelta ?? rules.delta else { throw QuestionRefusal(.groupsUnlisted) }
            let rho = PrivacyLoss.rhoNanos(within: epsilon, delta)
            share = rho / shares
            cost = PrivacyCost(
                epsilonMicros: epsilon,
                delta: rules.delta,
                rhoNanos: rho,
                isPure: false,
                groupsDelta: groupsDelta
            )
        }
        self.thresholds = thresholds
        self.groupsDelta = groupsDelta
        guard share > 0 else { throw QuestionRefusal(.noiseTooWide) }
    }

    /// The noise of one component.
    func noise(sensitivity: UInt64, coordinates: UInt64) throws(QuestionRefusal) -> LatticeNoise {
        let noise =
            switch mechanism {
            case .laplace:
                LatticeNoise.laplace(sensitivity: sensitivity, coordinates: coordinates, epsilonMicros: share)
            case .gaussian:
                LatticeNoise.gaussian(sensitivity: sensitivity, coordinates: coordinates, rhoNanos: share)
            }
        guard let noise else { throw QuestionRefusal(.noiseTooWide) }
        return noise
    }

    /// ε of one selection among `cells` that one person may touch: a selection of ε costs ρ = ε²/2.
    func selectionEpsilonMicros(cells: UInt64) throws(QuestionRefusal) -> UInt64 {
        let whole =
            switch mechanism {
            case .laplace: share
            case .gaussian: UInt64((UInt128(share) * 2000).squareRootFloor)
            }
        guard whole / cells > 0 else { throw QuestionRefusal(.noiseTooWide) }
        return whole / cells
    }

    /// The count from which an unlisted group is told: a group of one person passes with probability at most
    /// δ / (groups of one person · thresholds).
    func threshold(_ noise: LatticeNoise, groups: UInt64) throws(QuestionRefusal) -> Int64 {
        guard let delta = groupsDelta else { throw QuestionRefusal(.groupsUnlisted) }
        let logarithm =
            UInt128(delta.logarithmNanos)
            + UInt128(RoundedUpLogarithm.nanos(of: groups * UInt64(thresholds)))
        let steps: UInt128 =
            switch noise.shape {
            case .laplace(let laplace):
                (logarithm * UInt128(laplace.rateDenominator))
                    .dividedRoundingUp(by: UInt128(laplace.rateNumerator) * 1_000_000_000)
            case .gaussian(let gaussian):
                1
                    + (2 * logarithm * UInt128(gaussian.variance)).dividedRoundingUp(by: 1_000_000_000)
                    .squareRootCeiling
            }
        guard let threshold = Int64(exactly: steps * UInt128(noise.step) + UInt128(noise.step) + 1) else {
            throw QuestionRefusal(.noiseTooWide)
        }
        return threshold
    }
}

extension CoreQuestion {
    /// How many components and selections share the price.
    var noisedParts: Int {
        let needsPeople = !keysArePublic && !addends.contains(.people(nil))
        return addends.count + (needsPeople ? 1 : 0) + histograms.count
    }

    var keyNames: [String] { keys.map(\.name) }

    /// Groups that one person may appear in.
    var groupsPerPerson: Int {
        guard let unit, !unit.isKey, !keys.isEmpty else { return 1 }
        return min(unit.groups, publicCells ?? unit.groups)
    }

    /// Rows that one person may count for in one group.
    var rowsPerPerson: Int { unit.map { $0.isKey ? 1 : $0.rowsPerGroup } ?? 1 }
}

extension QuestionPlanner {
    /// The core with its relations, its noise and its guard.
    func release(
        _ core: CoreQuestion,
        under protection: Protection,
        _ allotment: BudgetAllotment
    ) throws(QuestionRefusal) -> TableRelease {
        switch protection {
        case .noise where core.unit != nil: try noisedRelease(core, allotment)
        case .noise: exactRelease(core, GroupProtection(minimum: 1, dominancePermille: nil, rounding: 1))
        case .minimumGroup(let rule): exactRelease(core, rule)
        }
    }

    // MARK: Under noise

    private func noisedRelease(
        _ question: CoreQuestion,
        _ allotment: BudgetAllotment
    ) throws(QuestionRefusal) -> TableRelease {
        var core = question
        let people = core.keysArePublic ? nil : core.place(of: .people(nil))
        let groups = UInt64(core.groupsPerPerson)
        var components: [TableRelease.Component] = []
        for (place, addend) in core.addends.enumerated() {
            let sensitivity = addend.sensitivity(rows: core.rowsPerPerson)
            components.append(
                .init(
                    name: "#c\(place)",
                    noise: try allotment.noise(sensitivity: sensitivity, coordinates: groups),
                    sensitivity: sensitivity
                )
            )
        }
        var guarding = TableRelease.Guarding.publicKeys
        if let people, let noise = components[people].noise {
            guarding = .threshold(component: people, try allotment.threshold(noise, groups: groups))
        }
        let cells = groups * UInt64(core.rowsPerPerson)
        let epsilon = core.histograms.isEmpty ? nil : try allotment.selectionEpsilonMicros(cells: cells)
        return TableRelease(
            relation: core.unit?.hasOneRow == true ? core.directRelation : core.boundedRelation,
            keys: core.keys,
            components: components,
            measures: core.measures,
            guarding: guarding,
            histograms: core.histograms.map { core.histogram($0, epsilonMicros: epsilon) },
            contributions: nil,
            answered: nil
        )
    }

    // MARK: Under a minimum group

    private func exactRelease(_ core: CoreQuestion, _ rule: GroupProtection) -> TableRelease {
        let guarded =
            rule.dominancePermille == nil
            ? []
            : core.measures.compactMap { measure -> Int? in
                if case .sum(let place, _) = measure { place } else { nil }
            }
        let people: RelationAggregate =
            core.unit.map { $0.hasOneRow ? .rows : .distinct(.column("#unit")) } ?? .rows
        let components = core.addends.indices.map {
            TableRelease.Component(name: "#c\($0)", noise: nil, sensitivity: 0)
        }
        let aggregates = core.addends.enumerated().map {
            Relation.NamedAggregate("#c\($0.offset)", $0.element.direct(people: people))
        }
        return TableRelease(
            relation: .aggregate(core.rows, keys: core.keyNames, aggregates + [.init("#people", people)]),
            keys: core.keys,
            components: components,
            measures: core.measures,
            guarding: .minimumGroup(rule, dominance: guarded),
            histograms: core.histograms.map { core.histogram($0, epsilonMicros: nil) },
            contributions: guarded.isEmpty ? nil : core.contributions(guarded),
            answered: core.answered
        )
    }
}

// MARK: Relations

extension CoreQuestion.Addend {
    func sensitivity(rows: Int) -> UInt64 {
        switch self {
        case .rows, .present: UInt64(rows)
        case .values(_, let magnitude): UInt64(rows) * UInt64(max(1, magnitude))
        case .people, .distinct, .least, .greatest: 1
        }
    }

    /// The aggregate over rows, each counting in full.
    func direct(people: RelationAggregate) -> RelationAggregate {
        switch self {
        case .rows: .rows
        case .present(let column): .present(.column(column))
        case .values(let column, _): .sum(.column(column))
        case .people(nil): people
        case .people(let column?):
            people == .rows
                ? .present(.column(column))
                : .distinct(
                    .branches(
                        [.init(.not(.isNull(.column(column))), .column("#unit"))],
                        otherwise: .literal(.null)
                    )
                )
        case .distinct(let column): .distinct(.column(column))
        case .least(let column): .least(.column(column))
        case .greatest(let column): .greatest(.column(column))
        }
    }
}

extension CoreQuestion {
    /// One row a person: each row counts in full, in one group.
    var directRelation: Relation {
        .aggregate(
            rows,
            keys: keyNames,
            addends.enumerated().map { .init("#c\($0.offset)", $0.element.direct(people: .rows)) } + padding
        )
    }

    /// A question of quantiles alone has no component, and SQL no SELECT without a column; nobody reads this
    /// one.
    private var padding: [Relation.NamedAggregate] {
        addends.isEmpty && keys.isEmpty ? [.init("#rows", .rows)] : []
    }

    /// Many rows a person: first one row for each person and group, then at most so many groups of each person
    /// (chosen by a shuffle that is the same every time), then each person's part kept within what one may
    /// contribute. Only people in more groups than allowed are shuffled: sorting costs several times the rest.
    var boundedRelation: Relation {
        guard !(keys.isEmpty && addends.isEmpty) else { return directRelation }
        let perPerson = Relation.aggregate(rows, keys: ["#unit"] + keyNames, personalAggregates)
        let sums = addends.indices.map { Relation.NamedAggregate("#c\($0)", .sum(.column("#c\($0)"))) }
        guard !keys.isEmpty, publicCells.map({ $0 > groupsPerPerson }) ?? true else {
            return .aggregate(parts(perPerson), keys: keyNames, sums)
        }
        let limit = RelationExpression.literal(.integer(Int128(groupsPerPerson)))
        let over = Relation.project(
            .filter(
                .aggregate(.shared("#parts"), keys: ["#unit"], [.init("#groups", .rows)]),
                .compare(.greater, .column("#groups"), limit)),
            [.init("#unit", .column("#unit"))])
        func people(over isOver: Bool) -> Relation {
            .members(.shared("#parts"), column: "#unit", isIn: isOver, of: .shared("#over"))
        }
        let all = Relation.union(
            parts(people(over: false)),
            parts(
                .first(
                    groupsPerPerson, of: people(over: true), partition: ["#unit"], order: shuffle(keyNames))))
        return .sharing(
            "#parts", perPerson, in: .aggregate(.sharing("#over", over, in: all), keys: keyNames, sums))
    }

    /// What each row of a person and a group may contribute.
    private func parts(_ perPerson: Relation) -> Relation {
        .project(
            perPerson,
            keyNames.map { .init($0, .column($0)) }
                + addends.enumerated().map { place, addend in
                    .init("#c\(place)", addend.part(place, rowsMax: rowsPerPerson))
                })
    }

    /// A fair order of one person's groups that is the same every time; the names decide between equal keys.
    private func shuffle(_ names: [String]) -> [RelationExpression] {
        let columns = names.map { RelationExpression.column($0) }
        return [.shuffleKey([.column("#unit")] + columns)] + columns
    }

    private var personalAggregates: [Relation.NamedAggregate] {
        addends.enumerated().flatMap { place, addend -> [Relation.NamedAggregate] in
            switch addend {
            case .rows, .people(nil): [.init("#n\(place)", .rows)]
            case .present(let column), .people(let column?): [.init("#n\(place)", .present(.column(column)))]
            case .values(let column, _):
                [.init("#n\(place)", .present(.column(column))), .init("#s\(place)", .sum(.column(column)))]
            case .distinct, .least, .greatest: []
            }
        }
    }

    /// Counts by key and bin.
    func histogram(_ histogram: Histogram, epsilonMicros: UInt64?) -> TableRelease.Histogram {
        let present = Relation.filter(rows, .not(.isNull(.column(histogram.column))))
        let names = keyNames + [histogram.column]
        var relation = Relation.aggregate(present, keys: names, [.init("#n", .rows)])
        if epsilonMicros != nil, unit?.hasOneRow == false {
            // A person counts once in a bin, and in so many bins in all.
            let cells = Relation.first(
                groupsPerPerson * rowsPerPerson,
                of: .aggregate(present, keys: ["#unit"] + names, [.init("#n", .rows)]),
                partition: ["#unit"],
                order: shuffle(names)
            )
            relation = .aggregate(cells, keys: names, [.init("#n", .rows)])
        }
        return TableRelease.Histogram(
            relation: relation,
            low: histogram.low,
            step: histogram.step,
            bins: histogram.bins,
            digits: histogram.digits,
            rankBasisPoints: histogram.rankBasisPoints,
            sensitivity: 1,
            epsilonMicros: epsilonMicros
        )
    }

    /// By key and guarded component: the greatest part of one person (or row) and the sum of all parts'
    /// magnitudes.
    func contributions(_ guarded: [Int]) -> Relation {
        let columns = guarded.compactMap { place -> (Int, String)? in
            if case .values(let column, _) = addends[place] { (place, column) } else { nil }
        }
        func magnitude(_ column: String) -> RelationExpression {
            .branches(
                [
                    .init(
                        .compare(.less, .column(column), .literal(.integer(0))),
                        .minus(.literal(.integer(0)), .column(column))
                    )
                ],
                otherwise: .column(column)
            )
        }
        let isPersonal = unit.map { !$0.hasOneRow } ?? false
        let personal =
            isPersonal
            ? Relation.aggregate(
                rows,
                keys: ["#unit"] + keyNames,
                columns.map { .init($0.1, .sum(.column($0.1))) }
            ) : rows
        return .aggregate(
            personal,
            keys: keyNames,
            columns.flatMap { place, column in
                [
                    Relation.NamedAggregate("#g\(place)", .greatest(magnitude(column))),
                    Relation.NamedAggregate("#t\(place)", .sum(magnitude(column))),
                ]
            }
        )
    }
}

extension CoreQuestion.Addend {
    /// What one person adds to one group, within what one may.
    fileprivate func part(_ place: Int, rowsMax: Int) -> RelationExpression {
        let count = RelationExpression.column("#n\(place)")
        let limit = RelationExpression.literal(.integer(Int128(rowsMax)))
        let isOver = RelationExpression.compare(.greater, count, limit)
        switch self {
        case .people(nil): return .literal(.integer(1))
        case .people:
            return .branches(
                [.init(.compare(.greater, count, .literal(.integer(0))), .literal(.integer(1)))],
                otherwise: .literal(.integer(0))
            )
        case .rows, .present: return .branches([.init(isOver, limit)], otherwise: count)
        case .values:
            // More rows than allowed count as that many of their mean: s·limit/n without leaving 64 bits, by
            // s = q·n + r.
            let sum = RelationExpression.column("#s\(place)")
            let mean = RelationExpression.quotient(sum, count)
            let rest = RelationExpression.minus(sum, .times(mean, count))
            let reduced = RelationExpression.plus(.times(mean, limit), .quotient(.times(rest, limit), count))
            return .branches([.init(isOver, reduced)], otherwise: sum)
        case .distinct, .least, .greatest: return .literal(.integer(0))
        }
    }
}
