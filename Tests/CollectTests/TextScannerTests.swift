// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Scan
import Testing

@Suite("Text scanner")
struct TextScannerTests {
    private func check(_ text: String, _ rule: (TextBytes) -> Bool) -> Bool {
        Array(text.utf8).withTextBytes(rule)
    }

    @Test("the check characters are those of the standards' own examples")
    func checkDigits() {
        #expect(check("11010519491231002X", CheckDigits.isResidentID))
        #expect(check("440524188001010014", CheckDigits.isResidentID))
        #expect(!check("440524188001010015", CheckDigits.isResidentID))
        #expect(check("91350100M000100Y43", CheckDigits.isCreditCode))
        #expect(!check("91350100M000100Y44", CheckDigits.isCreditCode))
        #expect(check("4111111111111111", CheckDigits.isLuhn))
        #expect(check("1M8GDM9AXKP042788", CheckDigits.isVehicleNumber))
        #expect(!check("1M8GDM9A1KP042788", CheckDigits.isVehicleNumber))
    }

    @Test(
        "S119: precision and recall on the labelled corpus are at least 0.99 and 0.98 for checksummed kinds")
    func precisionAndRecall() {
        let corpus = LabelledCorpus(seed: 20_261_121, sentences: 20_000)
        let found = Set(
            TextScanner.findings(in: corpus.text).map {
                LabelledCorpus.Truth(kind: $0.kind, start: $0.start, end: $0.end)
            })
        var lines: [String] = []
        for kind in SensitiveKind.allCases {
            let wanted = corpus.truth.filter { $0.kind == kind }
            let given = found.filter { $0.kind == kind }
            guard !wanted.isEmpty || !given.isEmpty else { continue }
            let right = wanted.intersection(given).count
            let precision = given.isEmpty ? 1 : Double(right) / Double(given.count)
            let recall = wanted.isEmpty ? 1 : Double(right) / Double(wanted.count)
            lines.append(
                "\(kind.rawValue.padding(toLength: 20, withPad: " ", startingAt: 0)) n=\(wanted.count) "
                    + String(format: "precision=%.4f recall=%.4f", precision, recall))
            let (leastPrecision, leastRecall) = kind.isChecksummed ? (0.99, 0.98) : (0.95, 0.95)
            #expect(precision >= leastPrecision, "\(kind) \(sample(given.subtracting(wanted), corpus))")
            #expect(recall >= leastRecall, "\(kind) \(sample(wanted.subtracting(given), corpus))")
        }
        #expect(lines.count >= 20)
        FileHandle.standardError.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    private func sample(_ truths: Set<LabelledCorpus.Truth>, _ corpus: LabelledCorpus) -> [String] {
        truths.sorted { $0.start < $1.start }.prefix(5).map { truth in
            String(
                decoding: corpus.text[max(0, truth.start - 24)..<min(corpus.text.count, truth.end + 12)],
                as: UTF8.self)
        }
    }

    @Test("where two checks agree by chance, one identifier is reported, not two")
    func ranking() {
        for finding in ["11010519491231002X", "440524188001010014"] {
            #expect(TextScanner.findings(in: Array("证件\(finding)。".utf8)).map(\.kind) == [.residentID])
        }
    }

    @Test("the kernel and its Swift twin find the same tokens, wherever a block ends")
    func twin() {
        var random = SeededRandom(seed: 7)
        let alphabet = Array("a1 @:：京B0.-\nZ".utf8)
        for length in 0..<600 {
            let text = (0..<length).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            var kernel: [Token] = []
            var portable: [Token] = []
            text.withTextBytes { bytes in
                Tokens.forEach(in: bytes) { kernel.append($0) }
                Tokens.portable(bytes) { portable.append($0) }
            }
            #expect(kernel == portable, "\(length)")
        }
    }

    @Test("no input crashes or hangs the scanner")
    func fuzz() {
        let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? 20_000 : 10_000_000
        var random = SeededRandom(seed: 99)
        let corpus = LabelledCorpus(seed: 3, sentences: 300).text
        var total = 0
        for _ in 0..<rounds {
            let length = Int(random.next() % 200)
            let start = Int(random.next() % UInt64(corpus.count - length))
            var text = Array(corpus[start..<start + length])
            for _ in 0..<(random.next() % 6) where !text.isEmpty {
                text[Int(random.next() % UInt64(text.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            var end = 0
            for finding in TextScanner.findings(in: text) {
                total += 1
                #expect(finding.start >= end && finding.end > finding.start && finding.end <= text.count)
                end = finding.end
            }
        }
        #expect(total > 0)
    }
}
