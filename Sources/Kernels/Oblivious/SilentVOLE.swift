// SPDX-License-Identifier: Apache-2.0
//
// Specification: Boyle et al. 2019 (silent extension), regular syndrome decoding with the expand-convolute code of
// Raghuraman–Rindal–Tanguy 2023 (ePrint 2023/882): rate 1/2, systematic, 24 taps twice, row weight 7 (21: the
// conservative choice), 128 noise positions, as libOTe configures it (pseudo-distance 0.25, -128/log2(1 - 2·0.25)).
// Consistency of the trees: Weng et al. 2021 (Wolverine) §4.1.
// Adversary: semi-honest; malicious with both checks. A malicious sender may learn, by an abort, one predicate of the
// noise positions (on average one bit). Assumption: regular LPN for this code; the code's distance is estimated,
// not proven. Secret: Δ, noise positions and values, all outputs. Leaks by design: the count.
// Timing: which node of a tree is punctured indexes memory on the receiver's side; the sender has no such index.
// Vectors: c = b + Δ·a in Tests/PSITests, portable and fast kernels alike.

/// Vector oblivious linear evaluation: c = b + Δ·a over GF(2^128), with random a.
package enum SilentVOLE {
    package static let treeCount = 128

    /// Row weight of the code's expander.
    package enum Code: Int, Sendable, Hashable {
        case fast = 7
        case conservative = 21
    }

    /// What a tree's one punctured leaf is worth.
    package enum NoiseValue: Sendable, Hashable {
        case random
        /// One: then a is a vector of zeros and ones, and the extension gives correlated transfers. Δ is odd, and
        /// every leaf of the sender's is made even, so that the lowest bit of c is a (as libOTe does).
        case unit
    }

    /// The public code: any fixed key, the same for everybody ("nothing up the sleeve": digits of π).
    static let codeKey = Block(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344)
    static let treeKeys = (
        Block(0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89),
        Block(0x4528_21e6_38d0_1377, 0xbe54_66cf_34e9_0c6c)
    )
    static let padKey = Block(0xc0ac_29b7_c97c_50dd, 0x3f84_d5b5_b547_0917)

    /// The shape that both sides derive from the number of outputs.
    struct Shape: Sendable {
        let count: Int
        let leafCount: Int
        let depth: Int
        let noise: NoiseValue

        /// - Parameter count: a multiple of 64.
        init(count: Int, noise: NoiseValue) {
            precondition(count > 64 && count.isMultiple(of: 64), "the trees divide the noise evenly")
            (self.count, self.noise) = (count, noise)
            leafCount = 2 * count / treeCount
            depth = Int.bitWidth - (leafCount - 1).leadingZeroBitCount
        }

        /// Nodes of a level that have a leaf below them.
        func nodeCount(level: Int) -> Int { (leafCount + (1 << (depth - level)) - 1) >> (depth - level) }
        var pathRows: Int { treeCount * depth }
        /// Blocks of extension rows: paths, a coefficient a tree (none for unit noise, which is Δ itself) and one for the
        /// check, and the check's own.
        var rowBlocks: Int { maskRow + 1 + TransferExtension.checkRows / 128 }
        var maskRow: Int { depth + (noise == .random ? treeCount : 0) }
        var correctionBlocks: Int { 128 * rowBlocks }
        var treeBlocks: Int { 2 * pathRows + treeCount }
    }

    package static func correctionByteCount(count: Int, noise: NoiseValue = .random) -> Int {
        16 * Shape(count: count, noise: noise).correctionBlocks
    }
    package static func treeByteCount(count: Int) -> Int {
        16 * Shape(count: count, noise: .random).treeBlocks
    }

    /// Σ X^b·rows[start + b]: 128 bit correlations become one over the field.
    static func combined(_ rows: Blocks, from start: Int) -> Block {
        (0..<128).reversed().reduce(Block()) { FieldElement.timesX($0) ^ rows[start + $1] }
    }
}

/// The side with a and c = b + Δ·a.
package struct VOLEReceiver: Sendable {
    private let shape: SilentVOLE.Shape
    private let places: [Int]
    private let choices: Blocks
    private let rows: Blocks
    private let leaves: Blocks
    /// Bytes for the sender, `SilentVOLE.correctionByteCount`.
    package let correction: [UInt8]

    /// Draws the noise and extends the base keys.
    package init(
        count: Int, keys: [(Block, Block)], noise: SilentVOLE.NoiseValue = .random,
        using generator: inout some RandomNumberGenerator
    ) {
        shape = SilentVOLE.Shape(count: count, noise: noise)
        let leafCount = shape.leafCount
        places = (0..<SilentVOLE.treeCount).map { _ in Int.random(in: 0..<leafCount, using: &generator) }
        choices = Blocks(count: shape.rowBlocks)
        for place in shape.depth..<shape.rowBlocks { choices[place] = Block.random(using: &generator) }
        for (tree, leaf) in places.enumerated() {
            for level in 0..<shape.depth {
                let bit = UInt64(leaf >> (shape.depth - 1 - level) & 1 ^ 1)
                let row = tree * shape.depth + level
                choices[row / 128][row / 64 % 2] |= bit << UInt64(row % 64)
            }
        }
        let extended = TransferExtension.receive(choices: choices, keys: keys)
        (rows, correction) = (extended.rows, extended.correction.bytes())
        leaves = Blocks(count: 2 * count + 2, isScattered: true)
    }

    /// Answers the extension's check (malicious sender or not, this side only proves).
    package func extensionProof(seed: Block) -> [UInt8] {
        let proof = TransferExtension.proof(choices: choices, rows: rows, seed: seed)
        return proof.x.littleEndian + proof.t.littleEndian
    }

    /// Rebuilds every tree but one leaf each, and gives that leaf c = b + Δ·β.
    package func plant(trees message: [UInt8]) {
        let sent = Blocks(bytes: message)
        let path = Blocks(count: shape.pathRows)
        for row in 0..<shape.pathRows { path[row] = rows[row] }
        let pads = BlockKernels.tweakedHash(path, key: SilentVOLE.padKey)
        for (tree, leaf) in places.enumerated() {
            var siblings: [Block] = []
            for level in 0..<shape.depth {
                let row = tree * shape.depth + level
                let side = leaf >> (shape.depth - 1 - level) & 1 ^ 1
                siblings.append(sent[2 * row + side] ^ pads[row])
            }
            rebuild(tree, leaf, siblings)
            let sums = leaves.paritySums(from: tree * shape.leafCount, count: shape.leafCount)
            let coefficient =
                shape.noise == .unit ? Block() : SilentVOLE.combined(rows, from: 128 * (shape.depth + tree))
            leaves[tree * shape.leafCount + leaf] =
                sent[2 * shape.pathRows + tree] ^ coefficient ^ sums.0 ^ sums.1
        }
    }

    /// One punctured tree; its missing leaf is left zero.
    private func rebuild(_ tree: Int, _ leaf: Int, _ siblings: [Block]) {
        let start = tree * shape.leafCount
        var nodes = Blocks(count: 1)
        for level in 0..<shape.depth {
            let count = shape.nodeCount(level: level + 1)
            let isLast = level == shape.depth - 1
            let next = isLast ? leaves : Blocks(count: 2 * nodes.count)
            let offset = isLast ? start : 0
            BlockKernels.treeLevel(
                nodes, count: shape.nodeCount(level: level), keys: SilentVOLE.treeKeys, into: next, at: offset
            )
            let missing = leaf >> (shape.depth - 1 - level)
            let sibling = missing ^ 1
            next[offset + missing] = Block()
            if sibling < count {
                next[offset + sibling] = Block()
                let sums = next.paritySums(from: offset, count: count)
                next[offset + sibling] = siblings[level] ^ (sibling & 1 == 0 ? sums.0 : sums.1)
            }
            nodes = next
        }
    }

    /// For the sender's trees check at the random point `x`: what this side reveals, and what it then expects.
    package func treeProof(at x: Block) -> (revealed: Block, expected: Block) {
        var revealed = choices[shape.maskRow]
        for (tree, leaf) in places.enumerated() {
            let power = FieldElement.power(x, tree * shape.leafCount + leaf + 1)
            revealed ^= FieldElement.multiply(power, value(of: tree))
        }
        let mask = SilentVOLE.combined(rows, from: 128 * shape.maskRow)
        return (revealed, BlockKernels.evaluate(leaves, count: 2 * shape.count, at: x) ^ mask)
    }

    /// β of one tree's punctured leaf.
    private func value(of tree: Int) -> Block {
        shape.noise == .unit ? Block(1, 0) : choices[shape.depth + tree]
    }

    /// The outputs a and c, for random noise.
    package func finish(_ code: SilentVOLE.Code) -> (a: Blocks, c: Blocks) {
        precondition(shape.noise == .random)
        let noise = Blocks(count: 2 * shape.count, isScattered: true)
        for (tree, leaf) in places.enumerated() { noise[tree * shape.leafCount + leaf] = value(of: tree) }
        BlockKernels.compress(noise, weight: code.rawValue, key: SilentVOLE.codeKey)
        return (noise, compressed(code))
    }

    /// The output c, for unit noise: a is its lowest bit.
    package func finishTransfers(_ code: SilentVOLE.Code) -> Blocks {
        precondition(shape.noise == .unit)
        leaves.clearLowBits()
        for (tree, leaf) in places.enumerated() { leaves[tree * shape.leafCount + leaf].x |= 1 }
        return compressed(code)
    }

    private func compressed(_ code: SilentVOLE.Code) -> Blocks {
        leaves.shorten(to: 2 * shape.count)
        BlockKernels.compress(leaves, weight: code.rawValue, key: SilentVOLE.codeKey)
        return leaves
    }
}

/// The side with Δ and b.
package struct VOLESender: Sendable {
    private let shape: SilentVOLE.Shape
    private let delta: Block
    private let rows: Blocks
    private let leaves: Blocks
    /// Bytes for the receiver, `SilentVOLE.treeByteCount`.
    package let trees: [UInt8]

    /// - Parameters:
    ///   - delta: odd for unit noise.
    ///   - keys: of the base transfers, chosen by Δ's bits.
    ///   - correction: the receiver's, of the right length.
    package init(
        count: Int, delta: Block, keys: [Block], correction: [UInt8], noise: SilentVOLE.NoiseValue = .random,
        using generator: inout some RandomNumberGenerator
    ) {
        precondition(noise == .random || delta.x & 1 == 1)
        let shape = SilentVOLE.Shape(count: count, noise: noise)
        let rows = TransferExtension.send(delta: delta, keys: keys, correction: Blocks(bytes: correction))
        let (path, other) = (Blocks(count: shape.pathRows), Blocks(count: shape.pathRows))
        for row in 0..<shape.pathRows {
            path[row] = rows[row]
            other[row] = rows[row] ^ delta
        }
        let pads = (
            BlockKernels.tweakedHash(path, key: SilentVOLE.padKey),
            BlockKernels.tweakedHash(other, key: SilentVOLE.padKey)
        )
        let leaves = Blocks(count: 2 * count + 2, isScattered: true)
        let message = Blocks(count: shape.treeBlocks)
        for tree in 0..<SilentVOLE.treeCount {
            let seed = Block.random(using: &generator)
            let sums = Self.grow(tree, seed, shape, leaves)
            for (level, sum) in sums.enumerated() {
                let row = tree * shape.depth + level
                message[2 * row] = sum.0 ^ pads.0[row]
                message[2 * row + 1] = sum.1 ^ pads.1[row]
            }
            let total = leaves.paritySums(from: tree * shape.leafCount, count: shape.leafCount)
            let coefficient =
                noise == .unit ? delta : SilentVOLE.combined(rows, from: 128 * (shape.depth + tree))
            message[2 * shape.pathRows + tree] = coefficient ^ total.0 ^ total.1
        }
        (self.shape, self.delta, self.rows, self.leaves) = (shape, delta, rows, leaves)
        trees = message.bytes()
    }

    /// One tree; returns the sums of left and right children of each level.
    private static func grow(
        _ tree: Int, _ seed: Block, _ shape: SilentVOLE.Shape, _ leaves: Blocks
    ) -> [(Block, Block)] {
        var nodes = Blocks([seed])
        var sums: [(Block, Block)] = []
        for level in 0..<shape.depth {
            let isLast = level == shape.depth - 1
            let next = isLast ? leaves : Blocks(count: 2 * nodes.count)
            let offset = isLast ? tree * shape.leafCount : 0
            BlockKernels.treeLevel(
                nodes, count: shape.nodeCount(level: level), keys: SilentVOLE.treeKeys, into: next, at: offset
            )
            sums.append(next.paritySums(from: offset, count: shape.nodeCount(level: level + 1)))
            nodes = next
        }
        return sums
    }

    /// Whether the receiver's extension proof holds.
    package func verifiesExtension(_ proof: [UInt8], seed: Block) -> Bool {
        guard proof.count == 32 else { return false }
        let parts = (x: Block(littleEndian: proof), t: Block(littleEndian: proof, at: 16))
        return TransferExtension.verifies(parts, rows: rows, delta: delta, seed: seed)
    }

    /// What the receiver expects of honest trees at `x`, after it revealed its masked sum.
    package func treeProof(at x: Block, revealed: Block) -> Block {
        let mask = SilentVOLE.combined(rows, from: 128 * shape.maskRow)
        return BlockKernels.evaluate(leaves, count: 2 * shape.count, at: x) ^ mask
            ^ FieldElement.multiply(delta, revealed)
    }

    /// The output b.
    package func finish(_ code: SilentVOLE.Code) -> Blocks {
        if shape.noise == .unit { leaves.clearLowBits() }
        leaves.shorten(to: 2 * shape.count)
        BlockKernels.compress(leaves, weight: code.rawValue, key: SilentVOLE.codeKey)
        return leaves
    }
}
