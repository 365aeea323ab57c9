// SPDX-License-Identifier: Apache-2.0

/// A parsed FEEL expression (DMN 1.5 §10.3.1.2).
package indirect enum FEELExpression: Sendable {
    case literal(FEELValue)
    case name(String)
    case path(FEELExpression, String)
    case filter(FEELExpression, FEELExpression)
    case call(FEELExpression, [FEELExpression])
    case namedCall(FEELExpression, [(name: String, value: FEELExpression)])
    case list([FEELExpression])
    case context([(key: String, value: FEELExpression)])
    case range(FEELExpression?, isLowIncluded: Bool, FEELExpression?, isHighIncluded: Bool)
    /// `= x` and `!= x` among unary tests.
    case equalTest(FEELExpression, isNegated: Bool)
    case negate(FEELExpression)
    case arithmetic(ArithmeticOperator, FEELExpression, FEELExpression)
    case comparison(ComparisonOperator, FEELExpression, FEELExpression)
    case between(FEELExpression, FEELExpression, FEELExpression)
    case inTests(FEELExpression, [FEELExpression])
    case and(FEELExpression, FEELExpression)
    case or(FEELExpression, FEELExpression)
    case conditional(FEELExpression, FEELExpression, FEELExpression)
    case loop([Iteration], FEELExpression)
    case quantified(isEvery: Bool, [Iteration], FEELExpression)
    case function([FEELFunction.Parameter], FEELExpression)
    case instanceOf(FEELExpression, FEELType)

    package enum ArithmeticOperator: String, Sendable {
        case add = "+", subtract = "-", multiply = "*", divide = "/", power = "**"
    }

    package enum ComparisonOperator: String, Sendable {
        case equal = "=", unequal = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
    }

    /// `name in source` or `name in source .. end`.
    package struct Iteration: Sendable {
        let name: String
        let source: FEELExpression
        let end: FEELExpression?
    }

    /// Whether `?`, the input of a unary test, occurs outside of inner functions.
    var mentionsInput: Bool {
        switch self {
        case .name(let name): name == "?"
        default: children.contains(where: \.mentionsInput)
        }
    }

    /// The direct parts.
    var children: [FEELExpression] {
        switch self {
        case .literal, .name: []
        case .path(let value, _), .negate(let value), .instanceOf(let value, _), .equalTest(let value, _),
            .function(_, let value):
            [value]
        case .filter(let left, let right), .arithmetic(_, let left, let right),
            .comparison(_, let left, let right),
            .and(let left, let right), .or(let left, let right):
            [left, right]
        case .call(let function, let arguments): [function] + arguments
        case .namedCall(let function, let arguments): [function] + arguments.map(\.value)
        case .list(let elements): elements
        case .context(let entries): entries.map(\.value)
        case .range(let low, _, let high, _): [low, high].compactMap(\.self)
        case .between(let value, let low, let high): [value, low, high]
        case .inTests(let value, let tests): [value] + tests
        case .conditional(let test, let yes, let no): [test, yes, no]
        case .loop(let iterations, let body), .quantified(_, let iterations, let body):
            iterations.flatMap { [$0.source] + [$0.end].compactMap(\.self) } + [body]
        }
    }
}

/// The right side of `in`, a cell of a decision table, an allowed value: alternatives, possibly negated.
package struct FEELTests: Sendable {
    /// Empty for `-`, which every value passes.
    let alternatives: [FEELExpression]
    let isNegated: Bool
}
