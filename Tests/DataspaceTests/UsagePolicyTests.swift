// SPDX-License-Identifier: Apache-2.0

import Policy
import Primitives
import Testing
import Wire

@Suite("A usage policy")
struct UsagePolicyTests {
    static let until = Instant(seconds: 1_798_732_800)
    static let terms = PlainTerms(
        purposes: ["statistics"], until: until, usesMax: 2, recipients: ["did:web:bank"],
        jurisdictions: ["CN-11"],
        doors: [.describe, .query], isPaid: true)

    private func request(
        action: String = "hutong:query", party: String = "did:web:bank", purpose: String? = "statistics",
        place: String? = "CN-11"
    ) -> UseRequest {
        UseRequest(
            party: party, action: action, target: "urn:x", purposes: purpose.map { [$0] } ?? [],
            jurisdiction: place)
    }

    @Test("made in plain words is enforceable, has one digest however it is written, and reads back the same")
    func roundTrip() throws {
        let policy = Self.terms.policy(id: "urn:uuid:1")
        try policy.enforceable()
        #expect(PlainTerms(policy) == Self.terms)
        let again = try UsagePolicy(json: policy.document)
        #expect(again.digest == policy.digest)
        try again.enforceable()
        var shuffled = policy
        shuffled.rules.reverse()
        #expect(shuffled.digest == policy.digest)
        #expect(policy.plainWords.count == 3)
    }

    @Test("permits a use inside every term, and refuses each single term broken, saying which")
    func each() throws {
        let policy = Self.terms.policy(id: "urn:uuid:1")
        let now = Instant(seconds: Self.until.seconds - 1)
        #expect(policy.evaluate(request(), in: WorldState(now: now, uses: 1)).isPermitted)
        let broken: [(UseRequest, WorldState, String)] = [
            (request(), WorldState(now: now, uses: 2), "at most 2 uses (found: 3)"),
            (request(), WorldState(now: Self.until), "before 2027-01-01 00:00:00 (UTC+8)"),
            (
                request(purpose: "marketing"), WorldState(now: now),
                "for the purpose statistics (found: marketing)"
            ),
            (request(purpose: nil), WorldState(now: now), "does not say whether for the purpose statistics"),
            (request(party: "did:web:other"), WorldState(now: now), "received only by did:web:bank"),
            (request(place: "CN-31"), WorldState(now: now), "received only in CN-11 (found: CN-31)"),
            (request(action: "hutong:download"), WorldState(now: now), "forbid to obtain a copy"),
            (request(action: "hutong:train"), WorldState(now: now), "covers this action"),
        ]
        for (request, world, words) in broken {
            let problem = try #require(policy.evaluate(request, in: world).refusal(of: request))
            let told = TextCatalog.embedded.told(problem, in: .en)
            #expect(told.why.contains(words), "\(told.why)")
            #expect(!told.remedy.isEmpty && !TextCatalog.embedded.told(problem, in: .zh).why.contains("{"))
        }
    }

    @Test("refuses to be published with a term nobody could enforce, naming the place and the remedy")
    func unenforceable() throws {
        let cases: [(String, String, String)] = [
            (
                #""permission":[{"action":"use","constraint":[{"leftOperand":"partner","operator":"eq","rightOperand":"gold"}]}]"#,
                "policy.operand-unenforceable", "permission[0].constraint[0].leftOperand"
            ),
            (
                #""permission":[{"action":"use"}],"prohibition":[{"action":"odrl:distribute"}]"#,
                "policy.action-unenforceable", "prohibition[0].action"
            ),
            (
                #""permission":[{"action":"use","constraint":{"leftOperand":"count","operator":"eq","rightOperand":"3"}}]"#,
                "policy.operator-unenforceable", "permission[0].constraint[0].operator"
            ),
            (
                #""permission":[{"action":"use","constraint":{"and":[{"leftOperand":"dateTime","operator":"lt","rightOperand":"2026-12-31"}]}}]"#,
                "policy.value-unreadable", "permission[0].constraint[0].and[0].rightOperand"
            ),
            (
                #""permission":[{"action":"use","remedy":{"action":"delete"}}]"#,
                "policy.member-unenforceable", "permission[0].remedy"
            ),
            (
                #""permission":[{"action":"use"}],"inheritFrom":"urn:y""#, "policy.member-unenforceable",
                "inheritFrom"
            ),
            (
                #""permission":[{"action":"use","duty":[{"action":"delete"}]}]"#,
                "policy.action-unenforceable", "permission[0].duty[0].action"
            ),
            (#""permission":[{"target":"urn:a"}]"#, "policy.action-missing", "permission[0].action"),
            (#""prohibition":[{"action":"use"}]"#, "policy.permission-missing", ""),
            (
                #""profile":"https://test.com/profile","permission":[{"action":"use"}]"#,
                "policy.profile-unknown", "profile"
            ),
            (
                #""permission":[{"action":"use","constraint":{"andSequence":[{"leftOperand":"count","operator":"lt","rightOperand":"3"}]}}]"#,
                "policy.operator-unenforceable", "permission[0].constraint[0]"
            ),
        ]
        for (members, code, place) in cases {
            let policy = try UsagePolicy(json: JSON(parsing: #"{"@id":"urn:1","@type":"Offer",\#(members)}"#))
            let problem = try #require(throws: Problem.self) { try policy.enforceable() }
            #expect(problem.code == code)
            if !place.isEmpty { #expect(problem.arguments["place"] == .text(place)) }
            for language in Language.allCases {
                let told = TextCatalog.embedded.told(problem, in: language)
                #expect(!told.remedy.isEmpty && !told.why.contains("{"), "\(told)")
            }
        }
    }
}
