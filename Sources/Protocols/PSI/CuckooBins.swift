// SPDX-License-Identifier: Apache-2.0
//
// Specification: Pinkas–Schneider–Zohner 2018, §3.2 and §3.4.3: three hash functions, no stash, 1.27 n bins for a
// failure below 2^-40; here 1.3 n + 256.
// Adversary: the hash key is the run's, drawn after both sides fixed their items. Secret: which items lie where.
// Leaks by design: a failure, of which both sides learn. Timing: depends on the items, on their own side alone.
// Vectors: Tests/PSITests.

import Oblivious

/// One bin for each of a side's items, out of three that anybody with the key can name.
struct CuckooBins: Sendable {
    /// The item in each bin.
    let items: [Int?]
    /// Each item's bin.
    let places: [Int]

    static func count(_ items: Int) -> Int { items + items * 3 / 10 + 256 }

    /// The three bins of an item, from its hash under the run's key.
    static func choices(_ hash: Block, count: Int) -> [Int] {
        [hash.x & 0xFFFF_FFFF, hash.x >> 32, hash.y & 0xFFFF_FFFF].map { Int(($0 &* UInt64(count)) >> 32) }
    }

    /// What is looked up for an item in a bin: another value in each of its bins.
    static func row(_ hash: Block, in bin: Int) -> Block { hash ^ Block(UInt64(bin) + 1, 0) }

    /// `nil` when an item finds no bin.
    init?(_ hashes: Blocks) {
        let count = Self.count(hashes.count)
        var items = [Int?](repeating: nil, count: count)
        for start in 0..<hashes.count {
            var (item, last, tries) = (start, -1, 0)
            while true {
                let choices = Self.choices(hashes[item], count: count)
                if let free = choices.first(where: { items[$0] == nil }) {
                    items[free] = item
                    break
                }
                // Moves whoever lies there on, but never straight back.
                let others = choices.filter { $0 != last }
                tries += 1
                guard tries < 2000, !others.isEmpty else { return nil }
                let bin = others[tries % others.count]
                let moved = items[bin]
                items[bin] = item
                (item, last) = (moved ?? item, bin)
            }
        }
        var places = [Int](repeating: 0, count: hashes.count)
        for case (let bin, let item?) in items.enumerated() { places[item] = bin }
        (self.items, self.places) = (items, places)
    }
}
