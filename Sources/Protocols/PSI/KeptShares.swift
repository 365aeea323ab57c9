// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/private-match.md, "Rows linked in shares". What one side of a SharedMatch keeps for later questions.
// Adversary: as SharedMatch. Secret: everything here; whoever reads both sides' shares knows which rows are linked.
// Leaks by design: nothing leaves. Timing: local; look-ups by sorted item. Vectors: Tests/PSITests.

package import Oblivious

/// One side's shares of linked rows, with the bin of each of its items where this side knows it.
package struct KeptShares: Sendable {
    /// The receiver's items, ascending; empty on the answering side.
    private let items: [Block]
    /// The bin of each of `items`.
    private let places: [Int]
    let links: [UInt64]
    let values: [UInt64]

    /// - Parameter items: what this side ran the match with, in that order.
    package init(_ rows: SharedRows, of items: [Block]) {
        let known = rows.places.isEmpty ? [] : items.indices.sorted { Self.precedes(items[$0], items[$1]) }
        self.items = known.map { items[$0] }
        places = known.map { rows.places[$0] }
        (links, values) = (rows.links, rows.values)
    }

    package var binCount: Int { links.count }
    /// How many keys the receiver brought; 0 on the answering side.
    package var itemCount: Int { items.count }

    /// The bins of some of the receiver's items; `nil` if one of them was not in the match.
    package func bins(of chosen: [Block]) -> [Int]? {
        var bins: [Int] = []
        bins.reserveCapacity(chosen.count)
        for item in chosen {
            var (low, high) = (0, items.count)
            while low < high {
                let middle = (low + high) / 2
                if Self.precedes(items[middle], item) { low = middle + 1 } else { high = middle }
            }
            guard low < items.count, items[low] == item else { return nil }
            bins.append(places[low])
        }
        return bins
    }

    private static func precedes(_ one: Block, _ other: Block) -> Bool { (one.x, one.y) < (other.x, other.y) }

    // MARK: Kept between questions

    private static let magic = Array("HUTONG-SHARES-V1".utf8)

    /// For a store that only this side reads.
    package var secretBytes: [UInt8] {
        var bytes = Self.magic + Words.bytes([UInt64(items.count), UInt64(links.count)])
        bytes.reserveCapacity(32 + 24 * items.count + 16 * links.count)
        for item in items { item.append(to: &bytes) }
        bytes += Words.bytes(places.map { UInt64($0) })
        bytes += Words.bytes(links) + Words.bytes(values)
        return bytes
    }

    /// What `secretBytes` gave; `nil` when it is damaged.
    package init?(secretBytes bytes: [UInt8]) {
        guard bytes.count >= 32, bytes.starts(with: Self.magic) else { return nil }
        let sizes = Words.numbers(Array(bytes[16..<32])).map { Int(clamping: $0) }
        let limit = PSIPlan.itemCountMax
        guard sizes[0] <= limit, sizes[1] <= 2 * limit, bytes.count == 32 + 24 * sizes[0] + 16 * sizes[1]
        else { return nil }
        let words = Words.numbers(Array(bytes[32...]))
        items = (0..<sizes[0]).map { Block(words[2 * $0], words[2 * $0 + 1]) }
        let rest = words.dropFirst(2 * sizes[0])
        places = rest.prefix(sizes[0]).map { Int(clamping: $0) }
        guard places.allSatisfy({ $0 < sizes[1] }) else { return nil }
        links = Array(rest.dropFirst(sizes[0]).prefix(sizes[1]))
        values = Array(rest.suffix(sizes[1]))
    }
}
