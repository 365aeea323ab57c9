// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Which terms of two data dictionaries mean the same 数据字典互认: proposals with their reasons, for a steward to confirm.
/// Pure; no term is proposed twice.
package struct DictionaryMatch: Hashable, Sendable {
    package struct Proposal: Hashable, Sendable {
        package let from: String
        package let to: String
        /// Of 100; below 50 nothing is proposed.
        package let score: Int
        package let why: LocalizedText
        /// What a number here is multiplied with to be one there.
        package let factor: Int

        package var json: JSON {
            [
                "from": .string(from), "to": .string(to), "score": .integer(Int64(score)),
                "why": ["zh": .string(why.zh), "en": .string(why.en)], "factor": .integer(Int64(factor)),
            ]
        }
    }

    package let from: String
    package let to: String
    package let proposals: [Proposal]

    private static let least = 50
    /// One of the first is so many of the second.
    private static let units: [(String, String, Int)] = [
        ("mg/m3", "µg/m3", 1000), ("mg", "µg", 1000), ("km", "m", 1000), ("kg", "g", 1000),
        ("万元", "元", 10_000),
    ]

    package init(_ own: CollectionStandard, _ other: CollectionStandard) {
        from = own.name
        to = other.name
        var pairs: [Proposal] = []
        for field in own.fields {
            for candidate in other.fields {
                if let proposal = Self.compare(field, candidate) { pairs.append(proposal) }
            }
        }
        var taken: Set<String> = []
        let chosen = pairs.sorted { ($1.score, $0.from, $0.to) < ($0.score, $1.from, $1.to) }
            .filter { taken.insert("<" + $0.from).inserted && taken.insert(">" + $0.to).inserted }
        // In the order of our dictionary, so that a table keeps its columns' order there and back.
        proposals = own.fields.compactMap { field in chosen.first { $0.from == field.name } }
    }

    private static func compare(_ own: StandardField, _ other: StandardField) -> Proposal? {
        guard let factor = factor(own.unit, other.unit) else { return nil }
        var score = 0
        var zh: [String] = []
        var en: [String] = []
        func add(_ points: Int, _ chinese: String, _ english: String) {
            guard points > 0 else { return }
            score += points
            zh.append(chinese)
            en.append(english)
        }
        let names = [(own.name, other.name), (own.title.zh, other.title.zh), (own.title.en, other.title.en)]
        let share = names.map { likeness($0.0, $0.1) }.max() ?? 0
        add(share * 70 / 100, "名称相近 \(share)%", "names alike by \(share) %")
        add(own.type == other.type ? 15 : 0, "类型相同", "same type")
        let sameCodes = !own.codes.isEmpty && Set(own.codes) == Set(other.codes)
        add(sameCodes ? 15 : 0, "代码表相同", "same code list")
        add(own.unit == other.unit && own.unit != nil ? 10 : 0, "单位相同", "same unit")
        guard score >= least, share >= 50 else { return nil }
        return Proposal(
            from: own.name, to: other.name, score: min(score, 100),
            why: LocalizedText(zh: zh.joined(separator: "，"), en: en.joined(separator: ", ")), factor: factor)
    }

    /// `nil` where the units cannot be exchanged: such terms do not mean the same.
    private static func factor(_ own: String?, _ other: String?) -> Int? {
        guard let own, let other, own != other else { return 1 }
        if let known = units.first(where: { $0.0 == own && $0.1 == other }) { return known.2 }
        return units.first { $0.1 == own && $0.0 == other }.map { -$0.2 }
    }

    /// The share of neighboring pairs of characters that two texts have in common, of 100.
    private static func likeness(_ left: String, _ right: String) -> Int {
        let (a, b) = (pairs(left), pairs(right))
        guard !a.isEmpty, !b.isEmpty else { return 0 }
        return 200 * a.intersection(b).count / (a.count + b.count)
    }

    private static func pairs(_ text: String) -> Set<String> {
        let plain = Array(text.lowercased().filter { $0.isLetter || $0.isNumber })
        guard plain.count > 1 else { return Set(plain.map { String($0) }) }
        return Set(plain.indices.dropLast().map { String(plain[$0...($0 + 1)]) })
    }

    /// The proposals that a steward confirmed, as a mapping declares them.
    package func mapping(confirmed: Set<String>?) -> JSON {
        [
            "from": .string(from), "to": .string(to),
            "fields": .array(
                proposals.filter { confirmed?.contains($0.from) ?? true }.map {
                    ["from": .string($0.from), "to": .string($0.to), "factor": .integer(Int64($0.factor))]
                }),
        ]
    }
}
