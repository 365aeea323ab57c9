// SPDX-License-Identifier: Apache-2.0
//
// Specification: Meadows 1986, Huberman–Franklin–Hogg 1999; the group and the hash are `MatchGroup`'s.
// Adversary: semi-honest, either side; hash as random oracle, DDH in the group.
// Secret: both scalars (fresh each run), all items. Leaks by design: both set sizes; under `size` the sizes of the
// receiver's groups to the sender, and the counts to the receiver.
// Timing: group operations are constant-time; comparing tags happens after they are public to that side.
// Vectors: the group's; runs against plain sets in Tests/PSITests.

package import Oblivious

/// The group operations a Diffie–Hellman match needs, in batches over flat 32-byte elements.
package protocol MatchGroup: Sendable {
    associatedtype Scalar: Sendable
    /// A fresh secret scalar.
    static func scalar(using generator: inout some RandomNumberGenerator) -> Scalar
    /// scalar·H(item) for each item, 32 bytes each.
    static func mask(_ items: [Block], by scalar: Scalar) -> [UInt8]
    /// scalar·P for each 32-byte P; `nil` if any is not an acceptable element.
    static func multiply(_ points: [UInt8], by scalar: Scalar) -> [UInt8]?
}

/// What the receiver of rows gets: places in its `ItemSet.items`.
package struct MatchedItems: Sendable {
    package let items: [Int]
}

/// What the receiver of sizes gets: a count for each of its groups.
package struct MatchedCounts: Sendable {
    package let counts: [Int]
}

/// The receiving side of a Diffie–Hellman match.
package struct DiffieHellmanReceiver<Group: MatchGroup>: Sendable {
    let channel: PSIChannel
    let plan: PSIPlan

    package init(_ channel: PSIChannel, _ plan: PSIPlan) {
        (self.channel, self.plan) = (channel, plan)
    }

    /// Learns which of `items` the sender has too; under `rowsToBoth` tells the sender which of its own.
    package func rows(
        of items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems {
        let order = Array(items.indices).shuffled(using: &generator)
        let (mine, theirs) = try await exchange(order.map { items[$0] }, &generator)
        let index = TagIndex(theirs, byteCount: plan.tagByteCount)
        let hits = index.places(of: mine)
        let matched = hits.indices.filter { hits[$0] != nil }
        if plan.output == .rowsToBoth {
            try await tellSender(hits)
        }
        return MatchedItems(items: matched.map { order[$0] }.sorted())
    }

    /// Learns how many items of each group match, and not which: the sender answers in an order of its own.
    ///
    /// - Parameter groups: the group of each item, `0..<groupCount`. The sender learns each group's size.
    package func sizes(
        of items: [Block], groups: [Int], groupCount: Int, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedCounts {
        var members = [[Int]](repeating: [], count: groupCount)
        for (place, group) in groups.enumerated() { members[group].append(place) }
        for group in members.indices { members[group].shuffle(using: &generator) }
        try await channel.send(.amounts, Amounts.bytes([groupCount]))
        try await channel.send(.amounts, Amounts.bytes(members.map(\.count)))
        let (mine, theirs) = try await exchange(members.joined().map { items[$0] }, &generator)
        let hits = TagIndex(theirs, byteCount: plan.tagByteCount).places(of: mine)
        var start = 0
        let counts = members.map { group in
            defer { start += group.count }
            return hits[start..<start + group.count].count { $0 != nil }
        }
        return MatchedCounts(counts: counts)
    }

    /// Both sets' tags: ours in the order the sender answers, the sender's in its order.
    private func exchange(
        _ items: [Block], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> (mine: [UInt8], theirs: [UInt8]) {
        let scalar = Group.scalar(using: &generator)
        let masked = Group.mask(items, by: scalar)
        let points = try await channel.exchange(.points, masked, count: 32 * plan.senderCount)
        guard let theirs = Group.multiply(points, by: scalar) else { throw .malformed }
        let mine = try await channel.receive(.tags, count: plan.tagByteCount * items.count)
        return (mine, PointTags.tags(theirs, byteCount: plan.tagByteCount))
    }

    private func tellSender(_ hits: [Int?]) async throws(PSIFailure) {
        var marks = [UInt8](repeating: 0, count: (plan.senderCount + 7) / 8)
        for case let hit? in hits { marks[hit / 8] |= 1 << UInt8(hit % 8) }
        try await channel.send(.marks, marks)
    }
}

/// The answering side of a Diffie–Hellman match.
package struct DiffieHellmanSender<Group: MatchGroup>: Sendable {
    let channel: PSIChannel
    let plan: PSIPlan

    package init(_ channel: PSIChannel, _ plan: PSIPlan) {
        (self.channel, self.plan) = (channel, plan)
    }

    /// Answers; under `rowsToBoth` learns which of its own items match, else nothing.
    package func rows(
        of items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems? {
        let order = Array(items.indices).shuffled(using: &generator)
        let answers = try await answer(order.map { items[$0] }, &generator)
        try await channel.send(.tags, answers)
        guard plan.output == .rowsToBoth else { return nil }
        let marks = try await channel.receive(.marks, count: (items.count + 7) / 8)
        let matched = order.indices.filter { marks[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
        return MatchedItems(items: matched.map { order[$0] }.sorted())
    }

    /// Answers each of the receiver's groups in a fresh order, so that the receiver can only count.
    package func sizes(
        of items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        let groups = try await groupSizes()
        let answers = try await answer(items.shuffled(using: &generator), &generator)
        var shuffled: [UInt8] = []
        shuffled.reserveCapacity(answers.count)
        var start = 0
        for size in groups {
            for place in (start..<start + size).shuffled(using: &generator) {
                shuffled += answers[place * plan.tagByteCount..<(place + 1) * plan.tagByteCount]
            }
            start += size
        }
        try await channel.send(.tags, shuffled)
    }

    private func groupSizes() async throws(PSIFailure) -> [Int] {
        let count = Amounts.numbers(try await channel.receive(.amounts, count: 4))[0]
        guard (1...PSIParty.groupCountMax).contains(count) else { throw .malformed }
        let sizes = Amounts.numbers(try await channel.receive(.amounts, count: 4 * count))
        guard sizes.reduce(0, +) == plan.receiverCount else { throw .malformed }
        return sizes
    }

    private func answer(
        _ items: [Block], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> [UInt8] {
        let scalar = Group.scalar(using: &generator)
        let masked = Group.mask(items, by: scalar)
        let points = try await channel.exchange(.points, masked, count: 32 * plan.receiverCount)
        guard let answers = Group.multiply(points, by: scalar) else { throw .malformed }
        return PointTags.tags(answers, byteCount: plan.tagByteCount)
    }
}

/// Short hashes of group elements: what the receiver compares.
enum PointTags {
    static func tags(_ points: [UInt8], byteCount: Int) -> [UInt8] {
        let tags = Blocks(count: points.count / 32)
        for place in 0..<tags.count { tags[place] = ItemHash.full(points, at: 32 * place, count: 32).0 }
        return tags.bytes(width: byteCount)
    }
}
