// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Policy
import Primitives
import Testing

/// Two nodes, each reached through a network of its own, and one product of the first.
final class TwoNodes {
    let provider: RunningNode
    let consumer: RunningNode
    let toProvider: BadNetwork
    let toConsumer: BadNetwork
    let listing: String

    init(seed: UInt64, terms: JSON? = nil, rows: Int = 2) async throws {
        toProvider = try BadNetwork(seed: seed)
        toConsumer = try BadNetwork(seed: seed &+ 1)
        provider = try RunningNode("provider", ["--public-url", toProvider.url])
        toProvider.point(to: provider.url)
        consumer = try RunningNode("consumer", ["--role", "party", "--public-url", toConsumer.url])
        toConsumer.point(to: consumer.url)
        listing = try await provider.publish(
            Self.table(rows), title: "空气质量", doors: "download", openness: "conditional", terms: terms
        ).listing
        let invited = try await provider.ask(
            "POST", "/api/v1/parties/invitations", ["name": "consumer", "roles": "buyer,holder"])
        try await consumer.ask(
            "POST", "/api/v1/exchange", ["invitation": invited["invitation"] ?? .null])
    }

    private static func table(_ rows: Int) -> String {
        guard rows > 2 else { return "station,pm25\nA,12.5\nB,31.0\n" }
        return "station,pm25\n" + (0..<rows).map { "S\($0),\($0 % 97).5\n" }.joined()
    }

    func end() {
        provider.stop()
        consumer.stop()
        toProvider.server.stop()
        toConsumer.server.stop()
    }

    var address: JSON { .string(toProvider.url + "/dsp/2025-1") }

    func set(_ mode: BadNetwork.Mode) {
        toProvider.set(mode)
        toConsumer.set(mode)
    }

    func begin(counter: JSON? = nil) async throws -> String {
        var body: [String: JSON] = ["listing": .string(listing), "address": address]
        body["counter"] = counter
        let begun = try await consumer.ask("POST", "/api/v1/dataspace/negotiations", .object(body))
        return try #require(begun["offer"]?.text)
    }

    /// The newest negotiation of a node.
    func negotiation(at node: RunningNode) async throws -> JSON {
        try await node.ask("GET", "/api/v1/offers")["offers"]?[0] ?? .null
    }

    func transfer(at node: RunningNode) async throws -> JSON {
        try await node.ask("GET", "/api/v1/dataspace/transfers")["transfers"]?[0] ?? .null
    }

    /// Waits until both nodes show the state, at most a minute.
    func wait(
        _ state: String, _ look: (RunningNode) async throws -> JSON, on nodes: [RunningNode]? = nil
    ) async throws {
        var seen: [String] = []
        for _ in 0..<600 {
            seen = []
            for node in nodes ?? [provider, consumer] {
                seen.append(try await look(node)["state"]?.text ?? "")
            }
            if seen.allSatisfy({ $0 == state }) { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("wanted \(state) on both sides, found \(seen)")
    }

    func agreement() async throws -> String {
        for _ in 0..<300 {
            let all = try await consumer.ask("GET", "/api/v1/agreements")["agreements"]?.array ?? []
            if let found = all.first(where: { $0["state"] == "in-force" })?["agreement"]?.text {
                return found
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw POSIXError(.ETIMEDOUT)
    }

    func data(_ address: JSON, token: String? = nil) async throws -> RunningNode.Reply {
        var properties: [String: String] = [:]
        for property in address["endpointProperties"]?.array ?? [] {
            properties[property["name"]?.text ?? ""] = property["value"]?.text
        }
        return try await consumer.call(
            "GET", address["endpoint"]?.text ?? "", token: token ?? properties["authorization"])
    }
}

extension OnRunningNodes {
    @Suite("The Dataspace Protocol between running nodes")
    struct RunningDataspaceTests {
        private static let context: JSON = ["https://w3id.org/dspace/2025/1/context.jsonld"]

        @Test(
            "S43: a connector that is no node of ours agrees, pulls while the agreement holds, and nothing afterwards"
        )
        func foreign() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let terms = PlainTerms(usesMax: 2, doors: [.download]).policy(id: "urn:hutong:terms").json
            let published = try await node.publish(
                "station,pm25\nA,12.5\nB,31.0\n", title: "空气质量", openness: "conditional", terms: terms)
            let connector = try ForeignConnector(try await node.account("连接器"))
            defer { connector.server.stop() }
            let stranger = try await node.account("旁人")

            let agreement = try await connector.agree(on: published.listing, at: node)
            let (pid, address) = try await connector.open(agreement, at: node)
            #expect(address["authType"] == "bearer" && address["endpointType"] != "")
            let endpoint = try #require(address["endpoint"])
            let token = try #require(address["authorization"])

            // Wrong, missing and refreshed tokens.
            #expect(try await node.call("GET", endpoint).status == 403)
            #expect(try await node.call("GET", endpoint, token: token + "0").status == 403)
            let form = "grant_type=refresh_token&refresh_token=" + (address["refreshToken"] ?? "")
            let refreshed = try await node.post(address["refreshEndpoint"] ?? "", form: form)
            #expect(refreshed.json["token_type"] == "bearer", "\(refreshed.text)")
            let fresh = try #require(refreshed.json["access_token"]?.text)
            let forged = try await node.post(
                address["refreshEndpoint"] ?? "", form: "grant_type=refresh_token&refresh_token=x.y")
            #expect(forged.status == 400 && forged.json["error"] == "invalid_grant")

            // Somebody else's process is no process; an illegal step is the typed 400.
            let path = "/dsp/2025-1/transfers/" + pid
            #expect(try await node.call("GET", path, token: stranger.token).status == 404)
            #expect(try await node.call("GET", path).status == 401)
            #expect(
                try await node.call("GET", path, token: connector.account.token).json["state"] == "STARTED")
            #expect(try await connector.step(pid, "start", "TransferStartMessage", at: node).status == 400)

            // Two uses are agreed; while the transfer is suspended there are none.
            let suspended = try await connector.step(pid, "suspension", "TransferSuspensionMessage", at: node)
            #expect(suspended.status == 200, "\(suspended.text)")
            #expect(try await node.call("GET", endpoint, token: token).status == 403)
            #expect(try await connector.step(pid, "start", "TransferStartMessage", at: node).status == 200)
            let first = try await node.call("GET", endpoint, token: token)
            #expect(first.status == 200 && first.text.contains("station,pm25"), "\(first.text)")
            #expect(try await node.call("GET", endpoint + "?form=json", token: fresh).status == 200)
            let third = try await node.call("GET", endpoint, token: token)
            #expect(third.status == 403 && third.json["code"] == "policy.use-refused", "\(third.text)")

            // Both sides' records agree: what left is in the holder's log under the digest that the file had.
            let digest = try #require(first.headers["repr-digest"])
            #expect(digest.hasPrefix("sha-256=:"))
            let completed = try await connector.step(pid, "completion", "TransferCompletionMessage", at: node)
            #expect(completed.status == 200)
            #expect(try await node.call("GET", endpoint, token: token).status == 403)
            #expect(try await connector.step(pid, "start", "TransferStartMessage", at: node).status == 400)
        }

        @Test("two nodes end a negotiation and a transfer once, though messages are lost, repeated and late")
        func lostMessages() async throws {
            let two = try await TwoNodes(seed: 7)
            defer { two.end() }
            two.set(.bad(12))
            _ = try await two.begin()
            try await two.wait("FINALIZED", two.negotiation)
            let agreement = try await two.agreement()
            try await two.consumer.ask(
                "POST", "/api/v1/dataspace/transfers",
                ["agreement": .string(agreement), "address": two.address])
            try await two.wait("STARTED", two.transfer)
            let troubles = two.toProvider.troubles + two.toConsumer.troubles
            #expect(troubles > 0, "the network was to be bad")
            // Nobody holds a second process of either kind.
            for node in [two.provider, two.consumer] {
                #expect(try await node.ask("GET", "/api/v1/offers")["offers"]?.array?.count == 1)
                #expect(
                    try await node.ask("GET", "/api/v1/dataspace/transfers")["transfers"]?.array?.count == 1)
            }
            two.set(.good)
            let address = try await two.transfer(at: two.consumer)["dataAddress"] ?? .null
            let data = try await two.data(address)
            #expect(data.status == 200 && data.text.contains("31.0"), "\(data.status) \(data.text)")
            let pid = try #require(try await two.transfer(at: two.consumer)["pid"]?.text)
            two.set(.bad(12))
            try await two.consumer.ask(
                "POST", "/api/v1/dataspace/transfers/\(pid)/suspension", ["why": "pause"])
            try await two.wait("SUSPENDED", two.transfer)
            two.set(.good)
            #expect(try await two.data(address).status == 403)
            try await two.consumer.ask("POST", "/api/v1/dataspace/transfers/\(pid)/start", [:])
            try await two.wait("STARTED", two.transfer)
            try await two.consumer.ask("POST", "/api/v1/dataspace/transfers/\(pid)/completion", [:])
            try await two.wait("COMPLETED", two.transfer)
        }

        @Test(
            "kill -9 of both nodes after each of the first six messages costs a pause and nothing else")
        func restarts() async throws {
            let two = try await TwoNodes(seed: 11)
            defer { two.end() }
            two.set(.gate(0))
            _ = try await two.begin()
            var stations: Set<[String]> = []
            for _ in 0..<6 {
                let state = try await two.negotiation(at: two.consumer)["state"]?.text ?? ""
                let other = try await two.negotiation(at: two.provider)["state"]?.text ?? ""
                stations.insert([state, other])
                if state == "FINALIZED", other == "FINALIZED" { break }
                try two.provider.crashAndReturn()
                try two.consumer.crashAndReturn()
                let before = two.toProvider.passed + two.toConsumer.passed
                two.set(.gate(1))
                for _ in 0..<200 where two.toProvider.passed + two.toConsumer.passed == before {
                    try await Task.sleep(for: .milliseconds(100))
                }
                two.set(.gate(0))
            }
            two.set(.good)
            try await two.wait("FINALIZED", two.negotiation)
            #expect(stations.count >= 3, "killed at \(stations)")
            _ = try await two.agreement()
        }

        @Test(
            "counter-offers, refusals and their reasons reach the other side, and a pending state says who and when"
        )
        func countersAndRefusals() async throws {
            let two = try await TwoNodes(seed: 3)
            defer { two.end() }
            let narrower = PlainTerms(purposes: ["research"], usesMax: 5, doors: [.download])
                .policy(id: "urn:counter").json
            // The consumer counters, the provider counters back, the consumer accepts.
            _ = try await two.begin(counter: narrower)
            try await two.wait("REQUESTED", two.negotiation)
            let waiting = try await two.negotiation(at: two.consumer)
            #expect(waiting["turn"] == "provider" && waiting["until"]?.text?.isEmpty == false)
            let atProvider = try #require(try await two.negotiation(at: two.provider)["offer"]?.text)
            let back = PlainTerms(purposes: ["research"], usesMax: 3, doors: [.download])
                .policy(id: "urn:back").json
            try await two.provider.ask("POST", "/api/v1/offers/\(atProvider)/counter", ["terms": back])
            try await two.wait("OFFERED", two.negotiation)
            let atConsumer = try #require(try await two.negotiation(at: two.consumer)["offer"]?.text)
            try await two.consumer.ask("POST", "/api/v1/offers/\(atConsumer)/accept", [:])
            try await two.wait("FINALIZED", two.negotiation)

            // A second one is refused by its provider; the consumer is told why.
            _ = try await two.begin(counter: narrower)
            try await two.wait("REQUESTED", two.negotiation)
            let second = try #require(try await two.negotiation(at: two.provider)["offer"]?.text)
            try await two.provider.ask(
                "POST", "/api/v1/offers/\(second)/decline", ["why": "purpose not permitted"])
            try await two.wait("TERMINATED", two.negotiation)
            #expect(
                try await two.negotiation(at: two.consumer)["reason"]?.canonicalText
                    .contains("purpose not permitted") == true)

            // While the provider cannot be reached, the consumer sees attempt, next retry and last error.
            two.set(.gate(0))
            _ = try await two.begin()
            try await Task.sleep(for: .seconds(2))
            let stuck = try await two.negotiation(at: two.consumer)["delivery"] ?? .null
            #expect((stuck["attempts"]?.integer ?? 0) > 0 && stuck["lastError"]?.text?.isEmpty == false)
            #expect(stuck["nextAttempt"]?.text?.isEmpty == false && stuck["deadline"]?.text?.isEmpty == false)
        }

        @Test("malformed, foreign and forged messages get the typed error of their endpoint")
        func refusals() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let account = try await node.account("连接器")
            for (path, type) in [
                ("/negotiations/request", "ContractNegotiationError"),
                ("/transfers/request", "TransferError"),
                ("/catalog/request", "CatalogError"),
            ] {
                for body: JSON in [
                    [:], ["@type": "Nothing"], ["@context": Self.context, "@type": "CatalogError"],
                ] {
                    let reply = try await node.call("POST", "/dsp/2025-1" + path, body, token: account.token)
                    #expect(reply.status == 400 && reply.json["@type"]?.text == type, "\(path) \(reply.text)")
                }
                let nobody = try await node.call("POST", "/dsp/2025-1" + path, [:])
                #expect(nobody.status == 401 && nobody.json["@type"]?.text == type)
                let forged = try await node.call("POST", "/dsp/2025-1" + path, [:], token: "a.b.c")
                #expect(forged.status == 401)
            }
            let filter: JSON = [
                "@context": Self.context, "@type": "CatalogRequestMessage", "filter": [["nonsense": 1]],
            ]
            let filtered = try await node.call(
                "POST", "/dsp/2025-1/catalog/request", filter, token: account.token)
            #expect(filtered.status == 400 && filtered.json["@type"] == "CatalogError")
            let unknown: JSON = [
                "@context": Self.context, "@type": "TransferRequestMessage",
                "agreementId": "urn:uuid:00000000-0000-4000-8000-000000000001", "format": "HttpData-PULL",
                "callbackAddress": "http://127.0.0.1:9/", "consumerPid": "urn:x:1",
            ]
            let refused = try await node.call(
                "POST", "/dsp/2025-1/transfers/request", unknown, token: account.token)
            #expect(refused.status == 400 && refused.json["consumerPid"] == "urn:x:1", "\(refused.text)")
            let long = JSON.string(String(repeating: "x", count: 3 << 20))
            let tooLong = try await node.call(
                "POST", "/dsp/2025-1/negotiations/request", ["@type": long], token: account.token)
            #expect((400..<500).contains(tooLong.status))
        }
    }
}
