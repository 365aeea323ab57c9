// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TestKit

@Suite("Crashes of the books", .ownThread)
struct CrashTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    /// The binary of the same build as the tests.
    static let binary = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
        path: "hutong")

    static func crash(_ arguments: String...) throws -> (status: Int32, text: String) {
        try Program.run(
            [
                "python3", root.appending(path: "Crash/crash.py").path(), arguments[0], "--binary",
                binary.path(),
            ]
                + arguments.dropFirst())
    }

    static let isSoak = ProcessInfo.processInfo.environment["HUTONG_SOAK"] != nil

    @Test("whatever writing system call fails, nothing acknowledged is lost and nothing is half done")
    func faults() throws {
        let (commands, clients) = ("200", Self.isSoak ? "20" : "100")
        let result = try Self.crash("faults", "--commands", commands, "--clients", clients)
        print(result.text, terminator: "")
        #expect(result.status == 0, "\(result.text)")
    }

    @Test("wherever the power goes, the books recover: unsynced writes dropped, kept, torn or out of order")
    func states() throws {
        let (commands, clients) = Self.isSoak ? ("10000", "100") : ("100", "20")
        let result = try Self.crash("states", "--commands", commands, "--clients", clients)
        print(result.text, terminator: "")
        #expect(result.status == 0, "\(result.text)")
    }
}
