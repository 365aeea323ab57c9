// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Foundation
import Policy
import Primitives
import Testing

@Suite("The messages of the Dataspace Protocol", .enabled(if: Shared.root != nil, "skipped: no shared data"))
struct MessageTests {
    private let schema: JSONSchema

    init() throws {
        schema = try JSONSchema(folder: "dsp")
    }

    /// Reads a message with the reader its type calls for and writes it again; `nil` where it is refused.
    private func reread(_ json: JSON) -> JSON? {
        let type = json["@type"]?.text ?? ""
        if type == "CatalogRequestMessage" { return (try? CatalogRequest(json: json))?.json }
        if type.hasPrefix("Transfer") { return (try? TransferMessage(json: json))?.json }
        return (try? NegotiationMessage(json: json))?.json
    }

    private func examples() throws -> [JSON] {
        var examples: [JSON] = []
        for domain in ["negotiation", "transfer", "catalog"] {
            for path in Shared.files("dsp/\(domain)/example", ".json") {
                let json = try JSON(parsing: Shared.bytes(path))
                if json["@type"]?.text?.hasSuffix("Message") == true { examples.append(json) }
            }
        }
        return examples
    }

    @Test("are all read from the standard's examples and written again as valid as before")
    func roundTrip() throws {
        #expect(schema.count == 26)
        var count = 0
        for example in try examples() where example["@type"]?.text != "DatasetRequestMessage" {
            let again = try #require(reread(example), "\(example.canonicalText)")
            #expect(schema.faults(again).isEmpty, "\(schema.faults(again))")
            #expect(reread(again) == again)
            count += 1
        }
        #expect(count == 15)
    }

    @Test("are refused exactly where the standard's schema refuses them: every member removed or replaced")
    func mutations() throws {
        var refused = 0
        var stricter: Set<String> = []
        for example in try examples() where example["@type"]?.text != "DatasetRequestMessage" {
            for (place, mutant) in example.mutants(place: "") {
                let isValid = schema.faults(mutant).isEmpty
                let isRead = reread(mutant) != nil
                if !isValid {
                    #expect(!isRead, "accepted although \(schema.faults(mutant)): \(mutant.canonicalText)")
                    refused += 1
                } else if !isRead {
                    stricter.insert(place)
                }
            }
        }
        #expect(refused > 300)
        // Valid by the schema, refused by us: what the schema leaves open and ODRL does not.
        let permitted = [
            "profile", "rightOperand", "constraint", "filter", "timestamp", "leftOperand", "@id",
        ]
        for place in stricter { #expect(permitted.contains { place.contains($0) }, "\(place)") }
    }

    @Test("get the typed error of their endpoint when they are malformed, valid by its own schema")
    func typedErrors() throws {
        let now = NegotiationTests.start
        var node = TestNode(id: "CUT", address: "http://cut/dsp", desk: ConformanceDesk(ownId: "CUT"))
        let bodies =
            [
                "", "{", "[]", "{}", #"{"@type":"Nonsense"}"#, "\u{FEFF}{}",
                String(repeating: "[", count: 1000),
            ]
            .map { Array($0.utf8) } + [[UInt8](repeating: 0x20, count: 300_000), [0xff, 0xfe]]
        for (path, type) in [
            ("/negotiations/request", "ContractNegotiationError"),
            ("/negotiations/offers", "ContractNegotiationError"),
            ("/transfers/request", "TransferError"), ("/catalog/request", "CatalogError"),
        ] {
            for body in bodies {
                let reply = try node.answer("POST", path, bytes: body, from: "p", at: now)
                #expect(reply.status == 400 && reply.body["@type"]?.text == type)
                #expect(schema.faults(reply.body).isEmpty, "\(schema.faults(reply.body))")
            }
        }
        for path in ["/negotiations/x", "/transfers/x"] {
            let reply = try node.answer("GET", path, from: "p", at: now)
            #expect(reply.status == 404 && schema.faults(reply.body).isEmpty)
        }
        for (method, path) in [
            ("GET", "/"), ("PUT", "/catalog/request"), ("POST", "/negotiations/x/nothing"),
        ] {
            #expect(try node.answer(method, path, from: "p", at: now).status == 404)
        }
    }

    @Test("survive damage: whatever the bytes, the reply is valid and nobody else's process moves")
    func fuzz() throws {
        let now = NegotiationTests.start
        var random = SeededRandom(seed: 5)
        let seeds = try examples().map(\.canonicalBytes)
        var node = TestNode(id: "CUT", address: "http://cut/dsp", desk: ConformanceDesk(ownId: "CUT"))
        let paths = [
            "/negotiations/request", "/negotiations/offers", "/transfers/request", "/catalog/request",
            "/negotiations/urn:pid:CUT:1/events", "/transfers/urn:pid:CUT:2/start",
        ]
        let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? 4_000 : 400_000
        for _ in 0..<rounds {
            guard let seed = seeds.randomElement(using: &random),
                let path = paths.randomElement(using: &random)
            else { continue }
            let reply = try node.answer("POST", path, bytes: seed.mutated(&random), from: "p", at: now)
            node.calls = []
            if reply.status >= 400 { #expect(schema.faults(reply.body).isEmpty) }
        }
        #expect(node.book.negotiations.values.allSatisfy { $0.correspondence.counterparty == "p" })
    }

    @Test(
        "page a catalog by Link, leave an empty one without datasets, and refuse a filter they do not know with 400"
    )
    func paging() throws {
        let now = NegotiationTests.start
        let entries = (0..<5).map { number in
            DatasetEntry(
                id: "urn:d\(number)", offers: [NegotiationTests.offer],
                distributions: [
                    .init(format: number == 0 ? "hutong:query" : "HttpData-PULL", accessService: "s")
                ])
        }
        var node = TestNode(
            id: "CUT", address: "http://cut/dsp", desk: ConformanceDesk(ownId: "CUT"),
            shelf: TestShelf(entries: entries))
        var seen: [String] = []
        var query: [String: String] = [:]
        while true {
            let reply = try node.answer(
                "POST", "/catalog/request", CatalogRequest().json, from: "p", query: query, at: now)
            #expect(schema.faults(reply.body).isEmpty, "\(schema.faults(reply.body))")
            seen += (reply.body["dataset"]?.array ?? []).compactMap { $0["@id"]?.text }
            guard let cursor = reply.link?.firstMatch(of: #/cursor=(\d+)>; rel="next"/#)?.1 else { break }
            query = ["cursor": String(cursor)]
        }
        #expect(seen == entries.map(\.id))
        let filtered = try node.answer(
            "POST", "/catalog/request", CatalogRequest(formats: ["hutong:query"]).json, from: "p", at: now)
        #expect(filtered.body["dataset"]?.array?.count == 1)
        let empty = try node.answer(
            "POST", "/catalog/request", CatalogRequest(formats: ["none"]).json, from: "p", at: now)
        #expect(empty.status == 200 && empty.body["dataset"] == nil && schema.faults(empty.body).isEmpty)
        var unknown = CatalogRequest().json.object ?? [:]
        unknown["filter"] = [["sparql": "x"]]
        #expect(
            try node.answer("POST", "/catalog/request", .object(unknown), from: "p", at: now).status == 400)
    }
}

extension JSON {
    /// The same value with one member removed, or one value replaced by another type, everywhere.
    func mutants(place: String) -> [(String, JSON)] {
        var mutants: [(String, JSON)] = place.isEmpty ? [] : [JSON.null, 7, "x", [], [:]].map { (place, $0) }
        switch self {
        case .object(let members):
            for (name, value) in members {
                var without = members
                without[name] = nil
                mutants.append((place + "." + name, .object(without)))
                for (inner, mutant) in value.mutants(place: place + "." + name) {
                    var changed = members
                    changed[name] = mutant
                    mutants.append((inner, .object(changed)))
                }
            }
        case .array(let elements):
            for (number, element) in elements.enumerated() {
                for (inner, mutant) in element.mutants(place: place + "[\(number)]") {
                    var changed = elements
                    changed[number] = mutant
                    mutants.append((inner, .array(changed)))
                }
            }
        default: break
        }
        return mutants
    }
}
