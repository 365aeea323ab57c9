// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One product as catalogs of every kind show it: the page, DCAT, CKAN and the Dataspace Protocol are made from
/// this alone, so they cannot disagree.
package struct CatalogRecord: Hashable, Sendable {
    /// 开放属性. Apart from sharing: a table may be closed to the public and open to every bureau.
    package enum Openness: String, Hashable, Sendable, CaseIterable {
        case unconditional, conditional, closed
    }

    /// 共享属性, between public bodies.
    package enum Sharing: String, Hashable, Sendable, CaseIterable {
        case unconditional, conditional, closed
    }

    /// 更新周期, by the names of the European frequency list that DCAT-AP asks for.
    package enum Frequency: String, Hashable, Sendable, CaseIterable {
        case continuous = "CONT"
        case hourly = "HOURLY"
        case daily = "DAILY"
        case weekly = "WEEKLY"
        case monthly = "MONTHLY"
        case quarterly = "QUARTERLY"
        case yearly = "ANNUAL"
        case irregular = "IRREG"
        case unknown = "UNKNOWN"
    }

    /// A column: 信息项.
    package struct Field: Hashable, Sendable {
        package let name: String
        /// A type of DuckDB: `VARCHAR`, `DECIMAL(9,2)`, `TIMESTAMP`.
        package let type: String
        package let title: LocalizedText?

        package init(name: String, type: String, title: LocalizedText? = nil) {
            self.name = name
            self.type = type
            self.title = title
        }
    }

    package struct Publisher: Hashable, Sendable {
        /// The code of the party.
        package let code: String
        package let name: LocalizedText
        /// 统一社会信用代码, where there is one.
        package let creditCode: String?

        package init(code: String, name: LocalizedText, creditCode: String? = nil) {
            self.code = code
            self.name = name
            self.creditCode = creditCode
        }
    }

    /// One way to the data.
    package struct Distribution: Hashable, Sendable {
        /// A UUID.
        package let id: String
        package let title: LocalizedText
        /// `CSV`, `PARQUET`, `JSON`; `API` for a door that answers questions.
        package let format: String
        package let mediaType: String?
        package let accessURL: String
        /// Only where anybody who may see it may fetch the file there.
        package let downloadURL: String?
        package let byteCount: Int64?
        package let digest: Digest?
        /// Whether rows can be asked for through `datastore_search`.
        package let hasRows: Bool

        package init(
            id: String, title: LocalizedText, format: String, mediaType: String? = nil, accessURL: String,
            downloadURL: String? = nil, byteCount: Int64? = nil, digest: Digest? = nil, hasRows: Bool = false
        ) {
            self.id = id
            self.title = title
            self.format = format
            self.mediaType = mediaType
            self.accessURL = accessURL
            self.downloadURL = downloadURL
            self.byteCount = byteCount
            self.digest = digest
            self.hasRows = hasRows
        }
    }

    /// A UUID.
    package let id: String
    /// The code, lower case; the name in addresses.
    package let code: String
    package let title: LocalizedText
    package let about: LocalizedText
    package let publisher: Publisher
    package let keywords: [String]
    package let catalogCode: CatalogCode?
    package let openness: Openness
    package let sharing: Sharing
    package let frequency: Frequency
    package let issued: Instant
    package let modified: Instant
    /// An address of the license's text.
    package let license: String?
    /// The area it is about, `CN-11`.
    package let area: String?
    package let fields: [Field]
    package let rowCount: Int64?
    /// 数据级别, as it was confirmed.
    package let grade: String?
    package let distributions: [Distribution]
    /// The node or catalog it was harvested from; `nil` for our own.
    package let origin: String?

    package init(
        id: String, code: String, title: LocalizedText, about: LocalizedText, publisher: Publisher,
        keywords: [String] = [], catalogCode: CatalogCode? = nil, openness: Openness,
        sharing: Sharing = .conditional, frequency: Frequency = .unknown, issued: Instant, modified: Instant,
        license: String? = nil, area: String? = nil, fields: [Field] = [], rowCount: Int64? = nil,
        grade: String? = nil, distributions: [Distribution], origin: String? = nil
    ) {
        self.id = id
        self.code = code
        self.title = title
        self.about = about
        self.publisher = publisher
        self.keywords = keywords
        self.catalogCode = catalogCode
        self.openness = openness
        self.sharing = sharing
        self.frequency = frequency
        self.issued = issued
        self.modified = modified
        self.license = license
        self.area = area
        self.fields = fields
        self.rowCount = rowCount
        self.grade = grade
        self.distributions = distributions
        self.origin = origin
    }
}

/// The words of the classes, as Chinese portals and English readers expect them.
extension CatalogRecord.Openness {
    package var words: LocalizedText {
        switch self {
        case .unconditional: LocalizedText(zh: "无条件开放", en: "open without conditions")
        case .conditional: LocalizedText(zh: "有条件开放", en: "open on application")
        case .closed: LocalizedText(zh: "不予开放", en: "not open")
        }
    }
}

extension CatalogRecord.Sharing {
    package var words: LocalizedText {
        switch self {
        case .unconditional: LocalizedText(zh: "无条件共享", en: "shared without conditions")
        case .conditional: LocalizedText(zh: "有条件共享", en: "shared on application")
        case .closed: LocalizedText(zh: "不予共享", en: "not shared")
        }
    }
}
