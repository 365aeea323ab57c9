// SPDX-License-Identifier: Apache-2.0
//
// Specification: an open-addressing table. Adversary: none; tags are public to the side that compares.
// Secret: nothing. Leaks by design: nothing. Timing: depends on tags, which this side holds in the clear.
// Vectors: Tests/PSITests.

/// Finds equal tags in a flat list. Tags are outputs of a random oracle, so their bits are their own hash.
struct TagIndex {
    private let tags: [UInt8]
    private let byteCount: Int
    private var slots: [Int32]
    private let mask: Int

    /// - Parameter byteCount: 5…16 bytes a tag.
    init(_ tags: [UInt8], byteCount: Int) {
        self.tags = tags
        self.byteCount = byteCount
        let count = tags.count / byteCount
        let size = 1 << (Int.bitWidth - max(1, 2 * count - 1).leadingZeroBitCount)
        mask = size - 1
        slots = [Int32](repeating: -1, count: size)
        for place in 0..<count {
            var slot = Self.head(tags, place * byteCount) & mask
            while slots[slot] >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(place)
        }
    }

    /// For each of `others`, in order, where an equal tag stands here.
    func places(of others: [UInt8]) -> [Int?] {
        stride(from: 0, to: others.count, by: byteCount).map { start in
            var slot = Self.head(others, start) & mask
            while slots[slot] >= 0 {
                let place = Int(slots[slot])
                if (0..<byteCount).allSatisfy({ tags[place * byteCount + $0] == others[start + $0] }) {
                    return place
                }
                slot = (slot + 1) & mask
            }
            return nil
        }
    }

    /// Whether no tag stands twice in the list.
    static func areDistinct(_ tags: [UInt8], byteCount: Int) -> Bool {
        TagIndex(tags, byteCount: byteCount).places(of: tags).enumerated().allSatisfy { $0 == $1 }
    }

    private static func head(_ tags: [UInt8], _ start: Int) -> Int {
        (0..<4).reduce(0) { $0 << 8 | Int(tags[start + $1]) }
    }
}
