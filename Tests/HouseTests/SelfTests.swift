// SPDX-License-Identifier: Apache-2.0

import Testing

/// The rules read sources with a lexer of their own; a rule that finds nothing because it cannot read would be
/// worse than none.
@Suite("The house rules themselves")
struct SelfTests {
    @Test("words in strings and comments are not code, and interpolations are")
    func lexerKnowsNatures() {
        let file = SwiftSource(
            path: "Sources/City/Sample/A.swift",
            text: #"""
                let a = "try! \(b + "x" + c(1)) Date()" // print(
                let r = #"quote " and \(notCode) "# /* FIXME /* nested */ still */ + d
                let m = """
                    "quoted" \(e)
                    """ + f
                """#
        )
        let code = file.text(.code)
        for word in ["b + ", "c(1)", " + d", "e", " + f"] { #expect(code.contains(word)) }
        for word in ["try!", "Date()", "print(", "FIXME", "notCode", "quoted"] {
            #expect(!code.contains(word))
        }
        #expect(file.text(.comment).contains("still"))
    }

    @Test("a banned word is found in code, once, and not inside a longer name")
    func bannedWordsAreFound() {
        let file = SwiftSource(
            path: "Sources/Stages/Trade/A.swift",
            text: """
                let price: Double = 1
                let DoubleEntry = 2 // Double
                console.print("x"); fingerprint(1)
                print(1)
                """
        )
        let found = BannedWord.all.flatMap { word in word.places(in: file).map { "\(word.pattern) \($0)" } }
        #expect(found.sorted() == ["Double 1", "print( 4"])
    }

    @Test("a bare debt is found, a kind makes it countable")
    func debtsAreFound() {
        let file = SwiftSource(
            path: "Sources/Stages/Trade/A.swift",
            text: "// TODO: later\n// TODO-speed: issue 12\nlet TODO = \"TODO\"\n"
        )
        #expect(WordTests.bareDebts(in: file) == [1])
    }

    @Test("unsafe code needs its argument near")
    func unsafeCodeIsFound() {
        let argued = """
            func a() {
                // SAFETY: the buffer lives until the call returns.
                unsafe use(x)
                unsafe use(y)
            }
            """
        let silent = "func b() {\n    unsafe use(x)\n}\n"
        #expect(WordTests.unargued(in: SwiftSource(path: "Sources/A/B/C.swift", text: argued)) == [])
        #expect(WordTests.unargued(in: SwiftSource(path: "Sources/A/B/C.swift", text: silent)) == [2])
    }

    @Test("functions are measured from their first word to their last brace; requirements have no length")
    func functionsAreMeasured() {
        let body = (1...80).map { "        use(\($0), \"}\")" }.joined(separator: "\n")
        let text = """
            protocol P {
                func asked(_ x: Int) throws
                var y: Int { get }
            }
            struct S {
                init() { self.init(1) }
                func long(_ f: () -> Int = { 1 }) -> [Int] {
            \(body)
                }
            }
            """
        let file = SwiftSource(path: "Sources/A/B/C.swift", text: text)
        #expect(file.functions.map(\.name) == ["init", "long"])
        #expect(file.functions.map(\.lineCount) == [1, 82])
        #expect(LengthTests.unexplained(in: file).map(\.name) == ["long"])
        let explained = SwiftSource(
            path: "Sources/A/B/C.swift",
            text: text.replacing("    func long", with: "    // Long because it is complete.\n    func long")
        )
        #expect(LengthTests.unexplained(in: explained).isEmpty)
    }

    @Test("the manifest is read with its layers, paths and packages")
    func manifestIsRead() throws {
        let manifest = Manifest(
            text: """
                func room(_ layer: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
                    .target(name: name, dependencies: dependencies)
                }
                let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
                targets: [
                    room("Foundations", "Primitives", [crypto]),  // room("No", "One")
                    room("Stages", "Trade", ["Publish", "Policy", .product(name: "GRDB", package: "GRDB.swift")]),
                    .target(name: "CTexts", path: "Sources/App/CTexts", cSettings: [.unsafeFlags(["-std=c23"])]),
                    tests("TradeTests", ["Trade"]),
                ]
                """
        )
        let trade = try #require(manifest.targets.first { $0.name == "Trade" })
        #expect(manifest.targets.map(\.name) == ["Primitives", "Trade", "CTexts", "TradeTests"])
        #expect(manifest.targets.map(\.layer) == ["Foundations", "Stages", "App", "Tests"])
        #expect(manifest.targets[0].dependencies == ["Crypto"])
        #expect(manifest.targets[2].dependencies.isEmpty)
        #expect(trade.dependencies == ["Publish", "Policy", "GRDB"])
        #expect(trade.path == "Sources/Stages/Trade")
        #expect(manifest.reached(from: manifest.targets[3]) == ["Trade"])
    }

    @Test("imports are read with their access, their kind and their submodule")
    func importsAreRead() {
        let file = SwiftSource(
            path: "Sources/A/B/C.swift",
            text:
                "package import Store\n@testable import Trade\nimport struct Foundation.URL\n// import Not\n"
        )
        #expect(file.imports.map(\.module) == ["Store", "Trade", "Foundation"])
    }

    @Test("a kernel's head is read as a whole, and what is missing is named")
    func kernelHeadsAreRead() {
        let whole = SwiftSource(
            path: "Sources/Kernels/A/B.swift",
            text: """
                // Specification: RFC 6962 §2.1. Adversary: none. Secret: nothing. Leaks: nothing.
                // Timing: free. Vectors: Tests/A.
                package enum B {}
                """
        )
        let poor = SwiftSource(path: "Sources/Kernels/A/B.swift", text: "// RFC 6962\nenum B {}\n")
        #expect(KernelTests.missingParts(in: [whole]).isEmpty)
        #expect(KernelTests.missingParts(in: [poor]).count == 5)
    }

    @Test("thrown problems are found across lines, and not in comments")
    func problemsAreFound() {
        let file = SwiftSource(
            path: "Sources/A/B/C.swift",
            text:
                "throw Problem(\n  .conflict,\n  \"trade.order-cancelled\")\n// Problem(.missing, \"a.b\")\n"
        )
        #expect(ProblemTests.thrown(in: file).map(\.code) == ["trade.order-cancelled"])
        #expect(ProblemTests.thrown(in: file).map(\.line) == [1])
    }

    @Test("Markdown titles, links and anchors are read outside code")
    func markdownIsRead() {
        let page = Markdown(
            "# One\n```\n# not\n[x](y)\n```\nsee [a](b.md#c-d) and `[c](d)` ![p](q.png)\n## The `x` 中文, too!\n"
        )
        #expect(page.headings.map(\.level) == [1, 2])
        #expect(page.headings[1].anchor == "the-x-中文-too")
        #expect(page.links == ["b.md#c-d", "q.png"])
        #expect(Markdown.resolved("../b/./c.md", from: "docs/a") == "docs/b/c.md")
    }
}
