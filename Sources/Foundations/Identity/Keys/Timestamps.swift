// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Asks a timestamp authority (RFC 3161) and checks what it answers; filled by an adapter. The exchange itself
/// is one POST of the request's bytes.
package protocol TimestampTokens: Sendable {
    /// A request for a stamp over a SHA-256 digest, with a fresh nonce and asking for the authority's
    /// certificate: the body of an `application/timestamp-query`.
    func request(over digest: Digest) throws(Problem) -> [UInt8]

    /// Checks a reply to this very request: granted, the same digest and nonce, a valid signature whose
    /// certificate leads to one of the trusted ones (PEM). Returns the stamped time.
    func time(of reply: [UInt8], to request: [UInt8], trusting certificates: String) throws(Problem)
        -> Instant

    /// Checks a stored reply over a digest without its request, as anybody can later.
    func time(of reply: [UInt8], over digest: Digest, trusting certificates: String) throws(Problem)
        -> Instant
}
