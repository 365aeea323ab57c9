// SPDX-License-Identifier: Apache-2.0

/// A function or initializer with a body.
struct FunctionExtent: Sendable {
    let name: String
    let path: String
    let firstLine: Int
    let lastLine: Int

    var lineCount: Int { lastLine - firstLine + 1 }
}

extension SwiftSource {
    /// Every `func`, `init` and `deinit` that has a body, nested ones too, in the order of their beginnings.
    var functions: [FunctionExtent] {
        words().compactMap { word in
            guard ["func", "init", "deinit"].contains(word.text), !isMember(word.start),
                let open = bodyStart(after: word.end), let close = matchingBrace(of: open)
            else { return nil }
            let name = word.text == "func" ? nextName(after: word.end) : word.text
            return FunctionExtent(
                name: name,
                path: path,
                firstLine: line(at: word.start),
                lastLine: line(at: close)
            )
        }
    }

    struct Word: Sendable {
        let text: String
        let start: Int
        let end: Int
    }

    /// The identifiers and keywords of the code.
    func words() -> [Word] {
        var words: [Word] = []
        var start: Int?
        for place in 0...bytes.count {
            let isPart = place < bytes.count && natures[place] == .code && Self.isWordByte(bytes[place])
            if isPart {
                start = start ?? place
            } else if let begun = start {
                words.append(
                    Word(
                        text: String(decoding: bytes[begun..<place], as: UTF8.self),
                        start: begun,
                        end: place
                    )
                )
                start = nil
            }
        }
        return words
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: byte >= 0x80
        }
    }

    /// `self.init(…)`, `Foo.init`: a use, not a declaration.
    private func isMember(_ start: Int) -> Bool {
        start > 0 && [UInt8(ascii: "."), UInt8(ascii: "`")].contains(bytes[start - 1])
    }

    private func nextName(after end: Int) -> String {
        let rest = bytes[end...].drop { $0 == UInt8(ascii: " ") }
        return String(
            decoding: rest.prefix { $0 != UInt8(ascii: "(") && $0 != UInt8(ascii: "<") },
            as: UTF8.self
        )
    }

    /// Where the body opens; `nil` for a requirement without one.
    private func bodyStart(after end: Int) -> Int? {
        var depth = 0
        var place = end
        while place < bytes.count {
            defer { place += 1 }
            guard natures[place] == .code else { continue }
            switch bytes[place] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return place
            case UInt8(ascii: "}") where depth == 0: return nil
            case UInt8(ascii: "\n") where depth == 0 && beginsDeclaration(place + 1): return nil
            default: break
            }
        }
        return nil
    }

    private func beginsDeclaration(_ start: Int) -> Bool {
        let keywords: Set<String> = [
            "func", "var", "let", "init", "static", "mutating", "package", "private", "case", "subscript",
            "associatedtype", "struct", "enum", "extension",
        ]
        let rest = bytes[start...].drop { $0 == UInt8(ascii: " ") }
        return keywords.contains(String(decoding: rest.prefix(while: Self.isWordByte), as: UTF8.self))
    }

    func matchingBrace(of open: Int) -> Int? {
        var depth = 0
        for place in open..<bytes.count where natures[place] == .code {
            if bytes[place] == UInt8(ascii: "{") { depth += 1 }
            if bytes[place] == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return place }
            }
        }
        return nil
    }
}
