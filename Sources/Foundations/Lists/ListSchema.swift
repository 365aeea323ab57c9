// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A verifiable list (名录) as a bureau declares it: its fields, its key, who may write and who may read.
package struct ListSchema: Hashable, Sendable {
    package enum FieldType: String, Hashable, Sendable, CaseIterable {
        case text, integer, decimal, boolean, day, creditCode, texts
    }

    package struct Field: Hashable, Sendable {
        package let name: String
        package let type: FieldType
        package let title: LocalizedText
        package let isRequired: Bool
        /// Never leaves the list: not in the log, not in an export to the public.
        package let isPersonal: Bool
        /// Empty where every value is allowed.
        package let choices: [String]
    }

    package let id: String
    package let title: LocalizedText
    package let key: String
    package let fields: [Field]
    package let writers: Set<String>
    /// `public` lets anybody read.
    package let readers: Set<String>
    /// Whether its contents are an example that an authority has to replace.
    package let isExample: Bool
    /// Entries must name one of another list or a task of a plan, such as a product its enterprise: field → list.
    package let references: [String: String]
    /// Whom an entry concerns, by attributes: a policy the enterprises of its fields and parks.
    package let audience: Audience?

    /// Entries of another list that an entry is meant for. A field left empty asks for nothing.
    package struct Audience: Hashable, Sendable {
        package let list: String
        /// A field of this list, holding the values that fit → the other list's field.
        package let fields: [String: String]
    }

    /// Reads what `docs/packs.md` describes under `lists/`.
    package init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows(
            "id", "title", "key", "fields", "writers", "readers", "example", "references", "audience",
            "entries")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        key = try declared.member("key").text()
        writers = Set(try declared.member("writers").texts())
        readers = Set(try declared.member("readers").texts())
        isExample = try declared.optional("example")?.bool() ?? false
        var fields: [Field] = []
        for (name, field) in try declared.member("fields").members() {
            try field.allows("type", "title", "required", "personal", "choices")
            fields.append(
                Field(
                    name: name, type: try field.member("type").choice(),
                    title: try field.member("title").localized(),
                    isRequired: try field.optional("required")?.bool() ?? false,
                    isPersonal: try field.optional("personal")?.bool() ?? false,
                    choices: try field.optional("choices")?.texts() ?? []))
        }
        self.fields = fields
        references = try declared.optional("references")?.words(for: fields) ?? [:]
        if let audience = declared.optional("audience") {
            try audience.allows("list", "by")
            self.audience = Audience(
                list: try audience.member("list").text(), fields: try audience.member("by").words(for: fields)
            )
        } else {
            audience = nil
        }
        guard let keyField = fields.first(where: { $0.name == key }), keyField.isRequired,
            !keyField.isPersonal
        else {
            throw try declared.member("key").fault(
                zh: "键“\(key)”不是必填且非个人信息的字段",
                en: "the key “\(key)” is not a required field without personal data",
                remedyZH: "可用：\(fields.map(\.name).joined(separator: "、"))；并写 required: true。",
                remedyEN: "Known: \(fields.map(\.name).joined(separator: ", ")); write required: true for it."
            )
        }
    }

    /// What an entry is found by.
    package func key(of entry: JSON) -> String {
        entry[key]?.text ?? entry[key]?.integer.map { "\($0)" } ?? ""
    }

    /// Checks an entry; the fault names the field and what belongs there.
    package func check(_ entry: Declaration) throws(Declaration.Fault) {
        for (name, value) in try entry.members() where name != "validFrom" && name != "validUntil" {
            guard let field = fields.first(where: { $0.name == name }) else {
                throw value.fault(
                    zh: "名录没有字段“\(name)”", en: "the list has no field “\(name)”",
                    remedyZH: "可用：\(fields.map(\.name).joined(separator: "、"))。",
                    remedyEN: "Known: \(fields.map(\.name).joined(separator: ", ")).")
            }
            try field.check(value)
        }
        for field in fields where field.isRequired { _ = try entry.member(field.name) }
    }
}

extension Declaration {
    /// A word for each of some fields; another field is refused.
    fileprivate func words(for fields: [ListSchema.Field]) throws(Fault) -> [String: String] {
        var words: [String: String] = [:]
        for (name, word) in try members() {
            guard fields.contains(where: { $0.name == name }) else {
                throw word.fault(
                    zh: "没有字段“\(name)”", en: "there is no field “\(name)”",
                    remedyZH: "可用：\(fields.map(\.name).joined(separator: "、"))。",
                    remedyEN: "Known: \(fields.map(\.name).joined(separator: ", ")).")
            }
            words[name] = try word.text()
        }
        return words
    }
}

extension ListSchema.Field {
    fileprivate func check(_ declared: Declaration) throws(Declaration.Fault) {
        switch type {
        case .integer: _ = try declared.integer()
        case .boolean: _ = try declared.bool()
        case .day: _ = try declared.day()
        case .texts: _ = try declared.texts()
        case .text, .decimal: _ = try declared.text()
        case .creditCode:
            guard CreditCode(try declared.text()) != nil else {
                throw declared.fault(
                    zh: "统一社会信用代码校验不通过", en: "the credit code's check character does not fit",
                    remedyZH: "请核对 18 位代码（GB 32100-2015）。",
                    remedyEN: "Check the 18 characters (GB 32100-2015).")
            }
        }
        if !choices.isEmpty {
            let word = try declared.text()
            guard choices.contains(word) else {
                throw declared.fault(
                    zh: "“\(word)”不在可选值内", en: "“\(word)” is not among the choices",
                    remedyZH: "可用：\(choices.joined(separator: "、"))。",
                    remedyEN: "Choose one of: \(choices.joined(separator: ", ")).")
            }
        }
    }
}

/// A unified social credit code (GB 32100-2015): 18 characters, the last is a check modulo 31.
package struct CreditCode: Hashable, Sendable {
    package let text: String

    private static let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY".utf8)

    /// `nil` for another length, alphabet or a wrong check character.
    package init?(_ text: String) {
        let values = text.utf8.compactMap { Self.alphabet.firstIndex(of: $0) }
        guard text.utf8.count == 18, values.count == 18 else { return nil }
        var weight = 1
        var sum = 0
        for value in values.dropLast() {
            sum += value * weight
            weight = weight * 3 % 31
        }
        guard values[17] == (31 - sum % 31) % 31 else { return nil }
        self.text = text
    }
}
