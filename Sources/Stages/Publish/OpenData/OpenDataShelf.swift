// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What an open-data client searches for.
package struct CatalogQuery: Hashable, Sendable {
    /// What records can be narrowed and counted by.
    package enum Facet: String, Hashable, Sendable, CaseIterable {
        case organization, tags, openness
        case format = "res_format"
        case license = "license_id"
    }

    package enum Order: String, Hashable, Sendable {
        case relevance, modified, name
    }

    package var words: String
    package var filters: [Facet: Set<String>]
    package var facets: [Facet]
    package var order: Order
    package var start: Int
    package var rows: Int

    package init(
        words: String = "", filters: [Facet: Set<String>] = [:], facets: [Facet] = [],
        order: Order = .relevance,
        start: Int = 0, rows: Int = 10
    ) {
        self.words = words
        self.filters = filters
        self.facets = facets
        self.order = order
        self.start = start
        self.rows = rows
    }
}

/// A page of a search: the records from `start` on, and the true count of all.
package struct CatalogFindings: Sendable {
    package let count: Int
    package let records: [CatalogRecord]
    package let facets: [CatalogQuery.Facet: [String: Int]]

    package init(
        count: Int, records: [CatalogRecord], facets: [CatalogQuery.Facet: [String: Int]] = [:]
    ) {
        self.count = count
        self.records = records
        self.facets = facets
    }
}

/// Rows asked of one distribution.
package struct RowQuery: Hashable, Sendable {
    package var distribution: String
    /// Each column must equal one of its values.
    package var filters: [String: [String]]
    package var words: String
    /// Empty: all.
    package var fields: [String]
    /// Column and whether ascending.
    package var order: [Order]
    package var limit: Int
    package var offset: Int

    package struct Order: Hashable, Sendable {
        package let field: String
        package let isAscending: Bool
    }

    package init(
        distribution: String, filters: [String: [String]] = [:], words: String = "", fields: [String] = [],
        order: [Order] = [], limit: Int, offset: Int
    ) {
        self.distribution = distribution
        self.filters = filters
        self.words = words
        self.fields = fields
        self.order = order
        self.limit = limit
        self.offset = offset
    }
}

/// The rows that came, each an object, and how many there are in all.
package struct RowPage: Sendable {
    package let fields: [CatalogRecord.Field]
    package let records: [[String: JSON]]
    package let total: Int

    package init(fields: [CatalogRecord.Field], records: [[String: JSON]], total: Int) {
        self.fields = fields
        self.records = records
        self.total = total
    }
}

/// What open-data clients may see: for everybody who asks without credentials, so only what is open. Rows come
/// through the valve, behind this seam.
package protocol OpenDataShelf: Sendable {
    func find(_ query: CatalogQuery) async throws(Problem) -> CatalogFindings
    /// By UUID or code; `nil` where there is none for the public.
    func record(_ name: String) async throws(Problem) -> CatalogRecord?
    func distribution(_ id: String) async throws(Problem) -> (CatalogRecord, CatalogRecord.Distribution)?
    /// Everybody who publishes something open, with the number of records.
    func publishers() async throws(Problem) -> [(CatalogRecord.Publisher, Int)]
    func rows(_ query: RowQuery) async throws(Problem) -> RowPage
}
