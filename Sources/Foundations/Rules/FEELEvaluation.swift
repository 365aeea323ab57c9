// SPDX-License-Identifier: Apache-2.0

/// The names an expression sees: its own, then those around it.
package final class FEELScope: Sendable {
    private let values: FEELContext
    private let outer: FEELScope?

    package static let empty = FEELScope(FEELContext())

    package init(_ values: FEELContext, in outer: FEELScope? = nil) {
        self.values = values
        self.outer = outer
    }

    convenience init(_ name: String, _ value: FEELValue, in outer: FEELScope) {
        self.init(FEELContext([(name, value)]), in: outer)
    }

    func value(of name: String) -> FEELValue? {
        var scope: FEELScope? = self
        while let here = scope {
            if let value = here.values[name] { return value }
            scope = here.outer
        }
        return nil
    }
}

/// One evaluation. In an open world a name that nobody gave is a missing fact; in a DMN model it is `null`.
package struct FEELEvaluation {
    /// Calls of functions inside one another, and elements a loop may make: a pack must not stop the node.
    static let callDepthMax = 200
    static let elementsMax = 1_000_000

    let isOpenWorld: Bool
    let now: FEELDateTime?
    private var callDepth = 0

    package init(isOpenWorld: Bool = false, now: FEELDateTime? = nil) {
        self.isOpenWorld = isOpenWorld
        self.now = now
    }

    // Long because the switch over all forms of expression is complete, not complicated.
    package mutating func value(_ expression: FEELExpression, in scope: FEELScope) -> FEELValue {
        switch expression {
        case .literal(let value): return value
        case .name(let name): return named(name, in: scope)
        case .path(let base, let name): return member(name, of: value(base, in: scope), written: expression)
        case .filter(let base, let condition): return filtered(value(base, in: scope), condition, in: scope)
        case .call(let function, let arguments):
            return called(function, arguments.map { value($0, in: scope) }, in: scope)
        case .namedCall(let function, let arguments): return calledByName(function, arguments, in: scope)
        case .list(let elements): return .list(elements.map { value($0, in: scope) })
        case .context(let entries): return context(entries, in: scope)
        case .range(let low, let isLowIncluded, let high, let isHighIncluded):
            return range(low, isLowIncluded, high, isHighIncluded, in: scope)
        case .equalTest(let bound, let isNegated):
            let bound = value(bound, in: scope)
            return isNegated
                ? .null
                : .range(FEELRange(low: bound, isLowIncluded: true, high: bound, isHighIncluded: true))
        case .negate(let operand): return FEELArithmetic.negated(value(operand, in: scope))
        case .arithmetic(let symbol, let left, let right):
            return FEELArithmetic.combined(symbol, value(left, in: scope), value(right, in: scope))
        case .comparison(let symbol, let left, let right):
            return Self.compared(symbol, value(left, in: scope), value(right, in: scope))
        case .between(let operand, let low, let high):
            let operand = value(operand, in: scope)
            return Self.and(
                Self.compared(.greaterOrEqual, operand, value(low, in: scope)),
                Self.compared(.lessOrEqual, operand, value(high, in: scope)))
        case .inTests(let operand, let tests):
            let operand = value(operand, in: scope)
            return anyPasses(tests, operand, in: scope)
        case .and(let left, let right):
            let left = value(left, in: scope)
            if case .boolean(false) = left { return .false }
            return Self.and(left, value(right, in: scope))
        case .or(let left, let right):
            let left = value(left, in: scope)
            if case .boolean(true) = left { return .true }
            return Self.or(left, value(right, in: scope))
        case .conditional(let test, let yes, let no): return conditional(test, yes, no, in: scope)
        case .loop(let iterations, let body): return loop(iterations, body, in: scope)
        case .quantified(let isEvery, let iterations, let condition):
            return quantified(isEvery, iterations, condition, in: scope)
        case .function(let parameters, let body):
            return .function(Self.closure(parameters, .any, body, in: scope))
        case .instanceOf(let operand, let type):
            let operand = value(operand, in: scope)
            if let missing = operand.missingFacts { return .missing(missing) }
            if case .unknown = type { return .null }
            return .boolean(type.includes(operand, &self))
        }
    }

    // MARK: Names and members

    private func named(_ name: String, in scope: FEELScope) -> FEELValue {
        if let value = scope.value(of: name) { return value }
        if let function = FEELBuiltins.function(name) { return .function(function) }
        return isOpenWorld ? .missing([name]) : .null
    }

    private func member(_ name: String, of base: FEELValue, written: FEELExpression) -> FEELValue {
        switch base {
        case .missing: return .missing([Self.pathText(written)])
        case .context(let context):
            return context[name] ?? (isOpenWorld ? .missing([Self.pathText(written)]) : .null)
        case .list(let elements):
            return .list(elements.map { member(name, of: $0, written: written) })
        default: return FEELProperties.property(name, of: base)
        }
    }

    static func pathText(_ expression: FEELExpression) -> String {
        switch expression {
        case .name(let name): name
        case .path(let base, let name): pathText(base) + "." + name
        case .filter(let base, _): pathText(base) + "[…]"
        default: "…"
        }
    }

    private mutating func filtered(
        _ base: FEELValue, _ condition: FEELExpression, in scope: FEELScope
    ) -> FEELValue {
        if case .missing = base { return base }
        let elements: [FEELValue] =
            switch base {
            case .list(let elements): elements
            case .null: []
            default: [base]
            }
        if !condition.mentionsItem(elements), case .number(let place) = value(condition, in: scope) {
            guard let place = place.integer, place != 0, abs(place) <= elements.count else { return .null }
            return elements[place > 0 ? place - 1 : elements.count + place]
        }
        var kept: [FEELValue] = []
        for element in elements {
            var inner = FEELScope("item", element, in: scope)
            if case .context(let context) = element {
                inner = FEELScope(context, in: inner)
                if context["item"] != nil { inner = FEELScope(context, in: scope) }
            }
            switch value(condition, in: inner) {
            case .boolean(true): kept.append(element)
            case .missing(let facts): return .missing(facts)
            default: break
            }
        }
        return .list(kept)
    }

    // MARK: Building values

    private mutating func context(_ entries: [(key: String, value: FEELExpression)], in scope: FEELScope)
        -> FEELValue
    {
        var context = FEELContext()
        for entry in entries {
            guard context[entry.key] == nil else { return .null }  // A key twice is an error (§10.3.2.6).
            context[entry.key] = value(entry.value, in: FEELScope(context, in: scope))
        }
        return .context(context)
    }

    private mutating func range(
        _ low: FEELExpression?, _ isLowIncluded: Bool, _ high: FEELExpression?, _ isHighIncluded: Bool,
        in scope: FEELScope
    ) -> FEELValue {
        let low = low.map { value($0, in: scope) }
        let high = high.map { value($0, in: scope) }
        let missing = (low?.missingFacts ?? []).union(high?.missingFacts ?? [])
        if !missing.isEmpty { return .missing(missing) }
        if let low, let high, !low.isNull, !high.isNull, low.precedes(high) == nil { return .null }
        return .range(
            FEELRange(low: low, isLowIncluded: isLowIncluded, high: high, isHighIncluded: isHighIncluded))
    }

    private mutating func conditional(
        _ test: FEELExpression, _ yes: FEELExpression, _ no: FEELExpression, in scope: FEELScope
    ) -> FEELValue {
        let test = value(test, in: scope)
        guard case .missing(let facts) = test else { return value(test.isTrue ? yes : no, in: scope) }
        // Unknown which way: the answer is known only if both ways agree.
        let both = (value(yes, in: scope), value(no, in: scope))
        return both.0.equals(both.1) == true ? both.0 : .missing(facts)
    }

    // MARK: Loops

    private mutating func elements(
        of iteration: FEELExpression.Iteration, in scope: FEELScope
    ) -> Result<[FEELValue], Stop> {
        let source = value(iteration.source, in: scope)
        if let end = iteration.end {
            return FEELArithmetic.steps(from: source, to: value(end, in: scope))
        }
        switch source {
        case .missing(let facts): return .failure(.missing(facts))
        case .null: return .failure(.null)
        case .list(let elements): return .success(elements)
        case .range(let range):
            guard let low = range.low, let high = range.high, high.precedes(low)?.less != true else {
                return .failure(.null)
            }
            return FEELArithmetic.steps(from: low, to: high).map { elements in
                Array(elements.dropFirst(range.isLowIncluded ? 0 : 1).dropLast(range.isHighIncluded ? 0 : 1))
            }
        default: return .success([source])
        }
    }

    enum Stop: Error {
        case null
        case missing(Set<String>)
        var value: FEELValue { if case .missing(let facts) = self { .missing(facts) } else { .null } }
    }

    private mutating func each(
        _ iterations: ArraySlice<FEELExpression.Iteration>, in scope: FEELScope,
        _ visit: (FEELScope, inout FEELEvaluation) throws(Stop) -> Void
    ) throws(Stop) {
        guard let first = iterations.first else { return try visit(scope, &self) }
        for element in try elements(of: first, in: scope).get() {
            try each(iterations.dropFirst(), in: FEELScope(first.name, element, in: scope), visit)
        }
    }

    private mutating func loop(
        _ iterations: [FEELExpression.Iteration], _ body: FEELExpression, in scope: FEELScope
    ) -> FEELValue {
        var results: [FEELValue] = []
        do throws(Stop) {
            try each(iterations[...], in: scope) { scope, evaluation throws(Stop) in
                guard results.count < Self.elementsMax else { throw .null }
                results.append(evaluation.value(body, in: FEELScope("partial", .list(results), in: scope)))
            }
        } catch { return error.value }
        return .list(results)
    }

    private mutating func quantified(
        _ isEvery: Bool, _ iterations: [FEELExpression.Iteration], _ condition: FEELExpression,
        in scope: FEELScope
    ) -> FEELValue {
        var answer = FEELValue.boolean(isEvery)
        do throws(Stop) {
            try each(iterations[...], in: scope) { scope, evaluation throws(Stop) in
                let verdict = evaluation.value(condition, in: scope)
                answer = isEvery ? Self.and(answer, verdict) : Self.or(answer, verdict)
            }
        } catch { return error.value }
        return answer
    }

    // MARK: Calls

    static func closure(
        _ parameters: [FEELFunction.Parameter], _ result: FEELType, _ body: FEELExpression,
        in scope: FEELScope
    ) -> FEELFunction {
        FEELFunction(parameters: parameters, result: result) { arguments, evaluation in
            var values = FEELContext()
            for (parameter, argument) in zip(parameters, arguments) { values[parameter.name] = argument }
            return evaluation.value(body, in: FEELScope(values, in: scope))
        }
    }

    private mutating func called(
        _ callee: FEELExpression, _ arguments: [FEELValue], in scope: FEELScope
    ) -> FEELValue {
        if case .name(let name) = callee, scope.value(of: name) == nil {
            return FEELBuiltins.call(name, arguments, &self)
        }
        guard case .function(let function) = value(callee, in: scope) else { return .null }
        return apply(function, arguments)
    }

    /// Calls with the declared types of parameters and result (§10.3.2.13.2).
    mutating func apply(_ function: FEELFunction, _ arguments: [FEELValue]) -> FEELValue {
        guard arguments.count == function.parameters.count, callDepth < Self.callDepthMax else {
            return .null
        }
        callDepth += 1
        defer { callDepth -= 1 }
        var coerced: [FEELValue] = []
        for (parameter, argument) in zip(function.parameters, arguments) {
            let value = parameter.type.coerced(argument, &self)
            if value.isNull && !argument.isNull { return .null }
            coerced.append(value)
        }
        return function.result.coerced(function.call(coerced, &self), &self)
    }

    private mutating func calledByName(
        _ callee: FEELExpression, _ arguments: [(name: String, value: FEELExpression)], in scope: FEELScope
    ) -> FEELValue {
        let values = arguments.map { (name: $0.name, value: value($0.value, in: scope)) }
        if case .name(let name) = callee, scope.value(of: name) == nil {
            return FEELBuiltins.call(name, named: values, &self)
        }
        guard case .function(let function) = value(callee, in: scope),
            values.allSatisfy({ argument in function.parameters.contains { $0.name == argument.name } })
        else { return .null }
        return apply(
            function,
            function.parameters.map { parameter in
                values.first { $0.name == parameter.name }?.value ?? .null
            })
    }

    // MARK: Tests

    /// Whether a value passes the tests of a cell.
    mutating func passes(_ tests: FEELTests, _ value: FEELValue, in scope: FEELScope) -> FEELValue {
        guard !tests.alternatives.isEmpty else { return .true }
        let answer = anyPasses(tests.alternatives, value, in: FEELScope("?", value, in: scope))
        guard tests.isNegated else { return answer }
        return FEELBuiltins.negation(answer)
    }

    private mutating func anyPasses(_ tests: [FEELExpression], _ value: FEELValue, in scope: FEELScope)
        -> FEELValue
    {
        var answer = FEELValue.false
        for test in tests {
            answer = Self.or(answer, passes(test, value, in: scope))
            if answer.isTrue { return answer }
        }
        return answer
    }

    private mutating func passes(_ test: FEELExpression, _ operand: FEELValue, in scope: FEELScope)
        -> FEELValue
    {
        if case .equalTest(let bound, true) = test {
            return FEELBuiltins.negation(Self.compared(.equal, operand, value(bound, in: scope)))
        }
        if case .equalTest(let bound, false) = test {
            return Self.compared(.equal, operand, value(bound, in: scope))
        }
        let tested = value(test, in: scope)
        if test.mentionsInput { return tested }
        if let missing = operand.missingFacts ?? tested.missingFacts { return .missing(missing) }
        switch tested {
        case .range(let range):
            if case .range = operand { return .boolean(operand.equals(tested) == true) }
            return range.contains(operand).map { .boolean($0) } ?? .null
        case .list(let elements):
            if operand.equals(tested) == true { return .true }
            var answer = FEELValue.false
            for element in elements {
                if operand.equals(element) == true { return .true }
                if case .range(let range) = element, range.contains(operand) == true { return .true }
                if case .list(let inner) = element, inner.contains(where: { $0.equals(operand) == true }) {
                    answer = .true
                }
            }
            return answer
        case .boolean where !Self.isBoolean(operand): return tested
        default: return operand.equals(tested).map { .boolean($0) } ?? .null
        }
    }

    private static func isBoolean(_ value: FEELValue) -> Bool {
        if case .boolean = value { true } else { false }
    }

    // MARK: Logic

    static func and(_ left: FEELValue, _ right: FEELValue) -> FEELValue {
        if case .boolean(false) = left { return .false }
        if case .boolean(false) = right { return .false }
        if left.isTrue && right.isTrue { return .true }
        return undecided(left, right)
    }

    static func or(_ left: FEELValue, _ right: FEELValue) -> FEELValue {
        if left.isTrue || right.isTrue { return .true }
        if case .boolean(false) = left, case .boolean(false) = right { return .false }
        return undecided(left, right)
    }

    private static func undecided(_ left: FEELValue, _ right: FEELValue) -> FEELValue {
        let facts = (left.missingFacts ?? []).union(right.missingFacts ?? [])
        return facts.isEmpty ? .null : .missing(facts)
    }

    static func compared(
        _ symbol: FEELExpression.ComparisonOperator, _ left: FEELValue, _ right: FEELValue
    ) -> FEELValue {
        if left.missingFacts != nil || right.missingFacts != nil { return undecided(left, right) }
        switch symbol {
        case .equal: return left.equals(right).map { .boolean($0) } ?? .null
        case .unequal: return left.equals(right).map { .boolean(!$0) } ?? .null
        case .less: return left.precedes(right).map { .boolean($0.less) } ?? .null
        case .lessOrEqual: return left.precedes(right).map { .boolean($0.less || $0.equal) } ?? .null
        case .greater: return left.precedes(right).map { .boolean(!$0.less && !$0.equal) } ?? .null
        case .greaterOrEqual: return left.precedes(right).map { .boolean(!$0.less) } ?? .null
        }
    }
}

extension FEELExpression {
    /// Whether a filter's condition depends on the element: then it is asked for each, and is no place number.
    fileprivate func mentionsItem(_ elements: [FEELValue]) -> Bool {
        switch self {
        case .name("item"), .path(.name("item"), _): return true
        case .name(let name):
            if case .context(let context)? = elements.first { return context[name] != nil }
            return false
        default: return children.contains { $0.mentionsItem(elements) }
        }
    }
}
