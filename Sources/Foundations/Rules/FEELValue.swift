// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A value of FEEL (DMN 1.5 §10.3.2.2), and `missing`: a fact nobody has given yet.
package enum FEELValue: Sendable {
    case null
    case boolean(Bool)
    case number(Decimal34)
    case string(String)
    case date(CalendarDay)
    // The large and the rare are boxed, so that numbers and days lie flat in rows of facts.
    indirect case time(FEELTime)
    indirect case dateTime(FEELDateTime)
    /// A days-and-time duration.
    indirect case nanoseconds(Int128)
    /// A years-and-months duration.
    case months(Int)
    case list([FEELValue])
    case context(FEELContext)
    indirect case range(FEELRange)
    indirect case function(FEELFunction)
    /// Depends on facts that are not known, named here. Never arises in a DMN model.
    case missing(Set<String>)

    package static let `true` = FEELValue.boolean(true)
    package static let `false` = FEELValue.boolean(false)

    var isNull: Bool { if case .null = self { true } else { false } }

    var missingFacts: Set<String>? {
        switch self {
        case .missing(let facts): return facts
        case .list(let elements):
            let facts = elements.reduce(into: Set<String>()) { $0.formUnion($1.missingFacts ?? []) }
            return facts.isEmpty ? nil : facts
        default: return nil
        }
    }
}

/// Named values in the order they were written.
package struct FEELContext: Sendable {
    private(set) var names: [String] = []
    private var values: [String: FEELValue] = [:]

    package init() {}

    package init(_ entries: [(String, FEELValue)]) {
        for (name, value) in entries { self[name] = value }
    }

    package subscript(_ name: String) -> FEELValue? {
        get { values[name] }
        set {
            if values[name] == nil, newValue != nil { names.append(name) }
            values[name] = newValue
        }
    }

    var entries: [(name: String, value: FEELValue)] { names.map { ($0, values[$0] ?? .null) } }
}

/// An interval. An absent bound is open to that side, as in `< 10`; a bound of `null` was written so.
package struct FEELRange: Sendable {
    let low: FEELValue?
    let isLowIncluded: Bool
    let high: FEELValue?
    let isHighIncluded: Bool
}

/// Something that can be called: a built-in, a lambda with its scope, a knowledge model or a service.
package struct FEELFunction: Sendable {
    package struct Parameter: Sendable {
        let name: String
        let type: FEELType
    }

    let parameters: [Parameter]
    let result: FEELType
    let call: @Sendable ([FEELValue], inout FEELEvaluation) -> FEELValue
}

// MARK: Equality and order

extension FEELValue {
    /// FEEL's `=` (table 53): `nil` where the two are of different kinds.
    func equals(_ other: FEELValue) -> Bool? {
        switch (self, other) {
        case (.null, .null): return true
        case (.null, _), (_, .null): return false
        case (.boolean(let left), .boolean(let right)): return left == right
        case (.number(let left), .number(let right)): return left == right
        case (.string(let left), .string(let right)):
            // The same scalars have the same bytes, and the other way round.
            return left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
        case (.date(let left), .date(let right)): return left == right
        case (.time(let left), .time(let right)):
            return (left.zone == nil) == (right.zone == nil) && left.comparable == right.comparable
        case (.dateTime(let left), .dateTime(let right)):
            return (left.time.zone == nil) == (right.time.zone == nil) && left.comparable == right.comparable
        case (.nanoseconds(let left), .nanoseconds(let right)): return left == right
        case (.months(let left), .months(let right)): return left == right
        case (.months(0), .nanoseconds(0)), (.nanoseconds(0), .months(0)): return true
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) == true }
        case (.context(let left), .context(let right)):
            return Set(left.names) == Set(right.names)
                && left.entries.allSatisfy { $0.value.equals(right[$0.name] ?? .null) == true }
        case (.range(let left), .range(let right)): return left.equals(right)
        default: return nil
        }
    }

    /// Order of two comparable values; `nil` for others.
    func precedes(_ other: FEELValue) -> (less: Bool, equal: Bool)? {
        switch (self, other) {
        case (.number(let left), .number(let right)): return (left < right, left == right)
        case (.string(let left), .string(let right)):
            return (left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars), left == right)
        case (.date(let left), .date(let right)): return (left < right, left == right)
        case (.time(let left), .time(let right)) where (left.zone == nil) == (right.zone == nil):
            return (left.comparable < right.comparable, left.comparable == right.comparable)
        case (.dateTime(let left), .dateTime(let right))
        where (left.time.zone == nil) == (right.time.zone == nil):
            return (left.comparable < right.comparable, left.comparable == right.comparable)
        case (.nanoseconds(let left), .nanoseconds(let right)): return (left < right, left == right)
        case (.months(let left), .months(let right)): return (left < right, left == right)
        default: return nil
        }
    }
}

extension FEELRange {
    func equals(_ other: FEELRange) -> Bool {
        func same(_ left: FEELValue?, _ right: FEELValue?) -> Bool {
            guard let left, let right else { return left == nil && right == nil }
            return left.equals(right) == true
        }
        return same(low, other.low) && same(high, other.high)
            && isLowIncluded == other.isLowIncluded && isHighIncluded == other.isHighIncluded
    }

    /// Whether the value lies inside; `nil` where it cannot be compared with a bound.
    func contains(_ value: FEELValue) -> Bool? {
        if case .null = value { return nil }
        var isInside = true
        if let low {
            guard let order = low.precedes(value) else { return nil }
            isInside = order.less || (isLowIncluded && order.equal)
        }
        if let high {
            guard let order = value.precedes(high) else { return nil }
            isInside = isInside && (order.less || (isHighIncluded && order.equal))
        }
        return isInside
    }
}

// MARK: JSON

extension FEELValue {
    /// Facts as JSON gives them. Texts stay texts; a declared type turns them into days. Null says "not known".
    package init(_ json: JSON, at path: String = "") {
        switch json {
        case .null: self = path.isEmpty ? .null : .missing([path])
        case .bool(let value): self = .boolean(value)
        case .integer(let value): self = .number(Decimal34(value))
        case .number(let value): self = Decimal34(value).map { .number($0) } ?? .null
        case .string(let text): self = .string(text)
        case .array(let elements):
            self = .list(
                elements.enumerated().map {
                    FEELValue($0.element, at: path.isEmpty ? "" : "\(path)[\($0.offset + 1)]")
                })
        case .object(let members):
            self = .context(
                FEELContext(
                    members.sorted { $0.key < $1.key }.map {
                        ($0.key, FEELValue($0.value, at: path.isEmpty ? "" : "\(path).\($0.key)"))
                    }))
        }
    }

    /// As JSON. Numbers that a double cannot hold exactly, and everything temporal, are texts.
    package var json: JSON {
        switch self {
        case .null: .null
        case .boolean(let value): .bool(value)
        case .number(let value):
            value.integer.map { .integer(Int64($0)) }
                ?? (Decimal34(value.double) == value ? .number(value.double) : .string(value.description))
        case .list(let elements): .array(elements.map(\.json))
        case .context(let context):
            .object(Dictionary(context.entries.map { ($0.name, $0.value.json) }) { _, last in last })
        case .missing(let facts): ["missing": .array(facts.sorted().map { .string($0) })]
        default: .string(text)
        }
    }

    /// FEEL's `string()`: what a person reads.
    package var text: String {
        switch self {
        case .string(let text): text
        default: literal
        }
    }

    private var literal: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let value): value.description
        case .string(let text): "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        case .date(let day): day.feelText
        case .time(let time): time.text
        case .dateTime(let dateTime): dateTime.text
        case .nanoseconds(let value): Self.durationText(value)
        case .months(let value): Self.durationText(months: value)
        case .list(let elements): "[" + elements.map(\.literal).joined(separator: ", ") + "]"
        case .context(let context):
            "{"
                + context.entries.map { Self.keyText($0.name) + ": " + $0.value.literal }.joined(
                    separator: ", ") + "}"
        case .range(let range):
            (range.isLowIncluded ? "[" : "(") + (range.low?.literal ?? "") + ".."
                + (range.high?.literal ?? "")
                + (range.isHighIncluded ? "]" : ")")
        case .function: "function"
        case .missing(let facts): "?" + facts.sorted().joined(separator: ", ")
        }
    }

    private static func keyText(_ name: String) -> String {
        name.contains { "\":{},".contains($0) } ? FEELValue.string(name).literal : name
    }

    private static func durationText(months: Int) -> String {
        let total = abs(months)
        let years = total / 12 > 0 ? "\(total / 12)Y" : ""
        let rest = total % 12 > 0 || total == 0 ? "\(total % 12)M" : ""
        return (months < 0 ? "-P" : "P") + years + rest
    }

    private static func durationText(_ nanoseconds: Int128) -> String {
        let second: Int128 = 1_000_000_000
        let total = nanoseconds < 0 ? -nanoseconds : nanoseconds
        guard total > 0 else { return "PT0S" }
        let seconds = total / second
        var fraction = Decimal10.padded(Int(total % second), 9)
        while fraction.hasSuffix("0") { fraction.removeLast() }
        var time = ""
        if seconds / 3600 % 24 > 0 { time += "\(seconds / 3600 % 24)H" }
        if seconds / 60 % 60 > 0 { time += "\(seconds / 60 % 60)M" }
        if seconds % 60 > 0 || !fraction.isEmpty {
            time += "\(seconds % 60)" + (fraction.isEmpty ? "" : "." + fraction) + "S"
        }
        return (nanoseconds < 0 ? "-P" : "P") + (seconds >= 86_400 ? "\(seconds / 86_400)D" : "")
            + (time.isEmpty ? "" : "T" + time)
    }
}
