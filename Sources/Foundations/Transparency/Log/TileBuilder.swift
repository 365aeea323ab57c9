// SPDX-License-Identifier: Apache-2.0

package import Merkle
package import Primitives

/// Grows a log's tiles from its leaves. Pure: the same leaves give the same files, whoever asks and whenever.
///
/// Keeps the right edge only: at most 255 entries and 255 hashes a level, so memory does not grow with the log.
package struct TileBuilder: Sendable {
    /// A file of the log.
    package struct File: Hashable, Sendable {
        package let address: TileAddress
        package let bytes: [UInt8]
    }

    /// How many leaves were taken.
    package private(set) var size: UInt64 = 0
    private var entries: [[UInt8]] = []
    /// The hashes of the unfinished tile of each level; never 256 of them.
    private var levels: [[NodeHash]] = [[]]

    package init() {}

    /// Takes the next leaf; `full` receives the bundle and the tiles that it completes. Amortized, one node
    /// hash a leaf.
    package mutating func append(_ entry: [UInt8], hash: NodeHash, full: inout [File]) {
        entries.append(entry)
        levels[0].append(hash)
        size += 1
        guard entries.count == TileAddress.widthMax else { return }
        let index = size >> 8 - 1
        full.append(
            .init(address: .init(.entries, index: index, width: 256), bytes: EntryBundle.encode(entries))
        )
        entries.removeAll(keepingCapacity: true)
        completeTiles(into: &full)
    }

    /// A full tile's root is one hash of the level above, which may complete a tile there, and so on.
    private mutating func completeTiles(into full: inout [File]) {
        var level = 0
        while levels[level].count == TileAddress.widthMax {
            let index = size >> UInt64(8 * (level + 1)) - 1
            full.append(
                .init(
                    address: .init(.hashes(level: level), index: index, width: 256),
                    bytes: HashTile.encode(levels[level])
                )
            )
            if levels.count == level + 1 { levels.append([]) }
            levels[level + 1].append(Self.root(of: levels[level]))
            levels[level].removeAll(keepingCapacity: true)
            level += 1
        }
    }

    /// The partial bundle and tiles of the right edge.
    package var partialFiles: [File] {
        var files: [File] = []
        if !entries.isEmpty {
            let address = TileAddress(.entries, index: size >> 8, width: entries.count)
            files.append(.init(address: address, bytes: EntryBundle.encode(entries)))
        }
        for (level, hashes) in levels.enumerated() where !hashes.isEmpty {
            let index = size >> UInt64(8 * (level + 1))
            let address = TileAddress(.hashes(level: level), index: index, width: hashes.count)
            files.append(.init(address: address, bytes: HashTile.encode(hashes)))
        }
        return files
    }

    /// The root over all leaves so far. At most 255 hashes a level.
    package var root: NodeHash {
        let peaks = levels.reversed().flatMap(Self.peaks)
        guard let last = peaks.last else { return .emptyTree }
        return peaks.dropLast().reversed().reduce(last) { NodeHash(left: $1, right: $0) }
    }

    /// The roots of the largest complete subtrees over neighboring hashes, from left to right.
    private static func peaks(_ hashes: [NodeHash]) -> [NodeHash] {
        var peaks: [NodeHash] = []
        var rest = hashes[...]
        while !rest.isEmpty {
            let width = 1 << (Int.bitWidth - 1 - rest.count.leadingZeroBitCount)
            peaks.append(root(of: Array(rest.prefix(width))))
            rest = rest.dropFirst(width)
        }
        return peaks
    }

    /// The root over a power of two of hashes.
    static func root(of hashes: [NodeHash]) -> NodeHash {
        precondition(hashes.count.nonzeroBitCount == 1, "a complete subtree has a power of two of hashes")
        var level = hashes
        while level.count > 1 { level = NodeHash.parents(of: level) }
        return level[0]
    }
}

extension TileBuilder {
    /// Takes up a log of a size from its stored right edge. `nil` where a file is missing or is not what its
    /// path says; that the whole is the log the checkpoint names shows in `root`.
    package init?(size: UInt64, storage: some LogStorage) throws(Problem) {
        self.init()
        self.size = size
        if size & 255 != 0 {
            guard let address = TileAddress(.entries, index: size >> 8, logSize: size),
                let bytes = try storage.read(address.path),
                let entries = EntryBundle.decode(bytes, count: address.width)
            else { return nil }
            self.entries = entries
        }
        levels = []
        for level in 0...TileAddress.levelMax where level == 0 || size >> UInt64(8 * level) > 0 {
            levels.append([])
            let hashes = size >> UInt64(8 * level)
            guard hashes & 255 != 0 else { continue }
            guard let address = TileAddress(.hashes(level: level), index: hashes >> 8, logSize: size),
                let bytes = try storage.read(address.path),
                let tile = HashTile.decode(bytes, width: address.width)
            else { return nil }
            levels[level] = tile
        }
        guard zip(entries, levels[0]).allSatisfy({ NodeHash(leaf: $0) == $1 }) else { return nil }
    }
}
