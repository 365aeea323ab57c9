// SPDX-License-Identifier: Apache-2.0

import Testing

/// A word that the house does not use, and what stands in its place.
struct BannedWord: Sendable {
    let pattern: String
    let instead: String
    /// Whether the word must stand free: no letter before or after it.
    var isWholeWord = true
    /// Looked for in comments rather than in code.
    var isInComments = false
    /// Which files the rule is for.
    var applies: @Sendable (SwiftSource) -> Bool = { _ in true }
}

extension BannedWord {
    static let all: [BannedWord] = [
        BannedWord(
            pattern: "print(",
            instead: "a Logger, or Console.answer in the command line",
            applies: { $0.path.hasPrefix("Sources/") && $0.room != "hutong" }
        ),
        BannedWord(pattern: "try!", instead: "try, and a throwing caller", isWholeWord: false),
        BannedWord(pattern: "as!", instead: "as?, with a guard"),
        BannedWord(
            pattern: "Date()",
            instead: "WallClock.now, handed in",
            applies: { $0.path.hasPrefix("Sources/") }
        ),
        BannedWord(
            pattern: "UUID()",
            instead: "ID(at:using:)",
            applies: { $0.path.hasPrefix("Sources/") }
        ),
        BannedWord(pattern: "Task.detached", instead: "a child task, or a service in Assembly"),
        BannedWord(
            pattern: "Double",
            instead: "integers or exact rationals: money and noise have no floating point",
            applies: { file in
                ["Ledger", "Metering", "Trade", "Noise"].contains(file.room)
                    && file.path.hasPrefix("Sources/")
                    || file.path.hasSuffix("/Money.swift")
            }
        ),
        BannedWord(
            pattern: "Foundation",
            instead: "the standard library: a kernel has no Foundation",
            applies: { $0.path.hasPrefix("Sources/Kernels/") }
        ),
        BannedWord(
            pattern: "public",
            instead: "package: we ship a binary, not a library",
            applies: { $0.path.hasPrefix("Sources/") }
        ),
        BannedWord(
            pattern: "FIXME",
            instead: "TODO-correctness, TODO-security, TODO-coverage or TODO-speed with a link",
            isInComments: true
        ),
    ]

    /// Parts of a name that say nothing.
    static let emptyNameParts = ["Utils", "Utilities", "Helpers", "Helper", "Manager", "Impl", "Common"]

    /// Each line of a file on which the word stands.
    func places(in file: SwiftSource) -> [Int] {
        guard applies(file) else { return [] }
        let lines = isInComments ? file.lines(.comment) : file.lines(.code)
        return lines.indices.filter { stands(in: lines[$0]) }.map { $0 + 1 }
    }

    private func stands(in line: Substring) -> Bool {
        guard line.contains(pattern) else { return false }
        guard isWholeWord else { return true }
        return line.ranges(of: pattern).contains { range in
            let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
            let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
            let endsInLetter = pattern.last?.isLetter == true
            return !Self.isNamePart(before) && !".`".contains(before)
                && !(endsInLetter && Self.isNamePart(after))
        }
    }

    private static func isNamePart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }
}

@Suite("The words of the house")
struct WordTests {
    @Test("no file uses a banned word", arguments: BannedWord.all.map(\.pattern))
    func wordsAreAvoided(pattern: String) throws {
        let word = try #require(BannedWord.all.first { $0.pattern == pattern })
        for file in Checkout.swiftFiles {
            for line in word.places(in: file) {
                Issue.record("\(file.path):\(line) uses \(word.pattern); use \(word.instead)")
            }
        }
    }

    @Test("no type and no file is called a helper, a manager or an implementation")
    func namesSayWhatTheyAre() {
        for file in Checkout.swiftFiles {
            for part in BannedWord.emptyNameParts
            where file.path.split(separator: "/").last?.contains(part) == true {
                Issue.record("\(file.path): “\(part)” is not a name; call it what it does")
            }
            let words = file.words()
            for (keyword, name) in zip(words, words.dropFirst())
            where ["struct", "class", "enum", "actor", "protocol"].contains(keyword.text) {
                if BannedWord.emptyNameParts.contains(where: name.text.hasSuffix) {
                    Issue.record(
                        "\(file.path):\(file.line(at: name.start)) \(name.text): call it what it does"
                    )
                }
            }
        }
    }

    @Test("every debt is countable: TODO-correctness, TODO-security, TODO-coverage or TODO-speed")
    func debtsHaveKinds() {
        for file in Checkout.swiftFiles {
            for line in Self.bareDebts(in: file) {
                Issue.record("\(file.path):\(line) has a bare TODO; name its kind and give a link")
            }
        }
    }

    @Test("every use of unsafe code argues in a SAFETY line why it is sound")
    func unsafeCodeArgues() {
        for file in Checkout.swiftFiles {
            for line in Self.unargued(in: file) {
                Issue.record(
                    "\(file.path):\(line) is unsafe without a “// SAFETY:” line in its function or above it"
                )
            }
        }
    }

    @Test("every file begins with its license")
    func filesCarryTheirLicense() {
        let files =
            Checkout.files(under: "Sources", endings: ["swift", "c", "h"])
            + Checkout.files(under: "Tests", endings: ["swift"])
        for file in files where !file.text.hasPrefix("// SPDX-License-Identifier: Apache-2.0\n") {
            Issue.record("\(file.path) does not begin with “// SPDX-License-Identifier: Apache-2.0”")
        }
    }

    static func bareDebts(in file: SwiftSource) -> [Int] {
        let kinds = ["TODO-correctness", "TODO-security", "TODO-coverage", "TODO-speed"]
        let lines = file.lines(.comment)
        return lines.indices.filter { place in
            lines[place].ranges(of: "TODO").contains { range in
                !kinds.contains { lines[place][range.lowerBound...].hasPrefix($0) }
            }
        }.map { $0 + 1 }
    }

    /// Lines that hold `unsafe`, `nonisolated(unsafe)` or `@unchecked`, where neither the enclosing function, nor
    /// the eight lines above, nor the head of the file (for all of it) say `SAFETY:`.
    static func unargued(in file: SwiftSource) -> [Int] {
        let words = file.words().filter { $0.text == "unsafe" || $0.text == "unchecked" }
        guard !words.isEmpty else { return [] }
        let comments = file.lines(.comment)
        let functions = file.functions
        let head = min(comments.count, functions.first?.firstLine ?? 0)
        guard !comments[..<head].contains(where: { $0.contains("SAFETY:") }) else { return [] }
        let lines = Set(words.map { file.line(at: $0.start) })
        return lines.sorted().filter { line in
            let enclosing = functions.last { $0.firstLine <= line && line <= $0.lastLine }
            let first = max(1, min(enclosing?.firstLine ?? line, line) - 8)
            return !comments[(first - 1)..<line].contains { $0.contains("SAFETY:") }
        }
    }
}
