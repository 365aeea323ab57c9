// SPDX-License-Identifier: Apache-2.0

import Oblivious
import PSI
import Primitives
import Testing

@Suite("Rows linked in shares")
struct SharedMatchTests {
    @Test(
        "both sides' shares add up to one and the value where a row is linked, and to nothing elsewhere: empty, disjoint, equal, skewed",
        arguments: [
            (0, 5, 0), (5, 0, 0), (1, 1, 0), (1, 1, 1), (10, 10, 10), (300, 1, 1), (1, 300, 1),
            (1000, 700, 333),
        ])
    func shares(size: (receiver: Int, sender: Int, common: Int)) async throws {
        let sets = Sets(receiver: size.receiver, sender: size.sender, common: size.common)
        let run = SharedRun(sets)
        let (mine, theirs, total, count) = try await run.play()
        let links = zip(mine.links, theirs.links).map { $0 &+ $1 }
        let values = zip(mine.values, theirs.values).map { Int64(bitPattern: $0 &+ $1) }
        let byKey = Dictionary(uniqueKeysWithValues: zip(sets.sender, run.values))
        #expect(mine.places.count == size.receiver && Set(mine.places).count == size.receiver)
        #expect(theirs.places.isEmpty, "which bin an item is in, the answering side is not told")
        for (item, bin) in mine.places.enumerated() {
            #expect((links[bin], values[bin]) == (byKey[sets.receiver[item]].map { (1, $0) } ?? (0, 0)))
        }
        let used = Set(mine.places)
        #expect(links.indices.allSatisfy { used.contains($0) || (links[$0], values[$0]) == (0, 0) })
        let sum = sets.receiver.compactMap { byKey[$0] }.reduce(0, +)
        #expect((total?.count, total?.sum) == (size.common, sum) && count == size.common)
        #expect(mine.transcript == theirs.transcript)
    }

    @Test("one side's shares alone are uniform: neither says which row is linked")
    func uniform() async throws {
        let (mine, theirs, _, _) = try await SharedRun(Sets(receiver: 1000, sender: 1000, common: 500)).play()
        for words in [mine.links, mine.values, theirs.links, theirs.values] {
            #expect(Set(words).count == words.count, "no share comes twice")
            for bit in 0..<64 as Range<UInt64> {
                let ones = words.count { $0 >> bit & 1 == 1 }
                // Of 1556 bits: six standard deviations.
                #expect(abs(ones - words.count / 2) < 120, "bit \(bit): \(ones)")
            }
        }
    }

    @Test("below the threshold neither the count nor the sum is told to the side that asks")
    func threshold() async throws {
        for (threshold, isTold) in [(20, true), (21, false)] {
            let run = SharedRun(Sets(receiver: 50, sender: 40, common: 20), threshold: threshold)
            let (_, _, total, count) = try await run.play()
            #expect((total != nil) == isTold && count == 20)
        }
    }

    @Test(
        "any one message altered or lost ends in a named refusal on the side that was to read it",
        arguments: [false, true])
    func altered(isSender: Bool) async throws {
        let run = SharedRun(Sets(receiver: 20, sender: 30, common: 9))
        var damaged = 0
        for number in 0..<24 {
            let (left, right) = MemoryLink.pair()
            let faulty = FaultyLink(isSender ? left : right, number % 3 == 2 ? .cut : .flipped, at: number)
            async let theirs = SharedRun.outcome {
                defer { left.close() }
                _ = try await run.send(over: isSender ? faulty : left)
            }
            let mine = await SharedRun.outcome {
                defer { right.close() }
                _ = try await run.receive(over: isSender ? right : faulty)
            }
            let other = await theirs
            guard faulty.wasReached else { break }
            damaged += 1
            let victim = isSender ? mine : other
            #expect(
                [.altered, .malformed].contains(victim),
                "message \(number): \(victim.map { "\($0)" } ?? "a result")")
        }
        #expect(damaged >= 12, "the protocol has more messages than that: \(damaged)")
    }

    @Test("S62: no key of either side stands in any message of a match into shares")
    func canary() async throws {
        let sets = Sets(receiver: 40, sender: 60, common: 20)
        let (left, right) = MemoryLink.pair()
        let (first, second) = (RecordingLink(left), RecordingLink(right))
        let run = SharedRun(sets)
        async let mine = run.receive(over: second)
        _ = try await run.send(over: first)
        _ = try await mine
        let keys = Set((sets.receiver + sets.sender).map { Array($0.littleEndian.prefix(8)) })
        for message in first.sent + second.sent {
            for place in message.indices.dropLast(7) {
                if keys.contains(Array(message[place..<place + 8])) { Issue.record("a key at \(place)") }
            }
        }
    }
}

/// Both sides of one run with seeded randomness.
struct SharedRun: Sendable {
    let sets: Sets
    let values: [Int64]
    private let plan: PSIPlan?

    init(_ sets: Sets, threshold: Int = 0) {
        self.sets = sets
        values = sets.sender.indices.map { Int64($0 * 977 % 1009) - 300 }
        plan = try? PSIPlan(
            method: .rr22, output: .shares, recipe: KeyRecipe().digest, receiverCount: sets.receiver.count,
            senderCount: sets.sender.count, threshold: threshold)
    }

    func play() async throws -> (SharedRows, SharedRows, OpenedTotal?, Int) {
        let (left, right) = MemoryLink.pair()
        async let theirs = send(over: left)
        let (mine, total) = try await receive(over: right)
        let (answered, count) = try await theirs
        return (mine, answered, total, count)
    }

    func receive(over link: any PSILink) async throws -> (SharedRows, OpenedTotal?) {
        var random = SeededRandom(seed: 1)
        let party = PSIParty(try #require(plan), link)
        let shares = try await party.shareRows(sets.receiver, using: &random)
        return (shares, try await party.openTotal(of: shares))
    }

    func send(over link: any PSILink) async throws -> (SharedRows, Int) {
        var random = SeededRandom(seed: 2)
        let party = PSIParty(try #require(plan), link)
        let shares = try await party.shareRows(sets.sender, values: values, using: &random)
        return (shares, try await party.releaseTotal(of: shares))
    }

    /// How a side ended; `nil` when it had a result.
    static func outcome(_ run: @Sendable () async throws -> Void) async -> PSIFailure? {
        do {
            try await run()
            return nil
        } catch {
            return error as? PSIFailure ?? .closed
        }
    }
}
