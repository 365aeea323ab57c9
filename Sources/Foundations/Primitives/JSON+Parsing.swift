// SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// Why a text is not JSON, and at which byte.
    package struct ParseFailure: Error, Hashable, Sendable {
        package let offset: Int
        package let reason: String
    }

    /// Nesting deeper than this is refused: the parser recurses, and no message of ours comes near it.
    package static let depthMax = 128

    /// Reads one JSON text. Strict: RFC 8259 grammar, valid UTF-8, no duplicate members (RFC 7493 §2.3).
    package init(parsing bytes: some Sequence<UInt8>) throws(ParseFailure) {
        var parser = JSONParser(bytes: Array(bytes))
        self = try parser.document()
    }

    package init(parsing text: String) throws(ParseFailure) {
        try self.init(parsing: Array(text.utf8))
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    var offset = 0
    var depth = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSON.ParseFailure) -> JSON {
        let value = try value()
        skipSpace()
        guard offset == bytes.count else { throw failure("more follows the value") }
        return value
    }

    private func failure(_ reason: String) -> JSON.ParseFailure {
        JSON.ParseFailure(offset: offset, reason: reason)
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    private mutating func take(_ byte: Character) -> Bool {
        guard let next, next == byte.asciiValue else { return false }
        offset += 1
        return true
    }

    private mutating func value() throws(JSON.ParseFailure) -> JSON {
        skipSpace()
        guard let first = next else { throw failure("the text ends where a value is expected") }
        switch first {
        case UInt8(ascii: "{"): return try nested { parser throws(JSON.ParseFailure) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSON.ParseFailure) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSON.ParseFailure) -> JSON
    ) throws(JSON.ParseFailure) -> JSON {
        guard depth < JSON.depthMax else { throw failure("nested deeper than \(JSON.depthMax)") }
        depth += 1
        offset += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(JSON.ParseFailure) -> JSON {
        var members: [String: JSON] = [:]
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a member's name is expected") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw failure("':' is expected") }
            guard members.updateValue(try value(), forKey: name) == nil else {
                throw failure("the member \"\(name)\" stands twice")
            }
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw failure("',' or '}' is expected") }
        }
    }

    private mutating func array() throws(JSON.ParseFailure) -> JSON {
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value())
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw failure("',' or ']' is expected") }
        }
    }

    private mutating func word(_ text: String, _ value: JSON) throws(JSON.ParseFailure) -> JSON {
        guard bytes[offset...].starts(with: text.utf8) else {
            throw failure("no JSON value begins like this")
        }
        offset += text.utf8.count
        return value
    }

    private mutating func digits() -> Int {
        let start = offset
        while let byte = next, (48...57).contains(byte) { offset += 1 }
        return offset - start
    }

    private mutating func number() throws(JSON.ParseFailure) -> JSON {
        let start = offset
        _ = take("-")
        let leadingZero = next == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !(leadingZero && whole > 1) else { throw failure("no JSON value begins like this") }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard digits() > 0 else { throw failure("a digit is expected after '.'") }
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            guard digits() > 0 else { throw failure("a digit is expected in the exponent") }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw failure("the number is too large") }
        return .number(value)
    }

    private mutating func string() throws(JSON.ParseFailure) -> String {
        offset += 1
        var text: [UInt8] = []
        while true {
            guard let byte = next else { throw failure("the text ends inside a string") }
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw failure("the string is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw failure("a control character stands bare in a string")
            default: text.append(byte)
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSON.ParseFailure) {
        guard let byte = next else { throw failure("the text ends inside an escape") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: Array(String(Character(try unicodeEscape())).utf8))
        default: throw failure("there is no such escape")
        }
    }

    private mutating func unicodeEscape() throws(JSON.ParseFailure) -> Unicode.Scalar {
        let first = try hexQuad()
        if let scalar = Unicode.Scalar(UInt32(first)) { return scalar }
        guard (0xd800..<0xdc00).contains(first), take("\\"), take("u") else {
            throw failure("a surrogate stands alone")
        }
        let second = try hexQuad()
        guard (0xdc00..<0xe000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00))
        else { throw failure("a surrogate stands alone") }
        return scalar
    }

    private mutating func hexQuad() throws(JSON.ParseFailure) -> UInt16 {
        guard offset + 4 <= bytes.count,
            let quad = Hex.decode(String(decoding: bytes[offset..<offset + 4], as: UTF8.self))
        else { throw failure("four hexadecimal digits are expected") }
        offset += 4
        return UInt16(quad[0]) << 8 | UInt16(quad[1])
    }
}
