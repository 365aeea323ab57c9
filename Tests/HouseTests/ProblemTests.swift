// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing
import Wire

@Suite("The problems that a user can meet")
struct ProblemTests {
    /// A problem as the sources throw it.
    struct Thrown: Hashable {
        let kind: String
        let code: String
        let path: String
        let line: Int
    }

    private static let thrown = Checkout.swiftFiles.filter { $0.path.hasPrefix("Sources/") }.flatMap(
        thrown(in:)
    )
    private static let texts = TextCatalog.embedded.sentences

    @Test("every problem says what happened, why and what to do, in Chinese and in English")
    func problemsAreWritten() {
        for problem in Self.thrown {
            guard let sentences = Self.texts[problem.code] else {
                Issue.record(
                    "\(problem.path):\(problem.line) throws \(problem.code), which Texts/ does not explain"
                )
                continue
            }
            for language in Language.allCases {
                let parts = sentences[language].map { [$0.what, $0.why, $0.remedy] } ?? []
                if parts.isEmpty || parts.contains("") {
                    Issue.record("\(problem.code) has not all three sentences in \(language.rawValue)")
                }
            }
        }
    }

    @Test("both languages name the same facts")
    func languagesAgree() {
        for (code, sentences) in Self.texts.sorted(by: { $0.key < $1.key }) {
            let facts = Language.allCases.map { Self.facts(in: sentences[$0]) }
            #expect(
                facts[0] == facts[1],
                "\(code): zh says \(facts[0].sorted()), en says \(facts[1].sorted())"
            )
        }
    }

    @Test("a code is its room, a point, and words joined by hyphens; its file is its room's")
    func codesAreWellFormed() {
        for problem in Self.thrown {
            let isWellFormed = problem.code.wholeMatch(of: /[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*/) != nil
            #expect(isWellFormed, "\(problem.path):\(problem.line) throws “\(problem.code)”")
        }
    }

    @Test("every file of Texts/ can be read: one that cannot would silently take all its sentences along")
    func textsAreReadable() {
        for file in Checkout.files(under: "Texts", endings: ["yaml"]) {
            let codes = file.text.split(separator: "\n").filter {
                $0.hasSuffix(":") && $0.first?.isLetter == true
            }
            let read = TextCatalog(files: [file.text]).sentences
            #expect(
                read.count == codes.count,
                "\(file.path): \(read.count) of \(codes.count) problems were read"
            )
        }
    }

    @Test("every file of Texts/ is embedded in the binary")
    func textsAreEmbedded() {
        let list = Checkout.text("Sources/App/CTexts/texts.c")
        for file in Checkout.files(under: "Texts", endings: ["yaml"]) {
            #expect(list.contains("#embed \"../../../\(file.path)\""), "\(file.path) is not in texts.c")
        }
        let names = list.matches(of: /\{(\w+), sizeof \w+\}/).count
        #expect(names == Checkout.files(under: "Texts", endings: ["yaml"]).count)
    }

    @Test("docs/reference/problems.md is current (`make docs` writes it)")
    func referenceIsCurrent() throws {
        try Reference.compare("problems.md", with: Self.reference())
    }

    static func thrown(in file: SwiftSource) -> [Thrown] {
        let text = file.text(.code, .string)
        return text.matches(of: /Problem\(\s*\.(\w+),\s*"([^"\\]+)"/).map { match in
            let offset = text.utf8.distance(from: text.startIndex, to: match.range.lowerBound)
            return Thrown(
                kind: String(match.output.1),
                code: String(match.output.2),
                path: file.path,
                line: file.line(at: offset)
            )
        }
    }

    static func facts(in sentences: TextCatalog.Sentences?) -> Set<String> {
        guard let sentences else { return [] }
        let text = sentences.what + sentences.why + sentences.remedy
        return Set(text.matches(of: /\{([a-zA-Z]+)\}/).map { String($0.output.1) })
    }

    private static func reference() -> String {
        var page = """
            # Problems

            Every refusal and every failure that reaches a caller has a stable code, a kind that decides the HTTP
            status, and three sentences: what happened, why, what to do. Words in braces are filled in. Over HTTP a
            problem is `application/problem+json` (RFC 9457); the command line prints the same sentences.
            This page is written from the sources by `make docs`.

            """
        let kinds = Dictionary(grouping: thrown, by: \.code).mapValues { Set($0.map(\.kind)).sorted() }
        for (room, codes) in Dictionary(grouping: texts.keys, by: { $0.prefix { $0 != "." } })
            .sorted(by: { $0.key < $1.key })
        {
            page += "\n## \(room)\n"
            for code in codes.sorted() {
                page += "\n### `\(code)`\n\n"
                let kinds = (kinds[code] ?? []).compactMap(Problem.Kind.init(rawValue:))
                if !kinds.isEmpty {
                    page +=
                        kinds.map { "`\($0.rawValue)`, HTTP \($0.status)" }.joined(separator: "; ") + "\n\n"
                }
                for language in [Language.en, .zh] {
                    guard let said = texts[code]?[language] else { continue }
                    let sentences = [said.what, said.why, said.remedy]
                    page += "- " + sentences.joined(separator: language == .zh ? "" : " ") + "\n"
                }
            }
        }
        return page
    }
}

/// The pages of `docs/reference` that are written from the code. Tests compare; only `make docs` writes.
enum Reference {
    static func compare(_ name: String, with text: String) throws {
        let path = "docs/reference/" + name
        if ProcessInfo.processInfo.environment["HUTONG_WRITE_REFERENCE"] == "1" {
            try text.write(to: Checkout.root.appending(path: path), atomically: true, encoding: .utf8)
        }
        #expect(Checkout.text(path) == text, "\(path) is not what the code says; run `make docs`")
    }
}
