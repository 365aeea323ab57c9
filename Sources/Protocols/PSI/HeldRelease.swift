// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/private-match.md, "Between nodes" and "Trying it": a held match whose holder releases at once.
// Adversary, secrets, leaks, timing: as HeldMatch. The threshold is the plan's; what is below it is not told, nor opened.
// Vectors: runs against plain sums in Tests/PSITests.

package import Oblivious

/// What the asker of a held match is told of one of its groups.
package struct ReleasedGroup: Hashable, Sendable {
    /// `nil` below the plan's threshold.
    package let count: Int?
    /// `nil` where nothing is summed, or below the threshold.
    package let sum: Int64?

    package init(count: Int?, sum: Int64?) { (self.count, self.sum) = (count, sum) }
}

extension PSIParty {
    /// The holder's side without a valve: counts, and tells the asker what reaches the threshold.
    ///
    /// - Parameter amounts: under `heldSum` one value an item.
    /// - Returns: the counts of the asker's groups, and the transcript.
    package func holdAndRelease(
        _ items: [Block], amounts: [Int64]?, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> HeldMatch {
        var held: HeldMatch
        var ciphers: [[UInt8]?] = []
        if let amounts {
            let sums = try await holdSums(items, amounts: amounts, using: &generator)
            held = sums.match
            let isTold = held.counts.map { $0 >= plan.threshold }
            ciphers = sums.released(noise: isTold.map { _ in 0 }, isTold: isTold, using: &generator)
        } else {
            held = try await hold(items, using: &generator)
        }
        do throws(PSIFailure) {
            let told = held.counts.map { $0 >= plan.threshold ? $0 : Self.untold }
            try await channel.send(.amounts, Amounts.bytes(told))
            if amounts != nil { try await channel.send(.ciphers, ciphers.flatMap { $0 ?? [] }) }
            try await channel.confirm(nil)
        } catch {
            await channel.refuse(error)
            throw error
        }
        held = HeldMatch(
            places: held.places, transcript: channel.transcript, bytesSent: channel.bytesSent,
            bytesReceived: channel.bytesReceived)
        return held
    }

    /// The asker's side of it.
    ///
    /// - Parameter most: under `heldSum` the largest magnitude that one item's value has.
    package func askAndOpen(
        _ items: [Block], groupSizes: [Int], most: Int64?, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> (groups: [ReleasedGroup], asked: AskedMatch) {
        let share = most.map { _ in JointKeyShare(using: &generator) }
        _ = try await ask(items, groupSizes: groupSizes, share: share, using: &generator)
        do throws(PSIFailure) {
            let bytes = try await channel.receive(.amounts, count: 4 * groupSizes.count)
            let counts = Amounts.numbers(bytes).map { $0 == Self.untold ? nil : $0 }
            var groups = counts.map { ReleasedGroup(count: $0, sum: nil) }
            if let share, let most {
                groups = try opened(try await releasedCiphers(counts), counts, share, most)
            }
            try await channel.confirm(nil)
            let asked = AskedMatch(
                transcript: channel.transcript, bytesSent: channel.bytesSent,
                bytesReceived: channel.bytesReceived)
            return (groups, asked)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    private static var untold: Int { 0xFFFF_FFFF }

    private func releasedCiphers(_ counts: [Int?]) async throws(PSIFailure) -> [[UInt8]] {
        let width = JointCipher.byteCount
        let told = counts.filter { $0 != nil }.count
        let bytes = try await channel.receive(.ciphers, count: width * told)
        return (0..<told).map { Array(bytes[$0 * width..<($0 + 1) * width]) }
    }

    private func opened(
        _ ciphers: [[UInt8]], _ counts: [Int?], _ share: JointKeyShare, _ most: Int64
    ) throws(PSIFailure) -> [ReleasedGroup] {
        var rest = ciphers[...]
        var groups: [ReleasedGroup] = []
        for count in counts {
            guard let count, let cipher = rest.popFirst() else {
                groups.append(ReleasedGroup(count: nil, sum: nil))
                continue
            }
            // A count of matches is at most the group's size, so this bound holds for honest sums.
            let (bound, isOver) = most.multipliedReportingOverflow(by: Int64(count))
            guard !isOver, bound <= JointKeyShare.sumMost, let sum = share.open(cipher, most: bound) else {
                throw .tooLarge
            }
            groups.append(ReleasedGroup(count: count, sum: sum))
        }
        return groups
    }
}
