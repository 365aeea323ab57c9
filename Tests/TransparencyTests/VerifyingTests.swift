// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Merkle
import Primitives
import Store
import StoreSQLite
import Testing
import Transparency

@Suite("A receipt")
struct ReceiptTests {
    private func receipt(_ node: TestNode, index: LeafIndex = 5) async throws -> Receipt {
        try await node.append(0..<9)
        let publisher = node.publisher()
        try await publisher.start()
        return try await publisher.receipt(for: index)
    }

    @Test("S17: finds every flipped byte of the stored record, the proof and the signature")
    func flips() async throws {
        let node = try await TestNode()
        let bytes = try await receipt(node).bytes
        let verifier = ReceiptVerifier(policy: TrustPolicy(log: node.key.key))
        let proof = try verifier.verify(bytes)
        #expect(proof.index == 5)
        for place in bytes.indices {
            for bit in [UInt8(0), 3, 7] {
                var flipped = bytes
                flipped[place] ^= 1 << bit
                #expect(throws: Problem.self, "byte \(place)") { try verifier.verify(flipped) }
            }
        }
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: Problem.self) { try verifier.verify(Array(bytes.prefix(count))) }
        }
    }

    @Test("is refused under a policy that does not know its log, or wants witnesses it has not")
    func policies() async throws {
        let node = try await TestNode()
        let bytes = try await receipt(node).bytes
        let stranger = try await TestNode(seed: 2)
        let unknown = #expect(throws: Problem.self) {
            try ReceiptVerifier(policy: TrustPolicy(log: stranger.key.key)).verify(bytes)
        }
        #expect(unknown?.code == "transparency.log-unknown")
        let witness = try await TestWitness(1, watching: [], folder: node.folder, clock: node.clock)
        let policy = TrustPolicy(log: node.key.key, witnesses: [witness.inPolicy], threshold: 1)
        let missing = #expect(throws: Problem.self) { try ReceiptVerifier(policy: policy).verify(bytes) }
        #expect(missing?.code == "transparency.quorum-missing")
    }

    @Test("cannot be given another content, salt or leaf")
    func disclosure() async throws {
        let node = try await TestNode()
        let receipt = try await receipt(node)
        let verifier = ReceiptVerifier(policy: TrustPolicy(log: node.key.key))
        var json = try JSON(parsing: receipt.extra ?? [])
        guard case .object(var members) = json else { return }
        members["content"] = ["number": 6, "what": "a delivery of a bus company"]
        json = .object(members)
        let forged = Receipt(extra: json.canonicalBytes, proof: receipt.proof, checkpoint: receipt.checkpoint)
        let problem = #expect(throws: Problem.self) { try verifier.verify(forged.bytes) }
        #expect(problem?.code == "transparency.receipt-content-differs")
        let other = Receipt(
            extra: receipt.extra,
            proof: InclusionProof(index: 4, size: 9, path: receipt.path),
            checkpoint: receipt.checkpoint
        )
        #expect(throws: Problem.self) { try verifier.verify(other.bytes) }
    }

    @Test("has a parser that answers any bytes, and reads back what it accepts")
    func fuzz() async throws {
        let bytes = try await receipt(TestNode()).bytes
        var random = SeededRandom(seed: 17)
        let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? 5_000 : 500_000
        for _ in 0..<rounds {
            let mutated = Mutator.mutate(bytes, using: &random)
            guard let receipt = try? Receipt(parsing: mutated) else { continue }
            #expect(try Receipt(parsing: receipt.bytes) == receipt)
        }
    }
}

@Suite("A trust policy")
struct TrustPolicyTests {
    private static let log = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    private static let witness = "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN"

    private func keys(_ count: UInt8) throws -> [NoteKey] {
        try (1...count).map { number in
            let signer = try #require(Ed25519Signer(seed: [UInt8](repeating: number, count: 32)))
            return try #require(
                NoteKey(name: "w\(number)", purpose: .cosignature, publicKey: signer.publicKey)
            )
        }
    }

    @Test("reads the keys of other implementations, and refuses a changed one")
    func foreignKeys() {
        #expect(NoteKey(Self.log)?.description == Self.log)
        #expect(NoteKey(Self.witness)?.purpose == .cosignature)
        #expect(NoteKey(Self.log.replacing("33d7b496", with: "33d7b497")) == nil)
    }

    @Test("reads groups of groups, and asks for each of them")
    func groups() throws {
        let keys = try keys(6)
        var lines = ["# three here, three there", "log \(Self.log) https://log.example"]
        for (place, key) in keys.enumerated() { lines.append("\twitness  X\(place) \(key)  ") }
        lines += [
            "group X 2 X0 X1 X2", "group Y any X3 X4 X5", "", "group both all X Y", "quorum both",
        ]
        let policy = try TrustPolicy(parsing: lines.joined(separator: "\n") + "\n")
        #expect(policy.quorum.isMet(by: ["X0", "X2", "X5"]))
        #expect(!policy.quorum.isMet(by: ["X0", "X1", "X2"]))
        #expect(!policy.quorum.isMet(by: ["X0", "X3", "X4"]))
        let again = try TrustPolicy(parsing: policy.text)
        #expect(again == policy)
    }

    @Test(
        "names the line that it cannot read",
        arguments: [
            ("witness a KEY1\nquorum b\n", 2), ("quorum none\nquorum none\n", 2),
            ("witness a KEY1\nwitness b KEY1\n", 2),
            ("witness a KEY1\nwitness a KEY2\n", 2), ("witness a KEY1\ngroup g 2 a\n", 2), ("log KEY1\n", 1),
            ("witness none KEY1\n", 1), ("witness a KEY1\ngroup g any a\ngroup h any a\n", 3), ("hello\n", 1),
            ("", 1),
            ("group g all\n", 1), ("witness a KEY1\ngroup g 01 a\n", 2),
        ]
    )
    func refuses(_ text: String, _ line: Int) throws {
        let keys = try keys(2)
        let text = text.replacing("KEY1", with: "\(keys[0])").replacing("KEY2", with: "\(keys[1])")
        let failure = #expect(throws: TrustPolicy.Failure.self) { try TrustPolicy(parsing: text) }
        #expect(failure?.line == line)
    }

    @Test("has a parser that answers any text")
    func fuzz() throws {
        let keys = try keys(3)
        let text = TrustPolicy(
            log: try #require(NoteKey(Self.log)),
            witnesses: keys.map { TrustPolicy.Witness(name: $0.name, key: $0, url: "http://\($0.name)") },
            threshold: 2
        ).text
        var random = SeededRandom(seed: 23)
        for _ in 0..<2000 {
            let mutated = String(decoding: Mutator.mutate(Array(text.utf8), using: &random), as: UTF8.self)
            guard let policy = try? TrustPolicy(parsing: mutated) else { continue }
            #expect(try TrustPolicy(parsing: policy.text).quorum == policy.quorum)
        }
    }
}

@Suite("The inspection of a data folder")
struct InspectionTests {
    private func makeNode() async throws -> TestNode {
        let node = try await TestNode()
        try await node.append(0..<700)
        try await node.publisher().start()
        return node
    }

    private func inspector(_ node: TestNode, checks: [any DataCheck] = []) -> LogInspector {
        LogInspector(
            store: node.store,
            storage: node.logFolder,
            policy: TrustPolicy(log: node.key.key),
            others: checks
        )
    }

    @Test("finds nothing where nothing is wrong, and says what it looked at")
    func clean() async throws {
        let node = try await makeNode()
        let report = try await inspector(node).inspect()
        #expect(report.isClean)
        #expect(report.leavesChecked == 700)
        // Checkpoint; two full bundles and tiles; partial bundle and tile; the tile of level 1.
        #expect(report.filesChecked == 8)
        #expect(try Mirror.inspect(node.logFolder, policy: TrustPolicy(log: node.key.key)).isClean)
    }

    @Test("names every tile, bundle and checkpoint with a flipped byte or a cut, and repairs what is derived")
    func files() async throws {
        let node = try await makeNode()
        let policy = TrustPolicy(log: node.key.key)
        let names = [
            "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/000",
            "tile/entries/001", "tile/entries/002.p/188", "checkpoint",
        ]
        var random = SeededRandom(seed: 31)
        for name in names {
            let good = try node.folder.bytes("log/" + name)
            for round in 0..<4 {
                var bad = good
                if round == 0 {
                    bad.removeLast()
                } else {
                    bad[Int.random(in: 0..<bad.count, using: &random)] ^=
                        1 << UInt8.random(in: 0..<8, using: &random)
                }
                try node.folder.write(bad, "log/" + name)
                let report = try await inspector(node).inspect()
                #expect(report.findings.contains { $0.place == name }, "\(name) round \(round)")
                #expect(try !Mirror.inspect(node.logFolder, policy: policy).isClean, "\(name) round \(round)")
                if name != "checkpoint" {
                    _ = try await inspector(node).inspect(repairing: true)
                    #expect(try node.folder.bytes("log/" + name) == good, "\(name)")
                }
                try node.folder.write(good, "log/" + name)
            }
        }
        #expect(try await inspector(node).inspect().isClean)
    }

    @Test("S17: names every leaf whose stored record was changed, whichever column it was")
    func rows() async throws {
        let changes = [
            "content = replace(content, '7', '8')", "kind = 'settlement'", "logged_at = logged_at + 1",
            "subject = 'ast-0000000000000'", "parties = 'abababababababababababababababab'",
            "salt = zeroblob(16)", "leaf_hash = zeroblob(32)", "content = '{\"x\":'",
        ]
        for change in changes {
            let node = try await TestNode()
            try await node.append(0..<20)
            try await node.publisher().start()
            try await node.store.write { writing throws(Problem) in
                _ = try writing.execute("UPDATE transparency_leaf SET \(change) WHERE leaf_index = 7")
            }
            let report = try await inspector(node).inspect()
            #expect(report.findings.contains { $0.place == "leaf 7" }, "\(change)")
        }
    }

    @Test("finds a deleted leaf, a rolled-back database and a forked history by checkpoints others kept")
    func history() async throws {
        let node = try await makeNode()
        let kept = try #require(SignedCheckpoint(parsing: try node.folder.bytes("log/checkpoint")))
        try await node.store.write { writing throws(Problem) in
            _ = try writing.execute("DELETE FROM transparency_leaf WHERE leaf_index = 300")
        }
        #expect(try await inspector(node).inspect().findings.contains { $0.place == "leaf 300" })

        let older = try await TestNode()
        try await older.append(0..<500)
        try await older.publisher().start()
        let rolledBack = try await inspector(older).inspect(peers: [kept])
        #expect(rolledBack.findings.map(\.place) == ["peer checkpoint 700"])

        let forked = try await TestNode()
        try await forked.append(1..<801)
        try await forked.publisher().start()
        let findings = try await inspector(forked).inspect(peers: [kept]).findings
        #expect(findings.map(\.place) == ["peer checkpoint 700"])
    }

    @Test("runs what other rooms check, over one state")
    func otherChecks() async throws {
        struct LedgerCheck: DataCheck {
            let name = "ledger"
            func findings(in reading: any SQLReading) throws(Problem) -> [Finding] {
                [Finding("transfer trf-1", .init(zh: "不平", en: "does not balance"))]
            }
        }
        let node = try await makeNode()
        let report = try await inspector(node, checks: [LedgerCheck()]).inspect()
        #expect(report.checksRun == ["ledger"])
        #expect(report.findings.map(\.place) == ["transfer trf-1"])
    }

    @Test("keeps peers' checkpoints, and both notes of a log that signed two histories")
    func peerCheckpoints() async throws {
        let node = try await makeNode()
        let kept = try #require(SignedCheckpoint(parsing: try node.folder.bytes("log/checkpoint")))
        let fork = try SignedCheckpoint(
            Checkpoint(origin: TestNode.origin, size: 700, root: .emptyTree),
            signedBy: [node.key]
        )
        let memories = try await node.store.write { writing throws(Problem) in
            [
                try PeerCheckpoints.remember(kept, in: writing),
                try PeerCheckpoints.remember(kept, in: writing),
                try PeerCheckpoints.remember(fork, in: writing),
            ]
        }
        #expect(memories == [.new, .known, .forked])
        let all = try await node.store.read { reading throws(Problem) in
            try PeerCheckpoints.all(of: TestNode.origin, in: reading)
        }
        #expect(Set(all) == [kept, fork])
    }
}

@Suite("A mirror")
struct MirrorTests {
    private func scene() async throws -> (TestNode, LogPublisher, LocalWeb) {
        let node = try await TestNode()
        let publisher = node.publisher()
        try await publisher.start()
        let web = LocalWeb()
        let endpoints = LogEndpoints(storage: node.logFolder, key: node.key.key)
        web.mount("http://log") { _, path, _ throws(Problem) in try endpoints.answer(path) }
        return (node, publisher, web)
    }

    private func mirror(_ node: TestNode, _ web: LocalWeb, _ copy: MemoryLogStorage) -> Mirror {
        Mirror(url: "http://log", storage: copy, transport: web, policy: TrustPolicy(log: node.key.key))
    }

    @Test("takes the whole log over HTTP in steps, and holds the same files")
    func copies() async throws {
        let (node, publisher, web) = try await scene()
        let copy = MemoryLogStorage()
        for (size, added) in [(0, 0), (100, 100), (256, 156), (300, 44), (700, 400)] {
            try await node.append(size - added..<size)
            try await publisher.publish()
            let progress = try await mirror(node, web, copy).update()
            #expect(progress.leavesAdded == UInt64(added))
            #expect(try Mirror.inspect(copy, policy: TrustPolicy(log: node.key.key)).isClean)
        }
        for path in ["checkpoint", "tile/0/001", "tile/entries/002.p/188", "tile/1/000.p/2"] {
            #expect(try node.folder.bytes("log/" + path) == copy.contents[path] ?? [], "\(path)")
        }
    }

    @Test("refuses a history that does not continue its own, and keeps the evidence")
    func forks() async throws {
        let (node, publisher, web) = try await scene()
        let copy = MemoryLogStorage()
        try await node.append(0..<300)
        try await publisher.publish()
        _ = try await mirror(node, web, copy).update()
        let before = copy.contents["checkpoint"]

        let fork = try await TestNode()
        try await fork.append(1..<500)
        try await fork.publisher().start()
        let endpoints = LogEndpoints(storage: fork.logFolder, key: fork.key.key)
        web.mount("http://log") { _, path, _ throws(Problem) in try endpoints.answer(path) }
        let problem = await #expect(throws: Problem.self) { try await mirror(node, web, copy).update() }
        #expect(problem?.code == "transparency.log-forked")
        #expect(copy.contents["checkpoint"] == before)
        #expect(copy.contents["refused-checkpoint"] != nil)

        let older = try await TestNode()
        try await older.append(0..<200)
        try await older.publisher().start()
        let behind = LogEndpoints(storage: older.logFolder, key: older.key.key)
        web.mount("http://log") { _, path, _ throws(Problem) in try behind.answer(path) }
        await #expect(throws: Problem.self) { try await mirror(node, web, copy).update() }
    }
}

@Suite("Tiles")
struct TileTests {
    @Test(
        "have the paths of tlog-tiles, each number in one way",
        arguments: [
            ("tile/0/000", 0, 256), ("tile/entries/x001/x234/067", 1_234_067, 256),
            ("tile/3/999.p/1", 999, 1),
            ("tile/0/x001/000.p/255", 1000, 255),
        ]
    )
    func paths(_ path: String, _ index: UInt64, _ width: Int) throws {
        let tile = try #require(TileAddress(path: path))
        #expect(tile.index == index)
        #expect(tile.width == width)
        #expect(tile.path == path)
    }

    @Test(
        "are not found by any other path",
        arguments: [
            "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/001/002", "tile/0/000.p/256",
            "tile/0/000.p/0", "tile/0/000.p/01", "tile/8/000", "tile/00/000", "tile/0/-01", "tile/0/000/",
            "tile/0",
            "/tile/0/000", "tile/data/000", "tile/0/000.p", "tile/0/../000",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
        ]
    )
    func otherPaths(_ path: String) {
        #expect(TileAddress(path: path) == nil)
    }

    @Test("are served with the headers that let caches keep them, and only as what they are")
    func endpoints() async throws {
        let node = try await TestNode()
        try await node.append(0..<5)
        try await node.publisher().start()
        try node.folder.write([1, 2, 3], "log/secret")
        let endpoints = LogEndpoints(storage: node.logFolder, key: node.key.key)
        let tile = try endpoints.answer("tile/0/000.p/5")
        #expect(tile.status == 200)
        #expect(tile.body.count == 5 * 32)
        #expect(tile.headers["cache-control"]?.contains("immutable") == true)
        #expect(try endpoints.answer("checkpoint").headers["cache-control"] == "public, max-age=2")
        #expect(try endpoints.answer("vkey").body == Array("\(node.key.key)\n".utf8))
        for path in ["secret", "tile/0/000", "tile/0/000.p/4", "tile/entries/../../../node.db", ""] {
            #expect(try endpoints.answer(path).status == 404, "\(path)")
        }
    }
}

@Suite("Keys on disk")
struct KeyFolderTests {
    @Test("are made once, with mode 0600, and read again with and without a passphrase")
    func roundTrip() throws {
        for passphrase in [nil, Redacted(Array("胡同 passphrase".utf8))] {
            let folder = TemporaryFolder()
            let keys = KeyFolder(folder.path + "/keys", passphrase: passphrase)
            let made = try keys.ed25519("node")
            #expect(try keys.ed25519("node").publicKey == made.publicKey)
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/keys/node.pem")
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            let text = try String(contentsOfFile: folder.path + "/keys/node.pem", encoding: .utf8)
            #expect(text.contains("ENCRYPTED") == (passphrase != nil))
        }
    }

    @Test("are refused with a wrong passphrase, or when others may read them")
    func refuses() throws {
        let folder = TemporaryFolder()
        _ = try KeyFolder(folder.path, passphrase: Redacted([1])).ed25519("node")
        let wrong = #expect(throws: Problem.self) {
            try KeyFolder(folder.path, passphrase: Redacted([2])).ed25519("node")
        }
        #expect(wrong?.code == "identity.key-unreadable")
        _ = try KeyFolder(folder.path).ed25519("open")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o640],
            ofItemAtPath: folder.path + "/open.pem"
        )
        let exposed = #expect(throws: Problem.self) { try KeyFolder(folder.path).ed25519("open") }
        #expect(exposed?.code == "identity.key-exposed")
    }

    @Test("are the keys that OpenSSL reads and writes", arguments: [nil, "tea house"])
    func openSSL(_ passphrase: String?) throws {
        let folder = TemporaryFolder()
        let secret = passphrase.map { Redacted(Array($0.utf8)) }
        let signer = try KeyFolder(folder.path, passphrase: secret).ed25519("ours")
        let pass = passphrase.map { ["-passin", "pass:\($0)"] } ?? []
        let der = try run(["pkey", "-in", folder.path + "/ours.pem", "-pubout", "-outform", "DER"] + pass)
        #expect(Array(der.suffix(32)) == signer.publicKey.bytes)
        _ = try run(["genpkey", "-algorithm", "ed25519", "-out", folder.path + "/plain.pem"])
        let theirs = folder.path + "/theirs.pem"
        let cipher = passphrase.map {
            ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-passout", "pass:\($0)"]
        }
        _ = try run(
            ["pkcs8", "-topk8", "-in", folder.path + "/plain.pem", "-out", theirs] + (cipher ?? ["-nocrypt"])
        )
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: theirs)
        let read = try #require(try KeyFolder(folder.path, passphrase: secret).storedEd25519("theirs"))
        let public1 = try run(["pkey", "-in", folder.path + "/plain.pem", "-pubout", "-outform", "DER"])
        #expect(Array(public1.suffix(32)) == read.publicKey.bytes)
    }

    @Test("keep the log's name when the node moves to another host")
    func origin() throws {
        let folder = TemporaryFolder()
        let first = try KeyFolder(folder.path).logKey { _ in "a.example/log" }
        let second = try KeyFolder(folder.path).logKey { _ in "b.example/log" }
        #expect(first.key == second.key)
        #expect(second.key.name == "a.example/log")
        let invalid = #expect(throws: Problem.self) {
            try KeyFolder(TemporaryFolder().path).logKey { _ in "with space" }
        }
        #expect(invalid?.code == "identity.key-name-invalid")
    }

    private func run(_ arguments: [String]) throws -> [UInt8] {
        try ExternalTool.run("/usr/bin/openssl", arguments)
    }
}
