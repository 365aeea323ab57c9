// SPDX-License-Identifier: Apache-2.0

import Foundation
import Policy
import Primitives
import Testing

/// Test data that stands beside the repository, not in it.
enum Shared {
    static let root: String? = {
        let path = ProcessInfo.processInfo.environment["HUTONG_SHARED"] ?? "../shared"
        // Absolute: other programs read it from other folders.
        let root = URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
        return FileManager.default.fileExists(atPath: root + "/conformance") ? root : nil
    }()

    static func files(_ folder: String, _ ending: String) -> [String] {
        guard let root else { return [] }
        let path = root + "/conformance/" + folder
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(ending) }.sorted().map { path + "/" + $0 }
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        try Array(#require(FileManager.default.contents(atPath: path)))
    }
}

@Suite("The ODRL test suite", .enabled(if: Shared.root != nil, "skipped: no shared data"))
struct ODRLConformanceTests {
    private static let report = PolicyReport.namespace
    private static let ex = "http://example.org/"

    private func graphs(_ folder: String) throws -> [String: RDFGraph] {
        var graphs: [String: RDFGraph] = [:]
        for path in Shared.files("odrl/" + folder, ".ttl") {
            let graph = try RDFGraph(turtle: Shared.bytes(path))
            for kind in ["Set", "Request"] {
                for subject in graph.subjects(ofType: Vocabulary.odrl + kind) {
                    graphs[subject.text ?? ""] = graph
                }
            }
            for subject in graph.subjects(ofType: Self.ex + "Sotw") { graphs[subject.text ?? ""] = graph }
        }
        return graphs
    }

    /// (rule, request, activation) and the satisfaction of every premise, as comparable lines.
    private func summary(_ graph: RDFGraph) -> [String] {
        var lines: [String] = []
        for kind in ["PermissionReport", "ProhibitionReport"] {
            for node in graph.subjects(ofType: Self.report + kind) {
                func text(_ name: String) -> String { graph.object(node, Self.report + name)?.text ?? "" }
                lines.append("\(kind) \(text("rule")) \(text("ruleRequest")) \(text("activationState"))")
            }
        }
        return lines.sorted()
    }

    private func constraints(_ graph: RDFGraph) -> [String: String] {
        var states: [String: String] = [:]
        for node in graph.subjects(ofType: Self.report + "ConstraintReport") {
            guard let name = graph.object(node, Self.report + "constraint")?.text else { continue }
            states[name] = graph.object(node, Self.report + "satisfactionState")?.text
        }
        return states
    }

    @Test("agrees with every case: each rule's activation and each constraint's satisfaction")
    func cases() throws {
        let policies = try graphs("policies")
        let requests = try graphs("requests")
        let worlds = try graphs("sotw")
        let paths = Shared.files("odrl/test_cases", ".ttl")
        #expect(paths.count == 34)
        var constraintCount = 0
        for path in paths {
            let expected = try RDFGraph(turtle: Shared.bytes(path))
            let node = try #require(expected.subjects(ofType: Self.ex + "TestCase").first)
            func part(_ name: String, _ graphs: [String: RDFGraph]) throws -> RDFGraph {
                try #require(graphs[expected.object(node, Self.ex + name)?.text ?? ""])
            }
            let odrl = try ODRLCase(
                policy: part("policy", policies), request: part("request", requests),
                world: part("sotw", worlds))
            let decision = odrl.policy.evaluate(odrl.request, in: odrl.world)
            let report = PolicyReport(
                policy: odrl.policy, requestId: odrl.requestId, request: odrl.request, decision: decision,
                created: odrl.world.now)
            // What we write is read back first: the writer is under test too.
            let written = report.graph.turtle(prefixes: PolicyReport.prefixes)
            let ours = try RDFGraph(turtle: Array(written.utf8))
            #expect(summary(ours) == summary(expected), "\(path)")
            let found = constraints(ours)
            for (name, state) in constraints(expected) {
                #expect(found[name] == state, "\(path) \(name)")
                constraintCount += 1
            }
        }
        #expect(constraintCount > 700)
    }
}

@Suite("Turtle")
struct TurtleTests {
    @Test("reads what the grammar allows and writes what it reads")
    func grammar() throws {
        let text = """
            @base <http://b/> . PREFIX ex: <http://e/>
            @prefix : <#> .
            <x> a ex:Thing, ex:a.b-c ; # a comment
              ex:p "one"@EN, \"\"\"two "quoted"
            lines\"\"\", 'three\\u00e9' ; ;
              ex:n 1, -2.5, 3e-1, true, "2024-01-01"^^<http://t> ;
              ex:l ( 1 [ ex:q _:z ] "é" ) .
            [ ex:r :local ] .
            _:z ex:q ex:a%20b, ex:x\\,y .
            """
        let graph = try RDFGraph(turtle: Array(text.utf8))
        #expect(
            graph.objects(.iri("http://b/x"), "http://e/p") == [
                .literal("one", language: "en"), .literal("two \"quoted\"\nlines"), .literal("threeé"),
            ])
        #expect(graph.members(try #require(graph.object(.iri("http://b/x"), "http://e/l"))).count == 3)
        let again = try RDFGraph(turtle: Array(graph.turtle(prefixes: ["ex": "http://e/"]).utf8))
        #expect(again.triples.count == graph.triples.count)
    }

    @Test(
        "refuses what is not Turtle, with the line",
        arguments: [
            "<a> <b>", "<a> <b> <c> ,", "x:y <b> <c> .", "<a> <b> \"c\n\" .", "<a> <b> \"\\q\" .",
            "\"a\" <b> <c> .",
            "<a> \"b\" <c> .", "@prefix x <y> .", "<a> <b> [ .", "<a> <b> ( <c> .", "<a> <b> 1e .",
            "<a <b> <c> .",
        ])
    func refuses(_ text: String) {
        #expect(throws: TurtleFailure.self) { try RDFGraph(turtle: Array(text.utf8)) }
    }

    @Test("survives damaged and hostile texts: an answer or a refusal, never a crash")
    func fuzz() throws {
        let seed = Array(
            "@prefix a: <b:> . a:x a:y [ a:p ( 1 'q' \"\"\"r\"\"\"@en ) ] , _:z ; a:w -1.5e3 , \"t\"^^a:u ."
                .utf8)
        var random = SeededRandom(seed: 11)
        let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? 20_000 : 2_000_000
        for _ in 0..<rounds { _ = try? RDFGraph(turtle: seed.mutated(&random)) }
        #expect(throws: TurtleFailure.self) {
            try RDFGraph(turtle: Array(("<a> <b> " + String(repeating: "[ <p> ", count: 100_000)).utf8))
        }
    }
}

extension [UInt8] {
    /// The bytes with one to four small damages.
    func mutated(_ random: inout SeededRandom) -> [UInt8] {
        var bytes = self
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.remove(at: place)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: place)
            default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &random))
            }
        }
        return bytes
    }
}
