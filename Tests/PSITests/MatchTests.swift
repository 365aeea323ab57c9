// SPDX-License-Identifier: Apache-2.0

import Oblivious
import PSI
import Primitives
import Synchronization
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

    @Test("two sides that send at once more than their link holds both come to an end")
    func bothSend() async throws {
        let (left, right) = MemoryLink.pair()
        let (mine, theirs) = (PSIChannel(left), PSIChannel(right))
        let (long, longer) = ([UInt8](repeating: 1, count: 20 << 20), [UInt8](repeating: 2, count: 21 << 20))
        async let answer = theirs.exchange(.points, longer, count: long.count)
        #expect(try await mine.exchange(.points, long, count: longer.count) == longer)
        #expect(try await answer == long)
        #expect(mine.transcript == theirs.transcript)
    }

    @Test("no size loses a row (peers' defect 1): sizes up to 20,000 in steps, and 10,000 again and again")
    func everySize() async throws {
        for size in Array(stride(from: 1, through: 20_000, by: 1_111)) + [Int](repeating: 10_000, count: 5) {
            let sets = Sets(receiver: size, sender: size, common: size / 2, seed: UInt64(size))
            let plan = try sets.plan(.rr22, .rowsToReceiver)
            let (left, right) = MemoryLink.pair()
            async let theirs = PSIRun.send(plan, sets.sender, over: left, seed: 2)
            let mine = try await PSIRun.receive(plan, sets.receiver, over: right, seed: UInt64(size))
            #expect(mine.matched == sets.expectedByReceiver, "size \(size)")
            #expect(try await theirs.matched == nil)
        }
    }

    @Test(
        "sizes by group: the receiver learns each group's count and not which rows; the sender learns nothing"
    )
    func sizesByGroup() async throws {
        let sets = Sets(receiver: 600, sender: 500, common: 200)
        let plan = try sets.plan(.ecdh, .size)
        let groups = sets.receiver.indices.map { $0 % 3 }
        let (left, right) = MemoryLink.pair()
        async let theirs = PSIRun.send(plan, sets.sender, over: left, seed: 2)
        var random = SeededRandom(seed: 1)
        let mine = try await PSIParty(plan, right).receive(sets.receiver, groups: groups, using: &random)
        let expected = (0..<3).map { group in sets.expectedByReceiver.count { groups[$0] == group } }
        #expect(mine.counts == expected)
        #expect(mine.matched == nil)
        let answer = try await theirs
        #expect(answer.matched == nil && answer.counts == nil)
    }

    @Test("ristretto255 and SM2 give the same rows and counts", arguments: [PSIMethod.ristretto, .sm2])
    func otherGroups(method: PSIMethod) async throws {
        let sets = Sets(receiver: 30, sender: 40, common: 12)
        let rows = try sets.plan(method, .rowsToBoth)
        let (left, right) = MemoryLink.pair()
        async let theirs = PSIRun.send(rows, sets.sender, over: left, seed: 2)
        #expect(
            try await PSIRun.receive(rows, sets.receiver, over: right, seed: 1).matched
                == sets.expectedByReceiver)
        #expect(try await theirs.matched == sets.expectedBySender)
        let size = try sets.plan(method, .size)
        async let answer = PSIRun.send(size, sets.sender, over: left, seed: 2)
        #expect(try await PSIRun.receive(size, sets.receiver, over: right, seed: 1).counts == [12])
        _ = try await answer
    }

    @Test("an output a method cannot give without showing more is refused in the plan")
    func notOffered() throws {
        let sets = Sets(receiver: 1, sender: 1, common: 0)
        #expect(throws: PSIFailure.notOffered) { try sets.plan(.rr22, .size) }
    }

    @Test("S62: no key of either side stands in any message, in the clear or as its digest")
    func canary() async throws {
        let sets = Sets(receiver: 50, sender: 50, common: 20)
        for method in [PSIMethod.ecdh, .rr22, .rr22Malicious] {
            let plan = try sets.plan(method, .rowsToReceiver)
            let (left, right) = MemoryLink.pair()
            let (first, second) = (RecordingLink(left), RecordingLink(right))
            async let theirs = PSIRun.send(plan, sets.sender, over: first, seed: 2)
            _ = try await PSIRun.receive(plan, sets.receiver, over: second, seed: 1)
            _ = try await theirs
            let traffic = Set(
                (first.sent + second.sent).flatMap { message in
                    message.indices.dropLast(7).map { Array(message[$0..<$0 + 8]) }
                })
            for item in sets.receiver + sets.sender {
                #expect(!traffic.contains(Array(item.littleEndian.prefix(8))))
            }
        }
    }
}

/// A link that keeps what it sent.
final class RecordingLink: PSILink {
    private let link: MemoryLink
    private let messages = Mutex<[[UInt8]]>([])

    init(_ link: MemoryLink) { self.link = link }

    var sent: [[UInt8]] { messages.withLock { $0 } }
    func receive() async throws(PSIFailure) -> [UInt8] { try await link.receive() }
    func send(_ message: [UInt8]) async throws(PSIFailure) {
        messages.withLock { $0.append(message) }
        try await link.send(message)
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
