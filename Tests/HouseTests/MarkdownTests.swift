// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("The documents of the house")
struct MarkdownTests {
    private static let files = Checkout.files(under: "", endings: ["md"])

    @Test("every Markdown file has exactly one title")
    func oneTitle() {
        for file in Self.files {
            let titles = Markdown(file.text).headings.filter { $0.level == 1 }
            #expect(titles.count == 1, "\(file.path) has \(titles.count) titles of the first level")
        }
    }

    @Test("no link into the repository is dead, and no anchor either")
    func linksLead() {
        for file in Self.files {
            for link in Markdown(file.text).links where !link.contains("://") && !link.hasPrefix("mailto:") {
                if let reason = Self.deadness(of: link, in: file) {
                    Issue.record("\(file.path) links to \(link): \(reason)")
                }
            }
        }
    }

    @Test("every decision is named by its date, because several people decide at once")
    func decisionsAreDated() {
        for file in Self.files where file.folder == "docs/decisions" {
            #expect(file.name.firstMatch(of: /^\d{4}-\d{2}-\d{2}-[a-z0-9-]+\.md$/) != nil, "\(file.path)")
        }
    }

    private static func deadness(of link: String, in file: Checkout.File) -> String? {
        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init
        )
        let path = parts[0].isEmpty ? file.path : Markdown.resolved(parts[0], from: file.folder)
        guard Checkout.exists(path) else { return "there is no \(path)" }
        guard parts.count == 2, path.hasSuffix(".md") else { return nil }
        let anchors = Markdown(Checkout.text(path)).headings.map(\.anchor)
        return anchors.contains(parts[1]) ? nil : "\(path) has no heading #\(parts[1])"
    }
}

/// As much of Markdown as the rules need: headings and links outside code.
struct Markdown {
    struct Heading {
        let level: Int
        let text: String

        /// The anchor that forges derive: lower case, spaces to hyphens, punctuation dropped.
        var anchor: String {
            String(
                text.lowercased().compactMap { character in
                    if character == " " { return "-" }
                    return character.isLetter || character.isNumber || "-_".contains(character)
                        ? character : nil
                }
            )
        }
    }

    private let lines: [Substring]

    init(_ text: String) {
        var isInCode = false
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isInCode.toggle()
                return false
            }
            return !isInCode
        }
    }

    var headings: [Heading] {
        lines.compactMap { line in
            let level = line.prefix { $0 == "#" }.count
            guard (1...6).contains(level), line.dropFirst(level).first == " " else { return nil }
            return Heading(level: level, text: String(line.dropFirst(level + 1)))
        }
    }

    /// The targets of `[text](target)` and `![text](target)`.
    var links: [String] {
        lines.flatMap { line in
            Self.withoutCode(line).matches(of: /\]\(([^)\s]+)[^)]*\)/).map { String($0.output.1) }
        }
    }

    /// A relative path as seen from the root.
    static func resolved(_ path: String, from folder: String) -> String {
        var parts = path.hasPrefix("/") ? [] : folder.split(separator: "/").map(String.init)
        for part in path.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }

    private static func withoutCode(_ line: Substring) -> String {
        line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .map { $0.offset.isMultiple(of: 2) ? String($0.element) : " " }
            .joined()
    }
}
