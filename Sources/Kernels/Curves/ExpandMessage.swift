// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 9380 §5.3.1 (expand_message_xmd).
// Adversary: none. Secret: the message. Leaks by design: the length of the message, by time.
// Timing: swift-crypto's hash functions; no branch on the message's content.
// Vectors: Tests/CurvesTests/Vectors (RFC 9380 J.4.2, K.1).

package import Crypto

/// expand_message_xmd of RFC 9380 §5.3.1 for one hash function and one domain separation tag.
///
/// The first block of the outer hash (Z_pad) is hashed once and reused.
package struct MessageExpander<Hash: HashFunction>: Sendable where Hash: Sendable {
    private let padded: Hash
    private let tag: [UInt8]

    /// - Parameter domain: 1…255 bytes (RFC 9380 §3.1).
    package init(domain: [UInt8]) {
        precondition((1...255).contains(domain.count), "a domain separation tag has 1…255 bytes")
        var hash = Hash()
        hash.update(data: [UInt8](repeating: 0, count: Hash.blockByteCount))
        padded = hash
        tag = domain + [UInt8(domain.count)]
    }

    /// `count` uniform bytes, at most 255 times the hash's length.
    package func expand(_ message: some Sequence<UInt8>, count: Int) -> [UInt8] {
        var outer = padded
        outer.update(data: Array(message))
        outer.update(data: [UInt8(count >> 8), UInt8(count & 255), 0] + tag)
        let first = Array(outer.finalize())
        var block = [UInt8](repeating: 0, count: first.count)
        var bytes: [UInt8] = []
        var number: UInt8 = 0
        while bytes.count < count {
            number += 1
            block = Array(Hash.hash(data: zip(first, block).map { $0 ^ $1 } + [number] + tag))
            bytes += block
        }
        return Array(bytes.prefix(count))
    }
}
