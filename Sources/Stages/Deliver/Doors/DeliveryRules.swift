// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What one recipient gets of a table when a copy leaves: which columns, covered how, which rows, and how small a
/// group may be.
///
/// It stands in the listing's summary as `delivery`, so the holder signed it and both sides agreed on it. The rows
/// and cells it leaves out are never written into the recipient's file; nothing is left to the recipient's reader.
package struct DeliveryRules: Hashable, Sendable {
    /// How a column is covered.
    package enum Cover: Hashable, Sendable {
        case empty
        /// A digest under a secret of this recipient: equal values stay equal inside one file and meet no other file.
        case digest
        /// The first characters alone.
        case first(Int)
    }

    /// Rows of groups with fewer rows than this are left out.
    package struct SmallestGroup: Hashable, Sendable {
        package let by: [String]
        package let rows: Int
    }

    /// A column must hold one of these texts.
    package typealias RowFilter = [String: [String]]

    /// `nil`: every column.
    package let columns: [String]?
    package let covers: [String: Cover]
    package let rows: RowFilter
    /// Filters of single recipients, by party code, besides `rows`.
    package let recipients: [String: RowFilter]
    package let smallest: SmallestGroup?
    /// The column that says whom a row is about, by credit code or party code. Where it is set, a row leaves only while
    /// that party authorizes it.
    package let consent: String?

    package init(
        columns: [String]? = nil, covers: [String: Cover] = [:], rows: RowFilter = [:],
        recipients: [String: RowFilter] = [:], smallest: SmallestGroup? = nil, consent: String? = nil
    ) {
        self.columns = columns
        self.covers = covers
        self.rows = rows
        self.recipients = recipients
        self.smallest = smallest
        self.consent = consent
    }

    /// Reads `{"columns": […], "cover": {name: "empty" | "digest" | "first:N"}, "rows": {name: […]},
    /// "for": {party: {name: […]}}, "smallest": {"by": […], "rows": N}, "consent": name}`; `null` is no rule at all.
    /// Whatever else stands there is refused: a rule that is not understood would be a promise not kept.
    package init(json: JSON?) throws(Problem) {
        guard let json, !json.isNull else {
            self.init()
            return
        }
        func refused(_ part: String) -> Problem {
            Problem(.invalid, "deliver.rules-malformed", ["part": .text(part)])
        }
        guard let members = json.object else { throw refused("delivery") }
        let known: Set = ["columns", "cover", "rows", "for", "smallest", "consent"]
        if let other = members.keys.sorted().first(where: { !known.contains($0) }) { throw refused(other) }
        var columns: [String]?
        if let stated = members["columns"] {
            guard let names = stated.texts, !names.isEmpty else { throw refused("columns") }
            columns = names
        }
        var covers: [String: Cover] = [:]
        for (name, word) in members["cover"]?.object ?? [:] {
            guard let cover = word.text.flatMap(Cover.init(word:)) else { throw refused("cover." + name) }
            covers[name] = cover
        }
        guard let rows = Self.filter(members["rows"]) else { throw refused("rows") }
        var recipients: [String: RowFilter] = [:]
        for (party, stated) in members["for"]?.object ?? [:] {
            guard Code(party)?.kind == .party, let filter = Self.filter(stated) else {
                throw refused("for." + party)
            }
            recipients[party] = filter
        }
        var smallest: SmallestGroup?
        if let stated = members["smallest"] {
            guard let names = stated["by"]?.texts, !names.isEmpty, let least = stated["rows"]?.integer,
                least > 1
            else { throw refused("smallest") }
            smallest = SmallestGroup(by: names, rows: Int(least))
        }
        self.init(
            columns: columns, covers: covers, rows: rows, recipients: recipients, smallest: smallest,
            consent: members["consent"]?.text)
        if let stated = members["consent"], stated.text?.isEmpty != false { throw refused("consent") }
    }

    private static func filter(_ json: JSON?) -> RowFilter? {
        guard let json, !json.isNull else { return [:] }
        guard let members = json.object else { return nil }
        var filter: RowFilter = [:]
        for (name, values) in members {
            guard let texts = values.texts, !texts.isEmpty else { return nil }
            filter[name] = texts
        }
        return filter
    }

    /// The rules as one party meets them: everything besides it is gone, so that two parties with the same rules may
    /// share nothing but their form.
    package func forRecipient(_ party: String?) -> DeliveryRules {
        var rows = rows
        for (name, values) in party.flatMap({ recipients[$0] }) ?? [:] {
            rows[name] = rows[name].map { wide in values.filter(wide.contains) } ?? values
        }
        return DeliveryRules(
            columns: columns, covers: covers, rows: rows, smallest: smallest, consent: consent)
    }

    /// The rules narrowed to some of their columns, and to rows about these parties where rows need consent.
    package func narrowed(to fields: [String], about identifiers: [String]) -> DeliveryRules {
        var rows = rows
        if let consent {
            rows[consent] = rows[consent].map { $0.filter(identifiers.contains) } ?? identifiers
        }
        let allowed = fields.isEmpty ? columns : fields.filter { columns?.contains($0) ?? true }
        return DeliveryRules(
            columns: allowed, covers: covers, rows: rows, smallest: smallest, consent: consent)
    }

    /// A digest of everything that decides which bytes a recipient gets.
    package var digest: Digest {
        let filter = rows.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.sorted())" }
        let covered = covers.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let group = smallest.map { "\($0.by)<\($0.rows)" } ?? ""
        return Digest(of: "\(columns ?? []) \(covered) \(filter) \(group)")
    }
}

extension DeliveryRules.Cover {
    fileprivate init?(word: String) {
        switch word {
        case "empty": self = .empty
        case "digest": self = .digest
        case _ where word.hasPrefix("first:"):
            guard let count = Int(word.dropFirst(6)), count > 0 else { return nil }
            self = .first(count)
        default: return nil
        }
    }
}

extension JSON {
    /// An array of texts; `nil` for anything else.
    var texts: [String]? {
        guard let array else { return nil }
        let texts = array.compactMap(\.text)
        return texts.count == array.count ? texts : nil
    }
}
