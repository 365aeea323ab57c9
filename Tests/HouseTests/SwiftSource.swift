// SPDX-License-Identifier: Apache-2.0

/// One Swift file, with each byte known as code, comment or string: enough of a lexer for the house rules, so
/// that a forbidden word in a sentence is not an offense.
///
/// Knows line and nested block comments, strings with interpolation, raw and multi-line strings. Does not know
/// regular-expression literals; the house writes none with quotes in them.
struct SwiftSource: Sendable {
    enum Nature: UInt8, Sendable { case code, comment, string }

    let path: String
    let bytes: [UInt8]
    let natures: [Nature]
    /// Where each line begins.
    let lineStarts: [Int]

    init(path: String, text: String) {
        var lexer = Lexer(bytes: Array(text.utf8))
        lexer.run()
        self.path = path
        bytes = lexer.bytes
        natures = lexer.natures
        lineStarts = [0] + bytes.indices.filter { lexer.bytes[$0] == newline }.map { $0 + 1 }
    }

    /// The room the file lies in: `Sources/<Layer>/<Room>/…` or `Tests/<Room>/…`.
    var room: String {
        let parts = path.split(separator: "/")
        return parts.first == "Sources" ? String(parts[2]) : String(parts[1])
    }

    /// The file's text with every byte of another nature blanked; lines keep their numbers.
    func text(_ kept: Nature...) -> String {
        let bytes = zip(bytes, natures).map { byte, nature in
            byte == newline || kept.contains(nature) ? byte : space
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The line of an offset, from 1.
    func line(at offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while low < high {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The file's lines with only the bytes of the natures kept.
    func lines(_ kept: Nature...) -> [Substring] {
        let bytes = zip(bytes, natures).map { byte, nature in
            byte == newline || kept.contains(nature) ? byte : space
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The modules that the file imports, with the line of each.
    var imports: [(module: String, line: Int)] {
        lines(.code).enumerated().compactMap { number, line in
            let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
            guard let place = words.firstIndex(of: "import"), place <= 1, place + 1 < words.count else {
                return nil
            }
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
            ]
            let name = kinds.contains(words[place + 1]) ? words[place + 2] : words[place + 1]
            return (String(name.prefix { $0 != "." }), number + 1)
        }
    }
}

private let newline = UInt8(ascii: "\n")
private let space = UInt8(ascii: " ")
private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")
private let hash = UInt8(ascii: "#")
private let slash = UInt8(ascii: "/")
private let star = UInt8(ascii: "*")

/// Walks a file once. A stack remembers the strings we are inside, because an interpolation is code again.
private struct Lexer {
    let bytes: [UInt8]
    var natures: [SwiftSource.Nature]
    private var place = 0
    private var open: [OpenString] = []

    private struct OpenString {
        let hashes: Int
        let isMultiline: Bool
        /// Parentheses open inside the current interpolation; 0 while we are in the string's own text.
        var depth = 0
    }

    init(bytes: [UInt8]) {
        self.bytes = bytes
        natures = Array(repeating: .code, count: bytes.count)
    }

    mutating func run() {
        while place < bytes.count {
            if let string = open.last, string.depth == 0 {
                readString(string)
            } else {
                readCode()
            }
        }
    }

    private func byte(_ ahead: Int = 0) -> UInt8 {
        place + ahead < bytes.count ? bytes[place + ahead] : 0
    }

    private mutating func take(_ count: Int, as nature: SwiftSource.Nature) {
        for _ in 0..<count where place < bytes.count {
            natures[place] = nature
            place += 1
        }
    }

    private mutating func readCode() {
        if byte() == slash && byte(1) == slash { return takeLineComment() }
        if byte() == slash && byte(1) == star { return takeBlockComment() }
        if byte() == quote || byte() == hash { return takeQuoteOrHash() }
        if !open.isEmpty {
            if byte() == UInt8(ascii: "(") { open[open.count - 1].depth += 1 }
            if byte() == UInt8(ascii: ")") { open[open.count - 1].depth -= 1 }
        }
        take(1, as: .code)
    }

    private mutating func takeLineComment() {
        while place < bytes.count && byte() != newline { take(1, as: .comment) }
    }

    private mutating func takeBlockComment() {
        var depth = 0
        repeat {
            if byte() == slash && byte(1) == star {
                depth += 1
                take(2, as: .comment)
            } else if byte() == star && byte(1) == slash {
                depth -= 1
                take(2, as: .comment)
            } else {
                take(1, as: .comment)
            }
        } while depth > 0 && place < bytes.count
    }

    private mutating func takeQuoteOrHash() {
        var hashes = 0
        while byte(hashes) == hash { hashes += 1 }
        guard byte(hashes) == quote else { return take(max(1, hashes), as: .code) }
        let isMultiline = byte(hashes + 1) == quote && byte(hashes + 2) == quote
        take(hashes + (isMultiline ? 3 : 1), as: .string)
        open.append(OpenString(hashes: hashes, isMultiline: isMultiline))
    }

    private func hashesFollow(_ start: Int, _ string: OpenString) -> Bool {
        (0..<string.hashes).allSatisfy { byte(start + $0) == hash }
    }

    private mutating func readString(_ string: OpenString) {
        if byte() == backslash && hashesFollow(1, string) {
            let isInterpolation = byte(1 + string.hashes) == UInt8(ascii: "(")
            take(2 + string.hashes, as: .string)
            if isInterpolation { open[open.count - 1].depth = 1 }
            return
        }
        let quotes = string.isMultiline ? 3 : 1
        let ends = (0..<quotes).allSatisfy { byte($0) == quote } && hashesFollow(quotes, string)
        if ends {
            take(quotes + string.hashes, as: .string)
            open.removeLast()
        } else if byte() == newline && !string.isMultiline {
            // An unterminated string would not compile; do not swallow the rest of the file.
            open.removeLast()
        } else {
            take(1, as: .string)
        }
    }
}
