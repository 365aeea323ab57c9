// SPDX-License-Identifier: Apache-2.0

import Oblivious
import PSI
import Primitives
import Testing

/// Every message of a protocol with a kept or hidden state, damaged in every way, in both directions.
@Suite("Altered messages: unbalanced matches and sums")
struct UnbalancedFaultTests {
    private static let refusals: Set<PSIFailure> = [
        .altered, .malformed, .closed, .unexpectedMessage, .differentPlans, .outputsDiffer,
        .refusedByPeer(.altered), .refusedByPeer(.malformed), .refusedByPeer(.closed),
        .refusedByPeer(.unexpectedMessage), .refusedByPeer(.differentPlans), .refusedByPeer(.outputsDiffer),
    ]

    @Test(
        "an unbalanced match with any one message altered, cut, repeated, swapped or lost ends in a named refusal or its right result",
        arguments: Fault.allCases, [false, true])
    func unbalanced(fault: Fault, isLargeSide: Bool) async throws {
        let sets = Sets(receiver: 20, sender: 60, common: 9)
        let plan = try sets.plan(.unbalanced, .rowsToReceiver)
        let made = try await Self.encoding(sets.sender)
        var damaged = 0
        // The small side's hello, version, points and confirmation; the large side's, and the encoding between.
        for number in 0..<6 {
            let (left, right) = MemoryLink.pair()
            let faulty = FaultyLink(isLargeSide ? left : right, fault, at: number)
            async let theirs = Self.outcome {
                defer { left.close() }
                return try await Self.evaluate(plan, made, over: isLargeSide ? faulty : left)
            }
            let mine = await Self.outcome {
                defer { right.close() }
                return try await Self.receive(plan, sets.receiver, over: isLargeSide ? right : faulty)
            }
            let other = await theirs
            guard faulty.wasReached else { continue }
            damaged += 1
            try Self.hold(mine, is: sets.expectedByReceiver, "\(fault) at \(number)")
            try Self.hold(other, is: nil, "\(fault) at \(number)")
            // A side that had not yet heard everything never takes a damaged run for a result.
            if number < 3, fault != .repeated {
                #expect((try? mine.get()) == nil, "\(fault) at \(number)")
            }
        }
        #expect(fault == .swapped || damaged >= 3, "the protocol has at least three messages each way")
    }

    @Test(
        "a match of sums with any one message damaged releases nothing: each side ends in a named refusal",
        arguments: [Fault.flipped, .cut, .closed], [false, true])
    func sums(fault: Fault, isHolder: Bool) async throws {
        let sets = Sets(receiver: 12, sender: 10, common: 5)
        let plan = try sets.plan(.ecdh, .heldSum)
        let amounts = sets.receiver.indices.map { Int64($0) }
        let share = JointKeyShare(seed: (0..<64).map { UInt8($0) })
        var damaged = 0
        for number in 0..<7 {
            let (left, right) = MemoryLink.pair()
            let faulty = FaultyLink(isHolder ? left : right, fault, at: number)
            async let holder = Self.outcome {
                defer { left.close() }
                return try await Self.hold(plan, sets.receiver, amounts, over: isHolder ? faulty : left)
            }
            let asked = await Self.outcome {
                defer { right.close() }
                return try await Self.ask(plan, sets.sender, share, over: isHolder ? right : faulty)
            }
            let held = await holder
            guard faulty.wasReached else { continue }
            damaged += 1
            // Whose message was damaged may have heard all it needed; the other one cannot have.
            let victim = isHolder ? asked : held
            guard case .failure(let failure) = victim else {
                Issue.record("\(fault) at \(number) was taken for a run")
                continue
            }
            #expect(Self.refusals.contains(failure), "\(fault) at \(number): \(failure)")
        }
        #expect(damaged >= 4)
    }

    /// A result is the right one or a named refusal.
    private static func hold(
        _ outcome: Result<[Int]?, PSIFailure>, is expected: [Int]?, _ place: Comment
    ) throws {
        switch outcome {
        case .success(let matched): #expect(matched == expected, place)
        case .failure(let failure): #expect(refusals.contains(failure), "\(place): \(failure)")
        }
    }

    private static func outcome(
        _ run: @Sendable () async throws -> [Int]?
    ) async -> Result<[Int]?, PSIFailure> {
        do {
            return .success(try await run())
        } catch let failure as PSIFailure {
            return .failure(failure)
        } catch {
            Issue.record("an error without a name: \(error)")
            return .failure(.closed)
        }
    }

    private static func encoding(_ items: [Block]) async throws -> OPRFEncoding {
        var random = SeededRandom(seed: 3)
        return try await OPRFEncoding(
            of: items, source: Digest(of: "set"), madeAtMicroseconds: 0, threads: 1, using: &random)
    }

    private static func evaluate(
        _ plan: PSIPlan, _ made: OPRFEncoding, over link: any PSILink
    ) async throws -> [Int]? {
        var (encoding, random) = (made, SeededRandom(seed: 9))
        return try await PSIParty(plan, link).evaluate(&encoding, using: &random).matched
    }

    private static func receive(
        _ plan: PSIPlan, _ items: [Block], over link: any PSILink
    ) async throws -> [Int]? {
        var random = SeededRandom(seed: 11)
        return try await PSIParty(plan, link).receive(items, knowing: nil, using: &random).result.matched
    }

    private static func hold(
        _ plan: PSIPlan, _ items: [Block], _ amounts: [Int64], over link: any PSILink
    ) async throws -> [Int]? {
        var random = SeededRandom(seed: 5)
        return try await PSIParty(plan, link).holdSums(items, amounts: amounts, using: &random).match.counts
    }

    private static func ask(
        _ plan: PSIPlan, _ items: [Block], _ share: JointKeyShare, over link: any PSILink
    ) async throws -> [Int]? {
        var random = SeededRandom(seed: 6)
        _ = try await PSIParty(plan, link).ask(
            items, groupSizes: [items.count], share: share, using: &random)
        return nil
    }
}
