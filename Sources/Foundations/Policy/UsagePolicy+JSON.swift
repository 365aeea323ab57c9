// SPDX-License-Identifier: Apache-2.0

package import Primitives

// ODRL as JSON-LD, in the compact form of the Dataspace Protocol's context. We read names, not RDF: a term may
// stand short, with `odrl:` or as a full IRI, a set of one may stand without its array, and a value may be
// wrapped in `@id` or `@value`.

extension UsagePolicy {
    /// Reads a policy. Throws `policy.terms-malformed` with the place where the text is not ODRL; members this
    /// model cannot hold are noted in `unread`.
    package init(json: JSON) throws(Problem) {
        var reader = PolicyReader()
        self = try reader.policy(json)
    }

    /// The policy in compact form: what is in force by default is not written, and sets stand in canonical
    /// order, so that equal policies have equal bytes.
    package var json: JSON {
        var members = terms.object ?? [:]
        members["@id"] = .string(id)
        members["@type"] = .string(kind.rawValue)
        if !profiles.isEmpty { members["profile"] = .array(profiles.sorted().map(JSON.string)) }
        members["target"] = target.map(JSON.string)
        members["assigner"] = assigner.map(JSON.string)
        members["assignee"] = assignee.map(JSON.string)
        members["timestamp"] = timestamp.map { .string($0.rfc3339) }
        return .object(members)
    }

    /// The document a listing publishes as `terms.jsonld`.
    package var document: JSON {
        var members = json.object ?? [:]
        members["@context"] = "http://www.w3.org/ns/odrl.jsonld"
        return .object(members)
    }

    var terms: JSON {
        var members: [String: JSON] = [:]
        for (name, kind) in [
            ("permission", UsageRule.Kind.permission), ("prohibition", .prohibition),
            ("obligation", .duty),
        ] {
            let written = rules(kind).flatMap(\.onePerAction).map(\.json)
            if !written.isEmpty { members[name] = .array(written.inCanonicalOrder) }
        }
        if conflict != .invalid { members["conflict"] = .string(conflict.rawValue) }
        members["hutong:releaseRules"] = releaseRules.map { .string($0.hex) }
        return .object(members)
    }
}

extension UsagePolicy: Hashable {
    /// Whether both say the same: rules, constraints and values are sets, their order means nothing.
    package static func == (left: UsagePolicy, right: UsagePolicy) -> Bool {
        left.json == right.json && left.unread == right.unread
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(id)
    }
}

extension UsageRule {
    /// The same said once for each action (ODRL Information Model §2.7.1), because the Dataspace Protocol's
    /// schema takes one action a rule. A name that would then stand twice is left out.
    var onePerAction: [UsageRule] {
        if actions.count < 2 { return [self] }
        return actions.map { action in
            var rule = self
            rule.id = nil
            rule.actions = [action]
            return rule
        }
    }

    var json: JSON {
        var members: [String: JSON] = [:]
        members["@id"] = id.map(JSON.string)
        members["target"] = Self.oneOrMany(targets)
        members["assigner"] = Self.oneOrMany(assigners)
        members["assignee"] = Self.oneOrMany(assignees)
        members["action"] = actions.first?.json
        if !constraints.isEmpty { members["constraint"] = .array(constraints.map(\.json).inCanonicalOrder) }
        if !duties.isEmpty { members["duty"] = .array(duties.map(\.json).inCanonicalOrder) }
        return .object(members)
    }

    private static func oneOrMany(_ names: [String]) -> JSON? {
        names.count > 1 ? .array(names.sorted().map(JSON.string)) : names.first.map(JSON.string)
    }
}

extension UsageAction {
    var json: JSON {
        if refinements.isEmpty { return .string(name) }
        return ["@id": .string(name), "refinement": .array(refinements.map(\.json).inCanonicalOrder)]
    }
}

extension UsageConstraint {
    var json: JSON {
        var members: [String: JSON] = [:]
        members["@id"] = id.map(JSON.string)
        switch self {
        case .atomic(let comparison):
            members["leftOperand"] = .string(comparison.leftOperand)
            members["operator"] = .string(comparison.comparator.rawValue)
            // Bare texts: the Dataspace Protocol's schema allows no numbers here, and its examples write times bare.
            let values = comparison.rightOperands.map(JSON.string)
            members["rightOperand"] = values.count == 1 ? values[0] : .array(values.inCanonicalOrder)
        case .logical(let join, let parts, _):
            let written = parts.map(\.json)
            members[join.rawValue] = .array(join == .andSequence ? written : written.inCanonicalOrder)
        }
        return .object(members)
    }
}

extension [JSON] {
    /// The elements of a set in one fixed order.
    var inCanonicalOrder: [JSON] {
        map { ($0, $0.canonicalText) }.sorted { $0.1 < $1.1 }.map(\.0)
    }
}

// MARK: Reading

private struct PolicyReader {
    private(set) var unread: [String] = []

    /// Members that describe and change nothing.
    private static let annotations: Set<String> = [
        "@context", "@id", "@type", "uid", "id", "type", "description", "title", "name", "comment",
    ]
    /// A policy that nests deeper is refused: no contract is written like that, and reading recurses.
    private static let depthMax = 16
    private static let partsMax = 1024

    mutating func policy(_ json: JSON) throws(Problem) -> UsagePolicy {
        guard let members = normalized(json) else { throw malformed("", "an object") }
        note(
            members, "",
            known: [
                "profile", "conflict", "target", "assigner", "assignee", "timestamp", "permission",
                "prohibition",
                "obligation", "hutong:releaseRules",
            ])
        let kind = try kind(members["@type"] ?? members["type"])
        guard let id = try identifier(members, "") else { throw malformed("@id", "the policy's identifier") }
        var rules: [UsageRule] = []
        for (name, kind) in [
            ("permission", UsageRule.Kind.permission), ("prohibition", .prohibition),
            ("obligation", .duty),
        ] {
            for (place, json) in try elements(members[name], name) {
                rules.append(try rule(json, kind, place))
            }
        }
        return UsagePolicy(
            id: id, kind: kind, profiles: try names(members["profile"], "profile"),
            conflict: try conflict(members["conflict"]), target: try name(members["target"], "target"),
            assigner: try name(members["assigner"], "assigner"),
            assignee: try name(members["assignee"], "assignee"),
            timestamp: try timestamp(members["timestamp"]), rules: rules,
            releaseRules: try releaseRules(members["hutong:releaseRules"]), unread: unread)
    }

    private mutating func rule(_ json: JSON, _ kind: UsageRule.Kind, _ place: String) throws(Problem)
        -> UsageRule
    {
        guard let members = normalized(json) else { throw malformed(place, "an object") }
        note(members, place, known: ["action", "target", "assigner", "assignee", "constraint", "duty"])
        var rule = UsageRule(kind, id: try identifier(members, place))
        rule.targets = try names(members["target"], place + ".target")
        rule.assigners = try names(members["assigner"], place + ".assigner")
        rule.assignees = try names(members["assignee"], place + ".assignee")
        for (place, json) in try elements(members["action"], place + ".action") {
            rule.actions.append(try action(json, place))
        }
        rule.constraints = try constraints(members["constraint"], place + ".constraint", depth: 0)
        guard kind == .permission else {
            if members["duty"] != nil { unread.append(place + ".duty") }
            return rule
        }
        for (place, json) in try elements(members["duty"], place + ".duty") {
            rule.duties.append(try self.rule(json, .duty, place))
        }
        return rule
    }

    private mutating func action(_ json: JSON, _ place: String) throws(Problem) -> UsageAction {
        guard let members = normalized(json) else {
            guard let text = json.text else { throw malformed(place, "an action's name") }
            return UsageAction(Vocabulary.short(text))
        }
        note(members, place, known: ["rdf:value", "refinement"])
        var name = try identifier(members, place)
        if name == nil { name = try self.name(members["rdf:value"], place) }
        guard let name else { throw malformed(place, "an action's name") }
        let refinements = try constraints(members["refinement"], place + ".refinement", depth: 0)
        return UsageAction(Vocabulary.short(name), refinements: refinements)
    }

    private mutating func constraints(_ json: JSON?, _ place: String, depth: Int) throws(Problem)
        -> [UsageConstraint]
    {
        guard depth < Self.depthMax else { throw malformed(place, "fewer levels") }
        var constraints: [UsageConstraint] = []
        for (place, json) in try elements(json, place) {
            constraints.append(try constraint(json, place, depth: depth))
        }
        return constraints
    }

    private mutating func constraint(_ json: JSON, _ place: String, depth: Int) throws(Problem)
        -> UsageConstraint
    {
        guard let members = normalized(json) else { throw malformed(place, "a constraint") }
        let id = try identifier(members, place)
        let joins = UsageConstraint.Join.allCases.filter { members[$0.rawValue] != nil }
        if let join = joins.first, joins.count == 1, members["leftOperand"] == nil {
            note(members, place, known: [join.rawValue])
            let inner = place + "." + join.rawValue
            let list = members[join.rawValue]
            let parts = try constraints(list?["@list"] ?? list, inner, depth: depth + 1)
            guard !parts.isEmpty else { throw malformed(inner, "at least one constraint") }
            return .logical(join, parts, id: id)
        }
        note(members, place, known: ["leftOperand", "operator", "rightOperand"])
        guard joins.isEmpty, let left = try name(members["leftOperand"], place + ".leftOperand") else {
            throw malformed(
                place, "leftOperand, operator and rightOperand, or one of and, or, xone, andSequence")
        }
        let symbol = try name(members["operator"], place + ".operator").map(Vocabulary.short) ?? ""
        guard let comparator = UsageConstraint.Comparator(rawValue: symbol) else {
            throw malformed(place + ".operator", "an operator of ODRL")
        }
        let right = try values(members["rightOperand"], place + ".rightOperand")
        return .atomic(.init(Vocabulary.short(left), comparator, right, id: id))
    }

    private func values(_ json: JSON?, _ place: String) throws(Problem) -> [String] {
        var values: [String] = []
        for (place, json) in try elements(json?["@list"] ?? json, place) {
            switch json {
            case .string(let text): values.append(text)
            case .integer(let number): values.append(String(number))
            case .object(let members):
                if let iri = members["@id"]?.text {
                    values.append(iri)
                } else if let value = members["@value"],
                    let text = value.text ?? value.integer.map({ String($0) })
                {
                    values.append(text)
                } else {
                    throw malformed(place, "@id or @value")
                }
            default: throw malformed(place, "a text, a whole number or an IRI")
            }
        }
        guard !values.isEmpty else { throw malformed(place, "a value") }
        return values
    }

    // MARK: Small pieces

    /// The members under their short names; `nil` if it is no object.
    private func normalized(_ json: JSON) -> [String: JSON]? {
        guard let members = json.object else { return nil }
        return Dictionary(members.map { (Vocabulary.short($0.key), $0.value) }) { first, _ in first }
    }

    private mutating func note(_ members: [String: JSON], _ place: String, known: Set<String>) {
        let prefix = place.isEmpty ? "" : place + "."
        let others = members.keys.filter { name in
            !known.contains(name) && !Self.annotations.contains(name)
                && !["dct:", "dc:", "rdfs:", "skos:", "http://purl.org/dc/"].contains { name.hasPrefix($0) }
        }
        unread.append(contentsOf: others.sorted().map { prefix + $0 })
    }

    private func identifier(_ members: [String: JSON], _ place: String) throws(Problem) -> String? {
        try name(members["@id"] ?? members["uid"] ?? members["id"], place.isEmpty ? "@id" : place + ".@id")
    }

    private func name(_ json: JSON?, _ place: String) throws(Problem) -> String? {
        guard let json else { return nil }
        if let text = json.text, !text.isEmpty { return text }
        for key in ["@id", "uid", "id", "@value"] {
            if let text = json[key]?.text, !text.isEmpty { return text }
        }
        if let only = json[0], json[1] == nil { return try name(only, place) }
        throw malformed(place, "one name")
    }

    private func names(_ json: JSON?, _ place: String) throws(Problem) -> [String] {
        var names: [String] = []
        for (place, json) in try elements(json, place) {
            if let name = try name(json, place) { names.append(name) }
        }
        return names
    }

    private func elements(_ json: JSON?, _ place: String) throws(Problem) -> [(String, JSON)] {
        guard let json else { return [] }
        guard let array = json.array else { return [(place, json)] }
        guard array.count <= Self.partsMax else {
            throw malformed(place, "at most \(Self.partsMax) elements")
        }
        return array.enumerated().map { ("\(place)[\($0.offset)]", $0.element) }
    }

    private func kind(_ json: JSON?) throws(Problem) -> UsagePolicy.Kind {
        guard let json else { return .set }
        let name = Vocabulary.short(try name(json, "@type") ?? "")
        if name == "Policy" { return .set }
        guard let kind = UsagePolicy.Kind(rawValue: name) else {
            throw malformed("@type", "Set, Offer, Agreement or Request")
        }
        return kind
    }

    private func conflict(_ json: JSON?) throws(Problem) -> UsagePolicy.ConflictStrategy {
        guard let text = try name(json, "conflict") else { return .invalid }
        guard let strategy = UsagePolicy.ConflictStrategy(rawValue: Vocabulary.short(text)) else {
            throw malformed("conflict", "perm, prohibit or invalid")
        }
        return strategy
    }

    private func timestamp(_ json: JSON?) throws(Problem) -> Instant? {
        guard let text = try name(json, "timestamp") else { return nil }
        guard let instant = Instant(policyText: text) else {
            throw malformed("timestamp", "a time such as 2026-12-31T00:00:00Z")
        }
        return instant
    }

    private func releaseRules(_ json: JSON?) throws(Problem) -> Digest? {
        guard let json else { return nil }
        guard let digest = json.text.flatMap({ Digest(hex: $0) }) else {
            throw malformed("hutong:releaseRules", "64 hexadecimal digits")
        }
        return digest
    }

    private func malformed(_ place: String, _ wanted: String) -> Problem {
        Problem(
            .invalid, "policy.terms-malformed",
            [
                "place": .text(place.isEmpty ? "/" : place), "wanted": .text(wanted),
            ])
    }
}

extension Instant {
    /// A time as policies write it: RFC 3339, and XML Schema's form without seconds, which the Dataspace
    /// Protocol's own examples use (`2023-12-31T06:00Z`). A time without a zone is refused.
    package init?(policyText text: String) {
        if let instant = Instant(rfc3339: text) {
            self = instant
        } else {
            guard text.utf8.count >= 17 else { return nil }
            let cut = text.index(text.startIndex, offsetBy: 16)
            guard let instant = Instant(rfc3339: text[..<cut] + ":00" + text[cut...]) else { return nil }
            self = instant
        }
    }
}
