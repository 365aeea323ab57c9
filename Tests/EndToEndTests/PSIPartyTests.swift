// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing
import TestKit

/// Two real processes that match two tables too large for one part, and one of them killed in the middle.
@Suite("A match in parts on disk", .serialized, .ownThread)
struct PSIPartyTests {
    private static let rows = 1_100_000
    private static let common = 300_000

    @Test(
        "kill -9 of the receiver after the first part and of the sender after a later one: each goes on behind the parts that are done, and no row is lost"
    )
    func resumed() throws {
        let folder = NSTemporaryDirectory() + "hutong-parts-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.write(0..<Self.rows, to: folder + "/a.csv")
        try Self.write(Self.rows - Self.common..<2 * Self.rows - Self.common, to: folder + "/b.csv")
        let port = UInt16.random(in: 20_000...60_000)
        let shared = ["psi", "party", "--protocol", "rr22", "--key", "id", "--json", "--retries", "100"]
        let receive =
            shared + [
                "--listen", "127.0.0.1:\(port)", "--in", folder + "/a.csv", "--out", folder + "/out.csv",
                "--work", folder + "/a.work",
            ]
        let send =
            shared + [
                "--connect", "127.0.0.1:\(port)", "--in", folder + "/b.csv", "--work", folder + "/b.work",
            ]
        let (first, answering) = (try Self.start(receive), try Self.start(send))
        try Self.wait(forParts: 1, in: folder + "/a.work")
        Self.end(first.process)
        let receiver = try Self.start(receive)
        try Self.wait(forParts: 2, in: folder + "/b.work")
        Self.end(answering.process)
        // On a machine so loaded that the sender was done before it could be killed, there is nothing to go on with.
        let isDone = answering.process.terminationReason == .exit
        let sender = isDone ? answering : try Self.start(send)
        let report = try JSON(parsing: Array(receiver.output.fileHandleForReading.readDataToEndOfFile()))
        let theirs = try JSON(parsing: Array(sender.output.fileHandleForReading.readDataToEndOfFile()))
        for process in [receiver.process, sender.process] {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(report) \(theirs)")
        }
        #expect(report["intersection"]?.integer == Int64(Self.common))
        #expect(
            (theirs["parts_before"]?.integer ?? 0) >= 2, "what was matched is not matched again: \(theirs)")
        let matched = try String(contentsOfFile: folder + "/out.csv", encoding: .utf8).split(separator: "\n")
        #expect(matched.dropFirst().elementsEqual((Self.rows - Self.common..<Self.rows).map { "key\($0)" }))
    }

    @Test("prepared ahead, a match gives the same rows, uses its files up, and cannot be run from them again")
    func prepared() throws {
        let folder = NSTemporaryDirectory() + "hutong-ahead-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.write(0..<3000, to: folder + "/a.csv")
        try Self.write(2000..<7000, to: folder + "/b.csv")
        let port = UInt16.random(in: 20_000...60_000)
        let (listen, connect) = (["--listen", "127.0.0.1:\(port)"], ["--connect", "127.0.0.1:\(port)"])
        let prepare = ["psi", "prepare", "--items", "4000", "--json", "--out"]
        let made = try Self.both(
            prepare + [folder + "/a.ahead"] + listen, prepare + [folder + "/b.ahead"] + connect)
        #expect(made.0["prepared"] == made.1["prepared"] && made.0["prepared"] != nil, "\(made)")
        let party = ["psi", "party", "--protocol", "rr22", "--key", "id", "--json", "--deadline", "20"]
        let receive = party + listen + ["--in", folder + "/a.csv", "--prepared", folder + "/a.ahead"]
        let send = party + connect + ["--in", folder + "/b.csv", "--prepared", folder + "/b.ahead"]
        let (copy, kept) = (folder + "/b.copy", folder + "/b.ahead")
        try FileManager.default.copyItem(atPath: kept, toPath: copy)

        // A peer without what was prepared is refused, and nothing is used up.
        let stranger = try Self.both(receive, party + connect + ["--in", folder + "/b.csv"])
        #expect(stranger.0["code"] == "psi.run-ended" && stranger.1["code"] == "psi.run-ended", "\(stranger)")
        #expect(FileManager.default.fileExists(atPath: folder + "/a.ahead"))

        let matched = try Self.both(receive, send)
        #expect(matched.0["intersection"] == 1000, "\(matched)")
        for name in ["a.ahead", "b.ahead"] {
            #expect(!FileManager.default.fileExists(atPath: folder + "/" + name), "\(name) is used up")
        }
        #expect(try Self.both(receive, nil).0["code"] == "psi.prepared-missing")
        // A copy that somebody kept has no other half any more.
        try FileManager.default.moveItem(atPath: copy, toPath: kept)
        let again = try Self.both(party + listen + ["--in", folder + "/a.csv"], send)
        #expect(again.0["code"] == "psi.run-ended" && again.1["code"] == "psi.run-ended", "\(again)")
    }

    /// What both sides of a run print.
    private static func both(_ mine: [String], _ theirs: [String]?) throws -> (JSON, JSON) {
        let running = try [mine, theirs].map { try $0.map { try start($0) } }
        let printed = try running.map { side throws -> JSON in
            guard let side else { return .null }
            let bytes = Array(side.output.fileHandleForReading.readDataToEndOfFile())
            side.process.waitUntilExit()
            return try JSON(parsing: bytes)
        }
        return (printed[0], printed[1])
    }

    private static func end(_ process: Process) {
        // SAFETY: our own child, which is still running or a zombie until we wait for it.
        _ = kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private static func write(_ range: Range<Int>, to path: String) throws {
        let text = range.reduce(into: "id\n") { $0 += "key\($1)\n" }
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    private static func start(_ arguments: [String]) throws -> (process: Process, output: Pipe) {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: Binary.path)
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        return (process, output)
    }

    private static func wait(forParts parts: Int64, in folder: String) throws {
        let end = ContinuousClock.now.advanced(by: .seconds(120))
        while true {
            let note = FileManager.default.contents(atPath: folder + "/done.json")
            let done = note.flatMap { try? JSON(parsing: Array($0)) }?["parts"]?.integer ?? 0
            if done >= parts { return }
            guard ContinuousClock.now < end else {
                throw Problem(.unavailable, "app.unexpected", operatorNote: folder)
            }
            Thread.sleep(forTimeInterval: 0.005)
        }
    }
}
