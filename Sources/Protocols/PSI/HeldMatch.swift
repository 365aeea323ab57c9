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
import Curves
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

/// What the holder knows after a match with sums: as `HeldMatch`, and the sums under both sides' key.
package struct HeldSums: Sendable {
    package let match: HeldMatch
    let sums: [JointCipher]
    let share: JointKeyShare
    let key: RistrettoFixedBase

    /// The sums of the chosen groups with noise added and this side's mask taken off: for the asker's eyes alone.
    ///
    /// - Parameters:
    ///   - noise: what is added to each group's sum before anybody can open it.
    ///   - isTold: which groups are released; the others stay hidden for ever.
    package func released(
        noise: [Int64], isTold: [Bool], using generator: inout some RandomNumberGenerator
    ) -> [[UInt8]?] {
        sums.indices.map { group in
            guard isTold[group] else { return nil }
            let noised = sums[group] + JointCipher(noise[group], under: key, using: &generator)
            return share.unmasked(noised).bytes
        }
    }
}

extension PSIParty {
    /// The most groups an asker may form: each group's size is told to the holder.
    package static var groupCountMax: Int { 1 << 16 }

    /// Runs the holder's side (the plan's receiver) of a match without sums.
    ///
    /// - Parameter items: distinct digests, as many as the plan's `receiverCount`.
    package func hold(
        _ items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> HeldMatch {
        try await holding(items, nil, using: &generator).match
    }

    /// As `hold`, with one value for each item; `amounts` never leave this side in the clear.
    package func holdSums(
        _ items: [Block], amounts: [Int64], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> HeldSums {
        precondition(amounts.count == items.count, "one value for each item")
        let side = SumHolder(amounts: amounts, share: JointKeyShare(using: &generator))
        let (match, sums, key) = try await holding(items, side, using: &generator)
        guard let sums, let key else { throw .notOffered }
        return HeldSums(match: match, sums: sums, share: side.share, key: key)
    }

    private func holding(
        _ items: [Block], _ side: SumHolder?, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> (match: HeldMatch, sums: [JointCipher]?, key: RistrettoFixedBase?) {
        precondition(items.count == plan.receiverCount, "the plan names this side's count")
        do throws(PSIFailure) {
            guard plan.output == (side == nil ? .held : .heldSum) else { throw .notOffered }
            try await channel.shakeHands(plan, isReceiver: true, using: &generator)
            let held =
                switch plan.method {
                case .ecdh: try await HeldSteps<Curve25519Group>(channel, plan).hold(items, side, &generator)
                case .ristretto:
                    try await HeldSteps<RistrettoGroup>(channel, plan).hold(items, side, &generator)
                case .sm2: try await HeldSteps<SM2Group>(channel, plan).hold(items, side, &generator)
                case .rr22, .rr22Malicious, .unbalanced: throw PSIFailure.notOffered
                }
            try await channel.confirm(nil)
            let match = HeldMatch(
                places: held.places, transcript: channel.transcript, bytesSent: channel.bytesSent,
                bytesReceived: channel.bytesReceived)
            return (match, held.sums, held.key)
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
    ///   - share: under `heldSum`, this side's part of the joint key, with which it opens what is released.
    package func ask(
        _ items: [Block], groupSizes: [Int], share: JointKeyShare? = nil,
        using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> AskedMatch {
        precondition(items.count == plan.senderCount, "the plan names this side's count")
        precondition(groupSizes.reduce(0, +) == items.count, "each item lies in one group")
        do throws(PSIFailure) {
            guard plan.output == (share == nil ? .held : .heldSum) else { throw .notOffered }
            try await channel.shakeHands(plan, isReceiver: false, using: &generator)
            switch plan.method {
            case .ecdh:
                try await HeldSteps<Curve25519Group>(channel, plan).ask(items, groupSizes, share, &generator)
            case .ristretto:
                try await HeldSteps<RistrettoGroup>(channel, plan).ask(items, groupSizes, share, &generator)
            case .sm2: try await HeldSteps<SM2Group>(channel, plan).ask(items, groupSizes, share, &generator)
            case .rr22, .rr22Malicious, .unbalanced: throw PSIFailure.notOffered
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

/// What the holder brings to sums.
private struct SumHolder {
    let amounts: [Int64]
    let share: JointKeyShare
}

/// The messages of a held match in one group.
private struct HeldSteps<Group: MatchGroup> {
    let channel: PSIChannel
    let plan: PSIPlan

    init(_ channel: PSIChannel, _ plan: PSIPlan) {
        (self.channel, self.plan) = (channel, plan)
    }

    typealias Held = (places: [[Int]], sums: [JointCipher]?, key: RistrettoFixedBase?)

    func hold(
        _ items: [Block], _ side: SumHolder?, _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> Held {
        let sizes = try await groupSizes()
        let points = try await channel.receive(.points, count: 32 * plan.senderCount)
        let scalar = Group.scalar(using: &generator)
        let order = items.indices.shuffled(using: &generator)
        try await channel.send(.points, Group.mask(order.map { items[$0] }, by: scalar))
        var key: RistrettoFixedBase?
        if let side { key = try await offer(side, order, &generator) }
        guard let masked = Group.multiply(points, by: scalar) else { throw .malformed }
        let theirs = PointTags.tags(masked, byteCount: plan.tagByteCount)
        // One item sent twice would count twice, and could lift a group over the threshold.
        guard TagIndex.areDistinct(theirs, byteCount: plan.tagByteCount) else { throw .malformed }
        // Our own tags, in an order that only the asker knows: which of ours match stays hidden from us.
        let mine = try await channel.receive(.tags, count: plan.tagByteCount * items.count)
        let hits = TagIndex(mine, byteCount: plan.tagByteCount).places(of: theirs)
        var start = 0
        let groups = sizes.map { size in
            defer { start += size }
            return start..<start + size
        }
        let places = groups.map { group in group.filter { hits[$0] != nil } }
        guard key != nil else { return (places, nil, nil) }
        let hidden = try await channel.receive(.ciphers, count: JointCipher.byteCount * items.count)
        var sums: [JointCipher] = []
        for group in groups {
            var sum = JointCipher.zero
            for place in group.compactMap({ hits[$0] }) {
                guard let cipher = Self.cipher(hidden, place) else { throw .malformed }
                sum = sum + cipher
            }
            sums.append(sum)
        }
        return (places, sums, key)
    }

    /// Joins the keys and sends each item's value under them, in the order of the points.
    private func offer(
        _ side: SumHolder, _ order: [Int], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> RistrettoFixedBase {
        let theirs = try await channel.receive(.keys, count: 32)
        guard let point = Ristretto255(encoding: theirs) else { throw .malformed }
        try await channel.send(.keys, side.share.publicPart.encoding)
        let key = RistrettoFixedBase(point + side.share.publicPart)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(JointCipher.byteCount * order.count)
        for item in order { bytes += JointCipher(side.amounts[item], under: key, using: &generator).bytes }
        try await channel.send(.ciphers, bytes)
        return key
    }

    func ask(
        _ items: [Block], _ sizes: [Int], _ share: JointKeyShare?,
        _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        try await channel.send(.amounts, Amounts.bytes([sizes.count]))
        try await channel.send(.amounts, Amounts.bytes(sizes))
        let scalar = Group.scalar(using: &generator)
        try await channel.send(.points, Group.mask(items, by: scalar))
        if let share { try await channel.send(.keys, share.publicPart.encoding) }
        let points = try await channel.receive(.points, count: 32 * plan.receiverCount)
        guard let masked = Group.multiply(points, by: scalar) else { throw .malformed }
        let tags = PointTags.tags(masked, byteCount: plan.tagByteCount)
        let width = plan.tagByteCount
        let order = (0..<plan.receiverCount).shuffled(using: &generator)
        var shuffled: [UInt8] = []
        shuffled.reserveCapacity(tags.count)
        for place in order { shuffled += tags[place * width..<(place + 1) * width] }
        try await channel.send(.tags, shuffled)
        if let share { try await returnCiphers(share, order, &generator) }
    }

    /// Sends the holder's hidden values back in the order of its tags, each under a fresh mask, so that it cannot tell
    /// which is which.
    private func returnCiphers(
        _ share: JointKeyShare, _ order: [Int], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        guard let theirs = Ristretto255(encoding: try await channel.receive(.keys, count: 32)) else {
            throw .malformed
        }
        let key = RistrettoFixedBase(theirs + share.publicPart)
        let hidden = try await channel.receive(.ciphers, count: JointCipher.byteCount * order.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(hidden.count)
        for place in order {
            guard let cipher = Self.cipher(hidden, place) else { throw .malformed }
            bytes += (cipher + JointCipher(0, under: key, using: &generator)).bytes
        }
        try await channel.send(.ciphers, bytes)
    }

    private static func cipher(_ bytes: [UInt8], _ place: Int) -> JointCipher? {
        JointCipher(bytes: bytes[place * JointCipher.byteCount..<(place + 1) * JointCipher.byteCount])
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
