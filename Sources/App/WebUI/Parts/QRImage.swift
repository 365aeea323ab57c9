// SPDX-License-Identifier: Apache-2.0

private import CQREncode

/// A text as a QR code (GB/T 18284, ISO/IEC 18004), error correction level M: a seventh of it may be damaged.
package enum QRImage {
    /// Modules of white around the code, which readers need (ISO/IEC 18004 §6.3.8).
    private static let quietZone = 4

    /// The picture as SVG in black on white, whatever the page's colors are; `nil` for more text than a code holds
    /// (2,331 bytes). One square a module, drawn as runs.
    package static func svg(_ text: String) -> String? {
        // SAFETY: the text is copied by the call; the code is freed once, after its modules were read.
        guard let code = unsafe QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M) else { return nil }
        defer { unsafe QRcode_free(code) }
        let width = unsafe Int(code.pointee.width)
        var runs = ""
        for row in 0..<width {
            var column = 0
            while column < width {
                let start = column
                // SAFETY: `data` has width × width bytes; the lowest bit says dark.
                while column < width, unsafe code.pointee.data[row * width + column] & 1 == 1 { column += 1 }
                if column > start { runs += "M\(start) \(row)h\(column - start)v1h-\(column - start)z" }
                column += 1
            }
        }
        let side = width + 2 * quietZone
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="-\(quietZone) -\(quietZone) \(side) \(side)" \
            shape-rendering="crispEdges"><path fill="#fff" d="M-\(quietZone) -\(quietZone)h\(side)v\(side)h-\(side)z"/>\
            <path d="\(runs)"/></svg>
            """
    }
}
