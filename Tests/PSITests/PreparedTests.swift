// SPDX-License-Identifier: Apache-2.0

import Oblivious
import PSI
import Primitives
import Synchronization
import Testing

@Suite("VOLE prepared ahead")
struct PreparedTests {
    @Test(
        "a match with what was prepared gives the same rows as one without, for every set up to the prepared size",
        arguments: [(0, 5, 0), (1, 1, 1), (300, 400, 120), (1000, 7, 7)])
    func equal(size: (receiver: Int, sender: Int, common: Int)) async throws {
        let sets = Sets(receiver: size.receiver, sender: size.sender, common: size.common)
        for output in [PSIOutput.rowsToReceiver, .rowsToBoth] {
            let halves = try await Halves(items: 1000, seed: 3)
            let (mine, theirs) = try await halves.match(sets, output)
            #expect(mine.matched == sets.expectedByReceiver)
            #expect(theirs.matched == (output == .rowsToBoth ? sets.expectedBySender : nil))
            #expect(mine.transcript == theirs.transcript)
        }
    }

    @Test("what was prepared comes back from its file as it was; damaged, or the other side's, it is none")
    func kept() async throws {
        let halves = try await Halves(items: 100, seed: 3)
        let (mine, theirs) = (halves.receiver.secretBytes, halves.sender.secretBytes)
        #expect(try #require(PreparedReceiver(secretBytes: mine)).secretBytes == mine)
        #expect(try #require(PreparedSender(secretBytes: theirs)).secretBytes == theirs)
        #expect(PreparedReceiver(secretBytes: theirs) == nil && PreparedSender(secretBytes: mine) == nil)
        for place in [0, 20, 60, mine.count / 2, mine.count - 1] {
            var damaged = mine
            damaged[place] ^= 1
            #expect(PreparedReceiver(secretBytes: damaged) == nil, "byte \(place)")
        }
        #expect(PreparedReceiver(secretBytes: []) == nil)
    }

    @Test("a peer that prepared with somebody else is refused before anything is used up")
    func wrongPeer() async throws {
        let (ours, others) = (try await Halves(items: 100, seed: 3), try await Halves(items: 100, seed: 5))
        #expect(ours.receiver.name == ours.sender.name && ours.receiver.name != others.receiver.name)
        let sets = Sets(receiver: 50, sender: 50, common: 20)
        let claims = Mutex(0)
        let mixed = Halves(receiver: ours.receiver, sender: others.sender)
        let (mine, theirs) = await mixed.outcomes(sets) { () throws(PSIFailure) in claims.withLock { $0 += 1 }
        }
        for outcome in [mine, theirs] {
            #expect([.differentPlans, .refusedByPeer(.differentPlans), .closed].contains(outcome))
        }
        #expect(claims.withLock { $0 } == 0)
    }

    @Test(
        "what cannot be claimed any more is not used: the run ends on both sides with no message that depends on it"
    )
    func spent() async throws {
        let halves = try await Halves(items: 100, seed: 3)
        let sets = Sets(receiver: 50, sender: 50, common: 20)
        let (mine, theirs) = await halves.outcomes(sets) { () throws(PSIFailure) in throw .alreadyUsed }
        #expect(
            mine == .alreadyUsed && [.alreadyUsed, .refusedByPeer(.alreadyUsed), .closed].contains(theirs))
    }

    @Test("more keys than were prepared for are refused by name")
    func tooMany() async throws {
        let halves = try await Halves(items: 10, seed: 3)
        let sets = Sets(receiver: 20_000, sender: 10, common: 5)
        let (mine, _) = await halves.outcomes(sets) { () throws(PSIFailure) in }
        #expect(mine == .tooLarge)
    }
}

/// Both halves of one preparation.
private struct Halves: Sendable {
    let receiver: PreparedReceiver
    let sender: PreparedSender

    init(receiver: PreparedReceiver, sender: PreparedSender) {
        (self.receiver, self.sender) = (receiver, sender)
    }

    init(items: Int, seed: UInt64) async throws {
        let (left, right) = MemoryLink.pair()
        let plan = try PSIPlan.preparation(items: items)
        async let answering = Self.sender(plan, left, seed + 1)
        var random = SeededRandom(seed: seed)
        receiver = try await PSIParty(plan, right).prepareReceiver(using: &random)
        sender = try await answering
    }

    private static func sender(_ plan: PSIPlan, _ link: MemoryLink, _ seed: UInt64) async throws
        -> PreparedSender
    {
        var random = SeededRandom(seed: seed)
        return try await PSIParty(plan, link).prepareSender(using: &random)
    }

    func match(_ sets: Sets, _ output: PSIOutput) async throws -> (PSIResult, PSIResult) {
        let (left, right) = MemoryLink.pair()
        let plan = try sets.plan(.rr22, output)
        async let theirs = answer(sets, plan, left) { () throws(PSIFailure) in }
        let mine = try await receive(sets, plan, right) { () throws(PSIFailure) in }
        return (mine, try await theirs)
    }

    /// How both sides end where they should not have a result.
    func outcomes(
        _ sets: Sets, _ claim: @escaping @Sendable () throws(PSIFailure) -> Void
    ) async -> (PSIFailure?, PSIFailure?) {
        let (left, right) = MemoryLink.pair()
        async let theirs = SharedRun.outcome {
            defer { left.close() }
            _ = try await answer(sets, try sets.plan(.rr22, .rowsToReceiver), left, claim)
        }
        let mine = await SharedRun.outcome {
            defer { right.close() }
            _ = try await receive(sets, try sets.plan(.rr22, .rowsToReceiver), right, claim)
        }
        return (mine, await theirs)
    }

    private func receive(
        _ sets: Sets, _ plan: PSIPlan, _ link: any PSILink, _ claim: () throws(PSIFailure) -> Void
    ) async throws -> PSIResult {
        var random = SeededRandom(seed: 21)
        return try await PSIParty(try plan.using(receiver.name), link)
            .receive(sets.receiver, with: receiver, using: &random, claim: claim)
    }

    private func answer(
        _ sets: Sets, _ plan: PSIPlan, _ link: any PSILink, _ claim: () throws(PSIFailure) -> Void
    ) async throws -> PSIResult {
        var random = SeededRandom(seed: 22)
        return try await PSIParty(try plan.using(sender.name), link)
            .send(sets.sender, with: sender, using: &random, claim: claim)
    }
}
