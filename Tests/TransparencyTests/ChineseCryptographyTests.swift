// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Merkle
import Primitives
import SignersOpenSSL
import Store
import StoreSQLite
import Testing
import TestKit
import Transparency

@Suite("SM2 and SM3")
struct ChineseCryptographyTests {
    private static let point =
        "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        + "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    private static let r = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    private static let s = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"

    @Test("verify the example of GB/T 32918.5, which fails without the default identifier")
    func standardExample() throws {
        let bytes = try #require(Hex.decode(Self.point))
        let key = try #require(PublicKey(.sm2, bytes: bytes))
        let signature = try #require(Hex.decode("3046022100" + Self.r + "022100" + Self.s))
        let checkers = SignatureCheckers(SM2Checker())
        #expect(checkers.isValid(signature, for: Array("message digest".utf8), by: key))
        #expect(!checkers.isValid(signature, for: Array("message digesu".utf8), by: key))
        #expect(!SignatureCheckers().isValid(signature, for: Array("message digest".utf8), by: key))
    }

    @Test("have the digests of GB/T 32905")
    func sm3() throws {
        #expect(
            Hex.encode(try SM3.digest(of: Array("abc".utf8)))
                == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        )
        let long = Array(String(repeating: "abcd", count: 16).utf8)
        #expect(
            Hex.encode(try SM3.digest(of: long))
                == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        )
    }

    @Test("sign a second line of a checkpoint, which others pass over and we check")
    func secondLine() async throws {
        let folder = TemporaryFolder()
        let keys = KeyFolder(folder.path + "/keys", passphrase: Redacted(Array("口令".utf8)))
        let signer = try SM2Signer.open(in: keys)
        #expect(try SM2Signer.open(in: keys).publicKey == signer.publicKey)
        let node = try await TestNode()
        let line = try #require(NoteSigner(name: TestNode.origin, purpose: .sm2, signer: signer))
        #expect(NoteKey(line.key.description) == line.key)
        let checkpoint = Checkpoint(origin: TestNode.origin, size: 0, root: .emptyTree)
        let signed = try SignedCheckpoint(checkpoint, signedBy: [node.key, line])
        let checkers = SignatureCheckers(SM2Checker())
        let policy = TrustPolicy(
            logs: [.init(key: node.key.key), .init(key: line.key)],
            witnesses: [],
            quorum: .none
        )
        #expect(try policy.accept(signed, checkers: checkers).logs == [node.key.key, line.key])
        #expect(try policy.accept(signed).logs == [node.key.key])

        var broken = signed.note.signatures[1].bytes
        broken[20] ^= 1
        let note = SignedNote(
            text: signed.note.text,
            signatures: [
                signed.note.signatures[0],
                NoteSignature(name: line.key.name, keyID: line.key.id, bytes: broken),
            ]
        )
        let changed = try #require(SignedCheckpoint(note))
        #expect(throws: TrustPolicy.Refusal.self) { try policy.accept(changed, checkers: checkers) }
    }

    @Test("give keys and signatures that the openssl tool verifies with the identifier")
    func tool() throws {
        let folder = TemporaryFolder()
        let keys = KeyFolder(folder.path)
        let signer = try SM2Signer.open(in: keys)
        let message = Array("数据不出院，价值走胡同。".utf8)
        try folder.write(message, "message")
        try folder.write(try signer.signature(for: message), "signature")
        let output = try ExternalTool.run(
            "/usr/bin/openssl",
            [
                "pkeyutl", "-verify", "-inkey", folder.path + "/\(SM2Signer.fileName).pem", "-rawin",
                "-digest", "sm3",
                "-pkeyopt", "distid:1234567812345678", "-in", folder.path + "/message",
                "-sigfile", folder.path + "/signature",
            ]
        )
        #expect(String(decoding: output, as: UTF8.self).contains("Verified Successfully"))
    }
}

@Suite("Anchoring a checkpoint", .ownThread)
struct AnchorTests {
    /// A timestamp authority made of `openssl ts`, with its own P-256 key and certificate.
    private struct Authority {
        let folder = TemporaryFolder()

        init() throws {
            let configuration = """
                [tsa]
                default_tsa = one
                [one]
                dir = \(folder.path)
                serial = $dir/serial
                signer_cert = $dir/cert.pem
                certs = $dir/cert.pem
                signer_key = $dir/key.pem
                signer_digest = sha256
                default_policy = 1.2.3.4.1
                digests = sha256
                ess_cert_id_alg = sha256
                """
            try folder.write(Array(configuration.utf8), "tsa.cnf")
            _ = try ExternalTool.run(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "30",
                    "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=Test TSA", "-addext",
                    "extendedKeyUsage=critical,timeStamping",
                ],
                folder: folder.path
            )
        }

        var certificate: String {
            get throws { try String(contentsOfFile: folder.path + "/cert.pem", encoding: .utf8) }
        }

        func reply(_ request: [UInt8]) throws -> [UInt8] {
            try folder.write(request, "query.tsq")
            _ = try ExternalTool.run(
                "/usr/bin/openssl",
                ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr"],
                folder: folder.path
            )
            return try folder.bytes("reply.tsr")
        }
    }

    @Test("keeps a token of an outside authority that verifies later, offline, and logs it")
    func anchors() async throws {
        let authority = try Authority()
        let node = try await TestNode()
        try await node.append(0..<10)
        let publisher = node.publisher()
        try await publisher.start()
        let web = LocalWeb()
        web.mount("http://tsa") { _, _, body throws(Problem) in
            guard let reply = try? authority.reply(body) else { return WebAnswer(status: 500) }
            return WebAnswer(status: 200, body: reply)
        }
        let anchor = Anchor(
            authority: "Test TSA",
            url: "http://tsa/stamp",
            certificates: try authority.certificate,
            tokens: OpenSSLTimestamps()
        )
        let stamp = try await anchor.stamp(try await publisher.checkpoint(), over: web)
        let index = try await node.store.write { [log = node.log] writing throws(Problem) in
            try log.record(stamp, in: writing)
        }
        #expect(index == 10)
        let kept = try await node.store.read { reading throws(Problem) in
            try TransparencyLog.stamps(in: reading)
        }
        #expect(kept == [stamp])
        #expect(try anchor.verify(stamp) == stamp.time)

        // The same token by the openssl tool, from the checkpoint's text.
        try authority.folder.write(Array(stamp.checkpoint.note.text.utf8), "text")
        try authority.folder.write(stamp.token, "token.tsr")
        let output = try ExternalTool.run(
            "/usr/bin/openssl",
            ["ts", "-verify", "-data", "text", "-in", "token.tsr", "-CAfile", "cert.pem"],
            folder: authority.folder.path
        )
        #expect(String(decoding: output, as: UTF8.self).contains("Verification: OK"))
    }

    @Test("refuses a token over another checkpoint, of another authority, or with a changed byte")
    func refuses() throws {
        let authority = try Authority()
        let stranger = try Authority()
        let tokens = OpenSSLTimestamps()
        let digest = Digest(of: "a checkpoint")
        let request = try tokens.request(over: digest)
        let reply = try authority.reply(request)
        let certificate = try authority.certificate
        _ = try tokens.time(of: reply, to: request, trusting: certificate)
        let other = try tokens.request(over: digest)
        #expect(throws: Problem.self) { try tokens.time(of: reply, to: other, trusting: certificate) }
        #expect(throws: Problem.self) {
            try tokens.time(of: reply, over: Digest(of: "another"), trusting: certificate)
        }
        #expect(throws: Problem.self) {
            try tokens.time(of: reply, to: request, trusting: try stranger.certificate)
        }
        var random = SeededRandom(seed: 3)
        for _ in 0..<200 {
            let changed = Mutator.mutate(reply, using: &random)
            if let time = try? tokens.time(of: changed, over: digest, trusting: certificate) {
                // Bytes outside the signed token, such as the status text, may differ; the time may not.
                #expect(try tokens.time(of: reply, over: digest, trusting: certificate) == time)
            }
        }
    }
}
