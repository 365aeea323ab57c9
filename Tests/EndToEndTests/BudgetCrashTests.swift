// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TestKit

@Suite("A privacy budget under kill -9", .ownThread)
struct BudgetCrashTests {
    @Test(
        "64 askers at a node that is killed again and again: never overspent, never charged without a stored answer"
    )
    func killed() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Crash")
        let script = """
            import sys
            try:
                import cryptography
            except ImportError:
                sys.exit(77)
            sys.path.insert(0, sys.argv[1])
            sys.argv = ["budget.py"] + sys.argv[2:]
            import budget
            budget.main()
            """
        let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? "3" : "20"
        let (status, text) = try Program.run([
            "python3", "-c", script, folder.path(percentEncoded: false), "--binary", Binary.path, "--rounds",
            rounds,
        ])
        if status == 77 { return print("skipped: no python3-cryptography") }
        #expect(status == 0, "\(text)")
    }
}
