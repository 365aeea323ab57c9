// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import TestKit
import TestStores
import Testing

/// The whole story, played by the real binary with four real processes; the demonstration itself checks each fact and
/// stops at the first that does not hold.
@Suite("The story", .serialized, .ownThread)
struct StoryTests {
    @Test(
        "S94, S62, S60, S17: five nodes publish, agree, match, ask, pay, refuse, settle and verify; a cheating operator is found"
    )
    func story() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-story-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let run = try Binary.run(["demo", "--once", "--json", "--data", folder.path(percentEncoded: false)])
        let report = try JSON(parsing: run.output)
        try #require(
            run.status == 0, "\(report["detail"]?.text ?? String(decoding: run.output, as: UTF8.self))")
        #expect(report["ok"] == true)
        #expect(report["ask"]?["wire"]?["rawValuesFound"]?.integer == 0)
        #expect((report["ask"]?["wire"]?["bytesSearched"]?.integer ?? 0) > 100_000)
        #expect(report["match"]?["districts"]?.array?.count == 6)
        #expect(report["settle"]?["sum"]?.integer == 0)
        #expect(report["verify"]?["frauds"]?.array?.count == 3)
        let refused = Set((report["refuse"]?["refusals"]?.array ?? []).compactMap { $0["code"]?.text })
        #expect(
            refused.isSuperset(of: [
                "collect.source-incomplete", "register.grades-unconfirmed", "trade.listing-unattested",
                "policy.operand-unenforceable", "valve.party-not-entitled", "policy.use-refused",
                "valve.closed",
                "valve.export-denied", "valve.privacy-spent", "valve.agreement-ended",
                "compute.match-want-refused", "compute.match-sets-spent",
            ]))
        let recovered = try #require(report["ask"]?["recovered"]?.double)
        #expect(abs(recovered - 0.2) < 0.05)
        let witnessing = report["register"]?["witnessing"]
        #expect(
            witnessing?["witnessed"] == true, "registered means witnessed by 2 of 3: \(witnessing ?? .null)")
        #expect(report["card"]?["zh"]?.text?.contains("regulator") == true)
        for node in ["exchange", "clinic"] {
            try await RowFlips(folder: folder.appending(path: node).path(percentEncoded: false)).check()
        }
    }

    @Test("the same story holds where every node keeps its records in PostgreSQL")
    func storyOnPostgres() throws {
        guard let url = try Engine.postgresURL(for: ["exchange", "air", "clinic", "care", "buyer"]) else {
            return
        }
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-postgres-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let run = try Binary.run(
            [
                "demo", "--once", "--json", "--synthetic", "--store", url, "--data",
                folder.path(percentEncoded: false),
            ])
        let report = try JSON(parsing: run.output)
        try #require(
            run.status == 0, "\(report["detail"]?.text ?? String(decoding: run.output, as: UTF8.self))")
        #expect(report["ok"] == true)
        #expect(report["settle"]?["sum"]?.integer == 0)
        #expect((report["verify"]?["receipts"]?.integer ?? 0) >= 2, "both sides' receipts")
        let files = try FileManager.default.contentsOfDirectory(
            atPath: folder.appending(path: "exchange").path())
        #expect(files.contains("store.url") && !files.contains("node.sqlite"))
    }

    @Test(
        "kill -9 of exchange or holder in the middle of questions, and of every node after each step, loses nothing and charges nothing twice"
    )
    func crash() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-crash-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let run = try Binary.run(
            [
                "demo", "--once", "--json", "--synthetic", "--crashes", "14", "--data",
                folder.path(percentEncoded: false),
            ])
        let report = try JSON(parsing: run.output)
        try #require(
            run.status == 0, "\(report["detail"]?.text ?? String(decoding: run.output, as: UTF8.self))")
        #expect(report["crash"]?["settled"]?.integer == 14)
    }

    @Test("every refusal says what, why and what to do, in both languages")
    func refusals() throws {
        let run = try Binary.run(
            ["search", "x", "--json", "--lang", "zh"], environment: ["HUTONG_URL": "http://127.0.0.1:9"])
        #expect(run.status == 1)
        let problem = try JSON(parsing: run.output)
        for part in ["title", "detail", "remedy"] { #expect(problem[part]?.text?.isEmpty == false) }
        #expect(problem["title"]?.text?.contains("未能连接") == true)
    }
}

/// The binary that this test run built.
enum Binary {
    struct Run {
        let status: Int32
        let output: [UInt8]
    }

    static var path: String {
        // The test bundle lies beside it in the build folder.
        URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "hutong").path(percentEncoded: false)
    }

    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Run {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Run(status: process.terminationStatus, output: Array(bytes))
    }
}
