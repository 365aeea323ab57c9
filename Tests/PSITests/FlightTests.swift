// SPDX-License-Identifier: Apache-2.0

import Compute
import Identity
import Oblivious
import PSI
import Policy
import Primitives
import Testing
import Trade

@Suite("The match door between nodes")
struct FlightTests {
    @Test("flights carry a run to its end, however many messages it has", arguments: [5, 3000])
    func flights(count: Int) async throws {
        let sets = Sets(receiver: count, sender: count, common: count / 2)
        let plan = try sets.plan(.ecdh, .held)
        let (mine, theirs) = (FlightLink(), FlightLink())
        let asker = Task {
            defer { mine.finish() }
            var random = SeededRandom(seed: 1)
            return try await PSIParty(plan, mine).ask(sets.sender, groupSizes: [count], using: &random)
        }
        let holder = Task {
            defer { theirs.finish() }
            var random = SeededRandom(seed: 2)
            return try await PSIParty(plan, theirs).hold(sets.receiver, using: &random)
        }
        var incoming: [[UInt8]] = []
        var flights = 0
        while true {
            let flight = await mine.turn(incoming)
            if flight.isOver, flight.frames.isEmpty { break }
            incoming = await theirs.turn(flight.frames).frames
            flights += 1
        }
        #expect(try await holder.value.counts == [count / 2])
        #expect(try await asker.value.transcript == holder.value.transcript)
        #expect(flights <= 4)
    }

    @Test("a side whose peer is gone ends as closed, not never")
    func abandoned() async throws {
        let sets = Sets(receiver: 3, sender: 3, common: 1)
        let plan = try sets.plan(.ecdh, .held)
        let link = FlightLink()
        let run = Task {
            await HeldMatchTests.failure {
                var random = SeededRandom(seed: 1)
                _ = try await PSIParty(plan, link).ask(sets.sender, groupSizes: [3], using: &random)
            }
        }
        let first = await link.turn([])
        #expect(first.frames.count == 1 && !first.isOver)
        link.finish()
        #expect(await run.value == .closed)
    }

    // MARK: Rules

    @Test("a listing tells sizes and sums by default, nothing below ten, and rows only with a legal basis")
    func defaults() throws {
        let rules = try #require(try MatchRules(of: Self.listing(["keys": ["person"], "sums": ["cost"]])))
        #expect(rules.offers(.size) && rules.offers(.sum("cost")))
        #expect(!rules.offers(.rows) && !rules.offers(.sum("age")))
        #expect(rules.minimum == 10)
        var random = SeededRandom(seed: 1)
        #expect(rules.released([9, 10, 0, 500], for: .size, using: &random) == [nil, 10, nil, 500])
        #expect(try MatchRules(of: Self.listing(nil)) == nil)
        let bare: JSON = ["keys": ["person"], "wants": ["size", "rows"]]
        #expect(throws: Problem.self) { try MatchRules(of: Self.listing(bare)) }
        let based: JSON = [
            "keys": ["person"], "wants": ["rows"], "rows": ["basis": "consent", "document": "C-7"],
        ]
        #expect(try #require(try MatchRules(of: Self.listing(based))).offers(.rows))
    }

    @Test("a misspelled or impossible rule is refused, not passed over")
    func malformed() {
        let bad: [JSON] = [
            ["keys": []], ["keys": ["person"], "want": ["size"]], ["keys": ["person"], "wants": ["all"]],
            ["keys": ["person"], "minimum": 0], ["keys": ["person"], "steps": ["guess"]],
            ["keys": ["person"], "sums": ["person"]], ["keys": [1]], ["keys": ["person"], "sets": 0],
        ]
        for rules in bad {
            #expect(throws: Problem.self, "\(rules)") { try MatchRules(of: Self.listing(rules)) }
        }
    }

    @Test("under a privacy budget counts are noised before they are compared with the minimum")
    func noise() throws {
        let rules = try #require(try MatchRules(of: Self.listing(["keys": ["person"]], noised: true)))
        #expect(rules.protection == .noise(epsilonMicros: 1_000_000))
        var random = SeededRandom(seed: 4)
        let counts = rules.released([Int](repeating: 1000, count: 2000), for: .size, using: &random)
        let told = counts.compactMap { $0 }
        let mean = Double(told.reduce(0, +)) / 2000
        let variance = told.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 2000
        // Discrete Laplace at ε = 1: variance 2e^-1 / (1 - e^-1)^2 = 1.841.
        #expect(abs(mean - 1000) < 0.2 && abs(variance - 1.841) < 0.4)
        #expect(throws: Problem.self) {
            try MatchRules(of: Self.listing(["keys": ["district"]], noised: true))
        }
    }

    private static func listing(_ match: JSON?, noised: Bool = false) throws -> Listing {
        var rules: [String: JSON] = [
            "rules": 1,
            "tables": [
                "visits": [
                    "unit": ["column": "person"],
                    "columns": [
                        "person": "hidden", "district": "group-only",
                        "cost": ["use": ["aggregate"], "bounds": [0, 1000]],
                    ],
                ]
            ],
        ]
        if noised {
            rules["privacy"] = ["mechanism": "laplace", "epsilon": "1", "total": "4"]
        } else {
            rules["minimumGroup"] = 5
        }
        rules["match"] = match
        return Listing(
            id: ID(derivedFrom: Digest(of: "listing")), holder: ID(derivedFrom: Digest(of: "holder")),
            title: LocalizedText("t"), about: LocalizedText("a"), openness: .closed, assetCode: "ast-x",
            lineage: [], tableName: "visits", summary: [:],
            terms: PlainTerms(doors: [.match], isPaid: false).policy(id: "urn:hutong:terms"),
            rules: .object(rules), price: try PricePlan(text: "free"), requiredAttestations: [])
    }
}
