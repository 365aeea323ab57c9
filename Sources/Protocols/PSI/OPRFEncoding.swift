// SPDX-License-Identifier: Apache-2.0
//
// Specification: 2HashDH (Jarecki, Kiayias, Krawczyk 2014) on Curve25519 with Elligator 2, u-coordinates; the large
// side's values kept between requests as in Kiss et al. 2017 ("Private set intersection for unequal set sizes", §4).
// Adversary: as OPRFMatch. Secret: the key, and the items behind the tags. Leaks by design: to whoever holds the tags,
// their number; under one key, which tags stayed from version to version.
// Timing: as Curve25519Group; tags are sorted after they are public to their holder.
// Vectors: runs against plain sets in Tests/PSITests.

package import Oblivious
package import Primitives

/// What the small side keeps of the large one: a tag for each item, which says nothing without an answer for that item.
package struct OPRFTags: Sendable {
    /// SHA-256 of the tags: which encoding this is.
    package let version: Digest
    package let byteCount: Int
    /// Ascending by their low word.
    let tags: Blocks

    package var count: Int { tags.count }
    package var content: [UInt8] { tags.bytes(width: byteCount) }

    /// - Parameter content: as `content` gave it; `nil` when it is not in order.
    package init?(content: [UInt8], byteCount: Int) {
        guard (5...16).contains(byteCount), content.count.isMultiple(of: byteCount) else { return nil }
        let tags = Blocks(bytes: content, width: byteCount)
        for place in 1..<max(1, tags.count) where tags[place].x < tags[place - 1].x { return nil }
        self.init(tags: tags, byteCount: byteCount, version: Self.version(of: content))
    }

    init(tags: Blocks, byteCount: Int, version: Digest) {
        (self.tags, self.byteCount, self.version) = (tags, byteCount, version)
    }

    static func version(of content: [UInt8]) -> Digest { Digest(of: Array("HUTONG-OPRF-V1".utf8) + content) }

    /// Whether the tag is among these: about log2 n steps.
    func contains(_ tag: Block) -> Bool {
        var (low, high) = (0, tags.count)
        while low < high {
            let middle = (low + high) / 2
            if tags[middle].x < tag.x { low = middle + 1 } else { high = middle }
        }
        while low < tags.count, tags[low].x == tag.x {
            if tags[low].y == tag.y { return true }
            low += 1
        }
        return false
    }
}

/// The large side's key and encoding: made once for a set, used for many requests, made anew under a fresh key when the
/// set changes, when it is old, or when it answered `evaluationsMax` items.
package struct OPRFEncoding: Sendable {
    package let tags: OPRFTags
    let key: Curve25519Group.Scalar
    /// What the set was: a change of it asks for another encoding.
    package let source: Digest
    package let madeAtMicroseconds: Int64
    /// Items answered so far, over all requests.
    package private(set) var evaluated: Int

    /// After so many answers the key is not used again; tags are wide enough for as many.
    package static let evaluationsMax = 1 << 24

    /// Makes the encoding: one hash to the curve, one scalar product and one tag an item (3.6 µs on one core).
    ///
    /// - Parameters:
    ///   - items: distinct digests.
    ///   - threads: how many cores may work on it.
    package init(
        of items: [Block], source: Digest, madeAtMicroseconds: Int64, threads: Int,
        using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        let key = Curve25519Group.scalar(using: &generator)
        let width = try PSIPlan(
            method: .unbalanced, output: .rowsToReceiver, recipe: source, receiverCount: 0,
            senderCount: items.count
        ).tagByteCount
        let all = Blocks(count: items.count)
        let starts = Array(stride(from: 0, to: items.count, by: Self.chunk))
        let parts = await withTaskGroup(of: [(Int, [Block])].self) { group in
            for thread in 0..<max(1, threads) {
                let mine = stride(from: thread, to: starts.count, by: max(1, threads)).map { starts[$0] }
                group.addTask {
                    mine.map { start in
                        let items = Array(items[start..<min(items.count, start + Self.chunk)])
                        return (start, OPRFTag.tags(items, Curve25519Group.mask(items, by: key), width))
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        for (start, tags) in parts {
            for (place, tag) in tags.enumerated() { all[start + place] = tag }
        }
        let sorted = BlockKernels.sorted(all).0
        tags = OPRFTags(
            tags: sorted, byteCount: width, version: OPRFTags.version(of: sorted.bytes(width: width)))
        (self.key, self.source, self.madeAtMicroseconds, evaluated) = (key, source, madeAtMicroseconds, 0)
    }

    private static let chunk = 1 << 14

    /// Whether this encoding may answer `count` more items about this set at this time.
    package func serves(_ source: Digest, count: Int, atMicroseconds now: Int64, keptFor age: Duration)
        -> Bool
    {
        source == self.source && evaluated + count <= Self.evaluationsMax
            && now - madeAtMicroseconds < age.components.seconds * 1_000_000
    }

    mutating func answer(_ points: [UInt8]) -> [UInt8]? {
        evaluated += points.count / 32
        return Curve25519Group.multiply(points, by: key)
    }

    // MARK: Kept between requests

    private static let magic = Array("HUTONG-OPRF-KEY1".utf8)

    /// With the key: for a file that only its owner reads.
    package var secretBytes: [UInt8] {
        var bytes = Self.magic + key.bytes + source.bytes
        for number in [madeAtMicroseconds, Int64(evaluated), Int64(tags.byteCount)] {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        return bytes + tags.version.bytes + tags.content
    }

    /// What `secretBytes` gave; `nil` when it is damaged.
    package init?(secretBytes bytes: [UInt8]) {
        guard bytes.count >= 136, bytes.starts(with: Self.magic) else { return nil }
        let number = { (start: Int) in
            (0..<8).reduce(Int64(0)) { $0 | Int64(bytes[start + $1]) << (8 * $1) }
        }
        guard let source = Digest(bytes: Array(bytes[48..<80])),
            let tags = OPRFTags(content: Array(bytes[136...]), byteCount: Int(number(96))),
            tags.version.bytes == Array(bytes[104..<136])
        else { return nil }
        key = Curve25519Group.Scalar(bytes: Array(bytes[16..<48]))
        (self.tags, self.source, madeAtMicroseconds, evaluated) = (tags, source, number(80), Int(number(88)))
    }
}

/// H2(item, H(item)^key) of 2HashDH, cut to the tag's width.
enum OPRFTag {
    private static let domain = Array("HUTONG-OPRF-V1-H2".utf8)

    static func tags(_ items: [Block], _ points: [UInt8], _ width: Int) -> [Block] {
        let low = UInt64.max >> UInt64(max(0, 64 - 8 * width))
        let high = width <= 8 ? 0 : UInt64.max >> UInt64(128 - 8 * width)
        var message: [UInt8] = []
        message.reserveCapacity(domain.count + 48)
        return items.enumerated().map { place, item in
            message.removeAll(keepingCapacity: true)
            message += domain
            item.append(to: &message)
            message += points[32 * place..<32 * place + 32]
            return ItemHash.digest(message) & Block(low, high)
        }
    }
}
