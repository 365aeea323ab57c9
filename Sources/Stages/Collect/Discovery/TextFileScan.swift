// SPDX-License-Identifier: Apache-2.0

package import Classification
internal import Foundation
package import Primitives
package import Scan

/// One place of a text file where something sensitive stands, in bytes from its beginning.
package struct TextSpan: Hashable, Sendable {
    package let kind: EvidenceKind
    package let start: Int
    package let end: Int
    package let evidence: Finding.Evidence
}

/// Looks through a UTF-8 text file piece by piece: a file of any size takes the memory of one piece.
package struct TextFileScan: Sendable {
    private let recognizers: [DeclaredRecognizer]
    private let pieceBytes: Int

    /// `recognizers` with a form look at every run of letters, digits and hyphens. Pieces end at a line's end; a line
    /// longer than a piece is cut behind a character that is part of no identifier.
    package init(recognizers: [DeclaredRecognizer] = [], pieceBytes: Int = 4 << 20) {
        self.recognizers = recognizers.filter { $0.form != nil }
        self.pieceBytes = max(64, pieceBytes)
    }

    /// The spans in their order, the scanner's own first where two begin at one place.
    package func spans(of path: String) throws(Problem) -> [TextSpan] {
        let unreadable = Problem(
            .missing, "tables.file-unreadable", ["file": .text(URL(filePath: path).lastPathComponent)])
        guard let file = FileHandle(forReadingAtPath: path) else { throw unreadable }
        defer { try? file.close() }
        var spans: [TextSpan] = []
        var piece: [UInt8] = []
        var offset = 0
        while true {
            guard let block = try? file.read(upToCount: pieceBytes), !block.isEmpty else { break }
            piece.append(contentsOf: block)
            let end = Self.cut(piece)
            scan(Array(piece[..<end]), at: offset, into: &spans)
            offset += end
            piece.removeSubrange(..<end)
        }
        scan(piece, at: offset, into: &spans)
        return spans
    }

    /// Behind the last line's end, else behind the last blank or comma, else everything: no identifier is that long.
    private static func cut(_ piece: [UInt8]) -> Int {
        if let line = piece.lastIndex(of: 0x0a) { return line + 1 }
        let blank = piece.lastIndex {
            $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ";")
        }
        return blank.map { $0 + 1 } ?? piece.count
    }

    private func scan(_ piece: [UInt8], at offset: Int, into spans: inout [TextSpan]) {
        var found = TextScanner.findings(in: piece).map { finding in
            TextSpan(
                kind: EvidenceKind(finding.kind), start: offset + finding.start, end: offset + finding.end,
                evidence: finding.evidence)
        }
        if !recognizers.isEmpty {
            // Both lists go forward: what overlaps one of the scanner's own findings is that finding.
            let own = found
            var next = 0
            found += declared(in: piece, at: offset).filter { span in
                while next < own.count, own[next].end <= span.start { next += 1 }
                return next == own.count || own[next].start >= span.end
            }
            found.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        }
        spans += found
    }

    private func declared(in piece: [UInt8], at offset: Int) -> [TextSpan] {
        var spans: [TextSpan] = []
        var start = 0
        while start < piece.count {
            guard Self.isPart(piece[start]) else {
                start += 1
                continue
            }
            let end = piece[start...].firstIndex { !Self.isPart($0) } ?? piece.count
            for recognizer in recognizers {
                guard let evidence = recognizer.evidence(for: piece[start..<end], isNamed: false) else {
                    continue
                }
                spans.append(
                    TextSpan(
                        kind: recognizer.kind, start: offset + start, end: offset + end, evidence: evidence))
                break
            }
            start = end
        }
        return spans
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45
            || byte == 95
    }
}
