// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.

extension Recognizer {
    // MARK: Persons and organizations

    /// GB 11643-1999: area, date of birth, sequence, check character.
    func residentID(_ token: Token) -> Finding? {
        guard token.end - token.start == 18, hasAreaCode(token.start), isDate(token.start + 6),
            CheckDigits.isResidentID(piece(token.start, token.end))
        else { return nil }
        return Finding(kind: .residentID, start: token.start, end: token.end, evidence: .checked)
    }

    /// Before 1999: a two-digit year and no check; so it needs to be plausible in every digit.
    func oldResidentID(_ token: Token) -> Finding? {
        guard hasAreaCode(token.start), isDay(month: token.start + 8, day: token.start + 10) else {
            return nil
        }
        let second = number(token.start + 2, token.start + 4)
        guard (1...90).contains(second), byte(token.start - 1) != UInt8(ascii: "-") else { return nil }
        guard !CheckDigits.isLuhn(piece(token.start, token.end)) else { return nil }
        return Finding(kind: .residentID15, start: token.start, end: token.end, evidence: .heuristic)
    }

    private func hasAreaCode(_ start: Int) -> Bool {
        Gazetteer.provinceCodes.contains(number(start, start + 2))
    }

    /// YYYYMMDD between 1880 and 2049.
    private func isDate(_ start: Int) -> Bool {
        (1880..<2050).contains(number(start, start + 4)) && isDay(month: start + 4, day: start + 6)
    }

    private func isDay(month: Int, day: Int) -> Bool {
        let days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let place = number(month, month + 2) - 1
        return days.indices.contains(place) && (1...days[place]).contains(number(day, day + 2))
    }

    /// GB 32100-2015: registrar and category, area, organization code, check character.
    func creditCode(_ token: Token) -> Finding? {
        guard Gazetteer.creditPrefixes.contains([text[token.start], text[token.start + 1]]),
            hasAreaCode(token.start + 2) || number(token.start + 2, token.start + 8) == 100_000,
            CheckDigits.isCreditCode(piece(token.start, token.end))
        else { return nil }
        for place in token.start + 2..<token.start + 8 where !text[place].isDigit { return nil }
        return Finding(kind: .creditCode, start: token.start, end: token.end, evidence: .checked)
    }

    /// GB 11714-1997, written `12345678-9`.
    func organizationCode(_ token: Token) -> Finding? {
        let check = byte(token.end + 1)
        guard byte(token.end) == UInt8(ascii: "-"), check.isDigit || check == UInt8(ascii: "X"),
            !byte(token.end + 2).isWord, byte(token.end + 2) != UInt8(ascii: "-"),
            byte(token.start - 1) != UInt8(ascii: "-")
        else { return nil }
        var code: [UInt8] = []
        for place in token.start..<token.end { code.append(text[place]) }
        code.append(check)
        // A date and a counter, 20240101-1, passes one time in eleven.
        guard code.withTextBytes(CheckDigits.isOrganizationCode), !isDate(token.start) else { return nil }
        return Finding(kind: .organizationCode, start: token.start, end: token.end + 2, evidence: .checked)
    }

    // MARK: Cards and devices

    /// Luhn and the issuer's range: order numbers that pass Luhn begin with other digits.
    func card(_ start: Int, _ end: Int, _ digits: Int, _ count: Int) -> Finding? {
        guard isIssued(digits, count), CheckDigits.isLuhn(piece(start, end)) else { return nil }
        return Finding(kind: .bankCard, start: start, end: end, evidence: .checked)
    }

    /// ISO/IEC 7812 ranges: UnionPay, Visa, Mastercard, JCB, American Express, and the old 9558 of ICBC.
    private func isIssued(_ start: Int, _ count: Int) -> Bool {
        let two = number(start, start + 2)
        let four = number(start, start + 4)
        return switch count {
        case 15: two == 34 || two == 37
        case 16: two == 62 || two / 10 == 4 || (51...55).contains(two) || (3528...3589).contains(four)
        case 17, 18: two == 62
        case 19: two == 62 || four == 9558 || four == 4563 || four == 4367 || four == 6013
        default: false
        }
    }

    /// Four groups of four digits, perhaps a fifth, with one space or hyphen between.
    func grouped(_ token: Token) -> Finding? {
        guard token.end - token.start == 4 else { return nil }
        var digits: [UInt8] = []
        var place = token.start
        while true {
            let end = digitsEnd(place)
            guard (3...4).contains(end - place) || digits.count == 16 else { return nil }
            for digit in place..<end { digits.append(text[digit]) }
            let separator = byte(end)
            let isSeparated = separator == UInt8(ascii: " ") || separator == UInt8(ascii: "-")
            guard isSeparated, byte(end + 1).isDigit, digits.count < 19 else {
                guard (16...19).contains(digits.count), !byte(end).isWord,
                    isIssued(token.start, digits.count),
                    digits.withTextBytes(CheckDigits.isLuhn)
                else { return nil }
                return Finding(kind: .bankCard, start: token.start, end: end, evidence: .checked)
            }
            place = end + 1
        }
    }

    /// ITU-T E.118: 89, country 86, 19 or 20 digits, Luhn.
    func simCard(_ token: Token) -> Finding? {
        guard number(token.start, token.start + 4) == 8986, CheckDigits.isLuhn(piece(token.start, token.end))
        else {
            return nil
        }
        return Finding(kind: .simCard, start: token.start, end: token.end, evidence: .checked)
    }

    func vehicle(_ token: Token, _ digits: Int) -> Finding? {
        guard digits >= 4, CheckDigits.isVehicleNumber(piece(token.start, token.end)) else { return nil }
        return Finding(kind: .vehicleNumber, start: token.start, end: token.end, evidence: .checked)
    }

    // MARK: Telephones

    /// Mobile numbers of the ranges in use, alone or after +86.
    func mobile(_ start: Int, _ token: Token) -> Finding? {
        guard isMobile(start) else { return nil }
        return Finding(kind: .mobile, start: token.start, end: token.end, evidence: .form)
    }

    func prefixedMobile(_ token: Token) -> Finding? {
        guard number(token.start, token.start + 2) == 86, byte(token.start - 1) == UInt8(ascii: "+") else {
            return nil
        }
        guard isMobile(token.start + 2) else { return nil }
        return Finding(kind: .mobile, start: token.start + 2, end: token.end, evidence: .form)
    }

    private func isMobile(_ start: Int) -> Bool {
        let three = number(start, start + 3)
        switch three / 10 {
        case 13, 18: return true
        case 14: return [140, 141, 144, 145, 146, 147, 148, 149].contains(three)
        case 15: return three != 154
        case 16: return [162, 165, 166, 167].contains(three)
        case 17: return three != 179
        case 19: return three != 194
        default: return false
        }
    }

    /// 010-12345678, (0755) 1234567, and mobile numbers written 138 0013 8000.
    func telephone(_ token: Token) -> Finding? {
        let separator = byte(token.end)
        var next = token.end + 1
        guard
            separator == UInt8(ascii: "-") || separator == UInt8(ascii: " ") || separator == UInt8(ascii: ")")
        else {
            return nil
        }
        if separator == UInt8(ascii: ")"), byte(next) == UInt8(ascii: " ") { next += 1 }
        let end = digitsEnd(next)
        let count = end - next
        if text[token.start] == UInt8(ascii: "0") {
            let isShort = Gazetteer.shortAreaCodes.contains(number(token.start, token.end))
            let hasArea =
                token.end - token.start == (isShort ? 3 : 4) && text[token.start + 1] != UInt8(ascii: "0")
            guard hasArea, (7...8).contains(count), (2...8).contains(text[next] - 48), !byte(end).isWord,
                byte(end) != UInt8(ascii: "-") || !byte(end + 1).isDigit
            else { return nil }
            let start = separator == UInt8(ascii: ")") ? token.start - 1 : token.start
            guard separator != UInt8(ascii: ")") || byte(start) == UInt8(ascii: "(") else { return nil }
            return Finding(kind: .landline, start: start, end: end, evidence: .form)
        }
        guard token.end - token.start == 3, separator != UInt8(ascii: ")"), isMobile(token.start), count == 4,
            byte(end) == separator, digitsEnd(end + 1) == end + 5, !byte(end + 5).isWord
        else { return nil }
        return Finding(kind: .mobile, start: token.start, end: end + 5, evidence: .form)
    }

    // MARK: Documents and plates

    /// E12345678, EA1234567 and the older letters: no check digit, so the label must say so.
    func passport(_ token: Token) -> Finding? {
        guard let kind = labelBefore(token.start), kind == .passport || kind == .travelPermit else {
            return nil
        }
        let letters = [UInt8](Array("EGDSPHM".utf8))
        guard letters.contains(text[token.start]), text[token.end - 1].isDigit else { return nil }
        return Finding(kind: kind, start: token.start, end: token.end, evidence: .labelled)
    }

    /// GA 36-2018: province, letter, five characters of which three are digits; new-energy plates have six.
    func plate(_ token: Token) -> Finding? {
        let start = token.start - 3
        guard start >= 0, text[token.start].isCapital,
            Gazetteer.plateProvinces.contains([byte(start), byte(start + 1), byte(start + 2)]),
            text[token.start] != UInt8(ascii: "I")
        else { return nil }
        var letters = 0
        for place in token.start + 1..<token.end {
            let byte = text[place]
            guard byte.isDigit || (byte.isCapital && byte != UInt8(ascii: "I") && byte != UInt8(ascii: "O"))
            else {
                return nil
            }
            if byte.isCapital { letters += 1 }
        }
        if token.end - token.start == 7 {
            let isNewEnergy =
                letters <= 2 && (text[token.start + 1].isCapital || text[token.end - 1].isCapital)
            guard isNewEnergy else { return nil }
        }
        return Finding(kind: .plate, start: start, end: token.end, evidence: .form)
    }
}
