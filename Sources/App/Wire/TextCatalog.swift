// SPDX-License-Identifier: Apache-2.0

private import CTexts
package import Primitives
private import Yams

/// The three sentences of every problem, in both languages, read from the embedded `Texts/*.yaml`.
package struct TextCatalog: Sendable {
    /// What happened, why, what to do: with `{name}` where an argument goes.
    package struct Sentences: Hashable, Sendable {
        package let what: String
        package let why: String
        package let remedy: String
    }

    package let sentences: [String: [Language: Sentences]]

    /// The embedded catalog; parsed once, at the first problem that is told.
    package static let embedded = TextCatalog(files: embeddedFiles())

    package init(files: [String]) {
        var sentences: [String: [Language: Sentences]] = [:]
        for file in files {
            for (code, languages) in Self.parse(file) { sentences[code] = languages }
        }
        self.sentences = sentences
    }

    /// The problem as its reader sees it. A code without sentences is told as itself, so nothing is hidden.
    package func told(_ problem: Problem, in language: Language) -> Sentences {
        guard let template = sentences[problem.code]?[language] else {
            return Sentences(what: problem.code, why: "", remedy: "")
        }
        func fill(_ text: String) -> String {
            problem.arguments.reduce(text) { text, argument in
                text.replacing("{\(argument.key)}", with: argument.value.written(in: language))
            }
        }
        return Sentences(what: fill(template.what), why: fill(template.why), remedy: fill(template.remedy))
    }

    private static func parse(_ file: String) -> [String: [Language: Sentences]] {
        guard let tree = try? Yams.load(yaml: file) as? [String: [String: [String: String]]] else {
            return [:]
        }
        return tree.mapValues { languages in
            var sentences: [Language: Sentences] = [:]
            for (name, parts) in languages {
                guard let language = Language(rawValue: name) else { continue }
                sentences[language] = Sentences(
                    what: parts["what"] ?? "", why: parts["why"] ?? "", remedy: parts["remedy"] ?? "")
            }
            return sentences
        }
    }

    private static func embeddedFiles() -> [String] {
        var files: [String] = []
        var size = 0
        // SAFETY: the C side returns a pointer to a constant array that is exactly `size` bytes long.
        while let bytes = unsafe hutong_text_file(files.count, &size) {
            unsafe files.append(
                String(decoding: UnsafeBufferPointer(start: bytes, count: size), as: UTF8.self))
        }
        return files
    }
}

extension Problem.Argument {
    /// The value as a reader of the language expects it. Times are shown in Asia/Shanghai with the date.
    package func written(in language: Language) -> String {
        switch self {
        case .text(let text), .decimal(let text): text
        case .code(let code): code.text
        case .integer(let value): String(value)
        case .bytes(let count): Self.written(bytes: count)
        case .money(let money): money.description
        case .instant(let instant): instant.dateAndTime(in: .shanghai) + " (UTC+8)"
        case .duration(let duration): Self.written(duration, in: language)
        case .list(let words): words.joined(separator: language == .zh ? "、" : ", ")
        case .localized(let text): text[language]
        }
    }

    private static func written(bytes: Int64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = bytes
        var unit = 0
        while value >= 10_000 && unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return "\(value) \(units[unit])"
    }

    private static func written(_ duration: Duration, in language: Language) -> String {
        let milliseconds = duration.wholeMicroseconds / 1000
        if milliseconds < 1000 { return language == .zh ? "\(milliseconds) 毫秒" : "\(milliseconds) ms" }
        if milliseconds < 120_000 {
            return language == .zh ? "\(milliseconds / 1000) 秒" : "\(milliseconds / 1000) s"
        }
        return language == .zh ? "\(milliseconds / 60_000) 分钟" : "\(milliseconds / 60_000) min"
    }
}

extension Problem {
    /// RFC 9457 over HTTP, and `--json` on the command line.
    package func body(in language: Language, request: String? = nil) -> JSON {
        let sentences = TextCatalog.embedded.told(self, in: language)
        var members: [String: JSON] = [
            "type": .string("/problems/" + code), "title": .string(sentences.what),
            "detail": .string(sentences.why), "remedy": .string(sentences.remedy),
            "code": .string(code), "kind": .string(kind.rawValue),
            "arguments": .object(arguments.mapValues(\.json)),
            "status": .integer(Int64(kind.status)),
        ]
        if let request { members["request"] = .string(request) }
        return .object(members)
    }
}

extension Problem.Kind {
    /// The HTTP status (RFC 9110) that alone follows from the kind.
    package var status: Int {
        switch self {
        case .invalid: 400
        case .unauthenticated: 401
        case .forbidden: 403
        case .missing: 404
        case .conflict: 409
        case .limited: 429
        case .unavailable: 503
        case .fault: 500
        }
    }
}
