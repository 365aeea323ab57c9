// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Primitives

/// Owns one OpenSSL object and frees it.
@safe
final class OpenSSLHandle {
    let pointer: OpaquePointer
    private let free: (OpaquePointer) -> Void

    /// `nil` where OpenSSL gave none.
    init?(_ pointer: OpaquePointer?, free: @escaping (OpaquePointer) -> Void) {
        // SAFETY: a pointer is only kept here; whoever made it hands over the right to free it.
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
        unsafe self.free = free
    }

    deinit {
        // SAFETY: the pointer was given to this owner alone and is freed once, here.
        unsafe free(pointer)
    }
}

/// The reason OpenSSL gives for its last failure on this thread, for the operator's log.
func openSSLReason() -> String {
    var text = [CChar](repeating: 0, count: 256)
    // SAFETY: OpenSSL writes at most `count` bytes, zero-terminated.
    unsafe ERR_error_string_n(ERR_get_error(), &text, text.count)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Reads what an `i2d` function writes: asked once for the size, once for the bytes.
func encodeDER(_ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) -> [UInt8]? {
    // Without a place to write to, i2d functions only count.
    let count = Int(write(nil))
    guard count > 0 else { return nil }
    // SAFETY: the buffer has the size that the same function just asked for.
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
        var place = buffer.baseAddress
        written = unsafe max(0, Int(write(&place)))
    }
}
