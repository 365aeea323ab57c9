// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.
//
// Finds identifiers in free text and validates them. Nothing is remembered between texts; nothing leaves but
// kinds and byte offsets. No secrets between parties: the text is its holder's own. Timing follows the text.
//
// Recognizers are ranked, not listed: where a run passes two checks (18 digits can satisfy GB 11643 and
// GB 32100 at once), the kind with more structure around its check wins and the other is not reported.

/// Scans UTF-8 text.
package enum TextScanner {
    /// Calls `each` for every finding, in order, without overlaps.
    ///
    /// Cost: one pass over the text, and for each token with a digit a look at a few dozen bytes.
    package static func scan(_ text: TextBytes, _ each: (Finding) -> Void) {
        var recognizer = Recognizer(text: text)
        Tokens.forEach(in: text) { token in
            if let finding = recognizer.finding(at: token) { each(finding) }
        }
    }

    /// The findings of a text, for tests and short texts.
    package static func findings(in text: [UInt8]) -> [Finding] {
        var findings: [Finding] = []
        text.withTextBytes { bytes in scan(bytes) { findings.append($0) } }
        return findings
    }
}

/// One pass over one text.
struct Recognizer {
    let text: TextBytes
    /// Where the last finding ends: tokens before it belong to it.
    private var claimed = 0

    init(text: TextBytes) {
        self.text = text
    }

    mutating func finding(at token: Token) -> Finding? {
        guard token.start >= claimed else { return nil }
        let first = text[token.start]
        let finding: Finding?
        if first == UInt8(ascii: "@") {
            finding = email(at: token.start)
        } else if first == UInt8(ascii: ":") || first == 0x9a {
            finding = hexGroups(token) ?? labelled(after: token)
        } else {
            finding = run(token)
        }
        guard let finding, finding.start >= claimed else { return nil }
        claimed = finding.end
        return finding
    }

    // MARK: Looking around

    func byte(_ place: Int) -> UInt8 {
        place >= 0 && place < text.count ? text[place] : 0
    }

    func piece(_ start: Int, _ end: Int) -> TextBytes {
        text.extracting(start..<end)
    }

    func matches(_ word: [UInt8], at place: Int) -> Bool {
        guard place >= 0, place + word.count <= text.count else { return false }
        for offset in 0..<word.count where text[place + offset] != word[offset] { return false }
        return true
    }

    func digitsEnd(_ place: Int) -> Int {
        var end = place
        while end < text.count, text[end].isDigit { end += 1 }
        return end
    }

    func number(_ start: Int, _ end: Int) -> Int {
        var value = 0
        for place in start..<end { value = value &* 10 &+ Int(text[place] & 15) }
        return value
    }

    // MARK: Runs of letters and digits

    private func run(_ token: Token) -> Finding? {
        let count = token.end - token.start
        var digits = 0
        for place in token.start..<token.end where text[place].isDigit { digits += 1 }
        if digits == count { return number(token, count) }
        switch count {
        case 18:
            if digits == 17, let finding = residentID(token) { return finding }
            return creditCode(token)
        case 17: return vehicle(token, digits)
        case 9, 11: return passport(token)
        case 6, 7: return plate(token)
        default: return hexGroups(token)
        }
    }

    /// A run of digits alone.
    private func number(_ token: Token, _ count: Int) -> Finding? {
        // Part of a decimal fraction or of a dotted number: no identifier of ours has this form but IP and coordinates.
        let isDotted = byte(token.end) == UInt8(ascii: ".") && byte(token.end + 1).isDigit
        if isDotted { return count <= 3 ? ipv4(token) ?? coordinates(token) : nil }
        if byte(token.start - 1) == UInt8(ascii: "."), byte(token.start - 2).isDigit { return nil }
        switch count {
        case 1...2: return hexGroups(token) ?? address(token)
        case 3...4: return telephone(token) ?? grouped(token) ?? hexGroups(token) ?? address(token)
        case 8: return organizationCode(token)
        case 11: return mobile(token.start, token)
        case 13: return prefixedMobile(token)
        case 15: return oldResidentID(token) ?? card(token.start, token.end, token.start, count)
        case 16, 17, 19: return card(token.start, token.end, token.start, count) ?? simCard(token)
        case 18:
            return residentID(token) ?? creditCode(token) ?? card(token.start, token.end, token.start, count)
        case 20: return simCard(token)
        default: return nil
        }
    }
}
