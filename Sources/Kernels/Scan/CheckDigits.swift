// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.
//
// Check characters of the identifiers people in China carry. Vectors: the standards' own examples, in ScanTests.

/// Check digits over ASCII bytes. Every function answers false for anything that has not the form.
package enum CheckDigits {
    private static let residentCheck = Array("10X98765432".utf8)
    private static let residentWeights: [Int] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]

    /// GB 11643-1999 (ISO 7064 MOD 11-2): 17 digits and a check character, `x` read as `X`.
    package static func isResidentID(_ text: TextBytes) -> Bool {
        guard text.count == 18 else { return false }
        var sum = 0
        for place in 0..<17 {
            guard text[place].isDigit else { return false }
            sum += Int(text[place] - 48) * residentWeights[place]
        }
        let last = text[17] == UInt8(ascii: "x") ? UInt8(ascii: "X") : text[17]
        return last == residentCheck[sum % 11]
    }

    private static let creditValues = values(of: "0123456789ABCDEFGHJKLMNPQRTUWXY")
    private static let creditWeights = powers(of: 3, modulo: 31, count: 17)

    /// GB 32100-2015: 18 characters of 31, weights 3ⁱ mod 31.
    package static func isCreditCode(_ text: TextBytes) -> Bool {
        guard text.count == 18 else { return false }
        var sum = 0
        for place in 0..<17 {
            let value = creditValues[Int(text[place])]
            guard value >= 0 else { return false }
            sum += Int(value) * creditWeights[place]
        }
        return Int(creditValues[Int(text[17])]) == (31 - sum % 31) % 31
    }

    private static let organizationWeights = [3, 7, 9, 10, 5, 8, 4, 2]

    /// GB 11714-1997: 8 characters and a check character; 10 is `X`, 11 is `0`.
    package static func isOrganizationCode(_ text: TextBytes) -> Bool {
        guard text.count == 9 else { return false }
        var sum = 0
        for place in 0..<8 {
            let byte = text[place]
            guard byte.isDigit || byte.isCapital else { return false }
            sum += Int(byte.isDigit ? byte - 48 : byte - 55) * organizationWeights[place]
        }
        let check = 11 - sum % 11
        switch check {
        case 10: return text[8] == UInt8(ascii: "X")
        case 11: return text[8] == UInt8(ascii: "0")
        default: return text[8] == UInt8(48 + check)
        }
    }

    /// Luhn (ISO/IEC 7812-1): bank cards, IMEI, ICCID.
    package static func isLuhn(_ digits: TextBytes) -> Bool {
        var sum = 0
        for place in 0..<digits.count {
            guard digits[place].isDigit else { return false }
            var value = Int(digits[place] - 48)
            if (digits.count - place).isMultiple(of: 2) {
                value *= 2
                if value > 9 { value -= 9 }
            }
            sum += value
        }
        return digits.count > 1 && sum.isMultiple(of: 10)
    }

    private static let vehicleWeights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    /// GB 16735-2019 table 1: letters in runs of nine, without I, O, Q.
    private static let vehicleValues: [Int8] = {
        var table = values(of: "0123456789")
        for (letters, first) in [("ABCDEFGH", 1), ("JKLMN", 1), ("P", 7), ("R", 9), ("STUVWXYZ", 2)] {
            for (place, letter) in letters.utf8.enumerated() { table[Int(letter)] = Int8(first + place) }
        }
        return table
    }()

    /// GB 16735-2019 (ISO 3779): 17 characters, the ninth is the check.
    package static func isVehicleNumber(_ text: TextBytes) -> Bool {
        guard text.count == 17 else { return false }
        var sum = 0
        for place in 0..<17 {
            let value = vehicleValues[Int(text[place])]
            guard value >= 0 else { return false }
            sum += Int(value) * vehicleWeights[place]
        }
        let rest = sum % 11
        return text[8] == (rest == 10 ? UInt8(ascii: "X") : UInt8(48 + rest))
    }

    private static func values(of alphabet: String) -> [Int8] {
        var table = [Int8](repeating: -1, count: 256)
        for (value, byte) in alphabet.utf8.enumerated() { table[Int(byte)] = Int8(value) }
        return table
    }

    private static func powers(of base: Int, modulo: Int, count: Int) -> [Int] {
        var power = 1
        return (0..<count).map { _ in
            defer { power = power * base % modulo }
            return power
        }
    }
}
