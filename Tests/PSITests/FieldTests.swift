// SPDX-License-Identifier: Apache-2.0

import Curves
import Foundation
import Primitives
import Testing

@Suite("Field arithmetic against exact integers")
struct FieldTests {
    /// A million under HUTONG_SOAK, enough to see a wrong carry otherwise.
    private static let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == "1" ? 1_000_000 : 20_000

    @Test("2^255 - 19: sums, differences, products, squares and inverses")
    func field25519() {
        let prime = Exact([0xFFFF_FFFF_FFFF_FFED, .max, .max, 0x7FFF_FFFF_FFFF_FFFF])
        var random = SeededRandom(seed: 1)
        for round in 0..<Self.rounds {
            let (x, y) = (Exact.sample(round, prime, &random), Exact.sample(round / 7, prime, &random))
            let (a, b) = (Field25519(littleEndian: x.bytes), Field25519(littleEndian: y.bytes))
            var isRight = (a * b).littleEndian == x.times(y, prime).bytes
            isRight = isRight && a.squared.littleEndian == x.times(x, prime).bytes
            isRight = isRight && (a + b).littleEndian == x.plus(y, prime).bytes
            isRight = isRight && (a - b).littleEndian == x.minus(y, prime).bytes
            if round % 500 == 0, x.words != [0, 0, 0, 0] {
                isRight = isRight && (a.inverse * a).littleEndian == Field25519.one.littleEndian
            }
            guard isRight else {
                Issue.record("round \(round): \(x.words) and \(y.words)")
                return
            }
        }
    }

    @Test("any odd 256-bit modulus: the order of ristretto255 and the field of SM2", arguments: [0, 1])
    func montgomery(which: Int) {
        let modulus =
            which == 0
            ? Exact([0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000])
            : Exact([.max, 0xFFFF_FFFF_0000_0000, .max, 0xFFFF_FFFE_FFFF_FFFF])
        let words = modulus.words
        let ring = Modular256(modulus: Words256(words[0], words[1], words[2], words[3]))
        let residue = { (x: Exact) in ring.residue(Words256(x.words[0], x.words[1], x.words[2], x.words[3])) }
        var random = SeededRandom(seed: 2)
        for round in 0..<Self.rounds {
            let (x, y) = (Exact.sample(round, modulus, &random), Exact.sample(round / 7, modulus, &random))
            let (a, b) = (residue(x), residue(y))
            var isRight = ring.words(ring.multiply(a, b)).littleEndian == x.times(y, modulus).bytes
            isRight = isRight && ring.words(ring.add(a, b)).littleEndian == x.plus(y, modulus).bytes
            isRight = isRight && ring.words(ring.subtract(a, b)).littleEndian == x.minus(y, modulus).bytes
            guard isRight else {
                Issue.record("round \(round): \(x.words) and \(y.words)")
                return
            }
        }
    }
}

/// Integers below 2^256, by the schoolbook: nothing in common with the code under test.
private struct Exact {
    let words: [UInt64]

    init(_ words: [UInt64]) { self.words = words }

    var bytes: [UInt8] {
        words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    }

    /// Edge values first, then random ones, all below the modulus.
    static func sample(_ round: Int, _ modulus: Exact, _ random: inout SeededRandom) -> Exact {
        let edges: [[UInt64]] = [
            [0, 0, 0, 0], [1, 0, 0, 0], [19, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1 << 59],
            [.max, .max, .max, 0],
            [(1 << 51) - 1, 0, 0, 0],
        ]
        if round < edges.count { return Exact(edges[round]) }
        if round < 2 * edges.count {
            return Exact([0, 0, 0, 0]).minus(Exact(edges[round - edges.count]), modulus)
        }
        return Exact((0..<4).map { _ in UInt64.random(in: 0...UInt64.max, using: &random) } + [0]).reduced(
            modulus)
    }

    func plus(_ other: Exact, _ modulus: Exact) -> Exact {
        Exact(Self.added(words + [0], other.words + [0])).reduced(modulus)
    }

    func minus(_ other: Exact, _ modulus: Exact) -> Exact {
        Exact(Self.subtracted(Self.added(words + [0], modulus.words + [0]), other.words + [0])).reduced(
            modulus)
    }

    func times(_ other: Exact, _ modulus: Exact) -> Exact {
        var product = [UInt64](repeating: 0, count: 8)
        for (i, x) in words.enumerated() {
            var carry: UInt64 = 0
            for (j, y) in other.words.enumerated() {
                let sum = UInt128(x) * UInt128(y) + UInt128(product[i + j]) + UInt128(carry)
                product[i + j] = UInt64(truncatingIfNeeded: sum)
                carry = UInt64(sum >> 64)
            }
            product[i + 4] = carry
        }
        return Exact(product).reduced(modulus)
    }

    /// Long division by shifting in one bit after the other.
    func reduced(_ modulus: Exact) -> Exact {
        var rest = [UInt64](repeating: 0, count: 5)
        let divisor = modulus.words + [0]
        for word in words.reversed() {
            for bit in (0..<64).reversed() {
                for place in (1..<5).reversed() { rest[place] = rest[place] << 1 | rest[place - 1] >> 63 }
                rest[0] = rest[0] << 1 | word >> UInt64(bit) & 1
                if !Self.isLess(rest, divisor) { rest = Self.subtracted(rest, divisor) }
            }
        }
        return Exact(Array(rest.prefix(4)))
    }

    private static func isLess(_ x: [UInt64], _ y: [UInt64]) -> Bool {
        for place in x.indices.reversed() where x[place] != y[place] { return x[place] < y[place] }
        return false
    }

    private static func added(_ x: [UInt64], _ y: [UInt64]) -> [UInt64] {
        var carry: UInt64 = 0
        return zip(x, y).map { a, b in
            let sum = UInt128(a) + UInt128(b) + UInt128(carry)
            carry = UInt64(sum >> 64)
            return UInt64(truncatingIfNeeded: sum)
        }
    }

    private static func subtracted(_ x: [UInt64], _ y: [UInt64]) -> [UInt64] {
        var borrow: UInt64 = 0
        return zip(x, y).map { a, b in
            let (first, one) = a.subtractingReportingOverflow(b)
            let (second, two) = first.subtractingReportingOverflow(borrow)
            borrow = one || two ? 1 : 0
            return second
        }
    }
}
