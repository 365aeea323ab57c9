// SPDX-License-Identifier: Apache-2.0

/// A type of FEEL or of an item definition.
package indirect enum FEELType: Sendable {
    case any, null, boolean, number, string, date, time, dateTime, daysAndTime, yearsAndMonths
    case list(FEELType)
    case context([(name: String, type: FEELType)])
    case range(FEELType)
    case function([FEELType]?, FEELType)
    /// Only values that pass the tests.
    case restricted(FEELType, FEELTests)
    /// A name nobody has defined: nothing is an instance of it.
    case unknown

    /// The built-in types by name (DMN 1.5 §10.3.2).
    static let builtIn: [String: FEELType] = [
        "Any": .any, "Null": .null, "boolean": .boolean, "number": .number, "string": .string, "date": .date,
        "time": .time, "date and time": .dateTime, "dateTime": .dateTime,
        "days and time duration": .daysAndTime, "dayTimeDuration": .daysAndTime,
        "years and months duration": .yearsAndMonths, "yearMonthDuration": .yearsAndMonths,
    ]

    /// `value instance of self`: conformance of the value (§10.3.2.9).
    func includes(_ value: FEELValue, _ evaluation: inout FEELEvaluation) -> Bool {
        switch (self, value) {
        case (.any, .null): return true
        case (.any, _): return true
        case (.null, .null): return true
        case (.unknown, _), (_, .null): return false
        case (.boolean, .boolean), (.number, .number), (.string, .string), (.date, .date), (.time, .time),
            (.dateTime, .dateTime), (.daysAndTime, .nanoseconds), (.yearsAndMonths, .months):
            return true
        case (.list(let element), .list(let elements)):
            return elements.allSatisfy { $0.isNull ? true : element.includes($0, &evaluation) }
        case (.context(let members), .context(let context)):
            return members.allSatisfy { member in
                context[member.name].map { $0.isNull || member.type.includes($0, &evaluation) } ?? false
            }
        case (.range(let bound), .range(let range)):
            return [range.low, range.high].compactMap(\.self).allSatisfy { bound.includes($0, &evaluation) }
        case (.function(let parameters, let result), .function(let function)):
            guard let parameters else { return true }
            return parameters.count == function.parameters.count
                && zip(parameters, function.parameters).allSatisfy { $0.conforms(to: $1.type) }
                && function.result.conforms(to: result)
        case (.restricted(let base, let tests), _):
            return base.includes(value, &evaluation)
                && evaluation.passes(tests, value, in: .empty).isTrue
        default: return false
        }
    }

    /// Whether every value of this type is one of `other`.
    func conforms(to other: FEELType) -> Bool {
        switch (self, other) {
        case (_, .any), (.null, _): true
        case (.boolean, .boolean), (.number, .number), (.string, .string), (.date, .date), (.time, .time),
            (.dateTime, .dateTime), (.daysAndTime, .daysAndTime), (.yearsAndMonths, .yearsAndMonths):
            true
        case (.list(let left), .list(let right)), (.range(let left), .range(let right)):
            left.conforms(to: right)
        case (.context(let left), .context(let right)):
            right.allSatisfy { wanted in
                left.contains { $0.name == wanted.name && $0.type.conforms(to: wanted.type) }
            }
        case (.function(let left, let leftResult), .function(let right, let rightResult)):
            (left ?? []).count == (right ?? []).count
                && zip(left ?? [], right ?? []).allSatisfy { $1.conforms(to: $0) }
                && leftResult.conforms(to: rightResult)
        case (.restricted(let base, _), _): base.conforms(to: other)
        default: false
        }
    }

    /// The implicit conversions of §10.3.2.9.4: singleton list ↔ element, date → date and time; `null` for a
    /// value that still does not conform.
    func coerced(_ value: FEELValue, _ evaluation: inout FEELEvaluation) -> FEELValue {
        if case .null = value { return value }
        if value.missingFacts != nil { return value }
        if includes(value, &evaluation) { return value }
        switch (base, value) {
        case (.dateTime, .date(let day)):
            return .dateTime(FEELDateTime(day: day, time: .midnight.zoned(.offset(seconds: 0))))
        case (.list, .list(let elements)) where elements.count == 1:
            return .null
        case (.list(let element), _):
            if case .list = value { return .null }
            let inner = element.coerced(value, &evaluation)
            return inner.isNull ? .null : .list([inner])
        case (_, .list(let elements)) where elements.count == 1:
            return coerced(elements[0], &evaluation)
        default: return .null
        }
    }

    private var base: FEELType { if case .restricted(let base, _) = self { base.base } else { self } }

    /// Reads texts as the type says: for facts that arrive as JSON or in a test's XML.
    package func read(_ value: FEELValue) -> FEELValue {
        switch (base, value) {
        case (.date, .string(let text)): FEELTemporalReader.day(text).map { .date($0) } ?? value
        case (.time, .string(let text)): FEELTemporalReader.time(text).map { .time($0) } ?? value
        case (.dateTime, .string(let text)): FEELTemporalReader.dateTime(text).map { .dateTime($0) } ?? value
        case (.daysAndTime, .string(let text)), (.yearsAndMonths, .string(let text)):
            FEELTemporalReader.duration(text) ?? value
        case (.number, .string(let text)): Decimal34(text).map { .number($0) } ?? value
        case (.list(let element), .list(let elements)): .list(elements.map(element.read))
        case (.context(let members), .context(let context)):
            .context(
                FEELContext(
                    context.entries.map { entry in
                        (
                            entry.name,
                            members.first { $0.name == entry.name }?.type.read(entry.value) ?? entry.value
                        )
                    }))
        default: value
        }
    }
}

extension FEELValue {
    var isTrue: Bool { if case .boolean(true) = self { true } else { false } }
}
