// SPDX-License-Identifier: Apache-2.0

private import CAssets
private import Primitives

/// A file that pages refer to. Its path holds its digest, so that a browser may keep it for ever.
package struct Asset: Hashable, Sendable {
    package let path: String
    package let contentType: String
    package let bytes: [UInt8]

    // SAFETY: the function returns a constant array and sets its length.
    package static let styleSheet = Asset(
        name: "hutong",
        ending: "css",
        contentType: "text/css; charset=utf-8",
        bytes: unsafe embedded(hutong_style_sheet)
    )
    // SAFETY: as above.
    package static let icon = Asset(
        name: "hutong",
        ending: "svg",
        contentType: "image/svg+xml",
        bytes: unsafe embedded(hutong_icon)
    )

    /// Works a proof of inclusion out in the reader's browser.
    // SAFETY: as above.
    package static let proofScript = Asset(
        name: "proof",
        ending: "js",
        contentType: "text/javascript; charset=utf-8",
        bytes: unsafe embedded(hutong_proof_script)
    )

    /// Every asset; the border serves these under their paths with `Cache-Control: immutable`.
    package static let all = [styleSheet, icon, proofScript]

    /// What every page is sent with: no script but our own file, no frame, no foreign source, no inline style.
    package static let pageHeaders = [
        "Content-Security-Policy":
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
            + "frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    ]

    private init(name: String, ending: String, contentType: String, bytes: [UInt8]) {
        path = "/assets/\(name)-\(Digest(of: bytes).hex.prefix(12)).\(ending)"
        self.contentType = contentType
        self.bytes = bytes
    }

    private static func embedded(_ file: (UnsafeMutablePointer<Int>?) -> UnsafePointer<UInt8>?) -> [UInt8] {
        var size = 0
        // SAFETY: the C side returns a pointer to a constant array that is exactly `size` bytes long.
        guard let bytes = unsafe file(&size) else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: size))
    }
}
