// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store
private import Synchronization

/// The node-to-node channel: signs what goes out, believes what comes in, and keeps what must arrive.
///
/// A message is one call with one reply. `call` waits for the reply; `post` writes the message into the
/// caller's own commit and delivers it from there, again and again with growing pauses, until a reply says
/// that the peer has it. Receivers are idempotent by the identifiers inside the bodies.
package struct LaneService: Sendable {
    /// What this node does with one kind of message from a proven party.
    package typealias Receiver = @Sendable (_ body: JSON, _ sender: Party) async throws(Problem) -> JSON

    let store: any DataStore
    let clock: WallClock
    let signer: any Signer
    let ownID: ID<Party>
    let link: any PeerLink
    let checkpoints: any CheckpointExchange

    package init(
        store: any DataStore, clock: WallClock, signer: any Signer, ownID: ID<Party>, link: any PeerLink,
        checkpoints: any CheckpointExchange
    ) {
        self.store = store
        self.clock = clock
        self.signer = signer
        self.ownID = ownID
        self.link = link
        self.checkpoints = checkpoints
    }

    /// How long a caller waits for a peer's answer unless it says otherwise.
    package static let deadlineDefault: Duration = .seconds(30)

    // MARK: Going out

    /// Sends one message and returns what the peer answered; throws the peer's problem as our own.
    package func call(
        _ peer: Party, _ kind: String, _ body: JSON, deadline: Duration = deadlineDefault
    ) async throws(Problem) -> JSON {
        let (message, tokenID) = try await sealed(body, kind: kind, to: peer.id, answers: nil)
        let reply = try await link.exchange(message, with: peer, deadline: deadline)
        let token = try SignedToken.verified(reply.token, body: reply.body, at: clock.now()) {
            issuer throws(Problem) in
            issuer == peer.id ? peer.signingKey : nil
        }
        guard token.answers == tokenID, token.audience == ownID else {
            throw .messageRefused.noted("the reply answers another message")
        }
        let json = try parsed(reply.body, kind: token.subject)
        try await remember(json["checkpoint"]?.text, of: peer)
        if let problem = json["problem"] { throw Problem(peerBody: problem) }
        return json["answer"] ?? .null
    }

    /// Writes a message into the outbox, in the caller's commit.
    package func post(
        _ kind: String, _ body: JSON, to peer: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            "INSERT INTO lane_outgoing (id, peer_id, kind, body, due_at, attempts) VALUES (?, ?, ?, ?, ?, 0)",
            [ID<LaneMessage>(at: transaction.now), peer, kind, body, transaction.now])
    }

    // MARK: Coming in

    /// Believes one message, gives it to its receiver and signs the reply. A message that cannot be believed
    /// throws: nobody is known to whom a reply could be signed.
    package func receive(
        _ message: LaneMessage, receivers: [String: Receiver]
    ) async throws(Problem) -> LaneMessage {
        let (token, sender) = try await believed(message)
        var envelope: [String: JSON] = [:]
        do throws(Problem) {
            let json = try parsed(message.body, kind: token.subject)
            try await remember(json["checkpoint"]?.text, of: sender)
            guard let receiver = receivers[token.subject] else { throw .kindUnknown(token.subject) }
            envelope["answer"] = try await receiver(json["content"] ?? .null, sender)
        } catch {
            envelope["problem"] = error.peerBody
        }
        envelope["checkpoint"] = await checkpoints.own().map(JSON.string)
        let body = JSON.object(envelope).canonicalBytes
        let reply = SignedToken(
            issuer: ownID, audience: sender.id, tokenID: newTokenID(), issuedAt: clock.now(),
            subject: "reply",
            body: Digest(of: body), answers: token.tokenID)
        return LaneMessage(token: try reply.signed(by: signer), body: body)
    }

    private func believed(_ message: LaneMessage) async throws(Problem) -> (SignedToken, Party) {
        let (clock, ownID) = (clock, ownID)
        return try await store.write { transaction throws(Problem) in
            var sender: Party?
            let now = clock.now()
            let token = try SignedToken.verified(message.token, body: message.body, at: now) {
                issuer throws(Problem) in
                sender = try? PartyRegister.party(issuer, in: transaction)
                return sender?.signingKey
            }
            guard token.audience == ownID, let sender else {
                throw .messageRefused.noted("the message is for another node")
            }
            // The replay window: a token is remembered until it could not be believed any more.
            try transaction.execute("DELETE FROM lane_seen WHERE forget_at < ?", [now])
            let fresh = try transaction.execute(
                "INSERT INTO lane_seen (token_id, forget_at) VALUES (?, ?) ON CONFLICT (token_id) DO NOTHING",
                [token.issuer.uuid + token.tokenID, token.expiresAt.advanced(by: SignedToken.skewMax)])
            guard fresh == 1 else { throw .messageRefused.noted("the message was seen before") }
            return (token, sender)
        }
    }

    // MARK: The outbox

    /// Delivers what is due, oldest first, and returns when the next message is due, if any.
    ///
    /// A crash between delivery and `DELETE` sends the message again: receivers are idempotent.
    package func deliverDue() async throws(Problem) -> Instant? {
        let now = clock.now()
        let due = try await store.read { transaction throws(Problem) in
            try transaction.all(
                """
                SELECT id, peer_id, kind, body, attempts FROM lane_outgoing WHERE due_at <= ?
                ORDER BY due_at, id LIMIT \(Self.deliveriesPerRoundMax)
                """,
                [now]
            ) { row throws(Problem) in
                Outgoing(
                    id: try row.id(0), peer: try row.id(1), kind: try row.text(2), body: try row.json(3),
                    attempts: try row.int(4))
            }
        }
        for message in due { try await deliver(message) }
        return try await store.read { transaction throws(Problem) in
            try transaction.first("SELECT due_at FROM lane_outgoing ORDER BY due_at LIMIT 1") {
                row throws(Problem) in try row.instant(0)
            }
        }
    }

    private struct Outgoing: Sendable {
        let id: ID<LaneMessage>
        let peer: ID<Party>
        let kind: String
        let body: JSON
        let attempts: Int
    }

    /// Enough to drain a burst; small enough that one round ends within a peer's patience.
    private static let deliveriesPerRoundMax = 64
    /// A peer that is away for long is asked once in five minutes.
    private static let pauseMax: Duration = .seconds(300)

    private func deliver(_ message: Outgoing) async throws(Problem) {
        let peer = try await store.read { transaction throws(Problem) in
            try PartyRegister.party(message.peer, in: transaction)
        }
        do throws(Problem) {
            _ = try await call(peer, message.kind, message.body)
        } catch {
            // Only silence and overload are retried; a refusal is the peer's answer and stands in its log.
            if error.kind == .unavailable || error.kind == .limited || error.kind == .fault {
                return try await postpone(message, why: error)
            }
            try await giveUp(message, why: error)
        }
        try await store.write { transaction throws(Problem) in
            try transaction.execute("DELETE FROM lane_outgoing WHERE id = ?", [message.id])
        }
    }

    private func postpone(_ message: Outgoing, why: Problem) async throws(Problem) {
        let pause = min(Self.pauseMax, .milliseconds(250) * (1 << min(message.attempts, 11)))
        try await store.write { transaction throws(Problem) in
            try transaction.execute(
                "UPDATE lane_outgoing SET attempts = attempts + 1, due_at = ?, last_error = ? WHERE id = ?",
                [transaction.now.advanced(by: pause), why.code, message.id])
        }
    }

    private func giveUp(_ message: Outgoing, why: Problem) async throws(Problem) {
        try await store.write { transaction throws(Problem) in
            try transaction.execute(
                """
                INSERT INTO lane_refused (id, peer_id, kind, body, problem, refused_at) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO NOTHING
                """,
                [message.id, message.peer, message.kind, message.body, why.peerBody, transaction.now])
        }
    }

    // MARK: Small parts

    private func sealed(
        _ content: JSON, kind: String, to peer: ID<Party>, answers: String?
    ) async throws(Problem) -> (LaneMessage, String) {
        var envelope: [String: JSON] = ["content": content]
        envelope["checkpoint"] = await checkpoints.own().map(JSON.string)
        let body = JSON.object(envelope).canonicalBytes
        let token = SignedToken(
            issuer: ownID, audience: peer, tokenID: newTokenID(), issuedAt: clock.now(), subject: kind,
            body: Digest(of: body), answers: answers)
        return (LaneMessage(token: try token.signed(by: signer), body: body), token.tokenID)
    }

    private func newTokenID() -> String { ID<SignedToken>(at: clock.now()).uuid }

    private func parsed(_ body: [UInt8], kind: String) throws(Problem) -> JSON {
        do {
            return try JSON(parsing: body)
        } catch {
            throw .bodyMalformed(kind, "\(error.reason) (\(error.offset))")
        }
    }

    /// Keeps a peer's checkpoint: the evidence if its log is ever rewritten.
    private func remember(_ checkpoint: String?, of peer: Party) async throws(Problem) {
        guard let checkpoint else { return }
        try await checkpoints.remember(checkpoint, of: peer)
    }

    // MARK: For an exchange

    /// Carries another's message to one of our parties, as it is.
    package func forward(_ message: LaneMessage, to peer: Party) async throws(Problem) -> LaneMessage {
        try await link.exchange(message, with: peer, deadline: Self.deadlineDefault)
    }

    /// Believes a message that has no reply of its own, such as a poll, and says who sent it.
    package func sender(of message: LaneMessage, kind: String) async throws(Problem) -> Party {
        let (token, sender) = try await believed(message)
        guard token.subject == kind else { throw .kindUnknown(token.subject) }
        return sender
    }

    /// A signed message without a reply: a poll of the own mailbox.
    package func signed(_ kind: String, to peer: ID<Party>) async throws(Problem) -> LaneMessage {
        try await sealed(.null, kind: kind, to: peer, answers: nil).0
    }
}

/// Newest checkpoints travel with every message: each node keeps what it saw of its peers' logs.
package protocol CheckpointExchange: Sendable {
    /// The newest checkpoint of this node's log.
    func own() async -> String?
    /// Keeps a peer's checkpoint. One that is known already costs a look-up.
    func remember(_ checkpoint: String, of peer: Party) async throws(Problem)
}

/// The tables of the channel.
package enum LaneSchema {
    package static let migrations = [
        Migration(
            "lane/0001-messages",
            [
                "CREATE TABLE lane_seen (token_id TEXT PRIMARY KEY NOT NULL, forget_at INTEGER NOT NULL) STRICT",
                "CREATE INDEX lane_seen_by_time ON lane_seen (forget_at)",
                """
                CREATE TABLE lane_outgoing (
                    id BLOB PRIMARY KEY NOT NULL, peer_id BLOB NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
                    due_at INTEGER NOT NULL, attempts INTEGER NOT NULL, last_error TEXT
                ) STRICT
                """,
                "CREATE INDEX lane_outgoing_by_due ON lane_outgoing (due_at, id)",
                """
                CREATE TABLE lane_refused (
                    id BLOB PRIMARY KEY NOT NULL, peer_id BLOB NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
                    problem TEXT NOT NULL, refused_at INTEGER NOT NULL
                ) STRICT
                """,
            ])
    ]
}
