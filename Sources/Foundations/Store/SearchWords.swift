// SPDX-License-Identifier: Apache-2.0

/// How a text becomes words for the index, the same in both engines.
///
/// Latin, Greek and Cyrillic words are folded: lower case, without accents (`Größe` is `grosse`, `Café` is
/// `cafe`). A run of Chinese, Japanese or Korean characters gives every character and every pair, because these
/// scripts do not separate words: 空气质量 is 空 空气 气 气质 质 质量 量. A query asks for the pairs alone.
package enum SearchWords {
    /// Longer words are cut: nobody types them, and an index of digests helps nobody.
    private static let lettersMax = 40

    package static func ofDocument(_ text: String) -> [String] { words(text, isQuery: false) }
    package static func ofQuery(_ text: String) -> [String] { words(text, isQuery: true) }

    private static func words(_ text: String, isQuery: Bool) -> [String] {
        var words: [String] = []
        var word = ""
        var run: [Unicode.Scalar] = []
        func endWord() {
            if !word.isEmpty { words.append(String(word.prefix(lettersMax))) }
            word = ""
        }
        func endRun() {
            words += isQuery ? pairs(run) : charactersAndPairs(run)
            run = []
        }
        for scalar in folded(text) {
            if isIdeographic(scalar) {
                endWord()
                run.append(scalar)
            } else if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                endRun()
                word.unicodeScalars.append(scalar)
            } else {
                endWord()
                endRun()
            }
        }
        endWord()
        endRun()
        return words
    }

    private static func charactersAndPairs(_ run: [Unicode.Scalar]) -> [String] {
        run.indices.flatMap { place in
            let next = place + 1
            return [text(run[place...place])] + (next < run.count ? [text(run[place...next])] : [])
        }
    }

    /// The pairs of a run; the character itself where there is only one.
    private static func pairs(_ run: [Unicode.Scalar]) -> [String] {
        run.count < 2 ? run.map { String($0) } : (0..<run.count - 1).map { text(run[$0...$0 + 1]) }
    }

    private static func text(_ run: ArraySlice<Unicode.Scalar>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: run)
        return text
    }

    /// Compatibility decomposition would need Foundation; canonical decomposition of a character is in the
    /// standard library as comparison only. So: lower case, then the marks and letters of Latin that people
    /// leave out, by table; full-width forms by arithmetic.
    private static func folded(_ text: String) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars {
            let narrow = (0xff01...0xff5e).contains(scalar.value) ? scalar.value - 0xfee0 : scalar.value
            guard let scalar = Unicode.Scalar(narrow) else { continue }
            for lower in scalar.properties.lowercaseMapping.unicodeScalars {
                if lower.properties.canonicalCombiningClass != .notReordered { continue }
                if let plain = plainLatin[lower] {
                    scalars += plain.unicodeScalars
                } else {
                    scalars.append(lower)
                }
            }
        }
        return scalars
    }

    private static let plainLatin: [Unicode.Scalar: String] = {
        let groups: [(String, String)] = [
            ("a", "àáâãäåāăąǎ"), ("c", "çćĉċč"), ("d", "ďđð"), ("e", "èéêëēĕėęěẽ"), ("g", "ĝğġģ"),
            ("h", "ĥħ"),
            ("i", "ìíîïĩīĭįıǐ"), ("j", "ĵ"), ("k", "ķ"), ("l", "ĺļľŀł"), ("n", "ñńņňŉ"), ("o", "òóôõöøōŏőǒ"),
            ("r", "ŕŗř"), ("s", "śŝşšș"), ("t", "ţťŧț"), ("u", "ùúûüũūŭůűųǔǖǘǚǜ"), ("w", "ŵ"), ("y", "ýÿŷ"),
            ("z", "źżž"), ("ss", "ß"), ("ae", "æ"), ("oe", "œ"), ("th", "þ"),
        ]
        var table: [Unicode.Scalar: String] = [:]
        for (plain, marked) in groups { for scalar in marked.unicodeScalars { table[scalar] = plain } }
        return table
    }()

    private static func isIdeographic(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x3040...0x30ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xac00...0xd7af, 0xf900...0xfaff,
            0x20000...0x323af:
            true
        default: false
        }
    }
}
