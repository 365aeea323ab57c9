// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The two sides of a process.
package enum Side: String, Hashable, Sendable, CaseIterable {
    case provider, consumer

    package var other: Side { self == .provider ? .consumer : .provider }
}

/// What one side keeps of its exchange of messages with the other, whatever the process is about: who they are,
/// what was said, and what is still to be delivered. A value; time comes in from outside.
package struct Correspondence: Hashable, Sendable {
    /// Our side.
    package let side: Side
    /// The other participant, as its credentials name it. Nobody else may speak for it.
    package let counterparty: String
    /// Where the other side takes messages; paths of the protocol are appended.
    package internal(set) var address: String
    /// Empty where the other side has not told its name yet.
    package internal(set) var pids: ProcessPids
    /// Every message that counted, in order, both ways.
    package private(set) var transcript: [TranscriptEntry]
    /// Our last message, while the other side has not confirmed it.
    package private(set) var delivery: Delivery?
    /// By when the side that is to act must have acted.
    package private(set) var actBefore: Instant

    package struct TranscriptEntry: Hashable, Sendable {
        package let from: Side
        package let type: String
        package let digest: Digest
        package let at: Instant
    }

    /// The named limits of a correspondence.
    package enum Limits {
        /// A negotiation that goes back and forth longer than this is no negotiation.
        package static let messagesMax = 128
        /// An attempt of which nothing was heard for so long is lost: the node died, or the network swallowed it.
        package static let attemptTimeout: Duration = .seconds(15)
        package static let firstRetry: Duration = .seconds(1)
        package static let retryMax: Duration = .seconds(300)
        /// After this the other side counts as unreachable.
        package static let deliveryDeadline: Duration = .seconds(86_400)
        /// People decide; they get a week.
        package static let actDeadline: Duration = .seconds(7 * 86_400)
    }

    package init(side: Side, counterparty: String, address: String, pids: ProcessPids, at now: Instant) {
        self.side = side
        self.counterparty = counterparty
        self.address = address
        self.pids = pids
        transcript = []
        actBefore = now.advanced(by: Limits.actDeadline)
    }

    /// Our own name of the process.
    package var ownPid: String { side == .provider ? pids.provider : pids.consumer }

    /// The other side's name of it.
    package var peerPid: String { side == .provider ? pids.consumer : pids.provider }

    package var isFull: Bool { transcript.count >= Limits.messagesMax }

    /// One digest over the whole transcript: equal on both sides once both have every message.
    package var digest: Digest {
        Digest(of: transcript.flatMap { $0.digest.bytes })
    }

    /// Whether this very message is the last thing that counted: then it is a retry whose answer was lost.
    func isRepeat(_ digest: Digest) -> Bool {
        transcript.last.map { $0.from == side.other && $0.digest == digest } ?? false
    }

    mutating func note(received type: String, _ digest: Digest, at now: Instant) {
        transcript.append(TranscriptEntry(from: side.other, type: type, digest: digest, at: now))
        // Whoever answers a message has received it.
        delivery = nil
        actBefore = now.advanced(by: Limits.actDeadline)
    }

    mutating func note(sending type: String, _ json: JSON, path: String, at now: Instant) {
        transcript.append(
            TranscriptEntry(from: side, type: type, digest: Digest(of: json.canonicalBytes), at: now))
        delivery = Delivery(
            json: json, path: path, attempts: 0, nextAttempt: now.advanced(by: Limits.attemptTimeout),
            deadline: now.advanced(by: Limits.deliveryDeadline), lastError: nil)
        actBefore = now.advanced(by: Limits.actDeadline)
    }

    /// Whether the message is to be tried now; if so, the attempt is noted as begun.
    mutating func beginsAttempt(at now: Instant) -> Bool {
        guard let waiting = delivery, waiting.nextAttempt <= now else { return false }
        delivery?.nextAttempt = now.advanced(by: Limits.attemptTimeout)
        return true
    }

    /// The attempt that was noted as begun is not made by whoever noted it: it is due at once.
    package mutating func hasten() {
        guard let waiting = delivery else { return }
        delivery?.nextAttempt = transcript.last.map { min($0.at, waiting.nextAttempt) } ?? waiting.nextAttempt
    }

    /// It arrived, or we give it up.
    mutating func noteDelivered() { delivery = nil }

    /// Notes a failed attempt. The next comes after twice the last pause, at most five minutes.
    mutating func noteFailed(_ error: String, at now: Instant) {
        guard var failed = delivery else { return }
        let doubled = Limits.firstRetry * (1 << min(failed.attempts, 16))
        failed.attempts += 1
        failed.nextAttempt = now.advanced(by: min(doubled, Limits.retryMax))
        failed.lastError = error
        delivery = failed
    }
}

/// A message on its way: where to, tried how often, when again, until when, and what went wrong.
package struct Delivery: Hashable, Sendable {
    package let json: JSON
    /// Under the counterparty's address.
    package let path: String
    package internal(set) var attempts: Int
    package internal(set) var nextAttempt: Instant
    package let deadline: Instant
    package internal(set) var lastError: String?
}

// MARK: Stored form

extension Correspondence {
    var json: JSON {
        var members: [String: JSON] = [
            "side": .string(side.rawValue), "counterparty": .string(counterparty),
            "address": .string(address),
            "providerPid": .string(pids.provider), "consumerPid": .string(pids.consumer),
            "actBefore": .integer(actBefore.microseconds),
            "transcript": .array(
                transcript.map {
                    [
                        "from": .string($0.from.rawValue), "type": .string($0.type),
                        "digest": .string($0.digest.hex), "at": .integer($0.at.microseconds),
                    ]
                }),
        ]
        if let delivery {
            members["delivery"] = [
                "message": delivery.json, "path": .string(delivery.path),
                "attempts": .integer(Int64(delivery.attempts)),
                "nextAttempt": .integer(delivery.nextAttempt.microseconds),
                "deadline": .integer(delivery.deadline.microseconds),
                "lastError": delivery.lastError.map(JSON.string) ?? .null,
            ]
        }
        return .object(members)
    }

    /// `nil` unless it is what `json` writes.
    init?(stored json: JSON) {
        guard let side = json["side"]?.text.flatMap(Side.init), let counterparty = json["counterparty"]?.text,
            let address = json["address"]?.text, let provider = json["providerPid"]?.text,
            let consumer = json["consumerPid"]?.text, let actBefore = json["actBefore"]?.integer,
            let entries = json["transcript"]?.array
        else { return nil }
        self.side = side
        self.counterparty = counterparty
        self.address = address
        pids = ProcessPids(provider: provider, consumer: consumer)
        self.actBefore = Instant(microseconds: actBefore)
        transcript = []
        for entry in entries {
            guard let from = entry["from"]?.text.flatMap(Side.init), let type = entry["type"]?.text,
                let digest = entry["digest"]?.text.flatMap({ Digest(hex: $0) }), let at = entry["at"]?.integer
            else { return nil }
            transcript.append(
                TranscriptEntry(from: from, type: type, digest: digest, at: Instant(microseconds: at)))
        }
        guard let stored = json["delivery"] else { return }
        guard let message = stored["message"], let path = stored["path"]?.text,
            let attempts = stored["attempts"]?.integer, let next = stored["nextAttempt"]?.integer,
            let deadline = stored["deadline"]?.integer
        else { return nil }
        delivery = Delivery(
            json: message, path: path, attempts: Int(attempts), nextAttempt: Instant(microseconds: next),
            deadline: Instant(microseconds: deadline), lastError: stored["lastError"]?.text)
    }
}
