// SPDX-License-Identifier: Apache-2.0
//
// Specification: Rindal–Schoppmann 2021 (VOLE-PSI) Fig. 4, Raghuraman–Rindal 2022 (RR22) §3, with the band store of
// Bienstock et al. 2023 in place of RR22's triangulated one (docs/decisions/2026-11-21-band-store.md), κ = 128,
// λ = 40, field GF(2^128).
// Adversary: semi-honest (`VOLEReceiverMatch`, `VOLESenderMatch`); the malicious protocol has types of its own in
// MaliciousVOLEMatch.swift. Regular LPN, CDH, fixed-key AES as ideal cipher, random oracle.
// Secret: items, Δ, all VOLE values. Leaks by design: both sizes, and to the receiver which of its items match.
// Timing: band addresses depend on the session's hash of an item; all else as its kernels.
// Vectors: runs against plain sets in Tests/PSITests.

import Crypto
package import Oblivious

/// Keys of one run, from everything both sides said so far; neither side knew them when it fixed its items.
struct VOLEKeys: Sendable {
    let item, band, value, tag: Block

    init(_ channel: PSIChannel) {
        let bytes = Array(SHA512.hash(data: Array("HUTONG-VOLE-V1".utf8) + channel.transcript))
        item = Block(littleEndian: bytes)
        band = Block(littleEndian: bytes, at: 16)
        value = Block(littleEndian: bytes, at: 32)
        tag = Block(littleEndian: bytes, at: 48)
    }
}

/// One side's items as rows of the store: hashed under the run's key and sorted by where their band starts.
struct StoreRows: Sendable {
    let hashes: Blocks
    private let order: [UInt32]
    private let keys: VOLEKeys

    init(_ items: [Block], _ keys: VOLEKeys) {
        let rows = Blocks(items)
        BlockKernels.hash(rows, key: keys.item, into: rows)
        (hashes, order) = BlockKernels.sorted(rows)
        self.keys = keys
    }

    /// H_B: the value a row must decode to.
    var values: Blocks { BlockKernels.hash(hashes, key: keys.value) }

    /// Which of the items stands at a place of `hashes`.
    func item(at place: Int) -> Int { Int(order[place]) }

    /// H_o(mask, item), in the order of `hashes`.
    func outputs(_ masks: Blocks) -> Blocks {
        let outputs = BlockKernels.hash(masks, key: keys.tag)
        outputs.add(hashes)
        BlockKernels.hash(outputs, key: keys.tag, into: outputs)
        return outputs
    }

    /// H_o(mask + salt, item) cut to `byteCount` bytes, sorted by value; `item(at:)` leads back.
    func tags(_ masks: Blocks, salt: Block, byteCount: Int) -> SortedTags {
        if salt != Block() { for place in 0..<masks.count { masks[place] ^= salt } }
        let tags = outputs(masks)
        let low = UInt64.max >> UInt64(max(0, 64 - 8 * byteCount))
        let high = byteCount <= 8 ? 0 : UInt64.max >> UInt64(128 - 8 * byteCount)
        for place in 0..<tags.count { tags[place] &= Block(low, high) }
        let (sorted, places) = BlockKernels.sorted(tags)
        return SortedTags(tags: sorted, items: places.map { Int(order[Int($0)]) })
    }
}

/// Tags in ascending order, which says nothing about the items, and the item behind each.
struct SortedTags: Sendable {
    let tags: Blocks
    let items: [Int]

    /// Places (mine, theirs) of equal tags; `nil` when `theirs` is not in order.
    func common(with theirs: Blocks) -> [(mine: Int, theirs: Int)]? {
        var hits: [(mine: Int, theirs: Int)] = []
        for place in 1..<max(1, theirs.count) where theirs[place].x < theirs[place - 1].x { return nil }
        var start = 0
        for mine in 0..<tags.count {
            let tag = tags[mine]
            while start < theirs.count, theirs[start].x < tag.x { start += 1 }
            var place = start
            while place < theirs.count, theirs[place].x == tag.x {
                if theirs[place].y == tag.y {
                    hits.append((mine, place))
                    break
                }
                place += 1
            }
        }
        return hits
    }
}

/// The steps both VOLE protocols share.
enum VOLESteps {
    static let code = SilentVOLE.Code.fast

    static func columns(_ plan: PSIPlan) -> Int { BlockKernels.columns(rows: plan.receiverCount) }

    /// Base transfers and extension, receiver's side.
    static func extend(
        _ channel: PSIChannel, _ plan: PSIPlan, _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> VOLEReceiver {
        let base = BaseTransfer.Sender(using: &generator)
        try await channel.send(.transfer, base.message)
        let answer = try await channel.receive(.transfer, count: 64 * BaseTransfer.count)
        guard let keys = base.keys(answer: answer) else { throw .malformed }
        let receiver = VOLEReceiver(count: columns(plan), keys: keys, using: &generator)
        try await channel.send(.correction, receiver.correction)
        return receiver
    }

    /// Base transfers and extension, sender's side.
    static func extend(
        _ channel: PSIChannel, _ plan: PSIPlan, delta: Block, _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> VOLESender {
        let message = try await channel.receive(.transfer, count: 32)
        guard let base = BaseTransfer.Receiver(choices: delta, message: message, using: &generator) else {
            throw .malformed
        }
        try await channel.send(.transfer, base.answer)
        let count = columns(plan)
        let correction = try await channel.receive(
            .correction, count: SilentVOLE.correctionByteCount(count: count))
        return VOLESender(
            count: count, delta: delta, keys: base.keys, correction: correction, using: &generator)
    }

    /// The receiver's encoding, masked by a: what the sender sees of its items.
    static func encode(
        _ rows: StoreRows, _ a: Blocks, _ keys: VOLEKeys, _ generator: inout some RandomNumberGenerator
    ) throws(PSIFailure) -> Blocks {
        let seed = Block.random(using: &generator)
        guard
            let store = BlockKernels.encode(
                rows: rows.hashes, values: rows.values, columns: a.count, key: keys.band, seed: seed)
        else { throw .encodingFailed }
        a.add(store)
        return a
    }

    /// The sender's mask of each of its rows: decode(b + Δ·encoding) + Δ·H_B.
    static func masks(
        _ rows: StoreRows, _ b: Blocks, _ encoding: Blocks, delta: Block, _ keys: VOLEKeys
    ) -> Blocks {
        BlockKernels.multiplyAdd(delta, encoding, into: b)
        let masks = BlockKernels.decode(b, columns: encoding.count, rows: rows.hashes, key: keys.band)
        BlockKernels.multiplyAdd(delta, rows.values, into: masks)
        return masks
    }

    /// Compares, and under `rowsToBoth` tells the sender which of its tags matched.
    static func compare(
        _ mine: SortedTags, _ channel: PSIChannel, _ plan: PSIPlan
    ) async throws(PSIFailure) -> MatchedItems {
        let width = plan.tagByteCount
        let bytes = try await channel.receive(.tags, count: width * plan.senderCount)
        guard let hits = mine.common(with: Blocks(bytes: bytes, width: width)) else { throw .malformed }
        if plan.output == .rowsToBoth {
            var marks = [UInt8](repeating: 0, count: (plan.senderCount + 7) / 8)
            for hit in hits { marks[hit.theirs / 8] |= 1 << UInt8(hit.theirs % 8) }
            try await channel.send(.marks, marks)
        }
        return MatchedItems(items: ascending(hits.map { mine.items[$0.mine] }, below: mine.items.count))
    }

    /// Under `rowsToBoth`, what the receiver says matched.
    static func marked(
        _ mine: SortedTags, _ channel: PSIChannel, _ plan: PSIPlan
    ) async throws(PSIFailure) -> MatchedItems? {
        guard plan.output == .rowsToBoth else { return nil }
        let marks = try await channel.receive(.marks, count: (plan.senderCount + 7) / 8)
        let matched = mine.items.indices.filter { marks[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
        return MatchedItems(items: ascending(matched.map { mine.items[$0] }, below: mine.items.count))
    }

    private static func ascending(_ items: [Int], below count: Int) -> [Int] {
        var isThere = [Bool](repeating: false, count: count)
        for item in items { isThere[item] = true }
        return isThere.indices.filter { isThere[$0] }
    }
}

/// The receiving side of semi-honest VOLE-PSI.
package struct VOLEReceiverMatch: Sendable {
    let channel: PSIChannel
    let plan: PSIPlan

    package init(_ channel: PSIChannel, _ plan: PSIPlan) {
        (self.channel, self.plan) = (channel, plan)
    }

    /// Learns which of `items` the sender has too.
    package func rows(
        of items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems {
        let keys = VOLEKeys(channel)
        let vole = try await VOLESteps.extend(channel, plan, &generator)
        let rows = StoreRows(items, keys)
        vole.plant(
            trees: try await channel.receive(
                .transfer, count: SilentVOLE.treeByteCount(count: VOLESteps.columns(plan))))
        return try await compare(rows, vole.finish(VOLESteps.code), keys, &generator)
    }

    /// As `rows(of:using:)`, with a correlation that was made ahead.
    func rows(
        of items: [Block], with vole: PreparedReceiver, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems {
        let keys = VOLEKeys(channel)
        let columns = VOLESteps.columns(plan)
        vole.a.shorten(to: columns)
        vole.c.shorten(to: columns)
        return try await compare(StoreRows(items, keys), (vole.a, vole.c), keys, &generator)
    }

    private func compare(
        _ rows: StoreRows, _ vole: (a: Blocks, c: Blocks), _ keys: VOLEKeys,
        _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems {
        try await channel.send(.encoding, VOLESteps.encode(rows, vole.a, keys, &generator))
        let masks = BlockKernels.decode(vole.c, columns: vole.c.count, rows: rows.hashes, key: keys.band)
        let tags = rows.tags(masks, salt: Block(), byteCount: plan.tagByteCount)
        return try await VOLESteps.compare(tags, channel, plan)
    }
}

/// The answering side of semi-honest VOLE-PSI.
package struct VOLESenderMatch: Sendable {
    let channel: PSIChannel
    let plan: PSIPlan

    package init(_ channel: PSIChannel, _ plan: PSIPlan) {
        (self.channel, self.plan) = (channel, plan)
    }

    /// Answers; under `rowsToBoth` learns which of its own items match, else nothing.
    package func rows(
        of items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems? {
        let keys = VOLEKeys(channel)
        let delta = Block.random(using: &generator)
        let vole = try await VOLESteps.extend(channel, plan, delta: delta, &generator)
        try await channel.send(.transfer, vole.trees)
        return try await answer(StoreRows(items, keys), vole.finish(VOLESteps.code), delta, keys)
    }

    /// As `rows(of:using:)`, with a correlation that was made ahead.
    func rows(of items: [Block], with vole: PreparedSender) async throws(PSIFailure) -> MatchedItems? {
        let keys = VOLEKeys(channel)
        vole.b.shorten(to: VOLESteps.columns(plan))
        return try await answer(StoreRows(items, keys), vole.b, vole.delta, keys)
    }

    private func answer(
        _ rows: StoreRows, _ b: Blocks, _ delta: Block, _ keys: VOLEKeys
    ) async throws(PSIFailure) -> MatchedItems? {
        let encoding = try await channel.receive(.encoding, blocks: VOLESteps.columns(plan))
        let masks = VOLESteps.masks(rows, b, encoding, delta: delta, keys)
        let tags = rows.tags(masks, salt: Block(), byteCount: plan.tagByteCount)
        try await channel.send(.tags, tags.tags.bytes(width: plan.tagByteCount))
        return try await VOLESteps.marked(tags, channel, plan)
    }
}
