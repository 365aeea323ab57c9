// SPDX-License-Identifier: Apache-2.0

import Identity
import Merkle
import Primitives
import Store
import StoreSQLite
import Synchronization
import Testing
import Transparency

/// A network in one process: prefixes of addresses and who answers there.
final class LocalWeb: WebTransport {
    typealias Handler = @Sendable (WebMethod, String, [UInt8]) async throws(Problem) -> WebAnswer
    private let handlers = Mutex<[String: Handler]>([:])

    func mount(_ prefix: String, _ handler: @escaping Handler) {
        handlers.withLock { $0[prefix] = handler }
    }

    func send(
        _ method: WebMethod,
        _ url: String,
        body: [UInt8],
        type: String
    ) async throws(Problem) -> WebAnswer {
        let found = handlers.withLock { $0.first { url.hasPrefix($0.key + "/") } }
        guard let found else { throw Problem(.unavailable, "test.unreachable") }
        return try await found.value(method, String(url.dropFirst(found.key.count + 1)), body)
    }
}

/// A witness with its own database.
struct TestWitness {
    let folder: TemporaryFolder
    let witness: Witness
    let endpoints: WitnessEndpoints
    let inPolicy: TrustPolicy.Witness

    init(_ number: UInt8, watching logs: [NoteKey], folder: TemporaryFolder, clock: ManualClock) async throws
    {
        self.folder = folder
        let name = "witness\(number)"
        let store = try SQLiteStore.open(at: folder.path + "/\(name).db", clock: clock.clock)
        try await store.migrate(TransparencySchema.witnessMigrations)
        let key = try #require(Ed25519Signer(seed: [UInt8](repeating: 100 + number, count: 32)))
        let signer = try #require(NoteSigner(name: "\(name).example", purpose: .cosignature, signer: key))
        witness = Witness(store: store, signer: signer, logs: logs, clock: clock.clock)
        endpoints = WitnessEndpoints(witness)
        inPolicy = TrustPolicy.Witness(name: name, key: signer.key, url: "http://\(name)")
    }

    func mount(on web: LocalWeb) {
        let endpoints = endpoints
        web.mount(inPolicy.url ?? "") { method, path, body throws(Problem) in
            try await endpoints.answer(method, path, body: body)
        }
    }
}

@Suite("A witness")
struct WitnessTests {
    /// A log in memory from which requests of any shape can be made.
    private struct Log {
        let key: NoteSigner
        let leaves: [NodeHash]

        init(seed: UInt8 = 1, history: String = "a", origin: String = TestNode.origin) throws {
            let signer = try #require(Ed25519Signer(seed: [UInt8](repeating: seed, count: 32)))
            key = try #require(NoteSigner(name: origin, purpose: .ed25519, signer: signer))
            leaves = (0..<40).map { NodeHash(leaf: Array("\(history) \($0)".utf8)) }
        }

        func root(_ size: Int) -> NodeHash { SlowTree.root(leaves.prefix(size)) }

        func signed(_ size: Int, root: NodeHash? = nil) throws -> SignedCheckpoint {
            let checkpoint = Checkpoint(
                origin: key.key.name,
                size: UInt64(size),
                root: root ?? self.root(size)
            )
            return try SignedCheckpoint(checkpoint, signedBy: [key])
        }

        func request(_ old: Int, _ new: Int, proof: [NodeHash]? = nil) throws -> [UInt8] {
            let table = NodeTable(leaves)
            let made = ConsistencyProof(oldSize: UInt64(old), newSize: UInt64(max(old, new))) {
                table.node($0)
            }
            return AddCheckpoint(
                oldSize: UInt64(old),
                proof: proof ?? made.path,
                checkpoint: try signed(new)
            ).bytes
        }
    }

    private func makeWitness(_ log: Log) async throws -> TestWitness {
        try await TestWitness(1, watching: [log.key.key], folder: TemporaryFolder(), clock: ManualClock())
    }

    @Test("answers with the statuses of tlog-witness: 200, 400, 403, 404, 409 with the size, 422")
    func statuses() async throws {
        let log = try Log()
        let witness = try await makeWitness(log)
        func status(_ body: [UInt8]) async throws -> Int {
            try await witness.endpoints.answer(.post, "add-checkpoint", body: body).status
        }
        let stranger = try Log(seed: 1, origin: "other.example/log")
        let impostor = try Log(seed: 2)
        #expect(try await status(Array("old 0\n".utf8)) == 400)
        #expect(try await status(stranger.request(0, 3)) == 404)
        #expect(try await status(impostor.request(0, 3)) == 403)
        #expect(try await status(log.request(0, 3, proof: [log.root(1)])) == 422)
        #expect(try await status(log.request(5, 3, proof: [])) == 400)
        #expect(try await status(log.request(0, 3)) == 200)
        let conflict = try await witness.endpoints.answer(.post, "add-checkpoint", body: log.request(1, 4))
        #expect(conflict.status == 409)
        #expect(conflict.headers["content-type"] == "text/x.tlog.size")
        #expect(conflict.body == Array("3\n".utf8))
        #expect(try await status(log.request(3, 8, proof: [])) == 422)
        #expect(try await status(log.request(3, 8)) == 200)
        #expect(try await status(log.request(8, 8)) == 200)
        #expect(try await witness.endpoints.answer(.get, "add-checkpoint", body: []).status == 404)
    }

    @Test("refuses a second history of a log it knows, at the same size and at a larger one")
    func forks() async throws {
        let log = try Log()
        let fork = try Log(history: "b")
        let witness = try await makeWitness(log)
        #expect(try await witness.witness.addCheckpoint(log.request(0, 9)) != .inconsistent)
        #expect(try await witness.witness.addCheckpoint(fork.request(9, 9, proof: [])) == .inconsistent)
        #expect(try await witness.witness.addCheckpoint(fork.request(9, 20)) == .inconsistent)
        #expect(try await witness.witness.addCheckpoint(fork.request(0, 20)) == .conflict(size: 9))
        #expect(try await witness.witness.latest(TestNode.origin)?.checkpoint.size == 9)
    }

    @Test("cosigns what monitors then find, with the time and a key of its own")
    func cosignature() async throws {
        let log = try Log()
        let witness = try await makeWitness(log)
        let signed = try log.signed(7)
        guard case .cosigned(let lines) = try await witness.witness.addCheckpoint(log.request(0, 7)) else {
            Issue.record("not cosigned")
            return
        }
        let line = try #require(lines.first)
        let word = Cosignature(
            line,
            over: signed.note.text,
            by: witness.inPolicy.key,
            checkers: SignatureCheckers()
        )
        #expect(word?.time == ManualClock().now)
        let path = Digest(of: TestNode.origin).hex + "/checkpoint"
        let answer = try await witness.endpoints.answer(.get, path, body: [])
        #expect(SignedCheckpoint(parsing: answer.body)?.checkpoint == signed.checkpoint)
        #expect(SignedCheckpoint(parsing: answer.body)?.note.signatures.contains(line) == true)
    }

    @Test("lets one of two simultaneous callers pass, and tells the other the size")
    func races() async throws {
        let log = try Log()
        let witness = try await makeWitness(log)
        let requests = try (1...20).map { try log.request(0, $0) }
        let answers = try await withThrowingTaskGroup(of: Witness.Answer.self) { group in
            for request in requests { group.addTask { try await witness.witness.addCheckpoint(request) } }
            var answers: [Witness.Answer] = []
            for try await answer in group { answers.append(answer) }
            return answers
        }
        let passed = answers.count { if case .cosigned = $0 { true } else { false } }
        #expect(passed == 1)
    }

    @Test("answers any bytes without trapping")
    func fuzz() async throws {
        let log = try Log()
        let witness = try await makeWitness(log)
        _ = try await witness.witness.addCheckpoint(log.request(0, 5))
        let valid = try log.request(5, 11)
        var random = SeededRandom(seed: 5)
        for _ in 0..<2000 {
            let answer = try await witness.witness.addCheckpoint(Mutator.mutate(valid, using: &random))
            if case .cosigned = answer {
                Issue.record("a changed request was cosigned")
                break
            }
        }
    }
}

@Suite("Cosignatures of k of n witnesses")
struct WitnessCollectionTests {
    /// A node with witnesses, each mounted on a local web.
    private struct Scene {
        let node: TestNode
        let web = LocalWeb()
        let witnesses: [TestWitness]
        let policy: TrustPolicy

        init(witnesses count: UInt8, threshold: Int) async throws {
            let node = try await TestNode()
            self.node = node
            var witnesses: [TestWitness] = []
            for number in 1...count {
                let witness = try await TestWitness(
                    number,
                    watching: [node.key.key],
                    folder: node.folder,
                    clock: node.clock
                )
                witness.mount(on: web)
                witnesses.append(witness)
            }
            self.witnesses = witnesses
            policy = TrustPolicy(
                log: node.key.key,
                witnesses: witnesses.map(\.inPolicy),
                threshold: threshold
            )
        }
    }

    /// Runs `body` while the publisher's collecting goes on.
    private func collecting<Answer: Sendable>(
        _ publisher: LogPublisher,
        over web: LocalWeb,
        _ body: @Sendable () async throws -> Answer
    ) async throws -> Answer {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await publisher.collectCosignatures(over: web) }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    @Test("make a receipt that verifies offline under the policy alone")
    func receipts() async throws {
        let scene = try await Scene(witnesses: 3, threshold: 2)
        let publisher = scene.node.publisher(policy: scene.policy)
        try await publisher.start()
        try await scene.node.append(0..<20)
        let receipt = try await collecting(publisher, over: scene.web) {
            let signed = try #require(try await publisher.witnessedCheckpoint(covering: 13))
            return try await publisher.receipt(for: 13, under: signed)
        }
        let policy = try TrustPolicy(parsing: scene.policy.text)
        let proof = try ReceiptVerifier(policy: policy).verify(receipt.bytes)
        #expect(proof.verdict.witnesses.count >= 2)
        #expect(proof.disclosure.content["number"] == 13)
        #expect(proof.sentence.en.contains("leaf 13"))
        let published = try #require(SignedCheckpoint(parsing: try scene.node.folder.bytes("log/checkpoint")))
        #expect(try policy.accept(published).isQuorumMet)
    }

    @Test(
        "S26: with one of four witnesses stopped and one lying, the others still confirm; a fork is refused by all honest ones"
    )
    func stoppedAndLying() async throws {
        let scene = try await Scene(witnesses: 4, threshold: 2)
        scene.web.mount("http://witness1") { _, _, _ throws(Problem) in
            throw Problem(.unavailable, "test.stopped")
        }
        // The liar cosigns whatever it is shown, but another text than the one it was asked about.
        let liar = try #require(Ed25519Signer(seed: [UInt8](repeating: 102, count: 32)))
        let liarSigner = try #require(
            NoteSigner(name: "witness2.example", purpose: .cosignature, signer: liar)
        )
        let clock = scene.node.clock
        scene.web.mount("http://witness2") { _, _, body throws(Problem) in
            guard let request = AddCheckpoint(parsing: body) else { return WebAnswer(status: 400) }
            let asked = request.checkpoint.checkpoint
            let other = try SignedCheckpoint(
                Checkpoint(origin: asked.origin, size: asked.size, root: .emptyTree),
                signedBy: []
            )
            let line = try Cosignature.line(over: other, at: clock.now, by: liarSigner)
            return WebAnswer(status: 200, body: Array(line.line.utf8))
        }
        let publisher = scene.node.publisher(policy: scene.policy)
        try await publisher.start()
        try await scene.node.append(0..<10)
        let witnessed = try await collecting(publisher, over: scene.web) {
            try #require(try await publisher.witnessedCheckpoint(covering: 9))
        }
        #expect(Set(try scene.policy.accept(witnessed).witnesses.keys) == ["witness3", "witness4"])

        // The same key signs another history of the same length: no honest witness follows.
        let fork = try await TestNode()
        try await fork.append(100..<120)
        let forked = try await fork.publisher(storage: MemoryLogStorage()).publish()
        for witness in scene.witnesses.dropFirst(2) {
            for oldSize in [0, 10] as [UInt64] {
                let request = AddCheckpoint(oldSize: oldSize, proof: [], checkpoint: forked)
                let answer = try await witness.witness.addCheckpoint(request.bytes)
                if case .cosigned = answer { Issue.record("an honest witness cosigned a fork") }
            }
        }
        // And every node ends with the same head.
        var heads: Set<NodeHash> = []
        for witness in scene.witnesses.dropFirst(2) {
            heads.insert(try #require(try await witness.witness.latest(TestNode.origin)).checkpoint.root)
        }
        #expect(heads == [witnessed.checkpoint.root])
    }

    @Test("wait for a witness that is away, and count as soon as it is back")
    func comesBack() async throws {
        let scene = try await Scene(witnesses: 2, threshold: 2)
        scene.web.mount("http://witness2") { _, _, _ throws(Problem) in
            throw Problem(.unavailable, "test.stopped")
        }
        let publisher = scene.node.publisher(policy: scene.policy)
        try await publisher.start()
        try await scene.node.append(0..<3)
        let witness = scene.witnesses[1]
        let web = scene.web
        let size = try await collecting(publisher, over: web) {
            _ = try await publisher.publish()
            try await Task.sleep(for: .milliseconds(50))
            #expect(await publisher.witnessedCheckpoint == nil)
            witness.mount(on: web)
            return try await publisher.witnessedCheckpoint(covering: 2)?.checkpoint.size
        }
        #expect(size == 3)
    }

    @Test("tell a node that runs from an older copy of its database")
    func olderCopy() async throws {
        let scene = try await Scene(witnesses: 1, threshold: 1)
        let publisher = scene.node.publisher(policy: scene.policy)
        try await publisher.start()
        try await scene.node.append(0..<20)
        _ = try await collecting(publisher, over: scene.web) {
            try await publisher.witnessedCheckpoint(covering: 19)
        }
        let older = try await TestNode()
        try await older.append(0..<10)
        let restored = older.publisher(storage: MemoryLogStorage(), policy: scene.policy)
        try await restored.start()
        let (problems, heard) = AsyncStream<Problem>.makeStream()
        let web = scene.web
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await restored.collectCosignatures(over: web) { _, problem in heard.yield(problem) }
            }
            for await problem in problems {
                #expect(problem.code == "transparency.log-behind")
                break
            }
            group.cancelAll()
        }
    }
}
