// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("The headers of the kernels")
struct KernelTests {
    /// What the heads of a kernel's files say together (CONTRIBUTING.md), and the words that count as saying it.
    static let parts: [(part: String, words: [String])] = [
        (
            "the specification with its sections",
            ["specification", "rfc ", "c2sp", "§", "iso ", "gb ", "paper"]
        ),
        (
            "the adversary, or that there are no secrets",
            ["adversary", "semi-honest", "malicious", "no secret", "nothing here is secret"]
        ),
        ("what is secret", ["secret"]),
        ("what leaks by design", ["leak", "reveal", "public", "no secret", "nothing here is secret"]),
        ("how its time depends on secrets", ["timing", "constant-time", "constant time", "no secret"]),
        ("where its vectors are", ["vectors", "checked against", "tests/", "corpus"]),
    ]

    @Test("each kernel says its specification, adversary, secrets, leaks, timing and vectors")
    func headersAreComplete() {
        let files = Checkout.swiftFiles.filter { $0.path.hasPrefix("Sources/Kernels/") }
        for (kernel, files) in Dictionary(grouping: files, by: \.room).sorted(by: { $0.key < $1.key }) {
            for part in Self.missingParts(in: files) {
                Issue.record("the kernel \(kernel) does not say \(part)")
            }
        }
    }

    /// A head is every comment up to the first declaration, whose own documentation counts.
    static func missingParts(in files: [SwiftSource]) -> [String] {
        let head = files.map(head(of:)).joined(separator: " ").lowercased()
        return parts.filter { part in !part.words.contains(where: head.contains) }.map(\.part)
    }

    private static func head(of file: SwiftSource) -> String {
        let first = file.words().first {
            ["struct", "enum", "extension", "func", "protocol"].contains($0.text)
        }
        let lastLine = first.map { file.line(at: $0.start) } ?? file.lineStarts.count
        return file.lines(.comment).prefix(lastLine).joined(separator: " ")
    }
}
