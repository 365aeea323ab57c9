// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing
import TestKit

extension OnRunningNodes {
    @Suite("Rows linked in shares between running nodes")
    struct RunningShareTests {
        private static let wants: [String: JSON] = [
            "wants": ["size", "shares"], "sums": ["cost"], "sets": 4,
        ]

        @Test(
            "S62: rows linked in shares at two nodes answer counts and sums over the asker's own choice, each question a priced, minimum-bound passage in both logs"
        )
        func questions() async throws {
            let nodes = try await MatchedNodes(Self.wants)
            defer { nodes.end() }
            let (care, file) = (nodes.care, try nodes.care.file("clients.csv", MatchedNodes.clients))

            let shared = try await care.run(nodes.match(file, "shares:cost"))
            let passage = try #require(shared["code"]?.text, "\(shared)")
            #expect(shared["price"] == "4.00 CNY", "1.00 + 30 × 0.10, and nothing that is told: \(shared)")
            #expect(
                Set(try #require(shared["result"]?.object).keys) == ["want", "minimum", "transcript"],
                "making shares tells nothing")
            for node in [nodes.clinic, care] { #expect(try await Self.kept(at: node) == 1) }

            let told = try await care.run(Self.ask(passage, file, "count(*), sum(cost)"))
            let people = Array(40..<56) + Array(20..<28)
            let pooled = people.reduce(Int64(0)) { $0 + MatchedNodes.cost($1) }
            #expect(told["groups"]?[0]?["count"] == 24, "\(told)")
            #expect(told["groups"]?[0]?["sum"]?.text == Self.yuan(pooled))
            #expect(told["price"] == "2.20 CNY", "1.00 + 24 × 0.05: no key is brought anew")

            // Eight in the west are too few: neither their number nor their costs.
            let groups = try await care.run(
                Self.ask(passage, file, "district, count(*), sum(cost)", "GROUP BY district"))
            let east = (40..<56).reduce(Int64(0)) { $0 + MatchedNodes.cost($1) }
            #expect(
                groups["groups"]?.array?.map { $0["group"]?.text } == ["east", "west"]
                    && groups["groups"]?[0]?["sum"]?.text == Self.yuan(east)
                    && groups["groups"]?[1] == ["group": "west", "count": nil], "\(groups)")
            #expect(groups["result"]?["sums"]?[1] == JSON.null, "below the minimum no part is released")

            let again = try await care.run(Self.ask(passage, file, "count(*), sum(cost)"))
            #expect(again["groups"] == told["groups"] && again["price"] == "0.00 CNY", "\(again)")
            try await Self.verify(nodes)
            try await Self.refusals(nodes, passage, file)
            try await Self.ended(nodes, passage, file)
        }

        private static func ask(
            _ passage: String, _ file: String, _ figures: String, _ rest: String = "", _ more: [String] = []
        ) -> [String] {
            [
                "query", passage, "SELECT \(figures) FROM clients \(rest)", "--file", file, "--key", "person",
                "--purpose", "care",
            ] + more
        }

        private static func yuan(_ fen: Int64) -> String {
            "\(fen / 100).\(String(fen % 100 + 100).dropFirst())"
        }

        /// How many runs' shares lie in a node's store.
        private static func kept(at node: RunningNode) async throws -> Int {
            try await count("SELECT count(*) FROM compute_share", at: node)
        }

        /// Both logs name the same runs, and both data folders hold.
        private static func verify(_ nodes: MatchedNodes) async throws {
            var named: [[String]] = []
            for node in [nodes.clinic, nodes.care] {
                try await node.run([
                    "verify", node.folder.appending(path: "data").path(percentEncoded: false),
                ])
                named.append(try await transcripts(at: node))
            }
            #expect(named[0] == named[1] && Set(named[0]).count == 3, "\(named)")
        }

        private static func refusals(
            _ nodes: MatchedNodes, _ passage: String, _ file: String
        ) async throws {
            let care = nodes.care
            let form = ask(passage, file, "avg(cost)")
            #expect(try await care.problem(of: form) == "compute.shares-question-refused")
            let column = ask(passage, file, "count(*), sum(age)")
            #expect(try await care.problem(of: column) == "compute.match-want-refused")
            let other = try care.file("others.csv", MatchedNodes.clients + "P1,east\n")
            #expect(
                try await care.problem(of: ask(passage, other, "count(*)")) == "compute.shares-other-keys")
            #expect(
                try await care.problem(of: ask(passage, file, "count(*)", "", ["--purpose", "ads"]))
                    == "compute.purpose-refused")
            #expect(
                try await care.problem(of: nodes.match(file, "sum:cost")) == "compute.match-want-refused",
                "shares do not open what the listing does not name")
            // All rows, by district: two sets so far. The third choice is the last.
            let east = "WHERE district = 'east'"
            #expect(try await care.run(ask(passage, file, "count(*)", east))["setsLeft"] == 0)
            #expect(
                try await care.problem(of: ask(passage, file, "count(*)", "WHERE person <> 'P41'"))
                    == "compute.match-sets-spent")
        }

        /// With the agreement the shares go, at both nodes.
        private static func ended(_ nodes: MatchedNodes, _ passage: String, _ file: String) async throws {
            try await nodes.care.ask("POST", "/api/v1/agreements/\(nodes.agreement)/revoke")
            for node in [nodes.clinic, nodes.care] {
                var kept = -1
                for _ in 0..<600 where kept != 0 {
                    kept = try await Self.kept(at: node)
                    try await Task.sleep(for: .milliseconds(kept == 0 ? 0 : 100))
                }
                #expect(kept == 0)
            }
            let late = try await nodes.care.problem(of: ask(passage, file, "count(*)"))
            #expect(late == "compute.shares-unknown")
        }

        @Test(
            "a listing that does not name shares makes none, and a passage that made none cannot be asked about"
        )
        func terms() async throws {
            let nodes = try await MatchedNodes(["wants": ["size"]])
            defer { nodes.end() }
            let file = try nodes.care.file("clients.csv", MatchedNodes.clients)
            #expect(
                try await nodes.care.problem(of: nodes.match(file, "shares")) == "compute.match-want-refused")
            for node in [nodes.clinic, nodes.care] { #expect(try await Self.kept(at: node) == 0) }
            let size = try await nodes.care.run(nodes.match(file, "size"))
            let code = try #require(size["code"]?.text)
            #expect(
                try await nodes.care.problem(of: Self.ask(code, file, "count(*)"))
                    == "compute.shares-unknown",
                "a passage that made none has none")
        }

        @Test(
            "once the holder's table has a newer version, shares of the older one answer nothing: who left stays out"
        )
        func outdated() async throws {
            let nodes = try await MatchedNodes(Self.wants)
            defer { nodes.end() }
            let file = try nodes.care.file("clients.csv", MatchedNodes.clients)
            let shared = try await nodes.care.run(nodes.match(file, "shares"))
            let passage = try #require(shared["code"]?.text, "\(shared)")
            let sum = Self.ask(passage, file, "count(*), sum(cost)")
            #expect(
                try await nodes.care.problem(of: sum) == "compute.match-want-refused", "no column was shared")
            _ = try await Self.texts(
                "UPDATE register_version SET digest = zeroblob(32) RETURNING 1", at: nodes.clinic)
            #expect(
                try await nodes.care.problem(of: Self.ask(passage, file, "count(*)"))
                    == "compute.shares-outdated")
        }

        @Test(
            "under a privacy budget making shares costs nothing, a question its ε once, and the same question no more"
        )
        func budget() async throws {
            let nodes = try await MatchedNodes(
                ["wants": ["shares"], "sums": ["cost"], "sets": 9], visits: Self.many,
                noise: ["mechanism": "laplace", "epsilon": "1", "total": "2"])
            defer { nodes.end() }
            let file = try nodes.care.file(
                "clients.csv", "person\n" + (1000..<2500).map { "P\($0)\n" }.joined())
            let budget = "/api/v1/budgets/" + nodes.listing
            let shared = try await nodes.care.run(nodes.match(file, "shares:cost"))
            let passage = try #require(shared["code"]?.text)
            #expect(try await nodes.clinic.ask("GET", budget)["spent"] == "0")
            let told = try await nodes.care.run(Self.ask(passage, file, "count(*), sum(cost)"))
            // At ε/2 = 0.5 a count lies farther than 60 from the truth with probability e^-30.
            let count = told["groups"]?[0]?["count"]?.integer ?? 0
            #expect(abs(count - 1000) < 60 && told["result"]?["epsilon"] == "1", "\(told)")
            let again = try await nodes.care.run(Self.ask(passage, file, "count(*), sum(cost)"))
            #expect(again["groups"] == told["groups"])
            #expect(try await nodes.clinic.ask("GET", budget)["spent"] == "1")
            _ = try await nodes.care.run(Self.ask(passage, file, "count(*)"))
            #expect(
                try await nodes.care.problem(
                    of: Self.ask(passage, file, "count(*)", "WHERE person <> 'P1001'"))
                    == "valve.privacy-spent", "two questions are the whole budget")
            #expect(try await nodes.clinic.ask("GET", budget)["spent"] == "2")
        }

        @Test(
            "kill -9 of the holder and then of the asker while shares are made and asked: one answer each, charged once, the right sum"
        )
        func crashes() async throws {
            let nodes = try await MatchedNodes(
                ["wants": ["shares"], "sums": ["cost"]], visits: Self.many)
            defer { nodes.end() }
            let file = try nodes.care.file(
                "clients.csv", "person\n" + (1500..<2500).map { "P\($0)\n" }.joined())
            let shared = try await Self.throughCrashes(nodes, nodes.match(file, "shares:cost"))
            let passage = try #require(shared["code"]?.text, "\(shared)")
            #expect(shared["price"] == "4.00 CNY")
            for node in [nodes.clinic, nodes.care] { #expect(try await Self.kept(at: node) == 1) }
            let told = try await Self.throughCrashes(
                nodes, Self.ask(passage, file, "count(*), sum(cost)"))
            #expect(
                told["groups"]?[0]?["count"] == 500 && told["groups"]?[0]?["sum"] == "1000.00", "\(told)")
            #expect(
                try await nodes.prices(at: nodes.care, side: "asker").sorted() == ["26.00 CNY", "4.00 CNY"])
            #expect(
                try await nodes.prices(at: nodes.clinic, side: "keeper").sorted() == [
                    "26.00 CNY", "4.00 CNY",
                ])
            let named = try await Self.transcripts(at: nodes.care)
            #expect(try await Self.transcripts(at: nodes.clinic) == named)
        }

        private static func throughCrashes(_ nodes: MatchedNodes, _ arguments: [String]) async throws -> JSON
        {
            async let answer = nodes.care.run(arguments)
            for victim in [nodes.clinic, nodes.care] {
                try await Task.sleep(for: .milliseconds(250))
                try victim.crashAndReturn()
            }
            return try await answer
        }

        private static let many = "person,cost\n" + (0..<2000).map { "P\($0),2.00\n" }.joined()

        // MARK: What lies in a node's store

        /// The transcripts that a node's log names, in their order of size.
        private static func transcripts(at node: RunningNode) async throws -> [String] {
            let rows = try await texts(
                "SELECT content FROM transparency_leaf WHERE kind = 'match-transcript'", at: node)
            return rows.compactMap { (try? JSON(parsing: Array($0.utf8)))?["transcript"]?.text }.sorted()
        }

        private static func count(_ query: String, at node: RunningNode) async throws -> Int {
            Int(try await texts(query, at: node).first ?? "") ?? -1
        }

        /// The first column of what a query of a node's records finds, line by line.
        private static func texts(_ query: String, at node: RunningNode) async throws -> [String] {
            let script = """
                import sqlite3, sys
                records = sqlite3.connect(sys.argv[1], timeout=60)
                for row in records.execute(sys.argv[2]).fetchall(): print(row[0])
                records.commit()
                """
            let database = node.folder.appending(path: "data/node.sqlite").path(percentEncoded: false)
            let (status, text) = try Program.run(["python3", "-c", script, database, query])
            try #require(status == 0, "\(text)")
            return text.split(separator: "\n").map(String.init)
        }
    }
}
