// SPDX-License-Identifier: Apache-2.0

package import Policy
package import Primitives

/// A catalog in DCAT-AP 3.0.1 (SEMIC), for harvesters.
///
/// What DCAT-AP has no place for, the code of the Chinese catalog and its two classes, stands in
/// `adms:identifier` and in concepts of ours.
package struct DCATCatalog: Sendable {
    private let address: String
    private let title: LocalizedText
    private let about: LocalizedText
    private let publisher: CatalogRecord.Publisher
    private let records: [CatalogRecord]

    /// - Parameter address: the root of the node's pages, without a final slash.
    package init(
        address: String, title: LocalizedText, about: LocalizedText, publisher: CatalogRecord.Publisher,
        records: [CatalogRecord]
    ) {
        self.address = address
        self.title = title
        self.about = about
        self.publisher = publisher
        self.records = records
    }

    package static let prefixes = [
        "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/", "xsd": Vocabulary.xsd, "adms": "http://www.w3.org/ns/adms#",
        "skos": "http://www.w3.org/2004/02/skos/core#", "spdx": "http://spdx.org/rdf/terms#",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    ]

    package var turtle: String { graph.turtle(prefixes: Self.prefixes) }
    package var jsonLD: JSON { graph.jsonLD(prefixes: Self.prefixes) }
    package var xml: String { graph.rdfXML(prefixes: Self.prefixes) }

    package var graph: RDFGraph {
        var writer = DCATWriter(address: address)
        let catalog = RDFTerm.iri(address + "/catalog")
        writer.typed(catalog, "dcat:Catalog")
        writer.text(catalog, "dct:title", title)
        writer.text(catalog, "dct:description", about)
        writer.add(catalog, "dct:publisher", writer.agent(publisher))
        if let modified = records.map(\.modified).max() { writer.time(catalog, "dct:modified", modified) }
        for language in Language.allCases { writer.add(catalog, "dct:language", writer.language(language)) }
        for record in records {
            writer.add(catalog, "dcat:dataset", writer.dataset(record))
        }
        return writer.graph
    }

    /// One dataset alone, for `/dataset/{code}.ttl`.
    package static func graph(of record: CatalogRecord, address: String) -> RDFGraph {
        var writer = DCATWriter(address: address)
        _ = writer.dataset(record)
        return writer.graph
    }
}

private struct DCATWriter {
    private(set) var graph = RDFGraph()
    let address: String
    private static let authority = "http://publications.europa.eu/resource/authority/"

    init(address: String) {
        self.address = address
    }

    // MARK: Small pieces

    private func iri(_ name: String) -> String {
        let parts = name.split(separator: ":", maxSplits: 1)
        return (DCATCatalog.prefixes[String(parts[0])] ?? "") + parts[1]
    }

    mutating func add(_ subject: RDFTerm, _ name: String, _ object: RDFTerm) {
        graph.add(subject, iri(name), object)
    }

    mutating func typed(_ subject: RDFTerm, _ type: String) {
        graph.add(subject, RDFGraph.type, .iri(iri(type)))
    }

    /// Both languages, or one plain literal where they are the same.
    mutating func text(_ subject: RDFTerm, _ name: String, _ text: LocalizedText) {
        if text.zh == text.en {
            add(subject, name, .literal(text.en))
        } else {
            add(subject, name, .literal(text.zh, language: "zh"))
            add(subject, name, .literal(text.en, language: "en"))
        }
    }

    mutating func time(_ subject: RDFTerm, _ name: String, _ instant: Instant) {
        add(subject, name, .literal(instant.rfc3339, datatype: iri("xsd:dateTime")))
    }

    private mutating func concept(_ address: String, _ type: String, _ words: LocalizedText? = nil) -> RDFTerm
    {
        let node = RDFTerm.iri(address)
        typed(node, type)
        if let words { text(node, "skos:prefLabel", words) }
        return node
    }

    mutating func language(_ language: Language) -> RDFTerm {
        concept(Self.authority + "language/" + (language == .zh ? "ZHO" : "ENG"), "dct:LinguisticSystem")
    }

    mutating func agent(_ publisher: CatalogRecord.Publisher) -> RDFTerm {
        let node = RDFTerm.iri(address + "/parties/" + publisher.code)
        typed(node, "foaf:Agent")
        text(node, "foaf:name", publisher.name)
        if let creditCode = publisher.creditCode { add(node, "dct:identifier", .literal(creditCode)) }
        return node
    }

    // MARK: Datasets

    mutating func dataset(_ record: CatalogRecord) -> RDFTerm {
        let node = RDFTerm.iri(address + "/dataset/" + record.code)
        typed(node, "dcat:Dataset")
        text(node, "dct:title", record.title)
        text(node, "dct:description", record.about)
        add(node, "dct:identifier", .literal(record.code))
        add(node, "dct:publisher", agent(record.publisher))
        time(node, "dct:issued", record.issued)
        time(node, "dct:modified", record.modified)
        for keyword in record.keywords { add(node, "dcat:keyword", .literal(keyword)) }
        add(node, "dct:accessRights", accessRights(record.openness))
        let frequency = Self.authority + "frequency/" + record.frequency.rawValue
        add(node, "dct:accrualPeriodicity", concept(frequency, "dct:Frequency"))
        if let code = record.catalogCode { add(node, "adms:identifier", identifier(code)) }
        let sharing = concept(
            "urn:hutong:sharing:" + record.sharing.rawValue, "skos:Concept", record.sharing.words)
        add(node, "dct:type", sharing)
        if let area = record.area {
            let place = concept("urn:hutong:area:" + area, "dct:Location")
            add(place, "dct:identifier", .literal(area))
            add(node, "dct:spatial", place)
        }
        if let origin = record.origin { add(node, "dct:source", .iri(origin)) }
        for distribution in record.distributions {
            add(node, "dcat:distribution", self.distribution(distribution, record))
        }
        return node
    }

    /// The European list's three values, with our class's words beside them.
    private mutating func accessRights(_ openness: CatalogRecord.Openness) -> RDFTerm {
        let name =
            switch openness {
            case .unconditional: "PUBLIC"
            case .conditional: "RESTRICTED"
            case .closed: "NON_PUBLIC"
            }
        return concept(Self.authority + "access-right/" + name, "dct:RightsStatement", openness.words)
    }

    private mutating func identifier(_ code: CatalogCode) -> RDFTerm {
        let node = RDFTerm.iri("urn:hutong:catalog-code:" + code.description)
        typed(node, "adms:Identifier")
        add(node, "skos:notation", .literal(code.description))
        return node
    }

    private mutating func distribution(
        _ distribution: CatalogRecord.Distribution, _ record: CatalogRecord
    ) -> RDFTerm {
        let node = RDFTerm.iri("\(address)/dataset/\(record.code)/resource/\(distribution.id)")
        typed(node, "dcat:Distribution")
        text(node, "dct:title", distribution.title)
        add(node, "dcat:accessURL", .iri(distribution.accessURL))
        if let url = distribution.downloadURL { add(node, "dcat:downloadURL", .iri(url)) }
        if ["CSV", "JSON", "PARQUET", "XML"].contains(distribution.format) {
            let type = Self.authority + "file-type/" + distribution.format
            add(node, "dct:format", concept(type, "dct:MediaTypeOrExtent"))
        }
        if let type = distribution.mediaType {
            let media = "https://www.iana.org/assignments/media-types/" + type
            add(node, "dcat:mediaType", concept(media, "dct:MediaType"))
        }
        if let count = distribution.byteCount {
            add(node, "dcat:byteSize", .literal(String(count), datatype: iri("xsd:nonNegativeInteger")))
        }
        if let license = record.license { add(node, "dct:license", concept(license, "dct:LicenseDocument")) }
        if let digest = distribution.digest {
            let checksum = RDFTerm.iri("urn:sha256:" + digest.hex)
            typed(checksum, "spdx:Checksum")
            add(
                checksum, "spdx:algorithm",
                concept(iri("spdx:checksumAlgorithm_sha256"), "spdx:ChecksumAlgorithm"))
            add(checksum, "spdx:checksumValue", .literal(digest.hex, datatype: iri("xsd:hexBinary")))
            add(node, "spdx:checksum", checksum)
        }
        return node
    }
}
