// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.

extension Recognizer {
    private static let labelBytesMax = 30
    private static let addressBytesMax = 120

    /// The kind a label right before `place` names: `护照号：`, `Passport no: `.
    func labelBefore(_ place: Int) -> SensitiveKind? {
        var end = place
        while end > 0, byte(end - 1) == UInt8(ascii: " ") { end -= 1 }
        if byte(end - 1) == UInt8(ascii: ":") {
            end -= 1
        } else if byte(end - 1) == 0x9a, byte(end - 2) == 0xbc, byte(end - 3) == 0xef {
            end -= 3
        } else if end == place, byte(place - 1) < 0x80 {
            return nil
        }
        return label(endingAt: end)
    }

    /// Looks the words before a colon up: the longest that is a label wins.
    private func label(endingAt end: Int) -> SensitiveKind? {
        var start = end
        let isASCII = byte(end - 1) < 0x80
        while start > 0, end - start < Self.labelBytesMax {
            let before = text[start - 1]
            let isPart = isASCII ? before.isWord || before == UInt8(ascii: " ") : before >= 0x80
            guard isPart else { break }
            start -= 1
        }
        while start < end {
            if byte(start) & 0xc0 != 0x80, let kind = Gazetteer.kindOfLabel[lowercased(start, end)] {
                return kind
            }
            start += 1
            if isASCII { while start < end, byte(start - 1) != UInt8(ascii: " ") { start += 1 } }
        }
        return nil
    }

    private func lowercased(_ start: Int, _ end: Int) -> String {
        var bytes: [UInt8] = []
        for place in start..<end { bytes.append(text[place].isCapital ? text[place] | 0x20 : text[place]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A colon: if the words before it are a label, what follows is what the label says, where the form agrees.
    func labelled(after colon: Token) -> Finding? {
        let end = text[colon.start] == 0x9a ? colon.start - 2 : colon.start
        guard let kind = label(endingAt: end) else { return nil }
        var start = colon.end
        while byte(start) == UInt8(ascii: " ") { start += 1 }
        guard let stop = valueEnd(of: kind, from: start) else { return nil }
        return Finding(kind: kind, start: start, end: stop, evidence: .labelled)
    }

    private func valueEnd(of kind: SensitiveKind, from start: Int) -> Int? {
        switch kind {
        case .personName: return nameEnd(start)
        case .address: return addressEnd(start)
        case .medicalRecord, .account, .socialSecurity: return codeEnd(start, 5...24)
        case .messenger: return codeEnd(start, 5...20)
        case .postcode: return digitsEnd(start) - start == 6 ? start + 6 : nil
        case .birthDate: return dateEnd(start)
        case .deviceNumber:
            let end = digitsEnd(start)
            return end - start == 15 && CheckDigits.isLuhn(piece(start, end)) ? end : nil
        case .landline:
            let end = digitsEnd(start)
            return (7...8).contains(end - start) && !byte(end).isWord && byte(end) != UInt8(ascii: "-")
                ? end : nil
        default: return nil  // Their own recognizers see them, with more to check.
        }
    }

    /// Digits and letters with at least four digits. What passes a stricter check is left to that recognizer.
    private func codeEnd(_ start: Int, _ counts: ClosedRange<Int>) -> Int? {
        var end = start
        var digits = 0
        while end < text.count,
            text[end].isWord || text[end] == UInt8(ascii: "-") || text[end] == UInt8(ascii: "_")
        {
            if text[end].isDigit { digits += 1 }
            end += 1
        }
        guard counts.contains(end - start), digits >= 4 else { return nil }
        let token = Token(start: start, end: end)
        let count = end - start
        guard digits == count || count == 18 else { return end }
        let stricter = residentID(token) ?? (count >= 15 ? card(start, end, start, count) : nil)
        return stricter == nil ? end : nil
    }

    private func dateEnd(_ start: Int) -> Int? {
        var end = start
        var digits = 0
        while end < text.count, end - start < 20 {
            if text[end].isDigit {
                digits += 1
                end += 1
            } else if Gazetteer.dateWords.contains(where: { matches($0, at: end) }) {
                end += 3
            } else if Gazetteer.dateSigns.contains(text[end]), byte(end + 1).isDigit {
                end += 1
            } else {
                break
            }
        }
        return (4...8).contains(digits) && (1900..<2100).contains(number(start, start + 4)) ? end : nil
    }

    /// A family name and one to three more characters, or two or three capitalized words.
    private func nameEnd(_ start: Int) -> Int? {
        var end = start
        while end - start < 15, end + 3 <= text.count, (0xe4...0xe9).contains(text[end]) { end += 3 }
        let count = (end - start) / 3
        if count >= 2 {
            let isCompound = count >= 3 && Gazetteer.compoundNames.contains(bytes(start, start + 6))
            let isKnown = isCompound || Gazetteer.familyNames.contains(bytes(start, start + 3))
            return isKnown && count <= 4 ? end : nil
        }
        return latinNameEnd(start)
    }

    private func latinNameEnd(_ start: Int) -> Int? {
        var end = start
        var words = 0
        while byte(end).isCapital, words < 3 {
            var stop = end + 1
            while byte(stop).isLetter { stop += 1 }
            guard stop - end >= 2 else { break }
            words += 1
            end = stop
            guard byte(end) == UInt8(ascii: " "), byte(end + 1).isCapital else { break }
            end += 1
        }
        return words >= 2 ? end : nil
    }

    private func bytes(_ start: Int, _ end: Int) -> [UInt8] {
        (start..<end).map { byte($0) }
    }

    /// Up to the sentence's end.
    private func addressEnd(_ start: Int) -> Int? {
        var end = start
        while end < text.count, end - start < Self.addressBytesMax {
            let byte = text[end]
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "\t") { break }
            if ["，", "。", "；", "、", "）"].contains(where: { matches(Array($0.utf8), at: end) }) { break }
            end += 1
        }
        return end - start >= 9 ? end : nil
    }

    /// `北京市朝阳区建国路88号`: a house number, a road before it, a known place at the beginning.
    func address(_ token: Token) -> Finding? {
        guard matches(Gazetteer.houseNumber, at: token.end) else { return nil }
        guard Gazetteer.roads.contains(where: { matches($0, at: token.start - $0.count) }) else { return nil }
        var start = token.start
        while start > 2, token.start - start < 90, text[start - 1] >= 0x80 {
            start -= 3
            guard (0xe4...0xe9).contains(text[start]) else {
                start += 3
                break
            }
        }
        while start < token.start, !Gazetteer.places.contains(where: { matches($0, at: start) }) {
            start += 3
        }
        guard start < token.start else { return nil }
        var end = token.end + 3
        while end < text.count, end - token.end < 60, isAddressTail(end) { end += text[end] >= 0x80 ? 3 : 1 }
        return Finding(kind: .address, start: start, end: min(end, text.count), evidence: .heuristic)
    }

    /// Digits and the words of buildings, doors and floors.
    private func isAddressTail(_ place: Int) -> Bool {
        text[place].isDigit
            || ["号", "楼", "室", "层", "栋", "单", "元", "院", "座"].contains { matches(Array($0.utf8), at: place) }
    }
}
