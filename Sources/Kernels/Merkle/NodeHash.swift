// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 6962 §2.1 (the hashing of RFC 9162 §2.1 is the same), SHA-256.
// Nothing here is secret: entries of the log are public, and so are their hashes. No constant-time claim.
// Vectors: transparency-dev/merkle `testdata/` and its eight reference leaves.

private import CMerkle

/// The hash of a leaf or of an inner node: 32 bytes, held without an allocation.
package struct NodeHash: Hashable, Sendable {
    package static let byteCount = 32

    // In memory the four words are the 32 bytes in order, so an array of hashes is a tile.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    private init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    private static let zero = NodeHash(0, 0, 0, 0)

    /// Takes exactly 32 bytes; `nil` for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self = .zero
        // SAFETY: the raw view of `self` is 32 bytes of plain integers, and exactly 32 bytes are copied.
        unsafe withUnsafeMutableBytes(of: &self) { view in unsafe view.copyBytes(from: bytes) }
    }

    package var bytes: [UInt8] {
        // SAFETY: the raw view of `self` is 32 bytes of plain integers without padding.
        unsafe withUnsafeBytes(of: self) { view in unsafe Array(view) }
    }

    /// The root of a tree without leaves: SHA-256 of nothing (RFC 6962 §2.1).
    package static let emptyTree = NodeHash(
        0x141c_fc98_42c4_b0e3,
        0x24b9_6f99_c8f4_fb9a,
        0x4c93_9b64_e441_ae27,
        0x55b8_5278_1b99_95a4
    )

    /// The hash of an entry as a leaf: SHA-256(0x00 ‖ entry).
    package init(leaf entry: [UInt8]) {
        self = .zero
        // SAFETY: C reads `count` bytes of the entry and writes 32 bytes of `self`; both live across the call.
        unsafe entry.withUnsafeBufferPointer { entry in
            unsafe withUnsafeMutableBytes(of: &self) { hash in
                unsafe hutong_merkle_leaf(
                    entry.baseAddress,
                    entry.count,
                    hash.assumingMemoryBound(to: UInt8.self).baseAddress
                )
            }
        }
    }

    /// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
    package init(left: NodeHash, right: NodeHash) {
        self = .zero
        // SAFETY: C reads 64 bytes of the pair and writes 32 bytes of `self`; both live across the call.
        unsafe withUnsafeBytes(of: (left, right)) { children in
            unsafe withUnsafeMutableBytes(of: &self) { hash in
                unsafe hutong_merkle_nodes(
                    children.assumingMemoryBound(to: UInt8.self).baseAddress,
                    1,
                    hash.assumingMemoryBound(to: UInt8.self).baseAddress
                )
            }
        }
    }

    /// The parents of neighbors (0 and 1, 2 and 3, …); an odd last one has none. About twice as fast a node as
    /// one by one.
    package static func parents(of children: some Collection<NodeHash>) -> [NodeHash] {
        let children = ContiguousArray(children)
        var parents = [NodeHash](repeating: .zero, count: children.count / 2)
        // SAFETY: an array of hashes is 32 contiguous bytes each; C reads 2·count and writes count of them.
        unsafe children.withUnsafeBytes { children in
            unsafe parents.withUnsafeMutableBytes { parents in
                unsafe hutong_merkle_nodes(
                    children.assumingMemoryBound(to: UInt8.self).baseAddress,
                    children.count / 64,
                    parents.assumingMemoryBound(to: UInt8.self).baseAddress
                )
            }
        }
        return parents
    }
}
