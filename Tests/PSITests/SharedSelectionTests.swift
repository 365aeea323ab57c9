// SPDX-License-Identifier: Apache-2.0

import Oblivious
import PSI
import Primitives
import Testing

@Suite("Questions over rows linked in shares")
struct SharedSelectionTests {
    @Test(
        "counts and sums of hidden groups equal those of the plain tables: none, one, some and all of the rows",
        arguments: [(1, 1, 1), (300, 200, 90), (40, 600, 40), (50, 50, 0)])
    func figures(size: (receiver: Int, sender: Int, common: Int)) async throws {
        let linked = try await LinkedSides(
            Sets(receiver: size.receiver, sender: size.sender, common: size.common))
        let all = Array(0..<size.receiver)
        let groups = [all, [], all.filter { $0 % 3 == 0 }, all.filter { $0 % 3 == 1 }]
        let (held, asked) = try await linked.ask(groups)
        let expected = groups.map { $0.compactMap { linked.valueByKey[linked.sets.receiver[$0]] } }
        #expect(held.counts == expected.map(\.count))
        let parts = held.released(noise: [0, 0, 7, 0], isTold: [true, true, true, false])
        #expect(parts[3] == nil, "what is not told has no part to open it with")
        for (group, noise) in [(0, 0), (1, 0), (2, 7)] as [(Int, Int64)] {
            let part = try #require(parts[group])
            #expect(asked.open(part, group: group) == expected[group].reduce(0, +) + noise)
        }
        #expect(held.transcript == asked.transcript)
    }

    @Test("kept shares come back as they were, answer again and again, and a damaged file is none")
    func kept() async throws {
        let linked = try await LinkedSides(Sets(receiver: 60, sender: 70, common: 30))
        for shares in [linked.mine, linked.theirs] {
            let bytes = shares.secretBytes
            #expect(try #require(KeptShares(secretBytes: bytes)).secretBytes == bytes)
            #expect(KeptShares(secretBytes: Array(bytes.dropLast())) == nil)
            #expect(KeptShares(secretBytes: [1] + bytes.dropFirst()) == nil)
        }
        let stranger = Block(1, 2)
        #expect(linked.mine.bins(of: [stranger]) == nil && linked.theirs.bins(of: linked.sets.sender) == nil)
        let first = try await linked.ask([Array(0..<60)])
        let again = try await linked.ask([Array(0..<60)])
        #expect(first.held.counts == [30] && again.held.counts == [30])
    }

    @Test(
        "view equality: what the holder reads under one choice of rows it reads under another with other coins of the asker"
    )
    func views() async throws {
        let linked = try await LinkedSides(Sets(receiver: 200, sender: 200, common: 100))
        let (few, many) = ([[3, 4, 5]], [Array(10..<190)])
        let sent = [try await linked.messages(few), try await linked.messages(many)]
        #expect(
            sent[0].map(\.count) == sent[1].map(\.count), "numbers and lengths do not depend on the choice")
        // With the same coins everything is the same up to the bits that ask; and those differ by the choice alone, so
        // uniform coins make each choice give each message equally often.
        let flips = try #require(sent[0].firstIndex { $0.count == LinkedSides.frame(linked.mine.binCount) })
        #expect(sent[0][..<flips].elementsEqual(sent[1][..<flips]))
        let bins = [few, many].map { groups in
            Set(linked.mine.bins(of: groups[0].map { linked.sets.receiver[$0] }) ?? [])
        }
        for bin in 0..<linked.mine.binCount {
            let bits = sent.map { $0[flips][5 + bin / 8] >> UInt8(bin % 8) & 1 }
            #expect((bits[0] != bits[1]) == (bins[0].contains(bin) != bins[1].contains(bin)))
        }
    }

    @Test(
        "any one message altered or lost ends in a named refusal on the side that was to read it, with nothing opened"
    )
    func altered() async throws {
        let linked = try await LinkedSides(Sets(receiver: 20, sender: 30, common: 9))
        for isHolder in [false, true] {
            var damaged = 0
            for number in 0..<12 {
                let (left, right) = MemoryLink.pair()
                let faulty = FaultyLink(
                    isHolder ? left : right, number % 3 == 2 ? .cut : .flipped, at: number)
                async let theirs = SharedRun.outcome {
                    defer { left.close() }
                    _ = try await linked.hold(over: isHolder ? faulty : left)
                }
                let mine = await SharedRun.outcome {
                    defer { right.close() }
                    _ = try await linked.select([[1, 2]], over: isHolder ? right : faulty)
                }
                let other = await theirs
                guard faulty.wasReached else { break }
                damaged += 1
                #expect([.altered, .malformed].contains(isHolder ? mine : other), "message \(number)")
            }
            #expect(damaged >= 4, "the protocol has more messages than that: \(damaged)")
        }
    }

    @Test("shares of another match are refused before anything is asked of them")
    func otherShares() async throws {
        let linked = try await LinkedSides(Sets(receiver: 20, sender: 30, common: 9))
        let other = try await LinkedSides(Sets(receiver: 21, sender: 30, common: 9))
        let (left, right) = MemoryLink.pair()
        async let theirs = SharedRun.outcome {
            defer { left.close() }
            _ = try await linked.hold(over: left)
        }
        let mine = await SharedRun.outcome {
            defer { right.close() }
            _ = try await other.select([[1]], over: right)
        }
        #expect(mine == .differentPlans)
        #expect([.differentPlans, .refusedByPeer(.differentPlans), .closed].contains(await theirs))
    }
}

/// Both sides' kept shares of one match.
private struct LinkedSides: Sendable {
    let sets: Sets
    let mine: KeptShares
    let theirs: KeptShares
    let valueByKey: [Block: Int64]
    private let plan: PSIPlan

    init(_ sets: Sets) async throws {
        let run = SharedRun(sets)
        let (mine, theirs, _, _) = try await run.play()
        self.sets = sets
        self.mine = KeptShares(mine, of: sets.receiver)
        self.theirs = KeptShares(theirs, of: [])
        valueByKey = Dictionary(uniqueKeysWithValues: zip(sets.sender, run.values))
        plan = try sets.plan(.rr22, .selection)
    }

    /// - Parameter groups: places of the receiver's items.
    func ask(_ groups: [[Int]]) async throws -> (held: HeldSelection, asked: AskedSelection) {
        let (left, right) = MemoryLink.pair()
        async let held = hold(over: left)
        let asked = try await select(groups, over: right)
        return (try await held, asked)
    }

    func select(_ groups: [[Int]], over link: any PSILink) async throws -> AskedSelection {
        var random = SeededRandom(seed: 11)
        let bins = try groups.map { group in
            try #require(mine.bins(of: group.map { sets.receiver[$0] }))
        }
        return try await PSIParty(plan, link).select(bins, of: mine, using: &random)
    }

    func hold(over link: any PSILink) async throws -> HeldSelection {
        var random = SeededRandom(seed: 12)
        return try await PSIParty(plan, link).holdSelection(of: theirs, using: &random)
    }

    /// What the asking side sends.
    func messages(_ groups: [[Int]]) async throws -> [[UInt8]] {
        let (left, right) = MemoryLink.pair()
        let recording = RecordingLink(right)
        async let held = hold(over: left)
        _ = try await select(groups, over: recording)
        _ = try await held
        return recording.sent
    }

    /// The bytes of a frame that has a bit for each bin.
    static func frame(_ bins: Int) -> Int { 5 + (bins + 7) / 8 + 16 }
}
