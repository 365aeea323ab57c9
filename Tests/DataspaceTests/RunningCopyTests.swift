// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// What copies cost, and what is left of them to check.
extension OnRunningNodes {
    @Suite("Prices of copies")
    struct RunningCopyTests {
        private static let rows = 700

        private static let table =
            "station,pm25\n" + (0..<rows).map { "S\($0),\($0 % 97).5\n" }.joined()

        /// A priced listing under which a buyer with money agreed.
        private func agreed(
            _ node: RunningNode, _ buyer: RunningNode.Account, doors: String, price: String
        ) async throws -> String {
            let listing = try await node.publish(
                Self.table, title: "监测", doors: doors, openness: "conditional", price: price
            ).listing
            let connector = try ForeignConnector(buyer)
            defer { connector.server.stop() }
            let code = try await node.agreement(try await connector.agree(on: listing, at: node))
            for _ in 0..<200 {
                let all = try await node.ask("GET", "/api/v1/agreements", as: buyer)["agreements"]?.array
                if all?.contains(where: { $0["agreement"]?.text == code && $0["state"] == "in-force" })
                    == true
                {
                    return code
                }
                try await Task.sleep(for: .milliseconds(50))
            }
            throw POSIXError(.ETIMEDOUT)
        }

        private func account(_ node: RunningNode, _ money: String) async throws -> RunningNode.Account {
            let buyer = try await node.account("买方")
            try await node.ask(
                "POST", "/api/v1/parties/\(buyer.code)/top-ups",
                ["amount": .string(money), "bankReference": "b1"])
            return buyer
        }

        private func passages(_ node: RunningNode) async throws -> [JSON] {
            try await node.ask("GET", "/api/v1/passages")["passages"]?.array ?? []
        }

        @Test(
            "a download costs the bytes of its file and the rows it has, at most what one use may cost; again and in parts it is free"
        )
        func download() async throws {
            let node = try RunningNode("seller")
            defer { node.stop() }
            let buyer = try await account(node, "1000CNY")
            let code = try await agreed(
                node, buyer, doors: "download",
                price: "download.bytes:1CNY/1000 up to 1000000,download.rows:1CNY/100 up to 500,cap:900CNY")
            let id = "01890000-0000-7000-8000-00000000000\(1)"
            let data = "/api/v1/agreements/\(code)/data?passage=\(id)"
            let copy = try await node.call("GET", data, token: buyer.token)
            #expect(copy.status == 200 && copy.headers["hutong-rows"] == "\(Self.rows)", "\(copy.text)")
            // A fen for ten bytes, and five yuan for the first five hundred of seven hundred rows.
            let fen = Int((Double(copy.body.count) / 10).rounded()) + 500
            let price = Money(minorUnits: Int64(fen)).description
            let first = try #require(try await passages(node).first)
            #expect(first["price"]?.text == price && first["state"] == "settled", "\(first)")
            let receipt = first["receipt"]?["content"]
            #expect(receipt?["counts"] == ["bytes": .integer(Int64(copy.body.count)), "rows": 500])
            #expect(receipt?["bytes"]?.integer == Int64(copy.body.count))

            // The rest of a copy that broke off, and the whole once more.
            let part = try await node.call(
                "GET", data, token: buyer.token, headers: ["Range": "bytes=1000-"])
            #expect(part.status == 206 && part.body == Array(copy.body.dropFirst(1000)))
            #expect(try await node.call("GET", data, token: buyer.token).body == copy.body)
            let all = try await passages(node)
            #expect(all.count == 1 && all.first?["price"]?.text == price)
            // A smaller form costs what it weighs.
            let other = try await node.call(
                "GET", "/api/v1/agreements/\(code)/data?form=parquet&fields=pm25", token: buyer.token)
            let cheaper = try #require(try await passages(node).first?["price"]?.text.flatMap { Money($0) })
            #expect(cheaper.minorUnits == Int64((Double(other.body.count) / 10).rounded()) + 500)

            // Every fen of it stands in the books, and rows and evidence fit each other.
            let paid = fen + Int(cheaper.minorUnits)
            let balances = try await node.ask("GET", "/api/v1/balances")
            let payable = (balances["accounts"]?.array ?? []).filter {
                ["Payable", "Fee", "Tax"].contains($0["kind"]?.text ?? "")
            }
            let sum = payable.compactMap { account in
                account["balance"]?.text.flatMap { Money($0 + " CNY") ?? Money($0) }?.minorUnits
            }.reduce(0, +)
            #expect(balances["sum"] == 0 && sum == Int64(paid), "\(balances)")
            try await node.run(["verify", node.folder.appending(path: "data").path(percentEncoded: false)])
        }

        @Test(
            "a shared table costs the bytes of each file that is asked for, and a month's cap holds at once")
        func sharing() async throws {
            let node = try RunningNode("seller")
            defer { node.stop() }
            let buyer = try await account(node, "1000CNY")
            _ = try await agreed(
                node, buyer, doors: "share", price: "share.bytes:1CNY/1000 up to 1500,cap:2CNY")
            let share = try await node.call("GET", "/delta-sharing/shares", token: buyer.token)
            let name = try #require(share.json["items"]?[0]?["name"]?.text)
            let tables = try await node.call(
                "GET", "/delta-sharing/shares/\(name)/all-tables", token: buyer.token)
            let table = try #require(tables.json["items"]?[0]?["name"]?.text)
            var size: Int64 = 0
            for _ in 0..<3 {
                let query = try await node.call(
                    "POST", "/delta-sharing/shares/\(name)/schemas/data/tables/\(table)/query", [:],
                    token: buyer.token)
                let last = try #require(query.text.split(separator: "\n").last)
                size = try JSON(parsing: String(last))["file"]?["size"]?.integer ?? 0
            }
            #expect(size > 1500)
            // At most 1,500 bytes of a file cost; the second meets the cap, the third is free.
            let prices = try await passages(node).compactMap { $0["price"]?.text }
            #expect(prices.reversed() == ["1.50 CNY", "0.50 CNY", "0.00 CNY"], "\(prices)")
        }
    }
}
