// SPDX-License-Identifier: Apache-2.0

package import Policy
package import Primitives

/// What the catalog protocol shows of one product (Dataspace Protocol 2025-1, Catalog Protocol §2).
package struct DatasetEntry: Hashable, Sendable {
    /// One way to obtain or use the data.
    package struct Distribution: Hashable, Sendable {
        /// `HttpData-PULL`, or a door of ours such as `hutong:query`.
        package let format: String
        /// The identifier of the `DataService` of this catalog that serves it.
        package let accessService: String

        package init(format: String, accessService: String) {
            self.format = format
            self.accessService = accessService
        }
    }

    package let id: String
    /// At least one; each without a target, because it stands inside its dataset.
    package let offers: [UsagePolicy]
    /// At least one.
    package let distributions: [Distribution]
    /// Descriptive members (`dct:title` …) under the names they have on the wire.
    package let description: [String: JSON]

    package init(
        id: String, offers: [UsagePolicy], distributions: [Distribution], description: [String: JSON] = [:]
    ) {
        self.id = id
        self.offers = offers
        self.distributions = distributions
        self.description = description
    }

    /// The dataset inside a catalog.
    package var members: [String: JSON] {
        var members = description
        members["@id"] = .string(id)
        members["@type"] = "Dataset"
        members["hasPolicy"] = .array(
            offers.map { offer in
                var inside = offer
                inside.target = nil
                inside.kind = .offer
                return inside.json
            })
        members["distribution"] = .array(
            distributions.map {
                [
                    "@type": "Distribution", "format": .string($0.format),
                    "accessService": .string($0.accessService),
                ]
            })
        return members
    }

    /// The dataset alone, as `GET /catalog/datasets/:id` answers it.
    package func reply(service: DataService) -> JSON {
        var members = members
        members["distribution"] = .array(
            distributions.map { distribution in
                let isOurs = distribution.accessService == service.id
                return [
                    "@type": "Distribution", "format": .string(distribution.format),
                    "accessService": isOurs ? service.json : .string(distribution.accessService),
                ]
            })
        return .message("Dataset", members)
    }
}

/// The data service of a node: where its protocol endpoints stand.
package struct DataService: Hashable, Sendable {
    package let id: String
    package let endpointURL: String

    package init(id: String, endpointURL: String) {
        self.id = id
        self.endpointURL = endpointURL
    }

    package var json: JSON {
        ["@id": .string(id), "@type": "DataService", "endpointURL": .string(endpointURL)]
    }
}

/// What a caller asks of a catalog. The protocol leaves the filter open; ours is a list of objects with `q` (words
/// to find), `format` and `theme`, all of which must match. Anything else is refused with 400.
package struct CatalogRequest: Hashable, Sendable {
    package let words: [String]
    package let formats: Set<String>
    package let themes: Set<String>

    package init(words: [String] = [], formats: Set<String> = [], themes: Set<String> = []) {
        self.words = words
        self.formats = formats
        self.themes = themes
    }

    package init(json: JSON) throws(MessageFailure) {
        let reader = try MessageReader(json, type: "CatalogRequestMessage")
        var words: [String] = []
        var formats: Set<String> = []
        var themes: Set<String> = []
        if let filter = json["filter"] {
            guard let array = filter.array else { throw reader.failure("filter", "an array") }
            for (number, part) in array.enumerated() {
                guard let members = part.object, !members.isEmpty else {
                    throw reader.failure("filter[\(number)]", "an object with q, format or theme")
                }
                for (name, value) in members {
                    guard let text = value.text else {
                        throw reader.failure("filter[\(number)].\(name)", "a text")
                    }
                    switch name {
                    case "q": words.append(text)
                    case "format": formats.insert(text)
                    case "theme": themes.insert(text)
                    default: throw reader.failure("filter[\(number)]", "q, format or theme")
                    }
                }
            }
        }
        self.init(words: words, formats: formats, themes: themes)
    }

    /// The request as a message, for a consumer's side.
    package var json: JSON {
        let parts: [JSON] =
            words.map { ["q": .string($0)] } + formats.sorted().map { ["format": .string($0)] }
            + themes.sorted().map { ["theme": .string($0)] }
        return .message("CatalogRequestMessage", parts.isEmpty ? [:] : ["filter": .array(parts)])
    }
}

/// One page of a catalog.
package struct CatalogPage: Hashable, Sendable {
    package let datasets: [DatasetEntry]
    /// Opaque; where the next and the previous page begin.
    package let next: String?
    package let previous: String?

    package init(datasets: [DatasetEntry], next: String? = nil, previous: String? = nil) {
        self.datasets = datasets
        self.next = next
        self.previous = previous
    }

    /// The root catalog. An empty page has no `dataset`, because the schema wants at least one in it.
    package func reply(id: String, participantId: String, service: DataService) -> JSON {
        var members: [String: JSON] = [
            "@id": .string(id), "participantId": .string(participantId), "service": [service.json],
        ]
        if !datasets.isEmpty { members["dataset"] = .array(datasets.map { .object($0.members) }) }
        return .message("Catalog", members)
    }
}

/// The catalog of a node as the endpoints need it: what one caller may see of it.
package protocol CatalogShelf {
    /// A page after a cursor of an earlier page; `nil` begins. The same cursor gives the same place even while
    /// datasets come and go.
    func page(
        _ request: CatalogRequest, for caller: String, after cursor: String?
    ) throws(Problem) -> CatalogPage
    /// `nil` where there is no such dataset for this caller.
    func dataset(_ id: String, for caller: String) throws(Problem) -> DatasetEntry?
}
