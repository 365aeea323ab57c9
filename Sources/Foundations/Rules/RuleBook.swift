// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One sentence of a document that decides something, with the article it stands in.
package struct Clause: Hashable, Sendable {
    /// What the sentence does to the decision.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Must hold.
        case condition
        /// If it holds, the conditions it names need not.
        case exception
        /// If it holds, the answer is no.
        case exclusion
        /// What is granted, in yuan.
        case amount
        /// What is granted at most, in yuan; several: the least.
        case cap
        /// What the applicant owes afterwards. Shown, and decided only where its facts are given.
        case duty
    }

    package let id: String
    package let article: String
    package let kind: Kind
    package let text: LocalizedText
    /// The FEEL text, as the pack writes it.
    package let source: String
    /// For an exception: the conditions it lifts.
    package let lifts: Set<String>
    /// The settings without a source that it rests on.
    package let settings: [String]
}

/// A choice the document leaves open: used and shown, never passed off as the document's.
package struct RuleSetting: Sendable {
    package let name: String
    /// Null where nobody has chosen yet, such as a weight the source does not give: then it is asked for like a fact,
    /// and the answer stays unknown without it.
    package let value: JSON
    package let note: LocalizedText
}

/// The clauses of one document for one decision, parsed and ready. Immutable: a changed document is a new version.
package struct RuleBook: Sendable {
    package let id: String
    package let version: String
    package let document: String
    package let title: LocalizedText
    package let clauses: [Clause]
    package let settings: [RuleSetting]
    package let factTypes: [String: FEELType]
    package let factTitles: [String: LocalizedText]
    package let rankings: [Ranking]
    package let exclusiveGroups: [[String]]
    let expressions: [String: FEELExpression]
    let derived: [(name: String, expression: FEELExpression)]

    /// Reads what `docs/packs.md` describes under `rules/`.
    package init(_ declared: Declaration, version: String) throws(Declaration.Fault) {
        try declared.allows(
            "id", "title", "document", "settings", "facts", "derived", "clauses", "rankings",
            "exclusiveGroups",
            "tests")
        id = try declared.member("id").text()
        self.version = version
        title = try declared.member("title").localized()
        document = try declared.member("document").text()
        var settings: [RuleSetting] = []
        for (name, setting) in try declared.optional("settings")?.members() ?? [] {
            try setting.allows("value", "note")
            // Null is a choice left open; no value at all is a slip.
            if setting.value["value"] == nil { _ = try setting.member("value") }
            settings.append(
                RuleSetting(
                    name: name, value: setting.value["value"] ?? .null,
                    note: try setting.member("note").localized()))
        }
        self.settings = settings
        var types: [String: FEELType] = [:]
        var titles: [String: LocalizedText] = [:]
        for (name, fact) in try declared.optional("facts")?.members() ?? [] {
            try fact.allows("type", "title")
            types[name] = try fact.member("type").feelType()
            titles[name] = try fact.member("title").localized()
        }
        factTypes = types
        factTitles = titles
        var derived: [(String, FEELExpression)] = []
        for entry in try declared.elements("derived") {
            try entry.allows("name", "value")
            derived.append((try entry.member("name").text(), try entry.member("value").expression()))
        }
        self.derived = derived
        var clauses: [Clause] = []
        var expressions: [String: FEELExpression] = [:]
        for entry in try declared.elements("clauses") {
            let clause = try Clause(entry)
            guard expressions[clause.id] == nil else {
                throw entry.fault(
                    zh: "条款“\(clause.id)”写了两次", en: "the clause “\(clause.id)” is written twice",
                    remedyZH: "请给其中一个换号。", remedyEN: "Renumber one of them.")
            }
            clauses.append(clause)
            expressions[clause.id] = try entry.member("when").expression()
        }
        self.clauses = clauses
        self.expressions = expressions
        var rankings: [Ranking] = []
        for entry in try declared.elements("rankings") { rankings.append(try Ranking(entry)) }
        self.rankings = rankings
        var groups: [[String]] = []
        for entry in try declared.elements("exclusiveGroups") { groups.append(try entry.texts()) }
        exclusiveGroups = groups
    }

    /// The scope of a decision: facts as their types read them, then settings, then derived values.
    func scope(_ facts: JSON, _ evaluation: inout FEELEvaluation) -> FEELScope {
        var context = FEELContext()
        for setting in settings { context[setting.name] = FEELValue(setting.value, at: setting.name) }
        for (name, value) in facts.object ?? [:] {
            let read = FEELValue(value, at: name)
            context[name] = factTypes[name]?.read(read) ?? read
        }
        for entry in derived {
            context[entry.name] = evaluation.value(entry.expression, in: FEELScope(context))
        }
        return FEELScope(context)
    }
}

extension Clause {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("id", "article", "kind", "text", "when", "lifts", "settings")
        id = try declared.member("id").text()
        article = try declared.member("article").text()
        kind = try declared.member("kind").choice()
        text = try declared.member("text").localized()
        source = try declared.member("when").text()
        lifts = Set(try declared.optional("lifts")?.texts() ?? [])
        settings = try declared.optional("settings")?.texts() ?? []
    }
}

extension Declaration {
    /// A FEEL expression; the fault shows the place inside of it.
    func expression() throws(Fault) -> FEELExpression {
        let text = if let flag = value.bool { "\(flag)" } else { try self.text() }
        do throws(FEELSyntaxFailure) {
            return try FEELParser.expression(text)
        } catch {
            let before = String(String.UnicodeScalarView(text.unicodeScalars.prefix(error.offset)).suffix(20))
            throw fault(
                zh: "“…\(before)”之后应为 \(error.expected)", en: "after “…\(before)” comes \(error.expected)",
                remedyZH: "请写 FEEL 表达式，例如：staff <= 100 and income >= 50。",
                remedyEN: "Write a FEEL expression, such as: staff <= 100 and income >= 50.")
        }
    }

    func feelType() throws(Fault) -> FEELType {
        let text = try text()
        guard let type = try? FEELParser.type(text, FEELVocabulary()), type.isKnown else {
            throw fault(
                zh: "没有类型“\(text)”", en: "there is no type “\(text)”",
                remedyZH: "可用：number、string、boolean、date、list<…>、context<名称: …>。",
                remedyEN: "Known: number, string, boolean, date, list<…>, context<name: …>.")
        }
        return type
    }
}

extension FEELType {
    fileprivate var isKnown: Bool { if case .unknown = self { false } else { true } }
}
