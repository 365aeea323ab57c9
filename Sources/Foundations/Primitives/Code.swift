// SPDX-License-Identifier: Apache-2.0

/// The one human form of an identifier: `agr-7k3m9x2pqv0dc`.
///
/// A prefix names the noun; twelve Crockford base-32 characters are the first 60 bits of SHA-256 over the
/// identifier, so that the code is the same wherever it is derived and tells nothing of the time in the
/// identifier; the last character is the check of ISO 7064 MOD 37,36, which finds every single wrong character
/// and nearly every swap of neighbors. Reading takes capitals, `o` for 0, `i` and `l` for 1.
package struct Code: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The nouns that have codes, by their prefix.
    package enum Kind: String, CaseIterable, Sendable {
        case party = "pty", node = "nod", source = "src", delivery = "dlv"
        case resource = "res", asset = "ast", version = "ver", registration = "reg", right = "rgt"
        case mandate = "mdt", attestation = "att", product = "prd", space = "spc"
        case listing = "lst", demand = "dmd", offer = "ofr", agreement = "agr", contract = "ctr", order =
            "ord"
        case passage = "psg", grant = "grt", receipt = "rcp", statement = "stm", transfer = "trf"
        case `case` = "cas", list = "lis", rule = "rul", indicator = "ind", plan = "pln", pilot = "plt"
        case account = "acc", dispute = "dsp", terminal = "trm", request = "req"
        /// A person, enterprise, thing, place or matter of the city.
        case entity = "ent"
    }

    package let kind: Kind
    package let text: String

    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    /// ISO 7064 MOD 37,36 counts over 36 characters; `u`, `i`, `l`, `o` occur only as check characters.
    private static let checkAlphabet = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)

    /// The code of an identifier. Pure, so that two nodes give one thing the same code.
    package init<Noun>(_ kind: Kind, _ id: ID<Noun>) {
        let digest = Digest(of: Array(kind.rawValue.utf8) + id.bytes).bytes
        let bits = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 4
        let body = (0..<12).map { Self.alphabet[Int(bits >> UInt64(55 - 5 * $0)) & 31] }
        self.kind = kind
        text = kind.rawValue + "-" + String(decoding: body + [Self.check(body)], as: UTF8.self)
    }

    /// Reads a code as a person types it; `nil` if the noun, the length or the check character is wrong.
    package init?(_ typed: some StringProtocol) {
        let parts = typed.lowercased().split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])) else { return nil }
        let digits = Array(parts[1].utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: " ") })
        guard digits.count == 13 else { return nil }
        let body = digits.dropLast().map(Self.canonical)
        guard body.allSatisfy(Self.alphabet.contains), digits[12] == Self.check(body) else { return nil }
        self.kind = kind
        text = kind.rawValue + "-" + String(decoding: body + [digits[12]], as: UTF8.self)
    }

    package var description: String { text }

    package static func < (left: Code, right: Code) -> Bool { left.text < right.text }

    private static func canonical(_ character: UInt8) -> UInt8 {
        switch character {
        case UInt8(ascii: "o"): UInt8(ascii: "0")
        case UInt8(ascii: "i"), UInt8(ascii: "l"): UInt8(ascii: "1")
        default: character
        }
    }

    /// ISO 7064:2003 §8.2, MOD 37,36 (hybrid): p = ((p + a) mod 36, 36 for 0) · 2 mod 37.
    private static func check(_ body: [UInt8]) -> UInt8 {
        var remainder = 36
        for character in body {
            let isDigit = character <= UInt8(ascii: "9")
            let value = Int(character) - Int(isDigit ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
            let sum = (remainder + value) % 36
            remainder = (sum == 0 ? 36 : sum) * 2 % 37
        }
        return checkAlphabet[(37 - remainder) % 36]
    }
}
