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

    /// `count` choices, in the lowest bit of each block, and the pads they chose.
    mutating func next(
        _ count: Int, over channel: PSIChannel, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> (choices: Blocks, pads: Blocks) {
        let fresh = zip(
            TransferBatch.keys(keys.map(\.0), batches), TransferBatch.keys(keys.map(\.1), batches))
        batches += 1
        let side = VOLEReceiver(count: count, keys: Array(fresh), noise: .unit, using: &generator)
        try await channel.send(.correction, side.correction)
        side.plant(
            trees: try await channel.receive(.transfer, count: SilentVOLE.treeByteCount(count: count)))
        let (choices, correlated) = side.finish(VOLESteps.code)
        return (choices, BlockKernels.hash(correlated, key: TransferBatch.padKey))
    }
}

/// The side that gets both pads.
struct TransferOfferer: Sendable {
    private let delta: Block
    private let keys: [Block]
    private var batches: UInt64 = 0

    init(
        _ channel: PSIChannel, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        delta = Block.random(using: &generator)
        let message = try await channel.receive(.transfer, count: 32)
        guard let base = BaseTransfer.Receiver(choices: delta, message: message, using: &generator) else {
            throw .malformed
        }
        try await channel.send(.transfer, base.answer)
        keys = base.keys
    }

    /// Both pads of each of `count` transfers.
    mutating func next(
        _ count: Int, over channel: PSIChannel, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> (first: Blocks, second: Blocks) {
        let fresh = TransferBatch.keys(keys, batches)
        batches += 1
        let correction = try await channel.receive(
            .correction, count: SilentVOLE.correctionByteCount(count: count, noise: .unit))
        let side = VOLESender(
            count: count, delta: delta, keys: fresh, correction: correction, noise: .unit, using: &generator)
        try await channel.send(.transfer, side.trees)
        let first = side.finish(VOLESteps.code).prefix(count)
        let second = Blocks(count: count)
        for place in 0..<count { second[place] = first[place] ^ delta }
        return (
            BlockKernels.hash(first, key: TransferBatch.padKey),
            BlockKernels.hash(second, key: TransferBatch.padKey)
        )
    }
}

/// What both sides derive alike.
enum TransferBatch {
    static let padKey = Block(0x9216_d5d9_8979_fb1b, 0xd131_0ba6_98df_b5ac)
    private static let childKey = Block(0x2ffd_72db_d01a_dfb7, 0xb8e1_afed_6a26_7e96)

    /// The most transfers of one batch: 200 MiB of memory on the choosing side.
    static let most = 1 << 20

    /// Keys of a batch's own, from those of the base transfers.
    static func keys(_ keys: [Block], _ batch: UInt64) -> [Block] {
        let children = BlockKernels.hash(Blocks(keys.map { $0 ^ Block(batch, 0) }), key: childKey)
        return (0..<keys.count).map { children[$0] }
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
            let (choices, pads) = try await supply.next(size, over: channel, using: &generator)
            for word in 0..<size / 128 {
                var (first, second, cross): (UInt64, UInt64, UInt64) = (0, 0, 0)
                for bit in 0..<64 {
                    let (one, other) = (64 * word + bit, size / 2 + 64 * word + bit)
                    first |= (choices[one].x & 1) << UInt64(bit)
                    second |= (choices[other].x & 1) << UInt64(bit)
                    cross |= ((pads[one].x ^ pads[other].x) & 1) << UInt64(bit)
                }
                append(first, second, (first & second) ^ cross)
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
            let pads = try await supply.next(size, over: channel, using: &generator)
            for word in 0..<size / 128 {
                var (first, second, cross): (UInt64, UInt64, UInt64) = (0, 0, 0)
                for bit in 0..<64 {
                    let (one, other) = (64 * word + bit, size / 2 + 64 * word + bit)
                    second |= ((pads.first[one].x ^ pads.second[one].x) & 1) << UInt64(bit)
                    first |= ((pads.first[other].x ^ pads.second[other].x) & 1) << UInt64(bit)
                    cross |= ((pads.first[one].x ^ pads.first[other].x) & 1) << UInt64(bit)
                }
                append(first, second, (first & second) ^ cross)
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
