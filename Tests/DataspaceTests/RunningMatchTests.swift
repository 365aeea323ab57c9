// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// A clinic that is also its market's exchange, and a care service that matches its clients with the clinic's visits.
struct MatchedNodes {
    let clinic: RunningNode
    let care: RunningNode
    let listing: String
    let agreement: String

    static let price = "match:1CNY,match.rows:0.10CNY up to 30,match.matched:0.05CNY up to 500"

    /// - Parameter noise: the rules' `privacy` in place of a minimum group.
    init(
        _ match: [String: JSON], price: String = MatchedNodes.price, visits: String = Self.visits,
        noise: JSON? = nil
    ) async throws {
        clinic = try RunningNode("clinic")
        care = try RunningNode("care", ["--role", "party"])
        var table: [String: JSON] = [
            "columns": [
                "person": "hidden", "cost": ["use": ["aggregate"], "bounds": [0, 500], "decimals": 2],
            ]
        ]
        if noise != nil { table["unit"] = ["column": "person"] }
        var rules: [String: JSON] = [
            "rules": 1, "purposes": ["care"], "tables": ["visits": .object(table)],
            "match": .object(["keys": ["person"]].merging(match) { $1 }),
        ]
        rules[noise == nil ? "minimumGroup" : "privacy"] = noise ?? 10
        let file = try clinic.file("rules.json", JSON.object(rules).canonicalText)
        let published = try await clinic.run([
            "publish", try clinic.file("visits.csv", visits), "--title", "visits", "--owner", "clinic",
            "--ground", "consent", "--document", "C-7", "--table", "visits", "--confirm", "--doors", "match",
            "--rules", file, "--price", price,
        ])
        listing = try #require(published["listing"]?.text, "\(published)")
        let invited = try await clinic.ask(
            "POST", "/api/v1/parties/invitations", ["name": "care", "roles": "buyer,holder"])
        try await care.ask("POST", "/api/v1/exchange", ["invitation": invited["invitation"] ?? .null])
        try await clinic.ask(
            "POST", "/api/v1/parties/care/top-ups", ["amount": "1000CNY", "bankReference": "B-1"])
        try await care.ask("POST", "/api/v1/offers", ["listing": .string(listing)])
        agreement = try await Self.inForce(at: [care, clinic])
    }

    private static func inForce(at nodes: [RunningNode]) async throws -> String {
        for _ in 0..<600 {
            var codes: [String] = []
            for node in nodes {
                let all = try await node.ask("GET", "/api/v1/agreements")["agreements"]?.array ?? []
                codes += all.filter { $0["state"] == "in-force" }.compactMap { $0["agreement"]?.text }
            }
            if codes.count == nodes.count, let code = codes.first { return code }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw POSIXError(.ETIMEDOUT)
    }

    func end() {
        clinic.stop()
        care.stop()
    }

    /// Sixty people; every third has a second visit. One row has no person.
    static let visits =
        "person,cost\n"
        + (0..<60).map { person in
            let rows = person % 3 == 0 ? [person, person + 100] : [person]
            return rows.map { "P\(person),\($0).25\n" }.joined()
        }.joined() + ",9.00\n"

    /// Forty clients, of whom sixteen in the east and eight in the west are patients.
    static let clients =
        "person,district\n" + (40..<56).map { "P\($0),east\n" }.joined()
        + (20..<28).map { "P\($0),west\n" }.joined()
        + (0..<16).map { "X\($0),\($0 % 2 == 0 ? "east" : "west")\n" }.joined()

    func match(_ file: String, _ want: String, _ more: [String] = []) -> [String] {
        ["match", agreement, file, "--key", "person", "--want", want, "--purpose", "care"] + more
    }

    /// What one key's visits cost together, in fen.
    static func cost(_ person: Int) -> Int64 {
        let first = Int64(person) * 100 + 25
        return min(50_000, person % 3 == 0 ? 2 * first + 10_000 : first)
    }

    /// Prices of the passages that a node charged, in the order of its list.
    func prices(at node: RunningNode, side: String) async throws -> [String] {
        let passages = try await node.ask("GET", "/api/v1/passages")["passages"]?.array ?? []
        let own = passages.filter { $0["side"]?.text == side && $0["state"] == "settled" }
        return own.compactMap { $0["price"]?.text }.filter { $0 != "0.00 CNY" }
    }
}

extension OnRunningNodes {
    @Suite("Private matches between running nodes")
    struct RunningMatchTests {
        private static let rows: JSON = ["basis": "consent", "document": "C-7"]

        @Test(
            "S62: sizes, sums and rows over two nodes equal the pooled result, each priced by its rows, receipted and verified"
        )
        func kinds() async throws {
            let nodes = try await MatchedNodes([
                "wants": ["size", "sum", "rows"], "sums": ["cost"], "sets": 2, "rows": Self.rows,
            ])
            defer { nodes.end() }
            let care = nodes.care
            let file = try care.file("clients.csv", MatchedNodes.clients)
            let out = care.folder.appending(path: "out.csv").path(percentEncoded: false)

            // Forty keys were brought, thirty are charged at most; sixteen were told: 1.00 + 3.00 + 0.80.
            let size = try await care.run(nodes.match(file, "size:by district"))
            #expect(
                size["groups"] == [["group": "east", "count": 16], ["group": "west", "count": nil]], "\(size)"
            )
            #expect(size["price"] == "4.80 CNY" && size["rejected"] == 0)
            let counts = size["receipt"]?["content"]?["counts"]
            #expect(counts == ["rows": 30, "matched": 16], "\(counts ?? .null)")

            let sum = try await care.run(nodes.match(file, "sum:cost:by district", ["--out", out]))
            let pooled = (40...55).reduce(Int64(0)) { $0 + MatchedNodes.cost($1) }
            let told = sum["groups"]?[0]
            #expect(told?["count"] == 16 && told?["sum"]?.text == Self.yuan(pooled), "\(sum)")
            #expect(abs((told?["mean"]?.double ?? 0) - Double(pooled) / 1600) < 0.001)
            #expect(
                sum["groups"]?[1]?["sum"] == nil && sum["price"] == "4.80 CNY", "below ten nothing is told")
            #expect(
                try String(contentsOfFile: out, encoding: .utf8).hasPrefix("group,count,sum\n\"east\",16,"))

            // Twenty-four rows together: 1.00 + 3.00 + 1.20.
            let rows = try await care.run(nodes.match(file, "rows", ["--out", out]))
            #expect(rows["price"] == "5.20 CNY", "\(rows)")
            let lines = try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n")
            #expect(lines.count == 25 && lines.dropFirst().allSatisfy { $0.hasPrefix("P") })

            try await Self.verify(nodes)
            // The same again is the same answer, for nothing.
            let again = try await care.run(nodes.match(file, "size:by district"))
            #expect(again["result"] == size["result"] && again["price"] == "0.00 CNY")
            try await Self.refusals(nodes, file)
        }

        private static func yuan(_ fen: Int64) -> String {
            "\(fen / 100).\(String(fen % 100 + 100).dropFirst())"
        }

        /// Both sides' receipts of every match hold offline, and a changed one does not.
        private static func verify(_ nodes: MatchedNodes) async throws {
            let folder = nodes.care.folder.appending(path: "receipts").path(percentEncoded: false)
            let written = try await nodes.care.run(["receipts", "--out", folder])
            let files = written["files"]?.array?.compactMap(\.text) ?? []
            #expect(files.count == 6 && written["missing"] == [], "\(written)")
            for file in files { try await nodes.care.run(["verify", file]) }
            guard let file = files.first else { return }
            var text = Array(try String(contentsOfFile: file, encoding: .utf8))
            let place = try #require(text.indices.dropFirst(text.count / 2).first { text[$0].isLetter })
            text[place] = text[place] == "A" ? "B" : "A"
            try String(text).write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await nodes.care.problem(of: ["verify", file]) != "answered")
            for node in [nodes.clinic, nodes.care] {
                try await node.run([
                    "verify", node.folder.appending(path: "data").path(percentEncoded: false),
                ])
            }
        }

        /// What the agreement does not permit is refused by name, charged nothing, and counted in the holder's log.
        private static func refusals(_ nodes: MatchedNodes, _ file: String) async throws {
            let care = nodes.care
            #expect(
                try await care.problem(of: nodes.match(file, "sum:age")) == "compute.match-want-refused")
            let other = try care.file("others.csv", MatchedNodes.clients + "P1,east\n")
            #expect(try await care.problem(of: nodes.match(other, "rows")) == "compute.match-sets-spent")
            #expect(
                try await care.problem(of: nodes.match(file, "size", ["--key", "person,district"]))
                    == "compute.match-keys-differ")
            let ads = ["match", nodes.agreement, file, "--key", "person", "--purpose", "ads"]
            #expect(try await care.problem(of: ads) == "compute.purpose-refused")
            try await nodes.clinic.run(["valve", "close", nodes.listing, "--why", "inspection"])
            #expect(try await care.problem(of: nodes.match(file, "size")).hasPrefix("valve.closed"))
            try await nodes.clinic.run(["valve", "open", nodes.listing])
            let charged = try await nodes.prices(at: care, side: "asker")
            #expect(charged.sorted() == ["4.80 CNY", "4.80 CNY", "5.20 CNY"], "\(charged)")
            let valve = try await nodes.clinic.run(["valve", "status"])
            #expect((valve["refused"]?.integer ?? 0) >= 4, "\(valve)")
        }

        @Test(
            "rows on the ground of a mandate: none without it, as many releases as it permits, and a look is no use of it"
        )
        func mandate() async throws {
            let nodes = try await MatchedNodes([
                "wants": ["rows", "size"], "sets": 3, "rows": ["basis": "mandate", "document": "M-1"],
            ])
            defer { nodes.end() }
            let file = try nodes.care.file("clients.csv", MatchedNodes.clients)
            #expect(
                try await nodes.care.problem(of: nodes.match(file, "rows")) == "compute.match-basis-missing")
            try await nodes.clinic.run([
                "mandate", "grant", "care", "--verbs", "match-rows", "--purpose", "care", "--uses", "1",
            ])
            let plan = try await nodes.care.run(nodes.match(file, "rows", ["--dry-run"]))
            #expect(plan["plan"]?["holderItems"] == 60 && plan["plan"]?["holderRejected"] == 1, "\(plan)")
            #expect((plan["setsLeft"]?.integer, plan["plan"]?["askerItems"]?.integer) == (2, 40))
            let told = try await nodes.care.run(nodes.match(file, "rows"))
            #expect(told["result"]?["items"]?.array?.count == 24, "\(told)")
            let few = try nodes.care.file("few.csv", "person,district\nP1,east\nP2,east\nP900,west\n")
            #expect(
                try await nodes.care.problem(of: nodes.match(few, "rows")) == "compute.match-basis-missing")
            // Three of sixty: below the minimum nothing is told, and what is priced by matched keys costs nothing.
            let small = try await nodes.care.run(nodes.match(few, "size"))
            #expect(small["groups"]?[0]?["count"] == JSON.null && small["price"] == "1.30 CNY", "\(small)")
        }

        @Test(
            "kill -9 of the holder and then of the asker during a match of sums: one answer, charged once, the right sums"
        )
        func crashes() async throws {
            let nodes = try await MatchedNodes(["wants": ["sum"], "sums": ["cost"]], visits: Self.many)
            defer { nodes.end() }
            let file = try nodes.care.file(
                "clients.csv", "person\n" + (1500..<2500).map { "P\($0)\n" }.joined())
            let arguments = nodes.match(file, "sum:cost")
            async let answer = nodes.care.run(arguments)
            for victim in [nodes.clinic, nodes.care] {
                try await Task.sleep(for: .milliseconds(150))
                try victim.crashAndReturn()
            }
            let told = try await answer
            #expect(told["groups"]?[0]?["count"] == 500 && told["groups"]?[0]?["sum"] == "1000.00", "\(told)")
            #expect(told["price"] == "29.00 CNY", "1 + 30 × 0.10 + 500 × 0.05")
            #expect(try await nodes.prices(at: nodes.care, side: "asker") == ["29.00 CNY"])
            #expect(try await nodes.prices(at: nodes.clinic, side: "keeper") == ["29.00 CNY"])
            let again = try await nodes.care.run(arguments)
            #expect(again["result"] == told["result"] && again["price"] == "0.00 CNY")
        }

        private static let many = "person,cost\n" + (0..<2000).map { "P\($0),2.00\n" }.joined()
    }
}
