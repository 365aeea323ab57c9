// SPDX-License-Identifier: Apache-2.0
//
// Specification: GM/T 0003.2 (GB/T 32918.2) SM2 signatures with SM3, through libcrypto 3.0's EVP interface;
// signatures are DER as GM/T 0009 writes them. The distinguishing identifier is the default of GM/T 0009 and is
// always set explicitly: libcrypto 3.0 otherwise signs over an empty one, which no other product accepts.

private import COpenSSL
package import Identity
package import Primitives

/// An SM2 private key inside libcrypto. It is used by handle: its bytes leave only into the key folder.
package final class SM2Signer: Signer {
    /// The key's name in a key folder.
    package static let fileName = "log-sm2"

    private let key: OpenSSLHandle
    package let publicKey: PublicKey

    /// Makes a new key.
    package init() throws(Problem) {
        // SAFETY: the new context is owned by the handle.
        let context = unsafe OpenSSLHandle(
            EVP_PKEY_CTX_new_from_name(nil, "SM2", nil),
            free: { unsafe EVP_PKEY_CTX_free($0) }
        )
        guard let context,
            unsafe EVP_PKEY_keygen_init(context.pointer) == 1
        else { throw .sm2Unavailable(openSSLReason()) }
        var made: OpaquePointer?
        // SAFETY: the context lives across the call, which stores a new key that the handle then owns.
        guard unsafe EVP_PKEY_generate(context.pointer, &made) == 1,
            let key = unsafe OpenSSLHandle(made, free: { unsafe EVP_PKEY_free($0) })
        else { throw .sm2Unavailable(openSSLReason()) }
        publicKey = try Self.publicKey(of: key)
        self.key = key
    }

    /// Takes up a key from PKCS#8 bytes.
    package init(privateKey: Redacted<[UInt8]>) throws(Problem) {
        let bytes = privateKey.disclosed
        // SAFETY: the view lives across the call, which reads at most `count` bytes and copies them.
        let pointer = unsafe bytes.withUnsafeBufferPointer { view in
            var place = view.baseAddress
            return unsafe d2i_AutoPrivateKey(nil, &place, view.count)
        }
        guard let key = unsafe OpenSSLHandle(pointer, free: { unsafe EVP_PKEY_free($0) }),
            unsafe EVP_PKEY_is_a(key.pointer, "SM2") == 1
        else { throw Problem(.fault, "identity.key-unreadable", ["key": .text(Self.fileName)]) }
        publicKey = try Self.publicKey(of: key)
        self.key = key
    }

    /// The key of the folder, made and stored at the first call.
    package static func open(in folder: KeyFolder) throws(Problem) -> SM2Signer {
        if let stored = try folder.stored(fileName) { return try SM2Signer(privateKey: stored) }
        let signer = try SM2Signer()
        try folder.store(try signer.privateKey(), fileName)
        return signer
    }

    package func signature(for message: [UInt8]) throws(Problem) -> [UInt8] {
        guard let digest = SM2Digest(key) else { throw .sm2Unavailable(openSSLReason()) }
        guard let signature = digest.sign(message) else { throw .sm2Unavailable(openSSLReason()) }
        return signature
    }

    /// The PKCS#8 bytes, for the key folder alone.
    private func privateKey() throws(Problem) -> Redacted<[UInt8]> {
        // SAFETY: the key lives across the calls; the PKCS#8 structure is owned by the handle.
        guard
            let wrapped = unsafe OpenSSLHandle(
                EVP_PKEY2PKCS8(key.pointer),
                free: { unsafe PKCS8_PRIV_KEY_INFO_free($0) }
            ),
            let bytes = unsafe encodeDER({ place in unsafe i2d_PKCS8_PRIV_KEY_INFO(wrapped.pointer, place) })
        else { throw .sm2Unavailable(openSSLReason()) }
        return Redacted(bytes)
    }

    private static func publicKey(of key: OpenSSLHandle) throws(Problem) -> PublicKey {
        // The point is the last 65 bytes of the SubjectPublicKeyInfo (RFC 5480 §2.2).
        // SAFETY: the key lives across the calls.
        guard let info = unsafe encodeDER({ place in unsafe i2d_PUBKEY(key.pointer, place) }),
            let publicKey = PublicKey(.sm2, bytes: Array(info.suffix(65)))
        else { throw .sm2Unavailable(openSSLReason()) }
        return publicKey
    }
}

// SAFETY: libcrypto keys may be used by several threads at once as long as nobody changes them; each signature
// has a context of its own (openssl-threads(7)).
extension SM2Signer: @unchecked Sendable {}

/// Checks SM2 signatures: given to `SignatureCheckers` where libcrypto is there.
package struct SM2Checker: SignatureChecker {
    package let algorithm = KeyAlgorithm.sm2

    package init() {}

    package func isValid(_ signature: [UInt8], for message: [UInt8], by key: PublicKey) -> Bool {
        guard key.algorithm == .sm2, let key = Self.load(key), let digest = SM2Digest(key) else {
            return false
        }
        return digest.verify(signature, message)
    }

    /// SubjectPublicKeyInfo of a key on the curve SM2 (OID 1.2.156.10197.1.301), before the 65 bytes of the point.
    private static let infoPrefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d, 0x03, 0x42, 0x00,
    ]

    /// `nil` if the bytes are no point of the curve.
    private static func load(_ key: PublicKey) -> OpenSSLHandle? {
        let info = infoPrefix + key.bytes
        // SAFETY: the view lives across the call, which reads at most `count` bytes and copies them.
        return unsafe info.withUnsafeBufferPointer { view in
            var place = view.baseAddress
            return unsafe OpenSSLHandle(
                d2i_PUBKEY(nil, &place, view.count),
                free: { unsafe EVP_PKEY_free($0) }
            )
        }
    }
}

/// One SM2-with-SM3 operation: the key, and the identifier that is hashed before the message.
private struct SM2Digest {
    /// GM/T 0009 §10: the default distinguishing identifier.
    private static let identifier = Array("1234567812345678".utf8)

    private let key: OpenSSLHandle
    private let context: OpenSSLHandle
    private let keyContext: OpenSSLHandle

    init?(_ key: OpenSSLHandle) {
        // SAFETY: the contexts are owned by handles that live as long as this value; the identifier is copied.
        guard let context = unsafe OpenSSLHandle(EVP_MD_CTX_new(), free: { unsafe EVP_MD_CTX_free($0) }),
            let keyContext = unsafe OpenSSLHandle(
                EVP_PKEY_CTX_new(key.pointer, nil),
                free: { unsafe EVP_PKEY_CTX_free($0) }
            ),
            unsafe EVP_PKEY_CTX_set1_id(keyContext.pointer, Self.identifier, Int32(Self.identifier.count)) > 0
        else { return nil }
        unsafe EVP_MD_CTX_set_pkey_ctx(context.pointer, keyContext.pointer)
        self.key = key
        self.context = context
        self.keyContext = keyContext
    }

    func sign(_ message: [UInt8]) -> [UInt8]? {
        var count = 0
        // SAFETY: both arrays live across the calls; the first call asks for the size, the second fills it.
        guard unsafe EVP_DigestSignInit(context.pointer, nil, EVP_sm3(), nil, key.pointer) == 1,
            unsafe EVP_DigestSign(context.pointer, nil, &count, message, message.count) == 1
        else { return nil }
        var signature = [UInt8](repeating: 0, count: count)
        guard unsafe EVP_DigestSign(context.pointer, &signature, &count, message, message.count) == 1
        else { return nil }
        return Array(signature.prefix(count))
    }

    func verify(_ signature: [UInt8], _ message: [UInt8]) -> Bool {
        // SAFETY: both arrays live across the call, which reads exactly their counts.
        unsafe EVP_DigestVerifyInit(context.pointer, nil, EVP_sm3(), nil, key.pointer) == 1
            && EVP_DigestVerify(context.pointer, signature, signature.count, message, message.count) == 1
    }
}

/// SM3 (GB/T 32905): a second digest of an asset beside SHA-256, where 国密 asks for it.
package enum SM3 {
    /// 32 bytes.
    package static func digest(of bytes: [UInt8]) throws(Problem) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 32
        // SAFETY: the input is read for its count; SM3 writes 32 bytes.
        guard unsafe EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sm3(), nil) == 1 else {
            throw .sm2Unavailable(openSSLReason())
        }
        return digest
    }
}

extension Problem {
    static func sm2Unavailable(_ note: String) -> Problem {
        Problem(.fault, "identity.sm2-unavailable", operatorNote: note)
    }
}
