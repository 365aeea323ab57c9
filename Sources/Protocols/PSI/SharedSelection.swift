// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/private-match.md, "Questions over linked rows": of rows that lie in shares, the sums over hidden
// groups of the receiver's bins. One silent random transfer a bin and group (TransferSupply), used as a product of the
// receiver's bit with the sender's shares (Gilboa 1999; as SharedMatch, whose steps these are).
// Adversary: semi-honest, either side, here and when the shares were made.
// Secret: which bins each group holds and how many, all shares. Leaks by design: to the sender the number of groups and
// how many rows of each are linked; to the receiver nothing before the sender releases.
// Timing: messages and work depend on the number of bins and groups alone.
// Vectors: opened figures against plain sets in Tests/PSITests.

import Oblivious

/// What the sender knows after a question over shared rows that it has not released yet.
package struct HeldSelection: Sendable {
    /// How many rows of each of the receiver's groups are linked.
    package let counts: [Int]
    /// This side's shares of the groups' sums, mod 2^64.
    private let sums: [UInt64]
    package let transcript: [UInt8]

    fileprivate init(_ counts: [Int], _ sums: [UInt64], _ transcript: [UInt8]) {
        (self.counts, self.sums, self.transcript) = (counts, sums, transcript)
    }

    /// This side's shares of the sums of the chosen groups with noise added: for the asker's eyes alone.
    ///
    /// - Parameters:
    ///   - noise: what is added to each group's sum before anybody can open it.
    ///   - isTold: which groups are released; the others stay hidden for ever.
    package func released(noise: [Int64], isTold: [Bool]) -> [UInt64?] {
        sums.indices.map { isTold[$0] ? sums[$0] &+ UInt64(bitPattern: noise[$0]) : nil }
    }
}

/// What the receiver keeps of a question until the sender releases: its shares of the groups' sums.
package struct AskedSelection: Sendable {
    private let sums: [UInt64]
    package let transcript: [UInt8]

    fileprivate init(_ sums: [UInt64], _ transcript: [UInt8]) {
        (self.sums, self.transcript) = (sums, transcript)
    }

    package var secretBytes: [UInt8] { Words.bytes(sums) }

    package init?(secretBytes: [UInt8], transcript: [UInt8]) {
        guard secretBytes.count.isMultiple(of: 8) else { return nil }
        self.init(Words.numbers(secretBytes), transcript)
    }

    /// A group's sum from what the sender released of it.
    package func open(_ released: UInt64, group: Int) -> Int64? {
        sums.indices.contains(group) ? Int64(bitPattern: sums[group] &+ released) : nil
    }
}

extension PSIParty {
    /// The most groups of one question: each costs as many transfers as there are bins.
    package static var selectedGroupsMax: Int { 64 }

    /// The receiver's side: hidden groups of its own bins.
    ///
    /// - Parameter groups: for each group its bins. Groups that overlap would count a row more than once; the caller
    ///   sees to it that they do not.
    package func select(
        _ groups: [[Int]], of shares: KeptShares, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> AskedSelection {
        do throws(PSIFailure) {
            let steps = try selectionSteps(shares)
            guard (1...Self.selectedGroupsMax).contains(groups.count) else { throw .tooLarge }
            try await channel.shakeHands(plan, isReceiver: true, using: &generator)
            try await channel.send(.amounts, Amounts.bytes([groups.count]))
            var supply = try await TransferChooser(channel, using: &generator)
            var (counts, sums): ([UInt64], [UInt64]) = ([], [])
            for group in groups {
                var bits = [UInt64](repeating: 0, count: steps.bins)
                for bin in group { bits[bin] = 1 }
                let products = try await steps.choose(bits: bits, &supply, &generator)
                var total = products.reduce(Block()) { $0 &+ $1 }
                for bin in group { total = total &+ Block(shares.links[bin], shares.values[bin]) }
                counts.append(total.x)
                sums.append(total.y)
            }
            try await channel.send(.shares, Words.bytes(counts))
            try await channel.confirm(nil)
            return AskedSelection(sums, channel.transcript)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// The sender's side: counts what it is not shown.
    package func holdSelection(
        of shares: KeptShares, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> HeldSelection {
        do throws(PSIFailure) {
            let steps = try selectionSteps(shares)
            try await channel.shakeHands(plan, isReceiver: false, using: &generator)
            let groups = Amounts.numbers(try await channel.receive(.amounts, count: 4))[0]
            guard (1...Self.selectedGroupsMax).contains(groups) else { throw .malformed }
            var supply = try await TransferOfferer(channel, using: &generator)
            let offers = shares.links.indices.map { Block(shares.links[$0], shares.values[$0]) }
            let noBits = [UInt64](repeating: 0, count: steps.bins)
            var own: [Block] = []
            for _ in 0..<groups {
                own.append(
                    try await steps.offer(offers, bits: noBits, &supply, &generator)
                        .reduce(Block()) { $0 &+ $1 })
            }
            let theirs = Words.numbers(try await channel.receive(.shares, count: 8 * groups))
            let counts = zip(own, theirs).map { $0.x &+ $1 }
            // No more rows can be linked than either side has: anything else is a share that was altered.
            let most = UInt64(min(plan.receiverCount, plan.senderCount))
            guard counts.allSatisfy({ $0 <= most }) else { throw .malformed }
            try await channel.confirm(nil)
            return HeldSelection(counts.map { Int($0) }, own.map(\.y), channel.transcript)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    private func selectionSteps(_ shares: KeptShares) throws(PSIFailure) -> SharedSteps {
        guard plan.output == .selection else { throw .notOffered }
        let steps = try SharedSteps(channel, plan)
        guard shares.binCount == steps.bins else { throw .differentPlans }
        return steps
    }
}
