// SPDX-License-Identifier: Apache-2.0
//
// Specification: Ishai–Kilian–Nissim–Petrank 2003; consistency check of Keller–Orsini–Scholl 2015 §3.1, whose
// security Diamond 2022 (ePrint 2022/1371) proves.
// Adversary: semi-honest without the check, malicious with it; a receiver that guesses k bits of Δ passes with
// probability 2^-k. Secret: Δ, the choices, all rows. Leaks by design: the number of rows.
// Timing: bit operations and AES; no branch on a choice. Vectors: q = t + r·Δ in Tests/PSITests.

/// Correlated rows from 128 base transfers: the receiver holds bits r and blocks t, the sender Δ and q = t + r·Δ.
package enum TransferExtension {
    /// Rows that the check consumes (κ + s).
    package static let checkRows = 256

    /// The receiver's side.
    ///
    /// - Parameter choices: one bit a row, packed in blocks of 128; whole blocks only.
    /// - Returns: t, and the correction to send.
    package static func receive(choices: Blocks, keys: [(Block, Block)]) -> (rows: Blocks, correction: Blocks)
    {
        let width = choices.count
        let columns = Blocks(count: 128 * width)
        let correction = Blocks(count: 128 * width)
        let other = Blocks(count: width)
        for (index, pair) in keys.enumerated() {
            BlockKernels.fill(columns, from: pair.0, start: index * width, count: width)
            BlockKernels.fill(other, from: pair.1)
            for place in 0..<width {
                let at = index * width + place
                correction[at] = columns[at] ^ other[place] ^ choices[place]
            }
        }
        return (transposed(columns), correction)
    }

    /// The sender's side: q.
    package static func send(delta: Block, keys: [Block], correction: Blocks) -> Blocks {
        let width = correction.count / 128
        let columns = Blocks(count: 128 * width)
        for (index, key) in keys.enumerated() {
            BlockKernels.fill(columns, from: key, start: index * width, count: width)
            let mask = Block(repeating: 0 &- bit(delta, index))
            for place in index * width..<(index + 1) * width { columns[place] ^= correction[place] & mask }
        }
        return transposed(columns)
    }

    static func bit(_ block: Block, _ index: Int) -> UInt64 {
        (index < 64 ? block.x : block.y) >> UInt64(index % 64) & 1
    }

    /// The receiver's proof for random coefficients from `seed`: Σ r·χ and Σ t·χ.
    package static func proof(choices: Blocks, rows: Blocks, seed: Block) -> (x: Block, t: Block) {
        let coefficients = Blocks(count: rows.count)
        BlockKernels.fill(coefficients, from: seed)
        var (x, t) = (Block(), Block())
        for row in 0..<rows.count {
            let mask = Block(repeating: 0 &- bit(choices[row / 128], row % 128))
            x ^= coefficients[row] & mask
            t ^= FieldElement.multiply(coefficients[row], rows[row])
        }
        return (x, t)
    }

    /// Whether the proof fits the sender's rows.
    package static func verifies(_ proof: (x: Block, t: Block), rows: Blocks, delta: Block, seed: Block)
        -> Bool
    {
        let coefficients = Blocks(count: rows.count)
        BlockKernels.fill(coefficients, from: seed)
        var q = Block()
        for row in 0..<rows.count { q ^= FieldElement.multiply(coefficients[row], rows[row]) }
        return q == proof.t ^ FieldElement.multiply(proof.x, delta)
    }

    /// 128 columns of `width` blocks become 128·width rows.
    private static func transposed(_ columns: Blocks) -> Blocks {
        let width = columns.count / 128
        let rows = Blocks(count: columns.count)
        for index in 0..<128 {
            let (word, shift) = (index / 64, UInt64(index % 64))
            for place in 0..<width {
                let bits = columns[index * width + place]
                for row in 0..<128 {
                    let value = (row < 64 ? bits.x : bits.y) >> UInt64(row % 64) & 1
                    rows[128 * place + row][word] |= value << shift
                }
            }
        }
        return rows
    }
}
