// SPDX-License-Identifier: Apache-2.0

import Deliver
import Foundation
import Policy
import Primitives
import Publish
import Testing

/// A small open catalog: two open records and the rows of one.
struct SampleShelf: OpenDataShelf {
    var address = "http://127.0.0.1"
    static let start = Instant(seconds: 1_700_000_000)
    static let bus = CatalogRecord.Publisher(
        code: "pty-bus", name: LocalizedText(zh: "公交集团", en: "Bus Group"), creditCode: "91110000101100414N")

    var records: [CatalogRecord] {
        (1...3).map { number in
            CatalogRecord(
                id: "00000000-0000-4000-8000-00000000000\(number)", code: "prd-\(number)",
                title: LocalizedText(zh: "空气质量 \(number) \"<&>\"", en: "Air quality \(number)"),
                about: LocalizedText(zh: "逐小时监测。\n第二行", en: "Hourly measurements."), publisher: Self.bus,
                keywords: ["空气", "air"], catalogCode: CatalogCode("306012/103\(number)"),
                openness: .unconditional,
                sharing: .unconditional, frequency: .hourly, issued: Self.start, modified: Self.start,
                license: "https://creativecommons.org/licenses/by/4.0/", area: "CN-11",
                fields: [.init(name: "station", type: "VARCHAR"), .init(name: "pm25", type: "DECIMAL(9,1)")],
                rowCount: 250,
                distributions: [
                    .init(
                        id: "10000000-0000-4000-8000-00000000000\(number)", title: LocalizedText("CSV"),
                        format: "CSV",
                        mediaType: "text/csv", accessURL: "\(address)/dataset/prd-\(number)",
                        downloadURL: "\(address)/files/\(number).csv", byteCount: 1234,
                        digest: Digest(of: "x"), hasRows: true)
                ])
        }
    }

    func find(_ query: CatalogQuery) -> CatalogFindings {
        let matching = records.filter {
            query.words.isEmpty || $0.title.en.lowercased().contains(query.words.lowercased())
                || $0.title.zh.contains(query.words)
        }
        let page = Array(matching.dropFirst(query.start).prefix(query.rows))
        return CatalogFindings(
            count: matching.count, records: page,
            facets: [.tags: ["air": matching.count, "空气": matching.count]])
    }

    func record(_ name: String) -> CatalogRecord? { records.first { $0.id == name || $0.code == name } }

    func distribution(_ id: String) -> (CatalogRecord, CatalogRecord.Distribution)? {
        for record in records {
            if let found = record.distributions.first(where: { $0.id == id }) { return (record, found) }
        }
        return nil
    }

    func publishers() -> [(CatalogRecord.Publisher, Int)] { [(Self.bus, records.count)] }

    func rows(_ query: RowQuery) -> RowPage {
        let rows: [[String: JSON]] = (0..<250).map {
            ["station": .string("s\($0 % 5)"), "pm25": .string("\($0).5")]
        }
        let matching = rows.filter { row in
            query.filters.allSatisfy { name, values in values.contains(row[name]?.text ?? "") }
        }
        return RowPage(
            fields: records[0].fields, records: Array(matching.dropFirst(query.offset).prefix(query.limit)),
            total: matching.count)
    }
}

@Suite("An open catalog")
struct OpenCatalogTests {
    private func ckan(_ action: String, _ parameters: CKANParameters) async -> CKANActions<SampleShelf>.Reply
    {
        await CKANActions(shelf: SampleShelf(), address: "http://n", title: LocalizedText("n")).answer(
            action, parameters)
    }

    @Test("reads and orders Chinese catalog codes and refuses what is none")
    func catalogCodes() throws {
        let code = try #require(CatalogCode("306012/1031"))
        #expect(
            code.division == .department && code.item == "06" && code.entry == "012" && code.detail.isEmpty)
        #expect(CatalogCode("10200100217/5")?.detail == "00217")
        #expect(try #require(CatalogCode("306012/9")) < code)
        for text in [
            "", "306012", "306012/", "/1", "906012/1", "30601/1", "306012/1/2", "30601a/1", "３06012/1",
        ] {
            #expect(CatalogCode(text) == nil, "\(text)")
        }
    }

    @Test("answers CKAN's actions on both paths, pages truly, and tells what it cannot do in CKAN's words")
    func actions() async throws {
        #expect(CKANActions<SampleShelf>.action(in: "/api/3/action/package_search") == "package_search")
        #expect(CKANActions<SampleShelf>.action(in: "/api/action/package_show") == "package_show")
        #expect(CKANActions<SampleShelf>.action(in: "/api/package_show") == nil)
        let found = await ckan(
            "package_search",
            CKANParameters(query: [("q", "空气"), ("rows", "2"), ("start", "2"), ("facet.field", "[\"tags\"]")])
        )
        #expect(found.status == 200 && found.body["result"]?["count"] == 3)
        #expect(found.body["result"]?["results"]?.array?.count == 1)
        #expect(found.body["result"]?["search_facets"]?["tags"]?["items"]?.array?.count == 2)
        for (action, parameters, status, type) in [
            ("package_show", [("id", "nope")], 404, "Not Found Error"),
            ("package_search", [("fq", "nonsense:1")], 409, "Search Query Error"),
            ("package_search", [("rows", "many")], 409, "Validation Error"),
            ("package_delete", [], 404, "Not Found Error"),
            ("datastore_search", [("resource_id", "x")], 404, "Not Found Error"),
        ] {
            let reply = await ckan(action, CKANParameters(query: parameters))
            #expect(reply.status == status && reply.body["error"]?["__type"]?.text == type, "\(action)")
        }
        let filtered = await ckan(
            "package_search",
            CKANParameters(body: ["fq": #"+organization:"pty-bus" AND res_format:(CSV OR JSON) state:active"#]
            ))
        #expect(filtered.status == 200)
        let rows = await ckan(
            "datastore_search",
            CKANParameters(body: [
                "resource_id": "10000000-0000-4000-8000-000000000001", "filters": ["station": "s1"],
                "limit": 7,
            ]))
        #expect(rows.body["result"]?["total"] == 50 && rows.body["result"]?["records"]?.array?.count == 7)
        #expect(rows.body["result"]?["fields"]?[1]?["type"]?.text == "numeric")
    }

    @Test("says the same in Turtle as a graph read back holds")
    func turtle() throws {
        let catalog = DCATCatalog(
            address: "https://n.example", title: LocalizedText(zh: "目录", en: "Catalog"),
            about: LocalizedText("All"),
            publisher: SampleShelf.bus, records: SampleShelf().records)
        let again = try RDFGraph(turtle: Array(catalog.turtle.utf8))
        #expect(Set(again.triples) == Set(catalog.graph.triples))
        #expect(again.subjects(ofType: "http://www.w3.org/ns/dcat#Dataset").count == 3)
    }

    @Test(
        "conforms to the DCAT-AP 3 shapes, and its three notations are one graph",
        .enabled(if: Python.interpreter != nil && Shared.root != nil, "skipped: no Python clients"))
    func shapes() async throws {
        let folder = try Python.temporaryFolder()
        let catalog = DCATCatalog(
            address: "https://n.example", title: LocalizedText(zh: "目录", en: "Catalog"),
            about: LocalizedText("All"),
            publisher: SampleShelf.bus, records: SampleShelf().records)
        for (name, text) in [
            ("c.ttl", catalog.turtle), ("c.jsonld", catalog.jsonLD.prettyText), ("c.xml", catalog.xml),
        ] {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        let shapes = try URL(fileURLWithPath: #require(Shared.root)).appendingPathComponent(
            "conformance/dcat-ap/dcat-ap-SHACL.ttl"
        ).path
        let (status, output) = try await Python.run(
            "pyshacl", ["-s", shapes, "-df", "turtle", "c.ttl"], folder: folder)
        #expect(status == 0 && output.contains("Conforms: True"), "\(output.prefix(4000))")
        let same = """
            from rdflib import Graph; from rdflib.compare import isomorphic
            g = [Graph().parse(n, format=f) for n, f in (("c.ttl","turtle"),("c.jsonld","json-ld"),("c.xml","xml"))]
            print(*[len(x) for x in g]); assert isomorphic(g[0], g[1]) and isomorphic(g[0], g[2])
            """
        let (compared, words) = try await Python.run("python3", ["-c", same], folder: folder)
        #expect(compared == 0, "\(words.prefix(2000))")
    }

    @Test(
        "serves the CKAN command line: search, dump with data packages, rows, and exit 1 for an unknown dataset",
        .enabled(if: Python.interpreter != nil, "skipped: no Python clients"))
    func ckanClient() async throws {
        let folder = try Python.temporaryFolder()
        let server = try LocalServer { request in
            if request.path.hasPrefix("/files/") { return .init(body: Array("station,pm25\ns0,1.5\n".utf8)) }
            guard let action = CKANActions<SampleShelf>.action(in: request.path) else {
                return .init(status: 404)
            }
            let parameters =
                (try? JSON(parsing: request.body)).map(CKANParameters.init(body:))
                ?? CKANParameters(query: request.query)
            let address = "http://" + (request.headers["host"] ?? "")
            let reply = await CKANActions(
                shelf: SampleShelf(address: address), address: address, title: LocalizedText("n")
            ).answer(action, parameters)
            return .init(
                status: reply.status, headers: [("Content-Type", "application/json")],
                body: reply.body.canonicalBytes)
        }
        defer { server.stop() }
        func client(_ arguments: String...) async throws -> (Int32, String) {
            try await Python.run("ckanapi", arguments + ["-r", server.url], folder: folder)
        }
        let search = try await client("search", "datasets", "q=air", "-O", "out.jsonl")
        #expect(search.0 == 0, "\(search.1)")
        let lines = try String(contentsOf: folder.appendingPathComponent("out.jsonl"), encoding: .utf8).split(
            separator: "\n")
        #expect(lines.count == 3)
        let dump = try await client("dump", "datasets", "--all", "--datapackages=./dp", "-d")
        #expect(dump.0 == 0, "\(dump.1)")
        let package = try String(
            contentsOf: folder.appendingPathComponent("dp/prd-1/datapackage.json"), encoding: .utf8)
        #expect(package.contains("prd-1"))
        let organizations = try await client("dump", "organizations", "--all").1
        #expect(organizations.contains("公交") || organizations.contains("\\u516c"))
        let rows = try await client(
            "action", "datastore_search", "resource_id=10000000-0000-4000-8000-000000000001", "limit:5")
        #expect(rows.0 == 0 && rows.1.contains("\"total\": 250"), "\(rows.1)")
        let unknown = try await client("action", "package_show", "id=nope")
        #expect(unknown.0 == 1 && unknown.1.contains("NotFound"), "\(unknown.1)")
    }
}

/// Two recipients with a table each; the file is the one a test has put into the folder.
struct SampleDeltaShelf: DeltaShelf {
    let folder: URL

    func tables(for recipient: String) -> [DeltaTable] {
        [
            DeltaTable(
                id: "t-" + recipient, share: "city", schema: "air", name: "pm25", version: 3,
                columns: [.init("station", "VARCHAR"), .init("pm25", "DOUBLE"), .init("n", "BIGINT")])
        ]
    }

    func file(of table: DeltaTable, for recipient: String, _ query: DeltaQuery) throws(Problem) -> DeltaFile?
    {
        let path = folder.appendingPathComponent(recipient + ".parquet").path
        guard let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int else {
            return nil
        }
        return DeltaFile(name: recipient + ".parquet", byteCount: Int64(size), rowCount: 1)
    }
}

@Suite("Table sharing")
struct DeltaSharingTests {
    static let links = SignedLinks(key: Redacted([UInt8](repeating: 7, count: 32)), base: "http://n/files")
    static let now = Instant(seconds: 1_700_000_000)

    @Test("signs addresses that work for one file, one recipient and fifteen minutes")
    func signatures() throws {
        let address = Self.links.address(of: "a.parquet", for: "银行", now: Self.now)
        let items = try #require(URLComponents(string: address)?.queryItems)
        let query = Dictionary(items.map { ($0.name, $0.value ?? "") }) { first, _ in first }
        let later = Self.now.advanced(by: .seconds(899))
        #expect(Self.links.recipient(of: "a.parquet", query: query, now: later) == "银行")
        #expect(Self.links.recipient(of: "b.parquet", query: query, now: later) == nil)
        #expect(
            Self.links.recipient(of: "a.parquet", query: query, now: Self.now.advanced(by: .seconds(900)))
                == nil)
        for name in ["for", "until", "signature"] {
            var forged = query
            forged[name] = name == "until" ? "99999999999" : "AAAA"
            #expect(Self.links.recipient(of: "a.parquet", query: forged, now: later) == nil)
            forged[name] = nil
            #expect(Self.links.recipient(of: "a.parquet", query: forged, now: later) == nil)
        }
    }

    @Test("lists, pages, versions and describes as the protocol says, and names nothing that is not shared")
    func protocolAnswers() async throws {
        let sharing = DeltaSharing(
            shelf: SampleDeltaShelf(folder: URL(fileURLWithPath: "/nonexistent")), links: Self.links,
            endpoint: "http://n/delta-sharing")
        func ask(_ method: String, _ path: String, _ query: [String: String] = [:], _ body: String = "") async
            -> (Int, String, [(String, String)])
        {
            let reply = await sharing.answer(
                method, path, query: query, body: Array(body.utf8), recipient: "bank", now: Self.now)
            return (reply.status, String(decoding: reply.body, as: UTF8.self), reply.headers)
        }
        #expect(await ask("GET", "/shares").1 == #"{"items":[{"name":"city"}]}"#)
        #expect(await ask("GET", "/shares/city").1 == #"{"share":{"name":"city"}}"#)
        #expect(await ask("GET", "/shares/city/schemas").1 == #"{"items":[{"name":"air","share":"city"}]}"#)
        #expect(await ask("GET", "/shares/city/all-tables").1.contains("pm25"))
        #expect(
            await ask("GET", "/shares/city/schemas/air/tables", ["maxResults": "0"]).1
                == #"{"items":[],"nextPageToken":"0"}"#)
        let version = await ask("GET", "/shares/city/schemas/air/tables/pm25/version")
        #expect(
            version.0 == 200 && version.1.isEmpty && version.2.contains { $0 == ("Delta-Table-Version", "3") }
        )
        let metadata = await ask("GET", "/shares/city/schemas/air/tables/pm25/metadata").1.split(
            separator: "\n")
        #expect(metadata.count == 2 && metadata[0] == #"{"protocol":{"minReaderVersion":1}}"#)
        let query = await ask(
            "POST", "/shares/city/schemas/air/tables/pm25/query", [:],
            #"{"predicateHints":["n > 1"],"limitHint":5}"#)
        #expect(query.0 == 200 && query.1.split(separator: "\n").count == 2, "no rows, no file")
        for (path, body, status) in [
            ("/shares/other", "", 404), ("/shares/city/schemas/none/tables", "", 404),
            ("/elsewhere", "", 404),
            ("/shares/city/schemas/air/tables/none/version", "", 404),
        ] { #expect(await ask("GET", path, [:], body).0 == status) }
        for body in [
            "[]", "{", #"{"limitHint":-1}"#, #"{"limitHint":"5"}"#, #"{"version":2}"#,
            #"{"startingVersion":1}"#,
        ] {
            let refused = await ask("POST", "/shares/city/schemas/air/tables/pm25/query", [:], body)
            #expect(refused.0 == 400 && refused.1.contains("INVALID_PARAMETER_VALUE"), "\(body)")
        }
        #expect(await ask("GET", "/shares", ["pageToken": "x"]).0 == 400)
    }

    @Test(
        "serves the pandas client each recipient's own file and no other",
        .enabled(if: Python.interpreter != nil, "skipped: no Python clients"))
    func client() async throws {
        let folder = try Python.temporaryFolder()
        let make = """
            import pyarrow as pa, pyarrow.parquet as pq
            for who, rows in (("bank", [("a", 1.5, 1), ("b", 2.5, 2)]), ("bus", [("c", 3.5, 3)])):
                t = pa.table({"station": [r[0] for r in rows], "pm25": [r[1] for r in rows], "n": [r[2] for r in rows]})
                pq.write_table(t, who + ".parquet")
            """
        let made = try await Python.run("python3", ["-c", make], folder: folder)
        #expect(made.0 == 0, "\(made.1)")
        let server = try LocalServer { request in
            let address = "http://" + (request.headers["host"] ?? "")
            let links = SignedLinks(key: Redacted([UInt8](repeating: 7, count: 32)), base: address + "/files")
            if request.path.hasPrefix("/files/") {
                let name = String(request.path.dropFirst("/files/".count))
                guard links.recipient(of: name, query: request.queryMap, now: Self.now) != nil,
                    let data = FileManager.default.contents(atPath: folder.appendingPathComponent(name).path)
                else { return .init(status: 403) }
                return Self.ranged(Array(data), request.headers["range"])
            }
            guard let token = request.headers["authorization"]?.dropFirst("Bearer ".count) else {
                return .init(status: 401)
            }
            let sharing = DeltaSharing(
                shelf: SampleDeltaShelf(folder: folder), links: links, endpoint: address + "/delta")
            let reply = await sharing.answer(
                request.method, String(request.path.dropFirst("/delta".count)), query: request.queryMap,
                body: request.body, recipient: String(token), now: Self.now)
            return .init(status: reply.status, headers: reply.headers, body: reply.body)
        }
        defer { server.stop() }
        for who in ["bank", "bus"] {
            let sharing = DeltaSharing(
                shelf: SampleDeltaShelf(folder: folder), links: Self.links, endpoint: server.url + "/delta")
            let profile = sharing.profile(bearerToken: who, expires: Instant(seconds: 4_000_000_000))
            try Data(profile.prettyText.utf8).write(to: folder.appendingPathComponent(who + ".share"))
        }
        let check = """
            import delta_sharing, pandas as pd
            for who in ("bank", "bus"):
                c = delta_sharing.SharingClient(who + ".share")
                assert [s.name for s in c.list_shares()] == ["city"]
                assert [t.name for t in c.list_all_tables()] == ["pm25"]
                url = who + ".share#city.air.pm25"
                got = delta_sharing.load_as_pandas(url)
                pd.testing.assert_frame_equal(got, pd.read_parquet(who + ".parquet"))
                assert len(delta_sharing.load_as_pandas(url, limit=1)) == 1
                assert delta_sharing.get_table_version(url) == 3
                print(who, len(got))
            """
        let (status, output) = try await Python.run("python3", ["-c", check], folder: folder)
        #expect(
            status == 0 && output.contains("bank 2") && output.contains("bus 1"), "\(output.suffix(3000))")
    }

    /// RFC 9110 §14: one range, as readers of Parquet ask for it.
    private static func ranged(_ bytes: [UInt8], _ range: String?) -> LocalServer.Reply {
        guard let match = range?.firstMatch(of: #/bytes=(\d+)-(\d*)/#), let start = Int(match.1),
            start < bytes.count
        else {
            return .init(headers: [("Accept-Ranges", "bytes")], body: bytes)
        }
        let end = min(Int(match.2) ?? bytes.count - 1, bytes.count - 1)
        return .init(
            status: 206,
            headers: [("Accept-Ranges", "bytes"), ("Content-Range", "bytes \(start)-\(end)/\(bytes.count)")],
            body: Array(bytes[start...end]))
    }
}
