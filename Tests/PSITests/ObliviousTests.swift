// SPDX-License-Identifier: Apache-2.0

import Curves
import Oblivious
import Primitives
import Testing

@Suite("Oblivious kernels")
struct ObliviousTests {
    @Test("FIPS 197 C.1: both AES agree with the standard")
    func aes() throws {
        let key = Block(littleEndian: try #require(Hex.decode("000102030405060708090a0b0c0d0e0f")))
        let plain = Block(littleEndian: try #require(Hex.decode("00112233445566778899aabbccddeeff")))
        let expected = "69c4e0d86a7b0430d8cdb78070b4c55a"
        #expect(Hex.encode(PortableAES(key: key).encrypt(plain).littleEndian) == expected)
        let fast = BlockKernels.hash(Blocks([plain]), key: key)[0] ^ plain
        #expect(Hex.encode(fast.littleEndian) == expected)
    }

    @Test("fast and portable kernels agree bit for bit", arguments: [1, 5, 63, 500])
    func twins(count: Int) throws {
        var random = SeededRandom(seed: UInt64(count))
        let input = Self.random(count, &random)
        let key = Block.random(using: &random)
        let (fast, plain) = (Blocks(count: count), Blocks(count: count))
        PortableKernels.hash(input, key: key, into: plain)
        #expect(BlockKernels.hash(input, key: key).bytes() == plain.bytes())
        fast.add(input)
        BlockKernels.hash(fast, key: key, into: fast)
        #expect(fast.bytes() == plain.bytes())
        BlockKernels.fill(fast, from: key)
        PortableKernels.fill(plain, from: key, start: 0, count: count)
        #expect(fast.bytes() == plain.bytes())
        let whole = count / 64 * 64
        #expect(
            BlockKernels.hashBits(input, from: count - whole, count: whole, offset: key, key: key)
                == PortableKernels.hashBits(input, from: count - whole, count: whole, offset: key, key: key))
        #expect(
            BlockKernels.hashBits(input, from: 0, count: whole, key: key)
                == BlockKernels.hash(input, key: key).lowBits(from: 0, count: whole))
        BlockKernels.multiplyAdd(key, input, into: fast)
        PortableKernels.multiplyAdd(key, input, into: plain)
        #expect(fast.bytes() == plain.bytes())
        let columns = BlockKernels.columns(rows: count)
        let (rows, order) = BlockKernels.sorted(input)
        var items = (0..<count).map { input[$0] }
        #expect(BlockKernels.sort(&items) == order && Blocks(items).bytes() == rows.bytes())
        let values = Self.random(count, &random)
        let store = try #require(
            BlockKernels.encode(rows: rows, values: values, columns: columns, key: key, seed: key))
        let twin = try #require(
            PortableKernels.encode(rows: rows, values: values, columns: columns, key: key, seed: key))
        #expect(store.bytes() == twin.bytes())
        #expect(BlockKernels.decode(store, columns: columns, rows: rows, key: key).bytes() == values.bytes())
        #expect(
            PortableKernels.decode(store, columns: columns, rows: rows, key: key).bytes() == values.bytes())
    }

    @Test("a store decodes every row it encodes, for sizes up to 2^17 and a thousand repeats at 300")
    func stores() throws {
        var random = SeededRandom(seed: 3)
        for count in [0, 1, 2, 1000, 7000, 20_000, 1 << 17] + [Int](repeating: 300, count: 200) {
            let (rows, _) = BlockKernels.sorted(Self.random(count, &random))
            let values = Self.random(count, &random)
            let key = Block.random(using: &random)
            let columns = BlockKernels.columns(rows: count)
            let store = try #require(
                BlockKernels.encode(rows: rows, values: values, columns: columns, key: key, seed: key))
            #expect(
                BlockKernels.decode(store, columns: columns, rows: rows, key: key).bytes() == values.bytes())
        }
    }

    @Test(
        "silent VOLE: c = b + Δ·a, and every check passes between honest sides",
        arguments: [8192, 8256, 40_000], [SilentVOLE.NoiseValue.random, .unit])
    func vole(count: Int, noise: SilentVOLE.NoiseValue) throws {
        var random = SeededRandom(seed: 11)
        let delta = Block.random(using: &random) | Block(1, 0)
        let base = BaseTransfer.Sender(using: &random)
        let answer = try #require(
            BaseTransfer.Receiver(choices: delta, message: base.message, using: &random))
        let keys = try #require(base.keys(answer: answer.answer))
        for (index, pair) in keys.enumerated() {
            let choice = (index < 64 ? delta.x : delta.y) >> UInt64(index % 64) & 1
            #expect(answer.keys[index] == (choice == 0 ? pair.0 : pair.1))
        }
        let receiver = VOLEReceiver(count: count, keys: keys, noise: noise, using: &random)
        let sender = VOLESender(
            count: count, delta: delta, keys: answer.keys, correction: receiver.correction, noise: noise,
            using: &random)
        let seed = Block.random(using: &random)
        #expect(sender.verifiesExtension(receiver.extensionProof(seed: seed), seed: seed))
        receiver.plant(trees: sender.trees)
        let proof = receiver.treeProof(at: seed)
        #expect(sender.treeProof(at: seed, revealed: proof.revealed) == proof.expected)
        let b = sender.finish(.fast)
        if noise == .unit {
            let c = receiver.finishTransfers(.fast)
            let ones = (0..<count).filter { place in
                let isOne = c[place].x & 1 == 1
                #expect(c[place] == (isOne ? b[place] ^ delta : b[place]))
                return isOne
            }
            #expect((count / 3..<count * 2 / 3).contains(ones.count))
            return
        }
        let (a, c) = receiver.finish(.fast)
        for place in 0..<count {
            #expect(c[place] == b[place] ^ FieldElement.multiply(delta, a[place]))
        }
        let different = Set((0..<count).map { a[$0] })
        #expect(different.count == count)
    }

    static func random(_ count: Int, _ random: inout SeededRandom) -> Blocks {
        Blocks((0..<count).map { _ in Block.random(using: &random) })
    }
}
