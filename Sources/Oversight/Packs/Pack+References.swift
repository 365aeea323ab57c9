// SPDX-License-Identifier: Apache-2.0

import Casework
import Lists
import Measure
import Primitives
import Rules

/// What one file names in another must be there. A pack that needs others may name what they bring: those names are
/// looked up when they are used.
extension Pack {
    func checkReferences(_ trees: [String: DeclarationFile], _ faults: inout [PackFault]) {
        for (path, tree) in trees.sorted(by: { $0.key < $1.key }) {
            let id = tree.declaration.value["id"]?.text ?? ""
            do throws(Declaration.Fault) {
                switch path.split(separator: "/").first {
                case "cases":
                    for procedure in procedures where procedure.id == id {
                        try check(procedure, tree.declaration)
                    }
                case "lists": try checkList(id, tree.declaration)
                default: break
                }
            } catch { faults.append(tree.fault(error)) }
        }
    }

    private func check(_ procedure: Procedure, _ declared: Declaration) throws(Declaration.Fault) {
        if let rule = procedure.rule, !rules.contains(where: { $0.id == rule }) {
            throw try declared.member("rule").unknownWord(rule, among: rules.map(\.id))
        }
        for (exclusion, place) in zip(procedure.exclusions, try declared.elements("excludedBy")) {
            try requireList(exclusion.list, at: try place.member("list"))
        }
        for (question, place) in zip(procedure.questions, try declared.elements("questions")) {
            if let list = question.list { try requireList(list, at: try place.member("from")) }
        }
        for (step, place) in zip(procedure.steps, try declared.elements("steps")) {
            try check(step, of: procedure, place, declared)
        }
    }

    /// Braces in letters and entries name what there will be, and an entry's fields are the list's.
    private func check(
        _ step: Procedure.Step, of procedure: Procedure, _ place: Declaration, _ declared: Declaration
    ) throws(Declaration.Fault) {
        let words =
            ["code", "subject", "applicant", "day", "due"] + procedure.questions.map(\.id) + step.inputs
            + step.scores.map(\.id)
        if let id = step.letter, let letter = procedure.letters[id] {
            let written = try declared.member("letters").member(id)
            try written.requireBraces(letter.zh + letter.en, among: words)
        }
        if let enlistment = step.enlistment {
            let written = try place.member("enlists")
            try requireList(enlistment.list, at: try written.member("list"))
            let fields = lists.first { $0.schema.id == enlistment.list }?.schema.fields.map(\.name)
            for (field, text) in try written.member("entry").members() {
                if let fields, !(fields + ["validFrom", "validUntil"]).contains(field) {
                    throw text.unknownWord(field, among: fields)
                }
                try text.requireBraces(enlistment.entry[field] ?? "", among: words)
            }
        }
        if let delisting = step.delisting {
            let written = try place.member("delists")
            try requireList(delisting.list, at: try written.member("list"))
            try written.member("key").requireBraces(delisting.key, among: words)
        }
    }

    private func checkList(_ id: String, _ declared: Declaration) throws(Declaration.Fault) {
        if let selection = selections.first(where: { $0.id == id }) {
            try requireList(selection.list, at: try declared.member("selects"))
            guard
                let fields = lists.first(where: { $0.schema.id == selection.list })?.schema.fields.map(\.name)
            else { return }
            for field in selection.values.keys.sorted() + selection.required.sorted()
            where !fields.contains(field) {
                throw try declared.member("selects").unknownWord(field, among: fields)
            }
            return
        }
        guard let schema = lists.first(where: { $0.schema.id == id })?.schema else { return }
        for (field, target) in schema.references.sorted(by: { $0.key < $1.key })
        where !plans.contains(where: { $0.id == target }) {
            try requireList(target, at: try declared.member("references").member(field))
        }
        if let audience = schema.audience {
            try requireList(audience.list, at: try declared.member("audience").member("list"))
        }
    }

    private func requireList(_ id: String, at place: Declaration) throws(Declaration.Fault) {
        guard needs.isEmpty, !lists.contains(where: { $0.schema.id == id }) else { return }
        throw place.unknownWord(id, among: lists.map(\.schema.id))
    }
}

extension Declaration {
    fileprivate func unknownWord(_ word: String, among known: [String]) -> Fault {
        fault(
            zh: "规则包中没有“\(word)”", en: "the pack has no “\(word)”",
            remedyZH: "可用：\(known.sorted().joined(separator: "、"))；或在 pack.yaml 的 needs 中写上带来它的规则包。",
            remedyEN:
                "Known: \(known.sorted().joined(separator: ", ")); or name the pack that brings it under needs in pack.yaml."
        )
    }

    /// Refuses `{word}` where nothing of that name is filled in.
    fileprivate func requireBraces(_ text: String, among known: [String]) throws(Fault) {
        for match in text.matches(of: /\{([^}]*)\}/) where !known.contains(String(match.output.1)) {
            throw fault(
                zh: "没有可填入“{\(match.output.1)}”的内容", en: "nothing fills in “{\(match.output.1)}”",
                remedyZH: "可用：\(known.map { "{\($0)}" }.joined(separator: "、"))。",
                remedyEN: "Known: \(known.map { "{\($0)}" }.joined(separator: ", ")).")
        }
    }
}
