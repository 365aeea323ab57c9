// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Synchronization
import Testing

/// A CKAN of somebody else, as a test tells it to be.
private final class ForeignPortal: Sendable {
    struct Package: Sendable {
        var name: String
        var title: String
        var modified = "2026-01-01T00:00:00"
        var url = ""
    }

    private struct State {
        var packages: [Package] = []
        /// Announces so many more than it gives.
        var owes = 0
        var readings = 0
    }

    private final class Shelf: Sendable {
        let state = Mutex(State())
    }

    private let shelf: Shelf
    let server: LocalServer

    init() throws {
        let shelf = Shelf()
        self.shelf = shelf
        server = try LocalServer { request in
            let asked = (try? JSON(parsing: request.body)) ?? .null
            let start = Int(asked["start"]?.integer ?? 0)
            let body: JSON = shelf.state.withLock { state in
                if start == 0 { state.readings += 1 }
                let page = state.packages.dropFirst(start).prefix(2).map { package -> JSON in
                    [
                        "name": .string(package.name), "title": .string(package.title),
                        "notes": "外部", "metadata_modified": .string(package.modified),
                        "url": .string(package.url), "organization": ["title": "外部平台"],
                        "resources": [["format": "CSV"]],
                    ]
                }
                return [
                    "success": true,
                    "result": [
                        "count": .integer(Int64(state.packages.count + state.owes)), "results": .array(page),
                    ],
                ]
            }
            return .init(headers: [("Content-Type", "application/json")], body: body.canonicalBytes)
        }
    }

    func set(_ packages: [Package], owes: Int = 0) {
        shelf.state.withLock { ($0.packages, $0.owes) = (packages, owes) }
    }

    var readings: Int { shelf.state.withLock { $0.readings } }
}

extension OnRunningNodes {
    @Suite("Harvests of foreign catalogs")
    struct RunningHarvestTests {
        private func source(_ node: RunningNode) async throws -> JSON {
            try await node.call("GET", "/api/v1/harvests").json["sources"]?[0] ?? .null
        }

        @Test(
            "what a catalog adds, changes, withdraws and offers again is noticed, and nothing of it is lost")
        func changes() async throws {
            let node = try RunningNode("ours")
            let portal = try ForeignPortal()
            defer {
                node.stop()
                portal.server.stop()
            }
            func harvest() async throws {
                try await node.run(["harvest", portal.server.url, "--name", "外部平台"])
            }
            let all = (1...5).map { ForeignPortal.Package(name: "p\($0)", title: "数据集 \($0)") }
            portal.set(all)
            try await harvest()
            #expect(try await source(node)["count"] == 5)
            #expect(try await node.call("GET", "/api/v1/foreign/changes").json["changes"] == [])

            // One is withdrawn, one changed its title, one its data; one is new.
            var next = Array(all.dropFirst())
            next[0].title = "数据集 二"
            next[1].modified = "2026-02-02T00:00:00"
            next.append(.init(name: "p6", title: "数据集 6", url: "javascript:alert(1)"))
            portal.set(next)
            try await harvest()
            #expect(
                try await source(node)["changes"] == [
                    "added": 1, "changed": 2, "withdrawn": 1, "returned": 0,
                ])
            let found = try await node.call("GET", "/api/v1/foreign").json
            #expect(found["total"] == 6, "what was withdrawn stays: \(found)")
            let last = found["datasets"]?.array?.last
            #expect(last?["id"] == "p1" && last?["withdrawnAt"]?.text != nil, "it stands after the living")
            let told = try await node.ask("GET", "/api/v1/notices")["notices"]?.array ?? []
            let notice = try #require(told.first { $0["kind"] == "catalog-changed" }?["about"])
            #expect(notice["withdrawn"] == 1 && notice["changed"] == 2)

            // Its page says so, with the history; a stranger's address becomes no script.
            let key = try #require(
                last?["key"]?.text?.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let page = try await node.call("GET", "/foreign/dataset?key=\(key)&lang=en").text
            #expect(page.contains("withdrawn by its catalog") && page.contains("数据集 1"))
            let newest = found["datasets"]?.array?.first { $0["id"] == "p6" }
            let other = try #require(
                newest?["key"]?.text?.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            #expect(
                try await !node.call("GET", "/foreign/dataset?key=\(other)").text.contains(
                    "href=\"javascript"))
            let catalog = try await node.call("GET", "/?q=%E6%95%B0%E6%8D%AE%E9%9B%86&lang=en").text
            #expect(catalog.contains("6 more in the catalogs of others"))
            #expect(try await node.call("GET", "/foreign?lang=en").text.contains("外部平台"))

            // A reading that is not whole withdraws nothing.
            portal.set(Array(next.prefix(2)), owes: 3)
            let broken = try await node.call(
                "POST", "/api/v1/harvests", ["url": .string(portal.server.url), "kind": "ckan"],
                token: node.token)
            #expect(broken.json["code"] == "deliver.catalog-incomplete", "\(broken.text)")
            let kept = try await source(node)
            #expect(kept["count"] == 5 && kept["lastError"]?.text != nil, "\(kept)")

            portal.set(all + [.init(name: "p6", title: "数据集 6")])
            try await harvest()
            let after = try await source(node)
            #expect(after["changes"]?["returned"] == 1 && after["lastError"]?.isNull == true, "\(after)")
            let history = try await node.call("GET", "/api/v1/foreign/changes?key=\(key)").json["changes"]
            #expect(
                history?.array?.compactMap { $0["what"]?.text } == ["returned", "withdrawn"],
                "\(history ?? .null)")
        }

        @Test(
            "a catalog is read again at its interval, also after a crash, and a failure says when the next try comes"
        )
        func schedule() async throws {
            let node = try RunningNode("ours")
            let portal = try ForeignPortal()
            defer {
                node.stop()
                portal.server.stop()
            }
            portal.set([.init(name: "p1", title: "数据集 1")])
            let url = JSON.string(portal.server.url)
            for wrong in [-1, 5, 99_999_999_999] as [Int64] {
                let refused = try await node.call(
                    "POST", "/api/v1/harvests", ["url": url, "kind": "ckan", "every": .integer(wrong)],
                    token: node.token)
                #expect(refused.json["code"] == "deliver.interval-invalid", "\(refused.text)")
            }
            try await node.run(["harvest", portal.server.url, "--every", "10s"])
            #expect(try await source(node)["dueAt"]?.text != nil)
            let before = portal.readings
            portal.set([.init(name: "p1", title: "数据集 1"), .init(name: "p2", title: "数据集 2")])
            try node.crashAndReturn()
            for _ in 0..<600 where portal.readings == before { try await Task.sleep(for: .milliseconds(100)) }
            for _ in 0..<100 where try await source(node)["count"] != 2 {
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(try await source(node)["count"] == 2)
            // Away: what was read stays, and the next attempt is named.
            portal.set([], owes: 2)
            for _ in 0..<600 where try await source(node)["lastError"]?.text == nil {
                try await Task.sleep(for: .milliseconds(100))
            }
            let failed = try await source(node)
            #expect(failed["count"] == 2 && (failed["failures"]?.integer ?? 0) > 0, "\(failed)")
            #expect(failed["dueAt"]?.text != nil)
            portal.set([.init(name: "p1", title: "数据集 1")])
            let ended = try await node.ask(
                "POST", "/api/v1/harvests", ["url": url, "kind": "ckan", "every": 0])
            #expect(ended["dueAt"]?.isNull == true && ended["changes"]?["withdrawn"] == 1, "\(ended)")
        }
    }
}
