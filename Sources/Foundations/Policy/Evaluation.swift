// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One use that somebody asks for.
package struct UseRequest: Hashable, Sendable {
    /// The request's rule, where it has a name; repeated in the report.
    package var id: String?
    package var party: String
    package var action: String
    package var target: String
    package var purposes: Set<String>
    /// Who receives the result; the asking party, unless said otherwise.
    package var recipient: String
    /// Where the result is received: `CN`, `CN-11`.
    package var jurisdiction: String?

    package init(
        id: String? = nil, party: String, action: String, target: String, purposes: Set<String> = [],
        recipient: String? = nil, jurisdiction: String? = nil
    ) {
        self.id = id
        self.party = party
        self.action = Vocabulary.short(action)
        self.target = target
        self.purposes = purposes
        self.recipient = recipient ?? party
        self.jurisdiction = jurisdiction
    }
}

/// What an evaluation has to know besides the policy and the request.
package struct WorldState: Hashable, Sendable {
    /// What became of a duty (the compliance report model's deontic states).
    package enum DutyState: String, Hashable, Sendable {
        case fulfilled = "Fulfilled"
        case violated = "Violated"
        case open = "NonSet"
    }

    package var now: Instant
    /// Uses already made under this policy; the one asked for would be number `uses + 1`.
    package var uses: Int64
    /// Collections of parties and of assets, by member.
    package var memberships: [String: Set<String>]
    /// By the duty's identifier; a duty not named here is open, which does not hinder.
    package var duties: [String: DutyState]

    package init(
        now: Instant, uses: Int64 = 0, memberships: [String: Set<String>] = [:],
        duties: [String: DutyState] = [:]
    ) {
        self.now = now
        self.uses = uses
        self.memberships = memberships
        self.duties = duties
    }

    func isSame(_ member: String, as name: String) -> Bool {
        member == name || memberships[member]?.contains(name) == true
    }
}

/// Whether a condition holds; `unknown` where the state of the world does not say. Kleene's three values: a
/// permission needs `yes`, a prohibition bites unless `no`.
package enum Truth: String, Hashable, Sendable {
    case yes, no, unknown

    init(_ holds: Bool) { self = holds ? .yes : .no }

    var negated: Truth {
        switch self {
        case .yes: .no
        case .no: .yes
        case .unknown: .unknown
        }
    }

    static func all(_ values: some Sequence<Truth>) -> Truth {
        values.reduce(.yes) { $0 == .no || $1 == .no ? .no : $0 == .yes ? $1 : .unknown }
    }

    static func any(_ values: some Sequence<Truth>) -> Truth {
        all(values.lazy.map(\.negated)).negated
    }

    /// Exactly one of them; unknown as soon as one that matters is.
    static func one(_ values: [Truth]) -> Truth {
        let certain = values.count { $0 == .yes }
        if certain > 1 { return .no }
        return values.contains(.unknown) ? .unknown : Truth(certain == 1)
    }
}

/// One reason for which a rule applies or does not.
package indirect enum Premise: Hashable, Sendable {
    case target(Truth)
    case party(Truth)
    case action(Truth)
    /// The condition, whether it holds, what was found, and the same of its parts.
    case constraint(UsageConstraint, Truth, found: String?, parts: [Premise])
    case duty(UsageRule, Truth)

    package var truth: Truth {
        switch self {
        case .target(let truth), .party(let truth), .action(let truth), .duty(_, let truth): truth
        case .constraint(_, let truth, _, _): truth
        }
    }
}

/// What one rule says of one request, and why.
package struct RuleReport: Hashable, Sendable {
    package let rule: UsageRule
    package let isActive: Bool
    package let premises: [Premise]

    /// The premises that keep a permission from applying.
    package var missing: [Premise] { premises.filter { $0.truth != .yes } }
}

/// The answer of a policy to a request.
package struct PolicyDecision: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case permitted
        /// No permission applies.
        case unpermitted
        /// A prohibition applies, and it wins.
        case prohibited
        /// A permission and a prohibition apply, and the policy says that it is void then.
        case void
    }

    package let verdict: Verdict
    /// One a permission and prohibition, in the policy's order.
    package let reports: [RuleReport]

    package var isPermitted: Bool { verdict == .permitted }
}

extension UsagePolicy {
    /// Evaluates a request against this policy and a state of the world (ODRL Information Model §2; report
    /// model of the ODRL evaluator). Pure; linear in the number of constraints.
    package func evaluate(_ request: UseRequest, in world: WorldState) -> PolicyDecision {
        let reports = rules.filter { $0.kind != .duty }.map { rule in
            report(rule, request, world)
        }
        let isPermitted = reports.contains { $0.isActive && $0.rule.kind == .permission }
        let isProhibited = reports.contains { $0.isActive && $0.rule.kind == .prohibition }
        let verdict: PolicyDecision.Verdict =
            switch (isPermitted, isProhibited, conflict) {
            case (true, false, _), (true, true, .permit): .permitted
            case (true, true, .invalid): .void
            case (_, true, _): .prohibited
            case (false, false, _): .unpermitted
            }
        return PolicyDecision(verdict: verdict, reports: reports)
    }

    private func report(_ rule: UsageRule, _ request: UseRequest, _ world: WorldState) -> RuleReport {
        var premises: [Premise] = []
        let targets = rule.targets.isEmpty ? target.map { [$0] } ?? [] : rule.targets
        if !targets.isEmpty {
            premises.append(.target(Truth(targets.contains { world.isSame(request.target, as: $0) })))
        }
        let assignees = rule.assignees.isEmpty ? assignee.map { [$0] } ?? [] : rule.assignees
        if !assignees.isEmpty {
            premises.append(.party(Truth(assignees.contains { world.isSame(request.party, as: $0) })))
        }
        if !rule.actions.isEmpty {
            let matches = rule.actions.map { action in
                guard Vocabulary.action(request.action, isIncludedIn: action.name) else { return Truth.no }
                return .all(action.refinements.map { $0.premise(request, world).truth })
            }
            premises.append(.action(.any(matches)))
        }
        premises.append(contentsOf: rule.constraints.map { $0.premise(request, world) })
        premises.append(
            contentsOf: rule.duties.map { duty in
                .duty(duty, Truth(duty.id.flatMap { world.duties[$0] } != .violated))
            })
        let truth = Truth.all(premises.map(\.truth))
        let isActive = rule.kind == .prohibition ? truth != .no : truth == .yes
        return RuleReport(rule: rule, isActive: isActive, premises: premises)
    }
}

extension UsageConstraint {
    /// Whether the condition holds, with the same for each of its parts.
    package func premise(_ request: UseRequest, _ world: WorldState) -> Premise {
        switch self {
        case .atomic(let comparison):
            let found = FoundValue(comparison.leftOperand, request, world)
            let truth = found?.compare(comparison.comparator, comparison.rightOperands) ?? .unknown
            return .constraint(self, truth, found: found?.text, parts: [])
        case .logical(let join, let parts, _):
            let premises = parts.map { $0.premise(request, world) }
            let truths = premises.map(\.truth)
            let truth: Truth =
                switch join {
                case .and, .andSequence: .all(truths)
                case .or: .any(truths)
                case .xone: .one(truths)
                }
            return .constraint(self, truth, found: nil, parts: premises)
        }
    }
}

/// What the request and the world say about a left operand.
enum FoundValue {
    case instant(Instant)
    case count(Int64)
    case words(Set<String>)
    case place(String)

    /// `nil` where nothing is known: an operand of no meaning here, or a request that does not say.
    init?(_ leftOperand: String, _ request: UseRequest, _ world: WorldState) {
        switch LeftOperand(rawValue: leftOperand) {
        case .dateTime: self = .instant(world.now)
        case .count: self = .count(world.uses + 1)
        case .purpose:
            if request.purposes.isEmpty { return nil }
            self = .words(request.purposes)
        case .recipient:
            // A collection of parties is named like a party: its members are recipients too.
            self = .words((world.memberships[request.recipient] ?? []).union([request.recipient]))
        case .spatial:
            guard let place = request.jurisdiction else { return nil }
            self = .place(place)
        case nil: return nil
        }
    }

    var text: String {
        switch self {
        case .instant(let instant): instant.rfc3339
        case .count(let count): String(count)
        case .words(let words): words.sorted().joined(separator: ", ")
        case .place(let place): place
        }
    }

    func compare(_ comparator: UsageConstraint.Comparator, _ right: [String]) -> Truth {
        switch self {
        case .instant(let found): Self.compare(found, comparator, right.map { Instant(policyText: $0) })
        case .count(let found): Self.compare(found, comparator, right.map { Int64($0) })
        case .words(let found): Self.compare(comparator, right) { found.contains($0) }
        case .place(let found): Self.compare(comparator, right) { Vocabulary.place(found, liesIn: $0) }
        }
    }

    private static func compare<Value: Comparable>(
        _ found: Value, _ comparator: UsageConstraint.Comparator, _ right: [Value?]
    ) -> Truth {
        let values = right.compactMap(\.self)
        guard values.count == right.count, let value = values.first else { return .unknown }
        switch comparator {
        case .isAnyOf: return Truth(values.contains(found))
        case .isNoneOf: return Truth(!values.contains(found))
        default: break
        }
        guard values.count == 1 else { return .unknown }
        switch comparator {
        case .eq: return Truth(found == value)
        case .neq: return Truth(found != value)
        case .lt: return Truth(found < value)
        case .lteq, .termLteq: return Truth(found <= value)
        case .gt: return Truth(found > value)
        case .gteq: return Truth(found >= value)
        case .isA, .hasPart, .isPartOf, .isAllOf, .isAnyOf, .isNoneOf: return .unknown
        }
    }

    private static func compare(
        _ comparator: UsageConstraint.Comparator, _ right: [String], matches: (String) -> Bool
    ) -> Truth {
        switch comparator {
        case .eq, .isA, .isPartOf: right.count == 1 ? Truth(matches(right[0])) : .unknown
        case .neq: right.count == 1 ? Truth(!matches(right[0])) : .unknown
        case .isAnyOf: Truth(right.contains(where: matches))
        case .isNoneOf: Truth(!right.contains(where: matches))
        case .isAllOf, .hasPart: Truth(right.allSatisfy(matches))
        case .lt, .lteq, .gt, .gteq, .termLteq: .unknown
        }
    }
}
