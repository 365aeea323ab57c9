// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 6962 §2.1.1, §2.1.2 (proofs), RFC 9162 §2.1.3.2, §2.1.4.2 (checking);
// draft-ietf-plants-merkle-tree-certs §4 (subtrees). Proofs come from strangers: every input is legal and
// answered. Nothing here is secret.

/// Why a proof proves nothing.
package enum ProofFailure: Error, Hashable, Sendable {
    /// The leaf's index is not below the tree's size.
    case indexBeyondSize
    /// The older tree is larger than the newer one, or a range is none.
    case sizesReversed
    /// No complete subtree of a tree has this range.
    case notASubtree
    /// The older tree is empty: a proof from it says nothing.
    case nothingToProve
    /// More or fewer hashes than the sizes call for.
    case wrongLength
    /// The hashes lead to another root.
    case wrongRoot
}

/// That a leaf stands at an index of a tree of a given size.
package struct InclusionProof: Hashable, Sendable {
    package let index: UInt64
    package let size: UInt64
    /// From the leaf's sibling to the root's child.
    package let path: [NodeHash]

    package init(index: UInt64, size: UInt64, path: [NodeHash]) {
        self.index = index
        self.size = size
        self.path = path
    }

    /// The root that this proof and this leaf lead to (RFC 9162 §2.1.3.2).
    package func root(over leaf: NodeHash) throws(ProofFailure) -> NodeHash {
        guard index < size else { throw .indexBeyondSize }
        var place = index
        var last = size - 1
        var hash = leaf
        for sibling in path {
            guard last != 0 else { throw .wrongLength }
            if place & 1 == 1 || place == last {
                hash = NodeHash(left: sibling, right: hash)
                while place & 1 == 0 && place != 0 {
                    place >>= 1
                    last >>= 1
                }
            } else {
                hash = NodeHash(left: hash, right: sibling)
            }
            place >>= 1
            last >>= 1
        }
        guard last == 0 else { throw .wrongLength }
        return hash
    }

    package func verify(leaf: NodeHash, root: NodeHash) throws(ProofFailure) {
        guard try self.root(over: leaf) == root else { throw .wrongRoot }
    }

    /// That a leaf stands in the subtree `start..<end`: the proof of a tree that begins at `start`.
    package static func verify(
        leaf: NodeHash,
        at index: UInt64,
        in subtree: Range<UInt64>,
        path: [NodeHash],
        root: NodeHash
    ) throws(ProofFailure) {
        guard Subtree.isValid(subtree) else { throw .notASubtree }
        guard subtree.contains(index) else { throw .indexBeyondSize }
        let proof = InclusionProof(
            index: index - subtree.lowerBound,
            size: subtree.upperBound - subtree.lowerBound,
            path: path
        )
        try proof.verify(leaf: leaf, root: root)
    }
}

/// That a tree of an older size is the beginning of a tree of a newer size: nothing was changed or removed.
package struct ConsistencyProof: Hashable, Sendable {
    package let oldSize: UInt64
    package let newSize: UInt64
    package let path: [NodeHash]

    package init(oldSize: UInt64, newSize: UInt64, path: [NodeHash]) {
        self.oldSize = oldSize
        self.newSize = newSize
        self.path = path
    }

    package func verify(oldRoot: NodeHash, newRoot: NodeHash) throws(ProofFailure) {
        guard oldSize <= newSize else { throw .sizesReversed }
        // Every tree begins with the empty one: there is nothing to prove, so nothing may be said.
        guard oldSize > 0 || newSize == 0 else { throw .nothingToProve }
        guard oldSize < newSize || oldRoot == newRoot else { throw .wrongRoot }
        try Self.verify(subtree: 0..<oldSize, root: oldRoot, in: newSize, path: path, treeRoot: newRoot)
    }

    /// That the subtree `start..<end` with this root stands in a tree (draft-ietf-plants-merkle-tree-certs,
    /// "Verifying a Subtree Consistency Proof"; with `start` 0 it is RFC 9162 §2.1.4.2).
    package static func verify(
        subtree: Range<UInt64>,
        root: NodeHash,
        in size: UInt64,
        path: [NodeHash],
        treeRoot: NodeHash
    ) throws(ProofFailure) {
        guard subtree.upperBound <= size else { throw .sizesReversed }
        guard !subtree.isEmpty else {
            guard path.isEmpty else { throw .wrongLength }
            guard root == .emptyTree else { throw .wrongRoot }
            return
        }
        guard Subtree.isValid(subtree) else { throw .notASubtree }
        var walk = Walk(first: subtree.lowerBound, last: subtree.upperBound - 1, end: size - 1)
        while walk.first != walk.last, walk.last == walk.end || walk.last & 1 == 1 { walk.climb() }
        var rest = path[...]
        var seed = root
        if walk.first != walk.last {
            guard let first = rest.popFirst() else { throw .wrongLength }
            seed = first
        }
        var (oldHash, newHash) = (seed, seed)
        for sibling in rest {
            guard walk.end != 0 else { throw .wrongLength }
            if walk.last & 1 == 1 || walk.last == walk.end {
                if walk.first < walk.last { oldHash = NodeHash(left: sibling, right: oldHash) }
                newHash = NodeHash(left: sibling, right: newHash)
                while walk.last & 1 == 0 && walk.last != 0 { walk.climb() }
            } else {
                newHash = NodeHash(left: newHash, right: sibling)
            }
            walk.climb()
        }
        guard walk.end == 0 else { throw .wrongLength }
        guard oldHash == root, newHash == treeRoot else { throw .wrongRoot }
    }

    /// The places of a range's first and last leaf and of the tree's last leaf, seen from a level.
    private struct Walk {
        var first: UInt64
        var last: UInt64
        var end: UInt64

        mutating func climb() {
            first >>= 1
            last >>= 1
            end >>= 1
        }
    }
}

/// Ranges of leaves that have a root of their own in every larger tree.
package enum Subtree {
    /// Whether the range is not empty and begins at a multiple of the power of two that holds its length.
    package static func isValid(_ range: Range<UInt64>) -> Bool {
        guard !range.isEmpty else { return false }
        let length = range.upperBound - range.lowerBound
        let bits = UInt64(64 - (length - 1).leadingZeroBitCount)
        return bits >= 64 ? range.lowerBound == 0 : range.lowerBound & ((1 << bits) - 1) == 0
    }
}

// MARK: Making proofs

extension InclusionProof {
    /// Makes the proof for a leaf from the roots of complete subtrees (RFC 6962 §2.1.1). Reads about log₂ size
    /// nodes.
    /// - Precondition: `index < size`; whoever asks for another leaf was answered before.
    package init<Failure>(
        index: UInt64,
        size: UInt64,
        node: (NodeAddress) throws(Failure) -> NodeHash
    ) throws(Failure) {
        precondition(index < size, "a proof is made of a leaf that exists")
        var path: [NodeHash] = []
        var range = 0..<size
        while range.count > 1 {
            let middle = range.lowerBound + Split.left(of: UInt64(range.count))
            let (left, right) = (range.lowerBound..<middle, middle..<range.upperBound)
            path.append(try Split.root(of: index < middle ? right : left, node: node))
            range = index < middle ? left : right
        }
        self.init(index: index, size: size, path: path.reversed())
    }
}

extension ConsistencyProof {
    /// Makes the proof between two sizes from the roots of complete subtrees (RFC 6962 §2.1.2).
    /// - Precondition: `oldSize <= newSize`.
    package init<Failure>(
        oldSize: UInt64,
        newSize: UInt64,
        node: (NodeAddress) throws(Failure) -> NodeHash
    ) throws(Failure) {
        precondition(oldSize <= newSize, "a proof leads from the older tree to the newer")
        guard oldSize > 0, oldSize < newSize else {
            self.init(oldSize: oldSize, newSize: newSize, path: [])
            return
        }
        var path: [NodeHash] = []
        var range = 0..<newSize
        while range.upperBound != oldSize {
            let middle = range.lowerBound + Split.left(of: UInt64(range.count))
            let (left, right) = (range.lowerBound..<middle, middle..<range.upperBound)
            path.append(try Split.root(of: oldSize <= middle ? right : left, node: node))
            range = oldSize <= middle ? left : right
        }
        if range.lowerBound > 0 { path.append(try Split.root(of: range, node: node)) }
        self.init(oldSize: oldSize, newSize: newSize, path: path.reversed())
    }
}

/// How RFC 6962 §2.1 cuts a range of leaves: the largest power of two below its length goes left.
private enum Split {
    static func left(of length: UInt64) -> UInt64 {
        1 << UInt64(63 - (length - 1).leadingZeroBitCount)
    }

    /// The root over a range that begins at a multiple of its own power of two.
    static func root<Failure>(
        of range: Range<UInt64>,
        node: (NodeAddress) throws(Failure) -> NodeHash
    ) throws(Failure) -> NodeHash {
        let length = UInt64(range.count)
        if length.nonzeroBitCount == 1 {
            let level = length.trailingZeroBitCount
            return try node(NodeAddress(level: level, index: range.lowerBound >> UInt64(level)))
        }
        let middle = range.lowerBound + left(of: length)
        let leftRoot = try root(of: range.lowerBound..<middle, node: node)
        let rightRoot = try root(of: middle..<range.upperBound, node: node)
        return NodeHash(left: leftRoot, right: rightRoot)
    }
}
