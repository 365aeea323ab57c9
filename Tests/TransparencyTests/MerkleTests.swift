// SPDX-License-Identifier: Apache-2.0

import CMerkle
import Crypto
import Foundation
import Merkle
import Primitives
import Testing

/// The tree of RFC 6962 §2.1 written as the RFC writes it: slow, obvious, and only for comparing.
enum SlowTree {
    static func root(_ leaves: ArraySlice<NodeHash>) -> NodeHash {
        guard let first = leaves.first else { return .emptyTree }
        guard leaves.count > 1 else { return first }
        var left = 1
        while left * 2 < leaves.count { left *= 2 }
        return NodeHash(left: root(leaves.prefix(left)), right: root(leaves.dropFirst(left)))
    }
}

/// Nodes of a growing tree, level by level, for making proofs of every size.
struct NodeTable {
    private var levels: [[NodeHash]] = [[]]

    init(_ leaves: [NodeHash]) {
        levels = [leaves]
        while let last = levels.last, last.count > 1 { levels.append(NodeHash.parents(of: last)) }
    }

    func node(_ address: NodeAddress) -> NodeHash { levels[address.level][Int(address.index)] }
}

@Suite("The Merkle tree", .serialized)
struct MerkleTests {
    private static let leaves = (0..<1101).map { NodeHash(leaf: Array("leaf \($0)".utf8)) }

    @Test("hashes as SHA-256 does, with and without the processor's instructions, at every length to 300")
    func hashing() throws {
        defer { hutong_merkle_accelerate(true) }
        for wanted in [true, false] {
            hutong_merkle_accelerate(wanted)
            for count in 0...300 {
                let entry = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ count) }
                #expect(NodeHash(leaf: entry).bytes == Array(SHA256.hash(data: [0] + entry)))
            }
            let children = Self.leaves.prefix(7)
            let parents = NodeHash.parents(of: children)
            #expect(parents.count == 3)
            for (place, parent) in parents.enumerated() {
                let pair = [1] + children[2 * place].bytes + children[2 * place + 1].bytes
                #expect(parent.bytes == Array(SHA256.hash(data: pair)))
                #expect(parent == NodeHash(left: children[2 * place], right: children[2 * place + 1]))
            }
        }
        #expect(NodeHash.emptyTree.bytes == Array(SHA256.hash(data: [UInt8]())))
    }

    @Test("has the reference roots over the eight reference leaves (RFC 6962 test data)")
    func referenceRoots() throws {
        let entries = [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ]
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ]
        var frontier = Frontier()
        for (entry, root) in zip(entries, roots) {
            frontier.append(NodeHash(leaf: try #require(Hex.decode(entry))))
            #expect(Hex.encode(frontier.root.bytes) == root)
        }
    }

    @Test("grown leaf by leaf has the root of the definition at every size to 1,100")
    func frontier() {
        var frontier = Frontier()
        #expect(frontier.root == .emptyTree)
        for size in 1...1100 {
            frontier.append(Self.leaves[size - 1])
            #expect(frontier.peaks.count == size.nonzeroBitCount)
            if size < 80 || size.isMultiple(of: 37) {
                #expect(frontier.root == SlowTree.root(Self.leaves.prefix(size)))
            }
            let table = Frontier.peakAddresses(size: UInt64(size))
            #expect(table.count == frontier.peaks.count)
        }
    }

    @Test("proves inclusion of every leaf at every size to 1,100, and of no other leaf")
    func inclusion() throws {
        let table = NodeTable(Self.leaves)
        var frontier = Frontier()
        for size in UInt64(1)...1100 {
            frontier.append(Self.leaves[Int(size) - 1])
            let root = frontier.root
            for index in 0..<size {
                let proof = InclusionProof(index: index, size: size) { table.node($0) }
                #expect(try proof.root(over: Self.leaves[Int(index)]) == root)
            }
            let index = size / 2
            let proof = InclusionProof(index: index, size: size) { table.node($0) }
            #expect(throws: ProofFailure.wrongRoot) { try proof.verify(leaf: Self.leaves[1100], root: root) }
            let longer = InclusionProof(index: index, size: size, path: proof.path + [root])
            #expect(throws: ProofFailure.wrongLength) {
                try longer.verify(leaf: Self.leaves[Int(index)], root: root)
            }
        }
    }

    @Test("proves consistency of every pair of sizes to 300, and of no other root")
    func consistency() throws {
        let table = NodeTable(Self.leaves)
        var frontier = Frontier()
        var roots = [frontier.root]
        for leaf in Self.leaves.prefix(300) {
            frontier.append(leaf)
            roots.append(frontier.root)
        }
        for new in 0...300 {
            for old in 0...new {
                let proof = ConsistencyProof(oldSize: UInt64(old), newSize: UInt64(new)) { table.node($0) }
                guard old > 0 || new == 0 else { continue }
                #expect(throws: Never.self) { try proof.verify(oldRoot: roots[old], newRoot: roots[new]) }
                guard old < new else { continue }
                #expect(throws: ProofFailure.self) {
                    try proof.verify(oldRoot: roots[old - 1], newRoot: roots[new])
                }
                #expect(throws: ProofFailure.self) {
                    try proof.verify(oldRoot: roots[old], newRoot: roots[new - 1])
                }
            }
        }
    }

    @Test("answers random proofs of every shape without trapping")
    func fuzz() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<20_000 {
            func number() -> UInt64 { random.next() >> UInt64.random(in: 0..<64, using: &random) }
            let path = (0..<Int.random(in: 0..<70, using: &random)).map { Self.leaves[$0] }
            let inclusion = InclusionProof(index: number(), size: number(), path: path)
            #expect(throws: ProofFailure.self) {
                try inclusion.verify(leaf: Self.leaves[0], root: Self.leaves[1])
            }
            let consistency = ConsistencyProof(oldSize: number(), newSize: number(), path: path)
            #expect(throws: ProofFailure.self) {
                try consistency.verify(oldRoot: Self.leaves[0], newRoot: Self.leaves[1])
            }
        }
    }
}

/// The shared reference data, where the checkout has it beside itself.
enum SharedData {
    static let root = ProcessInfo.processInfo.environment["HUTONG_SHARED"] ?? "../shared"

    /// Files below a folder with an ending; empty where there is no shared data.
    static func files(_ folder: String, ending: String) -> [String] {
        let base = root + "/" + folder
        guard let names = FileManager.default.enumerator(atPath: base) else {
            print("skipped: no shared data (\(base))")
            return []
        }
        return names.compactMap { $0 as? String }.filter { $0.hasSuffix(ending) }.map { base + "/" + $0 }
            .sorted()
    }
}

@Suite("The 518 vectors of transparency-dev/merkle")
struct MerkleVectorTests {
    /// The vectors write sizes as JSON numbers up to 2⁶⁴ − 1 and indices that may be negative.
    private struct Vector: Decodable {
        var leafIdx: UInt64?, treeSize: UInt64?, start: UInt64?, end: UInt64?, size: UInt64?
        var size1: UInt64?, size2: UInt64?
        var root: String?, root1: String?, root2: String?, leafHash: String?
        var proof: [String]?
        var wantErr: Bool
    }

    private static func hash(_ text: String?) -> NodeHash? {
        (text ?? "").isEmpty ? nil : Base64.decode(text ?? "").flatMap { NodeHash(bytes: $0) }
    }

    /// A root that is only compared may be any text in the vectors: it stands for itself.
    private static func root(_ text: String?) -> NodeHash {
        hash(text) ?? NodeHash(leaf: Array("stand-in \(text ?? "")".utf8))
    }

    /// Whether our code accepts the vector; a hash in a proof that has not 32 bytes cannot even be said.
    private static func accepts(_ vector: Vector) -> Bool {
        let path = (vector.proof ?? []).compactMap(hash)
        guard path.count == (vector.proof ?? []).count else { return false }
        do {
            if let index = vector.leafIdx {
                guard let leaf = hash(vector.leafHash), let root = hash(vector.root) else { return false }
                if let size = vector.treeSize {
                    try InclusionProof(index: index, size: size, path: path).verify(leaf: leaf, root: root)
                } else {
                    guard let start = vector.start, let end = vector.end, start <= end else { return false }
                    try InclusionProof.verify(leaf: leaf, at: index, in: start..<end, path: path, root: root)
                }
            } else if let old = vector.size1, let new = vector.size2 {
                let (oldRoot, newRoot) = (root(vector.root1), root(vector.root2))
                try ConsistencyProof(oldSize: old, newSize: new, path: path).verify(
                    oldRoot: oldRoot,
                    newRoot: newRoot
                )
            } else {
                guard let start = vector.start, let end = vector.end, let size = vector.size, start <= end
                else { return false }
                let (root, treeRoot) = (root(vector.root1), root(vector.root2))
                try ConsistencyProof.verify(
                    subtree: start..<end,
                    root: root,
                    in: size,
                    path: path,
                    treeRoot: treeRoot
                )
            }
            return true
        } catch {
            return false
        }
    }

    @Test("are accepted or rejected as they say")
    func vectors() throws {
        let files = SharedData.files("conformance/merkle", ending: ".json")
        guard !files.isEmpty else { return }
        var counted = (accepted: 0, rejected: 0)
        for file in files {
            let vector = try JSONDecoder().decode(
                Vector.self,
                from: Data(contentsOf: URL(fileURLWithPath: file))
            )
            #expect(Self.accepts(vector) != vector.wantErr, "\(file)")
            if vector.wantErr { counted.rejected += 1 } else { counted.accepted += 1 }
        }
        #expect(counted == (36, 482))
    }
}
