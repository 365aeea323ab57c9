// SPDX-License-Identifier: Apache-2.0

private import Crypto
package import Primitives

/// HMAC-SHA256 (RFC 2104), for names and tags that only the holder of a secret can derive.
package enum KeyedDigest {
    /// The 32-byte tag.
    package static func hmac(_ message: [UInt8], key: Redacted<[UInt8]>) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key.disclosed)))
    }
}
