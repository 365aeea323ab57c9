// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A state of a process of the protocol.
package protocol ProcessState: RawRepresentable<String>, Hashable, Sendable, CaseIterable {
    var isFinal: Bool { get }
    /// Whose turn it is, where one side alone can go on.
    var actor: Side? { get }
}

/// What has to follow a step of a process, besides storing it.
package enum ProcessEffect<State: ProcessState>: Hashable, Sendable {
    /// `correspondence.delivery` holds a message to deliver now; the attempt is noted as begun.
    case deliver
    /// The state changed: one log leaf, with this transcript digest.
    case record(State, Digest)
    /// It is our turn: ask the rules or a person.
    case decide
    /// Ask the other side for its state, because it refused a message of ours.
    case askState
}

/// Why a process ended, and who ended it.
package struct Termination: Hashable, Sendable {
    package let by: Side
    package let explanation: Explanation

    package init(by side: Side, explanation: Explanation) {
        by = side
        self.explanation = explanation
    }

    var json: JSON { .object(explanation.members.merging(["by": .string(by.rawValue)]) { $1 }) }

    init?(stored json: JSON?) {
        guard let by = json?["by"]?.text.flatMap(Side.init) else { return nil }
        let reasons = (json?["reason"]?.array ?? []).compactMap(\.text)
        self.init(by: by, explanation: Explanation(code: json?["code"]?.text, reasons: reasons))
    }
}

/// Why a message or a move is refused. `unknown` is told as 404, everything else as 400: the protocol's
/// conformance kit counts a 404 as "not implemented".
package enum ProcessRefusal: Error, Hashable, Sendable {
    case illegal(String, in: String)
    /// There is no such process, or not for this caller: nobody learns which.
    case unknown
    case wrongPids
    case targetMissing
    case targetChanged

    package var status: Int { self == .unknown ? 404 : 400 }

    package var text: String {
        switch self {
        case .illegal(let kind, let state): "A \(kind) is not possible in state \(state)."
        case .unknown: "There is no such process."
        case .wrongPids: "providerPid and consumerPid are not those of this process."
        case .targetMissing: "The offer names no target."
        case .targetChanged: "The offer is about another target than the negotiation."
        }
    }
}

/// What became of an attempt to deliver a message or to ask for the state.
package enum DeliveryOutcome: Sendable {
    case answered(status: Int, body: JSON?)
    case unreachable(String)
}

/// One side's view of a negotiation or a transfer: a value.
///
/// The steps answer with effects and do nothing else, so that the state, the log leaf and the message to
/// deliver can be stored in one commit. The state is what we durably decided; delivering the message that says
/// so is retried until it is confirmed, overtaken or given up. After `kill -9` in any state the stored value
/// alone says what is next: `correspondence.delivery`, or whose turn it is.
package protocol DataspaceProcess: Hashable, Sendable {
    associatedtype State: ProcessState
    var correspondence: Correspondence { get set }
    var state: State { get }
    var termination: Termination? { get }

    /// Takes over a later state the other side told, where that needs nothing that a message would have carried.
    mutating func adopt(_ peer: State, at now: Instant) -> Bool
    /// Goes to the terminated state.
    mutating func close(_ termination: Termination)
    /// Where the other side tells its state, under its address.
    var statePath: String { get }
    /// What answers a message or a question for the state.
    var reply: JSON { get }
    /// Everything, for the store.
    var json: JSON { get }
}

extension DataspaceProcess {
    package var side: Side { correspondence.side }
    package var pids: ProcessPids { correspondence.pids }

    /// Takes the outcome of delivering `correspondence.delivery`.
    ///
    /// A refusal (4xx) may mean that the message had arrived before, so we ask for the state before we judge;
    /// 408, 429 and 5xx are tried again.
    package mutating func settle(_ outcome: DeliveryOutcome, at now: Instant) -> [ProcessEffect<State>] {
        switch outcome {
        case .answered(200..<300, let body):
            correspondence.noteDelivered()
            if side == .consumer, pids.provider.isEmpty, let told = body?["providerPid"]?.text {
                correspondence.pids.provider = told
            }
            if side == .provider, pids.consumer.isEmpty, let told = body?["consumerPid"]?.text {
                correspondence.pids.consumer = told
            }
            return []
        case .answered(let status, let body)
        where (400..<500).contains(status) && status != 408 && status != 429:
            let reasons = (body?["reason"]?.array ?? []).compactMap(\.text).joined(separator: " ")
            correspondence.noteFailed("\(status) \(reasons)", at: now)
            if correspondence.peerPid.isEmpty {
                return end("The other side refused: \(status) \(reasons)", now)
            }
            return [.askState] + expire(at: now)
        case .answered(let status, _): return failed("status \(status)", at: now)
        case .unreachable(let error): return failed(error, at: now)
        }
    }

    private mutating func failed(_ error: String, at now: Instant) -> [ProcessEffect<State>] {
        correspondence.noteFailed(error, at: now)
        return expire(at: now)
    }

    /// Takes what the other side answered when asked for its state.
    package mutating func synchronize(_ outcome: DeliveryOutcome, at now: Instant) -> [ProcessEffect<State>] {
        guard case .answered(let status, let body) = outcome else { return [] }
        if status == 404 { return end("The other side does not know this process.", now) }
        guard let peer = body?["state"]?.text.flatMap(State.init(rawValue:)) else { return [] }
        if peer == state {
            correspondence.noteDelivered()
            return []
        }
        if adopt(peer, at: now) {
            correspondence.noteDelivered()
            return recorded
        }
        guard peer.rawValue == "TERMINATED" else { return [] }
        return end("The other side had terminated.", now, by: side.other)
    }

    /// What the time brings: a message to try again; an end, where one could not be delivered for a day or a side
    /// did not act for a week. A final state stays; only its message is given up.
    package mutating func expire(at now: Instant) -> [ProcessEffect<State>] {
        if let delivery = correspondence.delivery, delivery.deadline <= now {
            let reason = "Undelivered after \(delivery.attempts) attempts: \(delivery.lastError ?? "")"
            return end(reason, now)
        }
        if correspondence.beginsAttempt(at: now) { return [.deliver] }
        if !state.isFinal, state.actor != nil, correspondence.actBefore <= now {
            return end("Nobody acted before the deadline.", now)
        }
        return []
    }

    /// Ends on our own account, without a message: the other side is out of reach or gone.
    private mutating func end(_ reason: String, _ now: Instant, by side: Side? = nil) -> [ProcessEffect<
        State
    >] {
        correspondence.noteDelivered()
        if state.isFinal { return [] }
        close(Termination(by: side ?? self.side, explanation: Explanation(reasons: [reason])))
        return recorded
    }

    var recorded: [ProcessEffect<State>] { [.record(state, correspondence.digest)] }

    /// When this process wants attention next without anybody speaking; `nil` where it is done.
    package var dueAt: Instant? {
        if let delivery = correspondence.delivery { return min(delivery.nextAttempt, delivery.deadline) }
        return state.isFinal || state.actor == nil ? nil : correspondence.actBefore
    }

    /// The members of a reply: the state and, beyond the protocol, for both sides who is to act, until when, and
    /// what became of our last message. Their names are IRIs of ours, so that JSON-LD keeps them apart.
    var stateMembers: [String: JSON] {
        var members: [String: JSON] = ["state": .string(state.rawValue)]
        if let actor = state.actor {
            members["hutong:actor"] = .string(actor.rawValue)
            members["hutong:actBefore"] = .string(correspondence.actBefore.rfc3339)
        }
        if let delivery = correspondence.delivery, delivery.attempts > 0 {
            members["hutong:nextAttempt"] = .string(delivery.nextAttempt.rfc3339)
            members["hutong:lastError"] = delivery.lastError.map(JSON.string)
        }
        if let termination {
            members["hutong:terminatedBy"] = .string(termination.by.rawValue)
            members["hutong:reason"] = .array(termination.explanation.reasons.map(JSON.string))
        }
        return members
    }
}
