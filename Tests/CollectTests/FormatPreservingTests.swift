// SPDX-License-Identifier: Apache-2.0

import FormatPreserving
import Primitives
import Testing

@Suite("Format-preserving encryption")
struct FormatPreservingTests {
    /// NIST CSRC, "FF1 samples": key, radix, tweak, plain, cipher.
    static let samples: [(String, Int, String, String, String)] = {
        let keys = [
            "2B7E151628AED2A6ABF7158809CF4F3C", "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F",
            "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94",
        ]
        let ten = "39383736353433323130"
        let eleven = "3737373770717273373737"
        let word = "0123456789abcdefghi"
        return [
            (keys[0], 10, "", "0123456789", "2433477484"), (keys[0], 10, ten, "0123456789", "6124200773"),
            (keys[0], 36, eleven, word, "a9tv40mll9kdu509eum"), (keys[1], 10, "", "0123456789", "2830668132"),
            (keys[1], 10, ten, "0123456789", "2496655549"),
            (keys[1], 36, eleven, word, "xbj3kv35jrawxv32ysr"),
            (keys[2], 10, "", "0123456789", "6657667009"), (keys[2], 10, ten, "0123456789", "1001623463"),
            (keys[2], 36, eleven, word, "xs8a0azh2avyalyzuwd"),
        ]
    }()

    private func numerals(_ text: String) -> [UInt8] {
        text.compactMap { $0.wholeNumberValue ?? Int($0.asciiValue ?? 0) - 87 }.map(UInt8.init)
    }

    @Test("NIST's nine FF1 samples, forwards and back", arguments: samples.indices)
    func nist(place: Int) throws {
        let (key, radix, tweak, plain, cipher) = Self.samples[place]
        let ff1 = try FF1(key: try #require(Hex.decode(key)), radix: radix)
        let tweakBytes = try #require(Hex.decode(tweak))
        #expect(try ff1.encrypt(numerals(plain), tweak: tweakBytes) == numerals(cipher))
        #expect(try ff1.decrypt(numerals(cipher), tweak: tweakBytes) == numerals(plain))
    }

    @Test("a batch gives what its numbers give one by one, and is undone exactly")
    func batch() throws {
        let ff1 = try FF1(key: Array(0..<16))
        var random = SeededRandom(seed: 5)
        for length in [6, 7, 11, 16, 19, 30, 42] {
            let numbers = (0..<137).map { _ in (0..<length).map { _ in UInt8(random.next() % 10) } }
            var batch = numbers.flatMap(\.self)
            try ff1.encrypt(numerals: &batch, length: length)
            #expect(try batch == numbers.flatMap { try ff1.encrypt($0) })
            try ff1.decrypt(numerals: &batch, length: length)
            #expect(batch == numbers.flatMap(\.self))
        }
    }

    @Test("a domain too small to hide in is refused")
    func small() throws {
        let ff1 = try FF1(key: Array(0..<16))
        #expect(throws: FF1.Failure.tooShort) { _ = try ff1.encrypt([1, 2, 3, 4, 5]) }
        #expect(throws: FF1.Failure.tooLong) { _ = try ff1.encrypt([UInt8](repeating: 1, count: 90)) }
        #expect(throws: FF1.Failure.keyLength) { _ = try FF1(key: [1, 2, 3]) }
    }
}
