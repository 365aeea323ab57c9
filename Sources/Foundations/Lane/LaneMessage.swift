// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives

/// One signed message between nodes: it can be carried by anybody, altered by nobody, and used once.
package struct LaneMessage: Hashable, Sendable {
    /// The compact JWS that names sender, receiver, kind and the body's digest.
    package let token: String
    package let body: [UInt8]

    /// A message or reply larger than this is refused. Larger things travel as numbered chunks.
    package static let bodyBytesMax = 16 << 20

    package init(token: String, body: [UInt8]) {
        self.token = token
        self.body = body
    }
}

/// Carries messages to one peer and brings the reply back. Filled by LaneHTTP, by the mailbox of an exchange,
/// and by an in-memory link in tests. Knows nothing of what the messages mean.
package protocol PeerLink: Sendable {
    /// Delivers once and waits for the reply at most as long as `deadline` says. Throws
    /// `lane.peer-unreachable` where nobody answered: the message may or may not have arrived.
    func exchange(_ message: LaneMessage, with peer: Party, deadline: Duration) async throws(Problem)
        -> LaneMessage
}

/// Calls a node that is not a peer yet: the one call of joining.
package protocol OutsideCaller: Sendable {
    /// Posts JSON and returns the JSON answer; a problem document becomes a `Problem`.
    func post(_ url: String, _ body: JSON) async throws(Problem) -> JSON

    /// Calls an endpoint under a bearer token and returns what it answered, whatever the status; a body that is no JSON
    /// is `nil`. Throws only where nobody answered.
    func call(
        _ method: String, _ url: String, token: String, _ body: JSON?, deadline: Duration
    ) async throws(Problem) -> OutsideReply

    /// Brings a file under a bearer token into a local one, from `offset` on, piece by piece. What came before a failure
    /// stays in the local file, so that the next call goes on from there.
    func fetch(
        _ url: String, token: String, from offset: Int64, into path: String
    ) async throws(Problem) -> FetchedPart
}

/// What an endpoint answered, whatever its status.
package struct OutsideReply: Hashable, Sendable {
    package let status: Int
    /// `nil` for a body that is no JSON.
    package let body: JSON?
    /// The next page (RFC 8288, `rel="next"`).
    package let next: String?

    package init(status: Int, body: JSON?, next: String? = nil) {
        self.status = status
        self.body = body
        self.next = next
    }
}

/// What a server said of a file, or of a part of it, that it handed over.
package struct FetchedPart: Hashable, Sendable {
    package let status: Int
    /// The size of the whole (RFC 9110 §14.4).
    package let total: Int64?
    /// The SHA-256 of the whole (RFC 9530).
    package let digest: Digest?
    /// The use it was counted as.
    package let passage: String?
    /// The code of a refusal.
    package let problem: String?

    package init(status: Int, total: Int64?, digest: Digest?, passage: String?, problem: String?) {
        self.status = status
        self.total = total
        self.digest = digest
        self.passage = passage
        self.problem = problem
    }
}

extension Problem {
    package static func peerUnreachable(_ peer: String, note: String) -> Problem {
        Problem(.unavailable, "lane.peer-unreachable", ["peer": .text(peer)], operatorNote: note)
    }

    package static func kindUnknown(_ kind: String) -> Problem {
        Problem(.invalid, "lane.kind-unknown", ["kind": .text(kind)])
    }

    package static func bodyMalformed(_ kind: String, _ member: String) -> Problem {
        Problem(.invalid, "lane.body-malformed", ["kind": .text(kind), "member": .text(member)])
    }

    /// Reads a problem that a peer sent instead of an answer.
    package init(peerBody json: JSON) {
        let kind = json["kind"]?.text.flatMap(Problem.Kind.init) ?? .unavailable
        var arguments: [String: Argument] = [:]
        for (name, value) in json["arguments"]?.object ?? [:] {
            arguments[name] = Argument(json: value)
        }
        self.init(kind, json["code"]?.text ?? "lane.peer-refused", arguments)
    }

    /// What a peer is sent instead of an answer: code and typed arguments, never the operator's note.
    package var peerBody: JSON {
        [
            "kind": .string(kind.rawValue), "code": .string(code),
            "arguments": .object(arguments.mapValues(\.json)),
        ]
    }
}
