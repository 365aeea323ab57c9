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
