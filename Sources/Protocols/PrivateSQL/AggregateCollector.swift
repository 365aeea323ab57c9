// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5 (figures). Public: everything here; no row is read.

import Noise
import Primitives
import Tables

/// Turns the aggregates of one SELECT into measures of its core, and its expressions into ones over those.
struct AggregateCollector {
    let planner: QuestionPlanner
    let scope: RowScope
    let groups: [SyntaxExpression]
    var core: CoreQuestion

    private var isNoised: Bool {
        if case .noise = planner.sides[scope.side].rules.protection { core.unit != nil } else { false }
    }

    /// The expression over the release's columns: groups become `#k0` …, aggregates `#m0` ….
    mutating func rewritten(_ expression: SyntaxExpression) throws(QuestionRefusal) -> SyntaxExpression {
        if let place = groups.firstIndex(of: expression) {
            return SyntaxExpression(.column(["#k\(place)"]), at: expression.place)
        }
        switch expression.form {
        case .call(let name, let arguments, let isDistinct, let filter) where Aggregates.names.contains(name):
            let measure = try measure(name, arguments, isDistinct, filter, at: expression.place)
            let place = core.measures.firstIndex(of: measure) ?? core.measures.count
            if place == core.measures.count { core.measures.append(measure) }
            return SyntaxExpression(.column(["#m\(place)"]), at: expression.place)
        case .column(let path):
            throw QuestionRefusal(
                .columnUngrouped,
                at: expression.place,
                ["column": .text(path.joined(separator: "."))]
            )
        case .star:
            throw QuestionRefusal(.rowsRequested, at: expression.place)
        case .parameter(let name):
            throw QuestionRefusal.unfilled(name, at: expression.place)
        case .call(let name, _, _, _) where !FinalFunctions.names.contains(name):
            throw QuestionRefusal(
                .functionUnlisted,
                at: expression.place,
                ["function": .text(name), "known": .list(FinalFunctions.names.sorted())]
            )
        default:
            return try rewrittenParts(expression)
        }
    }

    /// One level down, then `rewritten` again: closures cannot mutate `self`, so the parts are listed.
    private mutating func rewrittenParts(_ expression: SyntaxExpression) throws(QuestionRefusal)
        -> SyntaxExpression
    {
        var copy = self
        let result = try expression.replacing { part throws(QuestionRefusal) -> SyntaxExpression? in
            part == expression ? nil : try copy.rewritten(part)
        }
        self = copy
        return result
    }

    // MARK: Measures

    private mutating func measure(
        _ name: String,
        _ arguments: [SyntaxExpression],
        _ isDistinct: Bool,
        _ filter: SyntaxExpression?,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> TableRelease.Figure {
        let condition = try filter.map { filter throws(QuestionRefusal) in
            try ExpressionBinder(scope: scope, use: .filter).condition(filter)
        }
        guard !isDistinct || (name == "count" && arguments.count == 1) else {
            throw QuestionRefusal(.distinctRefused, at: place, ["function": .text(name)])
        }
        switch (name, arguments.count) {
        case ("count_star", 0), ("count", 0):
            guard let condition else { return .count(core.place(of: .rows)) }
            return .count(core.place(of: .present(core.argument(.counted(condition)))))
        case ("count", 1):
            return isDistinct
                ? try distinct(arguments[0], condition) : try presence(arguments[0], condition)
        case ("sum", 1):
            let number = try argument(arguments[0], condition)
            let name = core.argument(number.expression)
            return .sum(core.place(of: .values(name, magnitude: number.magnitude)), digits: number.digits)
        case ("avg", 1), ("mean", 1): return try mean(try argument(arguments[0], condition), at: place)
        case ("variance", 1), ("var_samp", 1), ("stddev", 1), ("stddev_samp", 1):
            let number = try argument(arguments[0], condition)
            return try variance(number, root: name.hasPrefix("stddev"), at: place)
        case ("median", 1): return try quantile(arguments[0], condition, basisPoints: 5000, at: place)
        case ("quantile", 2), ("quantile_cont", 2), ("quantile_disc", 2):
            return try quantile(arguments[0], condition, basisPoints: try rank(arguments[1]), at: place)
        case ("min", 1): return try extreme(arguments[0], condition, isLeast: true, at: place)
        case ("max", 1): return try extreme(arguments[0], condition, isLeast: false, at: place)
        default:
            throw QuestionRefusal(
                .functionUnlisted,
                at: place,
                [
                    "function": .text(name),
                    "known": .list(Aggregates.overRows.subtracting(["var_pop", "stddev_pop"]).sorted()),
                ]
            )
        }
    }

    /// The aggregate's argument as a number, null where the filter is not true.
    private func argument(
        _ expression: SyntaxExpression,
        _ condition: RelationExpression?
    ) throws(QuestionRefusal) -> ScaledNumber {
        var number = try ExpressionBinder(scope: scope, use: .aggregate).number(expression)
        // Within 2^31 units, two thousand million rows add up within 64 bits.
        guard number.magnitude <= 1 << 31 else { throw QuestionRefusal(.rangeTooWide, at: expression.place) }
        if let condition {
            number.expression = .branches([.init(condition, number.expression)], otherwise: .literal(.null))
        }
        return number
    }

    private mutating func presence(
        _ expression: SyntaxExpression,
        _ condition: RelationExpression?
    ) throws(QuestionRefusal) -> TableRelease.Figure {
        if expression.isLiteral, expression.form != .null, condition == nil {
            return .count(core.place(of: .rows))
        }
        let value = try ExpressionBinder(scope: scope, use: .aggregate).bind(expression)
        let isThere = RelationExpression.not(.isNull(value.expression))
        let both = condition.map { RelationExpression.and([isThere, $0]) } ?? isThere
        return .count(core.place(of: .present(core.argument(.counted(both)))))
    }

    private mutating func distinct(
        _ expression: SyntaxExpression,
        _ condition: RelationExpression?
    ) throws(QuestionRefusal) -> TableRelease.Figure {
        if case .column(let path) = expression.form,
            try scope.entry(path, at: expression.place).meaning.isUnit
        {
            return .count(core.place(of: .people(condition.map { core.argument(.counted($0)) })))
        }
        guard !isNoised else {
            throw QuestionRefusal(
                .distinctRefused,
                at: expression.place,
                ["function": .text("count(DISTINCT …)")]
            )
        }
        let value = try ExpressionBinder(scope: scope, use: .aggregate).bind(expression).expression
        let counted =
            condition.map { RelationExpression.branches([.init($0, value)], otherwise: .literal(.null)) }
            ?? value
        return .count(core.place(of: .distinct(core.argument(counted))))
    }

    /// Around the middle of the bounds, so that one person changes the sum by half the width at most.
    private mutating func mean(
        _ number: ScaledNumber,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> TableRelease.Figure {
        let center = (number.range.lowerBound + number.range.upperBound) / 2
        let centered = RelationExpression.minus(number.expression, .literal(.integer(center)))
        let magnitude = max(number.range.upperBound - center, center - number.range.lowerBound, 1)
        let column = core.argument(center == 0 ? number.expression : centered)
        return .mean(
            sum: core.place(of: .values(column, magnitude: magnitude)),
            count: core.place(of: .present(column)),
            center: Int64(center),
            digits: number.digits,
            bounds: Int64(number.range.lowerBound)...Int64(number.range.upperBound)
        )
    }

    private mutating func variance(
        _ number: ScaledNumber,
        root: Bool,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> TableRelease.Figure {
        let center = (number.range.lowerBound + number.range.upperBound) / 2
        let magnitude = max(number.range.upperBound - center, center - number.range.lowerBound, 1)
        // Squares stay within 2^31: y is counted in steps of 1/2^15 of the half width where it is wide.
        let step = max(1, (magnitude + (1 << 15) - 1) >> 15)
        let centered = RelationExpression.minus(number.expression, .literal(.integer(center)))
        let coarse = step == 1 ? centered : .quotient(centered, .literal(.integer(step)))
        let reach = (magnitude + step - 1) / step
        let column = core.argument(coarse)
        let square = core.argument(.times(coarse, coarse))
        return .variance(
            squares: core.place(of: .values(square, magnitude: reach * reach)),
            sum: core.place(of: .values(column, magnitude: reach)),
            count: core.place(of: .present(column)),
            step: Int64(step),
            digits: number.digits,
            root: root
        )
    }

    // MARK: Order statistics

    private func rank(_ expression: SyntaxExpression) throws(QuestionRefusal) -> Int {
        let decimal: ExactDecimal? =
            switch expression.form {
            case .decimal(let value): value
            case .integer(let value): ExactDecimal(unscaled: Int128(value), scale: 0)
            default: nil
            }
        guard let decimal, decimal.scale <= 4, decimal.unscaled >= 0,
            decimal.unscaled * ScaledNumber.power(4 - decimal.scale) <= 10_000
        else {
            throw QuestionRefusal(
                .typeMismatched,
                at: expression.place,
                ["wanted": .text("a rank from 0 to 1, four digits")]
            )
        }
        return Int(decimal.unscaled * ScaledNumber.power(4 - decimal.scale))
    }

    /// Bins of a histogram from which a quantile is chosen.
    private static let binsMax: Int128 = 256

    private mutating func quantile(
        _ expression: SyntaxExpression,
        _ condition: RelationExpression?,
        basisPoints: Int,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> TableRelease.Figure {
        let number = try argument(expression, condition)
        let low = number.range.lowerBound
        let width = number.range.upperBound - low
        let step = max(1, (width + Self.binsMax) / Self.binsMax)
        let bins = Int(width / step) + 1
        let bin = RelationExpression.quotient(
            .minus(number.expression, .literal(.integer(low))),
            .literal(.integer(step))
        )
        core.histograms.append(
            .init(
                column: core.argument(bin),
                low: Int64(low),
                step: Int64(step),
                bins: bins,
                digits: number.digits,
                rankBasisPoints: basisPoints
            )
        )
        return .quantile(core.histograms.count - 1)
    }

    /// Least and greatest: exactly where the rules say so, by rank under noise, else not at all.
    private mutating func extreme(
        _ expression: SyntaxExpression,
        _ condition: RelationExpression?,
        isLeast: Bool,
        at place: SyntaxPlace?
    ) throws(QuestionRefusal) -> TableRelease.Figure {
        if isNoised {
            return try quantile(expression, condition, basisPoints: isLeast ? 0 : 10_000, at: place)
        }
        guard case .column(let path) = expression.form,
            case .column(let column) = try scope.entry(path, at: expression.place).meaning,
            column.rules.mayTellExtremes
        else { throw QuestionRefusal(.extremesRefused, at: place) }
        let number = try argument(expression, condition)
        let name = core.argument(number.expression)
        return .extreme(core.place(of: isLeast ? .least(name) : .greatest(name)), digits: number.digits)
    }
}

extension RelationExpression {
    /// 1 where the condition is true, else null: what a conditional count counts.
    static func counted(_ condition: RelationExpression) -> RelationExpression {
        .branches([.init(condition, .literal(.integer(1)))], otherwise: .literal(.null))
    }
}
