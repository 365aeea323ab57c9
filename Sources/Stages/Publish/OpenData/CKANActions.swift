// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The limits of CKAN itself.
private enum Limits {
    static let rowsMax = 1000
    static let namesMax = 100_000
    static let recordsMax = 32_000
}

/// The read side of the CKAN Action API, as harvesters, `ckanapi`, pandas and R users call it.
///
/// Both path styles (`/api/action/`, `/api/3/action/`), GET and POST. A request is parameters in, a reply is a
/// status and an object; nothing here knows HTTP.
package struct CKANActions<Shelf: OpenDataShelf>: Sendable {
    private let shelf: Shelf
    /// The root of the node's pages, without a final slash.
    private let address: String
    private let title: LocalizedText

    package init(shelf: Shelf, address: String, title: LocalizedText) {
        self.shelf = shelf
        self.address = address
        self.title = title
    }

    package struct Reply: Sendable {
        package let status: Int
        package let body: JSON
    }

    /// The action a path names; `nil` for other paths.
    package static func action(in path: String) -> String? {
        let parts = path.split(separator: "/").map(String.init)
        switch parts.count {
        case 3 where parts[0] == "api" && parts[1] == "action": return parts[2]
        case 4 where parts[0] == "api" && parts[1] == "3" && parts[2] == "action": return parts[3]
        default: return nil
        }
    }

    /// Runs an action with the parameters of a query string or a JSON body.
    package func answer(_ action: String, _ parameters: CKANParameters) async -> Reply {
        let help = "\(address)/api/3/action/help_show?name=\(action)"
        do throws(Problem) {
            let result = try await result(action, parameters)
            return Reply(status: 200, body: ["help": .string(help), "success": true, "result": result])
        } catch {
            let (status, type) = Self.error(error)
            let reason: JSON = ["__type": .string(type), "message": .string(Self.message(error))]
            return Reply(status: status, body: ["help": .string(help), "success": false, "error": reason])
        }
    }

    private static func error(_ problem: Problem) -> (Int, String) {
        switch problem.kind {
        case .missing: (404, "Not Found Error")
        case .unauthenticated, .forbidden: (403, "Authorization Error")
        case .invalid where problem.code == "publish.search-unreadable": (409, "Search Query Error")
        case .invalid, .conflict: (409, "Validation Error")
        case .limited: (429, "Limit Error")
        case .unavailable: (503, "Unavailable Error")
        case .fault: (500, "Internal Server Error")
        }
    }

    /// CKAN's clients show this text as it is; the sentences of the problem stand on its page.
    private static func message(_ problem: Problem) -> String {
        guard case .text(let name)? = problem.arguments["name"] else { return problem.code }
        return problem.kind == .missing ? "Not found: \(name)" : "\(problem.code): \(name)"
    }

    private func result(_ action: String, _ parameters: CKANParameters) async throws(Problem) -> JSON {
        switch action {
        case "package_search": return try await search(parameters)
        case "package_list", "current_package_list": return try await packageList(parameters)
        case "package_show": return package(try await record(parameters))
        case "resource_show": return try await resource(parameters)
        case "organization_list": return try await organizationList(parameters)
        case "organization_show": return try await organization(parameters)
        case "group_list": return []
        case "group_show": throw Self.missing(parameters["id"] ?? "")
        case "tag_list": return try await tagList()
        case "license_list": return try await licenseList()
        case "datastore_search": return try await rows(parameters)
        case "status_show":
            return [
                "site_title": .string(title.en), "site_url": .string(address), "ckan_version": "2.10.0",
                "extensions": ["datastore"], "error_emails_to": .null, "locale_default": "zh",
            ]
        case "site_read": return true
        case "help_show": return .string("\(parameters["name"] ?? action): see \(address)/docs")
        default: throw Problem(.missing, "publish.action-unknown", ["name": .text(action)])
        }
    }

    private static func missing(_ name: String) -> Problem {
        Problem(.missing, "publish.record-missing", ["name": .text(name)])
    }

    // MARK: Datasets

    private func search(_ parameters: CKANParameters) async throws(Problem) -> JSON {
        var query = CatalogQuery()
        let words = parameters["q"] ?? ""
        query.words = words == "*:*" || words == "*" ? "" : words
        query.filters = try Self.filters([parameters["fq"] ?? ""] + parameters.list("fq_list"))
        query.start = max(0, try parameters.integer("start") ?? 0)
        query.rows = min(max(0, try parameters.integer("rows") ?? 10), Limits.rowsMax)
        query.facets = parameters.list("facet.field").compactMap(CatalogQuery.Facet.init)
        let sort = parameters["sort"] ?? ""
        query.order =
            sort.hasPrefix("metadata_modified")
            ? .modified : sort.hasPrefix("name") || sort.hasPrefix("title") ? .name : .relevance
        let found = try await shelf.find(query)
        var counts: [String: JSON] = [:]
        var items: [String: JSON] = [:]
        for facet in query.facets {
            let values = found.facets[facet] ?? [:]
            counts[facet.rawValue] = .object(values.mapValues { .integer(Int64($0)) })
            let sorted = values.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            items[facet.rawValue] = [
                "title": .string(facet.rawValue),
                "items": .array(
                    sorted.map {
                        [
                            "name": .string($0.key), "display_name": .string($0.key),
                            "count": .integer(Int64($0.value)),
                        ]
                    }),
            ]
        }
        return [
            "count": .integer(Int64(found.count)), "results": .array(found.records.map(package)),
            "facets": .object(counts), "search_facets": .object(items),
            "sort": .string(sort.isEmpty ? "score desc, metadata_modified desc" : sort),
        ]
    }

    /// `organization:abc +tags:"air quality" AND res_format:(CSV OR JSON)`: fields of ours with values, all of
    /// which must hold. Other fields and other syntax are refused, because a filter that is not applied lies.
    static func filters(_ texts: [String]) throws(Problem) -> [CatalogQuery.Facet: Set<String>] {
        var filters: [CatalogQuery.Facet: Set<String>] = [:]
        for text in texts {
            var rest = Substring(text)
            while true {
                rest = rest.drop { $0 == " " || $0 == "+" }
                if rest.hasPrefix("AND ") { rest = rest.dropFirst(4).drop { $0 == " " } }
                guard !rest.isEmpty else { break }
                guard let colon = rest.firstIndex(of: ":") else { throw unreadable(String(rest)) }
                let name = String(rest[..<colon])
                rest = rest[rest.index(after: colon)...]
                let values = try values(&rest)
                switch name {
                // Everything here is public, active and a dataset; harvesters ask for it all the same.
                case "dataset_type", "type", "state", "capacity", "private": continue
                case "owner_org": filters[.organization, default: []].formUnion(values)
                default:
                    guard let facet = CatalogQuery.Facet(rawValue: name) else { throw unreadable(name) }
                    filters[facet, default: []].formUnion(values)
                }
            }
        }
        return filters
    }

    private static func values(_ rest: inout Substring) throws(Problem) -> [String] {
        if rest.hasPrefix("(") {
            guard let end = rest.firstIndex(of: ")") else { throw unreadable(String(rest)) }
            let inside = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
            return inside.replacing(" OR ", with: "\u{1F}").split(separator: "\u{1F}")
                .map { String($0.trimmed.filter { $0 != "\"" }) }
        }
        if rest.hasPrefix("\"") {
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: "\"") else { throw unreadable(String(rest)) }
            let value = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
            return [value]
        }
        let value = rest.prefix { $0 != " " }
        rest = rest[value.endIndex...]
        return [String(value)]
    }

    private static func unreadable(_ text: String) -> Problem {
        Problem(.invalid, "publish.search-unreadable", ["name": .text(text)])
    }

    private func packageList(_ parameters: CKANParameters) async throws(Problem) -> JSON {
        let limit = min(try parameters.integer("limit") ?? Limits.namesMax, Limits.namesMax)
        let offset = max(0, try parameters.integer("offset") ?? 0)
        let found = try await shelf.find(CatalogQuery(order: .name, start: offset, rows: limit))
        return .array(found.records.map { .string($0.code) })
    }

    private func record(_ parameters: CKANParameters) async throws(Problem) -> CatalogRecord {
        let name = parameters["id"] ?? parameters["name_or_id"] ?? ""
        guard let record = try await shelf.record(name) else { throw Self.missing(name) }
        return record
    }

    private func package(_ record: CatalogRecord) -> JSON {
        [
            "id": .string(record.id), "name": .string(record.code), "title": .string(record.title.zh),
            "title_translated": ["zh": .string(record.title.zh), "en": .string(record.title.en)],
            "notes": .string(record.about.zh),
            "notes_translated": ["zh": .string(record.about.zh), "en": .string(record.about.en)],
            "url": .string("\(address)/dataset/\(record.code)"), "type": "dataset", "state": "active",
            "private": false, "isopen": .bool(record.openness == .unconditional),
            "metadata_created": .string(Self.time(record.issued)),
            "metadata_modified": .string(Self.time(record.modified)),
            "license_id": .string(record.license ?? "notspecified"),
            "license_title": .string(record.license ?? ""),
            "license_url": record.license.map(JSON.string) ?? .null,
            "owner_org": .string(record.publisher.code), "organization": organization(record.publisher, nil),
            "author": .string(record.publisher.name.zh), "groups": [],
            "tags": .array(record.keywords.map(Self.tag)), "num_tags": .integer(Int64(record.keywords.count)),
            "resources": .array(
                record.distributions.enumerated().map { resource($0.element, $0.offset, in: record) }),
            "num_resources": .integer(Int64(record.distributions.count)),
            "extras": .array(Self.extras(record)),
        ]
    }

    private static func tag(_ keyword: String) -> JSON {
        [
            "name": .string(keyword), "display_name": .string(keyword), "id": .string(keyword),
            "state": "active",
            "vocabulary_id": .null,
        ]
    }

    /// The fields of the Chinese catalog, under their names there.
    private static func extras(_ record: CatalogRecord) -> [JSON] {
        let pairs: [(String, String?)] = [
            ("identifier", record.code), ("信息资源代码", record.catalogCode?.description),
            ("开放属性", record.openness.words.zh),
            ("共享类型", record.sharing.words.zh), ("更新周期", record.frequency.rawValue),
            ("提供方代码", record.publisher.creditCode), ("记录条数", record.rowCount.map { String($0) }),
            ("安全等级", record.grade), ("地区", record.area), ("来源", record.origin),
            (
                "信息项",
                record.fields.isEmpty
                    ? nil : record.fields.map { "\($0.name) \($0.type)" }.joined(separator: "; ")
            ),
        ]
        return pairs.compactMap { key, value in
            value.map { ["key": .string(key), "value": .string($0)] }
        }
    }

    /// CKAN writes UTC without a zone.
    private static func time(_ instant: Instant) -> String {
        instant.dateAndTime(in: .utc, separator: "T") + ".000000"
    }

    // MARK: Resources

    private func resource(_ parameters: CKANParameters) async throws(Problem) -> JSON {
        let id = parameters["id"] ?? ""
        guard let (record, distribution) = try await shelf.distribution(id) else { throw Self.missing(id) }
        let position = record.distributions.firstIndex(of: distribution) ?? 0
        return resource(distribution, position, in: record)
    }

    private func resource(
        _ distribution: CatalogRecord.Distribution, _ position: Int, in record: CatalogRecord
    ) -> JSON {
        [
            "id": .string(distribution.id), "package_id": .string(record.id),
            "name": .string(distribution.title.zh), "description": .string(distribution.title.en),
            "format": .string(distribution.format),
            "mimetype": distribution.mediaType.map(JSON.string) ?? .null,
            "url": .string(distribution.downloadURL ?? distribution.accessURL), "url_type": .null,
            "size": distribution.byteCount.map(JSON.integer) ?? .null,
            "hash": .string(distribution.digest?.hex ?? ""), "created": .string(Self.time(record.issued)),
            "last_modified": .string(Self.time(record.modified)), "position": .integer(Int64(position)),
            "state": "active", "datastore_active": .bool(distribution.hasRows),
        ]
    }

    private func rows(_ parameters: CKANParameters) async throws(Problem) -> JSON {
        let id = parameters["resource_id"] ?? parameters["id"] ?? ""
        guard let (_, distribution) = try await shelf.distribution(id), distribution.hasRows else {
            throw Self.missing(id)
        }
        let limit = min(max(0, try parameters.integer("limit") ?? 100), Limits.recordsMax)
        let offset = max(0, try parameters.integer("offset") ?? 0)
        let order = (parameters["sort"] ?? "").split(separator: ",").map { part in
            let words = part.split(separator: " ")
            let field = words.first.map { $0.filter { $0 != "\"" } } ?? ""
            return RowQuery.Order(
                field: String(field), isAscending: words.dropFirst().first?.lowercased() != "desc")
        }
        let query = RowQuery(
            distribution: id, filters: try parameters.filters("filters"), words: parameters["q"] ?? "",
            fields: parameters.list("fields"), order: order, limit: limit, offset: offset)
        let page = try await shelf.rows(query)
        var result: [String: JSON] = [
            "resource_id": .string(id), "records_format": "objects", "limit": .integer(Int64(limit)),
            "offset": .integer(Int64(offset)), "records": .array(page.records.map(JSON.object)),
            "fields": .array(
                page.fields.map { ["id": .string($0.name), "type": .string(Self.type($0.type))] }),
            "_links": [
                "start": .string("/api/3/action/datastore_search?resource_id=\(id)&limit=\(limit)"),
                "next": .string(
                    "/api/3/action/datastore_search?resource_id=\(id)&limit=\(limit)&offset=\(offset + limit)"
                ),
            ],
        ]
        if parameters["include_total"] != "false" {
            result["total"] = .integer(Int64(page.total))
            result["total_was_estimated"] = false
        }
        return .object(result)
    }

    /// DuckDB's type as PostgreSQL names it, which is what CKAN's clients know.
    static func type(_ duckDB: String) -> String {
        switch duckDB.prefix(while: { $0 != "(" }) {
        case "BOOLEAN": "bool"
        case "TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT": "int4"
        case "BIGINT", "UINTEGER": "int8"
        case "HUGEINT", "UBIGINT", "DECIMAL": "numeric"
        case "FLOAT", "REAL": "float4"
        case "DOUBLE": "float8"
        case "DATE": "date"
        case "TIMESTAMP": "timestamp"
        case "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ": "timestamptz"
        default: "text"
        }
    }

    // MARK: Organizations and lists

    private func organizationList(_ parameters: CKANParameters) async throws(Problem) -> JSON {
        let publishers = try await shelf.publishers()
        if parameters["all_fields"]?.lowercased() == "true" {
            return .array(publishers.map { organization($0.0, $0.1) })
        }
        return .array(publishers.map { .string($0.0.code) })
    }

    private func organization(_ parameters: CKANParameters) async throws(Problem) -> JSON {
        let id = parameters["id"] ?? ""
        guard let (publisher, count) = try await shelf.publishers().first(where: { $0.0.code == id }) else {
            throw Self.missing(id)
        }
        var members = organization(publisher, count).object ?? [:]
        if parameters["include_datasets"]?.lowercased() == "true" {
            let query = CatalogQuery(filters: [.organization: [id]], order: .name, rows: Limits.rowsMax)
            members["packages"] = .array(try await shelf.find(query).records.map(package))
        }
        return .object(members)
    }

    private func organization(_ publisher: CatalogRecord.Publisher, _ count: Int?) -> JSON {
        var members: [String: JSON] = [
            "id": .string(publisher.code), "name": .string(publisher.code),
            "title": .string(publisher.name.zh),
            "display_name": .string(publisher.name.zh), "description": .string(publisher.name.en),
            "type": "organization", "state": "active", "is_organization": true, "approval_status": "approved",
            "image_url": "",
        ]
        members["package_count"] = count.map { .integer(Int64($0)) }
        return .object(members)
    }

    private func tagList() async throws(Problem) -> JSON {
        let found = try await shelf.find(CatalogQuery(facets: [.tags], rows: 0))
        return .array((found.facets[.tags] ?? [:]).keys.sorted().map(JSON.string))
    }

    private func licenseList() async throws(Problem) -> JSON {
        let found = try await shelf.find(CatalogQuery(facets: [.license], rows: 0))
        return .array(
            (found.facets[.license] ?? [:]).keys.sorted().map {
                ["id": .string($0), "title": .string($0), "url": .string($0), "status": "active"]
            })
    }
}

/// The parameters of one action, from a query string or from a JSON body.
package struct CKANParameters: Sendable {
    private let values: [String: JSON]

    package init(body: JSON) {
        values = body.object ?? [:]
    }

    /// A name that stands several times is a list.
    package init(query: [(String, String)]) {
        var values: [String: JSON] = [:]
        for (name, value) in query {
            switch values[name] {
            case nil: values[name] = .string(value)
            case .array(let earlier)?: values[name] = .array(earlier + [.string(value)])
            case let earlier?: values[name] = [earlier, .string(value)]
            }
        }
        self.values = values
    }

    subscript(_ name: String) -> String? {
        switch values[name] {
        case .string(let text)?: text
        case .integer(let number)?: String(number)
        case .bool(let flag)?: String(flag)
        default: nil
        }
    }

    func integer(_ name: String) throws(Problem) -> Int? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw Problem(.invalid, "publish.parameter-unreadable", ["name": .text(name)])
        }
        return number
    }

    /// A list as CKAN's clients write one: an array, a text holding a JSON array, or words with commas.
    func list(_ name: String) -> [String] {
        guard let value = values[name] else { return [] }
        if let array = value.array { return array.compactMap(\.text) }
        guard let text = value.text else { return [] }
        if text.hasPrefix("["), let array = try? JSON(parsing: text) {
            return (array.array ?? []).compactMap(\.text)
        }
        return text.split(separator: ",").map { String($0.trimmed) }
    }

    /// `{"column": value}` or `{"column": [values]}`, as an object or as its text.
    func filters(_ name: String) throws(Problem) -> [String: [String]] {
        guard let value = values[name], value != .null, value != "" else { return [:] }
        let parsed = value.text.flatMap { try? JSON(parsing: $0) } ?? value
        guard let members = parsed.object else {
            throw Problem(.invalid, "publish.parameter-unreadable", ["name": .text(name)])
        }
        return members.mapValues { value in
            (value.array ?? [value]).map { $0.text ?? $0.canonicalText }
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
