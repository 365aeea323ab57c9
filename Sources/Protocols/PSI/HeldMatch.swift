// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/private-match.md, "Between nodes". Meadows 1986 with the tags of one side shuffled by the other
// (De Cristofaro, Gasti, Tsudik 2012, "Fast and private computation of cardinality", roles as named here).
// Adversary: semi-honest, either side; DDH in the group, hash as random oracle. An asker that deviates can only make
// the holder count other things: it never sees both sets' tags.
// Secret: both scalars (fresh each run), all items. Leaks by design: both set sizes; to the holder the sizes of the
// asker's groups and how many of each match. The asker learns nothing but what the holder then releases.
// Timing: group operations are constant-time; tags are compared after they are public to the holder.
// Vectors: runs against plain sets, and simulated views, in Tests/PSITests.

import Crypto
package import Oblivious

/// What the holder knows after a match that it has not released yet.
package struct HeldMatch: Sendable {
    /// For each of the asker's groups, which places of the asker's own order match. What lies behind a place is known
    /// to the asker alone.
    package let places: [[Int]]
    package let transcript: [UInt8]
    package let bytesSent: Int
    package let bytesReceived: Int

    package var counts: [Int] { places.map(\.count) }
}

/// What the asker knows then: that both sides saw the same messages.
package struct AskedMatch: Sendable {
    package let transcript: [UInt8]
    package let bytesSent: Int
    package let bytesReceived: Int
}

extension PSIParty {
    /// The most groups an asker may form: each group's size is told to the holder.
    package static var groupCountMax: Int { 1 << 16 }

    /// Runs the holder's side (the plan's receiver).
    ///
    /// - Parameter items: distinct digests, as many as the plan's `receiverCount`.
    package func hold(
        _ items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> HeldMatch {
        precondition(items.count == plan.receiverCount, "the plan names this side's count")
        do throws(PSIFailure) {
            try await channel.shakeHands(plan, isReceiver: true, using: &generator)
            let places =
                switch plan.method {
                case .ecdh: try await HeldSteps<Curve25519Group>(channel, plan).hold(items, &generator)
                case .ristretto: try await HeldSteps<RistrettoGroup>(channel, plan).hold(items, &generator)
                case .sm2, .rr22, .rr22Malicious, .unbalanced: throw PSIFailure.notOffered
                }
            try await channel.confirm(nil)
            return HeldMatch(
                places: places, transcript: channel.transcript, bytesSent: channel.bytesSent,
                bytesReceived: channel.bytesReceived)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// Runs the asker's side (the plan's sender).
    ///
    /// - Parameters:
    ///   - items: distinct digests in an order that the holder cannot know, group after group.
    ///   - groupSizes: how many items each group has; one group for all is `[items.count]`.
    package func ask(
        _ items: [Block], groupSizes: [Int], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> AskedMatch {
        precondition(items.count == plan.senderCount, "the plan names this side's count")
        precondition(groupSizes.reduce(0, +) == items.count, "each item lies in one group")
        do throws(PSIFailure) {
            try await channel.shakeHands(plan, isReceiver: false, using: &generator)
            switch plan.method {
            case .ecdh:
                try await HeldSteps<Curve25519Group>(channel, plan).ask(items, groupSizes, &generator)
            case .ristretto:
                try await HeldSteps<RistrettoGroup>(channel, plan).ask(items, groupSizes, &generator)
            case .sm2, .rr22, .rr22Malicious, .unbalanced: throw PSIFailure.notOffered
            }
            try await channel.confirm(nil)
            return AskedMatch(
                transcript: channel.transcript, bytesSent: channel.bytesSent,
                bytesReceived: channel.bytesReceived)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }
}

/// The messages of a held match in one group.
private struct HeldSteps<Group: MatchGroup> {
    let channel: PSIChannel
    let plan: PSIPlan

    init(_ channel: PSIChannel, _ plan: PSIPlan) {
        (self.channel, self.plan) = (channel, plan)
    }

    func hold(
        _ items: [Block], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> [[Int]] {
        let sizes = try await groupSizes()
        let points = try await channel.receive(.points, count: 32 * plan.senderCount)
        let scalar = Group.scalar(using: &generator)
        try await channel.send(.points, Group.mask(items.shuffled(using: &generator), by: scalar))
        guard let masked = Group.multiply(points, by: scalar) else { throw .malformed }
        let theirs = PointTags.tags(masked, byteCount: plan.tagByteCount)
        // One item sent twice would count twice, and could lift a group over the threshold.
        guard TagIndex.areDistinct(theirs, byteCount: plan.tagByteCount) else { throw .malformed }
        // Our own tags, in an order that only the asker knows: which of ours match stays hidden from us.
        let mine = try await channel.receive(.tags, count: plan.tagByteCount * items.count)
        let hits = TagIndex(mine, byteCount: plan.tagByteCount).places(of: theirs)
        var start = 0
        return sizes.map { size in
            defer { start += size }
            return (start..<start + size).filter { hits[$0] != nil }
        }
    }

    func ask(
        _ items: [Block], _ sizes: [Int], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        try await channel.send(.amounts, Amounts.bytes([sizes.count]))
        try await channel.send(.amounts, Amounts.bytes(sizes))
        let scalar = Group.scalar(using: &generator)
        try await channel.send(.points, Group.mask(items, by: scalar))
        let points = try await channel.receive(.points, count: 32 * plan.receiverCount)
        guard let masked = Group.multiply(points, by: scalar) else { throw .malformed }
        let tags = PointTags.tags(masked, byteCount: plan.tagByteCount)
        let width = plan.tagByteCount
        var shuffled: [UInt8] = []
        shuffled.reserveCapacity(tags.count)
        for place in (0..<plan.receiverCount).shuffled(using: &generator) {
            shuffled += tags[place * width..<(place + 1) * width]
        }
        try await channel.send(.tags, shuffled)
    }

    private func groupSizes() async throws(PSIFailure) -> [Int] {
        let count = Amounts.numbers(try await channel.receive(.amounts, count: 4))[0]
        guard (1...PSIParty.groupCountMax).contains(count) else { throw .malformed }
        let sizes = Amounts.numbers(try await channel.receive(.amounts, count: 4 * count))
        guard sizes.reduce(0, +) == plan.senderCount else { throw .malformed }
        return sizes
    }
}

/// Counts as four little-endian bytes each.
enum Amounts {
    static func bytes(_ numbers: [Int]) -> [UInt8] {
        numbers.flatMap { number in [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: number >> $0) } }
    }

    static func numbers(_ bytes: [UInt8]) -> [Int] {
        stride(from: 0, to: bytes.count, by: 4).map { start in
            (0..<4).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
        }
    }
}
