// SPDX-License-Identifier: Apache-2.0

import Primitives
import Testing
import WebUI

@Suite("Every page")
struct PageTests {
    private static let all = Gallery.exhibits.flatMap { exhibit in
        Language.allCases.map { Leaf(exhibit: exhibit, language: $0) }
    }

    struct Leaf: Sendable, CustomTestStringConvertible {
        let exhibit: Gallery.Exhibit
        let language: Language

        var testDescription: String { "\(exhibit.name) \(language.rawValue)" }
        var markup: Markup { Markup(Gallery.document(exhibit, language: language).markup) }
    }

    @Test("closes what it opens and quotes every attribute", arguments: all)
    func isWellFormed(leaf: Leaf) {
        #expect(leaf.markup.faults.isEmpty)
    }

    @Test("shows no markup as text: a piece that was escaped twice would show its tags", arguments: all)
    func showsNoTags(leaf: Leaf) {
        for (text, _, _) in leaf.markup.texts {
            #expect(text.firstMatch(of: /&lt;\/?(a|b|p|li|dd|span|code|time)\b/) == nil, "\(text)")
            #expect(!text.contains("&amp;lt;"))
        }
    }

    @Test("has one title, headings in order, and a place to skip to", arguments: all)
    func hasOutline(leaf: Leaf) {
        let elements = leaf.markup.elements
        let levels = elements.compactMap { element in
            element.name.count == 2 && element.name.hasPrefix("h") ? Int(element.name.dropFirst()) : nil
        }
        #expect(levels.filter { $0 == 1 }.count == 1)
        for (above, below) in zip(levels, levels.dropFirst()) {
            #expect(below <= above + 1, "a heading of level \(below) follows one of level \(above)")
        }
        #expect(elements.contains { $0.name == "main" && $0.attributes["id"] == "main" })
        #expect(elements.contains { $0.name == "title" })
    }

    @Test("names every field, picture and table for those who hear it", arguments: all)
    func isAudible(leaf: Leaf) {
        let elements = leaf.markup.elements
        let labels = Set(elements.filter { $0.name == "label" }.compactMap { $0.attributes["for"] })
        for field in elements where ["input", "select", "textarea"].contains(field.name) {
            let isHidden = field.attributes["type"] == "hidden"
            let isLabeled = field.attributes["id"].map(labels.contains) ?? field.ancestors.contains("label")
            #expect(isHidden || isLabeled, "a field \(field.attributes["name"] ?? "") has no label")
        }
        for image in elements where image.name == "img" { #expect(image.attributes["alt"] != nil) }
        for picture in elements where picture.name == "svg" {
            let isNamed =
                picture.attributes["role"] == "img" && picture.attributes["aria-label"]?.isEmpty == false
            #expect(isNamed || picture.attributes["aria-hidden"] == "true")
        }
        let tables = elements.filter { $0.name == "table" }.count
        #expect(elements.filter { $0.name == "caption" }.count == tables)
        for head in elements where head.name == "th" { #expect(head.attributes["scope"] != nil) }
    }

    @Test("uses each id once and points only at ids that are there", arguments: all)
    func idsAreUnique(leaf: Leaf) {
        let elements = leaf.markup.elements
        let ids = elements.compactMap { $0.attributes["id"] }
        #expect(Set(ids).count == ids.count, "\(ids)")
        let pointers = ["for", "aria-labelledby", "aria-describedby"]
        for pointer in elements.flatMap({ element in pointers.compactMap { element.attributes[$0] } }) {
            #expect(ids.contains(pointer), "nothing is called \(pointer)")
        }
    }

    @Test(
        "holds no script but our own file, no inline style and no foreign source, as its security policy says",
        arguments: all
    )
    func keepsItsPolicy(leaf: Leaf) {
        for element in leaf.markup.elements {
            #expect(!["style", "iframe", "object"].contains(element.name))
            #expect(element.name != "script" || element.attributes["src"] == Asset.proofScript.path)
            for (name, value) in element.attributes {
                #expect(name != "style" && !name.hasPrefix("on"), "<\(element.name) \(name)>")
                if ["src", "href", "action"].contains(name) {
                    // A link to somebody else's catalog tells it nothing of the reader.
                    let isOutside =
                        element.name == "a" && value.hasPrefix("https://")
                        && element.attributes["rel"] == "noreferrer nofollow"
                    #expect(
                        value.hasPrefix("/") || value.hasPrefix("#") || isOutside,
                        "<\(element.name)> leads to \(value)"
                    )
                }
            }
        }
    }

    @Test("speaks one language: no Chinese on an English page but names", arguments: all)
    func speaksOneLanguage(leaf: Leaf) {
        guard leaf.language == .en else { return }
        // The node's own names and what people typed stay as they are.
        let kept = ["viewer", "fine", "unseen"]
        let names: Set<String> = [
            "b", "code", "option", "span", "p", "input", "h1", "title", "th", "td", "text",
        ]
        for (text, language, element) in leaf.markup.texts where language == "en" {
            let hasHan = text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
            #expect(!hasHan || names.contains(element) || kept.contains(element), "<\(element)> \(text)")
            let hasWideMarks = text.contains { "：，。；（）、".contains($0) }
            #expect(hasHan || !hasWideMarks, "<\(element)> \(text)")
        }
    }

    @Test("is punctuated as its language is: no half-width marks between Chinese characters", arguments: all)
    func isPunctuated(leaf: Leaf) {
        guard leaf.language == .zh else { return }
        for (text, language, element) in leaf.markup.texts where language == "zh-CN" && element != "code" {
            let scalars = Array(text.unicodeScalars)
            for (before, mark) in zip(scalars, scalars.dropFirst()) {
                let isHan = (0x4E00...0x9FFF).contains(before.value)
                #expect(!(isHan && ",;:!?()".unicodeScalars.contains(mark)), "“\(text)”")
            }
        }
    }

    @Test("says how to do the same without a browser, wherever there is something to do")
    func saysTheSameThing() {
        for exhibit in Gallery.exhibits where !exhibit.name.hasSuffix("paper") {
            let isPaper = ["certificate", "contract", "problem", "mine-empty"].contains(exhibit.name)
            #expect(exhibit.page(.en).sameThing != nil || isPaper, "\(exhibit.name)")
        }
    }
}

@Suite("A proof of inclusion on its page")
struct ProofPageTests {
    @Test("is verified for every leaf of every small log, and for no other root")
    func everyLeaf() {
        for size in 1...20 {
            let leaves = (0..<size).map { Digest(of: "leaf \($0)") }
            for index in 0..<size {
                let path = Gallery.Tree.path(to: index, in: leaves)
                #expect(says(.verified, index, size, leaves[index], path, Gallery.Tree.root(leaves)))
                #expect(says(.stopped, index, size, leaves[index], path, Digest(of: "other")))
                #expect(says(.stopped, index, size, Digest(of: "other"), path, Gallery.Tree.root(leaves)))
                let long = path + [Digest(of: "more")]
                #expect(says(.stopped, index, size, leaves[index], long, Gallery.Tree.root(leaves)))
            }
        }
    }

    private func says(
        _ tone: Standing.Tone,
        _ index: Int,
        _ size: Int,
        _ leaf: Digest,
        _ path: [Digest],
        _ root: Digest
    ) -> Bool {
        let page = ProofPage(
            index: index,
            size: size,
            at: Gallery.at(0),
            kind: LocalizedText("x"),
            leaf: leaf,
            path: path,
            root: root,
            sameThing: nil
        )
        let reader = Reader(language: .en, path: "/log/1", nodeName: "n")
        return page.content(reader).markup.contains("class=\"chip \(tone.rawValue)\"")
    }
}

@Suite("The colors of the house")
struct ColorTests {
    /// Each pair of text and ground, with the tokens of the style sheet.
    static let pairs = [
        ("ink", "paper"), ("ink", "card"), ("faint", "paper"), ("faint", "card"), ("link", "card"),
        ("link", "paper"),
        ("glaze", "glaze-wash"), ("amber", "amber-wash"), ("gate-text", "card"), ("ink", "wash"),
        ("ink", "amber-wash"),
    ]

    @Test("text stands out from its ground by 4.5 to 1, light and dark (WCAG 2.2, 1.4.3)")
    func contrast() throws {
        let tokens = Self.tokens(String(decoding: Asset.styleSheet.bytes, as: UTF8.self))
        for (text, ground) in Self.pairs {
            let texts = try #require(tokens[text])
            let grounds = try #require(tokens[ground])
            for place in 0...1 {
                let ratio = Self.ratio(texts[place], grounds[place])
                #expect(ratio >= 4.5, "\(text) on \(ground), \(place == 0 ? "light" : "dark"): \(ratio)")
            }
        }
        let gates = try #require(tokens["gate"])
        for gate in gates { #expect(Self.ratio(gate, [1, 1, 1]) >= 4, "white on the gate") }
    }

    private static func tokens(_ css: String) -> [String: [[Double]]] {
        let pairs = css.matches(of: /--([a-z0-9-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)/)
        return Dictionary(pairs.map { (String($0.output.1), [rgb($0.output.2), rgb($0.output.3)]) }) {
            first,
            _ in first
        }
    }

    private static func rgb(_ hex: Substring) -> [Double] {
        (Hex.decode(hex) ?? []).map { Double($0) / 255 }
    }

    private static func ratio(_ one: [Double], _ other: [Double]) -> Double {
        let levels = [luminance(one), luminance(other)].sorted()
        return (levels[1] + 0.05) / (levels[0] + 0.05)
    }

    /// WCAG 2.2's relative luminance, with the power curve's exponent by its cubic approximation replaced exactly.
    private static func luminance(_ rgb: [Double]) -> Double {
        let linear = rgb.map { $0 <= 0.04045 ? $0 / 12.92 : power24(($0 + 0.055) / 1.055) }
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    /// x to the power 2.4 = x² · (x²)^(1/5), the fifth root by Newton's method.
    private static func power24(_ x: Double) -> Double {
        let square = x * x
        var root = 1.0
        for _ in 0..<60 { root = (4 * root + square / (root * root * root * root)) / 5 }
        return square * root
    }
}
