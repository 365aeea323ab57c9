// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A set of comparisons that, if they held, would turn a clause.
package struct NeededChange: Hashable, Sendable {
    /// One comparison: what is compared, its value now, and what it would have to be.
    package struct Part: Hashable, Sendable {
        package let subject: String
        package let now: String
        package let needed: String
    }

    package let parts: [Part]

    package func text(in language: Language) -> String {
        parts.map { part in
            language == .zh
                ? "\(part.subject) 现为 \(part.now)，需要 \(part.needed)"
                : "\(part.subject) is \(part.now), needs \(part.needed)"
        }.joined(separator: language == .zh ? "；" : "; ")
    }

    /// More ways than this help nobody.
    private static let waysMax = 16

    /// The ways to make a false expression true, the fewest changes first.
    static func turning(
        _ expression: FEELExpression, in scope: FEELScope, _ evaluation: inout FEELEvaluation
    ) -> [NeededChange] {
        ways(expression, wanted: true, in: scope, &evaluation).sorted { $0.count < $1.count }.map {
            NeededChange(parts: $0)
        }
    }

    /// Each way is a list of parts that must all change; no part where it is so already.
    private static func ways(
        _ expression: FEELExpression, wanted: Bool, in scope: FEELScope, _ evaluation: inout FEELEvaluation
    ) -> [[Part]] {
        if case .boolean(wanted) = evaluation.value(expression, in: scope) { return [[]] }
        switch (expression, wanted) {
        case (.and(let left, let right), true), (.or(let left, let right), false):
            let lefts = ways(left, wanted: wanted, in: scope, &evaluation)
            let rights = ways(right, wanted: wanted, in: scope, &evaluation)
            return Array(lefts.flatMap { left in rights.map { left + $0 } }.prefix(waysMax))
        case (.or(let left, let right), true), (.and(let left, let right), false):
            let all =
                ways(left, wanted: wanted, in: scope, &evaluation)
                + ways(right, wanted: wanted, in: scope, &evaluation)
            return Array(all.prefix(waysMax))
        case (.call(.name("not"), let arguments), _) where arguments.count == 1:
            return ways(arguments[0], wanted: !wanted, in: scope, &evaluation)
        default: return [[part(expression, wanted: wanted, in: scope, &evaluation)]]
        }
    }

    private static func part(
        _ expression: FEELExpression, wanted: Bool, in scope: FEELScope, _ evaluation: inout FEELEvaluation
    ) -> Part {
        switch expression {
        case .comparison(let symbol, let left, let right):
            let bound = evaluation.value(right, in: scope).text
            return Part(
                subject: left.written, now: evaluation.value(left, in: scope).text,
                needed: (wanted ? symbol : symbol.opposite).rawValue + " " + bound)
        case .inTests(let value, let tests):
            let alternatives = tests.map { evaluation.value($0, in: scope).text }.joined(separator: ", ")
            return Part(
                subject: value.written, now: evaluation.value(value, in: scope).text,
                needed: (wanted ? "in " : "not in ") + alternatives)
        default:
            return Part(
                subject: expression.written, now: evaluation.value(expression, in: scope).text,
                needed: "\(wanted)")
        }
    }
}

extension FEELExpression.ComparisonOperator {
    fileprivate var opposite: Self {
        switch self {
        case .equal: .unequal
        case .unequal: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }
}

extension FEELExpression {
    /// Short text for a reason.
    fileprivate var written: String {
        switch self {
        case .literal(let value): value.text
        case .name(let name): name
        case .path(let base, let name): base.written + "." + name
        case .filter(let base, _): base.written + "[…]"
        case .call(let function, let arguments):
            function.written + "(" + arguments.map(\.written).joined(separator: ", ") + ")"
        case .arithmetic(let symbol, let left, let right):
            "\(left.written) \(symbol.rawValue) \(right.written)"
        case .negate(let value): "-" + value.written
        case .comparison(let symbol, let left, let right):
            "\(left.written) \(symbol.rawValue) \(right.written)"
        default: "…"
        }
    }
}
