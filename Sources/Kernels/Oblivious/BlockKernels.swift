// SPDX-License-Identifier: Apache-2.0
//
// Specification: FIPS 197; Guo–Katz–Wang–Yu 2020 (fixed-key hashing); GF(2^128) as in NIST SP 800-38D without its
// bit order; Bienstock–Patel–Seo–Yeo 2023 (random band matrices); Raghuraman–Rindal–Tanguy 2023 (expand-convolute).
// Adversary: as the protocol's. Secret: blocks. Leaks by design: nothing.
// Timing: COblivious where the processor has VAES, else PortableKernels; the address of a band depends on the
// session's hash of an item. Vectors: FIPS 197 and the comparison of both in Tests/PSITests.

import COblivious

/// The loops over blocks, on the fast kernels where the processor has them.
package enum BlockKernels {
    package static let isVectorized = hutong_oblivious_has_vaes() != 0

    /// Width of a band: with columns at least 1.1 times the rows, encoding fails with probability below 2^-40
    /// (Bienstock et al. 2023, fit for ε = 0.1: λ = 0.2691·w - 15.21 gives 53 for w = 256).
    package static let bandWidth = 256

    /// Columns of a band matrix for `rows` rows: a multiple of 64, and never so few that the noise of the code
    /// would be dense.
    package static func columns(rows: Int) -> Int {
        (max(8192, rows + rows / 10 + bandWidth) + 63) / 64 * 64
    }

    /// out[i] = AES_key(in[i]) ^ in[i].
    package static func hash(_ input: Blocks, key: Block) -> Blocks {
        let output = Blocks(count: input.count)
        hash(input, key: key, into: output)
        return output
    }

    /// The same into `output`, which may be `input`: fresh memory is not free.
    package static func hash(_ input: Blocks, key: Block, into output: Blocks) {
        precondition(input.count == output.count)
        guard isVectorized else { return PortableKernels.hash(input, key: key, into: output) }
        // SAFETY: both rows have input.count blocks; the key is one block.
        unsafe withUnsafeBytes(of: key) {
            unsafe hutong_aes_hash($0.baseAddress, input.base, output.base, input.count)
        }
    }

    /// Pseudorandom blocks from a seed, in place from `start`.
    package static func fill(_ blocks: Blocks, from seed: Block, start: Int = 0, count: Int? = nil) {
        let count = count ?? blocks.count - start
        precondition(start >= 0 && count >= 0 && start + count <= blocks.count)
        guard isVectorized else {
            return PortableKernels.fill(blocks, from: seed, start: start, count: count)
        }
        // SAFETY: the range is inside, just checked.
        unsafe withUnsafeBytes(of: seed) {
            unsafe hutong_aes_counter($0.baseAddress, 0, blocks.base + start, count)
        }
    }

    /// Children of the first `count` nodes: 2·count blocks into `output` from `start`.
    static func treeLevel(
        _ nodes: Blocks, count: Int, keys: (Block, Block), into output: Blocks, at start: Int = 0
    ) {
        precondition(count <= nodes.count && start + 2 * count <= output.count)
        guard isVectorized else {
            return PortableKernels.treeLevel(nodes, count: count, keys: keys, into: output, at: start)
        }
        // SAFETY: reads count nodes and writes 2·count from start, inside as just checked.
        unsafe withUnsafeBytes(of: keys) {
            unsafe hutong_tree_level($0.baseAddress, nodes.base, output.base + start, count)
        }
    }

    /// Rows sorted by their low word, and where each stood: what the band kernels are fast on.
    package static func sorted(_ hashes: Blocks) -> (Blocks, order: [UInt32]) {
        let output = Blocks(count: hashes.count)
        // SAFETY: both rows have as many blocks as is said.
        return unsafe (output, sort(hashes.base, hashes.count, into: output.base))
    }

    /// The same for an array, in place; gives where each stood.
    package static func sort(_ items: inout [Block]) -> [UInt32] {
        // SAFETY: the buffer is the array's own while the closure runs, and both input and output.
        unsafe items.withUnsafeMutableBufferPointer { items in
            guard let base = items.baseAddress else { return [] }
            return unsafe sort(base, items.count, into: base)
        }
    }

    /// `output` may be where the hashes are.
    private static func sort(
        _ hashes: UnsafePointer<Block>, _ count: Int, into output: UnsafeMutablePointer<Block>
    ) -> [UInt32] {
        let scratch = Blocks(count: count)
        var order = [UInt32](repeating: 0, count: count)
        var spare = order
        // SAFETY: all five rows have `count` elements; the hashes are read before the output is written. Kept in C for
        // speed, and portable C throughout.
        unsafe order.withUnsafeMutableBufferPointer { order in
            unsafe spare.withUnsafeMutableBufferPointer { spare in
                unsafe hutong_sort_hashes(
                    hashes, count, output, order.baseAddress, scratch.base, spare.baseAddress)
            }
        }
        return order
    }

    /// Encodes rows → values as a band store of `columns` columns; `nil` when the rows are dependent.
    ///
    /// The columns no row needs are filled from `seed`: for random values the result is uniform whatever the rows
    /// (oblivious).
    package static func encode(
        rows: Blocks, values: Blocks, columns: Int, key: Block, seed: Block
    ) -> Blocks? {
        precondition(rows.count == values.count && columns >= bandWidth)
        guard isVectorized else {
            return PortableKernels.encode(rows: rows, values: values, columns: columns, key: key, seed: seed)
        }
        let (coefficients, sides) = (Blocks(count: 2 * columns), Blocks(count: columns))
        // SAFETY: four words and one block a column, as the kernel asks.
        let isSolvable = unsafe withUnsafeBytes(of: key) { key in
            unsafe coefficients.base.withMemoryRebound(to: UInt64.self, capacity: 4 * columns) { words in
                unsafe hutong_band_insert(
                    key.baseAddress, rows.base, values.base, rows.count, columns, words, sides.base)
            }
        }
        guard isSolvable == 1 else { return nil }
        let solution = Blocks(count: columns + bandWidth + 16)
        defer { solution.shorten(to: columns) }
        fill(solution, from: seed, count: columns)
        // SAFETY: as above; the solution has more than 256 zero blocks behind its columns.
        unsafe coefficients.base.withMemoryRebound(to: UInt64.self, capacity: 4 * columns) { words in
            unsafe hutong_band_solve(words, sides.base, columns, solution.base)
        }
        return solution
    }

    /// The value a store of `columns` columns gives each row. Rows should be sorted.
    package static func decode(_ store: Blocks, columns: Int, rows: Blocks, key: Block) -> Blocks {
        precondition(store.count >= columns && columns >= bandWidth)
        guard isVectorized else {
            return PortableKernels.decode(store, columns: columns, rows: rows, key: key)
        }
        let output = Blocks(count: rows.count)
        // SAFETY: a band starts at most at columns - 256 and has 256 blocks: inside the store.
        unsafe withUnsafeBytes(of: key) { key in
            unsafe hutong_band_decode(
                key.baseAddress, rows.base, rows.count, columns, store.base, output.base)
        }
        return output
    }

    /// The dual of the systematic expand-convolute code: 2·count elements become `count`.
    ///
    /// Convolved twice with 24 taps, then expanded with row weight `weight`.
    static func compress(_ elements: Blocks, weight: Int, key: Block) {
        let count = elements.count / 2
        precondition(elements.count == 2 * count && weight <= 24)
        defer { elements.shorten(to: count) }
        let keys = [key, key ^ Block(1, 0), key ^ Block(2, 0)]
        guard isVectorized else {
            return PortableKernels.compress(elements, count: count, weight: weight, keys: keys)
        }
        // SAFETY: both halves have count blocks, as just checked.
        let upper = unsafe elements.base + count
        unsafe keys.withUnsafeBufferPointer { keys in
            unsafe hutong_convolve(keys.baseAddress, upper, count)
            unsafe hutong_convolve(keys.baseAddress.map { unsafe $0 + 1 }, upper, count)
            unsafe hutong_expand(
                keys.baseAddress.map { unsafe $0 + 2 }, upper, elements.base, count, weight)
        }
    }

    /// The lowest bits of AES_key(x) ^ x for the blocks x = input[i] ^ offset, 64 to a word.
    package static func hashBits(
        _ input: Blocks, from start: Int, count: Int, offset: Block = Block(), key: Block
    ) -> [UInt64] {
        precondition(start >= 0 && count.isMultiple(of: 64) && start + count <= input.count)
        guard isVectorized else {
            return PortableKernels.hashBits(input, from: start, count: count, offset: offset, key: key)
        }
        // SAFETY: count blocks are inside, as just checked; a word for 64 of them, all written.
        return unsafe [UInt64](unsafeUninitializedCapacity: count / 64) { words, filled in
            unsafe withUnsafeBytes(of: (key, offset)) {
                unsafe hutong_aes_hash_bits($0.baseAddress, input.base + start, count, words.baseAddress)
            }
            filled = count / 64
        }
    }

    /// output[i] ^= scalar·input[i] in GF(2^128).
    package static func multiplyAdd(_ scalar: Block, _ input: Blocks, into output: Blocks) {
        precondition(input.count <= output.count)
        guard isVectorized else { return PortableKernels.multiplyAdd(scalar, input, into: output) }
        // SAFETY: input.count blocks are inside both.
        unsafe withUnsafeBytes(of: scalar) {
            unsafe hutong_field_multiply_add($0.baseAddress, input.base, output.base, input.count)
        }
    }

    /// Σ x^(i+1)·elements[i] over the first `count` elements, in GF(2^128).
    static func evaluate(_ elements: Blocks, count: Int, at x: Block) -> Block {
        precondition(count <= elements.count)
        guard isVectorized else { return PortableKernels.evaluate(elements, count: count, at: x) }
        var result = Block()
        // SAFETY: count elements are inside; point and result are one block each.
        unsafe withUnsafeBytes(of: x) { x in
            unsafe withUnsafeMutableBytes(of: &result) { result in
                unsafe hutong_field_evaluate(x.baseAddress, elements.base, count, result.baseAddress)
            }
        }
        return result
    }

    /// H(i, block_i): two fixed-key passes with the index between them (Guo et al. 2020, TMMO).
    package static func tweakedHash(_ input: Blocks, key: Block) -> Blocks {
        let middle = hash(input, key: key)
        for place in 0..<middle.count { middle[place] ^= Block(UInt64(place), 1 << 63) }
        hash(middle, key: key, into: middle)
        return middle
    }
}
