// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One transfer as one side sees it (Dataspace Protocol 2025-1, Transfer Process Protocol §1).
///
/// It says whether data may flow, not that they did: each fetch goes through the valve on its own.
package struct TransferProcess: DataspaceProcess {
    package enum State: String, ProcessState {
        case requested = "REQUESTED"
        case started = "STARTED"
        case suspended = "SUSPENDED"
        case completed = "COMPLETED"
        case terminated = "TERMINATED"

        package var isFinal: Bool { self == .completed || self == .terminated }

        /// After the start either side may act, and neither has to.
        package var actor: Side? { self == .requested ? .provider : nil }
    }

    package enum Move: Hashable, Sendable {
        case start(DataAddress?)
        case suspend(Explanation)
        case complete
        case terminate(Explanation)
    }

    package typealias Effect = ProcessEffect<State>

    package var correspondence: Correspondence
    package private(set) var state: State
    package let agreementId: String
    package let format: String
    /// Where the provider pushes to, or the consumer pulls from.
    package private(set) var dataAddress: DataAddress?
    package private(set) var termination: Termination?

    // MARK: Beginning

    /// We, the consumer, ask for data under an agreement.
    package static func requesting(
        _ request: TransferRequest, from counterparty: String, at address: String, now: Instant
    ) -> (TransferProcess, [Effect]) {
        var transfer = TransferProcess(
            .consumer, counterparty, address, ProcessPids(provider: "", consumer: request.consumerPid),
            request, now)
        let effects = transfer.sent(.request(request), to: .requested, now)
        return (transfer, effects)
    }

    /// A request reached us, the provider.
    package static func opened(
        by request: TransferRequest, from counterparty: String, providerPid: String, now: Instant
    ) -> (TransferProcess, [Effect]) {
        var transfer = TransferProcess(
            .provider, counterparty, request.callbackAddress,
            ProcessPids(provider: providerPid, consumer: request.consumerPid), request, now)
        let effects = transfer.noted(.request(request), to: .requested, now)
        return (transfer, effects)
    }

    private init(
        _ side: Side, _ counterparty: String, _ address: String, _ pids: ProcessPids,
        _ request: TransferRequest,
        _ now: Instant
    ) {
        correspondence = Correspondence(
            side: side, counterparty: counterparty, address: address, pids: pids, at: now)
        state = .requested
        agreementId = request.agreementId
        format = request.format
        dataAddress = request.dataAddress
    }

    // MARK: The table of the protocol

    /// Where a message of this kind from this side leads; `nil` where the protocol has no such arrow.
    package static func next(_ state: State, _ kind: TransferMessage.Kind, from side: Side) -> State? {
        switch (state, kind, side) {
        case (.requested, .start, .provider), (.suspended, .start, _): .started
        case (.started, .suspension, _): .suspended
        case (.started, .completion, _): .completed
        case (.requested, .termination, _), (.started, .termination, _), (.suspended, .termination, _):
            .terminated
        default: nil
        }
    }

    // MARK: Steps

    /// Takes a message of the counterparty. The same message again, with nothing in between, changes nothing.
    package mutating func receive(
        _ message: TransferMessage, from counterparty: String, at now: Instant
    ) throws(ProcessRefusal) -> [Effect] {
        guard counterparty == correspondence.counterparty else { throw .unknown }
        try learnPids(message)
        if correspondence.isRepeat(message.digest) { return [] }
        guard let next = Self.next(state, message.kind, from: side.other), !correspondence.isFull else {
            throw .illegal(message.kind.rawValue, in: state.rawValue)
        }
        switch message {
        case .start(_, let address?): dataAddress = address
        case .termination(_, let explanation):
            termination = Termination(by: side.other, explanation: explanation)
        case .request, .start, .suspension, .completion: break
        }
        return noted(message, to: next, now)
    }

    /// Makes a move of ours. Illegal moves throw; the state stays.
    package mutating func make(_ move: Move, at now: Instant) throws(ProcessRefusal) -> [Effect] {
        let message: TransferMessage =
            switch move {
            case .start(let address): .start(pids, address)
            case .suspend(let explanation): .suspension(pids, explanation)
            case .complete: .completion(pids)
            case .terminate(let explanation): .termination(pids, explanation)
            }
        guard let next = Self.next(state, message.kind, from: side), !correspondence.peerPid.isEmpty else {
            throw .illegal(message.kind.rawValue, in: state.rawValue)
        }
        switch move {
        case .start(let address?): dataAddress = address
        case .terminate(let explanation): termination = Termination(by: side, explanation: explanation)
        case .start, .suspend, .complete: break
        }
        return sent(message, to: next, now)
    }

    package var statePath: String { "/transfers/\(correspondence.peerPid)" }

    package mutating func adopt(_ peer: State, at now: Instant) -> Bool {
        // Its COMPLETED was lost on the way.
        guard state == .started, peer == .completed else { return false }
        state = .completed
        return true
    }

    package mutating func close(_ termination: Termination) {
        state = .terminated
        self.termination = termination
    }

    private mutating func sent(_ message: TransferMessage, to next: State, _ now: Instant) -> [Effect] {
        state = next
        let path =
            message.kind == .request
            ? "/transfers/request" : "/transfers/\(correspondence.peerPid)/\(message.kind.rawValue)"
        correspondence.note(sending: message.type, message.json, path: path, at: now)
        return [.deliver] + recorded
    }

    private mutating func noted(_ message: TransferMessage, to next: State, _ now: Instant) -> [Effect] {
        state = next
        correspondence.note(received: message.type, message.digest, at: now)
        return recorded + (next.isFinal ? [] : [.decide])
    }

    private mutating func learnPids(_ message: TransferMessage) throws(ProcessRefusal) {
        switch message {
        case .request: throw .unknown
        case .start(let named, _), .suspension(let named, _), .completion(let named),
            .termination(let named, _):
            if pids.provider.isEmpty { correspondence.pids.provider = named.provider }
            guard named == pids else { throw .wrongPids }
        }
    }

    // MARK: Wire and stored form

    /// The `TransferProcess` that answers a message or a question for the state.
    package var reply: JSON { .message("TransferProcess", pids.members, stateMembers) }

    package var json: JSON {
        var members: [String: JSON] = [
            "correspondence": correspondence.json, "state": .string(state.rawValue),
            "agreementId": .string(agreementId), "format": .string(format),
        ]
        members["dataAddress"] = dataAddress?.json
        members["termination"] = termination?.json
        return .object(members)
    }

    /// Reads what `json` wrote; `dataspace.process-unreadable` for anything else.
    package init(stored json: JSON) throws(Problem) {
        guard let correspondence = json["correspondence"].flatMap(Correspondence.init(stored:)),
            let state = json["state"]?.text.flatMap(State.init), let agreementId = json["agreementId"]?.text,
            let format = json["format"]?.text
        else { throw Problem(.fault, "dataspace.process-unreadable") }
        self.correspondence = correspondence
        self.state = state
        self.agreementId = agreementId
        self.format = format
        dataAddress = DataAddress(stored: json["dataAddress"])
        termination = Termination(stored: json["termination"])
    }
}
