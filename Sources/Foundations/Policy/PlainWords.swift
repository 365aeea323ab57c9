// SPDX-License-Identifier: Apache-2.0

package import Primitives

// A policy in plain words, both languages: what a person signs. The order is fixed and nothing is left out:
// what has no word of its own is quoted as it is written.

extension UsagePolicy {
    /// One sentence a rule, permissions first; rules that differ in their action alone share a sentence.
    package var plainWords: [LocalizedText] {
        var sentences: [LocalizedText] = []
        for kind in UsageRule.Kind.allCases {
            var groups: [(key: UsageRule, actions: [UsageAction])] = []
            for rule in rules(kind) {
                var key = rule
                key.id = nil
                key.actions = []
                if let place = groups.firstIndex(where: { $0.key == key }) {
                    groups[place].actions += rule.actions
                } else {
                    groups.append((key, rule.actions))
                }
            }
            for group in groups {
                var rule = group.key
                rule.actions = group.actions
                sentences.append(rule.plainWords(in: self))
            }
        }
        if let releaseRules {
            let short = releaseRules.hex.prefix(12)
            sentences.append(
                LocalizedText(
                    zh: "查询与匹配的结果须符合发布规则（摘要 \(short)…）。",
                    en: "Answers to queries and matches follow the release rules with digest \(short)…."))
        }
        return sentences
    }
}

extension UsageRule {
    fileprivate func plainWords(in policy: UsagePolicy) -> LocalizedText {
        let who = assignees.isEmpty ? policy.assignee.map { [$0] } ?? [] : assignees
        let actions = actions.isEmpty ? [Words.anything] : actions.map(Words.action)
        let what = Words.list(actions, zh: "、", en: kind == .prohibition ? " or " : " and ")
        let party =
            who.isEmpty ? Words.anyParty : Words.list(who.map { LocalizedText($0) }, zh: "、", en: " or ")
        let conditions = constraints.map(Words.constraint)
        let duties = duties.flatMap(\.actions).map(Words.duty)
        let when = Words.list(conditions + duties, zh: "；", en: "; ")
        let opening: LocalizedText =
            switch kind {
            case .permission:
                LocalizedText(zh: "\(party.zh)可以\(what.zh)", en: "\(party.en) may \(what.en)")
            case .prohibition:
                LocalizedText(zh: "\(party.zh)不得\(what.zh)", en: "\(party.en) may not \(what.en)")
            case .duty:
                LocalizedText(
                    zh: "\(party.zh)必须" + self.actions.map(Words.duty).map(\.zh).joined(separator: "、"),
                    en: "\(party.en) must: " + self.actions.map(Words.duty).map(\.en).joined(separator: ", "))
            }
        let hasConditions = !conditions.isEmpty || !duties.isEmpty
        return LocalizedText(
            zh: opening.zh + (hasConditions ? "，条件是：\(when.zh)。" : "。"),
            en: opening.en + (hasConditions ? ", provided: \(when.en)." : "."))
    }
}

extension Premise {
    /// The condition and what was found, as one clause of an explanation.
    package var plainWords: LocalizedText {
        switch self {
        case .target: LocalizedText(zh: "规则针对该数据", en: "the rule is about these data")
        case .party: LocalizedText(zh: "规则针对该主体", en: "the rule is about this party")
        case .action: LocalizedText(zh: "规则涵盖该行为", en: "the rule covers this action")
        case .duty(let duty, _):
            Words.list(duty.actions.map(Words.duty), zh: "、", en: ", ")
        case .constraint(let constraint, _, let found, _):
            Words.found(Words.constraint(constraint), found)
        }
    }
}

extension Premise {
    /// The parts that do not hold, where all of them had to; else the whole.
    fileprivate var broken: [Premise] {
        guard case .constraint(.logical(let join, _, _), _, _, let parts) = self,
            join == .and || join == .andSequence
        else { return [self] }
        return parts.filter { $0.truth != .yes }.flatMap(\.broken)
    }
}

extension PolicyDecision {
    /// Why the request is refused, for people; empty where it is permitted.
    ///
    /// Of the permissions that nearly apply, the one with the fewest missing premises is told: it is the
    /// nearest remedy.
    package var refusalReasons: [LocalizedText] {
        switch verdict {
        case .permitted: return []
        case .prohibited, .void:
            return reports.filter { $0.isActive && $0.rule.kind == .prohibition }.map { report in
                let what = Words.list(report.rule.actions.map(Words.action), zh: "、", en: " or ")
                return LocalizedText(zh: "条款禁止\(what.zh)", en: "the terms forbid to \(what.en)")
            }
        case .unpermitted:
            let permissions = reports.filter { $0.rule.kind == .permission }
            guard let nearest = permissions.min(by: { Self.distance($0) < Self.distance($1) }) else {
                return [LocalizedText(zh: "条款没有给出任何许可", en: "the terms permit nothing")]
            }
            return nearest.missing.flatMap(\.broken).map { premise in
                let words = premise.plainWords
                return premise.truth == .unknown
                    ? LocalizedText(
                        zh: "请求未说明：\(words.zh)", en: "the request does not say whether \(words.en)")
                    : LocalizedText(zh: "未满足：\(words.zh)", en: "this does not hold: \(words.en)")
            }
        }
    }

    /// Another action is farther than another party, and that is farther than a condition.
    private static func distance(_ report: RuleReport) -> Int {
        report.missing.reduce(0) { sum, premise in
            switch premise {
            case .action: sum + 10_000
            case .target: sum + 5_000
            case .party: sum + 1_000
            case .constraint, .duty: sum + 1
            }
        }
    }

    /// The refusal as a problem: `policy.use-refused`, kind `forbidden`; `nil` where the use is permitted.
    package func refusal(of request: UseRequest) -> Problem? {
        if isPermitted { return nil }
        return Problem(
            .forbidden, "policy.use-refused",
            [
                "action": .localized(Words.action(UsageAction(request.action))),
                "reasons": .localized(Words.list(refusalReasons, zh: "；", en: "; ")),
            ])
    }
}

/// The words of the profile in both languages.
enum Words {
    static let anything = LocalizedText(zh: "做任何使用", en: "do anything")
    static let anyParty = LocalizedText(zh: "协议方", en: "Whoever agrees")

    static func list(_ texts: [LocalizedText], zh: String, en: String) -> LocalizedText {
        LocalizedText(
            zh: texts.map(\.zh).joined(separator: zh), en: texts.map(\.en).joined(separator: en))
    }

    private static let actions: [String: LocalizedText] = [
        "use": LocalizedText(zh: "使用数据", en: "use the data"),
        "reproduce": LocalizedText(zh: "取得数据副本", en: "obtain a copy of the data"),
        "hutong:describe": LocalizedText(zh: "查看数据说明", en: "see the description"),
        "hutong:download": LocalizedText(zh: "下载副本", en: "download a copy"),
        "hutong:share": LocalizedText(zh: "通过共享表取得副本", en: "read a copy through table sharing"),
        "hutong:query": LocalizedText(zh: "查询并取得汇总结果", en: "ask queries and receive aggregated answers"),
        "hutong:match": LocalizedText(zh: "做隐私匹配", en: "match privately"),
        "hutong:train": LocalizedText(zh: "训练模型", en: "train models"),
        "hutong:workspace": LocalizedText(zh: "在受控工作区内使用", en: "work in the supervised workspace"),
    ]

    static func action(_ action: UsageAction) -> LocalizedText {
        let name = actions[action.name] ?? LocalizedText(zh: "“\(action.name)”", en: "“\(action.name)”")
        if action.refinements.isEmpty { return name }
        let refinements = list(action.refinements.map(constraint), zh: "；", en: "; ")
        return LocalizedText(zh: "\(name.zh)（\(refinements.zh)）", en: "\(name.en) (\(refinements.en))")
    }

    static func duty(_ action: UsageAction) -> LocalizedText {
        switch action.name {
        case "compensate": LocalizedText(zh: "按价格方案付费", en: "the price of the price plan is paid")
        case "inform": LocalizedText(zh: "每次使用都告知数据持有方", en: "each use is shown to the holder")
        default: LocalizedText(zh: "履行“\(action.name)”", en: "“\(action.name)” is done")
        }
    }

    static func constraint(_ constraint: UsageConstraint) -> LocalizedText {
        switch constraint {
        case .atomic(let comparison): return comparisonWords(comparison)
        case .logical(let join, let parts, _):
            let words = parts.map(Self.constraint)
            let joined: LocalizedText =
                switch join {
                case .and, .andSequence: list(words, zh: "，并且", en: " and ")
                case .or: list(words, zh: "，或者", en: " or ")
                case .xone: list(words, zh: "，二者恰有其一：", en: " or else (exactly one) ")
                }
            return LocalizedText(zh: "（\(joined.zh)）", en: "(\(joined.en))")
        }
    }

    static func found(_ words: LocalizedText, _ found: String?) -> LocalizedText {
        guard let found else { return words }
        return LocalizedText(zh: "\(words.zh)（现为 \(found)）", en: "\(words.en) (found: \(found))")
    }

    private static func comparisonWords(_ comparison: UsageConstraint.Comparison) -> LocalizedText {
        let values = comparison.rightOperands.joined(separator: ", ")
        let isNegative = [.neq, .isNoneOf].contains(comparison.comparator)
        switch LeftOperand(rawValue: comparison.leftOperand) {
        case .dateTime: return time(comparison.comparator, values)
        case .count:
            let strict = comparison.comparator == .lt
            return LocalizedText(
                zh: strict ? "使用次数少于 \(values)" : "最多使用 \(values) 次",
                en: strict ? "fewer than \(values) uses" : "at most \(values) uses")
        case .purpose:
            return LocalizedText(
                zh: isNegative ? "用途不是 \(values)" : "用途为 \(values)",
                en: isNegative ? "not for the purpose \(values)" : "for the purpose \(values)")
        case .recipient:
            return LocalizedText(
                zh: isNegative ? "结果不得由 \(values) 接收" : "结果仅由 \(values) 接收",
                en: isNegative
                    ? "the result is not received by \(values)" : "the result is received only by \(values)")
        case .spatial:
            return LocalizedText(
                zh: isNegative ? "结果不在 \(values) 境内接收" : "结果仅在 \(values) 境内接收",
                en: isNegative
                    ? "the result is not received in \(values)" : "the result is received only in \(values)")
        case nil:
            let text = "\(comparison.leftOperand) \(comparison.comparator.rawValue) \(values)"
            return LocalizedText(zh: "“\(text)”", en: "“\(text)”")
        }
    }

    private static func time(_ comparator: UsageConstraint.Comparator, _ value: String) -> LocalizedText {
        let shown = Instant(policyText: value).map { $0.dateAndTime(in: .shanghai) + " (UTC+8)" } ?? value
        return switch comparator {
        case .lt: LocalizedText(zh: "在 \(shown) 之前", en: "before \(shown)")
        case .lteq: LocalizedText(zh: "不晚于 \(shown)", en: "until \(shown)")
        case .gt: LocalizedText(zh: "在 \(shown) 之后", en: "after \(shown)")
        case .gteq: LocalizedText(zh: "自 \(shown) 起", en: "from \(shown) on")
        default:
            LocalizedText(
                zh: "时间 \(comparator.rawValue) \(shown)", en: "time \(comparator.rawValue) \(shown)")
        }
    }
}
