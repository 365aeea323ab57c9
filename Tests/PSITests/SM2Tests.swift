// SPDX-License-Identifier: Apache-2.0

import Curves
import Oblivious
import PSI
import Primitives
import Testing

@Suite("SM2 and SM3")
struct SM2Tests {
    @Test("GB/T 32905 appendix A: SM3 gives the standard's digests")
    func digests() {
        let cases = [
            ("abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
            (
                String(repeating: "abcd", count: 16),
                "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
            ),
        ]
        for (text, digest) in cases { #expect(Hex.encode(SM3.hash(Array(text.utf8))) == digest) }
    }

    @Test("GB/T 32918.5: the standard's private key gives its public key, and the order gives nothing")
    func keyPair() throws {
        let curve = WeierstrassCurve.sm2
        let base = try #require(curve.point(x: try Self.bytes(Self.generator)))
        let own = curve.multiply(
            base, by: try Self.bytes("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"))
        let all = curve.multiply(
            base, by: try Self.bytes("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123"))
        #expect(
            Hex.encode(curve.coordinates([own, all, base]))
                == "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
                + String(repeating: "0", count: 64) + Self.generator)
    }

    private static let generator = "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"

    @Test(
        "RFC 9380, P256_XMD:SHA-256_SSWU_NU_: the code that hashes to SM2 gives that suite's points on P-256")
    func mapping() throws {
        let cases = [
            (
                "84bc3167da0939bc7130e749558acfa0001eaf26990b6f9565a88272edb162a6",
                "2b1b6eb1989d3fb644a4d2962e5adab24444abf37963e3ee5c3a47aa864c0899"
            ),
            (
                "03f880f3c4b02f3afdfbb79f5a68f52a52dda11bb18bc615693cc39e88eaef0e",
                "3a7c9353213d23c67286117b783863d0fcf0741df89680eb8678dc3482aa4294"
            ),
            (
                "6d895387b21ede1286f10a00bdc9543c2c33e3075287015ad5049486aafc8155",
                "dc152e051787dfe673e1bfe48a72c5814c559e66c8e1a369084cbe73929d0ae3"
            ),
            (
                "91cb15a547813dad8255626afab8db2937bf9136e3e140a2281dda77568f0ae3",
                "bdff5810ac42130719752d50ccc5f79e169e90a90cda984c311f6bad8e77fb44"
            ),
        ]
        let curve = WeierstrassCurve.p256
        for (element, x) in cases {
            let u = curve.field.residue(Words256(bigEndian: try Self.bytes(element)))
            #expect(Hex.encode(curve.coordinates([curve.mapped(u)])) == x)
        }
    }

    @Test(
        "eight lanes and portable code agree bit for bit: products, maps, edge values, odd counts, refusals")
    func lanes() throws {
        var random = SeededRandom(seed: 9)
        let bytes = { (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) } }
        let prime = try Self.bytes("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff")
        var edges = [[UInt8](repeating: 0, count: 31) + [1], [UInt8](repeating: 0, count: 32), prime]
        edges[2][31] -= 1  // p - 1
        for count in [1, 7, 8, 9, 15, 16, 17, 300] {
            // Any 256-bit number is taken modulo p by the map's own reduction; the peer's points must be below p.
            let elements = (edges + (0..<count).map { _ in bytes() }).flatMap(\.self)
            var scalar = bytes()
            scalar[31] |= 1
            let below = stride(from: 0, to: elements.count, by: 32).map { Array(elements[$0..<$0 + 32]) }
                .filter { $0.lexicographicallyPrecedes(prime) }.flatMap(\.self)
            let masks = SM2Batch.mask(below, by: scalar)
            #expect(masks == SM2Batch.mask(below, by: scalar, in: .one), "\(count) maps")
            let products = SM2Batch.multiply(masks, by: scalar)
            #expect(products != nil && products == SM2Batch.multiply(masks, by: scalar, in: .one))
        }
        for scalar in [[UInt8](repeating: 0, count: 31) + [1], [UInt8](repeating: 0xFF, count: 32)] {
            let base = try Self.bytes(Self.generator)
            #expect(
                SM2Batch.multiply(base, by: scalar) == SM2Batch.multiply(base, by: scalar, in: .one))
        }
        let one = [UInt8](repeating: 0, count: 31) + [1]
        // p itself is 0 written otherwise; about half of all x lie on the twist.
        #expect(SM2Batch.multiply(prime, by: one) == nil)
        var refused = 0
        for _ in 0..<64 {
            let x = bytes()
            let answer = SM2Batch.multiply(x, by: one)
            #expect(answer == SM2Batch.multiply(x, by: one, in: .one))
            if answer == nil { refused += 1 }
        }
        #expect((10...54).contains(refused))
    }

    @Test("masks commute, lie on the curve, and what lies off it is refused")
    func masks() throws {
        var random = SeededRandom(seed: 6)
        let items = (0..<4).map { _ in Block.random(using: &random) }
        let (a, b) = (SM2Group.scalar(using: &random), SM2Group.scalar(using: &random))
        let (first, second) = (SM2Group.mask(items, by: a), SM2Group.mask(items, by: b))
        let both = SM2Group.multiply(first, by: b)
        #expect(both != nil && both == SM2Group.multiply(second, by: a))
        #expect(SM2Group.multiply([UInt8](repeating: 0, count: 32), by: a) == nil)
        #expect(SM2Group.multiply([UInt8](repeating: 255, count: 32), by: a) == nil)
    }

    private static func bytes(_ text: String) throws -> [UInt8] { try #require(Hex.decode(text)) }
}
