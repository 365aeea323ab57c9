// SPDX-License-Identifier: Apache-2.0
//
// Specification: RFC 3161 through libcrypto's TS_* functions. The authority's key is P-256 or RSA: tokens signed
// with SM2 fail in OpenSSL 3.0 ("pkcs7 add signature error", 2026-11; look again with `openssl ts -reply` when
// the library changes).

private import COpenSSL
private import Foundation
import Identity
package import Primitives

/// RFC 3161 requests and replies through libcrypto.
package struct OpenSSLTimestamps: TimestampTokens {
    /// DER of AlgorithmIdentifier {id-sha256, NULL} (RFC 8017 §B.1).
    private static let sha256Algorithm: [UInt8] = [
        0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    ]

    package init() {}

    /// RFC 3161 §2.4.1, as DER: version 1, SHA-256 imprint, an eight-byte nonce, certReq true.
    package func request(over digest: Digest) throws(Problem) -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        // The first bit clear and the next set: a positive integer of exactly eight bytes.
        let nonce = random.next() >> 2 | 1 << 62
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: nonce >> UInt64(56 - 8 * $0)) }
        let imprint: [UInt8] = [0x30, 0x31] + Self.sha256Algorithm + [0x04, 0x20] + digest.bytes
        let body: [UInt8] = [0x02, 0x01, 0x01] + imprint + [0x02, 0x08] + bytes + [0x01, 0x01, 0xff]
        return [0x30, UInt8(body.count)] + body
    }

    package func time(
        of reply: [UInt8],
        to request: [UInt8],
        trusting certificates: String
    ) throws(Problem) -> Instant {
        // SAFETY: the view lives across the call, which reads at most `count` bytes and copies them.
        let parsed = unsafe request.withUnsafeBufferPointer { view in
            var place = view.baseAddress
            return unsafe OpenSSLHandle(d2i_TS_REQ(nil, &place, view.count), free: { unsafe TS_REQ_free($0) })
        }
        guard let parsed else { throw Self.refused("the request is none") }
        // SAFETY: the context copies what it needs of the request and is owned by the handle.
        let context = unsafe OpenSSLHandle(
            TS_REQ_to_TS_VERIFY_CTX(parsed.pointer, nil),
            free: { unsafe TS_VERIFY_CTX_free($0) }
        )
        return try check(reply, context: context, trusting: certificates)
    }

    package func time(
        of reply: [UInt8],
        over digest: Digest,
        trusting certificates: String
    ) throws(Problem) -> Instant {
        // SAFETY: the context is owned by the handle.
        let context = unsafe OpenSSLHandle(TS_VERIFY_CTX_new(), free: { unsafe TS_VERIFY_CTX_free($0) })
        guard let context else { throw Self.refused(openSSLReason()) }
        Self.setImprint(digest, of: context)
        return try check(reply, context: context, trusting: certificates)
    }

    private static func setImprint(_ digest: Digest, of context: OpenSSLHandle) {
        // SAFETY: 32 bytes are allocated by libcrypto and 32 written; the context owns and frees them.
        unsafe TS_VERIFY_CTX_add_flags(context.pointer, Int32(TS_VFY_VERSION | TS_VFY_IMPRINT))
        guard let memory = unsafe CRYPTO_malloc(Digest.byteCount, #file, #line) else { return }
        unsafe memory.copyMemory(from: digest.bytes, byteCount: Digest.byteCount)
        unsafe TS_VERIFY_CTX_set_imprint(
            context.pointer,
            memory.assumingMemoryBound(to: UInt8.self),
            Digest.byteCount
        )
    }

    /// The checks of RFC 3161 §2.4.2 that follow from the context, the signature, and the chain.
    private func check(
        _ reply: [UInt8],
        context: OpenSSLHandle?,
        trusting certificates: String
    ) throws(Problem) -> Instant {
        guard let context else { throw Self.refused(openSSLReason()) }
        // SAFETY: the view lives across the call, which reads at most `count` bytes and copies them.
        let response = unsafe reply.withUnsafeBufferPointer { view in
            var place = view.baseAddress
            return unsafe OpenSSLHandle(
                d2i_TS_RESP(nil, &place, view.count),
                free: { unsafe TS_RESP_free($0) }
            )
        }
        guard let response else { throw Self.refused("the reply is none") }
        // SAFETY: the context takes over the store and frees it with itself.
        unsafe TS_VERIFY_CTX_add_flags(context.pointer, Int32(TS_VFY_SIGNATURE))
        unsafe TS_VERIFY_CTX_set_store(context.pointer, try Self.trustStore(certificates))
        guard unsafe TS_RESP_verify_response(context.pointer, response.pointer) == 1 else {
            throw Self.refused(openSSLReason())
        }
        return try Self.stampedTime(response)
    }

    private static func stampedTime(_ response: OpenSSLHandle) throws(Problem) -> Instant {
        // SAFETY: what is read belongs to the response, which lives across the calls; `parts` is written once.
        var parts = unsafe tm()
        guard let info = unsafe TS_RESP_get_tst_info(response.pointer),
            let time = unsafe TS_TST_INFO_get_time(info), unsafe ASN1_TIME_to_tm(time, &parts) == 1
        else { throw refused("the token has no time") }
        return unsafe Instant(seconds: Int64(timegm(&parts)))
    }

    /// A store with these certificates as roots. The caller's context owns it.
    private static func trustStore(_ certificates: String) throws(Problem) -> OpaquePointer {
        // SAFETY: the store is made here and handed to the caller's context, which frees it.
        guard let store = unsafe X509_STORE_new() else { throw refused(openSSLReason()) }
        let text = Array(certificates.utf8)
        // SAFETY: the memory view is read while `text` lives; each certificate is counted by the store and freed.
        let count = unsafe text.withUnsafeBytes { view in
            var count = 0
            guard
                let source = unsafe OpenSSLHandle(
                    BIO_new_mem_buf(view.baseAddress, Int32(view.count)),
                    free: { unsafe _ = BIO_free($0) }
                )
            else { return 0 }
            while let certificate = unsafe PEM_read_bio_X509(source.pointer, nil, nil, nil) {
                unsafe X509_STORE_add_cert(store, certificate)
                unsafe X509_free(certificate)
                count += 1
            }
            return count
        }
        guard count > 0 else {
            unsafe X509_STORE_free(store)
            throw refused("no trusted certificate could be read")
        }
        return unsafe store
    }

    private static func refused(_ note: String) -> Problem {
        Problem(.invalid, "identity.timestamp-refused", operatorNote: note)
    }
}
