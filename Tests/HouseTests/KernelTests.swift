// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("The headers of the kernels")
struct KernelTests {
    /// What the head of every kernel file says (CONTRIBUTING.md), and the words that count as saying it.
    static let parts: [(part: String, words: [String])] = [
        ("the specification with its sections", ["specification", "rfc ", "c2sp", "§", "iso ", "paper"]),
        ("the adversary", ["adversary", "semi-honest", "malicious", "honest-but-curious"]),
        ("what is secret", ["secret"]),
        ("what leaks by design", ["leak", "reveal", "public"]),
        ("how its time depends on secrets", ["timing", "constant-time", "constant time", "time:"]),
        ("where its vectors are", ["vectors", "checked against", "tests/"]),
    ]

    @Test("each kernel says its specification, adversary, secrets, leaks, timing and vectors")
    func headersAreComplete() {
        for file in Checkout.swiftFiles where file.path.hasPrefix("Sources/Kernels/") {
            for part in Self.missingParts(in: file) {
                Issue.record("\(file.path): its head does not say \(part)")
            }
        }
    }

    /// The head is every comment before the first declaration ends its own documentation.
    static func missingParts(in file: SwiftSource) -> [String] {
        let first = file.words().first {
            ["struct", "enum", "extension", "func", "protocol"].contains($0.text)
        }
        let lastLine = first.map { file.line(at: $0.start) } ?? file.lineStarts.count
        let head = file.lines(.comment).prefix(lastLine).joined(separator: " ").lowercased()
        return parts.filter { part in !part.words.contains(where: head.contains) }.map(\.part)
    }
}
