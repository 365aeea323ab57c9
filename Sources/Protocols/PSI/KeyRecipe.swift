// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/private-match.md, "Keys". Adversary: none. Secret: the keys. Leaks by design: nothing leaves.
// Timing: local, before any message; not constant. Vectors: Tests/PSITests.

import Crypto
package import Oblivious
package import Primitives

/// How both sides turn the key columns of a row into one item, agreed in the contract by its digest.
package struct KeyRecipe: Hashable, Sendable {
    /// One step on one column, in the order given.
    package enum Step: String, Hashable, Sendable, CaseIterable {
        /// Drops spaces, tabs and ideographic spaces at both ends.
        case trim
        /// Full-width letters, digits and signs become half-width.
        case width
        /// ASCII letters become lower case.
        case lower
        /// ASCII letters become upper case (an identity number's x becomes X).
        case upper
        /// Keeps digits; drops a leading 86, 086 or 0086 before an 11-digit mainland mobile number.
        case phone
    }

    package let steps: [Step]

    package init(steps: [Step] = [.trim, .width]) { self.steps = steps }

    package var digest: Primitives.Digest {
        let json: JSON = [
            "version": 1, "steps": .array(steps.map { .string($0.rawValue) }),
            "columns": "each as UTF-8 after the steps, preceded by its length in 4 bytes",
            "duplicates": "a key counts once; every row that bears it matches", "empty": "rejected",
        ]
        return Primitives.Digest(of: json.canonicalBytes)
    }

    /// The normalized column, or `nil` when nothing is left (the row is rejected and counted).
    package func normalize(_ column: some Sequence<UInt8>) -> [UInt8]? {
        var bytes = Array(column)
        for step in steps { apply(step, &bytes) }
        return bytes.isEmpty ? nil : bytes
    }

    private func apply(_ step: Step, _ bytes: inout [UInt8]) {
        switch step {
        case .trim:
            // public: local work, before any message.
            guard let first = bytes.first, let last = bytes.last, Self.mayTrim(first) || Self.mayTrim(last)
            else { return }
            let text = String(decoding: bytes, as: UTF8.self)
            let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\u{3000}" || $0 == "\r" }
            bytes = Array(String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed()).utf8)
        case .width:
            guard bytes.contains(where: { $0 >= 0xE3 }) else { return }
            let text = String(decoding: bytes, as: UTF8.self)
            bytes = Array(String(String.UnicodeScalarView(text.unicodeScalars.map(Self.halfWidth))).utf8)
        case .lower: for place in bytes.indices where (65...90).contains(bytes[place]) { bytes[place] += 32 }
        case .upper: for place in bytes.indices where (97...122).contains(bytes[place]) { bytes[place] -= 32 }
        case .phone:
            bytes.removeAll { !(48...57).contains($0) }
            for prefix in ["0086", "086", "86"] where bytes.count == 11 + prefix.utf8.count {
                if bytes.starts(with: prefix.utf8) { bytes.removeFirst(prefix.utf8.count) }
            }
        }
    }

    private static func mayTrim(_ byte: UInt8) -> Bool { byte <= 0x20 || byte >= 0x80 }

    private static func halfWidth(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.value {
        case 0xFF01...0xFF5E: Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar
        case 0x3000: " "
        default: scalar
        }
    }
}

/// One side's items: distinct 128-bit digests, and which rows bear each.
///
/// The digest is SHA-256 of the recipe's digest and the normalized key, cut to 16 bytes: among 2^27 items two
/// collide with probability below 2^-73.
package struct ItemSet: Sendable {
    /// Distinct digests, in no meaningful order.
    package private(set) var items: [Block] = []
    /// For each item the number of its first row.
    package private(set) var firstRow: [Int] = []
    /// Further rows of items that occur more than once: (item, row).
    package private(set) var repeats: [(item: Int, row: Int)] = []
    /// Rows whose key was empty after normalization; they take no part.
    package private(set) var rejectedCount = 0
    package private(set) var rowCount = 0

    private let prefix: SHA256
    private var places: [Block: Int] = [:]

    package init(recipe: KeyRecipe, capacity: Int = 0) {
        var hash = SHA256()
        hash.update(data: recipe.digest.bytes)
        prefix = hash
        items.reserveCapacity(capacity)
        firstRow.reserveCapacity(capacity)
        places.reserveCapacity(capacity)
    }

    /// Adds the next row by its normalized columns; `nil` stands for an empty column.
    package mutating func add(_ columns: [[UInt8]?]) {
        defer { rowCount += 1 }
        var hash = prefix
        for column in columns {
            guard let column else {
                rejectedCount += 1
                return
            }
            // SAFETY: the buffer is read inside the closure alone.
            unsafe withUnsafeBytes(of: UInt32(column.count).littleEndian) { unsafe hash.update(bufferPointer: $0) }
            hash.update(data: column)
        }
        let item = unsafe hash.finalize().withUnsafeBytes { unsafe $0.loadUnaligned(as: Block.self) }
        if let place = places[item] {
            repeats.append((place, rowCount))
        } else {
            places[item] = items.count
            items.append(item)
            firstRow.append(rowCount)
        }
    }

    /// All rows, ascending, that bear one of the given items.
    package func rows(of matched: [Int]) -> [Int] {
        var isMatched = [Bool](repeating: false, count: items.count)
        for item in matched { isMatched[item] = true }
        var rows = matched.map { firstRow[$0] }
        for (item, row) in repeats where isMatched[item] { rows.append(row) }
        return rows.sorted()
    }
}
