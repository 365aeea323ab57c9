// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Policy
import Primitives
import Testing

/// The 65 active cases of the protocol's conformance kit (dsp-tck 1.0), replayed: sequences and states only, none
/// of its code. `T:` the kit sends, `C:` the connector under test must send, `!` must be refused with 4xx but
/// not 404. After each step the connector's own state is asked for and compared with the kit's.
enum ConformanceCases {
    static let negotiation = """
        CN_C:01-01 T:signal C:REQ T:OFFER C:ACCEPTED T:AGREE C:VERIF T:FINALIZED
        CN_C:01-02 T:signal C:REQ T:OFFER C:REQ T:TERM
        CN_C:01-03 T:signal C:REQ T:OFFER C:TERM
        CN_C:01-04 T:signal C:REQ T:AGREE C:VERIF T:FINALIZED
        CN_C:02-01 T:signal C:REQ T:TERM
        CN_C:02-02 T:signal C:REQ C:TERM
        CN_C:02-03 T:signal C:REQ T:AGREE C:TERM
        CN_C:02-04 T:signal C:REQ T:OFFER T:TERM
        CN_C:02-05 T:signal C:REQ T:OFFER C:ACCEPTED T:TERM
        CN_C:02-06 T:signal C:REQ T:AGREE C:VERIF T:TERM
        CN_C:03-01 T:signal C:REQ T:FINALIZED!
        CN_C:03-02 T:signal C:REQ T:OFFER T:AGREE!
        CN_C:03-03 T:signal C:REQ T:OFFER T:FINALIZED!
        CN_C:03-04 T:signal C:REQ T:OFFER C:ACCEPTED T:FINALIZED!
        CN_C:03-05 T:signal C:REQ T:OFFER C:ACCEPTED T:OFFER!
        CN_C:03-06 T:signal C:REQ T:OFFER C:ACCEPTED T:AGREE T:FINALIZED!
        CN:01-01 T:REQ C:OFFER T:TERM
        CN:01-02 T:REQ C:OFFER T:REQ C:TERM
        CN:01-03 T:REQ C:OFFER T:ACCEPTED C:AGREE T:VERIF C:FINALIZED
        CN:01-04 T:REQ C:AGREE T:VERIF C:FINALIZED
        CN:02-01 T:REQ C:TERM
        CN:02-02 T:REQ T:TERM
        CN:02-03 T:REQ C:AGREE T:TERM
        CN:02-04 T:REQ C:OFFER T:TERM
        CN:02-05 T:REQ C:OFFER C:TERM
        CN:02-06 T:REQ C:OFFER T:ACCEPTED C:TERM
        CN:02-07 T:REQ C:AGREE T:VERIF C:TERM
        CN:03-01 T:REQ C:AGREE T:VERIF C:FINALIZED T:TERM!
        CN:03-02 T:REQ C:OFFER T:VERIF!
        CN:03-03 T:REQ C:OFFER T:ACCEPTED T:VERIF!
        CN:03-04 T:REQ C:OFFER T:REQ T:REQ!
        """
    static let transfer = """
        TP_C:01-01 T:signal C:TREQ T:START T:TTERM
        TP_C:01-02 T:signal C:TREQ T:START T:COMPL
        TP_C:01-03 T:signal C:TREQ T:START T:SUSP T:TTERM
        TP_C:01-04 T:signal C:TREQ T:START T:SUSP T:START T:COMPL
        TP_C:01-05 T:signal C:TREQ T:TTERM
        TP_C:02-01 T:signal C:TREQ T:START C:TTERM
        TP_C:02-02 T:signal C:TREQ T:START C:COMPL
        TP_C:02-03 T:signal C:TREQ T:START C:SUSP C:TTERM
        TP_C:02-05 T:signal C:TREQ C:TTERM
        TP_C:03-01 T:signal C:TREQ T:COMPL!
        TP_C:03-02 T:signal C:TREQ T:SUSP!
        TP_C:03-03 T:signal C:TREQ T:START T:SUSP T:COMPL!
        TP_C:03-04 T:signal C:TREQ T:START T:TTERM T:START!
        TP_C:03-05 T:signal C:TREQ T:START T:TTERM T:SUSP!
        TP_C:03-06 T:signal C:TREQ T:START T:TTERM T:COMPL!
        TP:01-01 T:TREQ C:START C:TTERM
        TP:01-02 T:TREQ C:START C:COMPL
        TP:01-03 T:TREQ C:START C:SUSP C:TTERM
        TP:01-04 T:TREQ C:START C:SUSP C:START C:COMPL
        TP:01-05 T:TREQ C:TTERM
        TP:02-01 T:TREQ C:START T:TTERM
        TP:02-02 T:TREQ C:START T:COMPL
        TP:02-03 T:TREQ C:START T:SUSP T:TTERM
        TP:02-05 T:TREQ T:TTERM
        TP:03-01 T:TREQ T:COMPL!
        TP:03-02 T:TREQ T:SUSP!
        TP:03-03 T:TREQ C:START T:SUSP T:COMPL!
        TP:03-04 T:TREQ C:START T:TTERM T:START!
        TP:03-05 T:TREQ C:START T:TTERM T:SUSP!
        TP:03-06 T:TREQ C:START T:TTERM T:COMPL!
        """

    static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

    /// The kit's word, the message's type on the wire, the step's path and the state it leads to.
    static let words: [String: (type: String, path: String, state: String)] = [
        "REQ": ("ContractRequestMessage", "request", "REQUESTED"),
        "OFFER": ("ContractOfferMessage", "offers", "OFFERED"),
        "ACCEPTED": ("ContractNegotiationEventMessage", "events", "ACCEPTED"),
        "AGREE": ("ContractAgreementMessage", "agreement", "AGREED"),
        "VERIF": ("ContractAgreementVerificationMessage", "agreement/verification", "VERIFIED"),
        "FINALIZED": ("ContractNegotiationEventMessage", "events", "FINALIZED"),
        "TERM": ("ContractNegotiationTerminationMessage", "termination", "TERMINATED"),
        "TREQ": ("TransferRequestMessage", "request", "REQUESTED"),
        "START": ("TransferStartMessage", "start", "STARTED"),
        "SUSP": ("TransferSuspensionMessage", "suspension", "SUSPENDED"),
        "COMPL": ("TransferCompletionMessage", "completion", "COMPLETED"),
        "TTERM": ("TransferTerminationMessage", "termination", "TERMINATED"),
    ]
}

/// The kit's side of one case.
private struct Kit {
    static let id = "TCK_PARTICIPANT"
    static let context: JSON = ["https://w3id.org/dspace/2025/1/context.jsonld"]
    let name: String
    let schema: JSONSchema
    var node: TestNode<ConformanceDesk>
    let now = Instant(seconds: 1_800_000_000)
    let isTransfer: Bool
    /// Whether the connector under test is the consumer.
    let isConsumer: Bool
    var ours = "urn:tck:1"
    var theirs = ""
    var state = ""
    /// The connector's messages that the kit has not yet expected.
    var waiting: [DSPCall] = []

    init(_ name: String, schema: JSONSchema) {
        self.name = name
        self.schema = schema
        isTransfer = name.hasPrefix("TP")
        isConsumer = name.contains("_C:")
        node = TestNode(id: "CUT", address: "http://cut/dsp", desk: ConformanceDesk(ownId: "CUT"))
    }

    /// `CN_C:03-01` → `ACNC0301`; TP_C:01-05 has no agreement of its own.
    var target: String {
        let digits = name.filter(\.isNumber)
        let letters = name.prefix { $0 != ":" }.replacing("_", with: "")
        return name == "TP_C:01-05" ? "ATPC0104" : "A\(letters)\(digits)"
    }

    mutating func pump() throws {
        while !node.calls.isEmpty {
            let call = node.calls.removeFirst()
            let body = try #require(call.body)
            #expect(schema.faults(body).isEmpty, "\(name): \(schema.faults(body))")
            waiting.append(call)
            // Confirmed at once: the connector then goes on as its script says.
            theirs = body[isConsumer ? "consumerPid" : "providerPid"]?.text ?? ""
            try node.settle(
                call,
                .answered(
                    status: 200, body: ["providerPid": .string(provider), "consumerPid": .string(consumer)]),
                at: now)
        }
    }

    var provider: String { isConsumer ? ours : theirs }
    var consumer: String { isConsumer ? theirs : ours }

    mutating func run(_ steps: [Substring]) throws {
        for step in steps {
            let word = String(step.dropFirst(2).filter { $0 != "!" })
            if step.hasPrefix("C:") {
                try expect(word)
            } else if word == "signal" {
                try signal()
            } else {
                try send(word, refused: step.hasSuffix("!"))
            }
            if step != "T:signal", !(steps.last?.hasPrefix("C:") ?? false) || step == steps.last {
                try compare()
            }
        }
        #expect(waiting.isEmpty, "\(name): the connector said more: \(waiting.map(\.url))")
    }

    private mutating func signal() throws {
        let json: JSON =
            isTransfer
            ? [
                "providerId": .string(Self.id), "agreementId": .string(target), "format": "HttpData-PULL",
                "connectorAddress": "http://tck",
            ]
            : [
                "providerId": .string(Self.id), "offerId": .string("offer" + target),
                "datasetId": .string(target), "connectorAddress": "http://tck/",
            ]
        let pid = node.newPid()
        let event = try ConformanceSignal(json: json).begin(
            book: &node.book, callback: node.address, newPid: pid, now: now)
        try node.follow(event, at: now)
        try pump()
    }

    private mutating func expect(_ word: String) throws {
        let wanted = try #require(ConformanceCases.words[word])
        let call = try #require(
            waiting.isEmpty ? nil : waiting.removeFirst(), "\(name): \(word) did not come")
        #expect(call.body?["@type"]?.text == wanted.type, "\(name)")
        #expect(
            call.url.hasSuffix("/" + wanted.path) && call.url.hasPrefix("http://tck/"), "\(name): \(call.url)"
        )
        if wanted.path == "events" { #expect(call.body?["eventType"]?.text == word) }
        #expect(
            call.body?["callbackAddress"] == nil
                || call.body?[isConsumer ? "providerPid" : "consumerPid"] == nil)
        state = wanted.state
    }

    private mutating func send(_ word: String, refused: Bool) throws {
        let wanted = try #require(ConformanceCases.words[word])
        let message = message(word, wanted.type)
        #expect(schema.faults(message).isEmpty, "the kit itself: \(schema.faults(message))")
        let isFirst = theirs.isEmpty
        let base = isTransfer ? "/transfers/" : "/negotiations/"
        let path = isFirst ? base + "request" : "\(base)\(theirs)/\(wanted.path)"
        let reply = try node.answer("POST", path, message, from: Self.id, at: now)
        #expect(schema.faults(reply.body).isEmpty, "\(name): \(schema.faults(reply.body))")
        if refused {
            #expect((400..<500).contains(reply.status) && reply.status != 404, "\(name): \(reply.status)")
            #expect(reply.body["@type"]?.text == (isTransfer ? "TransferError" : "ContractNegotiationError"))
        } else {
            #expect((200..<300).contains(reply.status), "\(name) \(word): \(reply.body)")
            #expect(reply.body["state"]?.text == wanted.state, "\(name)")
            theirs = reply.body[isConsumer ? "consumerPid" : "providerPid"]?.text ?? ""
            state = wanted.state
        }
        try pump()
    }

    private func message(_ word: String, _ type: String) -> JSON {
        var members: [String: JSON] = ["@context": Self.context, "@type": .string(type)]
        let isFirst = theirs.isEmpty
        if !(isFirst && !isConsumer) { members["providerPid"] = .string(provider) }
        members["consumerPid"] = .string(consumer)
        let offer: JSON = [
            "@type": "Offer", "@id": .string("CD123:\(target):456"), "target": .string(target),
            "permission": [["action": "use"]],
        ]
        switch word {
        case "REQ", "OFFER":
            members["offer"] = offer
            if isFirst { members["callbackAddress"] = "http://tck" }
        case "ACCEPTED", "FINALIZED": members["eventType"] = .string(word)
        case "AGREE":
            members["agreement"] = [
                "@type": "Agreement", "@id": "urn:agreement", "target": .string(target),
                "assigner": .string(Self.id),
                "assignee": "CUT", "timestamp": "2026-01-01T00:00:00Z", "permission": [["action": "use"]],
            ]
        case "TREQ":
            members["agreementId"] = .string(target)
            members["format"] = "HttpData-PULL"
            members["callbackAddress"] = "http://tck"
        case "TERM", "TTERM", "SUSP":
            members["code"] = "1"
            members["reason"] = ["test"]
        default: break
        }
        return .object(members)
    }

    private mutating func compare() throws {
        let path = (isTransfer ? "/transfers/" : "/negotiations/") + theirs
        let reply = try node.answer("GET", path, from: Self.id, at: now)
        #expect(reply.status == 200)
        #expect(schema.faults(reply.body).isEmpty)
        // Messages the script sent without waiting are ahead of what the kit has expected so far.
        let ahead = waiting.last.flatMap { call in
            ConformanceCases.words.values.first {
                $0.type == call.body?["@type"]?.text && $0.path != "events"
            }?.state
                ?? call.body?["eventType"]?.text
        }
        #expect(reply.body["state"]?.text == ahead ?? state, "\(name)")
        #expect(try node.answer("GET", path, from: "somebody else", at: now).status == 404)
    }
}

@Suite(
    "The conformance kit of the Dataspace Protocol",
    .enabled(if: Shared.root != nil, "skipped: no shared data"))
struct ConformanceKitTests {
    @Test("finds all 61 negotiation and transfer cases conforming")
    func processes() throws {
        let schema = try JSONSchema(folder: "dsp")
        let lines =
            ConformanceCases.lines(ConformanceCases.negotiation)
            + ConformanceCases.lines(ConformanceCases.transfer)
        #expect(lines.count == 61)
        for line in lines {
            let parts = line.split(separator: " ")
            var kit = Kit(String(parts[0]), schema: schema)
            try kit.run(Array(parts.dropFirst()))
        }
    }

    @Test("finds the version document and the catalog conforming: MET:01-01, CAT:01-01 to CAT:01-03")
    func catalog() throws {
        let schema = try JSONSchema(folder: "dsp")
        let now = Instant(seconds: 1_800_000_000)
        let entry = DatasetEntry(
            id: "CAT0101", offers: [UsagePolicyTests.terms.policy(id: "urn:offer", target: "CAT0101")],
            distributions: [.init(format: "HttpData-PULL", accessService: "urn:service:CUT")])
        var node = TestNode(
            id: "CUT", address: "http://cut/dsp", desk: ConformanceDesk(ownId: "CUT"),
            shelf: TestShelf(entries: [entry]))
        let versions = node.endpoints.versions(path: "/dsp/2025-1")
        #expect(
            schema.faults(versions, id: "https://w3id.org/dspace/2025/1/common/protocol-version-schema.json")
                .isEmpty)
        let ask: JSON = ["@context": Kit.context, "@type": "CatalogRequestMessage"]
        let catalog = try node.answer("POST", "/catalog/request", ask, from: Kit.id, at: now)
        #expect(
            catalog.status == 200 && schema.faults(catalog.body).isEmpty, "\(schema.faults(catalog.body))")
        let dataset = try node.answer("GET", "/catalog/datasets/CAT0101", from: Kit.id, at: now)
        #expect(
            dataset.status == 200 && schema.faults(dataset.body).isEmpty, "\(schema.faults(dataset.body))")
        let missing = try node.answer("GET", "/catalog/datasets/CAT0103", from: Kit.id, at: now)
        #expect((400..<500).contains(missing.status) && schema.faults(missing.body).isEmpty)
        #expect(missing.body["@type"]?.text == "CatalogError")
    }
}
