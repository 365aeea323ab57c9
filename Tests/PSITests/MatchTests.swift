// SPDX-License-Identifier: Apache-2.0

import Oblivious
import PSI
import Primitives
import Testing

@Suite("Private match")
struct MatchTests {
    @Test(
        "both sides' output equals the set intersection: empty, disjoint, equal, one item, skewed",
        arguments: [PSIMethod.ecdh, .rr22, .rr22Malicious],
        [
            (0, 0, 0), (0, 5, 0), (5, 0, 0), (1, 1, 0), (1, 1, 1), (10, 10, 10), (10, 10, 0), (100, 37, 20),
            (1, 300, 1), (300, 1, 1), (1000, 1000, 500), (20_000, 20_000, 10_000),
        ])
    func exact(method: PSIMethod, size: (receiver: Int, sender: Int, common: Int)) async throws {
        let sets = Sets(receiver: size.receiver, sender: size.sender, common: size.common)
        let plan = try sets.plan(method, .rowsToBoth)
        let (left, right) = MemoryLink.pair()
        async let theirs = PSIRun.send(plan, sets.sender, over: left, seed: 2)
        let mine = try await PSIRun.receive(plan, sets.receiver, over: right, seed: 1)
        #expect(mine.matched == sets.expectedByReceiver)
        #expect(try await theirs.matched == sets.expectedBySender)
        #expect(try await theirs.transcript == mine.transcript)
    }
}

/// Two sets that share `common` items.
struct Sets {
    let receiver: [Block]
    let sender: [Block]
    let expectedByReceiver: [Int]
    let expectedBySender: [Int]

    init(receiver: Int, sender: Int, common: Int, seed: UInt64 = 7) {
        var random = SeededRandom(seed: seed)
        let shared = (0..<common).map { _ in Block.random(using: &random) }
        let fill = { (count: Int) in
            (shared + (common..<max(common, count)).map { _ in Block.random(using: &random) })
                .shuffled(using: &random)
        }
        let (mine, theirs) = (fill(receiver), fill(sender))
        let set = Set(shared)
        (self.receiver, self.sender) = (mine, theirs)
        expectedByReceiver = mine.indices.filter { set.contains(mine[$0]) }
        expectedBySender = theirs.indices.filter { set.contains(theirs[$0]) }
    }

    func plan(_ method: PSIMethod, _ output: PSIOutput) throws -> PSIPlan {
        try PSIPlan(
            method: method, output: output, recipe: KeyRecipe().digest, receiverCount: receiver.count,
            senderCount: sender.count)
    }
}

/// One side of one run, from the handshake to the confirmation.
enum PSIRun {
    static func receive(
        _ plan: PSIPlan, _ items: [Block], over link: any PSILink, seed: UInt64
    ) async throws -> PSIResult {
        var random = SeededRandom(seed: seed)
        return try await PSIParty(plan, link).receive(items, using: &random)
    }

    static func send(
        _ plan: PSIPlan, _ items: [Block], over link: any PSILink, seed: UInt64
    ) async throws -> PSIResult {
        var random = SeededRandom(seed: seed)
        return try await PSIParty(plan, link).send(items, using: &random)
    }
}
