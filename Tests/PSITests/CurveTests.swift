// SPDX-License-Identifier: Apache-2.0

import Crypto
import Curves
import Foundation
import Primitives
import Testing

@Suite("Curve25519")
struct CurveTests {
    @Test("RFC 7748 §5.2: the ladder gives the standard's u-coordinates")
    func ladderVectors() throws {
        let cases = [
            (
                "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
            ),
            (
                "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
            ),
        ]
        for (scalarHex, uHex, expected) in cases {
            var scalar = try #require(Hex.decode(scalarHex))
            scalar[0] &= 248
            scalar[31] = scalar[31] & 127 | 64
            for lanes in Lanes.allCases where lanes.areThere {
                var u = try #require(Hex.decode(uHex))
                u[31] &= 127
                MontgomeryBatch.multiply(&u, by: scalar, in: lanes)
                #expect(Hex.encode(u) == expected)
            }
        }
    }

    @Test("RFC 9380 J.4.2: hashing to curve25519 gives the standard's points")
    func hashVectors() throws {
        let expander = MessageExpander<SHA512>(
            domain: Array("QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_NU_".utf8))
        let cases = [
            (
                "", "608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd",
                "51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b",
                "1bb913f0c9daefa0b3375378ffa534bda5526c97391952a7789eb976edfe4d08"
            ),
            (
                "abc", "46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5",
                "7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb",
                "7c22950b7d900fa866334262fcaea47a441a578df43b894b4625c9b450f9a026"
            ),
        ]
        for (message, element, mapped, cleared) in cases {
            var bytes = MontgomeryCurve.hashedElement(Array(message.utf8), with: expander)
            #expect(Hex.encode(bytes.reversed()) == element)
            for lanes in Lanes.allCases where lanes.areThere {
                var u = bytes
                MontgomeryBatch.elligator(&u, in: lanes)
                #expect(Hex.encode(u.reversed()) == mapped)
                MontgomeryBatch.multiply(&u, by: [8] + [UInt8](repeating: 0, count: 31), in: lanes)
                #expect(Hex.encode(u.reversed()) == cleared)
            }
            bytes = []
        }
    }

    @Test(
        "eight lanes, four lanes and portable code agree bit for bit, edge values and odd counts included",
        arguments: Lanes.allCases.filter(\.areThere))
    func lanesAgree(lanes: Lanes) {
        var random = SeededRandom(seed: 25519)
        for count in [1, 3, 4, 5, 7, 8, 9, 255, 257] {
            var elements: [UInt8] = (0..<32 * count).map { _ in UInt8.random(in: 0...255, using: &random) }
            for start in stride(from: 31, to: elements.count, by: 32) { elements[start] &= 127 }
            for (place, edge) in Self.edges.enumerated() where place < count {
                elements.replaceSubrange(32 * place..<32 * place + 32, with: edge)
            }
            var scalars: [UInt8] = (0..<32 * count).map { _ in UInt8.random(in: 0...255, using: &random) }
            for start in stride(from: 31, to: scalars.count, by: 32) { scalars[start] &= 127 }
            var (fast, plain) = (elements, elements)
            MontgomeryBatch.multiply(&fast, byEach: scalars, in: lanes)
            MontgomeryBatch.multiply(&plain, byEach: scalars, in: .one)
            #expect(fast == plain)
            (fast, plain) = (elements, elements)
            MontgomeryBatch.elligator(&fast, in: lanes)
            MontgomeryBatch.elligator(&plain, in: .one)
            #expect(fast == plain)
        }
    }

    @Test("limbs that are full, empty or nearly so give the same products in all lanes")
    func sparseElements() {
        var random = SeededRandom(seed: 255)
        // Runs of ones and zeros that end anywhere fill some limbs of every radix and leave others empty.
        let bytes = { (count: Int) in
            (0..<count).flatMap { _ -> [UInt8] in
                var (words, bit) = ([UInt8](repeating: 0, count: 32), random.next() & 1)
                for place in 0..<255 {
                    if random.next() % 20 == 0 { bit ^= 1 }
                    words[place / 8] |= UInt8(bit) << UInt8(place % 8)
                }
                return words
            }
        }
        let count = Self.isLong ? 20_000 : 400
        let (elements, scalars) = (bytes(count), bytes(count))
        let results = Lanes.allCases.filter(\.areThere).map { lanes in
            var (products, maps) = (elements, elements)
            let begun = ContinuousClock.now
            MontgomeryBatch.multiply(&products, byEach: scalars, in: lanes)
            let time = begun.duration(to: .now) / .microseconds(count)
            MontgomeryBatch.elligator(&maps, in: lanes)
            if Self.isLong { print("scalar products, lanes \(lanes): \((time * 100).rounded() / 100) µs") }
            return products + maps
        }
        for result in results { #expect(result == results[0]) }
    }

    private static let isLong = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == "1"

    /// 0, 1, p - 1, p, p + 1, 2^255 - 1 and points of small order (RFC 7748 §6.1).
    private static let edges: [[UInt8]] = {
        let zero = [UInt8](repeating: 0, count: 32)
        var one = zero
        one[0] = 1
        let near = { (low: UInt8) in [low] + [UInt8](repeating: 255, count: 30) + [127] }
        let small = Hex.decode("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800") ?? zero
        return [zero, one, near(0xEC), near(0xED), near(0xEE), near(0xFF), small]
    }()

    @Test("RFC 9496 A.1–A.3: ristretto255 encodes, refuses and hashes as the standard says")
    func ristrettoVectors() throws {
        let multiples = [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
            "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
        ]
        var point = Ristretto255.identity
        for expected in multiples {
            #expect(Hex.encode(point.encoding) == expected)
            let decoded = Ristretto255(encoding: try #require(Hex.decode(expected)))
            #expect(decoded?.encoding == point.encoding)
            point = point + .generator
        }
        let refused = [
            "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000080",
        ]
        for encoding in refused {
            #expect(Ristretto255(encoding: try #require(Hex.decode(encoding))) == nil)
        }
        let text = Array("Ristretto is traditionally a short shot of espresso coffee".utf8)
        let hashed = Ristretto255(uniform: Array(SHA512.hash(data: text)))
        #expect(
            Hex.encode(hashed.encoding) == "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46")
    }

    @Test("ristretto255: a·(b·G) is (a·b)·G, and (a + b)·G is a·G + b·G")
    func ristrettoLaws() {
        var random = SeededRandom(seed: 4)
        for _ in 0..<20 {
            let (a, b) = (Scalar25519.random(using: &random), Scalar25519.random(using: &random))
            let g = Ristretto255.generator
            #expect(g.multiplied(by: b).multiplied(by: a).encoding == g.multiplied(by: a * b).encoding)
            #expect(g.multiplied(by: a + b).encoding == (g.multiplied(by: a) + g.multiplied(by: b)).encoding)
            #expect(g.multiplied(by: a).multiplied(by: a.inverse).encoding == g.encoding)
        }
    }
}
