// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import Primitives

/// Turns a text file into UTF-8 without a byte-order mark, in blocks, through the system's iconv.
package enum TextDecoding {
    /// Writes `file` as UTF-8 to `target`. Throws `tables.encoding-unknown` at the first byte that does not fit,
    /// `tables.file-unwritten` where the disk does not take it.
    package static func decode(
        _ file: String, from encoding: CSVLayout.Encoding, to target: String
    ) throws(Problem) {
        let decoder = try Decoder(encoding, fileName: FileSurvey.fileName(file))
        guard FileManager.default.createFile(atPath: target, contents: nil),
            let output = FileHandle(forWritingAtPath: target)
        else { throw Problem(.unavailable, "tables.file-unwritten", operatorNote: target) }
        defer { try? output.close() }
        try FileSurvey.readBlocks(of: file) { block throws(Problem) in
            try write(try decoder.decode(block), to: output)
        }
        try decoder.finish()
    }

    private static func write(_ bytes: [UInt8], to output: FileHandle) throws(Problem) {
        do {
            try output.write(contentsOf: Data(bytes))
        } catch {
            throw Problem(.unavailable, "tables.file-unwritten", operatorNote: "\(error)")
        }
    }

    /// Owns one iconv descriptor and the bytes of a character that a block's end cut in two.
    @safe private final class Decoder {
        // SAFETY: the descriptor is opened by init, used by this object alone, and closed by deinit.
        private let descriptor: iconv_t?
        private let fileName: String
        private var rest: [UInt8] = []
        private var offset: Int64 = 0
        private var isAtStart = true

        init(_ encoding: CSVLayout.Encoding, fileName: String) throws(Problem) {
            unsafe descriptor = iconv_open("UTF-8", encoding.rawValue)
            self.fileName = fileName
            guard unsafe descriptor != iconv_t(bitPattern: -1) else {
                throw Problem(
                    .fault, "tables.encoding-unknown", operatorNote: "no iconv for \(encoding.rawValue)")
            }
        }

        // SAFETY: the last owner closes what init opened.
        deinit { unsafe iconv_close(descriptor) }

        func decode(_ block: Data) throws(Problem) -> [UInt8] {
            var input = rest + block
            // UTF-8 needs at most 3 bytes for each 2 of UTF-16, 4 for each 4 of GB18030.
            var output = [UInt8](repeating: 0, count: input.count * 2 + 16)
            let inputCount = input.count
            let (left, written, failed) = convert(&input, &output)
            guard !failed else { throw unknown(at: offset + Int64(inputCount - left)) }
            rest = Array(input.suffix(left))
            offset += Int64(inputCount - left)
            var decoded = output.prefix(written)
            if isAtStart, decoded.starts(with: [0xef, 0xbb, 0xbf]) { decoded = decoded.dropFirst(3) }
            isAtStart = false
            return Array(decoded)
        }

        func finish() throws(Problem) {
            if !rest.isEmpty { throw unknown(at: offset) }
        }

        private func convert(_ input: inout [UInt8], _ output: inout [UInt8]) -> (Int, Int, Bool) {
            // SAFETY: iconv reads and writes inside the two buffers, whose lengths it is given.
            unsafe input.withUnsafeMutableBytes { input in
                unsafe output.withUnsafeMutableBytes { output in
                    var from = unsafe input.baseAddress?.assumingMemoryBound(to: CChar.self)
                    var to = unsafe output.baseAddress?.assumingMemoryBound(to: CChar.self)
                    var left = input.count
                    var room = output.count
                    let answer = unsafe iconv(descriptor, &from, &left, &to, &room)
                    let failed = answer == -1 && errno != EINVAL
                    return (left, output.count - room, failed)
                }
            }
        }

        private func unknown(at place: Int64) -> Problem {
            Problem(
                .invalid, "tables.encoding-unknown", ["file": .text(fileName), "offset": .integer(place)])
        }
    }
}
