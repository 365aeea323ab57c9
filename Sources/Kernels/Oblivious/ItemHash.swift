// SPDX-License-Identifier: Apache-2.0
//
// Specification: FIPS 180-4, SHA-256. Adversary: none. Secret: the message. Leaks by design: its length, by time.
// Timing: no branch on content. Vectors: both ways agree in Tests/PSITests.

import COblivious
import Crypto

/// The first 16 bytes of SHA-256 of short messages, on the processor's instructions where it has them.
package enum ItemHash {
    private static let isFast = hutong_oblivious_has_sha() != 0
    private static let shortBytesMax = 119

    package static func digest(_ message: [UInt8], portably: Bool = false) -> Block {
        guard isFast, !portably, message.count <= shortBytesMax else {
            return Block(littleEndian: Array(SHA256.hash(data: message)))
        }
        var digest = Block()
        // SAFETY: the kernel reads message.count bytes and writes 16.
        unsafe message.withUnsafeBytes { message in
            unsafe withUnsafeMutableBytes(of: &digest) { digest in
                unsafe hutong_sha256_short(message.baseAddress, message.count, digest.baseAddress)
            }
        }
        return digest
    }
}
