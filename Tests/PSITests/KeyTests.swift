// SPDX-License-Identifier: Apache-2.0

import Crypto
import Curves
import Oblivious
import PSI
import Primitives
import Testing

@Suite("Keys of a private match")
struct KeyTests {
    @Test(
        "the recipe makes the two sides' ways of writing one key the same",
        arguments: [
            ([KeyRecipe.Step.trim, .width], "  ＡＢ１２　", "AB12"), ([.lower], "Ab", "ab"),
            ([.upper], "11010119900101001x", "11010119900101001X"),
            ([.phone], "+86 138-0013-8000", "13800138000"),
            ([.phone], "0086 13800138000", "13800138000"), ([.trim], "张三 ", "张三"),
        ])
    func recipe(steps: [KeyRecipe.Step], raw: String, expected: String) {
        #expect(KeyRecipe(steps: steps).normalize(Array(raw.utf8)) == Array(expected.utf8))
    }

    @Test("an empty key is rejected and counted; a repeated key counts once and brings all its rows")
    func duplicates() throws {
        let recipe = KeyRecipe()
        var builder = ItemSet.Builder(recipe: recipe)
        for key in ["a", "b", "a", " ", "c", "a"] { builder.add([recipe.normalize(Array(key.utf8))]) }
        let set = builder.build()
        #expect(set.items.count == 3)
        #expect(set.rejectedCount == 1)
        let repeated = try #require(set.repeats.first?.item)
        #expect(set.rows(of: [repeated]) == [0, 2, 5])
    }

    @Test("columns are told apart: ab|c is not a|bc")
    func columns() {
        var builder = ItemSet.Builder(recipe: KeyRecipe())
        builder.add([Array("ab".utf8), Array("c".utf8)])
        builder.add([Array("a".utf8), Array("bc".utf8)])
        #expect(builder.build().items.count == 2)
    }

    @Test("SHA instructions and swift-crypto agree for every short length")
    func digests() {
        for count in 0...130 {
            let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            #expect(ItemHash.digest(message) == ItemHash.digest(message, portably: true))
        }
    }

    @Test("hashing an item to a field element is expand_message_xmd of RFC 9380")
    func expansion() {
        let domain = Array("HUTONG-PSI-V1-c25519".utf8)
        let reference = MessageExpander<SHA256>(domain: domain)
        var expander = ItemExpander(domain: domain)
        var random = SeededRandom(seed: 9380)
        for _ in 0..<100 {
            let item = Block.random(using: &random)
            let words = expander.expand(item)
            let bytes = (0..<48).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64(56 - $0 % 8 * 8)) }
            #expect(bytes == reference.expand(item.littleEndian, count: 48))
        }
    }

    @Test("the same recipe has the same digest, and another order of steps another")
    func digest() {
        #expect(KeyRecipe().digest == KeyRecipe(steps: [.trim, .width]).digest)
        #expect(KeyRecipe().digest != KeyRecipe(steps: [.width, .trim]).digest)
    }
}
