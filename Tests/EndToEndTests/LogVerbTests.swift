// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing
import TestKit

/// The log's verbs, each run as a person runs it: the real binary, real processes, files on the disk.
@Suite("The log's verbs", .serialized, .ownThread)
struct LogVerbTests {
    private struct Scene {
        let folder: String
        let witnesses: [ServedProcess]
        let node: ServedProcess
        let token: String

        var data: String { folder + "/node" }
        var trust: String { data + "/trust.policy" }

        /// Three witnesses, then a node that asks them, then the log in each witness's list.
        init() throws {
            folder = NSTemporaryDirectory() + "hutong-log-verbs-\(UInt64.random(in: 0...UInt64.max))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            var served: [ServedProcess] = []
            var lines: [String] = []
            for name in ["one", "two", "three"] {
                let witness = try ServedProcess([
                    "witness", "serve", "--data", folder + "/" + name, "--port", "0", "--name",
                    name + ".example", "--json",
                ])
                served.append(witness)
                // Its own line, under a short name: `witness NAME KEY URL`.
                let words = (witness.ready["policy"]?.text ?? "").split(separator: " ")
                lines.append("witness \(name) \(words[2]) \(words[3])")
            }
            witnesses = served
            let policy = folder + "/witnesses.policy"
            let text = lines.joined(separator: "\n") + "\ngroup most 2 one two three\nquorum most\n"
            try text.write(toFile: policy, atomically: true, encoding: .utf8)
            node = try ServedProcess([
                "serve", "--data", folder + "/node", "--port", "0", "--name", "verbs", "--trust", policy,
                "--json",
            ])
            let key =
                try Binary.json(["log", "vkey", "--data", folder + "/node", "--json"])["vkey"]?.text ?? ""
            for name in ["one", "two", "three"] {
                try "log \(key)\nquorum none\n".write(
                    toFile: folder + "/\(name)/logs.policy", atomically: true, encoding: .utf8)
            }
            token = try String(contentsOfFile: folder + "/node/keys/operator.token", encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }

        func end() {
            node.stop()
            for witness in witnesses { witness.stop() }
            try? FileManager.default.removeItem(atPath: folder)
        }

        func addLeaf() throws { try LogVerbTests.addLeaf(node, token) }

        /// Waits until the published checkpoint, which is always a witnessed one here, covers so many leaves.
        func published(atLeast size: Int64) throws -> JSON {
            for _ in 0..<200 {
                if let checkpoint = try? Binary.json(["log", "checkpoint", "--data", data, "--json"]),
                    (checkpoint["size"]?.integer ?? 0) >= size
                {
                    return checkpoint
                }
                Thread.sleep(forTimeInterval: 0.1)
            }
            throw Problem(.fault, "app.unexpected", operatorNote: "no witnessed checkpoint of \(size) leaves")
        }
    }

    @Test(
        "S17: serve, witness, log, verify, mirror and fsck together: what is proven, by whom, and what was changed"
    )
    func verbs() throws {
        let scene = try Scene()
        defer { scene.end() }
        try scene.addLeaf()
        let checkpoint = try scene.published(atLeast: 2)
        let lines = (checkpoint["note"]?.text ?? "").split(separator: "\n").count { $0.hasPrefix("— ") }
        #expect(lines >= 3, "the log and at least two witnesses: \(checkpoint)")

        try receipt(scene)
        try witnessAway(scene)
        try mirror(scene)
        scene.node.stop()
        try fsck(scene)
    }

    private func receipt(_ scene: Scene) throws {
        let file = scene.folder + "/first.tlog-proof"
        #expect(
            try Binary.run(["log", "prove", "0", "--out", file, "--data", scene.data, "--json"]).status == 0)
        let proof = try Binary.json(["verify", file, "--trust", scene.trust, "--json"])
        #expect((proof["cosignedBy"]?.object ?? [:]).count >= 2)
        #expect(proof["trustFrom"] == "--trust")
        #expect(proof["sentence"]?["en"]?.text?.contains("cosigned") == true)
        // Without keys there is nothing to say; with keys from beside the file, it is said where they came from.
        let untrusted = try Binary.run(["verify", file, "--json"])
        #expect(untrusted.status == 1)
        #expect(try JSON(parsing: untrusted.output)["code"] == "transparency.trust-missing")
        try FileManager.default.copyItem(atPath: scene.trust, toPath: scene.folder + "/trust.policy")
        #expect(try Binary.json(["verify", file, "--json"])["trustFrom"] == "beside the file")
        try FileManager.default.removeItem(atPath: scene.folder + "/trust.policy")
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
        bytes[bytes.count / 3] ^= 1
        try Data(bytes).write(to: URL(filePath: file))
        #expect(try Binary.run(["verify", file, "--trust", scene.trust, "--json"]).status == 1)
    }

    private func witnessAway(_ scene: Scene) throws {
        scene.witnesses[0].stop()
        let before =
            try Binary.json(["log", "checkpoint", "--data", scene.data, "--json"])["size"]?.integer ?? 0
        try scene.addLeaf()
        _ = try scene.published(atLeast: before + 2)
    }

    private func mirror(_ scene: Scene) throws {
        let copy = scene.folder + "/copy"
        let taken = try Binary.json(["mirror", scene.node.url, copy, "--trust", scene.trust, "--json"])
        #expect((taken["size"]?.integer ?? 0) >= 4)
        #expect(try Binary.run(["verify", copy, "--trust", scene.trust, "--json"]).status == 0)
        try flip(in: copy + "/tile", named: "000")
        let damaged = try Binary.run(["verify", copy, "--trust", scene.trust, "--json"])
        #expect(damaged.status == 1)
        let findings = try JSON(parsing: damaged.output)["findings"]?.array ?? []
        #expect(findings.contains { $0["place"]?.text?.hasPrefix("tile/") == true }, "\(findings)")
    }

    private func fsck(_ scene: Scene) throws {
        let clean = try Binary.run(["fsck", scene.data, "--json"])
        #expect(clean.status == 0, "\(String(decoding: clean.output, as: UTF8.self))")
        // The right edge of the published tree: older partial tiles are nobody's any more.
        let size =
            try Binary.json(["log", "checkpoint", "--data", scene.data, "--json"])["size"]?.integer ?? 0
        let tile = try flip(in: scene.data + "/log/tile/0", named: "000.p/\(size)")
        let damaged = try Binary.run(["fsck", scene.data, "--json"])
        #expect(damaged.status == 1)
        #expect(String(decoding: damaged.output, as: UTF8.self).contains("tile/0/000"))
        #expect(try Binary.run(["fsck", scene.data, "--repair", "--json"]).status == 0)
        #expect(try Binary.run(["fsck", scene.data, "--json"]).status == 0, "\(tile)")
    }

    // SAFETY: `fileExists` writes one Boolean that lives across the call.
    /// Flips one byte of the first file whose path contains the name.
    @discardableResult
    private func flip(in folder: String, named name: String) throws -> String {
        let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }.sorted()
            .first {
                path in
                var isFolder: ObjCBool = false
                // SAFETY: the call writes one Boolean that lives across it.
                let exists = unsafe FileManager.default.fileExists(
                    atPath: folder + "/" + path, isDirectory: &isFolder)
                return exists && !isFolder.boolValue && path.contains(name)
            }
        let path = folder + "/" + (try #require(found))
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        bytes[bytes.count / 2] ^= 0x10
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    /// Two leaves: the valve is shut and opened again.
    private static func addLeaf(_ node: ServedProcess, _ token: String) throws {
        for verb in ["close", "open"] {
            _ = try Binary.run(
                ["valve", verb, "country:XX", "--json"],
                environment: ["HUTONG_URL": node.url, "HUTONG_TOKEN": token])
        }
    }

    @Test(
        "a running node has its log stamped by an outside authority; openssl confirms the kept token, fsck its leaf"
    )
    func anchored() throws {
        let folder = NSTemporaryDirectory() + "hutong-anchor-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Readers/timestamps.py").path(percentEncoded: false)
        let authority = try ServedProcess(["python3", script, folder + "/tsa"], of: "/usr/bin/env")
        defer { authority.stop() }
        let (data, certificate) = (folder + "/node", folder + "/tsa/cert.pem")
        let node = try ServedProcess([
            "serve", "--data", data, "--port", "0", "--name", "anchored", "--json",
            "--anchor", authority.url, "--anchor-ca", certificate,
        ])
        defer { node.stop() }
        let token = try String(contentsOfFile: data + "/keys/operator.token", encoding: .utf8)
        try Self.addLeaf(node, token.trimmingCharacters(in: .whitespacesAndNewlines))

        let anchors = try Self.anchors(data, ["--ca", certificate, "--out", folder + "/stamps"])
        #expect(anchors.count == 1, "an hour has not passed")
        #expect(anchors[0]["isVerified"] == true)
        let file = folder + "/stamps/\(anchors[0]["size"]?.integer ?? 0)"
        let openssl = try ServedProcess.finished([
            "openssl", "ts", "-verify", "-data", file + ".txt", "-in", file + ".tsr", "-CAfile", certificate,
        ])
        #expect(openssl == 0)
        node.stop()
        #expect(try Binary.run(["fsck", data, "--json"]).status == 0)

        // A token that is not the one that was logged, whatever it would prove.
        let database = data + "/node.sqlite"
        let swap = """
            import sqlite3, sys
            kept = sqlite3.connect(sys.argv[1])
            token = kept.execute("SELECT token FROM transparency_anchor").fetchone()[0]
            kept.execute("UPDATE transparency_anchor SET token = ?", (token[:-1] + bytes([token[-1] ^ 1]),))
            kept.commit()
            """
        #expect(try ServedProcess.finished(["python3", "-c", swap, database]) == 0)
        let damaged = try Binary.run(["fsck", data, "--json"])
        #expect(damaged.status == 1)
        #expect(String(decoding: damaged.output, as: UTF8.self).contains("anchor "))
    }

    /// What the node kept, as soon as it kept something.
    private static func anchors(_ data: String, _ arguments: [String]) throws -> [JSON] {
        for _ in 0..<600 {
            let answer = try Binary.json(["log", "anchors", "--data", data, "--json"] + arguments)
            if let anchors = answer["anchors"]?.array, !anchors.isEmpty { return anchors }
            Thread.sleep(forTimeInterval: 0.1)
        }
        throw Problem(.fault, "app.unexpected", operatorNote: "nothing was anchored in a minute")
    }

    @Test("log bench prints its figures and the comparison with bare SQLite of the same run")
    func bench() throws {
        let figures = try Binary.json([
            "log", "bench", "--writers", "8", "--seconds", "0.1", "--leaves", "20000", "--json",
        ])
        for name in [
            "bareInsertsPerSecond", "appendsPerSecond8", "appendsPerSecondGrouped", "proofNanoseconds",
            "signatureNanoseconds", "witnessedReceiptMicrosecondsP99",
        ] {
            #expect((figures[name]?.integer ?? 0) > 0, "\(name)")
        }
        let growth = figures["growth"]?.array ?? []
        #expect(growth.count == 10)
        #expect(growth.last?["leaves"] == 20_000)
        let peaks = growth.map { $0["peakBytes"]?.integer ?? 0 }
        #expect((peaks.first ?? 0) > 0)
        // What stays in memory is a cache of fixed size, which these few leaves do not fill.
        #expect((peaks.last ?? 0) - (peaks.first ?? 0) < 96 << 20, "\(peaks)")
    }
}

/// A process that serves until it is stopped, and says as JSON when it is ready.
// SAFETY: started and stopped by the one test that made it.
final class ServedProcess: @unchecked Sendable {
    private let process = Process()
    /// What it printed when it was ready.
    let ready: JSON
    var url: String { ready["url"]?.text ?? "" }

    /// - Parameter program: by default the binary of this test run.
    init(_ arguments: [String], of program: String = Binary.path) throws {
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var bytes: [UInt8] = []
        while true {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else {
                throw Problem(
                    .unavailable, "app.unexpected", operatorNote: "\(arguments): ended before it was ready")
            }
            bytes += Array(piece)
            if let ready = try? JSON(parsing: bytes) {
                self.ready = ready
                return
            }
        }
    }

    /// Runs another program to its end and gives its status.
    static func finished(_ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }
}

extension Binary {
    static func json(_ arguments: [String]) throws -> JSON {
        let run = try run(arguments)
        guard run.status == 0 else {
            throw Problem(
                .fault, "app.unexpected",
                operatorNote:
                    "\(arguments) ended with \(run.status): \(String(decoding: run.output, as: UTF8.self))")
        }
        return try JSON(parsing: run.output)
    }
}
