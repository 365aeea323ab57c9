// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Merkle
import Primitives
import Testing
import TestKit
import Transparency

@Suite("Readers that share no code with us", .serialized, .ownThread)
struct IndependentReaderTests {
    /// A plain web server over a folder, until dropped.
    private final class WebServer {
        private let process = Foundation.Process()
        let url: String

        init(_ folder: String) throws {
            let port = Int.random(in: 20_000..<50_000)
            url = "http://127.0.0.1:\(port)"
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, "\(port)",
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
        }

        /// Waits until it answers; ten seconds are plenty on a busy machine.
        func waitUntilReady() async throws {
            for _ in 0..<100 {
                if (try? ExternalTool.run("/usr/bin/env", ["curl", "-sf", url + "/"])) != nil { return }
                try await Task.sleep(for: .milliseconds(100))
            }
        }

        deinit { process.terminate() }
    }

    private static let gopath = "/usr/share/gocode"

    @Test("Go's sumdb/note and sumdb/tlog open our checkpoint and rebuild our root from our files over HTTP")
    func go() async throws {
        let go = "/usr/bin/go"
        guard FileManager.default.fileExists(atPath: go),
            FileManager.default.fileExists(atPath: Self.gopath + "/src/golang.org/x/mod/sumdb/tlog")
        else {
            print("skipped: no golang-go, golang-golang-x-mod-dev")
            return
        }
        let node = try await TestNode()
        try await node.append(0..<600)
        try await node.publisher().start()
        let reader = node.folder.path + "/reader"
        _ = try ExternalTool.run(
            go,
            ["build", "-o", reader, "Tests/Readers/tlog_reader.go"],
            environment: [
                "GO111MODULE": "off", "GOPATH": Self.gopath, "GOCACHE": NSTemporaryDirectory() + "hutong-go",
            ]
        )
        let server = try WebServer(node.folder.path + "/log")
        try await server.waitUntilReady()
        let output = try ExternalTool.run(reader, [server.url, node.key.key.description])
        let root = try await node.publisher().checkpoint().checkpoint.root
        #expect(String(decoding: output, as: UTF8.self) == "ok 600 \(Base64.encode(root.bytes))\n")

        // And it notices what we notice.
        var tile = try node.folder.bytes("log/tile/0/001")
        tile[100] ^= 1
        try node.folder.write(tile, "log/tile/0/001")
        #expect(throws: ExternalTool.Failure.self) {
            try ExternalTool.run(reader, [server.url, node.key.key.description])
        }
    }

    @Test("Python's cryptography verifies a witness's cosignature from the words of the specification")
    func python() async throws {
        guard (try? ExternalTool.run("/usr/bin/env", ["python3", "-c", "import cryptography"])) != nil else {
            print("skipped: no Python cryptography")
            return
        }
        let folder = TemporaryFolder()
        let node = try await TestNode(folder: folder)
        let witness = try await TestWitness(1, watching: [node.key.key], folder: folder, clock: node.clock)
        let signed = try await node.publisher().publish()
        let request = AddCheckpoint(oldSize: 0, proof: [], checkpoint: signed)
        guard case .cosigned(let lines) = try await witness.witness.addCheckpoint(request.bytes) else {
            return
        }
        var note = signed
        for line in lines { note.add(line) }
        try folder.write(note.bytes, "checkpoint")
        let arguments = [
            "Tests/Readers/cosignature.py", folder.path + "/checkpoint", witness.inPolicy.key.description,
        ]
        let output = try ExternalTool.run("/usr/bin/env", ["python3"] + arguments)
        #expect(String(decoding: output, as: UTF8.self) == "ok \(node.clock.now.seconds)\n")
    }
}
