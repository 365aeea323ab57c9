// SPDX-License-Identifier: Apache-2.0

/// SQLite's words in PostgreSQL's: the whole difference between the two (DESIGN.md, "SQL seam").
///
/// `INTEGER` is `BIGINT`, `BLOB` is `BYTEA`, `REAL` is `DOUBLE PRECISION`, `STRICT` goes, `?` is `$1`, `$2` …;
/// what stands in quotes stays. Types and `STRICT` are recognized in capitals only, as the house writes them.
enum PostgresText {
    static func translated(_ sql: String) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(sql.utf8.count + 16)
        var word: [UInt8] = []
        var quote: UInt8?
        var arguments = 0
        func endWord() {
            output += words[word] ?? word
            word.removeAll(keepingCapacity: true)
        }
        for byte in sql.utf8 {
            if let open = quote {
                output.append(byte)
                if byte == open { quote = nil }
                continue
            }
            if isWordByte(byte) {
                word.append(byte)
                continue
            }
            endWord()
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                quote = byte
                output.append(byte)
            case UInt8(ascii: "?"):
                arguments += 1
                output += Array("$\(arguments)".utf8)
            default: output.append(byte)
            }
        }
        endWord()
        return String(decoding: output, as: UTF8.self)
    }

    private static let words: [[UInt8]: [UInt8]] = [
        Array("INTEGER".utf8): Array("BIGINT".utf8), Array("BLOB".utf8): Array("BYTEA".utf8),
        Array("REAL".utf8): Array("DOUBLE PRECISION".utf8), Array("STRICT".utf8): [],
    ]

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xff:
            true
        default: false
        }
    }
}
