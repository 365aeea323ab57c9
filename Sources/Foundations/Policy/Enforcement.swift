// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The left operands the valve can enforce: it knows the time, counts the uses, and the request states purpose,
/// recipient and place.
package enum LeftOperand: String, Hashable, Sendable, CaseIterable {
    case dateTime
    case count
    case purpose
    case recipient
    /// The jurisdiction in which the result is received.
    case spatial

    /// What a comparison with this operand may use.
    package var comparators: Set<UsageConstraint.Comparator> {
        switch self {
        case .dateTime: [.lt, .lteq, .gt, .gteq]
        case .count: [.lt, .lteq]
        case .purpose, .recipient, .spatial: [.eq, .neq, .isA, .isPartOf, .isAnyOf, .isNoneOf]
        }
    }

    func reads(_ text: String) -> Bool {
        switch self {
        case .dateTime: Instant(policyText: text) != nil
        case .count: Int64(text).map { $0 >= 0 } ?? false
        case .purpose, .recipient: !text.isEmpty
        case .spatial: Self.isPlace(text)
        }
    }

    /// Two letters, then groups of letters and digits: `CN`, `CN-11`, `CN-11-0108`.
    private static func isPlace(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard let country = parts.first, country.utf8.count == 2,
            country.allSatisfy({ $0.isASCII && $0.isLetter })
        else { return false }
        return parts.dropFirst().allSatisfy { part in
            !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        }
    }
}

extension UsagePolicy {
    /// The actions the valve can tell apart: a use at all, a copy at all, and each door.
    package static let enforceableActions: Set<String> =
        Set(["use", "reproduce"] + Door.allCases.map(\.action))

    /// The duties that are done in the commit of the use itself: the price is charged, and each use is shown to
    /// the holder.
    package static let enforceableDuties: Set<String> = ["compensate", "inform"]

    /// Refuses a policy of which one term could not be enforced, with the place, the reason and the remedy.
    ///
    /// A listing, an offer and an agreement of ours pass this first: a term that merely decorates would be a
    /// promise broken at its first use. What passes is enforced whole by `evaluate`.
    package func enforceable() throws(Problem) {
        if let place = unread.first { throw unenforceable("policy.member-unenforceable", place, place) }
        for profile in profiles where profile != Vocabulary.profile {
            throw unenforceable("policy.profile-unknown", "profile", profile)
        }
        var places: [UsageRule.Kind: Int] = [:]
        for rule in rules {
            let place = "\(rule.kind.memberName)[\(places[rule.kind, default: 0])]"
            places[rule.kind, default: 0] += 1
            try enforceable(rule, place)
        }
        guard rules.contains(where: { $0.kind == .permission }) else {
            throw Problem(.invalid, "policy.permission-missing")
        }
    }

    private func enforceable(_ rule: UsageRule, _ place: String) throws(Problem) {
        if rule.actions.isEmpty { throw unenforceable("policy.action-missing", place + ".action", "") }
        let actions = rule.kind == .duty ? Self.enforceableDuties : Self.enforceableActions
        for action in rule.actions {
            guard actions.contains(action.name) else {
                throw Problem(
                    .invalid, "policy.action-unenforceable",
                    [
                        "place": .text(place + ".action"), "action": .text(action.name),
                        "allowed": .list(actions.sorted()),
                    ])
            }
            guard rule.kind != .duty || action.refinements.isEmpty else {
                throw unenforceable("policy.member-unenforceable", place + ".action.refinement", "refinement")
            }
            try Self.enforceable(action.refinements, place + ".action.refinement")
        }
        guard rule.kind != .duty || rule.constraints.isEmpty else {
            throw unenforceable("policy.member-unenforceable", place + ".constraint", "constraint")
        }
        try Self.enforceable(rule.constraints, place + ".constraint")
        for (number, duty) in rule.duties.enumerated() { try enforceable(duty, "\(place).duty[\(number)]") }
    }

    private static func enforceable(_ constraints: [UsageConstraint], _ place: String) throws(Problem) {
        for (number, constraint) in constraints.enumerated() {
            try enforceable(constraint, "\(place)[\(number)]")
        }
    }

    private static func enforceable(_ constraint: UsageConstraint, _ place: String) throws(Problem) {
        switch constraint {
        case .logical(.andSequence, _, _):
            throw Problem(
                .invalid, "policy.operator-unenforceable",
                [
                    "place": .text(place), "operator": .text("andSequence"), "operand": .text("andSequence"),
                    "allowed": .list(["and", "or", "xone"]),
                ])
        case .logical(let join, let parts, _):
            try enforceable(parts, "\(place).\(join.rawValue)")
        case .atomic(let comparison):
            guard let operand = LeftOperand(rawValue: comparison.leftOperand) else {
                throw Problem(
                    .invalid, "policy.operand-unenforceable",
                    [
                        "place": .text(place + ".leftOperand"), "operand": .text(comparison.leftOperand),
                        "allowed": .list(LeftOperand.allCases.map(\.rawValue)),
                    ])
            }
            let isList = [.isAnyOf, .isNoneOf].contains(comparison.comparator)
            guard operand.comparators.contains(comparison.comparator),
                isList || comparison.rightOperands.count == 1
            else {
                throw Problem(
                    .invalid, "policy.operator-unenforceable",
                    [
                        "place": .text(place + ".operator"),
                        "operator": .text(comparison.comparator.rawValue),
                        "operand": .text(operand.rawValue),
                        "allowed": .list(operand.comparators.map(\.rawValue).sorted()),
                    ])
            }
            for text in comparison.rightOperands where !operand.reads(text) {
                throw Problem(
                    .invalid, "policy.value-unreadable",
                    [
                        "place": .text(place + ".rightOperand"), "value": .text(text),
                        "operand": .text(operand.rawValue),
                    ])
            }
        }
    }

    private func unenforceable(_ code: String, _ place: String, _ name: String) -> Problem {
        Problem(.invalid, code, ["place": .text(place), "name": .text(name)])
    }
}

extension UsageRule.Kind {
    /// The member of a policy that holds rules of this kind.
    package var memberName: String {
        switch self {
        case .permission: "permission"
        case .prohibition: "prohibition"
        case .duty: "obligation"
        }
    }
}
