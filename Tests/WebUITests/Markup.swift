// SPDX-License-Identifier: Apache-2.0

/// A page's markup, read strictly: our pages close every element and quote every attribute, so anything else is
/// an error of ours, which a browser would quietly repair.
struct Markup {
    struct Element {
        let name: String
        let attributes: [String: String]
        /// The names of the elements around it, outermost first.
        let ancestors: [String]
    }

    private(set) var elements: [Element] = []
    /// The text between the tags, with the language in force and the element it stands in.
    private(set) var texts: [(text: String, language: String, element: String)] = []
    private(set) var faults: [String] = []

    private static let void: Set<String> = ["meta", "link", "input", "img", "br", "hr"]

    init(_ document: String) {
        var open: [(name: String, language: String)] = []
        var rest = document[...]
        while let start = rest.firstIndex(of: "<") {
            note(rest[..<start], in: open)
            guard let end = rest[start...].firstIndex(of: ">") else {
                faults.append("a tag without an end: \(rest[start...].prefix(40))")
                return
            }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("!") { continue }
            if tag.hasPrefix("/") {
                close(String(tag.dropFirst()), &open)
            } else {
                begin(tag, &open)
            }
        }
        if let left = open.last { faults.append("<\(left.name)> is never closed") }
    }

    private mutating func note(_ text: Substring, in open: [(name: String, language: String)]) {
        guard !text.allSatisfy(\.isWhitespace), let around = open.last else { return }
        texts.append((String(text), around.language, around.name))
    }

    private mutating func close(_ name: String, _ open: inout [(name: String, language: String)]) {
        guard let last = open.popLast() else { return faults.append("</\(name)> closes nothing") }
        if last.name != name { faults.append("</\(name)> closes <\(last.name)>") }
    }

    private mutating func begin(_ tag: Substring, _ open: inout [(name: String, language: String)]) {
        let isClosed = tag.hasSuffix("/")
        let body = isClosed ? tag.dropLast() : tag
        let name = String(body.prefix { !$0.isWhitespace })
        let attributes = read(body.dropFirst(name.count), of: name)
        elements.append(Element(name: name, attributes: attributes, ancestors: open.map(\.name)))
        if isClosed || Self.void.contains(name) { return }
        open.append((name, attributes["lang"] ?? open.last?.language ?? ""))
    }

    private mutating func read(_ text: Substring, of name: String) -> [String: String] {
        var attributes: [String: String] = [:]
        var rest = text.drop(while: \.isWhitespace)
        while !rest.isEmpty {
            let key = String(rest.prefix { !$0.isWhitespace && $0 != "=" })
            rest = rest.dropFirst(key.count)
            var value = ""
            if rest.first == "=" {
                guard rest.dropFirst().first == "\"" else {
                    faults.append("<\(name)> has an unquoted attribute \(key)")
                    return attributes
                }
                value = String(rest.dropFirst(2).prefix { $0 != "\"" })
                rest = rest.dropFirst(value.count + 3)
            }
            if attributes.updateValue(value, forKey: key) != nil { faults.append("<\(name)> repeats \(key)") }
            rest = rest.drop(while: \.isWhitespace)
        }
        return attributes
    }
}
