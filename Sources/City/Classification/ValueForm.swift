// SPDX-License-Identifier: Apache-2.0

/// The written form of a value, as a pack declares it: `1000[0-9]{12}`, `H-?[A-Z]{2}[0-9]{6,8}`.
///
/// Literal characters, classes of ASCII characters and `\d`, each with `{n}`, `{n,m}` or `?`. A value is matched
/// whole, byte by byte over a set of places: never more steps than bytes times places, whatever the value is.
package struct ValueForm: Hashable, Sendable {
    /// Places a form may have once its counts are written out; the set of places is one machine word pair.
    package static let placesMax = 120

    private struct Place: Hashable, Sendable {
        /// Bit b is set where byte b fits.
        var bytes: [UInt64]
        var isOptional = false

        func fits(_ byte: UInt8) -> Bool { bytes[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 }
    }

    package let text: String
    private let places: [Place]

    /// `nil` where the text is no form: an open bracket, a count that is none, more than `placesMax` places.
    package init?(_ text: String) {
        var reader = Reader(bytes: Array(text.utf8))
        var places: [Place] = []
        while !reader.isAtEnd {
            guard let set = reader.set(), let count = reader.count() else { return nil }
            guard count.upperBound >= 1, places.count + count.upperBound <= Self.placesMax else { return nil }
            places += Array(repeating: Place(bytes: set), count: count.lowerBound)
            places += Array(
                repeating: Place(bytes: set, isOptional: true), count: count.upperBound - count.lowerBound)
        }
        guard !places.isEmpty else { return nil }
        self.text = text
        self.places = places
    }

    /// Whether the bytes are this form and nothing else.
    package func matches(_ bytes: some Sequence<UInt8>) -> Bool {
        var open = closed(1)
        for byte in bytes {
            var next: UInt128 = 0
            for (number, place) in places.enumerated() where open & (1 << UInt128(number)) != 0 {
                if place.fits(byte) { next |= 1 << UInt128(number + 1) }
            }
            guard next != 0 else { return false }
            open = closed(next)
        }
        return open & (1 << UInt128(places.count)) != 0
    }

    /// The places that may follow without a byte: an optional place can be left out.
    private func closed(_ start: UInt128) -> UInt128 {
        var open = start
        for (number, place) in places.enumerated()
        where place.isOptional && open & (1 << UInt128(number)) != 0 {
            open |= 1 << UInt128(number + 1)
        }
        return open
    }

    /// Reads the text of a form.
    private struct Reader {
        let bytes: [UInt8]
        private var place = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        var isAtEnd: Bool { place >= bytes.count }

        private static func set(_ members: some Sequence<UInt8>) -> [UInt64] {
            var set: [UInt64] = [0, 0, 0, 0]
            for byte in members { set[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
            return set
        }

        mutating func set() -> [UInt64]? {
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "["): return bracket()
            case UInt8(ascii: "\\"):
                guard !isAtEnd else { return nil }
                let escaped = bytes[place]
                place += 1
                return Self.set(escaped == UInt8(ascii: "d") ? Array(48...57) : [escaped])
            case UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "?"),
                UInt8(ascii: "*"),
                UInt8(ascii: "+"), UInt8(ascii: "|"), UInt8(ascii: "("), UInt8(ascii: ")"):
                return nil  // What it would mean elsewhere does not exist here: better refused than misread.
            default: return Self.set([byte])
            }
        }

        private mutating func bracket() -> [UInt64]? {
            var members: [UInt8] = []
            while !isAtEnd, bytes[place] != UInt8(ascii: "]") {
                let low = bytes[place]
                guard low < 0x80 else { return nil }
                if place + 2 < bytes.count, bytes[place + 1] == UInt8(ascii: "-"),
                    bytes[place + 2] != UInt8(ascii: "]")
                {
                    let high = bytes[place + 2]
                    guard low <= high, high < 0x80 else { return nil }
                    members += Array(low...high)
                    place += 3
                } else {
                    members.append(low)
                    place += 1
                }
            }
            guard !isAtEnd, !members.isEmpty else { return nil }
            place += 1
            return Self.set(members)
        }

        /// `{n}`, `{n,m}`, `?`, or nothing, which is once.
        mutating func count() -> ClosedRange<Int>? {
            guard !isAtEnd else { return 1...1 }
            if bytes[place] == UInt8(ascii: "?") {
                place += 1
                return 0...1
            }
            guard bytes[place] == UInt8(ascii: "{") else { return 1...1 }
            guard let end = bytes[place...].firstIndex(of: UInt8(ascii: "}")) else { return nil }
            let numbers = String(decoding: bytes[(place + 1)..<end], as: UTF8.self)
                .split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            place = end + 1
            guard (1...2).contains(numbers.count), let low = numbers[0],
                let high = numbers[numbers.count - 1],
                (0...ValueForm.placesMax).contains(low), low <= high, high <= ValueForm.placesMax
            else { return nil }
            return low...high
        }
    }
}
