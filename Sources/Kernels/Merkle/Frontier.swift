// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 6962 §2.1. Nothing here is secret.

/// What is needed of a tree in order to append to it and to know its root: the roots of its largest complete
/// subtrees, one for each bit that is set in its size. At most 64 hashes, however large the log.
package struct Frontier: Hashable, Sendable {
    /// How many leaves the tree has.
    package private(set) var size: UInt64
    /// From left to right, so from the largest subtree to the smallest.
    package private(set) var peaks: [NodeHash]

    /// The empty tree.
    package init() {
        size = 0
        peaks = []
    }

    /// Takes up a tree of known size. `nil` unless there is one peak for each bit set in the size.
    package init?(size: UInt64, peaks: [NodeHash]) {
        guard peaks.count == size.nonzeroBitCount else { return nil }
        self.size = size
        self.peaks = peaks
    }

    /// Where the peaks of a tree of this size stand, from left to right.
    package static func peakAddresses(size: UInt64) -> [NodeAddress] {
        var addresses: [NodeAddress] = []
        var start: UInt64 = 0
        for level in (0..<64).reversed() where size & (1 << UInt64(level)) != 0 {
            addresses.append(NodeAddress(level: level, index: start >> UInt64(level)))
            start += 1 << UInt64(level)
        }
        return addresses
    }

    /// Appends one leaf: amortized one node hash.
    package mutating func append(_ leaf: NodeHash) {
        append(subtree: leaf, level: 0)
    }

    /// Appends a complete subtree of 2^level leaves.
    /// - Precondition: the size is a multiple of 2^level, or the subtree would stand in no tree.
    package mutating func append(subtree root: NodeHash, level: Int) {
        precondition(size & ((1 << UInt64(level)) - 1) == 0, "a subtree begins at a multiple of its size")
        var hash = root
        var rest = size >> UInt64(level)
        while rest & 1 == 1, let left = peaks.popLast() {
            hash = NodeHash(left: left, right: hash)
            rest >>= 1
        }
        peaks.append(hash)
        size += 1 << UInt64(level)
    }

    /// The root: the peaks folded from the right (RFC 6962 §2.1).
    package var root: NodeHash {
        guard let last = peaks.last else { return .emptyTree }
        return peaks.dropLast().reversed().reduce(last) { NodeHash(left: $1, right: $0) }
    }
}

/// The place of the root of a complete subtree: it covers the leaves `index << level ..< (index + 1) << level`.
package struct NodeAddress: Hashable, Sendable {
    package let level: Int
    package let index: UInt64

    package init(level: Int, index: UInt64) {
        self.level = level
        self.index = index
    }
}
