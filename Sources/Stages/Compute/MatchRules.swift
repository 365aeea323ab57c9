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

    package var text: String {
        switch self {
        case .size: "size"
        case .rows: "rows"
        }
    }

    package init?(text: String) {
        switch text {
        case "size": self = .size
        case "rows": self = .rows
        default: return nil
        }
    }
}

/// The `match` member of a listing's release rules: by which keys, for what, and how little is nothing.
///
/// ```json
/// "match": { "keys": ["person"], "steps": ["trim", "width"], "wants": ["size"], "minimum": 10, "sets": 3,
///            "items": 100000, "rows": { "basis": "consent", "document": "…" } }
/// ```
/// Only `keys` must be there. Without `wants` sizes may be asked and nothing else; `rows` needs both the word in
/// `wants` and its legal basis.
package struct MatchRules: Hashable, Sendable {
    /// How the holder protects what it tells.
    package enum Protection: Hashable, Sendable {
        /// Exact counts, none below the minimum.
        case threshold
        /// Discrete Laplace noise for one person more or less, then the same minimum on the noised count.
        case noise(epsilonMicros: UInt64)
    }

    /// Why membership may be told.
    package struct RowsBasis: Hashable, Sendable {
        /// `consent`, `contract`, `legal-duty`; or `mandate`: then the asker must hold one from the holder.
        package let ground: String
        package let document: String
    }

    package let keys: [String]
    package let recipe: KeyRecipe
    package let wants: Set<MatchWant>
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
        let known: Set = ["keys", "steps", "wants", "minimum", "sets", "items", "rows"]
        guard let members = json.object, known.isSuperset(of: members.keys) else {
            throw Self.malformed("match", known.sorted().joined(separator: ", "))
        }
        keys = json["keys"]?.array?.compactMap(\.text) ?? []
        guard !keys.isEmpty, keys.count == json["keys"]?.array?.count else {
            throw Self.malformed("match.keys", "columns of the table")
        }
        let steps = try json["steps"].map { steps throws(Problem) in try Self.steps(steps) }
        recipe = steps.map { KeyRecipe(steps: $0) } ?? KeyRecipe()
        let words = json["wants"]?.array?.map { $0.text.flatMap(MatchWant.init(text:)) } ?? [.size]
        guard words.allSatisfy({ $0 != nil }) else { throw Self.malformed("match.wants", "size, rows") }
        wants = Set(words.compactMap { $0 })
        let minimum = try Self.number(json, "minimum", 1...1_000_000, Self.minimumDefault)
        setsMax = try Self.number(json, "sets", 1...10_000, 3)
        itemsMax = try Self.number(json, "items", 1...(1 << 24), 1 << 20)
        rowsBasis = Self.basis(json["rows"])
        let table = try listing.releaseRules()
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
        if wants.contains(.rows), rowsBasis == nil || protection != .threshold {
            throw Self.malformed("match.rows", "basis and document, and no privacy budget")
        }
    }

    /// The counts of some groups as they may be told: `nil` for what is too few.
    package func released(_ counts: [Int], using random: inout some RandomNumberGenerator) -> [Int?] {
        counts.map { count in
            var told = count
            if case .noise(let epsilon) = protection,
                let noise = DiscreteLaplace(sensitivity: 1, epsilonMicros: epsilon)
            {
                told += Int(noise.draw(using: &random))
            }
            return told >= minimum ? told : nil
        }
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
