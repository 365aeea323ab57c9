// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.
//
// Where an identifier can stand: runs with a digit, capitals after a Han character (plates), '@' and colons.
// Everything else of a text is passed over at some GB/s. The C kernel and the Swift twin give the same tokens.

private import CScan

/// A run of ASCII letters and digits, or one sign.
package struct Token: Hashable, Sendable {
    package let start: Int
    package let end: Int

    package init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }
}

package enum Tokens {
    /// Tokens fetched at a time; the buffer stays in the first cache.
    private static let batch = 1024
    /// A text is handed to the kernel in pieces of this size, cut where no token stands.
    package static let hasKernel = cscan_is_supported()

    /// Calls `each` for every token, in order. Cost: one pass.
    package static func forEach(in text: TextBytes, _ each: (Token) -> Void) {
        guard hasKernel, text.count < Int(UInt32.max) else {
            portable(text, each)
            return
        }
        // SAFETY: the kernel reads inside the text and writes at most `batch` tokens; both live for the call.
        unsafe text.withPointer { bytes in
            unsafe withUnsafeTemporaryAllocation(of: cscan_token.self, capacity: batch) { tokens in
                var position = 0
                while position < bytes.count {
                    let count = unsafe cscan_tokens(
                        bytes.baseAddress, bytes.count, &position, tokens.baseAddress, batch)
                    for place in 0..<count {
                        unsafe each(Token(start: Int(tokens[place].start), end: Int(tokens[place].end)))
                    }
                }
            }
        }
    }

    /// The same in Swift.
    package static func portable(_ text: TextBytes, _ each: (Token) -> Void) {
        var done = 0
        var place = 0
        while place < text.count {
            let byte = text[place]
            if isSign(text, place) {
                each(Token(start: place, end: place + 1))
                done = place + 1
            } else if byte.isDigit || (byte.isCapital && place > 0 && text[place - 1] >= 0x80) {
                var start = place
                var end = place + 1
                while start > done, text[start - 1].isWord { start -= 1 }
                while end < text.count, text[end].isWord { end += 1 }
                each(Token(start: start, end: end))
                done = end
                place = end - 1
            }
            place += 1
        }
    }

    private static func isSign(_ text: TextBytes, _ place: Int) -> Bool {
        switch text[place] {
        case UInt8(ascii: "@"), UInt8(ascii: ":"): true
        case 0x9a: place > 1 && text[place - 1] == 0xbc && text[place - 2] == 0xef
        default: false
        }
    }
}

extension UInt8 {
    var isDigit: Bool { self &- 48 < 10 }
    var isCapital: Bool { self &- 65 < 26 }
    var isLetter: Bool { (self | 0x20) &- 97 < 26 }
    var isWord: Bool { isDigit || isLetter }
    var isHex: Bool { isDigit || (self | 0x20) &- 97 < 6 }
}
