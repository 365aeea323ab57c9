// SPDX-License-Identifier: Apache-2.0

package import Merkle

/// The place of a tile: up to 256 neighboring hashes of one level, each level eight levels of the tree above
/// the last (c2sp.org/tlog-tiles@v0.1.0).
package struct TileAddress: Hashable, Sendable {
    /// Hashes in a full tile, entries in a full bundle.
    package static let widthMax = 256
    /// 256^8 leaves are more than any log has.
    package static let levelMax = 7

    package enum Content: Hashable, Sendable {
        /// Hashes of tree level 8·level.
        case hashes(level: Int)
        case entries
    }

    package let content: Content
    package let index: UInt64
    /// 1…256; below 256 the tile is partial.
    package let width: Int

    package init(_ content: Content, index: UInt64, width: Int) {
        precondition((1...Self.widthMax).contains(width), "empty tiles do not exist")
        self.content = content
        self.index = index
        self.width = width
    }

    /// How wide the tile is in a log of this size; `nil` where it would be empty.
    package init?(_ content: Content, index: UInt64, logSize: UInt64) {
        let level = if case .hashes(let level) = content { level } else { 0 }
        let hashes = logSize >> UInt64(8 * level)
        guard index <= hashes >> 8, index < hashes >> 8 || hashes & 255 != 0 else { return nil }
        self.init(content, index: index, width: index < hashes >> 8 ? Self.widthMax : Int(hashes & 255))
    }

    package var isFull: Bool { width == Self.widthMax }

    /// `tile/0/x001/x234/067`, `tile/entries/000.p/5`.
    package var path: String {
        let kind = if case .hashes(let level) = content { "\(level)" } else { "entries" }
        return "tile/\(kind)/\(Self.encode(index))" + (isFull ? "" : ".p/\(width)")
    }

    /// Reads a path exactly as `path` writes it; `nil` for anything else.
    package init?(path: some StringProtocol) {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == "tile" else { return nil }
        let content: Content
        if parts[1] == "entries" {
            content = .entries
        } else {
            guard let level = Decimal.parse(parts[1]), level <= Self.levelMax else { return nil }
            content = .hashes(level: Int(level))
        }
        var width = Self.widthMax
        if let last = parts.dropLast().last, last.hasSuffix(".p") {
            guard let partial = Decimal.parse(parts.removeLast()), (1..<256).contains(partial) else {
                return nil
            }
            width = Int(partial)
            parts[parts.count - 1] = last.dropLast(2)
        }
        guard let index = Self.decode(parts.dropFirst(2)) else { return nil }
        self.init(content, index: index, width: width)
    }

    /// Groups of three digits, all but the last marked with an x.
    private static func encode(_ index: UInt64) -> String {
        var groups: [String] = []
        var rest = index
        repeat {
            let digits = String(rest % 1000)
            groups.append(String(repeating: "0", count: 3 - digits.utf8.count) + digits)
            rest /= 1000
        } while rest > 0
        return groups.enumerated().reversed().map { $0.offset > 0 ? "x" + $0.element : $0.element }
            .joined(separator: "/")
    }

    private static func decode(_ groups: ArraySlice<some StringProtocol>) -> UInt64? {
        guard (1...6).contains(groups.count), let last = groups.last else { return nil }
        var index: UInt64 = 0
        for group in groups.dropLast().map({ ($0.dropFirst(), $0.first == "x") }) + [(last[...], true)] {
            guard group.1, group.0.utf8.count == 3, group.0.utf8.allSatisfy({ (48...57).contains($0) }),
                let value = UInt64(group.0)
            else { return nil }
            index = index * 1000 + value
        }
        // `000/001` would be a second name for tile 1.
        return encode(index) == groups.joined(separator: "/") ? index : nil
    }
}

/// A tile's bytes: its hashes one after the other.
package enum HashTile {
    package static func encode(_ hashes: some Sequence<NodeHash>) -> [UInt8] {
        hashes.flatMap(\.bytes)
    }

    /// `nil` unless the bytes are exactly `width` hashes.
    package static func decode(_ bytes: [UInt8], width: Int) -> [NodeHash]? {
        guard bytes.count == width * NodeHash.byteCount else { return nil }
        return stride(from: 0, to: bytes.count, by: NodeHash.byteCount).compactMap {
            NodeHash(bytes: bytes[$0..<$0 + NodeHash.byteCount])
        }
    }
}

/// An entry bundle's bytes: each entry after its length as two bytes, big-endian.
package enum EntryBundle {
    package static let entryBytesMax = 65_535

    package static func encode(_ entries: some Sequence<[UInt8]>) -> [UInt8] {
        entries.reduce(into: []) { bytes, entry in
            precondition(entry.count <= entryBytesMax, "a leaf is a few hundred bytes")
            bytes.append(UInt8(entry.count >> 8))
            bytes.append(UInt8(entry.count & 255))
            bytes.append(contentsOf: entry)
        }
    }

    /// `nil` unless the bytes are exactly `count` entries.
    package static func decode(_ bytes: [UInt8], count: Int) -> [[UInt8]]? {
        var entries: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 2, entries.count < count else { return nil }
            let size = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            guard rest.count >= 2 + size else { return nil }
            entries.append(Array(rest.dropFirst(2).prefix(size)))
            rest = rest.dropFirst(2 + size)
        }
        return entries.count == count ? entries : nil
    }
}
