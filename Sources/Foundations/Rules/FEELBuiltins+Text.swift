// SPDX-License-Identifier: Apache-2.0

private import Foundation

extension FEELBuiltins {
    static let text: [String: [FEELBuiltin]] = [
        "substring": [
            FEELBuiltin("string, start position, length", required: 2) { arguments in
                guard let text = arguments[0].string, let start = arguments[1].integer, start != 0 else {
                    return nil
                }
                let scalars = Array(text.unicodeScalars)
                let first = start > 0 ? start - 1 : max(0, scalars.count + start)
                guard first <= scalars.count else { return .string("") }
                var length = scalars.count - first
                if arguments.count > 2 {
                    guard let wanted = arguments[2].number?.rounded(to: 0, .down)?.integer, wanted >= 1 else {
                        return nil
                    }
                    length = min(length, wanted)
                }
                return .string(joined(scalars[first..<first + length]))
            }
        ],
        "string length": [FEELBuiltin("string") { $0[0].string.map { .number($0.unicodeScalars.count) } }],
        "upper case": [FEELBuiltin("string") { $0[0].string.map { .string($0.uppercased()) } }],
        "lower case": [FEELBuiltin("string") { $0[0].string.map { .string($0.lowercased()) } }],
        "substring before": [
            FEELBuiltin("string, match") { arguments in
                guard let text = arguments[0].string, let match = arguments[1].string else { return nil }
                return .string(text.range(of: match).map { String(text[..<$0.lowerBound]) } ?? "")
            }
        ],
        "substring after": [
            FEELBuiltin("string, match") { arguments in
                guard let text = arguments[0].string, let match = arguments[1].string else { return nil }
                guard !match.isEmpty else { return .string(text) }
                return .string(text.range(of: match).map { String(text[$0.upperBound...]) } ?? "")
            }
        ],
        "contains": [FEELBuiltin("string, match") { both($0) { $1.isEmpty || $0.range(of: $1) != nil } }],
        "starts with": [FEELBuiltin("string, match") { both($0) { $0.hasPrefix($1) } }],
        "ends with": [FEELBuiltin("string, match") { both($0) { $0.hasSuffix($1) } }],
        "matches": [
            FEELBuiltin("input, pattern, flags", required: 2) { arguments in
                guard let input = arguments[0].string, let pattern = pattern(arguments, flagsAt: 2) else {
                    return nil
                }
                return .boolean(
                    pattern.firstMatch(in: input, range: NSRange(input.startIndex..., in: input)) != nil)
            }
        ],
        "replace": [FEELBuiltin("input, pattern, replacement, flags", required: 3) { replaced($0) }],
        "split": [
            FEELBuiltin("string, delimiter") { arguments in
                guard let input = arguments[0].string, let pattern = pattern(arguments, flagsAt: 2) else {
                    return nil
                }
                var parts: [FEELValue] = []
                var start = input.startIndex
                for match in pattern.matches(in: input, range: NSRange(start..., in: input)) {
                    guard let range = Range(match.range, in: input), !range.isEmpty else { continue }
                    parts.append(.string(String(input[start..<range.lowerBound])))
                    start = range.upperBound
                }
                return .list(parts + [.string(String(input[start...]))])
            }
        ],
        "string join": [
            FEELBuiltin("list, delimiter", required: 1) { arguments in
                guard let elements = arguments[0].listed else { return nil }
                let known = elements.filter { !$0.isNull }
                let words = known.compactMap { if case .string(let word) = $0 { word } else { nil } }
                guard words.count == known.count,
                    arguments.dropFirst().allSatisfy({ $0.isNull || $0.string != nil })
                else { return nil }
                return .string(words.joined(separator: arguments.count > 1 ? arguments[1].string ?? "" : ""))
            }
        ],
    ]

    private static func joined(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }

    private static func both(_ arguments: [FEELValue], _ test: (String, String) -> Bool) -> FEELValue? {
        guard let text = arguments[0].string, let match = arguments[1].string else { return nil }
        return .boolean(test(text, match))
    }

    // MARK: Regular expressions of XQuery and XPath 3.1 §5.6

    /// The engine is ICU's; what XPath writes otherwise is translated or refused.
    private static func pattern(_ arguments: [FEELValue], flagsAt place: Int) -> NSRegularExpression? {
        guard let pattern = arguments[1].string else { return nil }
        var flags = ""
        if arguments.count > place, !arguments[place].isNull {
            guard let given = arguments[place].string else { return nil }
            flags = given
        }
        guard flags.allSatisfy("smixq".contains) else { return nil }
        if flags.contains("q") {
            let options: NSRegularExpression.Options = flags.contains("i") ? [.caseInsensitive] : []
            return try? NSRegularExpression(
                pattern: NSRegularExpression.escapedPattern(for: pattern), options: options)
        }
        var options: NSRegularExpression.Options = []
        if flags.contains("s") { options.insert(.dotMatchesLineSeparators) }
        if flags.contains("m") { options.insert(.anchorsMatchLines) }
        if flags.contains("i") { options.insert(.caseInsensitive) }
        guard let translated = translated(pattern, ignoresSpace: flags.contains("x")) else { return nil }
        return try? NSRegularExpression(pattern: translated, options: options)
    }

    /// `[A-Z-[OI]]` becomes `[A-Z--[OI]]`, `\p{IsX}` `\p{InX}`; under `x` white space outside of classes goes.
    private static func translated(_ pattern: String, ignoresSpace: Bool) -> String? {
        var text = ""
        var classDepth = 0
        var isEscaped = false
        for character in pattern {
            if isEscaped {
                // XPath has no \0, octal or control escapes, and no back-references inside a class.
                if "0bBaAzZGQEuxcehvR".contains(character) { return nil }
                text += "\\" + String(character)
                isEscaped = false
                continue
            }
            switch character {
            case "\\":
                isEscaped = true
                continue
            case "[":
                if classDepth > 0 {
                    guard text.hasSuffix("-") else { return nil }
                    text += "-"
                }
                classDepth += 1
            case "]": classDepth = max(0, classDepth - 1)
            case " ", "\t", "\n", "\r": if ignoresSpace && classDepth == 0 { continue }
            default: break
            }
            text.append(character)
        }
        return isEscaped ? nil : text.replacing("\\p{Is", with: "\\p{In").replacing("\\P{Is", with: "\\P{In")
    }

    private static func replaced(_ arguments: [FEELValue]) -> FEELValue? {
        guard let input = arguments[0].string, let pattern = pattern(arguments, flagsAt: 3),
            let replacement = arguments[2].string
        else { return nil }
        let isLiteral = arguments.count > 3 && arguments[3].string?.contains("q") == true
        let template = isLiteral ? NSRegularExpression.escapedTemplate(for: replacement) : replacement
        return .string(
            pattern.stringByReplacingMatches(
                in: input, range: NSRange(input.startIndex..., in: input), withTemplate: template))
    }
}
