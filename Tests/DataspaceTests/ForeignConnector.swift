// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Synchronization
import Testing

/// A connector that is no node of ours: it speaks the Dataspace Protocol over HTTP with a token, and signs nothing.
final class ForeignConnector: Sendable {
    private let inbox: Inbox
    let account: RunningNode.Account
    let server: LocalServer

    static let context: JSON = ["https://w3id.org/dspace/2025/1/context.jsonld"]

    init(_ account: RunningNode.Account) throws {
        self.account = account
        let inbox = Inbox()
        self.inbox = inbox
        server = try LocalServer { request in
            inbox.take((try? JSON(parsing: request.body)) ?? .null)
            let type = request.path.hasPrefix("/transfers") ? "TransferProcess" : "ContractNegotiation"
            let body: JSON = [
                "@context": Self.context, "@type": .string(type), "providerPid": "p", "consumerPid": "c",
                "state": "REQUESTED",
            ]
            return .init(headers: [("Content-Type", "application/json")], body: body.canonicalBytes)
        }
    }

    /// Waits until a message of this type has come.
    func message(_ type: String, event: String? = nil) async throws -> JSON {
        for _ in 0..<200 {
            if let found = inbox.find(type, event: event) { return found }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("no \(type) came; there were \(inbox.types)")
        throw CancellationError()
    }

    /// Everything up to FINALIZED, under the offer as it is published; answers the agreement's identifier.
    func agree(on listing: String, at node: RunningNode) async throws -> String {
        let catalog = try await node.call(
            "POST", "/dsp/2025-1/catalog/request",
            ["@context": Self.context, "@type": "CatalogRequestMessage"], token: account.token)
        let dataset = try #require(
            catalog.json["dataset"]?.array?.first { $0["dct:identifier"]?.text == listing },
            "\(catalog.text)")
        var offer = try #require(dataset["hasPolicy"]?[0]?.object)
        offer["target"] = dataset["@id"]
        offer["@type"] = "Offer"
        let pid = "urn:foreign:\(UInt64.random(in: 0...UInt64.max))"
        let message: JSON = [
            "@context": Self.context, "@type": "ContractRequestMessage", "consumerPid": .string(pid),
            "callbackAddress": .string(server.url), "offer": .object(offer),
        ]
        let opened = try await node.call(
            "POST", "/dsp/2025-1/negotiations/request", message, token: account.token)
        try #require(opened.status == 201, "\(opened.status) \(opened.text)")
        let again = try await node.call(
            "POST", "/dsp/2025-1/negotiations/request", message, token: account.token)
        #expect(again.status == 200 && again.json["providerPid"] == opened.json["providerPid"])
        let provider = try #require(opened.json["providerPid"]?.text)
        let stated = try await self.message("ContractAgreementMessage")
        let verified = try await node.call(
            "POST", "/dsp/2025-1/negotiations/\(provider)/agreement/verification",
            [
                "@context": Self.context, "@type": "ContractAgreementVerificationMessage",
                "providerPid": .string(provider), "consumerPid": .string(pid),
            ], token: account.token)
        try #require(verified.status == 200, "\(verified.text)")
        _ = try await self.message("ContractNegotiationEventMessage", event: "FINALIZED")
        return try #require(stated["agreement"]?["@id"]?.text)
    }

    /// One step of a transfer of ours.
    func step(_ pid: String, _ path: String, _ type: String, at node: RunningNode) async throws
        -> RunningNode.Reply
    {
        let own = consumerPid(of: pid)
        return try await node.call(
            "POST", "/dsp/2025-1/transfers/\(pid)/\(path)",
            [
                "@context": Self.context, "@type": .string(type), "providerPid": .string(pid),
                "consumerPid": .string(own),
            ], token: account.token)
    }

    private func consumerPid(of pid: String) -> String { inbox.consumerPid(of: pid) }

    /// A transfer under an agreement, as far as its start; answers the address that was opened.
    func open(_ agreement: String, at node: RunningNode) async throws -> (
        pid: String, address: [String: String]
    ) {
        let pid = "urn:foreign:\(UInt64.random(in: 0...UInt64.max))"
        let asked = try await node.call(
            "POST", "/dsp/2025-1/transfers/request",
            [
                "@context": Self.context, "@type": "TransferRequestMessage",
                "agreementId": .string(agreement),
                "format": "HttpData-PULL", "callbackAddress": .string(server.url),
                "consumerPid": .string(pid),
            ], token: account.token)
        try #require(asked.status == 201, "\(asked.text)")
        let start = try await message("TransferStartMessage")
        #expect(start["consumerPid"]?.text == pid)
        var address = ["endpoint": start["dataAddress"]?["endpoint"]?.text ?? ""]
        for property in start["dataAddress"]?["endpointProperties"]?.array ?? [] {
            address[property["name"]?.text ?? ""] = property["value"]?.text
        }
        return (try #require(asked.json["providerPid"]?.text), address)
    }
}

/// What came, in order.
private final class Inbox: Sendable {
    private let messages = Mutex<[JSON]>([])

    func take(_ body: JSON) { messages.withLock { $0.append(body) } }

    var types: [String] { messages.withLock { $0.compactMap { $0["@type"]?.text } } }

    func consumerPid(of provider: String) -> String {
        messages.withLock { all in
            all.last { $0["providerPid"]?.text == provider }?["consumerPid"]?.text ?? ""
        }
    }

    func find(_ type: String, event: String?) -> JSON? {
        messages.withLock { all in
            all.last { $0["@type"]?.text == type && (event == nil || $0["eventType"]?.text == event) }
        }
    }
}
