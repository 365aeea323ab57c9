// SPDX-License-Identifier: Apache-2.0

/// A question as its parser understood it: syntax alone, no meaning yet.
///
/// Only the forms that some room can give a meaning to exist here. Reading a parser's tree into these types
/// is an allow-list: a form that has no case is refused with its place (`SyntaxRefusal`).
package struct SyntaxTree: Hashable, Sendable {
    /// The question as it was asked; places are byte offsets into its UTF-8.
    package let text: String
    package let query: SyntaxQuery

    package init(text: String, query: SyntaxQuery) {
        self.text = text
        self.query = query
    }

    /// The words at a place, at most 60 characters of them.
    package func words(at place: SyntaxPlace?) -> String {
        guard let place else { return "" }
        let bytes = Array(text.utf8)
        guard place.offset <= bytes.count else { return "" }
        let end = min(bytes.count, place.offset + max(place.length, 1))
        let words = String(decoding: bytes[place.offset..<end], as: UTF8.self)
        return words.count > 60 ? words.prefix(59) + "…" : words
    }
}

/// Where in the question something stands, in bytes.
package struct SyntaxPlace: Hashable, Sendable {
    package let offset: Int
    package let length: Int

    package init(offset: Int, length: Int) {
        self.offset = offset
        self.length = length
    }
}

/// One SELECT.
package struct SyntaxQuery: Hashable, Sendable {
    package struct CommonTable: Hashable, Sendable {
        package let name: String
        package let query: SyntaxQuery

        package init(name: String, query: SyntaxQuery) {
            self.name = name
            self.query = query
        }
    }

    package struct Output: Hashable, Sendable {
        package let expression: SyntaxExpression
        /// As written after AS.
        package let alias: String?

        package init(expression: SyntaxExpression, alias: String?) {
            self.expression = expression
            self.alias = alias
        }
    }

    package struct Order: Hashable, Sendable {
        package let expression: SyntaxExpression
        package let isDescending: Bool
        /// `nil` where the question does not say.
        package let nullsFirst: Bool?

        package init(expression: SyntaxExpression, isDescending: Bool, nullsFirst: Bool?) {
            self.expression = expression
            self.isDescending = isDescending
            self.nullsFirst = nullsFirst
        }
    }

    package init() {}

    package var commonTables: [CommonTable] = []
    package var outputs: [Output] = []
    package var source: SyntaxSource?
    package var condition: SyntaxExpression?
    package var groups: [SyntaxExpression] = []
    /// GROUP BY ALL: the outputs without aggregates.
    package var groupsByAll = false
    package var having: SyntaxExpression?
    package var isDistinct = false
    package var order: [Order] = []
    package var limit: Int?
    package var place: SyntaxPlace?
}

/// What a SELECT reads.
package indirect enum SyntaxSource: Hashable, Sendable {
    package enum JoinKind: String, Hashable, Sendable {
        case inner = "INNER"
        case left = "LEFT"
    }

    case table(name: String, alias: String?, SyntaxPlace?)
    case query(SyntaxQuery, alias: String, SyntaxPlace?)
    case join(JoinKind, SyntaxSource, SyntaxSource, on: SyntaxExpression?, using: [String], SyntaxPlace?)
}

/// An expression with its place.
package struct SyntaxExpression: Hashable, Sendable {
    package enum Comparison: String, Hashable, Sendable {
        case equal = "="
        case unequal = "<>"
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    package struct Branch: Hashable, Sendable {
        package let condition: SyntaxExpression
        package let value: SyntaxExpression

        package init(condition: SyntaxExpression, value: SyntaxExpression) {
            self.condition = condition
            self.value = value
        }
    }

    package indirect enum Form: Hashable, Sendable {
        /// `day`, or `visits.day`.
        case column([String])
        case star
        case null
        case bool(Bool)
        case integer(Int64)
        /// A decimal, exact: 1.50 is 150 × 10^−2.
        case decimal(ExactDecimal)
        case text(String)
        /// `$name`: a place for a literal, in a question that is to be filled in.
        case parameter(String)
        case compare(Comparison, SyntaxExpression, SyntaxExpression)
        case and([SyntaxExpression])
        case or([SyntaxExpression])
        case not(SyntaxExpression)
        case isNull(SyntaxExpression)
        case isIn(SyntaxExpression, [SyntaxExpression])
        case branches([Branch], otherwise: SyntaxExpression)
        /// CAST to a type, by the parser's name for it.
        case cast(SyntaxExpression, to: String)
        /// A function or an operator such as `+`, lower case.
        case call(String, [SyntaxExpression], isDistinct: Bool, filter: SyntaxExpression?)
    }

    package let form: Form
    package let place: SyntaxPlace?

    package init(_ form: Form, at place: SyntaxPlace? = nil) {
        self.form = form
        self.place = place
    }

    /// Expressions compare by what they say, not by where they stand.
    package static func == (left: SyntaxExpression, right: SyntaxExpression) -> Bool {
        left.form == right.form
    }
    package func hash(into hasher: inout Hasher) { hasher.combine(form) }
}

/// Why a parser's tree has no meaning here.
package enum SyntaxRefusal: Error, Hashable, Sendable {
    /// The parser itself refused, in its words.
    case unparsed(String, SyntaxPlace?)
    /// A form the subset does not have, by its name.
    case unknown(String, SyntaxPlace?)
    /// Not exactly one statement.
    case statements(Int)
    /// Nested too deeply, or too long.
    case tooLarge(String)
}
