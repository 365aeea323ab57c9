// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// An evaluation written down in the compliance report model that the ODRL test suite uses
/// (`https://w3id.org/force/compliance-report#`).
package struct PolicyReport: Sendable {
    package static let namespace = "https://w3id.org/force/compliance-report#"
    package static let prefixes = [
        "report": namespace, "odrl": Vocabulary.odrl, "xsd": Vocabulary.xsd,
        "dct": "http://purl.org/dc/terms/",
    ]

    private let policy: UsagePolicy
    private let requestId: String
    private let request: UseRequest
    private let decision: PolicyDecision
    private let created: Instant

    package init(
        policy: UsagePolicy, requestId: String, request: UseRequest, decision: PolicyDecision,
        created: Instant
    ) {
        self.policy = policy
        self.requestId = requestId
        self.request = request
        self.decision = decision
        self.created = created
    }

    /// The report as RDF: one rule report a rule, with a premise report a premise, nested as the constraints.
    package var graph: RDFGraph {
        var writer = ReportWriter()
        let report = writer.node("PolicyReport")
        writer.graph.add(
            report, "http://purl.org/dc/terms/created",
            .literal(created.rfc3339, datatype: Vocabulary.xsd + "dateTime"))
        writer.add(report, "policy", .iri(policy.id))
        writer.add(report, "policyRequest", .iri(requestId))
        for rule in decision.reports {
            writer.add(report, "ruleReport", writer.rule(rule, request))
        }
        return writer.graph
    }

    /// The same for programs: the verdict, and of each rule whether it is active and why.
    package var json: JSON {
        [
            "policy": .string(policy.id), "request": .string(requestId),
            "verdict": .string("\(decision.verdict)"), "conflict": .string(policy.conflict.rawValue),
            "rules": .array(
                decision.reports.enumerated().map { number, report in
                    [
                        "rule": .string(report.rule.id ?? "rule \(number)"),
                        "kind": .string(report.rule.kind.rawValue),
                        "active": .bool(report.isActive), "premises": .array(report.premises.map(Self.json)),
                    ]
                }),
        ]
    }

    private static func json(_ premise: Premise) -> JSON {
        let words = premise.plainWords
        var members: [String: JSON] = [
            "holds": .string(premise.truth.rawValue), "en": .string(words.en), "zh": .string(words.zh),
        ]
        if case .constraint(_, _, _, let parts) = premise, !parts.isEmpty {
            members["parts"] = .array(parts.map(json))
        }
        return .object(members)
    }
}

private struct ReportWriter {
    var graph = RDFGraph()
    private var count = 0

    mutating func node(_ type: String) -> RDFTerm {
        count += 1
        let node = RDFTerm.blank("r\(count)")
        graph.add(node, RDFGraph.type, .iri(PolicyReport.namespace + type))
        return node
    }

    mutating func add(_ subject: RDFTerm, _ name: String, _ object: RDFTerm) {
        graph.add(subject, PolicyReport.namespace + name, object)
    }

    private func word(_ name: String) -> RDFTerm { .iri(PolicyReport.namespace + name) }

    mutating func rule(_ report: RuleReport, _ request: UseRequest) -> RDFTerm {
        let kind = report.rule.kind == .permission ? "PermissionReport" : "ProhibitionReport"
        let node = node(kind)
        add(node, "attemptState", word("Attempted"))
        if let id = report.rule.id { add(node, "rule", .iri(id)) }
        if let id = request.id { add(node, "ruleRequest", .iri(id)) }
        for premise in report.premises {
            if case .duty = premise {
                add(node, "conditionReport", self.premise(premise))
            } else {
                add(node, "premiseReport", self.premise(premise))
            }
        }
        add(node, "activationState", word(report.isActive ? "Active" : "Inactive"))
        return node
    }

    private mutating func premise(_ premise: Premise) -> RDFTerm {
        let node: RDFTerm
        switch premise {
        case .target: node = self.node("TargetReport")
        case .party: node = self.node("PartyReport")
        case .action: node = self.node("ActionReport")
        case .duty(let duty, _):
            node = self.node("DutyReport")
            if let id = duty.id { add(node, "rule", .iri(id)) }
        case .constraint(let constraint, _, _, let parts):
            node = self.node("ConstraintReport")
            if let id = constraint.id { add(node, "constraint", .iri(id)) }
            for part in parts { add(node, "premiseReport", self.premise(part)) }
        }
        let state =
            switch premise.truth {
            case .yes: "Satisfied"
            case .no: "Unsatisfied"
            case .unknown: "Unknown"
            }
        add(node, "satisfactionState", word(state))
        return node
    }
}
