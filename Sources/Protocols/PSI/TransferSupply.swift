// SPDX-License-Identifier: Apache-2.0
//
// Specification: silent random transfers (Boyle et al. 2019) from SilentVOLE with unit noise; Beaver triples from two
// random transfers each (Beaver 1991; Asharov et al. 2013, §5.1), without a byte of their own.
// Adversary: semi-honest; regular LPN over GF(2), correlation-robust hashing, CDH for the base transfers.
// Secret: Δ, choices, pads. Leaks by design: how many transfers were made. Timing: as SilentVOLE.
// Vectors: correlations in ObliviousTests; triples and transfers through SharedMatch in Tests/PSITests.

import Oblivious

/// Random transfers without end from one round of base transfers: the side that gets one of two pads.
struct TransferChooser: Sendable {
    private let keys: [(Block, Block)]
    private var batches: UInt64 = 0

    init(
        _ channel: PSIChannel, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        let base = BaseTransfer.Sender(using: &generator)
        try await channel.send(.transfer, base.message)
        let answer = try await channel.receive(.transfer, count: 64 * BaseTransfer.count)
        guard let keys = base.keys(answer: answer) else { throw .malformed }
        self.keys = keys
    }

    /// `count` correlated blocks: the choice is the lowest bit of each, the pad it chose is its hash.
    mutating func next(
        _ count: Int, over channel: PSIChannel, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> Blocks {
        let fresh = zip(
            TransferBatch.keys(keys.map(\.0), batches), TransferBatch.keys(keys.map(\.1), batches))
        batches += 1
        let side = VOLEReceiver(count: count, keys: Array(fresh), noise: .unit, using: &generator)
        try await channel.send(.correction, side.correction)
        side.plant(
            trees: try await channel.receive(.transfer, count: SilentVOLE.treeByteCount(count: count)))
        return side.finishTransfers(VOLESteps.code)
    }
}

/// The side that gets both pads.
struct TransferOfferer: Sendable {
    /// What the two blocks of every transfer differ by; odd.
    let delta: Block
    private let keys: [Block]
    private var batches: UInt64 = 0

    init(
        _ channel: PSIChannel, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        delta = Block.random(using: &generator) | Block(1, 0)
        let message = try await channel.receive(.transfer, count: 32)
        guard let base = BaseTransfer.Receiver(choices: delta, message: message, using: &generator) else {
            throw .malformed
        }
        try await channel.send(.transfer, base.answer)
        keys = base.keys
    }

    /// The first block of each of `count` transfers; the second is Δ away. Its pad is a block's hash.
    mutating func next(
        _ count: Int, over channel: PSIChannel, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> Blocks {
        let fresh = TransferBatch.keys(keys, batches)
        batches += 1
        let correction = try await channel.receive(
            .correction, count: SilentVOLE.correctionByteCount(count: count, noise: .unit))
        let side = VOLESender(
            count: count, delta: delta, keys: fresh, correction: correction, noise: .unit, using: &generator)
        try await channel.send(.transfer, side.trees)
        return side.finish(VOLESteps.code)
    }

    /// Both pads of each transfer, the second ones in place of the blocks.
    func pads(of blocks: Blocks) -> (first: Blocks, second: Blocks) {
        let first = BlockKernels.hash(blocks, key: TransferBatch.padKey)
        for place in 0..<blocks.count { blocks[place] ^= delta }
        BlockKernels.hash(blocks, key: TransferBatch.padKey, into: blocks)
        return (first, blocks)
    }
}

/// What both sides derive alike.
enum TransferBatch {
    static let padKey = Block(0x9216_d5d9_8979_fb1b, 0xd131_0ba6_98df_b5ac)
    private static let childKey = Block(0x2ffd_72db_d01a_dfb7, 0xb8e1_afed_6a26_7e96)

    /// The most transfers of one batch: 40 MiB of memory on either side.
    static let most = 1 << 20

    /// Keys of a batch's own, from those of the base transfers.
    static func keys(_ keys: [Block], _ batch: UInt64) -> [Block] {
        let children = BlockKernels.hash(Blocks(keys.map { $0 ^ Block(batch, 0) }), key: childKey)
        return (0..<keys.count).map { children[$0] }
    }

    /// The lowest bits of `count` pads, 64 to a word: of the second ones where the offset is Δ.
    static func padBits(
        _ blocks: Blocks, from start: Int, _ count: Int, offset: Block = Block()
    ) -> [UInt64] {
        BlockKernels.hashBits(blocks, from: start, count: count, offset: offset, key: padKey)
    }

    /// How many transfers give `count`: as the trees divide them, and enough for the noise to be sparse.
    static func size(_ count: Int) -> Int { max(8192, (count + 127) / 128 * 128) }
}

/// Shares of bits a and b and of a·b, 64 to a word.
struct TripleWords: Sendable {
    private(set) var a: [UInt64] = []
    private(set) var b: [UInt64] = []
    private(set) var product: [UInt64] = []

    /// The choosing side's shares: it chose with a, then with b.
    init(
        choosing count: Int, _ supply: inout TransferChooser, _ channel: PSIChannel,
        using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        reserve(count)
        while a.count < count {
            let size = Self.size(count - a.count)
            let blocks = try await supply.next(size, over: channel, using: &generator)
            let half = size / 2
            let first = blocks.lowBits(from: 0, count: half)
            let second = blocks.lowBits(from: half, count: half)
            let own = TransferBatch.padBits(blocks, from: 0, half)
            let other = TransferBatch.padBits(blocks, from: half, half)
            for word in first.indices {
                append(first[word], second[word], (first[word] & second[word]) ^ own[word] ^ other[word])
            }
        }
    }

    /// The offering side's: the difference of two pads is what the other side's choice was multiplied by.
    init(
        offering count: Int, _ supply: inout TransferOfferer, _ channel: PSIChannel,
        using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        reserve(count)
        while a.count < count {
            let size = Self.size(count - a.count)
            let blocks = try await supply.next(size, over: channel, using: &generator)
            let (half, delta) = (size / 2, supply.delta)
            let own = TransferBatch.padBits(blocks, from: 0, half)
            let other = TransferBatch.padBits(blocks, from: half, half)
            let ownSecond = TransferBatch.padBits(blocks, from: 0, half, offset: delta)
            let otherSecond = TransferBatch.padBits(blocks, from: half, half, offset: delta)
            for word in own.indices {
                let (first, second) = (other[word] ^ otherSecond[word], own[word] ^ ownSecond[word])
                append(first, second, (first & second) ^ own[word] ^ other[word])
            }
        }
    }

    private static func size(_ words: Int) -> Int {
        TransferBatch.size(min(TransferBatch.most, 128 * words))
    }

    private mutating func reserve(_ count: Int) {
        a.reserveCapacity(count + TransferBatch.most / 128)
        b.reserveCapacity(count + TransferBatch.most / 128)
        product.reserveCapacity(count + TransferBatch.most / 128)
    }

    private mutating func append(_ first: UInt64, _ second: UInt64, _ both: UInt64) {
        a.append(first)
        b.append(second)
        product.append(both)
    }
}
