// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The Delta Sharing protocol as functions: path, body and recipient in, status, headers and body out.
///
/// The recipient was proven by its bearer token before. Every answer to a query names one file written for this
/// recipient, behind an address that is signed and short-lived, because readers fetch it without the token.
package struct DeltaSharing<Shelf: DeltaShelf>: Sendable {
    private let shelf: Shelf
    private let links: SignedLinks
    /// Where this protocol's endpoints stand: the `endpoint` of a profile file.
    private let endpoint: String

    /// A page never holds more, whatever is asked for.
    private static var pageMax: Int { 500 }

    package init(shelf: Shelf, links: SignedLinks, endpoint: String) {
        self.shelf = shelf
        self.links = links
        self.endpoint = endpoint
    }

    package struct Reply: Sendable {
        package let status: Int
        package let headers: [(String, String)]
        package let body: [UInt8]
    }

    /// The profile file a recipient loads (`shareCredentialsVersion` 1).
    package func profile(bearerToken: String, expires: Instant) -> JSON {
        [
            "shareCredentialsVersion": 1, "endpoint": .string(endpoint), "bearerToken": .string(bearerToken),
            "expirationTime": .string(expires.rfc3339),
        ]
    }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - path: under the endpoint: `/shares/city/schemas/air/tables/pm25/query`.
    ///   - recipient: whom the token names.
    package func answer(
        _ method: String, _ path: String, query: [String: String] = [:], body: [UInt8] = [],
        recipient: String, now: Instant
    ) async -> Reply {
        do {
            return try await route(method, path, query, body, recipient, now)
        } catch let refusal as DeltaRefusal {
            return Self.error(refusal.kind == .missing ? 404 : 400, refusal.kind.rawValue, refusal.message)
        } catch let problem as Problem {
            return Self.error(problem)
        } catch {
            return Self.error(500, "INTERNAL_ERROR", "Something went wrong.")
        }
    }

    private func route(
        _ method: String, _ path: String, _ query: [String: String], _ body: [UInt8], _ recipient: String,
        _ now: Instant
    ) async throws -> Reply {
        let parts = path.split(separator: "/").map { String($0).removingPercentEscapes }
        guard parts.first == "shares" else { throw DeltaRefusal(.missing, "There is no such endpoint.") }
        let tables = try await shelf.tables(for: recipient)
        switch (method, parts.count) {
        case ("GET", 1):
            return try page(Set(tables.map(\.share)).sorted().map { ["name": .string($0)] }, query)
        case ("GET", 2):
            _ = try known(tables, parts[1])
            return Self.json(["share": ["name": .string(parts[1])]])
        case ("GET", 3) where parts[2] == "schemas":
            let names = Set(try known(tables, parts[1]).map(\.schema)).sorted()
            return try page(names.map { ["name": .string($0), "share": .string(parts[1])] }, query)
        case ("GET", 3) where parts[2] == "all-tables":
            return try page(try known(tables, parts[1]).map(Self.item), query)
        case ("GET", 5) where parts[2] == "schemas" && parts[4] == "tables":
            return try page(try known(tables, parts[1], parts[3]).map(Self.item), query)
        case (_, 7) where parts[2] == "schemas" && parts[4] == "tables":
            let named = try known(tables, parts[1], parts[3])
            guard let table = named.first(where: { $0.name == parts[5] }) else {
                throw DeltaRefusal(.missing, "There is no table “\(parts[5])” in \(parts[1]).\(parts[3]).")
            }
            return try await answer(method, parts[6], about: table, body, recipient, now)
        default: throw DeltaRefusal(.missing, "There is no such endpoint.")
        }
    }

    private func known(_ tables: [DeltaTable], _ share: String, _ schema: String? = nil) throws(DeltaRefusal)
        -> [DeltaTable]
    {
        let shared = tables.filter { $0.share == share && (schema == nil || $0.schema == schema) }
        guard !shared.isEmpty else {
            throw DeltaRefusal(
                .missing, "There is no share “\(share)”\(schema.map { " with a schema “\($0)”" } ?? "").")
        }
        return shared
    }

    private func answer(
        _ method: String, _ verb: String, about table: DeltaTable, _ body: [UInt8], _ recipient: String,
        _ now: Instant
    ) async throws -> Reply {
        let version = ("Delta-Table-Version", String(table.version))
        switch (method, verb) {
        case ("GET", "version"), ("HEAD", "version"): return Reply(status: 200, headers: [version], body: [])
        case ("GET", "metadata"): return Self.lines(Self.head(of: table), version)
        case ("POST", "query"):
            let query = try DeltaQuery(body: body)
            if let wanted = query.version, wanted != table.version {
                throw DeltaRefusal(.invalid, "Only version \(table.version) of the table is shared.")
            }
            var lines = Self.head(of: table)
            if let file = try await shelf.file(of: table, for: recipient, query) {
                lines.append(Self.line(file, url: links.address(of: file.name, for: recipient, now: now)))
            }
            return Self.lines(lines, version)
        default: throw DeltaRefusal(.missing, "There is no such endpoint.")
        }
    }

    private static func head(of table: DeltaTable) -> [JSON] {
        [
            ["protocol": ["minReaderVersion": 1]],
            [
                "metaData": [
                    "id": .string(table.id), "format": ["provider": "parquet"],
                    "schemaString": .string(table.schemaString), "partitionColumns": [],
                ]
            ],
        ]
    }

    private static func line(_ file: DeltaFile, url: String) -> JSON {
        let statistics: JSON = ["numRecords": .integer(file.rowCount)]
        return [
            "file": [
                "url": .string(url), "id": .string(Digest(of: file.name).hex), "partitionValues": [:],
                "size": .integer(file.byteCount), "stats": .string(statistics.canonicalText),
            ]
        ]
    }

    private static func item(_ table: DeltaTable) -> JSON {
        [
            "name": .string(table.name), "schema": .string(table.schema), "share": .string(table.share),
            "id": .string(table.id),
        ]
    }

    /// A page of a list; the token is the number of items before it.
    private func page(_ items: [JSON], _ query: [String: String]) throws(DeltaRefusal) -> Reply {
        let token = query["pageToken"].flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        let wanted = query["maxResults"].map { Int($0) ?? -1 } ?? Self.pageMax
        guard let start = Int(token), start >= 0, wanted >= 0 else {
            throw DeltaRefusal(.invalid, "maxResults or pageToken cannot be read.")
        }
        let end = min(items.count, min(start, items.count) + min(wanted, Self.pageMax))
        var body: [String: JSON] = ["items": .array(Array(items[min(start, end)..<end]))]
        if end < items.count { body["nextPageToken"] = .string(String(end)) }
        return Self.json(.object(body))
    }

    private static func json(_ body: JSON) -> Reply {
        Reply(
            status: 200, headers: [("Content-Type", "application/json; charset=utf-8")],
            body: body.canonicalBytes)
    }

    private static func lines(_ lines: [JSON], _ version: (String, String)) -> Reply {
        let body = lines.flatMap { $0.canonicalBytes + [UInt8(ascii: "\n")] }
        return Reply(
            status: 200, headers: [("Content-Type", "application/x-ndjson; charset=utf-8"), version],
            body: body)
    }

    private static func error(_ status: Int, _ code: String, _ message: String) -> Reply {
        let body: JSON = ["errorCode": .string(code), "message": .string(message)]
        return Reply(
            status: status, headers: [("Content-Type", "application/json; charset=utf-8")],
            body: body.canonicalBytes)
    }

    private static func error(_ problem: Problem) -> Reply {
        let status: Int =
            switch problem.kind {
            case .invalid, .conflict: 400
            case .unauthenticated: 401
            case .forbidden, .limited: 403
            case .missing: 404
            case .unavailable: 503
            case .fault: 500
            }
        return error(status, problem.code, "\(problem.code): see \(problem.code.replacing(".", with: "/"))")
    }
}

extension String {
    fileprivate var removingPercentEscapes: String {
        guard contains("%") else { return self }
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"),
                let value = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self))?.first
            {
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
