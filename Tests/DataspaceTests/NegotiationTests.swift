// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Policy
import Primitives
import Testing

@Suite("A negotiation")
struct NegotiationTests {
    static let start = Instant(seconds: 1_800_000_000)
    static let offer = UsagePolicyTests.terms.policy(id: "urn:uuid:offer", target: "urn:uuid:data")

    /// Carries the pending message of one side to the other and confirms it.
    private func deliver(_ sender: inout Negotiation, _ receiver: inout Negotiation) throws -> [Negotiation
        .Effect]
    {
        let delivery = try #require(sender.correspondence.delivery)
        let message = try NegotiationMessage(json: delivery.json)
        let speaker = sender.side == .provider ? "did:web:bus" : "did:web:bank"
        let effects = try receiver.receive(message, from: speaker, at: Self.start)
        _ = sender.settle(.answered(status: 200, body: receiver.reply), at: Self.start)
        return effects
    }

    private func opened() throws -> (provider: Negotiation, consumer: Negotiation) {
        var (consumer, effects) = Negotiation.requesting(
            Self.offer, from: "did:web:bus", at: "https://bus/dsp", consumerPid: "urn:uuid:c",
            callback: "https://bank/dsp", now: Self.start)
        #expect(effects.first == .deliver)
        let delivery = try #require(consumer.correspondence.delivery)
        guard case .request(let request) = try NegotiationMessage(json: delivery.json) else {
            throw MessageFailure.malformed(place: "@type", wanted: "a request")
        }
        let (provider, answer) = try Negotiation.opened(
            by: request, from: "did:web:bank", providerPid: "urn:uuid:p", now: Self.start)
        #expect(answer.last == .decide)
        _ = consumer.settle(.answered(status: 201, body: provider.reply), at: Self.start)
        return (provider, consumer)
    }

    @Test(
        "goes from request over offer, counter-offer, acceptance, agreement and verification to one contract both hold"
    )
    func whole() throws {
        var (provider, consumer) = try opened()
        var counter = Self.offer
        counter.id = "urn:uuid:counter"
        _ = try provider.make(.offer(Self.offer), at: Self.start)
        _ = try deliver(&provider, &consumer)
        _ = try consumer.make(.request(counter), at: Self.start)
        _ = try deliver(&consumer, &provider)
        _ = try provider.make(.offer(counter), at: Self.start)
        _ = try deliver(&provider, &consumer)
        _ = try consumer.make(.accept, at: Self.start)
        _ = try deliver(&consumer, &provider)
        let agreement = counter.agreement(
            id: "urn:uuid:a", assigner: "did:web:bus", assignee: "did:web:bank", target: "urn:uuid:data",
            at: Self.start)
        _ = try provider.make(.agree(agreement), at: Self.start)
        _ = try deliver(&provider, &consumer)
        #expect(consumer.faults(ownId: "did:web:bank").isEmpty)
        _ = try consumer.make(.verify, at: Self.start)
        _ = try deliver(&consumer, &provider)
        let ours = try provider.make(.finalize, at: Self.start)
        let theirs = try deliver(&provider, &consumer)
        #expect(ours.count == 2 && theirs.count == 1)
        #expect(provider.agreement == agreement && consumer.agreement == agreement)
        #expect(provider.state == .finalized && consumer.state == .finalized)
        #expect(provider.correspondence.digest == consumer.correspondence.digest)
        #expect(try Negotiation(stored: JSON(parsing: provider.json.canonicalText)) == provider)
        #expect(try Negotiation(stored: JSON(parsing: consumer.json.canonicalText)) == consumer)
    }

    @Test("stores itself in every state and resumes as it was, its undelivered message included")
    func stored() throws {
        var (provider, _) = try opened()
        _ = try provider.make(.offer(Self.offer), at: Self.start)
        _ = provider.settle(.unreachable("connection refused"), at: Self.start)
        #expect(try Negotiation(stored: JSON(parsing: provider.json.canonicalText)) == provider)
        _ = try provider.make(.terminate(Explanation(code: "9", reasons: ["no"])), at: Self.start)
        #expect(try Negotiation(stored: JSON(parsing: provider.json.canonicalText)) == provider)
    }

    @Test("takes the same message twice as one, and refuses every step the protocol does not draw")
    func repeats() throws {
        var (provider, consumer) = try opened()
        _ = try provider.make(.offer(Self.offer), at: Self.start)
        let message = try NegotiationMessage(json: #require(provider.correspondence.delivery).json)
        #expect(try !consumer.receive(message, from: "did:web:bus", at: Self.start).isEmpty)
        let before = consumer
        #expect(try consumer.receive(message, from: "did:web:bus", at: Self.start).isEmpty)
        #expect(consumer == before)
        #expect(throws: ProcessRefusal.unknown) {
            try consumer.receive(message, from: "did:web:stranger", at: Self.start)
        }
        #expect(throws: ProcessRefusal.illegal("finalized", in: "OFFERED")) {
            try consumer.receive(.finalized(consumer.pids), from: "did:web:bus", at: Self.start)
        }
        #expect(throws: ProcessRefusal.wrongPids) {
            try consumer.receive(
                .finalized(ProcessPids(provider: "urn:uuid:p", consumer: "urn:uuid:z")), from: "did:web:bus",
                at: Self.start)
        }
        #expect(consumer == before)
    }

    @Test("retries an undelivered message with growing pauses, and ends with the reason after a day")
    func unreachable() throws {
        var (provider, _) = try opened()
        _ = try provider.make(.offer(Self.offer), at: Self.start)
        var now = Self.start
        var pauses: [Int64] = []
        _ = provider.settle(.unreachable("connection refused"), at: now)
        while let delivery = provider.correspondence.delivery {
            let next = max(now, delivery.nextAttempt)
            pauses.append(next.seconds - now.seconds)
            now = next
            _ = provider.settle(.unreachable("connection refused"), at: now)
            #expect(pauses.count < 1000)
        }
        #expect(Array(pauses.prefix(6)) == [1, 2, 4, 8, 16, 32])
        #expect(pauses.max() == 300)
        #expect(provider.state == .terminated)
        #expect(provider.termination?.explanation.reasons.first?.contains("connection refused") == true)
    }

    @Test(
        "learns from the other side's state that a refused message had arrived, or that the contract is in force"
    )
    func synchronizes() throws {
        var (provider, consumer) = try opened()
        _ = try provider.make(.offer(Self.offer), at: Self.start)
        #expect(provider.settle(.answered(status: 400, body: nil), at: Self.start) == [.askState])
        #expect(
            provider.synchronize(.answered(status: 200, body: ["state": "OFFERED"]), at: Self.start).isEmpty)
        #expect(provider.correspondence.delivery == nil)
        #expect(
            consumer.synchronize(.answered(status: 200, body: ["state": "TERMINATED"]), at: Self.start).count
                == 1)
        #expect(consumer.state == .terminated && consumer.termination?.by == .provider)
    }

    @Test("has an arrow exactly where the protocol has one")
    func table() {
        var arrows: [String] = []
        for state in Negotiation.State.allCases {
            for kind in NegotiationMessage.Kind.allCases {
                for side in Side.allCases {
                    guard let next = Negotiation.next(state, kind, from: side) else { continue }
                    arrows.append("\(state.rawValue)>\(next.rawValue) \(side.rawValue.prefix(1))")
                }
            }
        }
        #expect(
            arrows.sorted() == [
                "ACCEPTED>AGREED p", "ACCEPTED>TERMINATED p", "AGREED>TERMINATED c", "AGREED>VERIFIED c",
                "OFFERED>ACCEPTED c", "OFFERED>REQUESTED c", "OFFERED>TERMINATED c", "OFFERED>TERMINATED p",
                "REQUESTED>AGREED p", "REQUESTED>OFFERED p", "REQUESTED>TERMINATED c",
                "REQUESTED>TERMINATED p",
                "VERIFIED>FINALIZED p", "VERIFIED>TERMINATED p",
            ])
    }
}
