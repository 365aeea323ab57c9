// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.

extension Recognizer {
    private static let localBytesMax = 64
    private static let domainBytesMax = 253

    /// RFC 5321 §4.1.2 in the form people use: local part, domain with a dot, letters at its end.
    func email(at sign: Int) -> Finding? {
        var start = sign
        while start > 0, sign - start < Self.localBytesMax, isLocal(text[start - 1]) { start -= 1 }
        while start < sign, text[start] == UInt8(ascii: ".") { start += 1 }
        var end = sign + 1
        var dot = -1
        while end < text.count, end - sign < Self.domainBytesMax {
            let byte = text[end]
            if byte == UInt8(ascii: ".") {
                guard self.byte(end + 1).isWord, self.byte(end - 1).isWord else { break }
                dot = end
            } else if !byte.isWord && byte != UInt8(ascii: "-") {
                break
            }
            end += 1
        }
        guard start < sign, dot > sign, end - dot > 2 else { return nil }
        for place in dot + 1..<end where !text[place].isLetter { return nil }
        return Finding(kind: .email, start: start, end: end, evidence: .form)
    }

    private func isLocal(_ byte: UInt8) -> Bool {
        byte.isWord || Array("._%+-".utf8).contains(byte)
    }

    /// Four octets without leading zeros; not a version (`v1.2.3.4`), not a longer dotted number.
    func ipv4(_ token: Token) -> Finding? {
        var place = token.start
        for octet in 0..<4 {
            let end = digitsEnd(place)
            guard (1...3).contains(end - place), number(place, end) < 256,
                end - place == 1 || text[place] != UInt8(ascii: "0")
            else { return nil }
            guard octet < 3 else {
                place = end
                break
            }
            guard byte(end) == UInt8(ascii: ".") else { return nil }
            place = end + 1
        }
        let before = byte(token.start - 1)
        let continues = byte(place) == UInt8(ascii: ".") && byte(place + 1).isDigit
        guard !byte(place).isWord, !continues, before != UInt8(ascii: "."), before != UInt8(ascii: "-"),
            !isVersion(token.start)
        else { return nil }
        return Finding(kind: .ipv4, start: token.start, end: place, evidence: .form)
    }

    private func isVersion(_ start: Int) -> Bool {
        let space = byte(start - 1) == UInt8(ascii: " ") ? start - 1 : start
        return ["版本", "version", "Version", "ver", "Ver"].contains { word in
            matches(Array(word.utf8), at: space - word.utf8.count)
        }
    }

    /// MAC (six pairs, `:` or `-`) and IPv6 (RFC 4291 §2.2) around a token.
    func hexGroups(_ token: Token) -> Finding? {
        let separators = [byte(token.end), byte(token.start - 1), byte(token.start)]
        let isColon = separators.contains(UInt8(ascii: ":"))
        guard isColon || separators.contains(UInt8(ascii: "-")) else { return nil }
        let separator = isColon ? UInt8(ascii: ":") : UInt8(ascii: "-")
        var start = token.start
        var end = token.end
        while start > 0, token.start - start < 45, text[start - 1].isHex || text[start - 1] == separator {
            start -= 1
        }
        while end < text.count, end - token.end < 45, text[end].isHex || text[end] == separator { end += 1 }
        guard !byte(start - 1).isWord, !byte(end).isWord else { return nil }
        if let kind = kindOfGroups(start, end, separator) {
            return Finding(kind: kind, start: start, end: end, evidence: .form)
        }
        return nil
    }

    private func kindOfGroups(_ start: Int, _ end: Int, _ separator: UInt8) -> SensitiveKind? {
        var lengths: [Int] = [0]
        for place in start..<end {
            if text[place] == separator { lengths.append(0) } else { lengths[lengths.count - 1] += 1 }
        }
        if lengths.count == 6, lengths.allSatisfy({ $0 == 2 }) { return .macAddress }
        guard separator == UInt8(ascii: ":"), lengths.allSatisfy({ $0 <= 4 }) else { return nil }
        let inner = lengths.dropFirst().dropLast().filter { $0 == 0 }.count
        let hasGap = inner > 0
        let isOpen = lengths.first == 0 || lengths.last == 0
        if !hasGap { return lengths.count == 8 && !isOpen ? .ipv6 : nil }
        guard inner == 1 || isOpen && inner == 2, lengths.count <= 9, lengths.filter({ $0 > 0 }).count >= 2
        else {
            return nil
        }
        return .ipv6
    }

    /// A pair of decimal degrees with four places or more, inside China's bounds, in either order.
    func coordinates(_ token: Token) -> Finding? {
        guard let first = degrees(token.start) else { return nil }
        var place = first.end
        for word in ["°N", "°E", "°"] where matches(Array(word.utf8), at: place) {
            place += word.utf8.count
            break
        }
        while [UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: ";"), UInt8(ascii: "\t")].contains(
            byte(place))
        {
            place += 1
        }
        if matches(Array("，".utf8), at: place) { place += 3 }
        guard place > first.end, let second = degrees(place) else { return nil }
        let latitude = 3...54
        let longitude = 73...136
        let fits =
            latitude.contains(first.whole) && longitude.contains(second.whole)
            || longitude.contains(first.whole) && latitude.contains(second.whole)
        return fits ? Finding(kind: .coordinates, start: token.start, end: second.end, evidence: .form) : nil
    }

    private func degrees(_ start: Int) -> (whole: Int, end: Int)? {
        let dot = digitsEnd(start)
        guard (1...3).contains(dot - start), byte(dot) == UInt8(ascii: ".") else { return nil }
        let end = digitsEnd(dot + 1)
        guard end - dot > 4, end - dot < 16, byte(end) != UInt8(ascii: ".") || !byte(end + 1).isDigit else {
            return nil
        }
        return (number(start, dot), end)
    }
}
