// SPDX-License-Identifier: Apache-2.0

/// A piece of HTML that is safe to send.
///
/// A literal is markup; whatever is interpolated into it is text and is escaped, unless it is `HTML` itself.
/// A `String` never becomes `HTML` by accident, so nothing a person typed can become markup:
///
///     let row: HTML = "<td title=\"\(title)\">\(name)</td>"
///
/// Attributes are always quoted. There is no way to write a script or an inline style, because the pages' content
/// security policy refuses both.
package struct HTML: Hashable, Sendable {
    package fileprivate(set) var markup: String

    /// Text, escaped.
    package init(_ text: String) {
        markup = Self.escaped(text)
    }

    fileprivate init(markup: String) {
        self.markup = markup
    }

    package static let nothing = HTML(markup: "")

    package var isEmpty: Bool { markup.isEmpty }
    package var bytes: [UInt8] { Array(markup.utf8) }

    /// The five characters that end a text or a quoted attribute, as references (HTML Living Standard §13.1.2).
    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: ">"): bytes += "&gt;".utf8
            case UInt8(ascii: "\""): bytes += "&quot;".utf8
            case UInt8(ascii: "'"): bytes += "&#39;".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension HTML: ExpressibleByStringInterpolation {
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            markup.reserveCapacity(literalCapacity * 2)
        }

        package mutating func appendLiteral(_ literal: String) { markup += literal }
        package mutating func appendInterpolation(_ text: String) { markup += HTML(text).markup }
        package mutating func appendInterpolation(_ number: some BinaryInteger) { markup += String(number) }
        package mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
    }

    package init(stringLiteral value: String) { markup = value }
    package init(stringInterpolation: StringInterpolation) { markup = stringInterpolation.markup }
}

extension HTML {
    package static func + (left: HTML, right: HTML) -> HTML { HTML(markup: left.markup + right.markup) }
    package static func += (left: inout HTML, right: HTML) { left.markup += right.markup }
}

/// The rows of a list, one after another.
func each<Element>(_ elements: some Sequence<Element>, _ row: (Element) -> HTML) -> HTML {
    elements.reduce(into: HTML.nothing) { $0 += row($1) }
}

/// The piece, if it applies.
func when(_ condition: Bool, _ piece: () -> HTML) -> HTML {
    condition ? piece() : .nothing
}

/// The piece for a value, if there is one.
func given<Value>(_ value: Value?, _ piece: (Value) -> HTML) -> HTML {
    value.map(piece) ?? .nothing
}
