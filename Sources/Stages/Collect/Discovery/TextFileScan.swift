// SPDX-License-Identifier: Apache-2.0

package import Classification
internal import Foundation
package import Primitives
package import Scan

/// One place of a text file where something sensitive stands, in bytes from its beginning.
package struct TextSpan: Hashable, Sendable {
    /// Small while a file is looked through; words and titles are made of it when they are shown.
    package enum Kind: Hashable, Sendable {
        case scanned(SensitiveKind)
        case declared(EvidenceKind)

        package var shown: EvidenceKind {
            switch self {
            case .scanned(let kind): EvidenceKind(kind)
            case .declared(let kind): kind
            }
        }
    }

    package let kind: Kind
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

    /// The spans in their order. Memory grows with their number; `forEach` holds none.
    package func spans(of path: String) throws(Problem) -> [TextSpan] {
        var spans: [TextSpan] = []
        try forEach(in: path) { spans.append($0) }
        return spans
    }

    /// How often each kind was found, in one pass and the memory of one piece.
    package func counts(of path: String) throws(Problem) -> [TextSpan.Kind: Int] {
        var counts: [TextSpan.Kind: Int] = [:]
        try forEach(in: path) { counts[$0.kind, default: 0] += 1 }
        return counts
    }

    /// Calls `each` for every span, in order.
    package func forEach(in path: String, _ each: (TextSpan) -> Void) throws(Problem) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Problem(
                .missing, "tables.file-unreadable", ["file": .text(URL(filePath: path).lastPathComponent)])
        }
        defer { try? file.close() }
        var piece: [UInt8] = []
        var offset = 0
        while let block = try? file.read(upToCount: pieceBytes), !block.isEmpty {
            piece.append(contentsOf: block)
            let end = Self.cut(piece)
            let rest = Array(piece[end...])
            piece.removeSubrange(end...)
            scan(piece, at: offset, each)
            offset += end
            piece = rest
        }
        scan(piece, at: offset, each)
    }

    /// Behind the last line's end, else behind the last blank or comma, else everything: no identifier is that long.
    private static func cut(_ piece: [UInt8]) -> Int {
        if let line = piece.lastIndex(of: 0x0a) { return line + 1 }
        let blank = piece.lastIndex { [0x20, 0x09, UInt8(ascii: ","), UInt8(ascii: ";")].contains($0) }
        return blank.map { $0 + 1 } ?? piece.count
    }

    private func scan(_ piece: [UInt8], at offset: Int, _ each: (TextSpan) -> Void) {
        func span(_ finding: Finding) -> TextSpan {
            TextSpan(
                kind: .scanned(finding.kind), start: offset + finding.start, end: offset + finding.end,
                evidence: finding.evidence)
        }
        guard !recognizers.isEmpty else {
            return piece.withTextBytes { bytes in TextScanner.scan(bytes) { each(span($0)) } }
        }
        // Both lists go forward: what overlaps one of the scanner's own findings is that finding.
        let own = TextScanner.findings(in: piece).map(span)
        var next = 0
        let declared = declared(in: piece, at: offset).filter { span in
            while next < own.count, own[next].end <= span.start { next += 1 }
            return next == own.count || own[next].start >= span.end
        }
        for span in (own + declared).sorted(by: { $0.start < $1.start }) { each(span) }
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
                        kind: .declared(recognizer.kind), start: offset + start, end: offset + end,
                        evidence: evidence))
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
