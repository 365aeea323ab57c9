// SPDX-License-Identifier: Apache-2.0
//
// Adversary: knows cipher texts and may choose plain ones; not on the same core as the portable AES.
// Leaks by design: the length, and equality under one key and tweak. Vectors: Tests/CollectTests (NIST's samples).
// Timing: with AES instructions independent of key and data but for the 128-bit remainders of FF1, whose division
// can take a time that depends on the numerals. Specification: FIPS 197 §5, NIST SP 800-38G §5.1.
//
// NIST SP 800-38G §5.1: FF1, format-preserving encryption with AES. (FF3 is not offered: the draft of revision 1
// removes it.) Secret: the key and the numerals. Leaks by design: the length, and that equal numerals under one
// key and tweak give equal numerals. Vectors: NIST's nine samples, in FormatPreservingTests.

/// A number written in a radix, encrypted into a number of the same length in the same radix.
package struct FF1: Sendable {
    package enum Failure: Error, Hashable, Sendable {
        /// AES keys have 16, 24 or 32 bytes.
        case keyLength
        /// 2 to 36, and every numeral below it.
        case radix
        /// The domain must hold a million values (SP 800-38G rev. 1 draft §4).
        case tooShort
        /// Half of the number must stay below 2^112.
        case tooLong
    }

    package let radix: Int
    private let cipher: AES

    package init(key: [UInt8], radix: Int = 10) throws(Failure) {
        guard let cipher = AES(key: key) else { throw .keyLength }
        guard (2...36).contains(radix) else { throw .radix }
        self.cipher = cipher
        self.radix = radix
    }

    package func encrypt(_ numerals: [UInt8], tweak: [UInt8] = []) throws(Failure) -> [UInt8] {
        var output = numerals
        try run(&output, length: numerals.count, tweak: tweak, forward: true)
        return output
    }

    package func decrypt(_ numerals: [UInt8], tweak: [UInt8] = []) throws(Failure) -> [UInt8] {
        var output = numerals
        try run(&output, length: numerals.count, tweak: tweak, forward: false)
        return output
    }

    /// Encrypts many numbers of one length, written one after the other: the blocks of a round go through AES together.
    /// Cost: ten AES blocks and ten divisions a number.
    package func encrypt(numerals: inout [UInt8], length: Int, tweak: [UInt8] = []) throws(Failure) {
        try run(&numerals, length: length, tweak: tweak, forward: true)
    }

    package func decrypt(numerals: inout [UInt8], length: Int, tweak: [UInt8] = []) throws(Failure) {
        try run(&numerals, length: length, tweak: tweak, forward: false)
    }

    // MARK: Algorithms 7 and 8

    private func run(
        _ numerals: inout [UInt8], length: Int, tweak: [UInt8], forward: Bool
    ) throws(Failure) {
        let shape = try Shape(count: length, radix: radix, tweak: tweak)
        precondition(numerals.count.isMultiple(of: length))
        guard numerals.allSatisfy({ $0 < radix }) else { throw .radix }
        if shape.isNarrow {
            narrow(&numerals, length, shape, tweak, forward)
        } else {
            var batch = stride(from: 0, to: numerals.count, by: length).map {
                Array(numerals[$0..<$0 + length])
            }
            try run(&batch, tweak: tweak, forward: forward)
            numerals = batch.flatMap(\.self)
        }
    }

    /// Numbers that go through the rounds together: their blocks stay in the first cache.
    private static let lanes = 64

    /// Both halves below 2^62 and one block a round: what identity numbers, telephones and cards are.
    private func narrow(
        _ numerals: inout [UInt8], _ length: Int, _ shape: Shape, _ tweak: [UInt8], _ forward: Bool
    ) {
        var prefix = shape.header
        cipher.encrypt(&prefix, mask: [UInt8](repeating: 0, count: 16))
        let lanes = Self.lanes
        var blocks = [UInt8](repeating: 0, count: 16 * lanes)
        var a = [UInt64](repeating: 0, count: lanes)
        var b = a
        for first in stride(from: 0, to: numerals.count, by: length * lanes) {
            let width = min(lanes, (numerals.count - first) / length)
            for lane in 0..<width {
                let start = first + lane * length
                a[lane] = half(numerals, start..<start + shape.left)
                b[lane] = half(numerals, start + shape.left..<start + length)
            }
            for step in 0..<10 {
                let round = forward ? step : 9 - step
                let modulus = UInt64(round.isMultiple(of: 2) ? shape.leftModulus : shape.rightModulus)
                fill(&blocks, from: forward ? b : a, width, shape.question(tweak, round: UInt8(round)))
                cipher.encrypt(&blocks, mask: prefix)
                for lane in 0..<width {
                    let word = word(blocks, lane, shape.wordBytes, modulus)
                    if forward {
                        let sum = a[lane] + word
                        a[lane] = sum >= modulus ? sum - modulus : sum
                    } else {
                        b[lane] = b[lane] >= word ? b[lane] - word : b[lane] + modulus - word
                    }
                }
                swap(&a, &b)
            }
            for lane in 0..<width {
                let start = first + lane * length
                put(a[lane], into: &numerals, start..<start + shape.left)
                put(b[lane], into: &numerals, start + shape.left..<start + length)
            }
        }
    }

    private func half(_ numerals: [UInt8], _ range: Range<Int>) -> UInt64 {
        var value: UInt64 = 0
        for place in range { value = value &* UInt64(radix) &+ UInt64(numerals[place]) }
        return value
    }

    private func put(_ value: UInt64, into numerals: inout [UInt8], _ range: Range<Int>) {
        var rest = value
        for place in range.reversed() {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: UInt64(radix))
            numerals[place] = UInt8(truncatingIfNeeded: remainder)
            rest = quotient
        }
    }

    /// Q of each lane: the tweak and the round, then the number in the last eight bytes.
    private func fill(
        _ blocks: inout [UInt8], from sources: [UInt64], _ width: Int, _ question: (high: UInt64, low: UInt64)
    ) {
        // SAFETY: each lane's sixteen bytes lie inside the buffer of 16 × lanes, and width is at most lanes.
        unsafe blocks.withUnsafeMutableBytes { bytes in
            for lane in 0..<width {
                unsafe bytes.storeBytes(of: question.high.bigEndian, toByteOffset: 16 * lane, as: UInt64.self)
                unsafe bytes.storeBytes(
                    of: (question.low | sources[lane]).bigEndian, toByteOffset: 16 * lane + 8, as: UInt64.self
                )
            }
        }
    }

    /// Step 6 iv–vi: the first d bytes of the lane's block, modulo radix^m.
    private func word(_ blocks: [UInt8], _ lane: Int, _ count: Int, _ modulus: UInt64) -> UInt64 {
        // SAFETY: the lane's sixteen bytes lie inside the buffer.
        let (high, low) = unsafe blocks.withUnsafeBytes { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16 * lane, as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16 * lane + 8, as: UInt64.self))
            )
        }
        guard count > 8 else { return high % modulus }
        let whole = (UInt128(high) << 64 | UInt128(low)) >> UInt128(8 * (16 - count))
        return UInt64(whole % UInt128(modulus))
    }

    private func run(_ batch: inout [[UInt8]], tweak: [UInt8], forward: Bool) throws(Failure) {
        guard let count = batch.first?.count else { return }
        let shape = try Shape(count: count, radix: radix, tweak: tweak)
        var pairs: [(UInt128, UInt128)] = []
        pairs.reserveCapacity(batch.count)
        for numerals in batch {
            guard numerals.count == count, numerals.allSatisfy({ $0 < radix }) else { throw .radix }
            pairs.append((value(numerals[..<shape.left]), value(numerals[shape.left...])))
        }
        var prefix = shape.header
        cipher.encrypt(&prefix, mask: [UInt8](repeating: 0, count: 16))
        for step in 0..<10 {
            let round = forward ? step : 9 - step
            let sources = pairs.map { forward ? $0.1 : $0.0 }
            let modulus = round.isMultiple(of: 2) ? shape.leftModulus : shape.rightModulus
            let words = pseudorandom(sources, shape, prefix, tweak, round: UInt8(round), modulus: modulus)
            for place in pairs.indices {
                let (a, b) = pairs[place]
                if forward {
                    pairs[place] = (b, (a + words[place]) % modulus)
                } else {
                    pairs[place] = ((b + modulus - words[place]) % modulus, a)
                }
            }
        }
        for place in batch.indices {
            write(pairs[place].0, to: &batch[place], 0..<shape.left)
            write(pairs[place].1, to: &batch[place], shape.left..<count)
        }
    }

    private func value(_ numerals: ArraySlice<UInt8>) -> UInt128 {
        numerals.reduce(0) { $0 * UInt128(radix) + UInt128($1) }
    }

    private func write(_ value: UInt128, to numerals: inout [UInt8], _ range: Range<Int>) {
        var rest = value
        for place in range.reversed() {
            numerals[place] = UInt8(truncatingIfNeeded: rest % UInt128(radix))
            rest /= UInt128(radix)
        }
    }

    /// Steps 6 i–iv: PRF over P ‖ Q, stretched to d bytes, taken modulo radix^m.
    private func pseudorandom(
        _ sources: [UInt128], _ shape: Shape, _ prefix: [UInt8], _ tweak: [UInt8], round: UInt8,
        modulus: UInt128
    ) -> [UInt128] {
        let blocksEach = shape.tailBytes / 16
        var states = [UInt8](repeating: 0, count: 16 * sources.count)
        var tails: [UInt8] = []
        tails.reserveCapacity(sources.count * shape.tailBytes)
        for source in sources {
            tails.append(contentsOf: tweak)
            tails.append(
                contentsOf: repeatElement(0, count: shape.tailBytes - tweak.count - 1 - shape.numberBytes))
            tails.append(round)
            for byte in (0..<shape.numberBytes).reversed() {
                tails.append(UInt8(truncatingIfNeeded: source >> UInt128(8 * byte)))
            }
        }
        for block in 0..<blocksEach {
            for place in sources.indices {
                let start = place * shape.tailBytes + 16 * block
                for offset in 0..<16 { states[16 * place + offset] ^= tails[start + offset] }
            }
            cipher.encrypt(&states, mask: block == 0 ? prefix : [UInt8](repeating: 0, count: 16))
        }
        return sources.indices.map { place in
            remainder(Array(states[16 * place..<16 * place + 16]), shape.wordBytes, modulus)
        }
    }

    private func remainder(_ state: [UInt8], _ count: Int, _ modulus: UInt128) -> UInt128 {
        var bytes = state
        var counter: UInt8 = 1
        while bytes.count < count {
            var block = state
            block[15] ^= counter
            cipher.encrypt(&block, mask: [UInt8](repeating: 0, count: 16))
            bytes += block
            counter += 1
        }
        return bytes.prefix(count).reduce(0) { ($0 << 8 | UInt128($1)) % modulus }
    }

    /// Steps 1–5: everything that follows from length, radix and tweak.
    private struct Shape {
        let left: Int
        let leftModulus: UInt128
        let rightModulus: UInt128
        /// b: bytes of the number of one half.
        let numberBytes: Int
        /// d: bytes taken from the stretched PRF.
        let wordBytes: Int
        /// The length of Q.
        let tailBytes: Int
        /// P.
        let header: [UInt8]

        /// One block a round, no stretching, and halves that add up inside a machine word.
        var isNarrow: Bool { tailBytes == 16 && wordBytes <= 16 && rightModulus < 1 << 62 }

        /// Q without its number, as two big-endian words.
        func question(_ tweak: [UInt8], round: UInt8) -> (high: UInt64, low: UInt64) {
            var bytes = tweak + [UInt8](repeating: 0, count: 16 - tweak.count)
            bytes[15 - numberBytes] = round
            func word(_ part: ArraySlice<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
            return (word(bytes[..<8]), word(bytes[8...]))
        }

        init(count: Int, radix: Int, tweak: [UInt8]) throws(Failure) {
            let right = count - count / 2
            var modulus: UInt128 = 1
            for _ in 0..<right {
                modulus *= UInt128(radix)
                guard modulus < 1 << 112 else { throw .tooLong }
            }
            left = count / 2
            rightModulus = modulus
            leftModulus = count.isMultiple(of: 2) ? modulus : modulus / UInt128(radix)
            guard
                leftModulus.multipliedReportingOverflow(by: rightModulus).partialValue >= 1_000_000
                    || rightModulus > 1_000_000
            else { throw .tooShort }
            let bits = 128 - (modulus - 1).leadingZeroBitCount
            numberBytes = (bits + 7) / 8
            wordBytes = 4 * ((numberBytes + 3) / 4) + 4
            tailBytes = (tweak.count + 1 + numberBytes + 15) / 16 * 16
            func bytes(_ value: Int, _ width: Int) -> [UInt8] {
                (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            }
            header =
                [1, 2, 1] + bytes(radix, 3) + [10, UInt8(truncatingIfNeeded: left)] + bytes(count, 4)
                + bytes(tweak.count, 4)
        }
    }
}
