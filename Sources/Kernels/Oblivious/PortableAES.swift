// SPDX-License-Identifier: Apache-2.0
//
// Specification: FIPS 197, AES-128 encryption.
// Adversary: none of its own. Secret: key and data. Leaks by design: nothing.
// Timing: the S-box is computed (inversion in GF(2^8), then the affine map), never looked up; no branch on data.
// Vectors: FIPS 197 C.1 in Tests/PSITests.

/// AES-128 without processor support: the twin of the AES instructions, for machines that lack them.
package struct PortableAES: Sendable {
    private typealias State = SIMD16<UInt8>
    private let roundKeys: [State]

    package init(key: Block) {
        var words = Self.bytes(key).map { $0 }
        var rcon: UInt8 = 1
        for round in 1...10 {
            let last = Array(words.suffix(4))
            var word = State(repeating: 0)
            for (place, byte) in [last[1], last[2], last[3], last[0]].enumerated() { word[place] = byte }
            word = Self.substitute(word)
            word[0] ^= rcon
            rcon = (rcon &<< 1) ^ (0x1b & (0 &- (rcon &>> 7)))
            for place in 0..<16 {
                let previous = words[16 * round + place - 16]
                words.append(previous ^ (place < 4 ? word[place] : words[16 * round + place - 4]))
            }
        }
        roundKeys = (0...10).map { round in
            var key = State()
            for place in 0..<16 { key[place] = words[16 * round + place] }
            return key
        }
    }

    package func encrypt(_ block: Block) -> Block {
        var state = State()
        for (place, byte) in Self.bytes(block).enumerated() { state[place] = byte }
        state ^= roundKeys[0]
        for round in 1...10 {
            let substituted = Self.substitute(state)
            for place in 0..<16 { state[place] = substituted[(place + 4 * (place % 4)) % 16] }
            if round < 10 { state = Self.mixColumns(state) }
            state ^= roundKeys[round]
        }
        return Block(littleEndian: (0..<16).map { state[$0] })
    }

    private static func bytes(_ block: Block) -> [UInt8] { block.littleEndian }

    private static func double(_ x: State) -> State { (x &<< 1) ^ (0x1b & (0 &- (x &>> 7))) }

    private static func multiply(_ x: State, _ y: State) -> State {
        var (x, product) = (x, State())
        for bit: UInt8 in 0..<8 {
            product ^= x & (0 &- ((y &>> State(repeating: bit)) & 1))
            x = double(x)
        }
        return product
    }

    private static func substitute(_ x: State) -> State {
        let x2 = multiply(x, x)
        let x3 = multiply(x2, x)
        let x6 = multiply(x3, x3)
        let x12 = multiply(x6, x6)
        var power = multiply(x12, x3)  // x^15
        for _ in 0..<4 { power = multiply(power, power) }  // x^240
        let inverse = multiply(multiply(power, x12), x2)  // x^254
        let rotate = { (by: UInt8) in
            inverse &<< State(repeating: by) | inverse &>> State(repeating: 8 - by)
        }
        return inverse ^ rotate(1) ^ rotate(2) ^ rotate(3) ^ rotate(4) ^ State(repeating: 0x63)
    }

    private static func mixColumns(_ x: State) -> State {
        let doubled = double(x)
        var mixed = State()
        for place in 0..<16 {
            let column = place & ~3
            let at = { (step: Int) in column + (place + step) % 4 }
            mixed[place] = doubled[place] ^ doubled[at(1)] ^ x[at(1)] ^ x[at(2)] ^ x[at(3)]
        }
        return mixed
    }
}
