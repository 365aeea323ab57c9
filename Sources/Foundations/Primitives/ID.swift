// SPDX-License-Identifier: Apache-2.0

/// The identifier of one thing of a kind: 16 bytes in UUID version 7 layout (RFC 9562 §5.7).
///
/// The first 48 bits are milliseconds since 1970, so that new rows go to the end of an index. `Noun` is a
/// phantom: an `ID<Order>` is never taken for an `ID<Listing>`. People see a `Code`, never these bytes.
package struct ID<Noun>: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a new identifier for something that begins at `instant`.
    package init(at instant: Instant, using random: inout some RandomNumberGenerator) {
        let milliseconds = UInt64(clamping: instant.microseconds / 1000) & 0xffff_ffff_ffff
        high = milliseconds << 16 | 0x7000 | random.next() & 0x0fff
        low = 0x8000_0000_0000_0000 | random.next() & 0x3fff_ffff_ffff_ffff
    }

    /// Makes a new identifier with the system's random bytes.
    package init(at instant: Instant) {
        var random = SystemRandomNumberGenerator()
        self.init(at: instant, using: &random)
    }

    /// Derives the identifier that a digest always gives, so that a repeated message finds its first effect.
    package init(derivedFrom digest: Digest) {
        let words = digest.bytes.prefix(16).reduce(into: (UInt64(0), UInt64(0))) { words, byte in
            words = (words.0 << 8 | words.1 >> 56, words.1 << 8 | UInt64(byte))
        }
        high = words.0 & 0xffff_ffff_ffff_0fff | 0x8000  // RFC 9562 §5.8: version 8, custom layout.
        low = 0x8000_0000_0000_0000 | words.1 & 0x3fff_ffff_ffff_ffff
    }

    /// `nil` unless exactly 16 bytes are given.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for byte in bytes { words = (words.0 << 8 | words.1 >> 56, words.1 << 8 | UInt64(byte)) }
        self.init(high: words.0, low: words.1)
    }

    /// Reads `018f0f6c-…`, with or without `urn:uuid:` (RFC 9562 §4); `nil` for anything else.
    package init?(uuid text: some StringProtocol) {
        let prefix = "urn:uuid:"
        let digits = Array(
            (text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : String(text)).utf8)
        let hyphens = [8, 13, 18, 23]
        guard digits.count == 36, hyphens.allSatisfy({ digits[$0] == UInt8(ascii: "-") }) else { return nil }
        let hex = digits.enumerated().filter { !hyphens.contains($0.offset) }.map(\.element)
        guard let bytes = Hex.decode(String(decoding: hex, as: UTF8.self)) else { return nil }
        self.init(bytes: bytes)
    }

    package var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * ($0 & 7))) }
    }

    /// The hyphenated form, 36 characters.
    package var uuid: String {
        // Written digit by digit: most leaves, events and messages name something by it.
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for place in 0..<32 {
            if place == 8 || place == 12 || place == 16 || place == 20 { text.append(UInt8(ascii: "-")) }
            let digit = UInt8(truncatingIfNeeded: (place < 16 ? high : low) >> (60 - 4 * (place & 15))) & 15
            text.append(digit < 10 ? 48 + digit : 87 + digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The name by which the Dataspace Protocol's messages call this thing.
    package var urn: String { "urn:uuid:" + uuid }
    package var description: String { uuid }

    /// The same bytes under another noun: for a seam that carries any noun, such as the log's subject.
    package func retyped<Other>(_ noun: Other.Type = Other.self) -> ID<Other> {
        ID<Other>(high: high, low: low)
    }

    package static func < (left: ID, right: ID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
