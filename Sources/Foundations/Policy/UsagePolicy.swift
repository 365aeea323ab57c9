// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Usage rules in ODRL 2.2 (W3C Recommendation 2018-02-15), as far as Hutong holds them.
///
/// Names are kept short: an ODRL term without its namespace (`use`, `dateTime`), a term of ours as
/// `hutong:query`, anything else as the IRI it is. Members that this model cannot hold are not dropped in
/// silence: their places stand in `unread`, and `enforceable()` refuses a policy that has any.
package struct UsagePolicy: Sendable {
    package enum Kind: String, Hashable, Sendable {
        case set = "Set"
        case offer = "Offer"
        case agreement = "Agreement"
        case request = "Request"
    }

    /// What holds where a permission and a prohibition meet (ODRL Information Model §2.10). ODRL's own default
    /// is `invalid`: the policy then says nothing. Ours, written out in every policy we make, is `prohibit`.
    package enum ConflictStrategy: String, Hashable, Sendable, CaseIterable {
        case permit = "perm"
        case prohibit
        case invalid
    }

    package var id: String
    package var kind: Kind
    package var profiles: [String]
    package var conflict: ConflictStrategy
    /// What stands here holds for each rule that names none of its own (ODRL Information Model §2.7.1).
    package var target: String?
    package var assigner: String?
    package var assignee: String?
    /// When an agreement was made; the Dataspace Protocol demands it there.
    package var timestamp: Instant?
    package var rules: [UsageRule]
    /// SHA-256 of the canonical `rules.json` that governs queries and matches; `hutong:releaseRules`.
    package var releaseRules: Digest?
    /// Places of members that this model cannot hold.
    package var unread: [String]

    package init(
        id: String, kind: Kind = .offer, profiles: [String] = [], conflict: ConflictStrategy = .prohibit,
        target: String? = nil, assigner: String? = nil, assignee: String? = nil, timestamp: Instant? = nil,
        rules: [UsageRule], releaseRules: Digest? = nil, unread: [String] = []
    ) {
        self.id = id
        self.kind = kind
        self.profiles = profiles
        self.conflict = conflict
        self.target = target
        self.assigner = assigner
        self.assignee = assignee
        self.timestamp = timestamp
        self.rules = rules
        self.releaseRules = releaseRules
        self.unread = unread
    }

    /// The rules of a kind, in the order they are written.
    package func rules(_ kind: UsageRule.Kind) -> [UsageRule] { rules.filter { $0.kind == kind } }

    /// SHA-256 over the canonical bytes of the whole policy: identifier, parties, target and rules.
    package var digest: Digest { Digest(of: json.canonicalBytes) }

    /// SHA-256 over what is permitted, forbidden and owed alone: equal for an offer and the agreement made
    /// from it, whatever their identifiers and parties.
    package var termsDigest: Digest { Digest(of: terms.canonicalBytes) }

    /// The agreement that an offer becomes between two parties.
    package func agreement(
        id: String, assigner: String, assignee: String, target: String, at instant: Instant
    ) -> UsagePolicy {
        var agreement = self
        agreement.id = id
        agreement.kind = .agreement
        agreement.assigner = assigner
        agreement.assignee = assignee
        agreement.target = target
        agreement.timestamp = instant
        return agreement
    }
}

/// One permission, prohibition or duty.
package struct UsageRule: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case permission
        case prohibition
        /// `obligation` in a policy, `duty` inside a permission.
        case duty
    }

    package var id: String?
    package var kind: Kind
    /// Empty: what the policy says, and where that says nothing, any.
    package var targets: [String]
    package var assigners: [String]
    package var assignees: [String]
    /// Empty: any action.
    package var actions: [UsageAction]
    /// All of them must hold.
    package var constraints: [UsageConstraint]
    /// What a permission asks in return.
    package var duties: [UsageRule]

    package init(
        _ kind: Kind, id: String? = nil, actions: [UsageAction] = [], targets: [String] = [],
        assigners: [String] = [], assignees: [String] = [], constraints: [UsageConstraint] = [],
        duties: [UsageRule] = []
    ) {
        self.kind = kind
        self.id = id
        self.actions = actions
        self.targets = targets
        self.assigners = assigners
        self.assignees = assignees
        self.constraints = constraints
        self.duties = duties
    }
}

/// An action, narrowed by refinements that must hold too.
package struct UsageAction: Hashable, Sendable {
    package let name: String
    package var refinements: [UsageConstraint]

    package init(_ name: String, refinements: [UsageConstraint] = []) {
        self.name = name
        self.refinements = refinements
    }
}

/// A condition: one comparison, or several joined.
package indirect enum UsageConstraint: Hashable, Sendable {
    case atomic(Comparison)
    case logical(Join, [UsageConstraint], id: String?)

    /// How several conditions are joined (ODRL Information Model §2.5.2).
    package enum Join: String, Hashable, Sendable, CaseIterable {
        case and
        case or
        case xone
        /// All, and each no later than the next. Order is not observable to us, so it is read like `and`
        /// where a policy is only explained, and refused where it would have to be enforced.
        case andSequence
    }

    package struct Comparison: Hashable, Sendable {
        package var id: String?
        package var leftOperand: String
        package var comparator: Comparator
        /// As texts: the left operand alone decides how they are read.
        package var rightOperands: [String]

        package init(
            _ leftOperand: String, _ comparator: Comparator, _ rightOperands: [String], id: String? = nil
        ) {
            self.leftOperand = leftOperand
            self.comparator = comparator
            self.rightOperands = rightOperands
            self.id = id
        }
    }

    /// The operators of ODRL 2.2, by the names the Dataspace Protocol's schema allows.
    package enum Comparator: String, Hashable, Sendable, CaseIterable {
        case eq, neq, lt, lteq, gt, gteq
        case isA, hasPart, isPartOf, isAllOf, isAnyOf, isNoneOf
        case termLteq = "term-lteq"
    }

    package var id: String? {
        switch self {
        case .atomic(let comparison): comparison.id
        case .logical(_, _, let id): id
        }
    }
}
