// SPDX-License-Identifier: Apache-2.0

/// Where a text stops being Turtle, and why.
package struct TurtleFailure: Error, Hashable, Sendable {
    /// Counted from 1.
    package let line: Int
    package let reason: String
}

extension RDFGraph {
    /// Nesting deeper than this is refused: the reader recurses.
    private static let depthMax = 64

    /// Reads RDF 1.1 Turtle (W3C Recommendation 2014-02-25).
    ///
    /// The whole language but for two things: IRIs are taken as written, without being resolved against the
    /// base beyond plain concatenation, and `\u` escapes in prefixed names are refused as the grammar says.
    package init(turtle bytes: some Sequence<UInt8>) throws(TurtleFailure) {
        self.init()
        var reader = TurtleReader(bytes: Array(bytes), depthMax: Self.depthMax)
        try reader.read(into: &self)
    }
}

private struct TurtleReader {
    private let bytes: [UInt8]
    private let depthMax: Int
    private var offset = 0
    private var base = ""
    private var prefixes: [String: String] = [:]
    private var blanks = 0
    private var depth = 0

    init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    mutating func read(into graph: inout RDFGraph) throws(TurtleFailure) {
        skipSpace()
        while offset < bytes.count {
            if !(try directive()) {
                let subject: RDFTerm
                if next == UInt8(ascii: "[") {
                    subject = try blankNode(&graph)
                    skipSpace()
                    if next != UInt8(ascii: ".") { try predicates(of: subject, &graph) }
                } else {
                    subject = try term(&graph)
                    if case .literal = subject { throw failure("a literal cannot be a subject") }
                    try predicates(of: subject, &graph)
                }
                try expect(".")
            }
            skipSpace()
        }
    }

    // MARK: Statements

    private mutating func directive() throws(TurtleFailure) -> Bool {
        let isTurtle = next == UInt8(ascii: "@")
        for keyword in ["prefix", "base"] {
            guard keywordFollows(isTurtle ? "@" + keyword : keyword) else { continue }
            if keyword == "prefix" {
                let name = try prefixName()
                prefixes[name] = try iriReference()
            } else {
                base = try iriReference()
            }
            if isTurtle { try expect(".") }
            return true
        }
        return false
    }

    private mutating func keywordFollows(_ word: String) -> Bool {
        let text = bytes[offset...].prefix(word.utf8.count)
        guard text.count == word.utf8.count,
            String(decoding: text, as: UTF8.self).lowercased() == word,
            offset + text.count < bytes.count, Self.isSpace(bytes[offset + text.count])
        else { return false }
        offset += text.count
        skipSpace()
        return true
    }

    private mutating func prefixName() throws(TurtleFailure) -> String {
        let start = offset
        while let byte = next, byte != UInt8(ascii: ":"), !Self.isSpace(byte) { offset += 1 }
        guard next == UInt8(ascii: ":") else { throw failure("':' is expected after a prefix") }
        let name = String(decoding: bytes[start..<offset], as: UTF8.self)
        offset += 1
        skipSpace()
        return name
    }

    private mutating func predicates(of subject: RDFTerm, _ graph: inout RDFGraph) throws(TurtleFailure) {
        while true {
            skipSpace()
            let predicate = try predicate(&graph)
            while true {
                graph.add(subject, predicate, try term(&graph))
                skipSpace()
                guard next == UInt8(ascii: ",") else { break }
                offset += 1
            }
            guard next == UInt8(ascii: ";") else { return }
            while next == UInt8(ascii: ";") {
                offset += 1
                skipSpace()
            }
            if next == UInt8(ascii: ".") || next == UInt8(ascii: "]") { return }
        }
    }

    private mutating func predicate(_ graph: inout RDFGraph) throws(TurtleFailure) -> String {
        if next == UInt8(ascii: "a"), offset + 1 < bytes.count, Self.isSpace(bytes[offset + 1]) {
            offset += 1
            return RDFGraph.type
        }
        guard case .iri(let iri) = try term(&graph) else { throw failure("a predicate must be an IRI") }
        return iri
    }

    // MARK: Terms

    private mutating func term(_ graph: inout RDFGraph) throws(TurtleFailure) -> RDFTerm {
        skipSpace()
        guard let first = next else { throw failure("the text ends where a term is expected") }
        switch first {
        case UInt8(ascii: "<"): return .iri(try iriReference())
        case UInt8(ascii: "["): return try blankNode(&graph)
        case UInt8(ascii: "("): return try collection(&graph)
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return try literal()
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"): return try number()
        case UInt8(ascii: "_") where bytes[offset...].starts(with: "_:".utf8):
            offset += 2
            let label = name()
            guard !label.isEmpty else { throw failure("a blank node needs a label") }
            return .blank("n" + label)
        default: return try prefixedName()
        }
    }

    private mutating func nested<Answer>(
        _ body: (inout TurtleReader) throws(TurtleFailure) -> Answer
    ) throws(TurtleFailure) -> Answer {
        guard depth < depthMax else { throw failure("nested deeper than \(depthMax)") }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    private mutating func blankNode(_ graph: inout RDFGraph) throws(TurtleFailure) -> RDFTerm {
        try nested { reader throws(TurtleFailure) in
            reader.offset += 1
            reader.blanks += 1
            let node = RDFTerm.blank("b\(reader.blanks)")
            reader.skipSpace()
            if reader.next != UInt8(ascii: "]") { try reader.predicates(of: node, &graph) }
            try reader.expect("]")
            return node
        }
    }

    private mutating func collection(_ graph: inout RDFGraph) throws(TurtleFailure) -> RDFTerm {
        try nested { reader throws(TurtleFailure) in
            reader.offset += 1
            var members: [RDFTerm] = []
            reader.skipSpace()
            while reader.next != UInt8(ascii: ")") {
                members.append(try reader.term(&graph))
                reader.skipSpace()
            }
            reader.offset += 1
            var list = RDFTerm.iri(RDFGraph.empty)
            for member in members.reversed() {
                reader.blanks += 1
                let node = RDFTerm.blank("b\(reader.blanks)")
                graph.add(node, RDFGraph.first, member)
                graph.add(node, RDFGraph.rest, list)
                list = node
            }
            return list
        }
    }

    private mutating func iriReference() throws(TurtleFailure) -> String {
        skipSpace()
        guard next == UInt8(ascii: "<") else { throw failure("'<' is expected") }
        offset += 1
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: ">") {
            guard byte > 0x20, byte != UInt8(ascii: "<"), byte != UInt8(ascii: "\"") else {
                throw failure("an IRI holds no such character")
            }
            offset += 1
            if byte == UInt8(ascii: "\\") { try escape(into: &text, named: false) } else { text.append(byte) }
        }
        guard next != nil else { throw failure("the text ends inside an IRI") }
        offset += 1
        let iri = try string(text)
        return iri.contains(":") ? iri : base + iri
    }

    private mutating func prefixedName() throws(TurtleFailure) -> RDFTerm {
        for (word, value) in [("true", "true"), ("false", "false")]
        where bytes[offset...].starts(with: word.utf8) {
            let end = offset + word.utf8.count
            guard end >= bytes.count || !Self.isName(bytes[end]) else { continue }
            offset = end
            return .literal(value, datatype: Vocabulary.xsd + "boolean")
        }
        let prefix = name()
        guard next == UInt8(ascii: ":") else { throw failure("a term is expected") }
        offset += 1
        guard let namespace = prefixes[prefix] else { throw failure("the prefix \(prefix): is not declared") }
        return .iri(namespace + name(withColons: true))
    }

    /// Letters, digits, `_`, `-`, inner dots and everything beyond ASCII; escapes (`\,`) and `%41` in names.
    private mutating func name(withColons: Bool = false) -> String {
        var text: [UInt8] = []
        while let byte = next {
            if Self.isName(byte) || (withColons && (byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%"))) {
                text.append(byte)
            } else if byte == UInt8(ascii: "."), offset + 1 < bytes.count, Self.isName(bytes[offset + 1]) {
                text.append(byte)
            } else if withColons, byte == UInt8(ascii: "\\"), offset + 1 < bytes.count {
                offset += 1
                text.append(bytes[offset])
            } else {
                break
            }
            offset += 1
        }
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: Literals

    private mutating func literal() throws(TurtleFailure) -> RDFTerm {
        let text = try quoted()
        if next == UInt8(ascii: "@") {
            offset += 1
            let language = name()
            guard !language.isEmpty else { throw failure("a language is expected") }
            return .literal(text, language: language.lowercased())
        }
        guard bytes[offset...].starts(with: "^^".utf8) else { return .literal(text) }
        offset += 2
        skipSpace()
        guard next == UInt8(ascii: "<") else {
            guard case .iri(let type) = try prefixedName() else { throw failure("a datatype must be an IRI") }
            return .literal(text, datatype: type)
        }
        return .literal(text, datatype: try iriReference())
    }

    private mutating func quoted() throws(TurtleFailure) -> String {
        let quote = bytes[offset]
        let isLong = bytes[offset...].starts(with: [quote, quote, quote])
        let ending = [UInt8](repeating: quote, count: isLong ? 3 : 1)
        offset += ending.count
        var text: [UInt8] = []
        while let byte = next {
            if bytes[offset...].starts(with: ending) {
                offset += ending.count
                return try string(text)
            }
            offset += 1
            switch byte {
            case UInt8(ascii: "\\"): try escape(into: &text, named: true)
            case 0x0a, 0x0d:
                guard isLong else { throw failure("a line ends inside a string") }
                text.append(byte)
            default: text.append(byte)
            }
        }
        throw failure("the text ends inside a string")
    }

    private mutating func escape(into text: inout [UInt8], named: Bool) throws(TurtleFailure) {
        guard let byte = next else { throw failure("the text ends inside an escape") }
        offset += 1
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "t"): 0x09, UInt8(ascii: "b"): 0x08, UInt8(ascii: "n"): 0x0a,
            UInt8(ascii: "r"): 0x0d,
            UInt8(ascii: "f"): 0x0c, UInt8(ascii: "\""): byte, UInt8(ascii: "'"): byte,
            UInt8(ascii: "\\"): byte,
        ]
        if named, let plain = simple[byte] {
            text.append(plain)
            return
        }
        let count = byte == UInt8(ascii: "u") ? 4 : byte == UInt8(ascii: "U") ? 8 : 0
        let digits = String(decoding: bytes[offset...].prefix(count), as: UTF8.self)
        guard count > 0, digits.utf8.count == count, digits.allSatisfy(\.isHexDigit),
            let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
        else { throw failure("there is no such escape") }
        offset += count
        text.append(contentsOf: Array(String(Character(scalar)).utf8))
    }

    private mutating func number() throws(TurtleFailure) -> RDFTerm {
        let start = offset
        if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
        var type = "integer"
        while let byte = next {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): break
            case UInt8(ascii: ".")
            where type == "integer" && offset + 1 < bytes.count
                && (48...57).contains(bytes[offset + 1]):
                type = "decimal"
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard type != "double" else { throw failure("no number is written like this") }
                type = "double"
                let sign = offset + 1 < bytes.count ? bytes[offset + 1] : 0
                if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { offset += 1 }
            default: return try numberLiteral(from: start, type)
            }
            offset += 1
        }
        return try numberLiteral(from: start, type)
    }

    private func numberLiteral(from start: Int, _ type: String) throws(TurtleFailure) -> RDFTerm {
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        guard Double(text) != nil else { throw failure("no number is written like this") }
        return .literal(text, datatype: Vocabulary.xsd + type)
    }

    // MARK: Small pieces

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private func failure(_ reason: String) -> TurtleFailure {
        TurtleFailure(line: 1 + bytes[..<min(offset, bytes.count)].count { $0 == 0x0a }, reason: reason)
    }

    private func string(_ text: [UInt8]) throws(TurtleFailure) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw failure("the text is not UTF-8")
        }
        return string
    }

    private mutating func expect(_ character: Character) throws(TurtleFailure) {
        skipSpace()
        guard let byte = next, byte == character.asciiValue else {
            throw failure("'\(character)' is expected")
        }
        offset += 1
    }

    private mutating func skipSpace() {
        while let byte = next {
            if byte == UInt8(ascii: "#") {
                while let byte = next, byte != 0x0a { offset += 1 }
            } else if Self.isSpace(byte) {
                offset += 1
            } else {
                return
            }
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
    }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...:
            true
        default: false
        }
    }
}
