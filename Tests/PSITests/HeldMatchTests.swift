// SPDX-License-Identifier: Apache-2.0

import Oblivious
import PSI
import Primitives
import Synchronization
import Testing

@Suite("A match whose result the holder releases")
struct HeldMatchTests {
    @Test(
        "the holder counts each of the asker's groups exactly: empty, disjoint, equal, one item, skewed",
        arguments: [
            (0, 0, 0), (0, 5, 0), (5, 0, 0), (1, 1, 1), (10, 10, 0), (100, 37, 20), (1, 300, 1), (300, 1, 1),
            (2000, 1500, 700),
        ])
    func exact(size: (holder: Int, asker: Int, common: Int)) async throws {
        let sets = Sets(receiver: size.holder, sender: size.asker, common: size.common)
        let (held, asked, expected) = try await HeldRun(sets, .ecdh, groups: 3).play()
        #expect(held.places == expected)
        #expect(held.transcript == asked.transcript)
    }

    @Test("ristretto255 counts the same")
    func ristretto() async throws {
        let sets = Sets(receiver: 30, sender: 40, common: 12)
        let (held, _, expected) = try await HeldRun(sets, .ristretto, groups: 4).play()
        #expect(held.places == expected)
    }

    @Test("S93: two parties get number, sum and mean over the intersection equal to the pooled result")
    func sums() async throws {
        let sets = Sets(receiver: 60, sender: 50, common: 25)
        let amounts = sets.receiver.indices.map { Int64($0 * 37 % 101) - 20 }
        let run = HeldRun(sets, .ecdh, groups: 3)
        let share = JointKeyShare(seed: (0..<64).map { UInt8($0) })
        let (held, expected) = try await run.playSums(amounts, share)
        #expect(held.match.places == expected)
        var random = SeededRandom(seed: 3)
        let told = held.released(
            noise: [0, 7, 0], isTold: [true, true, false], using: &random)
        let byKey = Dictionary(uniqueKeysWithValues: zip(sets.receiver, amounts))
        let pooled = expected.map { places in
            places.reduce(Int64(0)) { $0 + (byKey[sets.sender[$1]] ?? 0) }
        }
        #expect(share.open(try #require(told[0]), most: 10_000) == pooled[0])
        #expect(share.open(try #require(told[1]), most: 10_000) == pooled[1] + 7)
        #expect(told[2] == nil)
    }

    @Test("a sum opens only for the asker's own share, and only within what the plan allows")
    func sealed() async throws {
        let sets = Sets(receiver: 8, sender: 8, common: 8)
        let share = JointKeyShare(seed: [UInt8](repeating: 9, count: 64))
        let (held, _) = try await HeldRun(sets, .ecdh, groups: 1).playSums(
            [Int64](repeating: 1000, count: 8), share)
        var random = SeededRandom(seed: 5)
        let told = try #require(held.released(noise: [0], isTold: [true], using: &random)[0])
        #expect(share.open(told, most: 8000) == 8000)
        #expect(share.open(told, most: 7999) == nil)
        #expect(JointKeyShare(seed: [UInt8](repeating: 8, count: 64)).open(told, most: 8000) == nil)
        #expect(share.open(Array(told.dropLast()), most: 8000) == nil)
    }

    @Test("an asker that sends one key twice to lift a group over the minimum is refused")
    func duplicates() async throws {
        let sets = Sets(receiver: 20, sender: 1, common: 1)
        let doubled = sets.sender + sets.sender
        let plan = try PSIPlan(
            method: .ecdh, output: .held, recipe: KeyRecipe().digest, receiverCount: 20, senderCount: 2)
        let (left, right) = MemoryLink.pair()
        async let asked = Self.failure {
            var random = SeededRandom(seed: 1)
            _ = try await PSIParty(plan, left).ask(doubled, groupSizes: [2], using: &random)
        }
        let held = await Self.failure {
            var random = SeededRandom(seed: 2)
            _ = try await PSIParty(plan, right).hold(sets.receiver, using: &random)
        }
        #expect(held == .malformed)
        #expect(await asked == .refusedByPeer(.malformed))
    }

    @Test(
        "a message altered, cut, repeated, out of order or lost ends in a typed refusal on either side",
        arguments: Fault.allCases, [true, false])
    func faults(fault: Fault, atAsker: Bool) async throws {
        let sets = Sets(receiver: 30, sender: 40, common: 10)
        let plan = try sets.plan(.ecdh, .held)
        for number in 0..<6 {
            let (left, right) = MemoryLink.pair()
            let faulty = FaultyLink(atAsker ? left : right, fault, at: number)
            let (asker, holder): (any PSILink, any PSILink) = atAsker ? (faulty, right) : (left, faulty)
            async let asked = Self.failure {
                defer { left.close() }
                var random = SeededRandom(seed: 1)
                _ = try await PSIParty(plan, asker).ask(sets.sender, groupSizes: [40], using: &random)
            }
            let held = await Self.failure {
                defer { right.close() }
                var random = SeededRandom(seed: 2)
                _ = try await PSIParty(plan, holder).hold(sets.receiver, using: &random)
            }
            let other = await asked
            guard faulty.wasReached, fault != .repeated else { continue }
            #expect((atAsker ? held : other) != nil, "\(fault) at \(number)")
        }
    }

    @Test("what the holder sees can be made from its own keys and the counts alone")
    func simulatedView() async throws {
        let sets = Sets(receiver: 200, sender: 150, common: 60)
        let sizes = HeldRun.sizes(150, 2)
        let plan = try sets.plan(.ecdh, .held)
        let (real, view) = try await Self.view(plan, sets.receiver, asking: sets.sender, sizes)
        // The simulator has no key of the asker's: any of the holder's own as often as the counts say, the rest made up.
        var random = SeededRandom(seed: 77)
        var own = sets.receiver.shuffled(using: &random)[...]
        var items: [Block] = []
        for (size, count) in zip(sizes, real.counts) {
            items += own.prefix(count) + (count..<size).map { _ in Block.random(using: &random) }
            own = own.dropFirst(count)
        }
        let (simulated, other) = try await Self.view(plan, sets.receiver, asking: items, sizes)
        #expect(simulated.counts == real.counts)
        #expect(view.map(\.first) == other.map(\.first) && view.map(\.count) == other.map(\.count))
        // The longest messages, points and tags: no byte value is more frequent in one of the views.
        for frames in [view, other] {
            let points = frames.filter { $0.count > 4000 }.flatMap { Array($0.dropFirst(5).dropLast(16)) }
            // A coordinate's last byte has its top bit clear.
            let bytes = points.enumerated().filter { $0.offset % 32 != 31 }.map(\.element)
            #expect(Self.chiSquared(bytes) < 400)
        }
    }

    /// What the holder learns, and every message it receives.
    private static func view(
        _ plan: PSIPlan, _ mine: [Block], asking items: [Block], _ sizes: [Int]
    ) async throws -> (HeldMatch, [[UInt8]]) {
        let (left, right) = MemoryLink.pair()
        let recorder = RecordingLink(left)
        async let asked: AskedMatch = {
            var random = SeededRandom(seed: 1)
            return try await PSIParty(plan, recorder).ask(items, groupSizes: sizes, using: &random)
        }()
        var random = SeededRandom(seed: 2)
        let held = try await PSIParty(plan, right).hold(mine, using: &random)
        _ = try await asked
        return (held, recorder.sent)
    }

    private static func chiSquared(_ bytes: [UInt8]) -> Double {
        var counts = [Double](repeating: 0, count: 256)
        for byte in bytes { counts[Int(byte)] += 1 }
        let mean = Double(bytes.count) / 256
        return counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) / mean }
    }

    static func failure(_ run: @Sendable () async throws -> Void) async -> PSIFailure? {
        do {
            try await run()
            return nil
        } catch {
            return error as? PSIFailure ?? .closed
        }
    }
}

/// One run with groups, both sides in this process.
struct HeldRun {
    let sets: Sets
    let method: PSIMethod
    let sizes: [Int]

    init(_ sets: Sets, _ method: PSIMethod, groups: Int) {
        self.sets = sets
        self.method = method
        sizes = Self.sizes(sets.sender.count, groups)
    }

    /// Unequal groups that add up.
    static func sizes(_ count: Int, _ groups: Int) -> [Int] {
        (0..<groups).map {
            $0 == groups - 1 ? count - (groups - 1) * (count / (groups + 1)) : count / (groups + 1)
        }
    }

    private var expected: [[Int]] {
        let mine = Set(sets.receiver)
        var start = 0
        return sizes.map { size in
            defer { start += size }
            return (start..<start + size).filter { mine.contains(sets.sender[$0]) }
        }
    }

    func play() async throws -> (HeldMatch, AskedMatch, [[Int]]) {
        let plan = try sets.plan(method, .held)
        let (left, right) = MemoryLink.pair()
        async let asked: AskedMatch = {
            var random = SeededRandom(seed: 1)
            return try await PSIParty(plan, left).ask(sets.sender, groupSizes: sizes, using: &random)
        }()
        var random = SeededRandom(seed: 2)
        let held = try await PSIParty(plan, right).hold(sets.receiver, using: &random)
        return (held, try await asked, expected)
    }

    func playSums(_ amounts: [Int64], _ share: JointKeyShare) async throws -> (HeldSums, [[Int]]) {
        let plan = try sets.plan(method, .heldSum)
        let (left, right) = MemoryLink.pair()
        async let asked: AskedMatch = {
            var random = SeededRandom(seed: 1)
            return try await PSIParty(plan, left).ask(
                sets.sender, groupSizes: sizes, share: share, using: &random)
        }()
        var random = SeededRandom(seed: 2)
        let held = try await PSIParty(plan, right).holdSums(sets.receiver, amounts: amounts, using: &random)
        _ = try await asked
        return (held, expected)
    }
}
