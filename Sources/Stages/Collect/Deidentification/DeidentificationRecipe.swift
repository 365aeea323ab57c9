// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What is to happen to each column of a table before it may be seen, and what the result must reach (S04).
///
/// A column the recipe does not name is kept as it is; the report lists it.
package struct DeidentificationRecipe: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// Keeps characters at both ends, `*` between.
        case mask(first: Int, last: Int)
        /// HMAC-SHA-256 under the job's key, 32 hexadecimal digits: equal values stay equal, nobody without the
        /// key can try values out.
        case hash
        /// FF1 under the job's key: digits stay digits, reversible with the key.
        case encrypt
        /// A random token; the vault file keeps which is which.
        case tokenize
        /// The column is left out.
        case suppress
        /// Numbers to the lower bound of a bar of this width.
        case bar(width: Int)
        /// Days and moments to the beginning of a month or a year.
        case truncate(to: String)
        /// Texts to their first characters.
        case prefix(length: Int)
        /// Days and moments moved by one number of days, drawn from the key, within ± this.
        case shift(daysMax: Int)
        /// Part of what k-anonymity hides.
        case quasi
        /// What ℓ-diversity and t-closeness protect.
        case sensitive
    }

    package let name: String
    package let steps: [String: Step]
    package let k: Int
    package let l: Int
    package let t: Double
    /// Least share of information that must remain in the quasi-identifiers, in percent.
    package let utilityPercentMin: Int

    package init(_ declaration: Declaration, k override: Int? = nil) throws(Declaration.Fault) {
        try declaration.allows("recipe", "k", "l", "t", "utilityPercent", "columns")
        name = try declaration.member("recipe").text()
        var declared = 5
        if let k = declaration.optional("k") { declared = try k.integer() }
        k = override ?? declared
        l = try declaration.optional("l")?.integer() ?? 1
        t = declaration.optional("t")?.value.double ?? 1
        utilityPercentMin = try declaration.optional("utilityPercent")?.integer() ?? 0
        var steps: [String: Step] = [:]
        for (column, step) in try declaration.member("columns").members() { steps[column] = try Step(step) }
        self.steps = steps
    }

    package var quasi: [String] { steps.filter { $0.value == .quasi }.keys.sorted() }
    package var sensitive: [String] { steps.filter { $0.value == .sensitive }.keys.sorted() }
}

extension DeidentificationRecipe.Step {
    init(_ declaration: Declaration) throws(Declaration.Fault) {
        if case .string(let word) = declaration.value {
            switch word {
            case "hash": self = .hash
            case "encrypt": self = .encrypt
            case "tokenize": self = .tokenize
            case "suppress": self = .suppress
            case "quasi": self = .quasi
            case "sensitive": self = .sensitive
            case "mask": self = .mask(first: 1, last: 1)
            default: throw Self.unknown(declaration)
            }
            return
        }
        try declaration.allows("mask", "bar", "truncate", "prefix", "shift")
        if let mask = declaration.optional("mask") {
            try mask.allows("first", "last")
            self = .mask(
                first: try mask.optional("first")?.integer() ?? 0,
                last: try mask.optional("last")?.integer() ?? 0)
        } else if let width = declaration.optional("bar") {
            self = .bar(width: max(1, try width.integer()))
        } else if let unit = declaration.optional("truncate"),
            ["month", "year", "day", "hour"].contains(try unit.text())
        {
            self = .truncate(to: try unit.text())
        } else if let length = declaration.optional("prefix") {
            self = .prefix(length: max(0, try length.integer()))
        } else if let days = declaration.optional("shift") {
            self = .shift(daysMax: max(1, try days.integer()))
        } else {
            throw Self.unknown(declaration)
        }
    }

    private static func unknown(_ declaration: Declaration) -> Declaration.Fault {
        declaration.fault(
            zh: "没有这种处理", en: "there is no such step",
            remedyZH: "可用：mask、hash、encrypt、tokenize、suppress、quasi、sensitive，或 {bar: 10}、{truncate: month}、"
                + "{prefix: 3}、{shift: 30}、{mask: {first: 3, last: 4}}。",
            remedyEN: "Known: mask, hash, encrypt, tokenize, suppress, quasi, sensitive, or {bar: 10}, "
                + "{truncate: month}, {prefix: 3}, {shift: 30}, {mask: {first: 3, last: 4}}.")
    }

    package var word: String {
        switch self {
        case .mask: "mask"
        case .hash: "hash"
        case .encrypt: "encrypt"
        case .tokenize: "tokenize"
        case .suppress: "suppress"
        case .bar: "bar"
        case .truncate: "truncate"
        case .prefix: "prefix"
        case .shift: "shift"
        case .quasi: "quasi"
        case .sensitive: "sensitive"
        }
    }
}
