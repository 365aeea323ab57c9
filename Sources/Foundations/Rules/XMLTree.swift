// SPDX-License-Identifier: Apache-2.0

/// One element of an XML document: as much of XML 1.0 as DMN files use, and nothing that could hurt. Document
/// types, and so entities of one's own, are refused.
package struct XMLElement: Sendable {
    /// Without its prefix: DMN, DI and the test kit never share a name inside one parent.
    package let name: String
    package let attributes: [String: String]
    package internal(set) var children: [XMLElement] = []
    /// The character data directly inside, joined.
    package internal(set) var text = ""
    package let line: Int

    package func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }
    package func children(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// Why a text is not XML, and in which line.
package struct XMLFailure: Error, Hashable, Sendable {
    package let line: Int
    package let reason: String
}

/// Reads a whole document at once.
package struct XMLReader {
    static let depthMax = 128

    private let bytes: [UInt8]
    private var place = 0
    private var line = 1

    package static func read(_ bytes: [UInt8]) throws(XMLFailure) -> XMLElement {
        var reader = XMLReader(bytes: bytes)
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { reader.place = 3 }
        try reader.skipMisc()
        let root = try reader.element(depth: 0)
        try reader.skipMisc()
        guard reader.place == bytes.count else { throw reader.failure("more follows the document") }
        return root
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private func failure(_ reason: String) -> XMLFailure { XMLFailure(line: line, reason: reason) }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func advance(_ count: Int) {
        let end = min(place + count, bytes.count)
        while place < end {
            line += bytes[place] == UInt8(ascii: "\n") ? 1 : 0
            place += 1
        }
    }

    private func looksAt(_ text: StaticString) -> Bool {
        let wanted = Array("\(text)".utf8)
        return bytes.count - place >= wanted.count
            && bytes[place..<place + wanted.count].elementsEqual(wanted)
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (0x09...0x0d).contains(byte) { advance(1) }
    }

    /// The text up to `end`, which is passed over.
    private mutating func take(until end: String) throws(XMLFailure) -> [UInt8] {
        let wanted = Array(end.utf8)
        let start = place
        while place + wanted.count <= bytes.count {
            if bytes[place..<place + wanted.count].elementsEqual(wanted) {
                let taken = Array(bytes[start..<place])
                advance(wanted.count)
                return taken
            }
            advance(1)
        }
        throw failure("\(end) is missing")
    }

    private mutating func skipMisc() throws(XMLFailure) {
        while true {
            skipSpace()
            if looksAt("<?") {
                _ = try take(until: "?>")
            } else if looksAt("<!--") {
                _ = try take(until: "-->")
            } else if looksAt("<!") {
                throw failure("document types are not read")
            } else {
                return
            }
        }
    }

    private mutating func name() throws(XMLFailure) -> String {
        let name = Array(bytes[place...].prefix { !Self.delimiters.contains($0) })
        guard !name.isEmpty else { throw failure("a name is expected") }
        advance(name.count)
        return String(decoding: name, as: UTF8.self)
    }

    private static let delimiters = Set(" \t\r\n=/><\"'&?".utf8)

    private static func local(_ name: String) -> String {
        name.split(separator: ":").last.map(String.init) ?? name
    }

    private mutating func element(depth: Int) throws(XMLFailure) -> XMLElement {
        guard next == UInt8(ascii: "<") else { throw failure("an element is expected") }
        guard depth < Self.depthMax else { throw failure("the elements are nested too deep") }
        let start = line
        advance(1)
        let written = try name()
        let attributes = try attributes()
        var element = XMLElement(name: Self.local(written), attributes: attributes, line: start)
        if looksAt("/>") {
            advance(2)
            return element
        }
        guard next == UInt8(ascii: ">") else { throw failure("> is expected") }
        advance(1)
        try content(of: &element, depth: depth)
        guard try name() == written else { throw failure("</\(written)> is expected") }
        skipSpace()
        guard next == UInt8(ascii: ">") else { throw failure("> is expected") }
        advance(1)
        return element
    }

    private mutating func attributes() throws(XMLFailure) -> [String: String] {
        var attributes: [String: String] = [:]
        while true {
            skipSpace()
            guard let byte = next, byte != UInt8(ascii: ">"), byte != UInt8(ascii: "/") else {
                return attributes
            }
            let written = try name()
            skipSpace()
            guard next == UInt8(ascii: "=") else { throw failure("= is expected") }
            advance(1)
            skipSpace()
            guard let quote = next, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                throw failure("a quoted value is expected")
            }
            advance(1)
            let raw = try take(until: String(UnicodeScalar(quote)))
            let isNamespace = written == "xmlns" || written.hasPrefix("xmlns:")
            attributes[isNamespace ? written : Self.local(written)] = try unescaped(raw)
        }
    }

    private mutating func content(of element: inout XMLElement, depth: Int) throws(XMLFailure) {
        var text: [UInt8] = []
        while true {
            guard let byte = next else { throw failure("</\(element.name)> is missing") }
            if looksAt("</") {
                advance(2)
                element.text = String(decoding: text, as: UTF8.self)
                return
            } else if looksAt("<![CDATA[") {
                advance(9)
                text += try take(until: "]]>")
            } else if looksAt("<!--") {
                _ = try take(until: "-->")
            } else if looksAt("<?") {
                _ = try take(until: "?>")
            } else if byte == UInt8(ascii: "<") {
                element.children.append(try self.element(depth: depth + 1))
            } else {
                let start = place
                while let byte = next, byte != UInt8(ascii: "<") { advance(1) }
                text += Array(try unescaped(Array(bytes[start..<place])).utf8)
            }
        }
    }

    private func unescaped(_ raw: [UInt8]) throws(XMLFailure) -> String {
        let text = String(decoding: raw, as: UTF8.self)
        guard text.contains("&") else { return text }
        var result = ""
        for (place, part) in text.split(separator: "&", omittingEmptySubsequences: false).enumerated() {
            guard place > 0 else {
                result += part
                continue
            }
            guard let end = part.firstIndex(of: ";"), let character = Self.entity(part[..<end]) else {
                throw failure("an unknown entity")
            }
            result.unicodeScalars.append(character)
            result += part[part.index(after: end)...]
        }
        return result
    }

    private static func entity(_ name: Substring) -> Unicode.Scalar? {
        switch name {
        case "amp": "&"
        case "lt": "<"
        case "gt": ">"
        case "quot": "\""
        case "apos": "'"
        case _ where name.hasPrefix("#x"): UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
        case _ where name.hasPrefix("#"): UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
        default: nil
        }
    }
}
