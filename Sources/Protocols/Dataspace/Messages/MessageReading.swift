// SPDX-License-Identifier: Apache-2.0

import Policy
package import Primitives

/// The Dataspace Protocol 2025-1 (Eclipse Dataspace Working Group): its names and its context.
package enum Protocol2025 {
    package static let version = "2025-1"
    package static let context = "https://w3id.org/dspace/2025/1/context.jsonld"
    /// The path of the version endpoint, under the root of a node.
    package static let versionPath = "/.well-known/dspace-version"
    /// What a message may weigh; an offer of a thousand rules stays far below.
    package static let messageBytesMax = 256 * 1024
}

/// Why a text is not a message of the protocol.
package enum MessageFailure: Error, Hashable, Sendable {
    case notJSON(offset: Int, reason: String)
    /// At a place of the message, something else is expected.
    case malformed(place: String, wanted: String)
    /// A policy inside the message is not ODRL; the problem names the place.
    case policy(Problem)

    /// One sentence for the `reason` of a protocol error.
    package var text: String {
        switch self {
        case .notJSON(let offset, let reason): return "The message is not JSON: at byte \(offset), \(reason)."
        case .malformed(let place, let wanted): return "At \(place), \(wanted) is expected."
        case .policy(let problem):
            guard case .text(let place)? = problem.arguments["place"] else {
                return "The policy is malformed."
            }
            return "The policy is malformed at \(place)."
        }
    }
}

/// Reads the members of a message as strictly as the JSON Schemas of the protocol do.
struct MessageReader {
    let members: [String: JSON]
    private let place: String

    /// Opens a message of the given type: an object whose context names the protocol's.
    init(_ json: JSON, type: String) throws(MessageFailure) {
        try self.init(json, place: "")
        guard let context = json["@context"]?.array, context.allSatisfy({ $0.text != nil }),
            context.contains(.string(Protocol2025.context))
        else { throw .malformed(place: "@context", wanted: "an array with \(Protocol2025.context)") }
        guard json["@type"]?.text == type else { throw .malformed(place: "@type", wanted: type) }
    }

    init(_ json: JSON, place: String) throws(MessageFailure) {
        guard let members = json.object else {
            throw .malformed(place: place.isEmpty ? "/" : place, wanted: "an object")
        }
        self.members = members
        self.place = place
    }

    func failure(_ name: String, _ wanted: String) -> MessageFailure {
        .malformed(place: place.isEmpty ? name : place + "." + name, wanted: wanted)
    }

    func optionalText(_ name: String) throws(MessageFailure) -> String? {
        guard let value = members[name] else { return nil }
        guard let text = value.text else { throw failure(name, "a text") }
        return text
    }

    func text(_ name: String) throws(MessageFailure) -> String {
        guard let text = try optionalText(name) else { throw failure(name, "a text") }
        return text
    }

    /// `code` and `reason`, of errors, terminations and suspensions.
    func explanation() throws(MessageFailure) -> Explanation {
        var reasons: [String] = []
        if let reason = members["reason"] {
            guard let array = reason.array, !array.isEmpty else {
                throw failure("reason", "a non-empty array")
            }
            // The schema leaves the elements open: objects are told as their JSON.
            reasons = array.map { $0.text ?? $0.canonicalText }
        }
        return Explanation(code: try optionalText("code"), reasons: reasons)
    }

    func pids() throws(MessageFailure) -> ProcessPids {
        ProcessPids(provider: try text("providerPid"), consumer: try text("consumerPid"))
    }

    /// An offer or agreement inside a message: the schema's shape first, then ODRL.
    func policy(_ name: String, _ kind: UsagePolicy.Kind) throws(MessageFailure) -> UsagePolicy {
        guard let json = members[name] else { throw failure(name, "an \(kind.rawValue)") }
        try PolicyShape.check(json, kind: kind, place: name)
        do {
            return try UsagePolicy(json: json)
        } catch {
            throw .policy(error)
        }
    }
}

/// The two names of one process, one of each side.
package struct ProcessPids: Hashable, Sendable {
    package var provider: String
    package var consumer: String

    package init(provider: String, consumer: String) {
        self.provider = provider
        self.consumer = consumer
    }

    var members: [String: JSON] {
        ["providerPid": .string(provider), "consumerPid": .string(consumer)]
    }
}

/// Why something was ended, suspended or refused: a code and sentences.
package struct Explanation: Hashable, Sendable {
    package var code: String?
    package var reasons: [String]

    package init(code: String? = nil, reasons: [String] = []) {
        self.code = code
        self.reasons = reasons
    }

    var members: [String: JSON] {
        var members: [String: JSON] = [:]
        members["code"] = code.map(JSON.string)
        if !reasons.isEmpty { members["reason"] = .array(reasons.map(JSON.string)) }
        return members
    }
}

extension JSON {
    /// A message or reply of the protocol: its type, its context, and the members of each group.
    static func message(_ type: String, _ groups: [String: JSON]...) -> JSON {
        var members: [String: JSON] = [
            "@context": [.string(Protocol2025.context)], "@type": .string(type),
        ]
        for group in groups { members.merge(group) { _, last in last } }
        return .object(members)
    }
}

/// The shape `negotiation/contract-schema.json` gives policies inside messages. It is narrower than JSON-LD: sets
/// are arrays, an action is one text.
enum PolicyShape {
    static func check(_ json: JSON, kind: UsagePolicy.Kind, place: String) throws(MessageFailure) {
        let reader = try MessageReader(json, place: place)
        _ = try reader.text("@id")
        guard json["@type"]?.text == kind.rawValue else { throw reader.failure("@type", kind.rawValue) }
        if kind == .agreement {
            for name in ["target", "assigner", "assignee"] { _ = try reader.text(name) }
        } else {
            _ = try reader.optionalText("target")
        }
        guard json["permission"] != nil || json["prohibition"] != nil else {
            throw reader.failure("permission", "a permission or a prohibition")
        }
        for name in ["permission", "prohibition", "obligation"] {
            guard let rules = json[name] else { continue }
            guard let array = rules.array, !array.isEmpty else {
                throw reader.failure(name, "a non-empty array")
            }
            for (number, rule) in array.enumerated() { try check(rule: rule, "\(place).\(name)[\(number)]") }
        }
    }

    private static func check(rule: JSON, _ place: String) throws(MessageFailure) {
        let reader = try MessageReader(rule, place: place)
        _ = try reader.text("action")
        try checkConstraints(rule["constraint"], place + ".constraint", depth: 0)
    }

    private static func checkConstraints(_ json: JSON?, _ place: String, depth: Int) throws(MessageFailure) {
        guard let json else { return }
        guard let array = json.array, depth < 16 else { throw .malformed(place: place, wanted: "an array") }
        for (number, constraint) in array.enumerated() {
            let reader = try MessageReader(constraint, place: "\(place)[\(number)]")
            let joins = UsageConstraint.Join.allCases.map(\.rawValue).filter { constraint[$0] != nil }
            if let join = joins.first {
                try checkConstraints(constraint[join], "\(place)[\(number)].\(join)", depth: depth + 1)
                continue
            }
            _ = try reader.text("leftOperand")
            _ = try reader.text("operator")
            switch constraint["rightOperand"] {
            case .string?, .object?, .array?: break
            default: throw reader.failure("rightOperand", "a text, an object or an array")
            }
        }
    }
}
