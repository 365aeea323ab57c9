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
        "kill -9 of the receiver after the first part: started again it goes on behind that part and loses no row"
    )
    func resumed() throws {
        let folder = NSTemporaryDirectory() + "hutong-parts-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.write(0..<Self.rows, to: folder + "/a.csv")
        try Self.write(Self.rows - Self.common..<2 * Self.rows - Self.common, to: folder + "/b.csv")
        let port = UInt16.random(in: 20_000...60_000)
        let shared = ["psi", "party", "--protocol", "rr22", "--key", "id", "--json", "--retries", "50"]
        let receive =
            shared + [
                "--listen", "127.0.0.1:\(port)", "--in", folder + "/a.csv", "--out", folder + "/out.csv",
                "--work",
                folder + "/a.work",
            ]
        let first = try Self.start(receive)
        let answering = try Self.start(
            shared + [
                "--connect", "127.0.0.1:\(port)", "--in", folder + "/b.csv", "--work", folder + "/b.work",
            ])
        try Self.waitFor(folder + "/a.work/done.json")
        // SAFETY: our own child, which is still running or a zombie until we wait for it.
        _ = kill(first.process.processIdentifier, SIGKILL)
        first.process.waitUntilExit()
        let second = try Self.start(receive)
        let report = try JSON(parsing: Array(second.output.fileHandleForReading.readDataToEndOfFile()))
        second.process.waitUntilExit()
        answering.process.waitUntilExit()
        #expect(
            second.process.terminationStatus == 0 && answering.process.terminationStatus == 0, "\(report)")
        #expect(report["intersection"]?.integer == Int64(Self.common))
        #expect((report["parts_before"]?.integer ?? 0) >= 1, "the first part is not matched again: \(report)")
        let matched = try String(contentsOfFile: folder + "/out.csv", encoding: .utf8).split(separator: "\n")
        #expect(matched.dropFirst().elementsEqual((Self.rows - Self.common..<Self.rows).map { "key\($0)" }))
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

    private static func waitFor(_ path: String) throws {
        let end = ContinuousClock.now.advanced(by: .seconds(120))
        while !FileManager.default.fileExists(atPath: path) {
            guard ContinuousClock.now < end else {
                throw Problem(.unavailable, "app.unexpected", operatorNote: path)
            }
            Thread.sleep(forTimeInterval: 0.005)
        }
    }
}
