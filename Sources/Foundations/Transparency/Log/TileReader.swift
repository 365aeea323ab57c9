// SPDX-License-Identifier: Apache-2.0

package import Merkle
package import Primitives

/// Reads a log's nodes from its tiles, to make proofs for one size. Tiles once read are kept while the reader
/// lives: a proof touches one or two a level.
package struct TileReader {
    package let size: UInt64
    private let read: (String) throws(Problem) -> [UInt8]?
    private var tiles: [TileAddress: [NodeHash]] = [:]

    package init(size: UInt64, storage: any LogStorage) {
        self.size = size
        read = { path throws(Problem) in try storage.read(path) }
    }

    package mutating func inclusionProof(index: LeafIndex) throws(Problem) -> InclusionProof {
        guard index < size else {
            throw Problem(
                .missing,
                "transparency.leaf-missing",
                ["index": .integer(Int64(clamping: index)), "size": .integer(Int64(clamping: size))]
            )
        }
        return try InclusionProof(index: index, size: size) { address throws(Problem) in try node(address) }
    }

    package mutating func consistencyProof(from oldSize: UInt64) throws(Problem) -> ConsistencyProof {
        guard oldSize <= size else {
            throw Problem(
                .missing,
                "transparency.leaf-missing",
                ["index": .integer(Int64(clamping: oldSize)), "size": .integer(Int64(clamping: size))]
            )
        }
        return try ConsistencyProof(oldSize: oldSize, newSize: size) { address throws(Problem) in
            try node(address)
        }
    }

    /// The root over the whole size.
    package mutating func root() throws(Problem) -> NodeHash {
        var peaks: [NodeHash] = []
        for address in Frontier.peakAddresses(size: size) { peaks.append(try node(address)) }
        return Frontier(size: size, peaks: peaks)?.root ?? .emptyTree
    }

    /// The root of a complete subtree, folded from the tile in whose height it lies.
    private mutating func node(_ address: NodeAddress) throws(Problem) -> NodeHash {
        let height = UInt64(address.level % 8)
        let first = address.index << height
        let tile = try tile(level: address.level / 8, index: first >> 8)
        let start = Int(first & 255)
        let width = 1 << Int(height)
        guard tile.count >= start + width else { throw damaged("tile/\(address.level / 8)/\(first >> 8)") }
        return TileBuilder.root(of: Array(tile[start..<start + width]))
    }

    private mutating func tile(level: Int, index: UInt64) throws(Problem) -> [NodeHash] {
        guard let address = TileAddress(.hashes(level: level), index: index, logSize: size) else {
            throw damaged("tile/\(level)/\(index)")
        }
        if let tile = tiles[address] { return tile }
        let full = TileAddress(address.content, index: index, width: TileAddress.widthMax)
        var bytes = try read(address.path)
        // A partial tile may be gone once the full one exists; its beginning is the same.
        if bytes == nil, !address.isFull { bytes = try read(full.path) }
        guard let bytes,
            let hashes = HashTile.decode(Array(bytes.prefix(address.width * 32)), width: address.width)
        else { throw damaged(address.path) }
        tiles[address] = hashes
        return hashes
    }

    private func damaged(_ path: String) -> Problem {
        Problem(.fault, "transparency.tile-damaged", ["tile": .text(path)])
    }
}
