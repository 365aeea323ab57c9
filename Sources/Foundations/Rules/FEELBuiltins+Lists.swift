// SPDX-License-Identifier: Apache-2.0

extension FEELBuiltins {
    static let lists: [String: [FEELBuiltin]] = [
        "list contains": [
            FEELBuiltin("list, element") { arguments in
                arguments[0].listed.map { .boolean($0.contains { $0.equals(arguments[1]) == true }) }
            }
        ],
        "count": [FEELBuiltin("list") { $0[0].listed.map { .number($0.count) } }],
        "min": [FEELBuiltin("list", isVariadic: true) { extreme($0) { $0.precedes($1)?.less } }],
        "max": [FEELBuiltin("list", isVariadic: true) { extreme($0) { $1.precedes($0)?.less } }],
        "sum": [FEELBuiltin("list", isVariadic: true) { total($0) }],
        "mean": [
            FEELBuiltin("list", isVariadic: true) { arguments in
                guard case .number(let sum)? = total(arguments), let count = arguments.spread?.count else {
                    return nil
                }
                return sum.divided(by: Decimal34(count)).map { .number($0) }
            }
        ],
        "product": [
            FEELBuiltin("list", isVariadic: true) { arguments in
                guard let numbers = arguments.spread?.numbers, !numbers.isEmpty else { return nil }
                return numbers.dropFirst().reduce(numbers[0] as Decimal34?) { $0?.multiplied(by: $1) }.map {
                    .number($0)
                }
            }
        ],
        "median": [
            FEELBuiltin("list", isVariadic: true) { arguments in
                guard let numbers = arguments.spread?.numbers?.sorted(), !numbers.isEmpty else { return nil }
                let middle = numbers.count / 2
                guard numbers.count.isMultiple(of: 2) else { return .number(numbers[middle]) }
                return numbers[middle - 1].adding(numbers[middle])?.divided(by: Decimal34(2)).map {
                    .number($0)
                }
            }
        ],
        "mode": [
            FEELBuiltin("list", isVariadic: true) { arguments in
                guard let numbers = arguments.spread?.numbers else { return nil }
                let counts = numbers.reduce(into: [Decimal34: Int]()) { $0[$1, default: 0] += 1 }
                let most = counts.values.max()
                return .list(counts.filter { $0.value == most }.keys.sorted().map { .number($0) })
            }
        ],
        "stddev": [FEELBuiltin("list", isVariadic: true) { deviation($0) }],
        "all": [
            FEELBuiltin("list", isVariadic: true) { $0.spread.map { truth($0, FEELEvaluation.and, .true) } }
        ],
        "any": [
            FEELBuiltin("list", isVariadic: true) { $0.spread.map { truth($0, FEELEvaluation.or, .false) } }
        ],
        "and": [
            FEELBuiltin("list", isVariadic: true) { $0.spread.map { truth($0, FEELEvaluation.and, .true) } }
        ],
        "or": [
            FEELBuiltin("list", isVariadic: true) { $0.spread.map { truth($0, FEELEvaluation.or, .false) } }
        ],
        "sublist": [
            FEELBuiltin("list, start position, length", required: 2) { arguments in
                guard let list = arguments[0].listed, let start = arguments[1].integer, start != 0,
                    abs(start) <= list.count
                else { return nil }
                let first = start > 0 ? start - 1 : list.count + start
                guard arguments.count > 2 else { return .list(Array(list[first...])) }
                guard let length = arguments[2].integer, length >= 0, first + length <= list.count else {
                    return nil
                }
                return .list(Array(list[first..<first + length]))
            }
        ],
        "append": [
            FEELBuiltin("list, item", required: 1, isVariadic: true) { arguments in
                arguments[0].listed.map { .list($0 + arguments.dropFirst()) } ?? .list(Array(arguments))
            }
        ],
        "concatenate": [
            FEELBuiltin("list", isVariadic: true) { arguments in
                let parts = arguments.compactMap(\.listed)
                return parts.count == arguments.count ? .list(parts.flatMap(\.self)) : nil
            }
        ],
        "insert before": [
            FEELBuiltin("list, position, newItem") { arguments in
                guard var list = arguments[0].listed, let place = arguments[1].integer, place != 0,
                    abs(place) <= list.count
                else { return nil }
                list.insert(arguments[2], at: place > 0 ? place - 1 : list.count + place)
                return .list(list)
            }
        ],
        "remove": [
            FEELBuiltin("list, position") { arguments in
                guard var list = arguments[0].listed, let place = arguments[1].integer, place != 0,
                    abs(place) <= list.count
                else { return nil }
                list.remove(at: place > 0 ? place - 1 : list.count + place)
                return .list(list)
            }
        ],
        "list replace": [
            FEELBuiltin("list, position, newItem", evaluating: { replaced($0, &$1) }),
            FEELBuiltin("list, match, newItem", evaluating: { replaced($0, &$1) }),
        ],
        "reverse": [FEELBuiltin("list") { $0[0].listed.map { .list($0.reversed()) } }],
        "index of": [
            FEELBuiltin("list, match") { arguments in
                arguments[0].listed.map { list in
                    .list(
                        list.indices.filter { list[$0].equals(arguments[1]) == true }.map { .number($0 + 1) })
                }
            }
        ],
        "union": [
            FEELBuiltin("list", isVariadic: true) { arguments in
                .list(distinct(arguments.flatMap { $0.listed ?? [.null] }))
            }
        ],
        "distinct values": [FEELBuiltin("list") { $0[0].listed.map { .list(distinct($0)) } }],
        "flatten": [FEELBuiltin("list") { $0[0].listed.map { .list(flattened($0)) } }],
        "sort": [
            FEELBuiltin(
                "list, precedes",
                evaluating: { arguments, evaluation in
                    guard let list = arguments[0].listed, case .function(let precedes) = arguments[1],
                        precedes.parameters.count == 2
                    else { return nil }
                    return .list(list.sorted { evaluation.apply(precedes, [$0, $1]).isTrue })
                })
        ],
    ]

    private static func extreme(_ arguments: [FEELValue], _ isBetter: (FEELValue, FEELValue) -> Bool?)
        -> FEELValue?
    {
        guard let values = arguments.spread, var best = values.first, best.precedes(best) != nil else {
            return nil
        }
        for value in values.dropFirst() {
            guard let better = isBetter(value, best) else { return nil }
            if better { best = value }
        }
        return best
    }

    private static func total(_ arguments: [FEELValue]) -> FEELValue? {
        guard let values = arguments.spread, var sum = values.first else { return nil }
        if values.numbers != nil || sum.precedes(sum) == nil {
            guard let numbers = values.numbers else { return nil }
            return numbers.dropFirst().reduce(numbers[0] as Decimal34?) { $0?.adding($1) }.map { .number($0) }
        }
        switch sum {
        case .months, .nanoseconds: break
        default: return nil
        }
        for value in values.dropFirst() { sum = FEELArithmetic.combined(.add, sum, value) }
        return sum
    }

    /// The sample's standard deviation (divisor n − 1).
    private static func deviation(_ arguments: [FEELValue]) -> FEELValue? {
        guard let numbers = arguments.spread?.numbers, numbers.count > 1 else { return nil }
        let count = Decimal34(numbers.count)
        let sum = numbers.reduce(Decimal34.zero as Decimal34?) { $0?.adding($1) }
        guard let mean = sum?.divided(by: count) else { return nil }
        let squares = numbers.reduce(Decimal34.zero as Decimal34?) { sum, number in
            number.subtracting(mean).flatMap { $0.multiplied(by: $0) }.flatMap { sum?.adding($0) }
        }
        return squares?.divided(by: Decimal34(numbers.count - 1))?.squareRoot.map { .number($0) }
    }

    private static func truth(
        _ values: [FEELValue], _ combine: (FEELValue, FEELValue) -> FEELValue, _ start: FEELValue
    ) -> FEELValue {
        values.reduce(start) { answer, value in
            if case .boolean = value { return combine(answer, value) }
            return combine(answer, .null)
        }
    }

    private static func replaced(_ arguments: [FEELValue], _ evaluation: inout FEELEvaluation) -> FEELValue? {
        guard var list = arguments[0].listed else { return nil }
        if case .function(let match) = arguments[1] {
            guard match.parameters.count == 2 else { return nil }
            for place in list.indices {
                guard case .boolean(let isMatch) = evaluation.apply(match, [list[place], arguments[2]]) else {
                    return nil
                }
                if isMatch { list[place] = arguments[2] }
            }
            return .list(list)
        }
        guard let place = arguments[1].integer, place != 0, abs(place) <= list.count else { return nil }
        list[place > 0 ? place - 1 : list.count + place] = arguments[2]
        return .list(list)
    }

    private static func distinct(_ values: [FEELValue]) -> [FEELValue] {
        values.reduce(into: []) { kept, value in
            if !kept.contains(where: { $0.equals(value) == true }) { kept.append(value) }
        }
    }

    private static func flattened(_ values: [FEELValue]) -> [FEELValue] {
        values.flatMap { $0.elements.map(flattened) ?? [$0] }
    }
}
