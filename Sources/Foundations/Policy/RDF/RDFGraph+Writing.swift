// SPDX-License-Identifier: Apache-2.0

package import Primitives

// One graph, three notations: Turtle for people, JSON-LD for programs, RDF/XML for harvesters that know no other.

extension RDFGraph {
    /// Turtle with the given prefixes (name → namespace): subjects in their first order, `a` first. A blank
    /// node that one triple points to is written inside it.
    package func turtle(prefixes: [String: String]) -> String {
        var writer = TurtleWriter(graph: self, prefixes: prefixes)
        return writer.document()
    }

    /// Flattened JSON-LD 1.1 whose context holds the prefixes: one node object a subject.
    package func jsonLD(prefixes: [String: String]) -> JSON {
        let names = Namespaces(prefixes)
        let nodes = subjects.map { subject in
            var members: [String: [JSON]] = [:]
            for triple in about(subject) {
                if triple.predicate == Self.type, case .iri(let type) = triple.object {
                    members["@type", default: []].append(.string(names.compact(type) ?? type))
                } else {
                    let name = names.compact(triple.predicate) ?? triple.predicate
                    members[name, default: []].append(Self.jsonLD(triple.object, names))
                }
            }
            var node = members.mapValues { $0.count == 1 ? $0[0] : JSON.array($0) }
            node["@id"] = .string(Self.name(subject))
            return JSON.object(node)
        }
        return ["@context": .object(prefixes.mapValues(JSON.string)), "@graph": .array(nodes)]
    }

    private static func jsonLD(_ term: RDFTerm, _ names: Namespaces) -> JSON {
        switch term {
        case .iri, .blank: return ["@id": .string(name(term))]
        case .literal(let text, let datatype?, _):
            return ["@value": .string(text), "@type": .string(names.compact(datatype) ?? datatype)]
        case .literal(let text, nil, let language?):
            return ["@value": .string(text), "@language": .string(language)]
        case .literal(let text, nil, nil): return .string(text)
        }
    }

    private static func name(_ term: RDFTerm) -> String {
        if case .blank(let label) = term { return "_:" + label }
        return term.text ?? ""
    }

    /// RDF 1.1 XML. Every predicate must lie in one of the namespaces, because XML needs a name for it; others
    /// are left out.
    package func rdfXML(prefixes: [String: String]) -> String {
        let names = Namespaces(prefixes)
        let rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rdf:RDF xmlns:rdf=\"\(rdf)\""
        for (prefix, namespace) in prefixes.sorted(by: { $0.key < $1.key }) where prefix != "rdf" {
            text += "\n    xmlns:\(prefix)=\"\(Self.escaped(namespace))\""
        }
        text += ">\n"
        for subject in subjects {
            text += "  <rdf:Description \(Self.reference(subject, "about"))>\n"
            for triple in about(subject) {
                let name = triple.predicate == Self.type ? "rdf:type" : names.compact(triple.predicate)
                guard let name else { continue }
                text += "    " + Self.element(name, triple.object) + "\n"
            }
            text += "  </rdf:Description>\n"
        }
        return text + "</rdf:RDF>\n"
    }

    private static func element(_ name: String, _ object: RDFTerm) -> String {
        switch object {
        case .iri, .blank: return "<\(name) \(reference(object, "resource"))/>"
        case .literal(let text, let datatype, let language):
            let attribute =
                datatype.map { " rdf:datatype=\"\(escaped($0))\"" } ?? language.map {
                    " xml:lang=\"\(escaped($0))\""
                } ?? ""
            return "<\(name)\(attribute)>\(escaped(text))</\(name)>"
        }
    }

    private static func reference(_ term: RDFTerm, _ attribute: String) -> String {
        if case .blank(let label) = term { return "rdf:nodeID=\"\(escaped(label))\"" }
        return "rdf:\(attribute)=\"\(escaped(term.text ?? ""))\""
    }

    /// XML 1.0 admits no control characters, escaped or not: they are dropped.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": continue
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// Prefixed names: the longest namespace wins, and what follows it must be a plain name in every notation.
private struct Namespaces {
    private let sorted: [(prefix: String, namespace: String)]

    init(_ prefixes: [String: String]) {
        sorted = prefixes.map { ($0.key, $0.value) }.sorted {
            ($1.namespace.utf8.count, $0.prefix) < ($0.namespace.utf8.count, $1.prefix)
        }
    }

    func compact(_ iri: String) -> String? {
        for (prefix, namespace) in sorted where iri.hasPrefix(namespace) {
            let local = iri.dropFirst(namespace.count)
            guard let first = local.first, first.isASCII && first.isLetter,
                local.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
            else { continue }
            return prefix + ":" + local
        }
        return nil
    }
}

private struct TurtleWriter {
    private let graph: RDFGraph
    private let names: Namespaces
    private let prefixes: [String: String]
    /// Blank nodes that are written inside the one triple that points to them.
    private let inlined: Set<RDFTerm>

    init(graph: RDFGraph, prefixes: [String: String]) {
        self.graph = graph
        self.prefixes = prefixes
        names = Namespaces(prefixes)
        var uses: [RDFTerm: Int] = [:]
        var loops: Set<RDFTerm> = []
        for triple in graph.triples {
            guard case .blank = triple.object else { continue }
            uses[triple.object, default: 0] += 1
            // Only trees of blank nodes below a named subject are folded in: a loop would never end.
            if case .blank = triple.subject { loops.insert(triple.object) }
        }
        inlined = Set(uses.filter { $0.value == 1 }.keys).subtracting(loops)
    }

    mutating func document() -> String {
        var text = ""
        for (prefix, namespace) in prefixes.sorted(by: { $0.key < $1.key }) {
            text += "@prefix \(prefix): <\(namespace)> .\n"
        }
        for subject in graph.subjects where !inlined.contains(subject) {
            text += "\n\(written(subject)) \(predicates(of: subject, indent: "    ")) .\n"
        }
        return text
    }

    private func predicates(of subject: RDFTerm, indent: String) -> String {
        var order: [String] = []
        var objects: [String: [RDFTerm]] = [:]
        for triple in graph.about(subject) {
            if objects[triple.predicate] == nil { order.append(triple.predicate) }
            objects[triple.predicate, default: []].append(triple.object)
        }
        if let place = order.firstIndex(of: RDFGraph.type) { order.insert(order.remove(at: place), at: 0) }
        let lines = order.map { predicate in
            let name = predicate == RDFGraph.type ? "a" : written(.iri(predicate))
            let list = (objects[predicate] ?? []).map { object in
                guard inlined.contains(object) else { return written(object) }
                return "[ " + predicates(of: object, indent: indent + "    ") + " ]"
            }
            return name + " " + list.joined(separator: ", ")
        }
        return lines.joined(separator: " ;\n" + indent)
    }

    private func written(_ term: RDFTerm) -> String {
        switch term {
        case .iri(let iri): return names.compact(iri) ?? "<\(Self.escaped(iri: iri))>"
        case .blank(let label): return "_:" + label
        case .literal(let text, let datatype, let language):
            let tail = datatype.map { "^^" + written(.iri($0)) } ?? language.map { "@" + $0 } ?? ""
            return "\"\(Self.escaped(text))\"" + tail
        }
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            case "\u{0}"..<"\u{20}": escaped += "\\u" + hex(scalar)
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func escaped(iri: String) -> String {
        var escaped = ""
        for scalar in iri.unicodeScalars {
            if scalar.value <= 0x20 || "<>\"{}|^`\\".unicodeScalars.contains(scalar) {
                escaped += "\\u" + hex(scalar)
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func hex(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
