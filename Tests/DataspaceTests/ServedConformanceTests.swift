// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Synchronization
import Testing

/// The kit's server: it notes what the connector under test sends, and confirms it as a counterpart would.
private final class KitServer: Sendable {
    let server: LocalServer

    init(_ notes: KitNotes) throws {
        let inbox = Inbox()
        self.inbox = inbox
        server = try LocalServer { request in
            let body = (try? JSON(parsing: request.body)) ?? .null
            inbox.take(request.path, body)
            let (provider, consumer) = notes.pids(from: body)
            let reply: JSON = [
                "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
                "@type": .string(
                    request.path.hasPrefix("/transfers") ? "TransferProcess" : "ContractNegotiation"),
                "providerPid": .string(provider), "consumerPid": .string(consumer),
                "state": .string(notes.state(after: body)),
            ]
            return .init(headers: [("Content-Type", "application/json")], body: reply.canonicalBytes)
        }
    }

    private let inbox: Inbox

    /// The next message that came, at most five seconds from now.
    func next() async throws -> (path: String, body: JSON)? {
        for _ in 0..<250 {
            if let message = inbox.pop() { return message }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }

    var isQuiet: Bool { inbox.isEmpty }

    private final class Inbox: Sendable {
        private let messages = Mutex<[(path: String, body: JSON)]>([])
        var isEmpty: Bool { messages.withLock { $0.isEmpty } }
        func take(_ path: String, _ body: JSON) { messages.withLock { $0.append((path, body)) } }
        func pop() -> (path: String, body: JSON)? {
            messages.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        }
    }
}

/// What the kit knows of the process of its case.
private final class KitNotes: Sendable {
    private let theirs = Mutex("")
    let isConsumerTested: Bool
    let ours: String

    init(isConsumerTested: Bool, ours: String) {
        self.isConsumerTested = isConsumerTested
        self.ours = ours
    }

    var their: String { theirs.withLock { $0 } }
    func learn(_ pid: String) { if !pid.isEmpty { theirs.withLock { $0 = pid } } }

    func pids(from body: JSON) -> (provider: String, consumer: String) {
        learn(body[isConsumerTested ? "consumerPid" : "providerPid"]?.text ?? "")
        return isConsumerTested ? (ours, their) : (their, ours)
    }

    func state(after body: JSON) -> String {
        if let event = body["eventType"]?.text { return event }
        return ConformanceCases.words.values.first { $0.type == body["@type"]?.text }?.state ?? "REQUESTED"
    }
}

/// One case of the kit, played over HTTP against `hutong serve --tck`.
private struct ServedCase {
    let name: String
    let node: RunningNode
    let schema: JSONSchema
    private let notes: KitNotes
    private let kit: KitServer
    private let isTransfer: Bool
    private let isConsumer: Bool

    private static let base = "/dsp/2025-1"
    private static let context: JSON = ["https://w3id.org/dspace/2025/1/context.jsonld"]

    init(_ name: String, node: RunningNode, schema: JSONSchema) throws {
        self.name = name
        self.node = node
        self.schema = schema
        isTransfer = name.hasPrefix("TP")
        isConsumer = name.contains("_C:")
        notes = KitNotes(isConsumerTested: isConsumer, ours: "urn:tck:" + name)
        kit = try KitServer(notes)
    }

    private var target: String {
        let letters = name.prefix { $0 != ":" }.replacing("_", with: "")
        return name == "TP_C:01-05" ? "ATPC0104" : "A\(letters)\(name.filter(\.isNumber))"
    }

    func run(_ steps: [Substring]) async throws {
        defer { kit.server.stop() }
        var state = "REQUESTED"
        for (place, step) in steps.enumerated() {
            let word = String(step.dropFirst(2).filter { $0 != "!" })
            if word == "signal" {
                try await signal()
                continue
            }
            let wanted = try #require(ConformanceCases.words[word])
            if step.hasPrefix("C:") {
                try await expect(word, wanted)
                state = wanted.state
            } else if try await send(word, wanted, refused: step.hasSuffix("!")) {
                state = wanted.state
            }
            // The connector goes on by itself where its next move comes: only what then rests can be asked for.
            let isAtRest = place + 1 == steps.count || steps[place + 1].hasPrefix("T:")
            if isAtRest { try await compare(state) }
        }
        #expect(kit.isQuiet, "\(name): the connector said more")
    }

    private func signal() async throws {
        let json: JSON =
            isTransfer
            ? [
                "providerId": "TCK_PARTICIPANT", "agreementId": .string(target), "format": "HttpData-PULL",
                "connectorAddress": .string(kit.server.url),
            ]
            : [
                "providerId": "TCK_PARTICIPANT", "offerId": .string("offer" + target),
                "datasetId": .string(target), "connectorAddress": .string(kit.server.url + "/"),
            ]
        let reply = try await node.call("POST", "/tck/initiate", json)
        #expect((200..<300).contains(reply.status), "\(name): \(reply.text)")
    }

    private func expect(_ word: String, _ wanted: (type: String, path: String, state: String)) async throws {
        let message = try #require(try await kit.next(), "\(name): \(word) did not come")
        #expect(schema.faults(message.body).isEmpty, "\(name): \(schema.faults(message.body))")
        #expect(message.body["@type"]?.text == wanted.type, "\(name)")
        #expect(message.path.hasSuffix("/" + wanted.path), "\(name): \(message.path)")
        if wanted.path == "events" { #expect(message.body["eventType"]?.text == word) }
    }

    /// Whether the message was taken.
    private func send(
        _ word: String, _ wanted: (type: String, path: String, state: String), refused: Bool
    ) async throws -> Bool {
        let base = Self.base + (isTransfer ? "/transfers/" : "/negotiations/")
        let isFirst = notes.their.isEmpty
        let reply = try await node.call(
            "POST", isFirst ? base + "request" : "\(base)\(notes.their)/\(wanted.path)",
            message(word, wanted.type, isFirst: isFirst))
        #expect(schema.faults(reply.json).isEmpty, "\(name): \(schema.faults(reply.json)) \(reply.text)")
        if refused {
            #expect((400..<500).contains(reply.status) && reply.status != 404, "\(name): \(reply.status)")
            #expect(reply.json["@type"]?.text == (isTransfer ? "TransferError" : "ContractNegotiationError"))
            return false
        }
        #expect((200..<300).contains(reply.status), "\(name) \(word): \(reply.text)")
        notes.learn(reply.json[isConsumer ? "consumerPid" : "providerPid"]?.text ?? "")
        return true
    }

    private func message(_ word: String, _ type: String, isFirst: Bool) -> JSON {
        var members: [String: JSON] = ["@context": Self.context, "@type": .string(type)]
        let (provider, consumer) = isConsumer ? (notes.ours, notes.their) : (notes.their, notes.ours)
        if !(isFirst && !isConsumer) { members["providerPid"] = .string(provider) }
        members["consumerPid"] = .string(consumer)
        switch word {
        case "REQ", "OFFER":
            members["offer"] = [
                "@type": "Offer", "@id": .string("CD123:\(target):456"), "target": .string(target),
                "permission": [["action": "use"]],
            ]
            if isFirst { members["callbackAddress"] = .string(kit.server.url) }
        case "ACCEPTED", "FINALIZED": members["eventType"] = .string(word)
        case "AGREE":
            members["agreement"] = [
                "@type": "Agreement", "@id": "urn:agreement", "target": .string(target),
                "assigner": "TCK_PARTICIPANT", "assignee": "CUT", "timestamp": "2026-01-01T00:00:00Z",
                "permission": [["action": "use"]],
            ]
        case "TREQ":
            members["agreementId"] = .string(target)
            members["format"] = "HttpData-PULL"
            members["callbackAddress"] = .string(kit.server.url)
        case "TERM", "TTERM", "SUSP":
            members["code"] = "1"
            members["reason"] = ["test"]
        default: break
        }
        return .object(members)
    }

    private func compare(_ state: String) async throws {
        let path = Self.base + (isTransfer ? "/transfers/" : "/negotiations/") + notes.their
        var found = ""
        for _ in 0..<100 {
            let reply = try await node.call("GET", path)
            #expect(reply.status == 200 && schema.faults(reply.json).isEmpty, "\(name): \(reply.text)")
            found = reply.json["state"]?.text ?? ""
            if found == state { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("\(name): the connector is \(found), the case wants \(state)")
    }
}

@Suite(
    "A node in the conformance mode",
    .enabled(if: Shared.root != nil, "skipped: no shared data"))
struct ServedConformanceTests {
    @Test("plays all 65 active cases of the kit over HTTP, each message against its schema")
    func cases() async throws {
        let node = try RunningNode("conformance", ["--tck"])
        defer { node.stop() }
        let schema = try JSONSchema(folder: "dsp")
        let lines =
            ConformanceCases.lines(ConformanceCases.negotiation)
            + ConformanceCases.lines(ConformanceCases.transfer)
        #expect(lines.count == 61)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, line) in lines.enumerated() {
                if place >= 6 { try await group.next() }
                group.addTask {
                    let parts = line.split(separator: " ")
                    try await ServedCase(String(parts[0]), node: node, schema: schema).run(
                        Array(parts.dropFirst()))
                }
            }
            try await group.waitForAll()
        }
        try await metadataAndCatalog(node, schema)
    }

    /// MET:01-01 and CAT:01-01 to CAT:01-03.
    private func metadataAndCatalog(_ node: RunningNode, _ schema: JSONSchema) async throws {
        let versions = try await node.call("GET", "/.well-known/dspace-version")
        #expect(
            versions.status == 200
                && schema.faults(
                    versions.json, id: "https://w3id.org/dspace/2025/1/common/protocol-version-schema.json"
                ).isEmpty)
        #expect(versions.json["protocolVersions"]?[0]?["path"] == "/dsp/2025-1")
        let catalog = try await node.call(
            "POST", "/dsp/2025-1/catalog/request",
            [
                "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
                "@type": "CatalogRequestMessage",
            ])
        #expect(catalog.status == 200 && schema.faults(catalog.json).isEmpty, "\(catalog.text)")
        let dataset = try await node.call("GET", "/dsp/2025-1/catalog/datasets/CAT0101")
        #expect(dataset.status == 200 && schema.faults(dataset.json).isEmpty, "\(dataset.text)")
        let missing = try await node.call("GET", "/dsp/2025-1/catalog/datasets/CAT0103")
        #expect((400..<500).contains(missing.status) && missing.json["@type"]?.text == "CatalogError")
        #expect(schema.faults(missing.json).isEmpty)
    }
}
