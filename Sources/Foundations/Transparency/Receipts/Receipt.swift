// SPDX-License-Identifier: Apache-2.0

package import Merkle
package import Primitives

/// A proof that a leaf stands in a log, complete in itself: it verifies offline, for ever, without us
/// (c2sp.org/tlog-proof@v1). Its file ends in `.tlog-proof`.
package struct Receipt: Hashable, Sendable {
    /// Refused beyond this: the largest content, its leaf and a checkpoint with every signature fit.
    package static let bytesMax = 256 * 1024

    /// Why bytes are not a receipt.
    package enum Failure: Error, Hashable, Sendable {
        case tooLong, notAReceipt, malformedExtra, malformedIndex, malformedHash, malformedCheckpoint
    }

    /// What is disclosed besides the proof: canonical JSON of `{content, leaf, salt}`. The proof does not cover
    /// it by itself; `Disclosure` checks it against the leaf.
    package let extra: [UInt8]?
    package let index: LeafIndex
    package let path: [NodeHash]
    package let checkpoint: SignedCheckpoint

    package init(extra: [UInt8]?, proof: InclusionProof, checkpoint: SignedCheckpoint) {
        self.extra = extra
        index = proof.index
        path = proof.path
        self.checkpoint = checkpoint
    }

    package var proof: InclusionProof {
        InclusionProof(index: index, size: checkpoint.checkpoint.size, path: path)
    }

    package var bytes: [UInt8] {
        var text = "c2sp.org/tlog-proof@v1\n"
        if let extra { text += "extra \(Base64.encode(extra))\n" }
        text += "index \(index)\n"
        for hash in path { text += Base64.encode(hash.bytes) + "\n" }
        return Array((text + "\n").utf8) + checkpoint.bytes
    }

    package init(parsing bytes: [UInt8]) throws(Failure) {
        guard bytes.count <= Self.bytesMax else { throw .tooLong }
        guard
            let blank = bytes.indices.dropLast().first(where: { bytes[$0] == 0x0a && bytes[$0 + 1] == 0x0a }),
            let head = String(validating: bytes[..<blank], as: UTF8.self)
        else { throw .notAReceipt }
        var lines = head.split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst() == "c2sp.org/tlog-proof@v1" else { throw .notAReceipt }
        var extra: [UInt8]?
        if let line = lines.first, line.hasPrefix("extra ") {
            extra = Base64.decode(line.dropFirst(6))
            guard extra != nil else { throw .malformedExtra }
            lines = lines.dropFirst()
        }
        guard let line = lines.popFirst(), line.hasPrefix("index "),
            let index = Decimal.parse(line.dropFirst(6))
        else { throw .malformedIndex }
        var path: [NodeHash] = []
        for line in lines {
            guard path.count < 64, let hash = Base64.decode(line).flatMap({ NodeHash(bytes: $0) }) else {
                throw .malformedHash
            }
            path.append(hash)
        }
        guard let checkpoint = SignedCheckpoint(parsing: Array(bytes[(blank + 2)...])) else {
            throw .malformedCheckpoint
        }
        self.extra = extra
        self.index = index
        self.path = path
        self.checkpoint = checkpoint
    }
}

/// What a receipt discloses about its leaf.
package struct Disclosure: Hashable, Sendable {
    package let leaf: Leaf
    package let salt: Salt
    package let content: JSON

    /// The leaf's hash in hexadecimal: how one receipt names the leaf of another.
    package var leafHash: String { Hex.encode(leaf.hash.bytes) }

    package init(_ stored: StoredLeaf) throws(Problem) {
        guard let content = try? JSON(parsing: stored.content) else {
            throw Problem(
                .fault,
                "transparency.leaf-damaged",
                ["index": .integer(Int64(clamping: stored.index))]
            )
        }
        leaf = stored.leaf
        salt = stored.salt
        self.content = content
    }

    /// Reads a receipt's extra data. `nil` unless the content is the one whose salted digest the leaf carries.
    package init?(parsing extra: [UInt8]) {
        guard let json = try? JSON(parsing: extra), let content = json["content"],
            let leaf = (json["leaf"]?.canonicalBytes).flatMap({ Leaf(parsing: $0) }),
            let salt = (json["salt"]?.text).flatMap({ Hex.decode($0) }).flatMap({ Salt(bytes: $0) }),
            leaf.contentDigest == Leaf.contentDigest(content.canonicalBytes, salt: salt)
        else { return nil }
        self.leaf = leaf
        self.salt = salt
        self.content = content
        // One disclosure has one text, so that every changed byte is found.
        guard bytes == extra else { return nil }
    }

    package var bytes: [UInt8] {
        let leaf = (try? JSON(parsing: self.leaf.bytes)) ?? .null
        return JSON.object(["content": content, "leaf": leaf, "salt": .string(Hex.encode(salt.bytes))])
            .canonicalBytes
    }
}
