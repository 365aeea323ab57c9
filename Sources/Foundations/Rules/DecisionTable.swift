// SPDX-License-Identifier: Apache-2.0

/// A decision table (DMN 1.5 §8.3, §10.3.3.1).
package struct DecisionTable: Sendable {
    package enum HitPolicy: String, Sendable {
        case unique = "UNIQUE", first = "FIRST", priority = "PRIORITY", any = "ANY", collect = "COLLECT"
        case ruleOrder = "RULE ORDER", outputOrder = "OUTPUT ORDER"
    }

    package enum Aggregation: String, Sendable { case sum = "SUM", count = "COUNT", min = "MIN", max = "MAX" }

    struct Input: Sendable {
        let expression: FEELExpression
        let allowed: FEELTests?
    }

    struct Output: Sendable {
        let name: String?
        let type: FEELType
        /// In the order of their priority.
        let values: [FEELExpression]
        let otherwise: FEELExpression?
    }

    struct Rule: Sendable {
        let tests: [FEELTests]
        let results: [FEELExpression]
    }

    let policy: HitPolicy
    let aggregation: Aggregation?
    let inputs: [Input]
    let outputs: [Output]
    let rules: [Rule]

    /// The table's answer; `null` where its own rules are broken (two hits under UNIQUE, a value outside of those
    /// that are allowed).
    func decide(in scope: FEELScope, _ evaluation: inout FEELEvaluation) -> FEELValue {
        var given: [FEELValue] = []
        for input in inputs {
            let value = evaluation.value(input.expression, in: scope)
            if let allowed = input.allowed, !value.isNull,
                !evaluation.passes(allowed, value, in: scope).isTrue
            {
                return .null
            }
            given.append(value)
        }
        var hits: [[FEELValue]] = []
        for rule in rules {
            switch hit(rule, given, in: scope, &evaluation) {
            case .boolean(true):
                hits.append(
                    zip(outputs, rule.results).map { output, result in
                        let value = evaluation.value(result, in: scope)
                        return output.type.coerced(value, &evaluation)
                    })
            case .missing(let facts): return .missing(facts)
            default: continue
            }
            if policy == .first { break }
        }
        return combined(hits, in: scope, &evaluation)
    }

    private func hit(
        _ rule: Rule, _ given: [FEELValue], in scope: FEELScope, _ evaluation: inout FEELEvaluation
    ) -> FEELValue {
        var answer = FEELValue.true
        for (tests, value) in zip(rule.tests, given) {
            let passed = evaluation.passes(tests, value, in: scope)
            if case .missing = passed {
                answer = FEELEvaluation.and(answer, passed)
            } else if !passed.isTrue {
                return .false
            }
        }
        return answer
    }

    private func combined(
        _ hits: [[FEELValue]], in scope: FEELScope, _ evaluation: inout FEELEvaluation
    ) -> FEELValue {
        guard !hits.isEmpty else { return defaults(in: scope, &evaluation) }
        switch policy {
        case .unique: return hits.count == 1 ? output(hits[0]) : .null
        case .first: return output(hits[0])
        case .any:
            let first = output(hits[0])
            return hits.allSatisfy { output($0).equals(first) == true } ? first : .null
        case .priority: return ordered(hits, in: scope, &evaluation).first.map(output) ?? .null
        case .outputOrder: return .list(ordered(hits, in: scope, &evaluation).map(output))
        case .ruleOrder: return .list(hits.map(output))
        case .collect: return aggregated(hits.map(output), &evaluation)
        }
    }

    private func aggregated(_ values: [FEELValue], _ evaluation: inout FEELEvaluation) -> FEELValue {
        switch aggregation {
        case nil: .list(values)
        case .count: .number(values.count)
        case .sum: FEELBuiltins.call("sum", [.list(values)], &evaluation)
        case .min: FEELBuiltins.call("min", [.list(values)], &evaluation)
        case .max: FEELBuiltins.call("max", [.list(values)], &evaluation)
        }
    }

    private func defaults(in scope: FEELScope, _ evaluation: inout FEELEvaluation) -> FEELValue {
        guard outputs.contains(where: { $0.otherwise != nil }) else { return .null }
        return output(outputs.map { $0.otherwise.map { evaluation.value($0, in: scope) } ?? .null })
    }

    private func output(_ values: [FEELValue]) -> FEELValue {
        guard outputs.count > 1 else { return values.first ?? .null }
        return .context(FEELContext(zip(outputs, values).map { ($0.name ?? "", $1) }))
    }

    /// By the place of each output among its allowed values, the first output first; stable.
    private func ordered(
        _ hits: [[FEELValue]], in scope: FEELScope, _ evaluation: inout FEELEvaluation
    ) -> [[FEELValue]] {
        let ranks = hits.map { hit in
            zip(outputs, hit).map { output, value in
                output.values.firstIndex { evaluation.value($0, in: scope).equals(value) == true }
                    ?? output.values.count
            }
        }
        return hits.indices.sorted { left, right in
            ranks[left] == ranks[right] ? left < right : ranks[left].lexicographicallyPrecedes(ranks[right])
        }.map { hits[$0] }
    }
}
