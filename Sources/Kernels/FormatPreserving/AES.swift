// SPDX-License-Identifier: Apache-2.0
//
// Adversary: knows cipher texts and may choose plain ones; not on the same core as the portable AES.
// Leaks by design: the length, and equality under one key and tweak. Vectors: Tests/CollectTests (NIST's samples).
// Timing: with AES instructions independent of key and data but for the 128-bit remainders of FF1, whose division
// can take a time that depends on the numerals. Specification: FIPS 197 §5, NIST SP 800-38G §5.1.
//
// AES (FIPS 197), encryption alone, for FF1. Secret: the key and the blocks. The portable twin looks bytes up in a
// table, whose timing can show them to somebody on the same core; with AES instructions nothing shows.

private import CAES

struct AES: Sendable {
    private let schedule: [UInt8]
    private let roundCount: Int

    static let hasInstructions = caes_is_supported()

    /// `nil` unless the key has 16, 24 or 32 bytes.
    init?(key: [UInt8]) {
        guard [16, 24, 32].contains(key.count) else { return nil }
        roundCount = key.count / 4 + 6
        schedule = Self.expanded(key, rounds: roundCount)
    }

    /// Each block of 16 bytes becomes AES(block ⊕ mask).
    func encrypt(_ blocks: inout [UInt8], mask: [UInt8], usingInstructions: Bool = hasInstructions) {
        precondition(mask.count == 16 && blocks.count.isMultiple(of: 16))
        guard usingInstructions else {
            for start in stride(from: 0, to: blocks.count, by: 16) { portable(&blocks, start, mask) }
            return
        }
        let count = blocks.count / 16
        // SAFETY: the kernel reads the schedule and the mask and writes `count` whole blocks in place.
        unsafe blocks.withUnsafeMutableBufferPointer { blocks in
            unsafe caes_encrypt(schedule, Int32(roundCount), mask, blocks.baseAddress, count)
        }
    }

    // MARK: FIPS 197 §5

    private static let box: [UInt8] = {
        var box = [UInt8](repeating: 0, count: 256)
        var inverse: UInt8 = 1
        var value: UInt8 = 1
        repeat {
            value = value ^ (value << 1) ^ (value & 0x80 != 0 ? 0x1b : 0)  // times 3
            inverse ^= inverse << 1  // divided by 3
            inverse ^= inverse << 2
            inverse ^= inverse << 4
            if inverse & 0x80 != 0 { inverse ^= 0x09 }
            func turned(_ count: UInt8) -> UInt8 { inverse << count | inverse >> (8 - count) }
            box[Int(value)] = inverse ^ turned(1) ^ turned(2) ^ turned(3) ^ turned(4) ^ 0x63
        } while value != 1
        box[0] = 0x63
        return box
    }()

    private static func expanded(_ key: [UInt8], rounds: Int) -> [UInt8] {
        var schedule = key
        let words = key.count / 4
        var constant: UInt8 = 1
        for place in words..<4 * (rounds + 1) {
            var word = Array(schedule[4 * place - 4..<4 * place])
            if place.isMultiple(of: words) {
                word = [word[1], word[2], word[3], word[0]].map { box[Int($0)] }
                word[0] ^= constant
                constant = constant << 1 ^ (constant & 0x80 != 0 ? 0x1b : 0)
            } else if words == 8, place % words == 4 {
                word = word.map { box[Int($0)] }
            }
            for offset in 0..<4 { schedule.append(schedule[4 * (place - words) + offset] ^ word[offset]) }
        }
        return schedule
    }

    private func portable(_ blocks: inout [UInt8], _ start: Int, _ mask: [UInt8]) {
        var state = (0..<16).map { blocks[start + $0] ^ mask[$0] ^ schedule[$0] }
        for round in 1...roundCount {
            let shifted = (0..<16).map { Self.box[Int(state[($0 + 4 * ($0 & 3)) & 15])] }
            state = round == roundCount ? shifted : Self.mixed(shifted)
            for place in 0..<16 { state[place] ^= schedule[16 * round + place] }
        }
        blocks.replaceSubrange(start..<start + 16, with: state)
    }

    private static func mixed(_ state: [UInt8]) -> [UInt8] {
        func doubled(_ byte: UInt8) -> UInt8 { byte << 1 ^ (byte & 0x80 != 0 ? 0x1b : 0) }
        return (0..<16).map { place in
            let column = place & ~3
            let (a, b) = (state[place], state[column | (place + 1) & 3])
            return doubled(a) ^ doubled(b) ^ b ^ state[column | (place + 2) & 3]
                ^ state[column | (place + 3) & 3]
        }
    }
}
