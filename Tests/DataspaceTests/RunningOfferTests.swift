// SPDX-License-Identifier: Apache-2.0

import Foundation
import Policy
import Primitives
import Testing

/// Negotiations that the provider begins.
extension OnRunningNodes {
    @Suite("Offers that a provider makes unasked")
    struct RunningOfferTests {
        private static let narrow = PlainTerms(purposes: ["research"], usesMax: 3, doors: [.download])
            .policy(id: "urn:offer").json

        /// The negotiation of a node that has reached a state, within a minute.
        private func negotiation(_ state: String, at node: RunningNode) async throws -> JSON {
            for _ in 0..<600 {
                let all = try await node.ask("GET", "/api/v1/offers")["offers"]?.array ?? []
                if let found = all.first, found["state"]?.text == state { return found }
                try await Task.sleep(for: .milliseconds(100))
            }
            throw POSIXError(.ETIMEDOUT)
        }

        @Test(
            "an offer lies in the other side's inbox with its terms, is accepted there, and both hold the agreement",
            arguments: [false, true])
        func accepted(overWeb: Bool) async throws {
            let two = try await TwoNodes(seed: 31)
            defer { two.end() }
            let party = try await two.consumer.own()
            var arguments = [
                "offer", two.listing, party, "--terms",
                try two.provider.file("terms.jsonld", Self.narrow.canonicalText),
            ]
            if overWeb { arguments += ["--to", two.toConsumer.url + "/dsp/2025-1"] }
            let made = try await two.provider.run(arguments)
            #expect(made["state"] == "OFFERED" && made["turn"] == "consumer")
            let offered = try await negotiation("OFFERED", at: two.consumer)
            #expect(offered["side"] == "consumer" && offered["listing"]?.text == two.listing)
            #expect(offered["words"]?.canonicalText.contains("research") == true, "\(offered)")
            let notices = try await two.consumer.ask("GET", "/api/v1/notices")["notices"]?.array ?? []
            #expect(notices.contains { $0["kind"] == "offer-received" })
            // It lies once, though it is repeated by whatever way.
            #expect(try await two.consumer.ask("GET", "/api/v1/offers")["offers"]?.array?.count == 1)
            let code = try #require(offered["offer"]?.text)
            try await two.consumer.ask("POST", "/api/v1/offers/\(code)/accept", [:])
            try await two.wait("FINALIZED", two.negotiation)
            let agreement = try await two.agreement()
            let signed = try await two.provider.ask("GET", "/api/v1/agreements/\(agreement)")
            #expect(signed.canonicalText.contains("research"), "\(signed)")
        }

        @Test("an offer is countered or declined as a request is, and only of what is one's own")
        func answered() async throws {
            let two = try await TwoNodes(seed: 32)
            defer { two.end() }
            let path = "/api/v1/listings/\(two.listing)/offers"
            let party = try await two.consumer.own()
            try await two.provider.ask("POST", path, ["party": .string(party)])
            let code = try #require(try await negotiation("OFFERED", at: two.consumer)["offer"]?.text)
            try await two.consumer.ask("POST", "/api/v1/offers/\(code)/counter", ["terms": Self.narrow])
            let countered = try await negotiation("REQUESTED", at: two.provider)
            let back = try #require(countered["offer"]?.text)
            #expect(countered["turn"] == "provider")
            try await two.provider.ask("POST", "/api/v1/offers/\(back)/accept", [:])
            try await two.wait("FINALIZED", two.negotiation)

            try await two.provider.ask("POST", path, ["party": .string(party)])
            let second = try #require(try await negotiation("OFFERED", at: two.consumer)["offer"]?.text)
            try await two.consumer.ask("POST", "/api/v1/offers/\(second)/decline", ["why": "too dear"])
            let told = try await negotiation("TERMINATED", at: two.provider)
            #expect(told["reason"]?.text?.contains("too dear") == true, "\(told)")

            // Somebody else's listing, nobody's, oneself.
            let provider = try await two.provider.own()
            let foreign = try await two.consumer.call(
                "POST", path, ["party": .string(provider)], token: two.consumer.token)
            #expect(foreign.status >= 400, "\(foreign.text)")
            for (listing, to) in [("lst-0000000000000", party), (two.listing, provider)] {
                let refused = try await two.provider.call(
                    "POST", "/api/v1/listings/\(listing)/offers", ["party": .string(to)],
                    token: two.provider.token)
                #expect(refused.json["code"] == "trade.listing-unknown", "\(refused.text)")
            }
        }

        @Test("an account is offered a listing on its node, and signs with its own key")
        func account() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let listing = try await node.publish("a,b\n1,2\n", title: "产品", openness: "conditional").listing
            let buyer = try await node.account("买方")
            try await node.ask(
                "POST", "/api/v1/listings/\(listing)/offers", ["party": .string(buyer.code)])
            var offered: JSON = .null
            for _ in 0..<200 {
                offered = try await node.ask("GET", "/api/v1/offers", as: buyer)["offers"]?[0] ?? .null
                if offered["state"] == "OFFERED" { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(offered["turn"] == "consumer" && offered["listing"]?.text == listing, "\(offered)")
            let code = try #require(offered["offer"]?.text)
            try await node.ask("POST", "/api/v1/offers/\(code)/accept", [:], as: buyer)
            for _ in 0..<200 {
                offered = try await node.ask("GET", "/api/v1/offers", as: buyer)["offers"]?[0] ?? .null
                if offered["state"] == "AGREED" { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            // From here on it is as in a negotiation that the account began: its key signs what was agreed.
            let unsigned = try await node.ask("GET", "/api/v1/offers/\(code)/agreement", as: buyer)
            #expect(offered["state"] == "AGREED" && unsigned.canonicalText.contains("产品"), "\(unsigned)")
        }
    }
}
