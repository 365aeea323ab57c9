// SPDX-License-Identifier: Apache-2.0

import Oblivious
import PSI
import Primitives
import Testing

@Suite("A few keys against many")
struct UnbalancedTests {
    @Test(
        "the small side's output is the intersection: empty, disjoint, equal, one item, skewed",
        arguments: [(0, 5, 0), (5, 0, 0), (1, 1, 1), (1, 1, 0), (10, 10, 10), (3, 2000, 2), (200, 3000, 77)])
    func exact(size: (receiver: Int, sender: Int, common: Int)) async throws {
        let sets = Sets(receiver: size.receiver, sender: size.sender, common: size.common)
        var encoding = try await Self.encoding(sets.sender)
        let (result, _, answered) = try await Self.play(sets, &encoding, knowing: nil)
        #expect(result.matched == sets.expectedByReceiver)
        #expect(answered.matched == nil)
        #expect(result.transcript == answered.transcript)
    }

    @Test(
        "an encoding is made once: the second request carries 64 bytes a small item and no more of the large side"
    )
    func reused() async throws {
        let sets = Sets(receiver: 50, sender: 5000, common: 20)
        var encoding = try await Self.encoding(sets.sender)
        let (first, tags, _) = try await Self.play(sets, &encoding, knowing: nil)
        let (second, same, _) = try await Self.play(sets, &encoding, knowing: tags)
        #expect(first.matched == second.matched && second.matched == sets.expectedByReceiver)
        #expect(same.version == tags.version)
        #expect(first.bytesReceived > 5000 * tags.byteCount)
        #expect(second.bytesReceived < 50 * 32 + 400 && second.bytesSent < 50 * 32 + 400)
        #expect(encoding.evaluated == 100)
    }

    @Test("under a new key all tags are others, and a side that knows the old ones is sent the new")
    func rekeyed() async throws {
        let sets = Sets(receiver: 30, sender: 400, common: 10)
        var old = try await Self.encoding(sets.sender, seed: 1)
        var new = try await Self.encoding(sets.sender, seed: 2)
        let (_, tags, _) = try await Self.play(sets, &old, knowing: nil)
        let (result, fresh, _) = try await Self.play(sets, &new, knowing: tags)
        #expect(result.matched == sets.expectedByReceiver)
        #expect(fresh.version != tags.version)
        let width = tags.byteCount
        let values = { (tags: OPRFTags) in
            Set(
                stride(from: 0, to: tags.content.count, by: width).map {
                    Array(tags.content[$0..<$0 + width])
                })
        }
        #expect(values(tags).isDisjoint(with: values(fresh)))
    }

    @Test("an encoding serves its own set until it is old or used up")
    func schedule() async throws {
        let sets = Sets(receiver: 1, sender: 10, common: 1)
        let encoding = try await Self.encoding(sets.sender)
        let day: Int64 = 86_400_000_000
        let source = Digest(of: "set")
        let serves = { (source: Digest, count: Int, now: Int64) in
            encoding.serves(source, count: count, atMicroseconds: now, keptFor: .seconds(30 * 86_400))
        }
        #expect(serves(source, 1000, 29 * day))
        #expect(!serves(source, 1000, 30 * day))
        #expect(!serves(Digest(of: "other"), 1000, 0))
        #expect(!serves(source, OPRFEncoding.evaluationsMax + 1, 0))
    }

    @Test("a kept encoding reads back whole; one that is damaged is not used")
    func kept() async throws {
        let sets = Sets(receiver: 20, sender: 300, common: 20)
        let made = try await Self.encoding(sets.sender)
        var read = try #require(OPRFEncoding(secretBytes: made.secretBytes))
        #expect(try await Self.play(sets, &read, knowing: nil).result.matched == sets.expectedByReceiver)
        for place in [0, 200, made.secretBytes.count - 1] {
            var bytes = made.secretBytes
            bytes[place] ^= 1
            #expect(OPRFEncoding(secretBytes: bytes) == nil, "byte \(place)")
        }
        #expect(OPRFEncoding(secretBytes: Array(made.secretBytes.prefix(140))) == nil)
    }

    @Test("S62: neither side's keys stand in an unbalanced match's messages, nor among the kept tags")
    func canary() async throws {
        let sets = Sets(receiver: 40, sender: 60, common: 20)
        var encoding = try await Self.encoding(sets.sender)
        let plan = try sets.plan(.unbalanced, .rowsToReceiver)
        let (left, right) = MemoryLink.pair()
        let (first, second) = (RecordingLink(left), RecordingLink(right))
        var random = SeededRandom(seed: 5)
        async let mine = Self.receive(plan, sets.receiver, nil, over: second)
        _ = try await PSIParty(plan, first).evaluate(&encoding, using: &random)
        _ = try await mine
        let traffic = Set(
            (first.sent + second.sent).flatMap { message in
                message.indices.dropLast(7).map { Array(message[$0..<$0 + 8]) }
            })
        for item in sets.receiver + sets.sender {
            #expect(!traffic.contains(Array(item.littleEndian.prefix(8))))
        }
    }

    private static func encoding(_ items: [Block], seed: UInt64 = 3) async throws -> OPRFEncoding {
        var random = SeededRandom(seed: seed)
        return try await OPRFEncoding(
            of: items, source: Digest(of: "set"), madeAtMicroseconds: 0, threads: 2, using: &random)
    }

    private static func play(
        _ sets: Sets, _ encoding: inout OPRFEncoding, knowing: OPRFTags?
    ) async throws -> (result: PSIResult, tags: OPRFTags, answered: PSIResult) {
        let plan = try sets.plan(.unbalanced, .rowsToReceiver)
        let (left, right) = MemoryLink.pair()
        var random = SeededRandom(seed: 9)
        async let mine = receive(plan, sets.receiver, knowing, over: right)
        let answered = try await PSIParty(plan, left).evaluate(&encoding, using: &random)
        let (result, tags) = try await mine
        return (result, tags, answered)
    }

    private static func receive(
        _ plan: PSIPlan, _ items: [Block], _ known: OPRFTags?, over link: any PSILink
    ) async throws -> (PSIResult, OPRFTags) {
        var random = SeededRandom(seed: 11)
        let (result, tags) = try await PSIParty(plan, link).receive(items, knowing: known, using: &random)
        return (result, tags)
    }
}

@Suite("Counts and sums between two processes")
struct ReleaseTests {
    @Test("S93: the asker learns number and sum of each group from the minimum on, and nothing below it")
    func threshold() async throws {
        let sets = Sets(receiver: 60, sender: 50, common: 25)
        let amounts = sets.receiver.indices.map { Int64($0 * 37 % 101) - 20 }
        let sizes = [30, 15, 5]
        let byKey = Dictionary(uniqueKeysWithValues: zip(sets.receiver, amounts))
        var start = 0
        let pooled = sizes.map { size -> (Int, Int64) in
            defer { start += size }
            let values = sets.sender[start..<start + size].compactMap { byKey[$0] }
            return (values.count, values.reduce(0, +))
        }
        let minimum = pooled.map(\.0).sorted()[1]
        let plan = try PSIPlan(
            method: .ecdh, output: .heldSum, recipe: KeyRecipe().digest, receiverCount: 60, senderCount: 50,
            threshold: minimum)
        let (left, right) = MemoryLink.pair()
        async let held = Self.hold(plan, sets.receiver, amounts, over: left)
        var random = SeededRandom(seed: 4)
        let (groups, asked) = try await PSIParty(plan, right).askAndOpen(
            sets.sender, groupSizes: sizes, most: 101, using: &random)
        for (group, truth) in zip(groups, pooled) {
            let isTold = truth.0 >= minimum
            #expect(group == ReleasedGroup(count: isTold ? truth.0 : nil, sum: isTold ? truth.1 : nil))
        }
        #expect(groups.contains { $0.count == nil } && groups.contains { $0.count != nil })
        let theirs = try await held
        #expect(theirs.counts == pooled.map(\.0), "both sides count alike")
        #expect(theirs.transcript == asked.transcript)
    }

    private static func hold(
        _ plan: PSIPlan, _ items: [Block], _ amounts: [Int64], over link: any PSILink
    ) async throws -> HeldMatch {
        var random = SeededRandom(seed: 2)
        return try await PSIParty(plan, link).holdAndRelease(items, amounts: amounts, using: &random)
    }
}
