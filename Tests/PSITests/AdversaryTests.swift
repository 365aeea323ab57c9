// SPDX-License-Identifier: Apache-2.0

import Curves
import Oblivious
import PSI
import Primitives
import Synchronization
import Testing

@Suite("Private match against cheats and faults")
struct AdversaryTests {
    @Test(
        "a message altered, cut, repeated or out of order ends in a typed refusal, never in a result",
        arguments: [PSIMethod.ecdh, .rr22, .rr22Malicious], Fault.allCases)
    func faults(method: PSIMethod, fault: Fault) async throws {
        let sets = Sets(receiver: 40, sender: 30, common: 10)
        let plan = try sets.plan(method, .rowsToReceiver)
        for number in 0..<6 {
            let (left, right) = MemoryLink.pair()
            let faulty = FaultyLink(left, fault, at: number)
            async let answer = outcome { try await PSIRun.send(plan, sets.sender, over: faulty, seed: 2) }
            let mine = await outcome { try await PSIRun.receive(plan, sets.receiver, over: right, seed: 1) }
            right.close()
            _ = await answer
            // The fault is in what the sender says: the receiver must notice, or have ended before it.
            guard faulty.wasReached else { continue }
            switch mine {
            case .success(let result):
                // A repeated last message comes after the run is over.
                #expect(fault == .repeated && result.matched == sets.expectedByReceiver)
            case .failure(let failure):
                #expect(Self.expected.contains(failure), "\(method) \(fault) at \(number)")
            }
        }
    }

    private static let expected: Set<PSIFailure> = [
        .altered, .malformed, .closed, .unexpectedMessage, .differentPlans, .refusedByPeer(.altered),
        .refusedByPeer(.malformed), .refusedByPeer(.closed),
    ]

    private func outcome(
        _ run: @Sendable () async throws -> PSIResult
    ) async -> Result<PSIResult, PSIFailure> {
        do {
            return .success(try await run())
        } catch {
            return .failure(error as? PSIFailure ?? .closed)
        }
    }

    @Test("sides with different plans, or in the same role, refuse each other before any item is used")
    func plans() async throws {
        let sets = Sets(receiver: 5, sender: 5, common: 2)
        let (left, right) = MemoryLink.pair()
        let (mine, theirs) = (try sets.plan(.ecdh, .rowsToReceiver), try sets.plan(.ecdh, .rowsToBoth))
        async let answer = outcome { try await PSIRun.send(theirs, sets.sender, over: left, seed: 1) }
        let result = await outcome { try await PSIRun.receive(mine, sets.receiver, over: right, seed: 2) }
        for side in [result, await answer] {
            guard case .failure(let failure) = side else {
                Issue.record("a run with two plans gave a result")
                continue
            }
            #expect([.differentPlans, .refusedByPeer(.differentPlans)].contains(failure))
        }
    }

    @Test("random bytes from a peer end in a typed refusal")
    func fuzz() async throws {
        var random = SeededRandom(seed: 99)
        let sets = Sets(receiver: 9, sender: 9, common: 3)
        for method in [PSIMethod.ecdh, .rr22, .rr22Malicious] {
            let plan = try sets.plan(method, .rowsToReceiver)
            for _ in 0..<20 {
                let (left, right) = MemoryLink.pair()
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    let count = Int.random(in: 0...200, using: &random)
                    try await left.send((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
                }
                let result = await outcome {
                    try await PSIRun.receive(plan, sets.receiver, over: right, seed: 3)
                }
                if case .success = result { Issue.record("random bytes were taken for a match") }
            }
        }
    }

    @Test("the malicious protocol sees a receiver whose choices differ from column to column")
    func inconsistentChoices() throws {
        var random = SeededRandom(seed: 5)
        let run = try VOLERun(&random)
        var correction = run.receiver.correction
        let width = correction.count / 128
        for column in 0..<64 { correction[column * width] ^= 1 }  // 64 guesses of Δ at once
        let sender = VOLESender(
            count: VOLERun.count, delta: run.delta, keys: run.keys, correction: correction, using: &random)
        let seed = Block.random(using: &random)
        #expect(!sender.verifiesExtension(run.receiver.extensionProof(seed: seed), seed: seed))
    }

    @Test("the malicious protocol sees a sender that alters one tree")
    func alteredTree() throws {
        var random = SeededRandom(seed: 6)
        let run = try VOLERun(&random)
        let sender = VOLESender(
            count: VOLERun.count, delta: run.delta, keys: run.keys, correction: run.receiver.correction,
            using: &random)
        var trees = sender.trees
        trees[trees.count - 1] ^= 1
        run.receiver.plant(trees: trees)
        let point = Block.random(using: &random)
        let proof = run.receiver.treeProof(at: point)
        #expect(sender.treeProof(at: point, revealed: proof.revealed) != proof.expected)
    }

    @Test("masked values all lie on the curve: no bit tells two items apart (peers' defect 2)")
    func noTwistBit() {
        var random = SeededRandom(seed: 8)
        let items = (0..<200).map { _ in Block.random(using: &random) }
        let scalar = Curve25519Group.scalar(using: &random)
        let masked = Curve25519Group.mask(items, by: scalar)
        for start in stride(from: 0, to: masked.count, by: 32) {
            let u = Field25519(littleEndian: masked[start..<start + 32])
            let right = u * (u.squared + Field25519(small: 486_662) * u + .one)
            #expect(right.legendre.littleEndian == Field25519.one.littleEndian)
        }
    }

    @Test("the encoding a sender sees is uniform whatever the receiver holds: no byte is biased")
    func uniformEncoding() throws {
        var random = SeededRandom(seed: 12)
        let columns = BlockKernels.columns(rows: 2000)
        for items in [0, 2000] {
            let (rows, _) = BlockKernels.sorted(ObliviousTests.random(items, &random))
            let values = ObliviousTests.random(items, &random)
            let store = try #require(
                BlockKernels.encode(
                    rows: rows, values: values, columns: columns, key: Block(1, 2),
                    seed: Block.random(using: &random)))
            var counts = [Int](repeating: 0, count: 256)
            for byte in store.bytes() { counts[Int(byte)] += 1 }
            let mean = Double(columns * 16) / 256
            let chiSquared = counts.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) / mean }
            #expect(chiSquared < 360)  // 255 degrees of freedom: above this with probability 2e-5
        }
    }
}

/// What goes wrong with one message.
enum Fault: CaseIterable, Sendable {
    case flipped, cut, repeated, swapped, closed
}

/// A link that damages one message on its way out.
final class FaultyLink: PSILink {
    private struct State {
        var number = 0
        var held: [UInt8]?
        var wasReached = false
    }
    private let link: MemoryLink
    private let fault: Fault
    private let place: Int
    private let state = Mutex(State())

    init(_ link: MemoryLink, _ fault: Fault, at place: Int) {
        (self.link, self.fault, self.place) = (link, fault, place)
    }

    var wasReached: Bool { state.withLock { $0.wasReached } }

    /// A held message that nothing followed goes out unharmed: its sender now waits for the answer.
    func receive() async throws(PSIFailure) -> [UInt8] {
        let held = state.withLock { state in
            defer { state.held = nil }
            return state.held
        }
        if let held { try await link.send(held) }
        return try await link.receive()
    }

    func send(_ message: [UInt8]) async throws(PSIFailure) {
        let (number, held) = state.withLock { state in
            defer {
                state.number += 1
                state.held = nil
            }
            return (state.number, state.held)
        }
        if let held {
            state.withLock { $0.wasReached = true }
            try await link.send(message)
            return try await link.send(held)
        }
        guard number == place else { return try await link.send(message) }
        state.withLock { $0.wasReached = fault != .swapped }
        switch fault {
        case .flipped:
            var damaged = message
            damaged[damaged.count / 2] ^= 4
            try await link.send(damaged)
        case .cut: try await link.send(Array(message.dropLast()))
        case .repeated:
            try await link.send(message)
            try await link.send(message)
        case .swapped: state.withLock { $0.held = message }
        case .closed: link.close()
        }
    }
}

/// A silent VOLE up to the receiver's correction.
private struct VOLERun {
    static let count = 8192
    let delta: Block
    let keys: [Block]
    let receiver: VOLEReceiver

    init(_ random: inout SeededRandom) throws {
        delta = Block.random(using: &random)
        let base = BaseTransfer.Sender(using: &random)
        let answer = try #require(
            BaseTransfer.Receiver(choices: delta, message: base.message, using: &random))
        keys = answer.keys
        receiver = VOLEReceiver(
            count: Self.count, keys: try #require(base.keys(answer: answer.answer)), using: &random)
    }
}
