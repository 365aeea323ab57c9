// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/private-match.md, "Keys". Adversary: none. Secret: the keys. Leaks by design: nothing leaves.
// Timing: local, before any message; not constant. Vectors: Tests/PSITests.

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

    package var digest: Digest {
        let json: JSON = [
            "version": 1, "steps": .array(steps.map { .string($0.rawValue) }),
            "columns": "each as UTF-8 after the steps, preceded by its length in 4 bytes",
            "duplicates": "a key counts once; every row that bears it matches", "empty": "rejected",
        ]
        return Digest(of: json.canonicalBytes)
    }

    /// The normalized column, or `nil` when nothing is left (the row is rejected and counted).
    package func normalize(_ column: some Collection<UInt8>) -> [UInt8]? {
        var bytes = Array(column)
        for step in steps { apply(step, &bytes) }
        return bytes.isEmpty ? nil : bytes
    }

    /// Whether `normalize` would return these bytes unchanged, told without copying them: printable ASCII under
    /// steps that only touch other characters.
    package func leavesAlone(_ column: ArraySlice<UInt8>) -> Bool {
        guard !column.isEmpty, steps.allSatisfy({ $0 == .trim || $0 == .width }) else { return false }
        return column.allSatisfy { 0x21...0x7E ~= $0 }
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
    /// Distinct digests, ascending by their low word.
    package let items: [Block]
    /// For each item the number of its first row.
    package let firstRow: [Int]
    /// Further rows of items that occur more than once: (item, row).
    package let repeats: [(item: Int, row: Int)]
    /// Rows whose key was empty after normalization; they take no part.
    package let rejectedCount: Int
    package let rowCount: Int

    /// All rows, ascending, that bear one of the given items.
    package func rows(of matched: [Int]) -> [Int] {
        var isMatched = [Bool](repeating: false, count: items.count)
        for item in matched { isMatched[item] = true }
        var isRow = [Bool](repeating: false, count: rowCount)
        for item in matched { isRow[firstRow[item]] = true }
        for (item, row) in repeats where isMatched[item] { isRow[row] = true }
        return isRow.indices.filter { isRow[$0] }
    }

    /// Takes rows in order, then makes the set: one hash a row, one sort.
    package struct Builder {
        private let prefix: [UInt8]
        private var message: [UInt8]
        private var digests: [Block] = []
        private var rows: [Int] = []
        private var rowCount = 0

        package init(recipe: KeyRecipe, capacity: Int = 0) {
            prefix = recipe.digest.bytes
            message = prefix
            digests.reserveCapacity(capacity)
            rows.reserveCapacity(capacity)
        }

        /// Adds the next row by one column that the recipe leaves as it is.
        package mutating func add(plain column: ArraySlice<UInt8>) { add(digest: digest(plain: column)) }

        /// Adds the next row by its normalized columns; `nil` stands for an empty column.
        package mutating func add(_ columns: [[UInt8]?]) { add(digest: digest(columns)) }

        /// Adds the next row by what `digest` gave for it; `nil` for a rejected one.
        package mutating func add(digest: Block?) {
            if let digest {
                digests.append(digest)
                rows.append(rowCount)
            }
            rowCount += 1
        }

        /// The item of a row whose one column the recipe leaves as it is.
        package mutating func digest(plain column: ArraySlice<UInt8>) -> Block {
            message.removeLast(message.count - prefix.count)
            append(column)
            return ItemHash.digest(message)
        }

        /// The item of a row; `nil` where a column is empty.
        package mutating func digest(_ columns: [[UInt8]?]) -> Block? {
            message.removeLast(message.count - prefix.count)
            for column in columns {
                guard let column else { return nil }
                append(column)
            }
            return ItemHash.digest(message)
        }

        private mutating func append(_ column: some Collection<UInt8>) {
            for shift in [0, 8, 16, 24] { message.append(UInt8(truncatingIfNeeded: column.count >> shift)) }
            message.append(contentsOf: column)
        }

        package consuming func build() -> ItemSet {
            let order = BlockKernels.sort(&digests)
            var firstRow: [Int] = []
            var repeats: [(item: Int, row: Int)] = []
            firstRow.reserveCapacity(digests.count)
            var runStart = 0  // first item with this low word; its run are neighbors
            for place in digests.indices {
                let digest = digests[place]
                let row = rows[Int(order[place])]
                let count = firstRow.count  // items so far: they take the place of what was read
                if count == 0 || digests[count - 1].x != digest.x { runStart = count }
                if let known = (runStart..<count).first(where: { digests[$0] == digest }) {
                    repeats.append((known, max(row, firstRow[known])))
                    firstRow[known] = min(row, firstRow[known])
                } else {
                    digests[count] = digest
                    firstRow.append(row)
                }
            }
            digests.removeLast(digests.count - firstRow.count)
            return ItemSet(
                items: digests, firstRow: firstRow, repeats: repeats, rejectedCount: rowCount - rows.count,
                rowCount: rowCount)
        }
    }
}
