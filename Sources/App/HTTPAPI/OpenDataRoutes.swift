// SPDX-License-Identifier: Apache-2.0

import Deliver
private import Identity
private import Policy
import Primitives
import Publish
import Register
import Store
import WebUI

extension Courtyard {
    /// Open data for everybody: DCAT for harvesters, CKAN's actions for clients, files, and a page for people.
    var openDataRoutes: [Route] {
        dcatRoutes + ckanRoutes + [
            Route(
                "GET", "/open/:code/:file", .anyone, "The data of an open listing: data.csv, .parquet, .json."
            ) {
                request throws(Problem) in try await openFile(request)
            },
            Route(
                "POST", "/open/:code/feedback", .anyone, "A reader's remark on open data.",
                bodyBytesMax: 16 << 10
            ) { request throws(Problem) in
                try await openCatalog.tell(request.form["words"] ?? "", about: request.parameter("code"))
                return APIReply(seeOther: "/open/" + request.parameter("code"))
            },
            page("/open/:code", .anyone, "Open data: preview, files, programs, feedback.") {
                request throws(Problem) in try await openDataPage(request)
            },
        ]
    }

    var openCatalog: OpenCatalog { OpenCatalog(delivery: delivery, address: publicURL()) }

    // MARK: DCAT

    private enum Notation: String, CaseIterable {
        case turtle = "ttl"
        case jsonLD = "jsonld"
        case xml

        var type: String {
            switch self {
            case .turtle: "text/turtle; charset=utf-8"
            case .jsonLD: "application/ld+json; charset=utf-8"
            case .xml: "application/rdf+xml; charset=utf-8"
            }
        }

        func text(_ graph: RDFGraph) -> String {
            switch self {
            case .turtle: graph.turtle(prefixes: DCATCatalog.prefixes)
            case .jsonLD: graph.jsonLD(prefixes: DCATCatalog.prefixes).canonicalText
            case .xml: graph.rdfXML(prefixes: DCATCatalog.prefixes)
            }
        }
    }

    private var dcatRoutes: [Route] {
        Notation.allCases.map { notation in
            Route(
                "GET", "/catalog.\(notation.rawValue)", .anyone,
                "The catalog as DCAT-AP 3, in pages: ?page=, ?rows=."
            ) { request throws(Problem) in try await catalog(notation, request) }
        } + [
            Route(
                "GET", "/dataset/:name", .anyone,
                "One dataset as DCAT-AP 3 (.ttl .jsonld .xml), else its page."
            ) { request throws(Problem) in try await dataset(request.parameter("name")) }
        ]
    }

    /// A catalog's page holds this many datasets; the next one is named by `Link`.
    private static let datasetsOnPage = 1000

    private func catalog(_ notation: Notation, _ request: APIRequest) async throws(Problem) -> APIReply {
        let number = max(1, request.query["page"].flatMap { Int($0) } ?? 1)
        let rows = min(
            max(1, request.query["rows"].flatMap { Int($0) } ?? Self.datasetsOnPage), Self.datasetsOnPage)
        let start = (number - 1) * rows
        let found = try await openCatalog.find(CatalogQuery(start: start, rows: rows))
        let own = context.own
        let party = try await store.read { transaction throws(Problem) in
            try PartyRegister.party(own, in: transaction)
        }
        let catalog = DCATCatalog(
            address: publicURL(), title: LocalizedText(zh: "\(name) 数据目录", en: "Data catalog of \(name)"),
            about: LocalizedText(
                zh: "本节点挂牌的数据产品；未开放的须达成合约后使用。",
                en: "The data products on offer here; what is not open is used under an agreement."),
            publisher: CatalogRecord.Publisher(
                code: party.code.text, name: LocalizedText(party.name), creditCode: party.creditCode),
            records: found.records)
        var headers: [String: String] = [:]
        func link(_ page: Int, _ relation: String) -> String {
            "<\(publicURL())/catalog.\(notation.rawValue)?page=\(page)&rows=\(rows)>; rel=\"\(relation)\""
        }
        let links =
            (start + found.records.count < found.count ? [link(number + 1, "next")] : [])
            + (number > 1 ? [link(number - 1, "previous")] : [])
        if !links.isEmpty { headers["Link"] = links.joined(separator: ", ") }
        return APIReply(
            contentType: notation.type, headers: headers, body: Array(notation.text(catalog.graph).utf8))
    }

    private func dataset(_ name: String) async throws(Problem) -> APIReply {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        guard let record = try await openCatalog.record(parts.first ?? "") else {
            throw Problem(.missing, "publish.record-missing", ["name": .text(name)])
        }
        guard parts.count == 2 else { return APIReply(seeOther: "/open/" + record.code) }
        guard let notation = Notation(rawValue: parts[1]) else {
            throw Problem(.missing, "deliver.form-unknown", ["form": .text(parts[1])])
        }
        let graph = DCATCatalog.graph(of: record, address: publicURL())
        return APIReply(contentType: notation.type, body: Array(notation.text(graph).utf8))
    }

    // MARK: CKAN

    private var ckanRoutes: [Route] {
        ["/api/3/action/:action", "/api/action/:action"].flatMap { path in
            [
                Route("GET", path, .anyone, "CKAN's reading actions.") { request in
                    await ckan(request, CKANParameters(query: request.query.map { ($0.key, $0.value) }))
                },
                Route("POST", path, .anyone, "CKAN's reading actions, with a JSON body.") { request in
                    let body = try? JSON(parsing: request.body)
                    return await ckan(
                        request,
                        body.map(CKANParameters.init(body:))
                            ?? CKANParameters(query: request.form.map { ($0.key, $0.value) }))
                },
            ]
        }
    }

    private func ckan(_ request: APIRequest, _ parameters: CKANParameters) async -> APIReply {
        let actions = CKANActions(
            shelf: openCatalog, address: publicURL(), title: LocalizedText(zh: name, en: name))
        let reply = await actions.answer(request.parameter("action"), parameters)
        return APIReply(reply.body, status: reply.status)
    }

    // MARK: Files

    private func openFile(_ request: APIRequest) async throws(Problem) -> APIReply {
        let file = request.parameter("file")
        guard file.hasPrefix("data."), let form = FileForm(rawValue: String(file.dropFirst(5))) else {
            throw Problem(.missing, "deliver.form-unknown", ["form": .text(file)])
        }
        let code = request.parameter("code")
        return APIReply(
            try await delivery.openFile(code, form), named: code + "." + form.rawValue, for: request)
    }
}

extension APIReply {
    /// A file, whole or in the one part that `Range` names (RFC 9110 §14), with its digest (RFC 9530).
    init(_ file: DeliveredFile, named name: String, for request: APIRequest) {
        var headers = [
            "Accept-Ranges": "bytes", "ETag": "\"\(file.digest.hex)\"",
            "Repr-Digest": "sha-256=:\(Base64.encode(file.digest.bytes)):",
            "Content-Disposition": "attachment; filename=\"\(name)\"",
        ]
        headers["Hutong-Passage"] = file.passage?.text
        headers["Hutong-Rows"] = String(file.rowCount)
        let range = request.headers["range"].flatMap { FileSlice.range($0, of: file.byteCount) }
        if let range {
            headers["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.byteCount)"
        }
        self.init(
            status: range == nil ? 200 : 206, contentType: file.form.mediaType, headers: headers, body: [])
        self.file = FileSlice(path: file.path, bytes: range ?? 0..<file.byteCount)
    }
}

/// A part of a file that a reply carries without holding it in memory.
package struct FileSlice: Hashable, Sendable {
    package let path: String
    package let bytes: Range<Int64>

    /// One range in bytes; `nil` for anything else, which is answered with the whole file.
    static func range(_ text: String, of count: Int64) -> Range<Int64>? {
        guard let match = text.wholeMatch(of: /bytes=(\d*)-(\d*)/) else { return nil }
        switch (Int64(match.output.1), Int64(match.output.2)) {
        case (let start?, let end) where start < count:
            let last = min(end ?? count - 1, count - 1)
            return last >= start ? start..<last + 1 : nil
        case (nil, let length?) where length > 0: return max(0, count - length)..<count
        default: return nil
        }
    }
}
