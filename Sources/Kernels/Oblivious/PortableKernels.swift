// SPDX-License-Identifier: Apache-2.0
//
// Specification, adversary, secrets, leaks: as BlockKernels, whose twin this is.
// Timing: as BlockKernels. Vectors: compared with COblivious in Tests/PSITests.

/// The loops of `BlockKernels` in plain Swift: for other processors, and to check the fast ones.
package enum PortableKernels {
    package static func hash(_ input: Blocks, key: Block, into output: Blocks) {
        let aes = PortableAES(key: key)
        for place in 0..<input.count { output[place] = aes.encrypt(input[place]) ^ input[place] }
    }

    package static func fill(_ blocks: Blocks, from seed: Block, start: Int, count: Int) {
        let aes = PortableAES(key: seed)
        for place in 0..<count { blocks[start + place] = aes.encrypt(Block(UInt64(place), 0)) }
    }

    package static func treeLevel(
        _ nodes: Blocks, count: Int, keys: (Block, Block), into output: Blocks, at start: Int
    ) {
        let (left, right) = (PortableAES(key: keys.0), PortableAES(key: keys.1))
        for place in 0..<count {
            output[start + 2 * place] = left.encrypt(nodes[place]) ^ nodes[place]
            output[start + 2 * place + 1] = right.encrypt(nodes[place]) ^ nodes[place]
        }
    }

    /// Start and 256 bits of a row.
    private static func row(_ hash: Block, _ columns: Int, _ aes: PortableAES) -> (start: Int, band: [UInt64])
    {
        let start = hash.x.multipliedFullWidth(by: UInt64(columns - 255)).high
        let (a, b) = (hash ^ Block(0, 1), hash ^ Block(0, 2))
        let (low, high) = (aes.encrypt(a) ^ a, aes.encrypt(b) ^ b)
        return (Int(start), [low.x, low.y, high.x, high.y])
    }

    package static func encode(
        rows: Blocks, values: Blocks, columns: Int, key: Block, seed: Block
    ) -> Blocks? {
        let aes = PortableAES(key: key)
        var slots = [[UInt64]?](repeating: nil, count: columns)
        let sides = Blocks(count: columns)
        for place in 0..<rows.count {
            var (at, band) = row(rows[place], columns, aes)
            var value = values[place]
            while true {
                guard let word = band.firstIndex(where: { $0 != 0 }) else {
                    guard value == Block() else { return nil }
                    break
                }
                let shift = 64 * word + band[word].trailingZeroBitCount
                band = shifted(band, by: shift)
                at += shift
                guard let slot = slots[at] else {
                    slots[at] = band
                    sides[at] = value
                    break
                }
                band = zip(band, slot).map { $0 ^ $1 }
                value ^= sides[at]
            }
        }
        let solution = Blocks(count: columns + BlockKernels.bandWidth + 16)
        fill(solution, from: seed, start: 0, count: columns)
        for at in (0..<columns).reversed() {
            guard var slot = slots[at] else { continue }
            slot[0] &= ~1
            solution[at] = sides[at] ^ sum(slot, solution, at)
        }
        solution.shorten(to: columns)
        return solution
    }

    private static func shifted(_ band: [UInt64], by shift: Int) -> [UInt64] {
        let (words, bits) = (shift / 64, UInt64(shift % 64))
        return (0..<4).map { place in
            let low = place + words < 4 ? band[place + words] : 0
            let high = place + words + 1 < 4 ? band[place + words + 1] : 0
            return low >> bits | (bits == 0 ? 0 : high << (64 - bits))
        }
    }

    private static func sum(_ band: [UInt64], _ store: Blocks, _ start: Int) -> Block {
        var sum = Block()
        for place in 0..<256 {
            let mask = 0 &- (band[place / 64] >> UInt64(place % 64) & 1)
            sum ^= store[start + place] & Block(repeating: mask)
        }
        return sum
    }

    package static func decode(_ store: Blocks, columns: Int, rows: Blocks, key: Block) -> Blocks {
        let aes = PortableAES(key: key)
        let output = Blocks(count: rows.count)
        for place in 0..<rows.count {
            let (start, band) = row(rows[place], columns, aes)
            output[place] = sum(band, store, start)
        }
        return output
    }

    package static func compress(_ elements: Blocks, count: Int, weight: Int, keys: [Block]) {
        for key in keys.prefix(2) {
            let aes = PortableAES(key: key)
            var window = [Block](repeating: Block(), count: 24)
            for place in 0..<count {
                let value = elements[count + place] ^ window[0]
                elements[count + place] = value
                let draws = aes.encrypt(Block(UInt64(place / 4), 0))
                let draw = (place & 2 == 0 ? draws.x : draws.y) >> UInt64(32 * (place & 1))
                let taps = draw & 0xff_ffff | 1
                window.removeFirst()
                window.append(Block())
                // public: the code
                for tap in 0..<24 where taps >> UInt64(tap) & 1 == 1 { window[tap] ^= value }
            }
        }
        expand(elements, count, weight, keys[2])
    }

    private static func expand(_ elements: Blocks, _ count: Int, _ weight: Int, _ key: Block) {
        let aes = PortableAES(key: key)
        let regular = weight - weight / 2
        let step = count / regular
        let blocks = (weight + 3) / 4
        for place in 0..<count {
            let draws = (0..<blocks).flatMap { block in
                let drawn = aes.encrypt(Block(UInt64(place * blocks + block), 0))
                return [drawn.x & 0xffff_ffff, drawn.x >> 32, drawn.y & 0xffff_ffff, drawn.y >> 32]
            }
            for (number, draw) in draws.prefix(weight).enumerated() {
                let at =
                    number < regular
                    ? number * step + Int(draw * UInt64(step) >> 32) : Int(draw * UInt64(count) >> 32)
                elements[place] ^= elements[count + at]
            }
        }
    }

    package static func hashBits(
        _ input: Blocks, from start: Int, count: Int, offset: Block, key: Block
    ) -> [UInt64] {
        let aes = PortableAES(key: key)
        return (0..<count / 64).map { word in
            (0..<64).reduce(0) { bits, bit in
                let block = input[start + 64 * word + bit] ^ offset
                return bits | ((aes.encrypt(block).x ^ block.x) & 1) << UInt64(bit)
            }
        }
    }

    static func evaluate(_ elements: Blocks, count: Int, at x: Block) -> Block {
        (0..<count).reversed().reduce(Block()) { FieldElement.multiply($0 ^ elements[$1], x) }
    }

    package static func multiplyAdd(_ scalar: Block, _ input: Blocks, into output: Blocks) {
        for place in 0..<input.count { output[place] ^= FieldElement.multiply(scalar, input[place]) }
    }
}

/// GF(2^128) modulo x^128 + x^7 + x^2 + x + 1, bit 0 the lowest.
package enum FieldElement {
    /// - Secret: both. - Timing: 128 equal steps with masks.
    package static func multiply(_ x: Block, _ y: Block) -> Block {
        var (power, product) = (x, Block())
        for bit in 0..<128 {
            let word = bit < 64 ? y.x : y.y
            product ^= power & Block(repeating: 0 &- (word >> UInt64(bit % 64) & 1))
            power = timesX(power)
        }
        return product
    }

    /// x^exponent for a public exponent.
    package static func power(_ x: Block, _ exponent: Int) -> Block {
        var (result, square, rest) = (Block(1, 0), x, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result = multiply(result, square) }
            square = multiply(square, square)
            rest >>= 1
        }
        return result
    }

    static func timesX(_ x: Block) -> Block {
        let carry = 0 &- (x.y >> 63)
        return Block(x.x << 1 ^ (0x87 & carry), x.y << 1 | x.x >> 63)
    }
}
