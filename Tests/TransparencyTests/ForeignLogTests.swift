// SPDX-License-Identifier: Apache-2.0

import Identity
import Merkle
import Primitives
import Testing
import Transparency

@Suite("Logs of other implementations")
struct ForeignLogTests {
    @Test(
        "Tessera's test log is written anew from its key and words, byte for byte: 16 checkpoints, 30 tiles and bundles"
    )
    func tessera() throws {
        // transparency-dev/tessera, testdata/build_log.sh (Apache-2.0); the digest is over its testdata/log.
        let key = "AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg"
        let words = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten"
        let seed = Array(try #require(Base64.decode(key)).dropFirst())
        let secret = try #require(Ed25519Signer(seed: seed))
        let signer = try #require(
            NoteSigner(name: "example.com/log/testdata", purpose: .ed25519, signer: secret)
        )
        #expect(
            signer.key.description
                == "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
        )

        var files: [String: [UInt8]] = [:]
        var builder = TileBuilder()
        func publish() throws {
            let checkpoint = Checkpoint(origin: signer.key.name, size: builder.size, root: builder.root)
            files["checkpoint.\(builder.size)"] = try SignedCheckpoint(checkpoint, signedBy: [signer]).bytes
            for file in builder.partialFiles { files[file.address.path] = file.bytes }
        }
        try publish()
        var full: [TileBuilder.File] = []
        for word in words.split(separator: " ") {
            builder.append(Array(word.utf8), hash: NodeHash(leaf: Array(word.utf8)), full: &full)
            try publish()
        }
        #expect(files.count == 46)
        let paths = files.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        let all = paths.flatMap { path in
            let bytes = files[path] ?? []
            return Array("\(path)\n\(bytes.count)\n".utf8) + bytes
        }
        #expect(Digest(of: all).hex == "c731fb29dec9eab170716f5ba9fb5047caf5b9fdf6a40c539d80c07da812c6b9")
    }

    @Test("Sunlight's cosigned checkpoint over 300 leaves is accepted, and no changed one")
    func sunlight() throws {
        // FiloSottile/sunlight, cmd/skylight/testdata/witness (ISC). The log's own line is of a kind we do not
        // know (RFC 6962 tree head) and is passed over.
        let text = """
            rome2026h1.example.org
            300
            lCkHUpkmVBEms2r2T1K6Og69+wUuuN3MIEW1/ezu2v0=

            — rome2026h1.example.org kVB1JgAAAZtxtEwABAMARzBFAiEAi+mTa2xjL1IdWpH82OeciGsGvwRAP+f1WkfKaSZCfFECIHoNPZ/\
            Q3y6UNzvKOO9cuLr6V16vPNfhwhle9f6r5H/Z
            — witness.example.org uKLPIAAAAABpVGeAhm2bOvKc3LaB9PFN1ruG19Y5yqslmcAAbhftnn1Zznmo0LXFZq4LGvqKqLX8jWlwLKas\
            xEGTLIqAVusneCBmBw==

            """
        let key = try #require(
            NoteKey("witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN")
        )
        let signed = try #require(SignedCheckpoint(parsing: Array(text.utf8)))
        #expect(signed.checkpoint.size == 300)
        #expect(signed.bytes == Array(text.utf8))
        let line = try #require(signed.note.signatures.first { $0.isBy(key) })
        let word = Cosignature(line, over: signed.note.text, by: key, checkers: SignatureCheckers())
        #expect(word?.time.rfc3339 == "2025-12-31T00:00:00Z")
        let other = signed.note.text.replacing("300", with: "301")
        #expect(Cosignature(line, over: other, by: key, checkers: SignatureCheckers()) == nil)
    }

    @Test("the example note of the signed-note specification has the key ID it says")
    func specification() throws {
        let signer = try #require(Ed25519Signer(seed: [UInt8](repeating: 3, count: 32)))
        let key = try #require(NoteKey(name: "PeterNeumann", purpose: .ed25519, publicKey: signer.publicKey))
        #expect(NoteKey(key.description) == key)
        for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb", String(repeating: "x", count: 256)] {
            #expect(NoteKey(name: name, purpose: .ed25519, publicKey: signer.publicKey) == nil)
        }
        #expect(
            NoteKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")?.name
                == "PeterNeumann"
        )
    }

    @Test("notes of any bytes are answered, and read back as they were")
    func fuzz() throws {
        let signer = try #require(Ed25519Signer(seed: [UInt8](repeating: 3, count: 32)))
        let key = try #require(NoteSigner(name: "a.example", purpose: .ed25519, signer: signer))
        let bytes = try SignedCheckpoint(
            Checkpoint(origin: "a.example", size: 7, root: .emptyTree),
            signedBy: [key, key]
        ).bytes
        var random = SeededRandom(seed: 41)
        for _ in 0..<5000 {
            let mutated = Mutator.mutate(bytes, using: &random)
            guard let note = try? SignedNote(parsing: mutated) else { continue }
            #expect(note.bytes == mutated)
            if let signers = try? note.signers(among: [key.key], checkers: SignatureCheckers()),
                !signers.isEmpty
            {
                #expect(note.text == SignedCheckpoint(parsing: bytes)?.note.text)
            }
        }
    }
}
