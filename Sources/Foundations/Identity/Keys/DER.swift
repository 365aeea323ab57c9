// SPDX-License-Identifier: Apache-2.0

/// The little of DER (ITU-T X.690) that a key file needs: tag, definite length, contents.
enum DER {
    enum Tag: UInt8 {
        case integer = 0x02
        case octets = 0x04
        case null = 0x05
        case object = 0x06
        case sequence = 0x30
    }

    static func encode(_ tag: Tag, _ contents: [UInt8]...) -> [UInt8] {
        let contents = contents.flatMap { $0 }
        return [tag.rawValue] + length(contents.count) + contents
    }

    private static func length(_ count: Int) -> [UInt8] {
        guard count >= 128 else { return [UInt8(count)] }
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }.drop { $0 == 0 }
        return [0x80 | UInt8(bytes.count)] + bytes
    }

    /// Reads elements one after the other. Everything malformed is `nil`; the caller gives up then.
    struct Reader {
        private var rest: ArraySlice<UInt8>

        init(_ bytes: [UInt8]) {
            rest = bytes[...]
        }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func take(_ tag: Tag) -> [UInt8]? {
            guard rest.first == tag.rawValue, let count = Self.length(rest.dropFirst()),
                rest.count - 1 - count.header >= count.contents
            else { return nil }
            let contents = rest.dropFirst(1 + count.header).prefix(count.contents)
            rest = rest.dropFirst(1 + count.header + count.contents)
            return Array(contents)
        }

        /// The elements inside the next sequence.
        mutating func sequence() -> Reader? { take(.sequence).map { Reader($0) } }

        /// A non-negative integer of at most four bytes.
        mutating func integer() -> Int? {
            guard let bytes = take(.integer), (1...4).contains(bytes.count), bytes[0] < 0x80 else {
                return nil
            }
            return bytes.reduce(0) { $0 << 8 | Int($1) }
        }

        /// The size of the length field and the length that it says; at most two bytes, no key is longer.
        private static func length(_ bytes: ArraySlice<UInt8>) -> (header: Int, contents: Int)? {
            guard let first = bytes.first else { return nil }
            guard first >= 0x80 else { return (1, Int(first)) }
            let digits = bytes.dropFirst().prefix(Int(first & 0x7f))
            guard (0x81...0x82).contains(first), digits.count == Int(first & 0x7f) else { return nil }
            return (1 + digits.count, digits.reduce(0) { $0 << 8 | Int($1) })
        }
    }
}
