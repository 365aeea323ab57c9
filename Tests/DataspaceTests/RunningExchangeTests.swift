// SPDX-License-Identifier: Apache-2.0

import Foundation
import Policy
import Primitives
import Testing

/// Between platforms: files on their way, foreign catalogs, two ways of trading.
extension OnRunningNodes {
    @Suite("Platforms among each other")
    struct RunningExchangeTests {
        @Test(
            "S45: a file moves between two members with resume, checksum and receipt, and each failure and retry is seen"
        )
        func delivery() async throws {
            let two = try await TwoNodes(seed: 21, rows: 60_000)
            defer { two.end() }
            _ = try await two.begin()
            try await two.wait("FINALIZED", two.negotiation)
            let agreement = try await two.agreement()
            try await two.consumer.ask(
                "POST", "/api/v1/dataspace/transfers",
                ["agreement": .string(agreement), "address": two.address])
            try await two.wait("STARTED", two.transfer, on: [two.consumer])
            let pid = try #require(try await two.transfer(at: two.consumer)["pid"]?.text)

            // The network breaks in the middle of the file, twice.
            two.toProvider.cutData(after: 100_000, times: 2)
            try await two.consumer.ask("POST", "/api/v1/dataspace/transfers/\(pid)/fetch", ["form": "csv"])
            var broken: JSON = .null
            var done: JSON = .null
            for _ in 0..<400 {
                let task =
                    try await two.consumer.ask("GET", "/api/v1/dataspace/deliveries")["deliveries"]?[0]
                    ?? .null
                if task["lastError"]?.text != nil { broken = task }
                if task["state"] == "done" {
                    done = task
                    break
                }
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect((broken["bytes"]?.integer ?? 0) > 0 && broken["nextAttempt"]?.text != nil, "\(broken)")
            try #require(done["state"] == "done", "\(broken)")
            #expect((done["attempts"]?.integer ?? 0) >= 1)
            let code = try #require(done["task"]?.text)
            let file = try await two.consumer.call(
                "GET", "/api/v1/dataspace/deliveries/\(code)/file", token: two.consumer.token)
            #expect(Digest(of: file.body).hex == done["digest"]?.text)
            #expect(Int64(file.body.count) == done["total"]?.integer)
            // The sender's receipt names the same digest, and charged one use.
            let passages = try await two.provider.ask("GET", "/api/v1/passages")["passages"]?.array ?? []
            #expect(passages.count == 1, "\(passages.count)")
            let passage = try await two.provider.ask(
                "GET", "/api/v1/passages/\(passages.first?["passage"]?.text ?? "")")
            #expect(passage.canonicalText.contains(done["digest"]?.text ?? "none"), "\(passage)")
            try await two.wait("COMPLETED", two.transfer)
        }

        @Test(
            "another platform's catalog is read by CKAN and by the Dataspace Protocol, each dataset once with its origins"
        )
        func harvest() async throws {
            let theirs = try RunningNode("theirs")
            let ours = try RunningNode("ours")
            defer {
                theirs.stop()
                ours.stop()
            }
            var codes: Set<String> = []
            for number in 1...3 {
                codes.insert(try await theirs.publish("a,b\n1,2\n", title: "外部数据 \(number)").listing)
            }
            let account = try await theirs.account("汇聚平台")
            try await ours.run(["harvest", theirs.url, "--kind", "ckan", "--name", "外部平台"])
            try await ours.run([
                "harvest", theirs.url + "/dsp/2025-1", "--kind", "dsp", "--name", "外部连接器", "--token",
                account.token,
            ])
            let found = try await ours.call("GET", "/api/v1/foreign?q=%E5%A4%96%E9%83%A8").json
            #expect(found["total"] == 3, "\(found)")
            for dataset in found["datasets"]?.array ?? [] {
                #expect(codes.contains(dataset["key"]?.text ?? ""))
                #expect(
                    Set(dataset["origins"]?.array?.compactMap { $0["kind"]?.text } ?? []) == ["ckan", "dsp"])
                #expect(dataset["origins"]?[0]?["address"]?.text?.hasPrefix(theirs.url) == true)
            }
            // Read again, nothing doubles; away, the last reading stays and the reason is told.
            try await ours.run(["harvest", theirs.url, "--kind", "ckan", "--name", "外部平台"])
            #expect(try await ours.call("GET", "/api/v1/foreign").json["total"] == 3)
            theirs.stop()
            let failed = try await ours.call(
                "POST", "/api/v1/harvests", ["url": .string(theirs.url), "kind": "ckan"], token: ours.token)
            #expect(failed.status >= 400)
            let sources = try await ours.call("GET", "/api/v1/harvests").json["sources"]?.array ?? []
            #expect(sources.contains { $0["lastError"]?.text != nil && $0["count"] == 3 }, "\(sources)")
            #expect(try await ours.call("GET", "/api/v1/foreign").json["total"] == 3)
        }

        @Test(
            "S48: equal terms of two dictionaries are proposed, a steward confirms, and a table of theirs answers in our words"
        )
        func dictionaries() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let ours = try node.file(
                "ours.yaml",
                """
                standard: ours
                version: 1
                fields:
                  - {name: station_code, title: {zh: 站点编码, en: Station code}, type: text, mandatory: true, pattern: "S[0-9]+"}
                  - {name: pm25, title: {zh: PM2.5浓度, en: PM2.5}, type: integer, unit: µg/m3, min: "0"}
                """)
            let theirs = try node.file(
                "theirs.yaml",
                """
                standard: theirs
                version: 1
                fields:
                  - {name: STCODE, title: {zh: 站点编码, en: Station code}, type: text}
                  - {name: PM25_CONC, title: {zh: PM2.5浓度, en: PM2.5}, type: integer, unit: µg/m3}
                  - {name: WIND, title: {zh: 风速, en: Wind}, type: integer, unit: m/s}
                """)
            let table = try node.file("theirs.csv", "STCODE,PM25_CONC,WIND\nS1,12,3\nS2,31,4\n")
            let map = node.folder.appending(path: "map.json").path(percentEncoded: false)
            let found = try await node.run([
                "standard", "recognize", ours, theirs, "--confirmed-by", "Li", "--out", map,
            ])
            let pairs = found["proposals"]?.array?.map { [$0["from"]?.text, $0["to"]?.text] } ?? []
            #expect(Set(pairs) == [["station_code", "STCODE"], ["pm25", "PM25_CONC"]], "\(found)")
            let answer = try await node.run([
                "standard", "ask", table, "--mapping", map, "--sql",
                "SELECT station_code FROM data WHERE pm25 > 20",
            ])
            #expect(answer["rows"] == [["S2"]], "\(answer)")
            // The interface is held to our description, with a verdict for each rule; into their words and back loses nothing.
            let mine = node.folder.appending(path: "mine.csv").path(percentEncoded: false)
            try await node.run(["standard", "ask", table, "--mapping", map, "--out", mine])
            let verdict = try await node.run(["standard", "check", mine, "--standard", ours])
            #expect(verdict.canonicalText.contains("station_code.pattern"), "\(verdict)")
            let back = node.folder.appending(path: "back.csv").path(percentEncoded: false)
            try await node.run(["standard", "ask", mine, "--mapping", map, "--reverse", "--out", back])
            #expect(
                try String(contentsOfFile: back, encoding: .utf8)
                    == String(contentsOfFile: table, encoding: .utf8))
        }

        @Test(
            "S60: a contract made outside is filed by both sides' digests, a listing is bought here, and statistics show both"
        )
        func directAndPlatform() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let (seller, buyer) = (
                try await node.account("甲方", roles: "holder"), try await node.account("乙方")
            )
            let digest = Digest(of: "the paper").hex
            func contract(with other: RunningNode.Account) -> JSON {
                ["digest": .string(digest), "with": .string(other.code), "title": "数据许可协议"]
            }
            let filed = try await node.ask(
                "POST", "/api/v1/contracts/direct", contract(with: buyer), as: seller)
            #expect(filed["confirmed"] == false && filed["mode"] == "direct")
            #expect(try await node.call("GET", "/api/v1/market/modes").json["direct"] == 0)
            let both = try await node.ask(
                "POST", "/api/v1/contracts/direct", contract(with: seller), as: buyer)
            #expect(both["confirmed"] == true && both["contract"] == filed["contract"])
            let stranger = try await node.account("旁人")
            #expect(
                try await node.problem(
                    "POST", "/api/v1/contracts/direct", contract(with: seller), as: stranger)
                    == "trade.direct-foreign")
            let listing = try await node.publish("a,b\n1,2\n", title: "产品", openness: "conditional").listing
            let connector = try ForeignConnector(buyer)
            defer { connector.server.stop() }
            _ = try await connector.agree(on: listing, at: node)
            let modes = try await node.call("GET", "/api/v1/market/modes").json
            #expect(modes["direct"] == 1 && modes["platform"] == 1, "\(modes)")
        }

        @Test(
            "S68: offers answer a demand by conditions, then price, then time; what misses a condition never does"
        )
        func matching() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let buyer = try await node.account("买方")
            func offer(_ title: String, _ price: String, _ purpose: String) async throws -> String {
                let terms = PlainTerms(purposes: [purpose], doors: [.query], isPaid: true).policy(id: "urn:t")
                    .json
                return try await node.publish(
                    "a,b\n1,2\n", title: title, doors: "query", openness: "conditional", terms: terms,
                    price: price
                ).listing
            }
            let dear = try await offer("公交 客流 数据", "query:2CNY", "research")
            let cheap = try await offer("公交 客流 数据", "query:1CNY", "research")
            let late = try await offer("公交 客流 数据", "query:1CNY", "research")
            let partial = try await offer("公交 线路", "query:0.10CNY", "research")
            let tooDear = try await offer("公交 客流 数据", "query:9CNY", "research")
            let otherPurpose = try await offer("公交 客流 数据", "query:0.10CNY", "advertising")
            let demand =
                try await node.ask(
                    "POST", "/api/v1/demands",
                    ["words": "公交 客流", "purpose": "research", "priceMax": "5CNY"], as: buyer)["demand"]?.text
                ?? ""
            let path = "/api/v1/demands/\(demand)/matches"
            let ranked = try await node.call("GET", path).json
            let codes = ranked["matches"]?.array?.compactMap { $0["listing"]?.text } ?? []
            #expect(codes == [cheap, late, dear, partial], "\(ranked)")
            #expect(!codes.contains(tooDear) && !codes.contains(otherPurpose))
            #expect(ranked["matches"]?[3]?["missing"] == ["客流"])
            #expect(try await node.call("GET", path).json == ranked, "the same book gives the same ranking")
        }
    }
}
