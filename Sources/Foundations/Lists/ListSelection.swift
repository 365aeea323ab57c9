// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A part of a list under a name of its own, such as the blockchain enterprises of the directory. Nothing is stored
/// twice: who writes the list changes the part.
package struct ListSelection: Hashable, Sendable {
    package let id: String
    package let title: LocalizedText
    /// The list it is taken from.
    package let list: String
    /// Fields with the value they must have; of a field of several texts one of them.
    package let values: [String: String]
    /// Fields that must not be empty: without a case an enterprise does not stand in the library of cases.
    package let required: Set<String>

    /// Reads `{id, title, selects, where, requires}` under `lists/`.
    package init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("id", "title", "selects", "where", "requires")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        list = try declared.member("selects").text()
        var values: [String: String] = [:]
        for (name, value) in try declared.optional("where")?.members() ?? [] {
            values[name] = try value.text()
        }
        self.values = values
        required = Set(try declared.optional("requires")?.texts() ?? [])
    }

    /// Whether an entry of the list belongs to the part.
    package func contains(_ entry: JSON) -> Bool {
        values.allSatisfy { name, value in entry.words(name).contains(value) }
            && required.allSatisfy { !entry.words($0).isEmpty }
    }
}

extension JSON {
    /// What a field of an entry says, as words: none where it is empty.
    package func words(_ field: String) -> [String] {
        switch self[field] {
        case nil, .null?: []
        case .array(let elements)?: elements.compactMap(\.text)
        case .string(let text)?: text.isEmpty ? [] : [text]
        case let other?: [other.canonicalText]
        }
    }
}
