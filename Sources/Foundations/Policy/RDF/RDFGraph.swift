// SPDX-License-Identifier: Apache-2.0

/// A node of an RDF graph (RDF 1.1 Concepts §3).
package enum RDFTerm: Hashable, Sendable {
    case iri(String)
    case blank(String)
    /// A literal: its text, and its datatype (an IRI) or its language, never both.
    case literal(String, datatype: String? = nil, language: String? = nil)

    /// The IRI or the literal's text; a blank node has none to show.
    package var text: String? {
        switch self {
        case .iri(let text), .literal(let text, _, _): text
        case .blank: nil
        }
    }
}

package struct RDFTriple: Hashable, Sendable {
    package let subject: RDFTerm
    package let predicate: String
    package let object: RDFTerm
}

/// A set of triples that remembers the order in which they were added, so that what is written is stable.
package struct RDFGraph: Sendable {
    package private(set) var triples: [RDFTriple] = []
    private var places: [RDFTerm: [Int]] = [:]
    private var known: Set<RDFTriple> = []

    package init() {}

    package static let type = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    static let first = "http://www.w3.org/1999/02/22-rdf-syntax-ns#first"
    static let rest = "http://www.w3.org/1999/02/22-rdf-syntax-ns#rest"
    static let empty = "http://www.w3.org/1999/02/22-rdf-syntax-ns#nil"

    package mutating func add(_ subject: RDFTerm, _ predicate: String, _ object: RDFTerm) {
        let triple = RDFTriple(subject: subject, predicate: predicate, object: object)
        guard known.insert(triple).inserted else { return }
        places[subject, default: []].append(triples.count)
        triples.append(triple)
    }

    /// The subjects, in the order of their first triple.
    package var subjects: [RDFTerm] {
        var seen: Set<RDFTerm> = []
        return triples.map(\.subject).filter { seen.insert($0).inserted }
    }

    package func about(_ subject: RDFTerm) -> [RDFTriple] {
        (places[subject] ?? []).map { triples[$0] }
    }

    package func objects(_ subject: RDFTerm, _ predicate: String) -> [RDFTerm] {
        about(subject).filter { $0.predicate == predicate }.map(\.object)
    }

    package func object(_ subject: RDFTerm, _ predicate: String) -> RDFTerm? {
        objects(subject, predicate).first
    }

    package func subjects(ofType type: String) -> [RDFTerm] {
        subjects.filter { objects($0, Self.type).contains(.iri(type)) }
    }

    /// The members of an RDF collection; a term that begins none stands for itself.
    package func members(_ list: RDFTerm) -> [RDFTerm] {
        guard list == .iri(Self.empty) || object(list, Self.first) != nil else { return [list] }
        var members: [RDFTerm] = []
        var node = list
        // A list cannot be longer than the graph; a cycle ends here.
        while members.count <= triples.count, let first = object(node, Self.first) {
            members.append(first)
            guard let rest = object(node, Self.rest) else { break }
            node = rest
        }
        return members
    }
}
