// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Merkle
import Primitives
import SignersOpenSSL
import Testing
import Transparency

/// Foreign bytes made out of valid ones. Receipts, policies, notes, witness requests and Merkle proofs are fuzzed
/// beside their own tests; here is what mirrors and readers take from a log.
@Suite("Bytes from strangers")
struct ParserFuzzTests {
    private static let rounds =
        ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? 4_000 : 400_000

    private static func mutations(of valid: [UInt8], seed: UInt64, _ body: ([UInt8]) throws -> Void) rethrows
    {
        var random = SeededRandom(seed: seed)
        for _ in 0..<rounds { try body(Mutator.mutate(valid, using: &random)) }
    }

    private static let hashes = (0..<7).map { NodeHash(leaf: Array("leaf \($0)".utf8)) }

    @Test("as a tile are hashes of exactly its width, or none")
    func tiles() {
        Self.mutations(of: HashTile.encode(Self.hashes), seed: 1) { bytes in
            for width in [1, 6, 7, 8, 256] {
                guard let hashes = HashTile.decode(bytes, width: width) else { continue }
                #expect(hashes.count == width && HashTile.encode(hashes) == bytes)
            }
        }
    }

    @Test("as an entry bundle are exactly so many entries, or none")
    func bundles() {
        let entries = [[], Array("a".utf8), [UInt8](repeating: 7, count: 300)]
        Self.mutations(of: EntryBundle.encode(entries), seed: 2) { bytes in
            for count in [1, 2, 3, 4, 256] {
                guard let entries = EntryBundle.decode(bytes, count: count) else { continue }
                #expect(entries.count == count && EntryBundle.encode(entries) == bytes)
            }
        }
    }

    @Test("as a tile's path name one tile in one way, or none")
    func paths() {
        for valid in ["tile/0/x001/x234/067.p/44", "tile/entries/x001/000", "tile/7/255"] {
            Self.mutations(of: Array(valid.utf8), seed: 3) { bytes in
                let path = String(decoding: bytes, as: UTF8.self)
                guard let address = TileAddress(path: path) else { return }
                #expect(address.path == path)
            }
        }
    }

    @Test("as a leaf are the canonical bytes of one, or none")
    func leaves() throws {
        let pseudonym = try #require(Pseudonym("00112233445566778899aabbccddeeff"))
        let entry = LogEntry(
            .assetRegistered, subject: Code(.asset, ID<Thing>(high: 1, low: 2)), parties: [pseudonym],
            content: ["a": 1])
        let leaf = Leaf(entry, at: Instant(seconds: 1_790_000_000), contentDigest: Digest(of: "content"))
        #expect(Leaf(parsing: leaf.bytes) == leaf)
        Self.mutations(of: leaf.bytes, seed: 4) { bytes in
            guard let read = Leaf(parsing: bytes) else { return }
            #expect(read.bytes == bytes && read != leaf)
        }
    }

    @Test("as a checkpoint or a key read back as they were, or are none")
    func checkpoints() throws {
        let signer = try #require(Ed25519Signer(seed: [UInt8](repeating: 9, count: 32)))
        let key = try #require(NoteSigner(name: "node.example/log", purpose: .ed25519, signer: signer))
        let checkpoint = Checkpoint(origin: "node.example/log", size: 7, root: Self.hashes[0])
        let signed = try SignedCheckpoint(checkpoint, signedBy: [key])
        Self.mutations(of: signed.bytes, seed: 5) { bytes in
            guard let read = SignedCheckpoint(parsing: bytes) else { return }
            #expect(SignedCheckpoint(parsing: read.bytes) == read)
        }
        Self.mutations(of: Array(key.key.description.utf8), seed: 6) { bytes in
            guard let read = NoteKey(String(decoding: bytes, as: UTF8.self)) else { return }
            #expect(NoteKey(read.description) == read)
        }
    }

    @Test("as an SM2 signature or key verify nothing that was not signed (DER)")
    func sm2() throws {
        let signer = try SM2Signer()
        let message = Array("a checkpoint".utf8)
        let checker = SM2Checker()
        let signature = try signer.signature(for: message)
        #expect(checker.isValid(signature, for: message, by: signer.publicKey))
        var random = SeededRandom(seed: 7)
        for _ in 0..<500 {
            let changed = Mutator.mutate(signature, using: &random)
            #expect(!checker.isValid(changed, for: message, by: signer.publicKey))
        }
    }
}
