// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The terms a holder can set without knowing ODRL: what the plain-words editor shows and writes.
///
/// The smallest group of an answer is not here: it stands in the release rules, which `releaseRules` names.
package struct PlainTerms: Hashable, Sendable {
    /// Empty: for any purpose.
    package var purposes: Set<String>
    package var from: Instant?
    /// The first moment at which no use is permitted any more.
    package var until: Instant?
    package var usesMax: Int64?
    /// Empty: whoever agreed.
    package var recipients: Set<String>
    /// Empty: anywhere the law allows; the valve's own default for abroad stays deny.
    package var jurisdictions: Set<String>
    /// The ways data or answers may leave. `download` and `share` hand over a copy.
    package var doors: Set<Door>
    package var isPaid: Bool
    package var releaseRules: Digest?

    package init(
        purposes: Set<String> = [], from: Instant? = nil, until: Instant? = nil, usesMax: Int64? = nil,
        recipients: Set<String> = [], jurisdictions: Set<String> = [],
        doors: Set<Door> = [.describe, .query],
        isPaid: Bool = false, releaseRules: Digest? = nil
    ) {
        self.purposes = purposes
        self.from = from
        self.until = until
        self.usesMax = usesMax
        self.recipients = recipients
        self.jurisdictions = jurisdictions
        self.doors = doors
        self.isPaid = isPaid
        self.releaseRules = releaseRules
    }

    /// Whether no door hands over a copy.
    package var forbidsCopies: Bool { !doors.contains(where: \.handsOverACopy) }

    /// The terms as ODRL: one permission a door, and the prohibition of copies spelled out where there
    /// is no door for one. Passes `enforceable()` whenever there is a door and each value can be read.
    package func policy(id: String, target: String? = nil, kind: UsagePolicy.Kind = .offer) -> UsagePolicy {
        let duties = isPaid ? [UsageRule(.duty, actions: [UsageAction("compensate")])] : []
        var rules = doors.sorted { $0.rawValue < $1.rawValue }.map { door in
            // Looking at a description is no use of the data: it needs no purpose, counts nothing, costs nothing.
            door == .describe
                ? UsageRule(.permission, actions: [UsageAction(door.action)], constraints: term)
                : UsageRule(
                    .permission, actions: [UsageAction(door.action)], constraints: term + conditions,
                    duties: duties)
        }
        if forbidsCopies { rules.append(UsageRule(.prohibition, actions: [UsageAction("reproduce")])) }
        return UsagePolicy(
            id: id, kind: kind, profiles: [Vocabulary.profile], target: target, rules: rules,
            releaseRules: releaseRules)
    }

    private var term: [UsageConstraint] {
        var term: [UsageConstraint] = []
        if let from { term.append(Self.constraint(.dateTime, .gteq, [from.rfc3339])) }
        if let until { term.append(Self.constraint(.dateTime, .lt, [until.rfc3339])) }
        return term
    }

    private var conditions: [UsageConstraint] {
        let words = [(LeftOperand.purpose, purposes), (.recipient, recipients), (.spatial, jurisdictions)]
        return (usesMax.map { [Self.constraint(.count, .lteq, [String($0)])] } ?? [])
            + words.filter { !$0.1.isEmpty }.map { operand, words in
                Self.constraint(operand, words.count == 1 ? .eq : .isAnyOf, words.sorted())
            }
    }

    private static func constraint(
        _ operand: LeftOperand, _ comparator: UsageConstraint.Comparator, _ values: [String]
    ) -> UsageConstraint {
        .atomic(.init(operand.rawValue, comparator, values))
    }

    /// Reads a policy back into the editor; `nil` if it says something the editor could not show.
    package init?(_ policy: UsagePolicy) {
        self.init(doors: [], releaseRules: policy.releaseRules)
        let permissions = policy.rules(.permission)
        // A permission to describe says less than the others; the fullest one speaks for all.
        guard let permission = permissions.max(by: { $0.constraints.count < $1.constraints.count }) else {
            return nil
        }
        for action in permissions.flatMap(\.actions) {
            guard let door = Door.allCases.first(where: { $0.action == action.name }) else { return nil }
            doors.insert(door)
        }
        isPaid = permissions.contains { !$0.duties.isEmpty }
        for constraint in permission.constraints {
            guard case .atomic(let comparison) = constraint else { return nil }
            read(comparison)
        }
        // What was read is all there was exactly if writing it gives the same terms again.
        guard self.policy(id: policy.id).termsDigest == policy.termsDigest else { return nil }
    }

    private mutating func read(_ comparison: UsageConstraint.Comparison) {
        let values = comparison.rightOperands
        switch (LeftOperand(rawValue: comparison.leftOperand), comparison.comparator) {
        case (.dateTime, .gteq): from = values.first.flatMap { Instant(policyText: $0) }
        case (.dateTime, .lt): until = values.first.flatMap { Instant(policyText: $0) }
        case (.count, .lteq): usesMax = values.first.flatMap { Int64($0) }
        case (.purpose, _): purposes = Set(values)
        case (.recipient, _): recipients = Set(values)
        case (.spatial, _): jurisdictions = Set(values)
        default: break
        }
    }
}
