// SPDX-License-Identifier: Apache-2.0

/// One form of a built-in function: its parameters and what it does with arguments that are all known.
struct FEELBuiltin: Sendable {
    let parameters: [String]
    /// How many must be given.
    let required: Int
    /// The last parameter may be repeated.
    let isVariadic: Bool
    let body: @Sendable ([FEELValue], inout FEELEvaluation) -> FEELValue?

    init(
        _ parameters: String, required: Int? = nil, isVariadic: Bool = false,
        _ body: @escaping @Sendable ([FEELValue]) -> FEELValue?
    ) {
        self.init(parameters, required: required, isVariadic: isVariadic) { arguments, _ in body(arguments) }
    }

    init(
        _ parameters: String, required: Int? = nil, isVariadic: Bool = false,
        evaluating body: @escaping @Sendable ([FEELValue], inout FEELEvaluation) -> FEELValue?
    ) {
        self.parameters = parameters.isEmpty ? [] : parameters.split(separator: ", ").map(String.init)
        self.required = required ?? self.parameters.count
        self.isVariadic = isVariadic
        self.body = body
    }

    func takes(_ count: Int) -> Bool { count >= required && (isVariadic || count <= parameters.count) }
}

/// The built-in functions of FEEL (DMN 1.5 §10.3.4), by name.
enum FEELBuiltins {
    private static let all: [String: [FEELBuiltin]] = [
        conversion, numeric, text, lists, temporal, ranges, contexts,
    ].reduce(into: [:]) { all, family in all.merge(family) { $0 + $1 } }

    /// Names of functions and properties: the parser must know those with spaces.
    static let names =
        Array(all.keys) + all.values.joined().flatMap(\.parameters) + [
            "time offset", "start included", "end included",
        ]

    /// A built-in as a value, for instance handed to `sort`.
    static func function(_ name: String) -> FEELFunction? {
        guard let form = all[name]?.first else { return nil }
        return FEELFunction(
            parameters: form.parameters.map { FEELFunction.Parameter(name: $0, type: .any) }, result: .any
        ) { arguments, evaluation in call(name, arguments, &evaluation) }
    }

    static func call(_ name: String, _ arguments: [FEELValue], _ evaluation: inout FEELEvaluation)
        -> FEELValue
    {
        guard let form = all[name]?.first(where: { $0.takes(arguments.count) }) else {
            return evaluation.isOpenWorld && all[name] == nil ? .missing([name]) : .null
        }
        if let missing = FEELValue.list(arguments).missingFacts { return .missing(missing) }
        return form.body(arguments, &evaluation) ?? .null
    }

    static func call(
        _ name: String, named arguments: [(name: String, value: FEELValue)],
        _ evaluation: inout FEELEvaluation
    ) -> FEELValue {
        let given = Set(arguments.map(\.name))
        guard given.count == arguments.count,
            let form = all[name]?.first(where: { form in
                given.isSubset(of: form.parameters)
                    && form.parameters.prefix(form.required).allSatisfy(given.contains)
            })
        else { return .null }
        let ordered = form.parameters.map { parameter in arguments.first { $0.name == parameter }?.value }
        let last = ordered.lastIndex { $0 != nil } ?? -1
        let values = ordered.prefix(last + 1).map { $0 ?? .null }
        if let missing = FEELValue.list(values).missingFacts { return .missing(missing) }
        return form.body(values, &evaluation) ?? .null
    }

    static func negation(_ value: FEELValue) -> FEELValue {
        switch value {
        case .boolean(let value): .boolean(!value)
        case .missing: value
        default: .null
        }
    }
}

// MARK: What arguments may be

extension FEELValue {
    /// A list with one element stands for it.
    var single: FEELValue {
        if case .list(let elements) = self, elements.count == 1 { elements[0].single } else { self }
    }
    var number: Decimal34? { if case .number(let number) = single { number } else { nil } }
    var string: String? { if case .string(let text) = single { text } else { nil } }
    var bool: Bool? { if case .boolean(let value) = single { value } else { nil } }
    var integer: Int? { number?.integer }
    var elements: [FEELValue]? { if case .list(let elements) = self { elements } else { nil } }
    /// A list, or one value as a list of one.
    var listed: [FEELValue]? {
        switch self {
        case .list(let elements): elements
        case .null: nil
        default: [self]
        }
    }
    static func number(_ value: Int) -> FEELValue { .number(Decimal34(value)) }
}

extension [FEELValue] {
    /// All as numbers, or `nil`.
    var numbers: [Decimal34]? {
        let numbers = compactMap { if case .number(let number) = $0 { number } else { nil } }
        return numbers.count == count ? numbers : nil
    }

    /// `f(list)` and `f(a, b, c)` say the same.
    var spread: [FEELValue]? { count == 1 ? self[0].listed : self }
}

// MARK: Families

extension FEELBuiltins {
    static let conversion: [String: [FEELBuiltin]] = [
        "number": [
            FEELBuiltin("from") {
                $0[0].string.flatMap { parsedNumber($0, nil, nil) } ?? ($0[0].number.map { .number($0) })
            },
            FEELBuiltin("from, grouping separator, decimal separator") { arguments in
                guard let text = arguments[0].string,
                    arguments[1].isNull || arguments[1].string != nil,
                    arguments[2].isNull || arguments[2].string != nil
                else { return nil }
                return parsedNumber(text, arguments[1].string, arguments[2].string)
            },
        ],
        "string": [FEELBuiltin("from") { $0[0].isNull ? nil : .string($0[0].text) }],
        "not": [FEELBuiltin("negand") { negation($0[0].single) }],
        "is": [FEELBuiltin("value1, value2") { .boolean(isSame($0[0], $0[1])) }],
    ]

    private static func parsedNumber(_ text: String, _ grouping: String?, _ point: String?) -> FEELValue? {
        guard grouping == nil || [" ", ",", "."].contains(grouping),
            point == nil || [",", "."].contains(point),
            grouping == nil || grouping != point
        else { return nil }
        var plain = text
        if let grouping { plain = plain.replacing(grouping, with: "") }
        if let point, point != "." {
            guard !plain.contains(".") else { return nil }
            plain = plain.replacing(point, with: ".")
        }
        return Decimal34(plain).map { .number($0) }
    }

    /// Same kind and same components, as `is()` asks.
    private static func isSame(_ left: FEELValue, _ right: FEELValue) -> Bool {
        switch (left, right) {
        case (.time(let left), .time(let right)): left == right
        case (.dateTime(let left), .dateTime(let right)): left == right
        case (.months, .nanoseconds), (.nanoseconds, .months): false
        default: left.equals(right) == true
        }
    }

    static let numeric: [String: [FEELBuiltin]] = [
        "decimal": [FEELBuiltin("n, scale") { rounded($0, .halfEven) }],
        "round up": [FEELBuiltin("n, scale") { rounded($0, .up) }],
        "round down": [FEELBuiltin("n, scale") { rounded($0, .down) }],
        "round half up": [FEELBuiltin("n, scale") { rounded($0, .halfUp) }],
        "round half down": [FEELBuiltin("n, scale") { rounded($0, .halfDown) }],
        "floor": [FEELBuiltin("n, scale", required: 1) { rounded($0, .floor) }],
        "ceiling": [FEELBuiltin("n, scale", required: 1) { rounded($0, .ceiling) }],
        "abs": [
            FEELBuiltin("n") {
                switch $0[0].single {
                case .number(let value): .number(value.magnitude)
                case .nanoseconds(let value): .nanoseconds(value < 0 ? -value : value)
                case .months(let value): .months(abs(value))
                default: nil
                }
            }
        ],
        "modulo": [
            FEELBuiltin("dividend, divisor") { arguments in
                guard let dividend = arguments[0].number, let divisor = arguments[1].number else {
                    return nil
                }
                return dividend.modulo(divisor).map { .number($0) }
            }
        ],
        "sqrt": [FEELBuiltin("number") { $0[0].number?.squareRoot.map { .number($0) } }],
        "log": [FEELBuiltin("number") { $0[0].number?.logarithm.map { .number($0) } }],
        "exp": [FEELBuiltin("number") { $0[0].number?.exponential.map { .number($0) } }],
        "odd": [FEELBuiltin("number") { parity($0[0], 1) }],
        "even": [FEELBuiltin("number") { parity($0[0], 0) }],
    ]

    private static func rounded(_ arguments: [FEELValue], _ rounding: Decimal34.Rounding) -> FEELValue? {
        guard let number = arguments[0].number else { return nil }
        let scale = arguments.count > 1 ? arguments[1].number?.rounded(to: 0, .down)?.integer : 0
        guard let scale, (-6111...6176).contains(scale) else { return nil }
        return number.rounded(to: scale, rounding).map { .number($0) }
    }

    private static func parity(_ value: FEELValue, _ wanted: Int) -> FEELValue? {
        guard let rest = value.number?.modulo(Decimal34(2)) else { return nil }
        return .boolean(rest == Decimal34(wanted))
    }

    static let contexts: [String: [FEELBuiltin]] = [
        "get value": [
            FEELBuiltin("m, key") { arguments in
                guard case .context(let context) = arguments[0] else { return nil }
                if let key = arguments[1].string { return context[key] }
                return arguments[1].elements.flatMap { keys in
                    keys.reduce(arguments[0]) { value, key in
                        guard case .context(let inner)? = value, let key = key.string else { return nil }
                        return inner[key]
                    }
                }
            }
        ],
        "get entries": [
            FEELBuiltin("m") { arguments in
                guard case .context(let context) = arguments[0] else { return nil }
                return .list(
                    context.entries.map {
                        .context(FEELContext([("key", .string($0.name)), ("value", $0.value)]))
                    })
            }
        ],
        "context": [FEELBuiltin("entries") { built($0[0]) }],
        "context put": [
            FEELBuiltin("context, key, value") { put($0[0], [$0[1]], $0[2]) },
            FEELBuiltin("context, keys, value") { put($0[0], $0[1].elements ?? [], $0[2]) },
        ],
        "context merge": [
            FEELBuiltin("contexts") { arguments in
                guard let parts = arguments[0].listed, !parts.isEmpty || arguments[0].elements != nil else {
                    return nil
                }
                var merged = FEELContext()
                for part in parts {
                    guard case .context(let context) = part else { return nil }
                    for entry in context.entries { merged[entry.name] = entry.value }
                }
                return .context(merged)
            }
        ],
    ]

    private static func built(_ entries: FEELValue) -> FEELValue? {
        guard let entries = entries.listed else { return nil }
        var context = FEELContext()
        for entry in entries {
            guard case .context(let pair) = entry, case .string(let key)? = pair["key"],
                let value = pair["value"],
                context[key] == nil
            else { return nil }
            context[key] = value
        }
        return .context(context)
    }

    private static func put(_ base: FEELValue, _ keys: [FEELValue], _ value: FEELValue) -> FEELValue? {
        guard case .context(var context) = base, let first = keys.first else { return nil }
        if let path = first.elements, keys.count == 1 { return put(base, path, value) }
        guard case .string(let key) = first else { return nil }
        guard keys.count > 1 else {
            context[key] = value
            return .context(context)
        }
        guard let inner = context[key], let changed = put(inner, Array(keys.dropFirst()), value) else {
            return nil
        }
        context[key] = changed
        return .context(context)
    }
}
