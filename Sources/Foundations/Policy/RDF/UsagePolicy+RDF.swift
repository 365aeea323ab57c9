// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A policy, a request and a state of the world as the ODRL test suite writes them, in Turtle.
package struct ODRLCase: Sendable {
    package let policy: UsagePolicy
    package let requestId: String
    package let request: UseRequest
    package let world: WorldState

    /// Reads three graphs. Throws `policy.terms-malformed` where one of them says less than an evaluation needs.
    package init(policy: RDFGraph, request: RDFGraph, world: RDFGraph) throws(Problem) {
        self.policy = try PolicyGraph(policy).policy()
        let asked = try PolicyGraph(request).policy(kinds: ["Request"])
        guard let rule = asked.rules.first, let action = rule.actions.first?.name else {
            throw PolicyGraph.malformed("odrl:Request", "a permission with an action")
        }
        requestId = asked.id
        self.request = UseRequest(
            id: rule.id, party: rule.assignees.first ?? "", action: action, target: rule.targets.first ?? "")
        self.world = try Self.world(world, policy)
    }

    private static func world(_ graph: RDFGraph, _ policy: RDFGraph) throws(Problem) -> WorldState {
        let issued = "http://purl.org/dc/terms/issued"
        let time = graph.object(.iri("http://example.com/request/currentTime"), issued)
        guard let text = time?.text, let now = Instant(policyText: text) else {
            throw PolicyGraph.malformed("temp:currentTime", "dct:issued with a time")
        }
        var world = WorldState(now: now)
        for source in [graph, policy] {
            for triple in source.triples where triple.predicate == Vocabulary.iri("partOf") {
                guard let member = triple.subject.text, let collection = triple.object.text else { continue }
                world.memberships[member, default: []].insert(collection)
            }
        }
        for report in graph.subjects(ofType: PolicyReport.namespace + "DutyReport") {
            guard let duty = graph.object(report, PolicyReport.namespace + "rule")?.text,
                let state = graph.object(report, PolicyReport.namespace + "deonticState")?.text
            else { continue }
            let name = String(state.dropFirst(PolicyReport.namespace.count))
            world.duties[duty] = WorldState.DutyState(rawValue: name)
        }
        return world
    }
}

extension UsagePolicy {
    /// Reads the first policy of a graph. Throws `policy.terms-malformed` with the place.
    package init(graph: RDFGraph) throws(Problem) {
        self = try PolicyGraph(graph).policy()
    }
}

/// Reads the one policy of a graph.
struct PolicyGraph {
    private let graph: RDFGraph
    /// A policy that nests deeper is refused; a graph may also be a loop.
    private static let depthMax = 16

    init(_ graph: RDFGraph) {
        self.graph = graph
    }

    func policy(
        kinds: [String] = ["Set", "Policy", "Offer", "Agreement"]
    ) throws(Problem) -> UsagePolicy {
        for kind in kinds {
            guard let node = graph.subjects(ofType: Vocabulary.iri(kind)).first, let id = node.text else {
                continue
            }
            var rules: [UsageRule] = []
            var others = unread(
                node,
                [
                    "profile", "conflict", "target", "assigner", "assignee", "permission", "prohibition",
                    "obligation",
                ])
            for rule in UsageRule.Kind.allCases {
                for child in graph.objects(node, Vocabulary.iri(rule.memberName)) {
                    rules.append(try self.rule(child, rule))
                    others += unread(
                        child, ["action", "target", "assigner", "assignee", "constraint", "duty"])
                }
            }
            let strategy = text(node, "conflict").flatMap { UsagePolicy.ConflictStrategy(rawValue: $0) }
            return UsagePolicy(
                id: id, kind: UsagePolicy.Kind(rawValue: kind) ?? .set, profiles: names(node, "profile"),
                conflict: strategy ?? .invalid, target: names(node, "target").first,
                assigner: names(node, "assigner").first, assignee: names(node, "assignee").first,
                rules: rules,
                unread: others)
        }
        throw Self.malformed("/", "one of " + kinds.map { "odrl:" + $0 }.joined(separator: ", "))
    }

    private func rule(_ node: RDFTerm, _ kind: UsageRule.Kind) throws(Problem) -> UsageRule {
        var rule = UsageRule(kind, id: node.text)
        rule.targets = names(node, "target")
        rule.assigners = names(node, "assigner")
        rule.assignees = names(node, "assignee")
        for action in graph.objects(node, Vocabulary.iri("action")) {
            let value = graph.object(action, "http://www.w3.org/1999/02/22-rdf-syntax-ns#value") ?? action
            guard let name = value.text else { throw Self.malformed("odrl:action", "an action's name") }
            rule.actions.append(
                UsageAction(
                    Vocabulary.short(name), refinements: try constraints(action, "refinement", depth: 0)))
        }
        rule.constraints = try constraints(node, "constraint", depth: 0)
        if kind == .permission {
            for duty in graph.objects(node, Vocabulary.iri("duty")) {
                rule.duties.append(try self.rule(duty, .duty))
            }
        }
        return rule
    }

    private func constraints(
        _ node: RDFTerm, _ name: String, depth: Int
    ) throws(Problem) -> [UsageConstraint] {
        guard depth < Self.depthMax else { throw Self.malformed("odrl:" + name, "fewer levels") }
        var constraints: [UsageConstraint] = []
        for child in graph.objects(node, Vocabulary.iri(name)).flatMap({ graph.members($0) }) {
            constraints.append(try constraint(child, depth: depth))
        }
        return constraints
    }

    private func constraint(_ node: RDFTerm, depth: Int) throws(Problem) -> UsageConstraint {
        for join in UsageConstraint.Join.allCases {
            let parts = try constraints(node, join.rawValue, depth: depth + 1)
            if !parts.isEmpty { return .logical(join, parts, id: node.text) }
        }
        guard let left = text(node, "leftOperand"),
            let comparator = text(node, "operator").flatMap({ UsageConstraint.Comparator(rawValue: $0) })
        else { throw Self.malformed(node.text ?? "odrl:constraint", "odrl:leftOperand and odrl:operator") }
        let right = graph.objects(node, Vocabulary.iri("rightOperand"))
            .flatMap { graph.members($0) }.compactMap(\.text)
        guard !right.isEmpty else {
            throw Self.malformed(node.text ?? "odrl:constraint", "odrl:rightOperand")
        }
        return .atomic(.init(left, comparator, right, id: node.text))
    }

    private func text(_ node: RDFTerm, _ name: String) -> String? {
        graph.object(node, Vocabulary.iri(name))?.text.map(Vocabulary.short)
    }

    private func names(_ node: RDFTerm, _ name: String) -> [String] {
        graph.objects(node, Vocabulary.iri(name)).compactMap(\.text)
    }

    /// ODRL's own members that this model does not hold; other vocabularies describe and change nothing.
    private func unread(_ node: RDFTerm, _ known: Set<String>) -> [String] {
        graph.about(node).map(\.predicate).filter { $0.hasPrefix(Vocabulary.odrl) }.map(Vocabulary.short)
            .filter { !known.contains($0) && $0 != "uid" }
    }

    static func malformed(_ place: String, _ wanted: String) -> Problem {
        Problem(.invalid, "policy.terms-malformed", ["place": .text(place), "wanted": .text(wanted)])
    }
}
