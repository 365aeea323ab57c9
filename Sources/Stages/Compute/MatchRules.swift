// SPDX-License-Identifier: Apache-2.0

import Noise
package import PSI
package import Primitives
import PrivateSQL
package import Trade
package import Valve

/// What an asker may have through the `match` door.
package enum MatchWant: Hashable, Sendable {
    /// How many keys match, in all or by the asker's groups.
    case size
    /// Which of the asker's own keys match: that is membership, and needs a legal basis of its own.
    case rows
    /// The sum of one of the holder's columns over the matches, with their number, in all or by the asker's groups.
    case sum(String)
    /// Nothing yet: linked rows, perhaps with one of the holder's columns, in shares that both nodes keep.
    case shares(String?)
    /// Of rows that an earlier passage left in shares: how many of the asker's hidden groups are linked, perhaps with the
    /// sums of the column that was shared.
    case linked(ID<Passage>, isSummed: Bool)

    package var text: String {
        switch self {
        case .size: "size"
        case .rows: "rows"
        case .sum(let column): "sum:" + column
        case .shares(let column): column.map { "shares:" + $0 } ?? "shares"
        case .linked(let shares, let isSummed): (isSummed ? "linked-sum:" : "linked:") + shares.uuid
        }
    }

    /// What the rules call it.
    package var word: String {
        switch self {
        case .size: "size"
        case .rows: "rows"
        case .sum: "sum"
        case .shares, .linked: "shares"
        }
    }

    /// Whether sums are released beside the counts.
    var isSummed: Bool {
        switch self {
        case .sum, .linked(_, isSummed: true): true
        default: false
        }
    }

    /// Whether it asks about rows that are in shares already.
    var isQuestion: Bool {
        if case .linked = self { return true }
        return false
    }

    /// The holder's column that a run over its table brings along.
    var column: String? {
        switch self {
        case .sum(let column): column
        case .shares(let column): column
        case .size, .rows, .linked: nil
        }
    }

    package init?(text: String) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count == 2 ? parts[1] : nil) {
        case ("size", nil): self = .size
        case ("rows", nil): self = .rows
        case ("sum", let column?): self = .sum(column)
        case ("shares", let column): self = .shares(column)
        case ("linked", let passage?), ("linked-sum", let passage?):
            guard let id = ID<Passage>(uuid: passage) else { return nil }
            self = .linked(id, isSummed: parts[0] == "linked-sum")
        default: return nil
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
/// `wants` and its legal basis; `shares` needs the word alone. A column that is summed has bounds among the table's columns.
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
        guard wants.isSubset(of: ["size", "sum", "rows", "shares"]) else {
            throw Self.malformed("match.wants", "size, sum, rows, shares")
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
        return want.column.map { sums[$0] != nil } ?? true
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
        let share = want.isSummed ? epsilon / 2 : epsilon
        let noise = DiscreteLaplace(sensitivity: UInt64(max(1, magnitude)), epsilonMicros: max(1, share))
        return noise?.draw(using: &random) ?? 0
    }

    /// The largest magnitude that a sum over `count` keys can have, noise included but for a chance of e^-40.
    package func sumMost(_ column: String, count: Int64) -> Int64 {
        let each = sums[column]?.magnitude ?? 0
        var keys = max(0, count)
        if case .noise(let epsilon) = protection {
            keys += 2 * (80 * 1_000_000 / Int64(max(1, epsilon)) + 80)
        }
        let (most, overflow) = each.multipliedReportingOverflow(by: keys)
        return overflow ? .max : most
    }

    /// Refuses sums that could not be opened afterwards: by a search below 2^34, or within 63 bits of shares.
    func requireSummable(_ want: MatchWant, keys: Int) throws(Problem) {
        guard let column = want.column else { return }
        let most = want.word == "sum" ? JointKeyShare.sumMost : 1 << 62
        guard sumMost(column, count: Int64(keys)) <= most else {
            throw Problem(.limited, "compute.match-sum-too-large", ["column": .text(column)])
        }
    }

    /// Writes the groups' counts as they may be told into an answer.
    ///
    /// - Returns: which groups are told.
    func tell(
        _ counts: [Int], for want: MatchWant, in answer: inout [String: JSON],
        using random: inout some RandomNumberGenerator
    ) -> [Bool] {
        let told = released(counts, for: want, using: &random)
        answer["counts"] = .array(told.map { $0.map { .integer(Int64($0)) } ?? .null })
        return told.map { $0 != nil }
    }

    /// Noise for the sums of so many groups.
    func noise(
        _ groups: Int, _ column: String?, _ want: MatchWant, using random: inout some RandomNumberGenerator
    ) -> [Int64] {
        let magnitude = column.flatMap { sums[$0]?.magnitude } ?? 0
        return (0..<groups).map { _ in noise(magnitude, want, using: &random) }
    }

    /// Writes the groups' hidden sums into an answer, for the asker to open.
    func tellSums(_ sums: [[UInt8]?], of column: String?, in answer: inout [String: JSON]) {
        answer["sums"] = .array(sums.map { $0.map { .string(Hex.encode($0)) } ?? .null })
        answer["decimals"] = .integer(Int64(column.flatMap { self.sums[$0]?.decimals } ?? 0))
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
