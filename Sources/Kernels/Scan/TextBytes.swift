// SPDX-License-Identifier: Apache-2.0
//
// Specification: see each check or recognizer for its clause (GB 11643, GB 32100, ISO/IEC 7812-1, RFC 5321 §4.1.2 …).
// Adversary: whoever wrote the text; any bytes may come. Secret: the text. Leaks by design: kinds and byte offsets.
// Timing: depends on the text; the scanner runs where the text lies. Vectors: Tests/CollectTests.

/// A text's bytes, lent for the length of one call. Every access is checked against its bounds.
///
/// `Span` would say the same; storing one in a struct needs a feature the compiler still calls experimental
/// (2026-11: `Lifetimes`).
@safe package struct TextBytes {
    // SAFETY: made only by `lend`, whose closure the value must not outlive; the subscript checks its bounds.
    private let base: UnsafeBufferPointer<UInt8>

    package var count: Int { unsafe base.count }

    package subscript(_ place: Int) -> UInt8 {
        // SAFETY: the place is checked here.
        precondition(place >= 0 && place < count)
        return unsafe base[place]
    }

    package func extracting(_ range: Range<Int>) -> TextBytes {
        // SAFETY: the slice is inside the buffer, or slicing stops the process.
        unsafe TextBytes(base: UnsafeBufferPointer(rebasing: base[range]))
    }

    /// Lends a buffer's bytes to `body`.
    package static func lend<Answer>(
        _ bytes: UnsafeBufferPointer<UInt8>, to body: (TextBytes) -> Answer
    ) -> Answer {
        // SAFETY: the caller's buffer lives for the call, and `body` must not keep what it is lent.
        unsafe body(TextBytes(base: bytes))
    }

    private init(base: UnsafeBufferPointer<UInt8>) {
        // SAFETY: only stored here.
        unsafe self.base = base
    }

    /// For the C kernel.
    func withPointer<Answer>(_ body: (UnsafeBufferPointer<UInt8>) -> Answer) -> Answer {
        // SAFETY: as in `lend`.
        unsafe body(base)
    }
}

extension [UInt8] {
    /// Lends the array's bytes to `body`.
    package func withTextBytes<Answer>(_ body: (TextBytes) -> Answer) -> Answer {
        // SAFETY: the buffer lives for the call.
        unsafe withUnsafeBufferPointer { bytes in unsafe TextBytes.lend(bytes, to: body) }
    }
}
