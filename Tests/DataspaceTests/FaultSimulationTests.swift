// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Foundation
import Policy
import Primitives
import Testing

/// Two nodes, a network that drops, repeats, reorders and delays, and a clock: everything from one seed.
private struct FaultyWorld {
    enum Parcel {
        /// A call on its way to the other node.
        case call(DSPCall, from: Int)
        /// A reply on its way back.
        case reply(DSPCall, DeliveryOutcome, to: Int)
    }

    var nodes: [TestNode<StandardDesk<TestShelf>>]
    var random: SeededRandom
    var now = NegotiationTests.start
    var parcels: [(at: Instant, parcel: Parcel)] = []
    /// After this many faults the network heals: what then is still apart would stay apart.
    var faultsLeft: Int

    static let ids = ["did:web:bus", "did:web:bank"]

    init(seed: UInt64, faults: Int, offer: UsagePolicy) {
        random = SeededRandom(seed: seed)
        faultsLeft = faults
        let entry = DatasetEntry(
            id: offer.target ?? "", offers: [offer],
            distributions: [.init(format: "HttpData-PULL", accessService: "s")])
        let shelf = TestShelf(entries: [entry])
        nodes = Self.ids.map { id in
            let desk = StandardDesk(ownId: id, shelf: shelf) { _ in
                DataAddress(endpoint: "http://d", properties: [])
            }
            return TestNode(id: id, address: "http://" + id, desk: desk, shelf: shelf)
        }
    }

    private mutating func happens(_ percent: Int) -> Bool {
        guard faultsLeft > 0, Int.random(in: 0..<100, using: &random) < percent else { return false }
        faultsLeft -= 1
        return true
    }

    private mutating func post(_ parcel: Parcel) {
        if happens(25) { return }
        let copies = happens(20) ? 2 : 1
        for _ in 0..<copies {
            let delay = happens(30) ? Int64.random(in: 1...20_000, using: &random) : 5
            parcels.append((now.advanced(by: .milliseconds(delay)), parcel))
        }
    }

    private mutating func collectCalls() {
        for index in nodes.indices {
            let calls = nodes[index].calls
            nodes[index].calls = []
            for call in calls { post(.call(call, from: index)) }
        }
    }

    /// Runs until nothing moves any more or two days are over.
    mutating func run() throws {
        let end = now.advanced(by: .seconds(2 * 86_400))
        collectCalls()
        for _ in 0..<100_000 where now < end {
            let nextParcel = parcels.map(\.at).min()
            let nextWake = nodes.flatMap {
                $0.book.negotiations.values.compactMap(\.dueAt) + $0.book.transfers.values.compactMap(\.dueAt)
            }.min()
            guard let next = [nextParcel, nextWake].compactMap(\.self).min(), next < end else { return }
            now = max(now, next)
            if let place = parcels.indices.filter({ parcels[$0].at <= now }).randomElement(using: &random) {
                try open(parcels.remove(at: place).parcel)
            } else {
                for index in nodes.indices { try nodes[index].wake(at: now) }
            }
            collectCalls()
        }
    }

    private mutating func open(_ parcel: Parcel) throws {
        switch parcel {
        case .call(let call, let sender):
            let receiver = 1 - sender
            let path = String(call.url.dropFirst(nodes[receiver].address.count))
            let reply = try nodes[receiver].answer(
                call.method, path, call.body, from: nodes[sender].id, at: now)
            post(.reply(call, .answered(status: reply.status, body: reply.body), to: sender))
        case .reply(let call, let outcome, let receiver):
            try nodes[receiver].settle(call, outcome, at: now)
        }
    }
}

@Suite("Two nodes on a bad network")
struct FaultSimulationTests {
    private var rounds: Int { ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? 300 : 30_000 }

    @Test("always end a negotiation in the same state, once, and each holds the same agreement")
    func negotiation() throws {
        for seed in 0..<UInt64(rounds) {
            var world = FaultyWorld(seed: seed, faults: 40, offer: NegotiationTests.offer)
            let (begun, effects) = Negotiation.requesting(
                NegotiationTests.offer, from: "did:web:bus", at: world.nodes[0].address,
                consumerPid: world.nodes[1].newPid(), callback: world.nodes[1].address, now: world.now)
            world.nodes[1].book.store(begun)
            try world.nodes[1].follow(.negotiation(begun, effects), at: world.now)
            try world.run()
            let provider = try #require(world.nodes[0].book.negotiations.values.first, "seed \(seed)")
            let consumer = try #require(world.nodes[1].book.negotiations.values.first)
            #expect(
                world.nodes[0].book.negotiations.count == 1, "seed \(seed): a retry opened a second process")
            #expect(
                provider.state == .finalized && consumer.state == .finalized,
                "seed \(seed): \(provider.state) \(consumer.state)")
            #expect(provider.agreement == consumer.agreement && provider.agreement != nil)
            for node in world.nodes {
                #expect(node.recorded.count == Set(node.recorded).count, "seed \(seed): \(node.recorded)")
            }
        }
    }

    @Test("always start a transfer once, and both see it end")
    func transfer() throws {
        for seed in 0..<UInt64(rounds) {
            var world = FaultyWorld(seed: seed, faults: 40, offer: NegotiationTests.offer)
            let request = TransferRequest(
                consumerPid: world.nodes[1].newPid(), agreementId: "urn:a", format: "HttpData-PULL",
                callbackAddress: world.nodes[1].address)
            let (begun, effects) = TransferProcess.requesting(
                request, from: "did:web:bus", at: world.nodes[0].address, now: world.now)
            world.nodes[1].book.store(begun)
            try world.nodes[1].follow(.transfer(begun, effects), at: world.now)
            try world.run()
            var consumer = try #require(world.nodes[1].book.transfers.values.first)
            #expect(consumer.state == .started, "seed \(seed): \(consumer.state)")
            let completed = try consumer.make(.complete, at: world.now)
            world.nodes[1].book.store(consumer)
            try world.nodes[1].follow(.transfer(consumer, completed), at: world.now)
            world.faultsLeft = 20
            try world.run()
            let states = world.nodes.map { $0.book.transfers.values.map(\.state) }
            #expect(states == [[.completed], [.completed]], "seed \(seed): \(states)")
        }
    }

    @Test("resume after kill -9 in each state from what is stored")
    func restarts() throws {
        var world = FaultyWorld(seed: 1, faults: 0, offer: NegotiationTests.offer)
        let (begun, effects) = Negotiation.requesting(
            NegotiationTests.offer, from: "did:web:bus", at: world.nodes[0].address,
            consumerPid: world.nodes[1].newPid(), callback: world.nodes[1].address, now: world.now)
        world.nodes[1].book.store(begun)
        // The process dies after every commit, before any call is made: the calls are lost, the book is read
        // back from its stored form, and only what is due is followed up.
        try world.nodes[1].follow(.negotiation(begun, effects), at: world.now)
        for _ in 0..<50 {
            for index in world.nodes.indices {
                world.nodes[index].calls = []
                for stored in world.nodes[index].book.negotiations.values {
                    world.nodes[index].book.store(
                        try Negotiation(stored: JSON(parsing: stored.json.canonicalText)))
                }
                world.now = world.now.advanced(by: .seconds(20))
                try world.nodes[index].wake(at: world.now)
                let calls = world.nodes[index].calls
                world.nodes[index].calls = []
                for call in calls {
                    let path = String(call.url.dropFirst(world.nodes[1 - index].address.count))
                    let reply = try world.nodes[1 - index].answer(
                        call.method, path, call.body, from: world.nodes[index].id, at: world.now)
                    try world.nodes[index].settle(
                        call, .answered(status: reply.status, body: reply.body), at: world.now)
                }
            }
        }
        for node in world.nodes { #expect(node.book.negotiations.values.first?.state == .finalized) }
    }
}
