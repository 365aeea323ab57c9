// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// The open doors of a running node, used as the public and as the field's own clients use them.
extension OnRunningNodes {
    @Suite("Open data on a running node")
    struct RunningOpenDataTests {
        private static let air = "station,district,pm25\n001,东城,12.5\n002,西城,31.0\n003,东城,\n004,海淀,8.25\n"

        @Test(
            "S30: anybody searches, previews, downloads and calls an open dataset; what is not open cannot be reached"
        )
        func anybody() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let opened = try await node.run([
                "open-data", try node.file("air.csv", Self.air), "--title", "空气质量监测",
                "--document", "开放清单", "--keywords", "空气,air",
            ])
            let open = try #require(opened["listing"]?.text)
            let closed = try await node.publish(Self.air, title: "内部空气数据", openness: "conditional").listing

            let found = try await node.call(
                "GET", "/api/v1/listings?q=%E7%A9%BA%E6%B0%94&openness=unconditional")
            #expect(found.json["listings"]?.array?.map { $0["code"]?.text } == [open])
            let page = try await node.call("GET", "/open/\(open)?lang=en")
            #expect(page.status == 200, "\(page.text.prefix(500))")
            for words in [
                "CC-BY-4.0", "Quality", "91.7 %", "001", "东城", "read_parquet", "curl", "URLSession",
            ] {
                #expect(page.text.contains(words), "the page does not say \(words)")
            }
            // The station's leading zeros are text, in every form.
            let csv = try await node.call("GET", "/open/\(open)/data.csv")
            #expect(csv.text.hasPrefix("station,district,pm25\n001,东城,12.5"), "\(csv.text)")
            let json = try await node.call("GET", "/open/\(open)/data.json")
            #expect(json.json.array?.count == 4 && json.json[0]?["station"] == "001")
            let parquet = try await node.call("GET", "/open/\(open)/data.parquet")
            #expect(parquet.body.prefix(4).elementsEqual("PAR1".utf8))
            // One part of a file, and the head of it.
            let part = try await node.call("GET", "/open/\(open)/data.csv", headers: ["Range": "bytes=0-6"])
            #expect(part.status == 206 && part.text == "station")
            #expect(part.headers["content-range"] == "bytes 0-6/\(csv.body.count)")
            let head = try await node.call("HEAD", "/open/\(open)/data.csv")
            #expect(head.status == 200 && head.headers["content-length"] == String(csv.body.count))

            // Uses are counted where everybody sees them; remarks reach the page.
            let said = try await node.post(
                node.url + "/open/\(open)/feedback", form: "words=003%20is%20empty")
            #expect((200..<400).contains(said.status))
            let again = try await node.call("GET", "/open/\(open)?lang=en").text
            #expect(again.contains("Downloads, CSV") && again.contains("003 is empty"))

            for path in [
                "/open/\(closed)", "/open/\(closed)/data.csv", "/open/\(closed)/data.parquet",
                "/open/lst-0000000000000/data.csv",
            ] {
                let refused = try await node.call("GET", path)
                #expect([403, 404].contains(refused.status), "\(path): \(refused.status)")
            }
            let id = try await resource(of: closed, at: node)
            let rows = try await node.call("GET", "/api/3/action/datastore_search?resource_id=\(id)")
            #expect(rows.status >= 400 && rows.json["success"] == false, "\(rows.text)")
            // Shutting the asset shuts every open door at the next request.
            try await node.run(["valve", "close", open])
            #expect(try await node.call("GET", "/open/\(open)/data.csv").status == 403)
        }

        private func resource(of listing: String, at node: RunningNode) async throws -> String {
            let shown = try await node.call("GET", "/api/3/action/package_show?id=\(listing)")
            return shown.json["result"]?["resources"]?[0]?["id"]?.text ?? "none"
        }

        @Test(
            "the catalog of a node conforms to DCAT-AP 3 in its three notations, page by page and dataset by dataset",
            .enabled(if: Python.interpreter != nil && Shared.root != nil, "skipped: no Python clients"))
        func dcat() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let catalog: JSON = [
                "code": "306012/1031", "keywords": ["空气"], "frequency": "hourly", "license": "CC-BY-4.0",
                "area": "CN-11",
            ]
            for number in 1...3 {
                _ = try await node.publish(Self.air, title: "空气质量 \(number) \"<&>\"", catalog: catalog)
            }
            _ = try await node.publish(Self.air, title: "有条件", openness: "conditional")
            let folder = try Python.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            for notation in ["ttl", "jsonld", "xml"] {
                let reply = try await node.call("GET", "/catalog." + notation)
                #expect(reply.status == 200 && reply.headers["link"] == nil)
                try Data(reply.body).write(to: folder.appending(path: "catalog." + notation))
            }
            // Four datasets, one to a page, each with the way to the next.
            var next: String? = "/catalog.ttl?rows=1"
            var pages = 0
            while let path = next {
                let reply = try await node.call("GET", path)
                try Data(reply.body).write(to: folder.appending(path: "page-\(pages).ttl"))
                pages += 1
                next = reply.headers["link"]?.firstMatch(of: /<([^>]*)>; rel="next"/).map {
                    String($0.output.1)
                }
                #expect(pages <= 4)
            }
            #expect(pages == 4)
            let listing =
                try await node.call("GET", "/api/v1/listings").json["listings"]?[0]?["code"]?.text ?? ""
            let one = try await node.call("GET", "/dataset/\(listing).ttl")
            try Data(one.body).write(to: folder.appending(path: "dataset.ttl"))

            let shapes = try #require(Shared.root) + "/conformance/dcat-ap/dcat-ap-SHACL.ttl"
            for name in ["catalog.ttl", "page-0.ttl", "page-3.ttl"] {
                let (status, output) = try await Python.run(
                    "pyshacl", ["-s", shapes, "-df", "turtle", name], folder: folder)
                #expect(status == 0 && output.contains("Conforms: True"), "\(name): \(output.prefix(4000))")
            }
            let same = """
                from rdflib import Graph, Namespace, RDF; from rdflib.compare import isomorphic
                D = Namespace("http://www.w3.org/ns/dcat#")
                g = [Graph().parse("catalog." + n, format=f) for n, f in (("ttl","turtle"),("jsonld","json-ld"),("xml","xml"))]
                assert isomorphic(g[0], g[1]) and isomorphic(g[0], g[2])
                assert len(set(g[0].subjects(RDF.type, D.Dataset))) == 4
                assert len(set(Graph().parse("dataset.ttl").subjects(RDF.type, D.Dataset))) == 1
                """
            let (compared, words) = try await Python.run("python3", ["-c", same], folder: folder)
            #expect(compared == 0, "\(words.prefix(2000))")
        }

        @Test(
            "ckanapi searches, dumps datasets with their data, reads rows, and is told of an unknown dataset",
            .enabled(if: Python.interpreter != nil, "skipped: no Python clients"))
        func ckan() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let code = try await node.publish(
                Self.air, title: "空气质量 air", catalog: ["keywords": ["air"], "license": "CC-BY-4.0"]
            ).listing
            _ = try await node.publish(Self.air, title: "内部", openness: "conditional")
            let folder = try Python.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            func client(_ arguments: String...) async throws -> (status: Int32, text: String) {
                try await Python.run("ckanapi", arguments + ["-r", node.url], folder: folder)
            }
            let search = try await client("search", "datasets", "q=空气质量", "-O", "out.jsonl")
            #expect(search.status == 0, "\(search.text)")
            let lines = try String(contentsOf: folder.appending(path: "out.jsonl"), encoding: .utf8)
            #expect(lines.split(separator: "\n").count == 1 && lines.contains(code), "\(lines)")
            let dump = try await client("dump", "datasets", "--all", "--datapackages=./dp", "-d")
            #expect(dump.status == 0, "\(dump.text)")
            let data = folder.appending(path: "dp/\(code)/data")
            let files = try FileManager.default.contentsOfDirectory(atPath: data.path(percentEncoded: false))
            #expect(files.count == 3, "\(files)")
            let rows = try await client(
                "action", "datastore_search", "resource_id=\(try await resource(of: code, at: node))",
                "limit:2")
            #expect(
                rows.status == 0 && rows.text.contains("\"total\": 4") && rows.text.contains("001"),
                "\(rows.text)")
            let organizations = try await client("dump", "organizations", "--all")
            #expect(organizations.status == 0 && organizations.text.contains("city"))
            let unknown = try await client("action", "package_show", "id=nope")
            #expect(unknown.status == 1 && unknown.text.contains("NotFound"), "\(unknown.text)")
        }

        @Test(
            "S121: pandas reads by Delta Sharing what DuckDB answers, filtered per recipient; a leaked file names its recipient",
            .enabled(if: Python.interpreter != nil, "skipped: no Python clients"))
        func sharing() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            var rows = "station,district,pm25,reads\n"
            for number in 0..<400 {
                let district = number < 397 ? ["东城", "西城", "海淀"][number % 3] : "延庆"
                rows += "S\(number),\(district),\(number).5,\(number * 3)\n"
            }
            let (bank, bus) = (try await node.account("银行"), try await node.account("公交"))
            let delivery: JSON = [
                "columns": ["station", "district", "pm25"], "cover": ["station": "first:3"],
                "for": .object([bus.code: ["district": ["东城"]]]),
                "smallest": ["by": ["district"], "rows": 5],
            ]
            let published = try await node.publish(
                rows, title: "监测", doors: "download,share", openness: "conditional", delivery: delivery)
            let folder = try Python.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            try Data(rows.utf8).write(to: folder.appending(path: "air.csv"))
            var agreements: [String: String] = [:]
            for (name, account) in [("bank", bank), ("bus", bus)] {
                let connector = try ForeignConnector(account)
                defer { connector.server.stop() }
                agreements[name] = try await connector.agree(on: published.listing, at: node)
                let profile = try await node.call(
                    "POST", "/api/v1/share-profile", [:], token: account.token)
                try Data(profile.body).write(to: folder.appending(path: name + ".share"))
            }
            let script = """
                import delta_sharing, duckdb
                for name, where in (("bank", "true"), ("bus", "district = '东城'")):
                    c = delta_sharing.SharingClient(name + ".share")
                    tables = c.list_all_tables(); assert len(tables) == 1, tables
                    url = f"{name}.share#{tables[0].share}.{tables[0].schema}.{tables[0].name}"
                    got = delta_sharing.load_as_pandas(url)
                    wanted = duckdb.sql(f'''select left(station, 3) as station, district, pm25 from
                        (select *, count(*) over (partition by district) as n from read_csv('air.csv')
                         where {where}) where n >= 5''').df()
                    key = ["station", "district", "pm25"]
                    a = got.sort_values(key).reset_index(drop=True); b = wanted.sort_values(key).reset_index(drop=True)
                    assert list(a.columns) == key and a.astype(str).equals(b.astype(str)), (a, b)
                    assert len(delta_sharing.load_as_pandas(url, limit=7)) == 7
                    assert delta_sharing.get_table_version(url) == 1
                    got.to_csv(name + ".csv", index=False)
                """
            let (status, output) = try await Python.run("python3", ["-c", script], folder: folder)
            try #require(status == 0, "\(output.suffix(3000))")

            try await signedAddress(node, bank)
            // Every read passed the valve: it is in the statement, with its bytes.
            let passages = try await node.ask("GET", "/api/v1/passages")["passages"]?.array ?? []
            #expect(passages.count >= 4, "\(passages.count)")

            // The bank's copy leaks without a third of its rows and without a column.
            let lines = try String(contentsOf: folder.appending(path: "bank.csv"), encoding: .utf8)
                .split(separator: "\n").map { $0.split(separator: ",").dropFirst(0).joined(separator: ",") }
            let leaked = lines.enumerated().filter { $0.offset == 0 || $0.offset % 3 != 0 }.map(\.element)
            let file = try node.file("leaked.csv", leaked.joined(separator: "\n") + "\n")
            let trace =
                try await node.run(["trace", file, "--asset", published.asset])["deliveries"]?.array ?? []
            #expect(trace.first?["recipient"]?.text == bank.code, "\(trace)")
            #expect(trace.first?["isConvincing"] == true, "\(trace)")
            #expect(
                trace.filter { $0["isConvincing"] == true }.allSatisfy { $0["recipient"]?.text == bank.code })
            try await incident(node, published.listing, bank.code, trace.first?["passage"]?.text ?? "")
        }

        /// A file's address: signed, short, with HEAD and ranges, and nobody else's.
        private func signedAddress(_ node: RunningNode, _ account: RunningNode.Account) async throws {
            let share = try await node.call("GET", "/delta-sharing/shares", token: account.token)
            let name = try #require(share.json["items"]?[0]?["name"]?.text)
            let tables = try await node.call(
                "GET", "/delta-sharing/shares/\(name)/all-tables", token: account.token)
            let table = try #require(tables.json["items"]?[0]?["name"]?.text)
            let query = try await node.call(
                "POST", "/delta-sharing/shares/\(name)/schemas/data/tables/\(table)/query", [:],
                token: account.token)
            let last = try #require(query.text.split(separator: "\n").last)
            let file = try #require(try JSON(parsing: String(last))["file"])
            let url = try #require(file["url"]?.text)
            let head = try await node.call("HEAD", url)
            #expect(
                head.status == 200
                    && head.headers["content-length"].flatMap { Int64($0) } == file["size"]?.integer)
            let part = try await node.call("GET", url, headers: ["Range": "bytes=-4"])
            #expect(part.status == 206 && part.text == "PAR1")
            #expect(try await node.call("GET", url + "0").status == 403)
            #expect(try await node.call("GET", String(url.prefix { $0 != "?" })).status == 403)
        }

        /// Detect → contain → trace → report → close, each with its time.
        private func incident(
            _ node: RunningNode, _ listing: String, _ recipient: String, _ passage: String
        ) async throws {
            try await node.run(["pack", "add", RunningNode.pack("incidents")])
            let finder = try await node.account("安全员")
            try await node.appoint(try await node.own(), "incident", "officer")
            let opened = try await node.call(
                "POST", "/api/v1/cases",
                ["procedure": "incident", "subject": .string(listing), "answers": [:]],
                token: finder.token)
            let code = try #require(opened.json["case"]?.text, "\(opened.text)")
            try await node.run(["valve", "close", recipient])
            for (step, inputs): (String, JSON) in [
                ("contain", ["measure": "valve closed"]),
                ("trace", ["passage": .string(passage), "recipient": .string(recipient)]),
                ("report", ["authority": "网信办"]), ("close", ["findings": "contract ended"]),
            ] {
                try await node.ask(
                    "POST", "/api/v1/cases/\(code)/actions",
                    ["do": "take", "step": .string(step), "inputs": inputs])
            }
            let closed = try await node.ask("GET", "/api/v1/cases/\(code)")
            #expect(closed["state"] == "closed")
            #expect(closed["records"]?.array?.compactMap { $0["day"]?.text }.count == 5)
        }
    }
}
