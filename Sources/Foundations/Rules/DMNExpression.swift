// SPDX-License-Identifier: Apache-2.0

/// Decision logic as DMN boxes it (DMN 1.5 §10.2).
package indirect enum DMNExpression: Sendable {
    case literal(FEELExpression)
    case context([DMNContextEntry])
    case list([DMNExpression])
    case relation(columns: [String], rows: [[DMNExpression]])
    case table(DecisionTable)
    case invocation(DMNExpression, bindings: [(name: String, value: DMNExpression)])
    case function([FEELFunction.Parameter], FEELType, DMNExpression)
    case conditional(DMNExpression, DMNExpression, DMNExpression)
    case filter(DMNExpression, DMNExpression)
    case loop(name: String, DMNExpression, DMNExpression)
    case quantified(isEvery: Bool, name: String, DMNExpression, DMNExpression)
    case typed(DMNExpression, FEELType)
    /// Logic this engine does not run, such as Java: always `null`.
    case foreign
}

/// One line of a boxed context; without a name it is the context's result.
package struct DMNContextEntry: Sendable {
    let name: String?
    let type: FEELType
    let value: DMNExpression
}

extension FEELEvaluation {
    /// Evaluates boxed logic.
    package mutating func value(_ expression: DMNExpression, in scope: FEELScope) -> FEELValue {
        switch expression {
        case .literal(let expression): return value(expression, in: scope)
        case .context(let entries): return context(entries, in: scope)
        case .list(let elements): return .list(elements.map { value($0, in: scope) })
        case .relation(let columns, let rows):
            return .list(
                rows.map { row in
                    .context(FEELContext(Array(zip(columns, row.map { value($0, in: scope) }))))
                })
        case .table(let table): return table.decide(in: scope, &self)
        case .invocation(let callee, let bindings):
            guard case .function(let function) = value(callee, in: scope) else { return .null }
            let values = bindings.map { (name: $0.name, value: value($0.value, in: scope)) }
            return apply(
                function,
                function.parameters.map { parameter in
                    values.first { $0.name == parameter.name }?.value ?? .null
                })
        case .function(let parameters, let result, let body):
            return .function(
                FEELFunction(parameters: parameters, result: result) { arguments, evaluation in
                    let values = Array(zip(parameters.map(\.name), arguments))
                    return evaluation.value(body, in: FEELScope(FEELContext(values), in: scope))
                })
        case .conditional(let test, let yes, let no):
            switch value(test, in: scope) {
            case .boolean(true): return value(yes, in: scope)
            case .boolean(false), .null: return value(no, in: scope)
            default: return .null
            }
        case .filter(let source, let match): return filter(value(source, in: scope), match, in: scope)
        case .loop, .quantified: return iterated(expression, in: scope)
        case .typed(let inner, let type):
            let inner = value(inner, in: scope)
            return type.coerced(inner, &self)
        case .foreign: return .null
        }
    }

    private mutating func context(_ entries: [DMNContextEntry], in scope: FEELScope) -> FEELValue {
        var context = FEELContext()
        for entry in entries {
            let inner = value(entry.value, in: FEELScope(context, in: scope))
            let coerced = entry.type.coerced(inner, &self)
            guard let name = entry.name else { return coerced }
            context[name] = coerced
        }
        return .context(context)
    }

    private mutating func filter(_ source: FEELValue, _ match: DMNExpression, in scope: FEELScope)
        -> FEELValue
    {
        guard let elements = source.listed else { return .null }
        var kept: [FEELValue] = []
        for element in elements {
            var inner = FEELScope("item", element, in: scope)
            if case .context(let members) = element { inner = FEELScope(members, in: inner) }
            guard case .boolean(let isKept) = value(match, in: inner) else { return .null }
            if isKept { kept.append(element) }
        }
        return .list(kept)
    }

    private mutating func iterated(_ expression: DMNExpression, in scope: FEELScope) -> FEELValue {
        switch expression {
        case .loop(let name, let source, let body):
            guard let elements = iterable(value(source, in: scope)) else { return .null }
            var results: [FEELValue] = []
            for element in elements {
                let inner = FEELScope(FEELContext([(name, element), ("partial", .list(results))]), in: scope)
                results.append(value(body, in: inner))
            }
            return .list(results)
        case .quantified(let isEvery, let name, let source, let condition):
            guard let elements = iterable(value(source, in: scope)) else { return .null }
            return elements.reduce(.boolean(isEvery)) { answer, element in
                let verdict = value(condition, in: FEELScope(name, element, in: scope))
                return isEvery ? Self.and(answer, verdict) : Self.or(answer, verdict)
            }
        default: return .null
        }
    }

    private func iterable(_ source: FEELValue) -> [FEELValue]? {
        if case .range(let range) = source, let low = range.low, let high = range.high,
            case .success(let elements) = FEELArithmetic.steps(from: low, to: high)
        {
            return Array(
                elements.dropFirst(range.isLowIncluded ? 0 : 1).dropLast(range.isHighIncluded ? 0 : 1))
        }
        return source.listed
    }
}
