// SPDX-License-Identifier: Apache-2.0

import Noise
package import PSI
package import Primitives
import PrivateSQL
package import Trade

/// What an asker may learn through the `match` door.
package enum MatchWant: Hashable, Sendable {
    /// How many keys match, in all or by the asker's groups.
    case size
    /// Which of the asker's own keys match: that is membership, and needs a legal basis of its own.
    case rows
    /// The sum of one of the holder's columns over the matches, with their number, in all or by the asker's groups.
    case sum(String)

    package var text: String {
        switch self {
        case .size: "size"
        case .rows: "rows"
        case .sum(let column): "sum:" + column
        }
    }

    /// What the rules call it.
    package var word: String {
        if case .sum = self { return "sum" }
        return text
    }

    package init?(text: String) {
        switch text {
        case "size": self = .size
        case "rows": self = .rows
        default:
            guard text.hasPrefix("sum:"), text.utf8.count > 4 else { return nil }
            self = .sum(String(text.dropFirst(4)))
        }
    }
}

/// The `match` member of a listing's release rules: by which keys, for what, and how little is nothing.
///
/// ```json
/// "match": { "keys": ["person"], "steps": ["trim", "width"], "wants": ["size"], "minimum": 10, "sets": 3,
///            "items": 100000, "rows": { "basis": "consent", "document": "…" }, "sums": ["cost"] }
/// ```
/// Only `keys` must be there. Without `wants` sizes and sums may be asked and nothing else; `rows` needs both the word in
/// `wants` and its legal basis. A column that is summed has bounds among the table's columns.
package struct MatchRules: Hashable, Sendable {
    /// How the holder protects what it tells.
    package enum Protection: Hashable, Sendable {
        /// Exact counts, none below the minimum.
        case threshold
        /// Discrete Laplace noise for one person more or less, then the same minimum on the noised count.
        case noise(epsilonMicros: UInt64)
    }

    /// One key's rows together count as the nearer bound beyond these.
    package struct SumBounds: Hashable, Sendable {
        package let range: ClosedRange<Int64>
        package let decimals: Int

        package var magnitude: Int64 { max(abs(range.lowerBound), abs(range.upperBound)) }
    }

    /// Why membership may be told.
    package struct RowsBasis: Hashable, Sendable {
        /// `consent`, `contract`, `legal-duty`; or `mandate`: then the asker must hold one from the holder.
        package let ground: String
        package let document: String
    }

    package let keys: [String]
    package let recipe: KeyRecipe
    package let wants: Set<String>
    /// The columns that may be summed: bounds in units of the last decimal, and how many decimals.
    package let sums: [String: SumBounds]
    package let minimum: Int
    /// Different sets an agreement may match within thirty days: more is probing for members.
    package let setsMax: Int
    package let itemsMax: Int
    package let rowsBasis: RowsBasis?
    package let protection: Protection

    /// Fewer matches than this are nothing, unless the rules say more.
    package static let minimumDefault = 10

    /// Reads the rules of a listing; `nil` where nothing may be matched.
    package init?(of listing: Listing) throws(Problem) {
        guard let rules = listing.rules, let json = rules["match"] else { return nil }
        let known: Set = ["keys", "steps", "wants", "minimum", "sets", "items", "rows", "sums"]
        guard let members = json.object, known.isSuperset(of: members.keys) else {
            throw Self.malformed("match", known.sorted().joined(separator: ", "))
        }
        keys = json["keys"]?.array?.compactMap(\.text) ?? []
        guard !keys.isEmpty, keys.count == json["keys"]?.array?.count else {
            throw Self.malformed("match.keys", "columns of the table")
        }
        let steps = try json["steps"].map { steps throws(Problem) in try Self.steps(steps) }
        recipe = steps.map { KeyRecipe(steps: $0) } ?? KeyRecipe()
        wants = Set(json["wants"]?.array?.map { $0.text ?? "" } ?? ["size", "sum"])
        guard wants.isSubset(of: ["size", "sum", "rows"]) else {
            throw Self.malformed("match.wants", "size, sum, rows")
        }
        let minimum = try Self.number(json, "minimum", 1...1_000_000, Self.minimumDefault)
        setsMax = try Self.number(json, "sets", 1...10_000, 3)
        itemsMax = try Self.number(json, "items", 1...(1 << 24), 1 << 20)
        rowsBasis = Self.basis(json["rows"])
        let table = try listing.releaseRules()
        sums = try Self.sums(json["sums"], table.tables[listing.tableName])
        switch table.protection {
        case .minimumGroup(let group):
            self.minimum = max(minimum, group.minimum)
            protection = .threshold
        case .noise(let noise):
            self.minimum = minimum
            // The noise covers one person: the key must be what a person is counted by.
            guard keys == [table.tables[listing.tableName]?.unit?.column].compactMap({ $0 }) else {
                throw Self.malformed("match.keys", "the privacy unit's column alone")
            }
            protection = .noise(epsilonMicros: noise.questionEpsilonMicros)
        }
        if wants.contains("rows"), rowsBasis == nil || protection != .threshold {
            throw Self.malformed("match.rows", "basis and document, and no privacy budget")
        }
    }

    /// Whether the listing tells this at all.
    package func offers(_ want: MatchWant) -> Bool {
        guard wants.contains(want.word) else { return false }
        if case .sum(let column) = want { return sums[column] != nil }
        return true
    }

    /// The counts of some groups as they may be told: `nil` for what is too few. Beside a sum, a count takes half of ε.
    package func released(
        _ counts: [Int], for want: MatchWant, using random: inout some RandomNumberGenerator
    ) -> [Int?] {
        counts.map { count in
            let told = count + Int(noise(1, want, using: &random))
            return told >= minimum ? told : nil
        }
    }

    /// Noise for a figure that one person changes by at most `magnitude`; 0 where the rules ask for none.
    package func noise(
        _ magnitude: Int64, _ want: MatchWant, using random: inout some RandomNumberGenerator
    ) -> Int64 {
        guard case .noise(let epsilon) = protection else { return 0 }
        let share = want.word == "sum" ? epsilon / 2 : epsilon
        let noise = DiscreteLaplace(sensitivity: UInt64(max(1, magnitude)), epsilonMicros: max(1, share))
        return noise?.draw(using: &random) ?? 0
    }

    /// The largest magnitude that a sum over `count` keys can have, noise included but for a chance of e^-40.
    package func sumMost(_ column: String, count: Int64) -> Int64 {
        let each = sums[column]?.magnitude ?? 0
        guard case .noise(let epsilon) = protection else { return each * max(0, count) }
        let slack = 80 * 1_000_000 / Int64(max(1, epsilon)) + 80
        return each * (max(0, count) + 2 * slack)
    }

    private static func sums(_ json: JSON?, _ table: TableRules?) throws(Problem) -> [String: SumBounds] {
        var sums: [String: SumBounds] = [:]
        for column in json?.array ?? [] {
            guard let name = column.text, let rules = table?.columns[name], let range = rules.bounds else {
                throw malformed("match.sums", "columns of the table that have bounds")
            }
            sums[name] = SumBounds(range: range, decimals: rules.decimals)
        }
        return sums
    }

    private static func steps(_ json: JSON) throws(Problem) -> [KeyRecipe.Step] {
        let steps = (json.array ?? []).map { $0.text.flatMap(KeyRecipe.Step.init(rawValue:)) }
        guard json.array != nil, steps.allSatisfy({ $0 != nil }) else {
            throw malformed("match.steps", KeyRecipe.Step.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return steps.compactMap { $0 }
    }

    private static func number(
        _ json: JSON, _ name: String, _ allowed: ClosedRange<Int>, _ usual: Int
    ) throws(Problem) -> Int {
        guard let value = json[name] else { return usual }
        guard let number = value.integer.map({ Int($0) }), allowed.contains(number) else {
            throw malformed("match." + name, "\(allowed.lowerBound)…\(allowed.upperBound)")
        }
        return number
    }

    private static func basis(_ json: JSON?) -> RowsBasis? {
        guard let ground = json?["basis"]?.text, !ground.isEmpty, let document = json?["document"]?.text,
            !document.isEmpty
        else { return nil }
        return RowsBasis(ground: ground, document: document)
    }

    private static func malformed(_ place: String, _ expected: String) -> Problem {
        Problem(
            .invalid, "compute.rules-malformed",
            ["place": .text(place), "expected": .localized(LocalizedText(expected))])
    }
}
