// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Lists
package import Primitives
package import Rules
import Store

/// Entries of a list counted by one field, with the sums and means of its numbers.
package struct ListTally: Sendable {
    package struct Row: Sendable {
        /// The field's value; empty where an entry has none.
        package let value: String
        package let count: Int
        package let sums: [String: Decimal34]
        /// How many entries state the number.
        fileprivate let stated: [String: Int]
    }

    package let field: String
    package let rows: [Row]
    package let total: Row

    /// An entry whose field holds several texts counts once under each; in the total once.
    init(_ view: ListView, by field: String) {
        self.field = field
        let numbers = view.fields.filter { [.integer, .decimal].contains($0.type) }.map(\.name)
        func row(_ value: String, _ entries: [ListEntry]) -> Row {
            var sums: [String: Decimal34] = [:]
            var stated: [String: Int] = [:]
            for name in numbers {
                let values = entries.flatMap { $0.content.words(name) }.compactMap { Decimal34($0) }
                guard !values.isEmpty else { continue }
                sums[name] = values.reduce(Decimal34.zero as Decimal34?) { $0?.adding($1) }
                stated[name] = values.count
            }
            return Row(value: value, count: entries.count, sums: sums, stated: stated)
        }
        var groups: [String: [ListEntry]] = [:]
        for entry in view.entries {
            let words = entry.content.words(field)
            for word in words.isEmpty ? [""] : words { groups[word, default: []].append(entry) }
        }
        rows = groups.sorted { $0.key < $1.key }.map { row($0.key, $0.value) }
        total = row("", view.entries)
    }

    package var json: JSON {
        [
            "by": .string(field), "rows": .array(rows.map(\.json)), "total": total.json,
        ]
    }
}

extension ListTally.Row {
    /// The mean of a number over the entries that state it.
    package func mean(_ name: String) -> Decimal34? {
        sums[name]?.divided(by: Decimal34(stated[name] ?? 0))
    }

    fileprivate var json: JSON {
        [
            "value": .string(value), "count": .integer(Int64(count)),
            "sums": .object(sums.mapValues { .string($0.description) }),
            "means": .object(
                sums.keys.reduce(into: [:]) { means, name in
                    means[name] = mean(name)?.rounded(to: 2, .halfEven).map { .string($0.description) }
                }),
        ]
    }
}

/// An entry that is meant for somebody, as far as his own entry tells.
package struct ListFit: Sendable {
    package let entry: ListEntry
    /// Attributes that the entry asks for and nobody has stated.
    package let unknown: [String]
}

extension PackService {
    /// Counts a list by one of its fields, on a day.
    package func tally(
        _ id: String, by field: String, asOf day: CalendarDay? = nil, for caller: Caller?
    ) async throws(Problem) -> ListTally {
        let view = try await view(id, asOf: day, for: caller)
        guard view.fields.contains(where: { $0.name == field }) else {
            throw Problem(
                .invalid, "lists.field-missing",
                ["field": .text(field), "known": .list(view.fields.map(\.name))])
        }
        return ListTally(view, by: field)
    }

    /// Entries of a list that are meant for one entry of its audience: the policies that apply to an enterprise.
    package func fits(_ id: String, for key: String, as caller: Caller?) async throws(Problem) -> [ListFit] {
        let own = try await view(id, for: caller)
        guard let audience = own.schema.audience else {
            throw Problem(.invalid, "lists.audience-missing", ["list": .localized(own.title)])
        }
        let other = try await view(audience.list, for: caller)
        guard let reader = other.entries.first(where: { $0.key == key }) else {
            throw Problem(
                .missing, "lists.entry-missing", ["key": .text(key), "list": .localized(other.title)])
        }
        return own.entries.compactMap { entry -> ListFit? in
            var unknown: [String] = []
            for (field, attribute) in audience.fields.sorted(by: { $0.key < $1.key }) {
                let wanted = entry.content.words(field)
                let stated = reader.content.words(attribute)
                if wanted.isEmpty { continue }
                if stated.isEmpty { unknown.append(attribute) }
                if !stated.isEmpty, Set(wanted).isDisjoint(with: stated) { return nil }
            }
            return ListFit(entry: entry, unknown: unknown)
        }
    }
}
