// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Yes, no, or not to be said yet.
package enum Verdict: String, Hashable, Sendable {
    case `true`, `false`, unknown

    init(_ value: FEELValue) {
        switch value {
        case .boolean(true): self = .true
        case .boolean(false): self = .false
        default: self = .unknown
        }
    }
}

/// What a clause came to, and why.
package struct ClauseFinding: Sendable {
    package let clause: Clause
    package let verdict: Verdict
    /// The value of an amount or a cap, in yuan.
    package let amount: Decimal34?
    /// The facts the clause used, as they were given.
    package let facts: [String: JSON]
    package let missing: Set<String>
    /// For a false condition: what would have to change, the fewest changes first.
    package let changes: [NeededChange]
    /// An exception that applied instead.
    package let liftedBy: String?
}

/// An answer with its reasons: one node a clause.
package struct RuleDecision: Sendable {
    package let book: RuleBook
    package let verdict: Verdict
    /// The ceiling in whole yuan, rounded down from fen; only where the verdict is true.
    package let amountYuan: Decimal34?
    package let missing: Set<String>
    package let findings: [ClauseFinding]
}

extension RuleBook {
    /// Decides over what is known. Facts nobody has given are named in the answer, never guessed.
    package func decide(_ facts: JSON, now: Instant? = nil) -> RuleDecision {
        var evaluation = FEELEvaluation(isOpenWorld: true, now: now.map { FEELDateTime($0) })
        let scope = scope(facts, &evaluation)
        var values: [String: FEELValue] = [:]
        for clause in clauses {
            values[clause.id] = expressions[clause.id].map { evaluation.value($0, in: scope) }
        }
        var answer = FEELValue.true
        var findings: [ClauseFinding] = []
        for clause in clauses {
            let value = values[clause.id] ?? .null
            let lifting = clauses.first {
                $0.kind == .exception && $0.lifts.contains(clause.id)
                    && Verdict(values[$0.id] ?? .null) == .true
            }
            switch clause.kind {
            case .condition: answer = FEELEvaluation.and(answer, lifting == nil ? value : .true)
            case .exclusion: answer = FEELEvaluation.and(answer, FEELBuiltins.negation(value))
            case .exception, .amount, .cap, .duty: break
            }
            findings.append(finding(clause, value, liftedBy: lifting?.id, scope, facts, &evaluation))
        }
        let verdict = Verdict(answer)
        let deciding = findings.filter { [.condition, .exclusion, .amount, .cap].contains($0.clause.kind) }
        let missing =
            verdict == .false ? [] : deciding.reduce(into: Set<String>()) { $0.formUnion($1.missing) }
        return RuleDecision(
            book: self, verdict: verdict, amountYuan: verdict == .true ? ceiling(findings) : nil,
            missing: missing,
            findings: findings)
    }

    private func finding(
        _ clause: Clause, _ value: FEELValue, liftedBy: String?, _ scope: FEELScope, _ facts: JSON,
        _ evaluation: inout FEELEvaluation
    ) -> ClauseFinding {
        let expression = expressions[clause.id]
        let names =
            expression?.names(through: Dictionary(derived.map { ($0.name, $0.expression) }) { $1 }) ?? []
        let verdict = Verdict(value)
        let isBlocking = clause.kind == .condition && verdict == .false && liftedBy == nil
        return ClauseFinding(
            clause: clause,
            verdict: clause.kind == .amount || clause.kind == .cap
                ? (value.number == nil ? .unknown : .true) : verdict,
            amount: value.number, facts: (facts.object ?? [:]).filter { names.contains($0.key) },
            missing: value.missingFacts ?? [],
            changes: isBlocking
                ? expression.map { NeededChange.turning($0, in: scope, &evaluation) } ?? [] : [],
            liftedBy: liftedBy)
    }

    /// The sum of the amounts, at most the least cap, in whole yuan.
    private func ceiling(_ findings: [ClauseFinding]) -> Decimal34? {
        let amounts = findings.filter { $0.clause.kind == .amount }
        guard !amounts.isEmpty, amounts.allSatisfy({ $0.amount != nil }) else { return nil }
        let sum = amounts.compactMap(\.amount).reduce(Decimal34.zero as Decimal34?) { $0?.adding($1) }
        let caps = findings.filter { $0.clause.kind == .cap }.compactMap(\.amount)
        return caps.reduce(sum) { least, cap in least.map { min($0, cap) } }?.rounded(to: 2, .down)?.rounded(
            to: 0, .down)
    }
}

extension FEELExpression {
    /// The names of facts it reads, looking through derived values.
    func names(through derived: [String: FEELExpression]) -> Set<String> {
        if case .name(let name) = self {
            guard let inner = derived[name] else { return [name] }
            return inner.names(through: derived.filter { $0.key != name })
        }
        return children.reduce(into: []) { $0.formUnion($1.names(through: derived)) }
    }
}

extension RuleDecision {
    /// `{"verdict", "amount", "missing", "tree"}`: what `hutong rules decide --json` prints.
    package func json(in language: Language) -> JSON {
        var members: [String: JSON] = [
            "verdict": .string(verdict.rawValue), "rule": .string(book.id), "version": .string(book.version),
            "document": .string(book.document), "missing": .array(missing.sorted().map { .string($0) }),
            "tree": .array(findings.map { $0.json(in: language) }),
            "defaults": .object(
                Dictionary(
                    uniqueKeysWithValues: book.settings.map {
                        ($0.name, ["value": $0.value, "note": .string($0.note[language])])
                    })),
        ]
        if let amountYuan { members["amount"] = FEELValue.number(amountYuan).json }
        return .object(members)
    }

    /// The same as lines for a person.
    package func text(in language: Language) -> String {
        let isChinese = language == .zh
        let word: [Verdict: String] =
            isChinese
            ? [.true: "符合", .false: "不符合", .unknown: "尚不能确定"]
            : [.true: "yes", .false: "no", .unknown: "not known yet"]
        var lines = ["\(book.title[language]) · \(book.document): \(word[verdict] ?? "")"]
        if let amountYuan { lines.append(isChinese ? "金额上限：\(amountYuan) 元" : "Ceiling: \(amountYuan) yuan") }
        for finding in findings {
            let mark =
                finding.liftedBy != nil
                ? "–" : [.true: "✓", .false: "✗", .unknown: "?"][finding.verdict] ?? ""
            lines.append(
                "  \(mark) \(finding.clause.id)  \(finding.clause.article)  \(finding.clause.text[language])")
            for change in finding.changes.prefix(3) { lines.append("      → " + change.text(in: language)) }
            if !finding.missing.isEmpty {
                lines.append(
                    "      " + (isChinese ? "缺少：" : "missing: ")
                        + finding.missing.sorted().joined(separator: ", "))
            }
        }
        for setting in book.settings {
            lines.append(
                "  [default] \(setting.name) = \(setting.value.canonicalText): \(setting.note[language])")
        }
        return lines.joined(separator: "\n")
    }
}

extension ClauseFinding {
    fileprivate func json(in language: Language) -> JSON {
        [
            "clause": .string(clause.id), "article": .string(clause.article),
            "kind": .string(clause.kind.rawValue),
            "text": .string(clause.text[language]), "verdict": .string(verdict.rawValue),
            "facts": .object(facts),
            "amount": amount.map { FEELValue.number($0).json } ?? .null,
            "missing": .array(missing.sorted().map { .string($0) }),
            "changes": .array(changes.map { .string($0.text(in: language)) }),
            "liftedBy": liftedBy.map { .string($0) } ?? .null,
            "defaults": .array(clause.settings.map { .string($0) }),
        ]
    }
}

extension RuleBook {
    /// A derived value over some facts, or `null` where there is none of that name.
    package func derivedValue(_ name: String, _ facts: JSON) -> JSON {
        var evaluation = FEELEvaluation(isOpenWorld: true)
        return scope(facts, &evaluation).value(of: name)?.json ?? .null
    }
}
