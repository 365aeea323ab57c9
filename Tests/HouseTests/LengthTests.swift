// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("The lengths of the house")
struct LengthTests {
    /// A function longer than this needs a line `// Long because …`: the ratchet that stops functions creeping up.
    static let functionLineCountMax = 70
    /// A file longer than this needs the same.
    static let fileLineCountMax = 800

    @Test("no function passes 70 lines without saying why")
    func functionsAreShort() {
        for file in Checkout.swiftFiles {
            for function in Self.unexplained(in: file) {
                Issue.record(
                    """
                    \(file.path):\(function.firstLine) \(function.name) has \(function.lineCount) lines; \
                    divide it, or say “// Long because …”
                    """
                )
            }
        }
    }

    @Test("no file passes 800 lines without saying why")
    func filesAreShort() {
        for file in Checkout.swiftFiles where file.lineStarts.count > Self.fileLineCountMax {
            let explains = file.lines(.comment).prefix(10).contains { $0.contains("Long because") }
            #expect(explains, "\(file.path) has \(file.lineStarts.count) lines")
        }
    }

    @Test("the ten largest functions and files are shown on every run")
    func largestAreShown() {
        let functions = Checkout.swiftFiles.flatMap(\.functions).sorted { $0.lineCount > $1.lineCount }
        let files = Checkout.swiftFiles.sorted { $0.lineStarts.count > $1.lineStarts.count }
        print("The ten longest functions:")
        for function in functions.prefix(10) {
            print("  \(function.lineCount)  \(function.path):\(function.firstLine) \(function.name)")
        }
        print("The ten longest files:")
        for file in files.prefix(10) { print("  \(file.lineStarts.count)  \(file.path)") }
        #expect(!functions.isEmpty)
    }

    static func unexplained(in file: SwiftSource) -> [FunctionExtent] {
        let long = file.functions.filter { $0.lineCount > functionLineCountMax }
        guard !long.isEmpty else { return [] }
        let comments = file.lines(.comment)
        return long.filter { function in
            let lines = comments[max(0, function.firstLine - 12)..<function.lastLine]
            return !lines.contains { $0.contains("Long because") }
        }
    }
}
