// SPDX-License-Identifier: Apache-2.0

package import Crypto

/// A SHA-256 digest: 32 bytes.
///
/// Comparing two digests is not constant-time: a digest is public. Secret tags are compared by swift-crypto.
package struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let byteCount = 32

    package let bytes: [UInt8]

    /// Takes exactly 32 bytes; `nil` for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Takes 64 hexadecimal digits; `nil` for anything else.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    package init(_ digest: SHA256.Digest) {
        // SAFETY: the digest's bytes are copied during the call that lends them.
        bytes = unsafe digest.withUnsafeBytes { unsafe Array($0) }
    }

    /// SHA-256 over the bytes.
    package init(of bytes: some Sequence<UInt8>) {
        var hash = SHA256()
        // SAFETY: the buffer is read only during the call that lends it.
        if bytes.withContiguousStorageIfAvailable({ unsafe hash.update(bufferPointer: .init($0)) }) == nil {
            hash.update(data: Array(bytes))
        }
        self.init(hash.finalize())
    }

    /// SHA-256 over the text's UTF-8.
    package init(of text: String) {
        self.init(of: text.utf8)
    }

    package var hex: String { Hex.encode(bytes) }
    package var description: String { hex }

    package static func < (left: Digest, right: Digest) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
