// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §8. Public: everything here; no row is read. A form is approved as a tree, and what
// is filled in are literals: no text is ever pasted into a question.

package import Primitives
package import Tables

/// A question with open places, `$name`: whoever asks fills in literals and nothing else.
package struct QuestionForm: Hashable, Sendable {
    package let tree: SyntaxTree
    package let parameters: [QuestionParameter]

    /// `nil` unless the parameters are those of the tree, each named once.
    package init?(_ tree: SyntaxTree, parameters: [QuestionParameter]) {
        let names = tree.query.leaves.compactMap { if case .parameter(let name) = $0 { name } else { nil } }
        guard Set(names) == Set(parameters.map(\.name)), Set(names).count == parameters.count else {
            return nil
        }
        self.tree = tree
        self.parameters = parameters
    }

    /// The question with its places filled.
    package func question(_ arguments: JSON) throws(FormRefusal) -> String {
        for name in (arguments.object ?? [:]).keys where !parameters.contains(where: { $0.name == name }) {
            throw FormRefusal(parameter: name, wanted: LocalizedText(zh: "没有这个参数", en: "no such parameter"))
        }
        var literals: [String: SyntaxExpression.Form] = [:]
        for parameter in parameters {
            literals[parameter.name] = try parameter.literal(arguments[parameter.name])
        }
        return filled(literals).sql
    }

    /// Whether a question is this form with permitted literals in its places.
    package func covers(_ question: SyntaxTree) -> Bool {
        let (own, asked) = (tree.query.leaves, question.query.leaves)
        guard own.count == asked.count else { return false }
        var literals: [String: SyntaxExpression.Form] = [:]
        for (place, leaf) in own.enumerated() {
            guard case .parameter(let name) = leaf else { continue }
            guard let parameter = parameters.first(where: { $0.name == name }),
                parameter.permits(asked[place]), literals[name] ?? asked[place] == asked[place]
            else { return false }
            literals[name] = asked[place]
        }
        return filled(literals).sql == question.query.sql
    }

    private func filled(_ literals: [String: SyntaxExpression.Form]) -> SyntaxQuery {
        tree.query.replacing { part in
            guard case .parameter(let name) = part.form, let literal = literals[name] else { return nil }
            return SyntaxExpression(literal, at: part.place)
        }
    }
}

/// An argument that does not fit its parameter, and what does.
package struct FormRefusal: Error, Hashable, Sendable {
    package let parameter: String
    package let wanted: LocalizedText
}

/// One open place of a form: what may be filled in.
package struct QuestionParameter: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case text, integer, decimal, day, bool
    }

    package let name: String
    package let kind: Kind
    /// The only values that may stand there; `nil`: any of the kind.
    package let values: [JSON]?

    package init(name: String, kind: Kind, values: [JSON]? = nil) {
        self.name = name
        self.kind = kind
        self.values = values
    }

    /// `{"name": "district", "type": "text", "values": ["Haidian"]}`; `nil` for anything else.
    package init?(json: JSON) {
        guard let name = json["name"]?.text, !name.isEmpty,
            let kind = json["type"]?.text.flatMap(Kind.init(rawValue:))
        else { return nil }
        let values = json["values"]?.array
        self.init(name: name, kind: kind, values: values)
        for value in values ?? [] where literalForm(value) == nil { return nil }
    }

    package var json: JSON {
        [
            "name": .string(name), "type": .string(kind.rawValue),
            "values": values.map(JSON.array) ?? .null,
        ]
    }

    func literal(_ argument: JSON?) throws(FormRefusal) -> SyntaxExpression.Form {
        guard let argument, let form = literalForm(argument), permits(form) else {
            throw FormRefusal(parameter: name, wanted: wanted)
        }
        return form
    }

    func permits(_ form: SyntaxExpression.Form) -> Bool {
        let isOfKind =
            switch (kind, form) {
            case (.text, .text), (.bool, .bool), (.decimal, .decimal): true
            case (.integer, .integer(let number)), (.decimal, .integer(let number)): number >= 0
            case (.day, .text(let text)): CalendarDay(text) != nil
            default: false
            }
        return isOfKind && (values.map { $0.contains { literalForm($0) == form } } ?? true)
    }

    private func literalForm(_ value: JSON) -> SyntaxExpression.Form? {
        switch (kind, value) {
        case (.text, .string(let text)): .text(text)
        case (.day, .string(let text)): CalendarDay(text).map { .text($0.description) }
        case (.bool, .bool(let flag)): .bool(flag)
        case (.integer, .integer(let number)), (.decimal, .integer(let number)):
            number >= 0 ? .integer(number) : nil
        case (.decimal, .number), (.decimal, .string):
            ExactDecimal(numeral: value.text ?? value.canonicalText).map { .decimal($0) }
        default: nil
        }
    }

    private var wanted: LocalizedText {
        if let values {
            let list = values.map { $0.text ?? $0.canonicalText }.joined(separator: ", ")
            return LocalizedText(zh: "其中之一：\(list)", en: "one of \(list)")
        }
        return switch kind {
        case .text: LocalizedText(zh: "一段文本", en: "a text")
        case .integer: LocalizedText(zh: "不为负的整数", en: "a whole number, not negative")
        case .decimal: LocalizedText(zh: "不为负的数", en: "a number, not negative")
        case .day: LocalizedText(zh: "日期，如 2026-01-31", en: "a day, such as 2026-01-31")
        case .bool: LocalizedText(zh: "true 或 false", en: "true or false")
        }
    }
}

// MARK: Walking a query

extension SyntaxQuery {
    /// Every literal and every open place, in the order in which they are met.
    fileprivate var leaves: [SyntaxExpression.Form] {
        var leaves: [SyntaxExpression.Form] = []
        _ = replacing { part in
            switch part.form {
            case .null, .bool, .integer, .decimal, .text, .parameter: leaves.append(part.form)
            default: break
            }
            return nil
        }
        return leaves
    }

    /// The query with parts of its expressions and names of its base tables replaced.
    func replacing(
        table: (String) -> String = { $0 }, _ replacement: (SyntaxExpression) -> SyntaxExpression?
    ) -> SyntaxQuery {
        func each(_ expression: SyntaxExpression) -> SyntaxExpression {
            (try? expression.replacing { part throws(QuestionRefusal) in replacement(part) }) ?? expression
        }
        var query = self
        query.commonTables = commonTables.map {
            .init(name: $0.name, query: $0.query.replacing(table: table, replacement))
        }
        query.outputs = outputs.map { .init(expression: each($0.expression), alias: $0.alias) }
        query.source = source.map { $0.replacing(table: table, replacement) }
        query.condition = condition.map(each)
        query.groups = groups.map(each)
        query.having = having.map(each)
        query.order = order.map {
            .init(expression: each($0.expression), isDescending: $0.isDescending, nullsFirst: $0.nullsFirst)
        }
        return query
    }
}

extension SyntaxSource {
    fileprivate func replacing(
        table rename: (String) -> String, _ replacement: (SyntaxExpression) -> SyntaxExpression?
    ) -> SyntaxSource {
        switch self {
        case .table(let name, let alias, let place): .table(name: rename(name), alias: alias, place)
        case .query(let query, let alias, let place):
            .query(query.replacing(table: rename, replacement), alias: alias, place)
        case .join(let kind, let left, let right, let on, let using, let place):
            .join(
                kind, left.replacing(table: rename, replacement),
                right.replacing(table: rename, replacement),
                on: on.map { on in
                    (try? on.replacing { part throws(QuestionRefusal) in replacement(part) }) ?? on
                }, using: using, place)
        }
    }
}
