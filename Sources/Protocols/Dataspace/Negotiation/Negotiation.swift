// SPDX-License-Identifier: Apache-2.0

package import Policy
package import Primitives

/// One contract negotiation as one side sees it (Dataspace Protocol 2025-1, Contract Negotiation Protocol §1).
///
/// `receive` takes what the other side said, `make` what we decide; the rest is `DataspaceProcess`. In state
/// FINALIZED both hold `agreement`, and it is in force.
package struct Negotiation: DataspaceProcess {
    package enum State: String, ProcessState {
        case requested = "REQUESTED"
        case offered = "OFFERED"
        case accepted = "ACCEPTED"
        case agreed = "AGREED"
        case verified = "VERIFIED"
        case finalized = "FINALIZED"
        case terminated = "TERMINATED"

        package var isFinal: Bool { self == .finalized || self == .terminated }

        /// Whose turn it is.
        package var actor: Side? {
            switch self {
            case .requested, .accepted, .verified: .provider
            case .offered, .agreed: .consumer
            case .finalized, .terminated: nil
            }
        }
    }

    /// What one of us decides.
    package enum Move: Hashable, Sendable {
        case request(UsagePolicy)
        case offer(UsagePolicy)
        case accept
        case agree(UsagePolicy)
        case verify
        case finalize
        case terminate(Explanation)
    }

    package typealias Effect = ProcessEffect<State>

    package var correspondence: Correspondence
    package private(set) var state: State
    /// The offer on the table: the last one either side put there.
    package private(set) var offer: UsagePolicy
    /// Set from AGREED on.
    package private(set) var agreement: UsagePolicy?
    /// Why it ended, and who ended it.
    package private(set) var termination: Termination?

    // MARK: Beginning

    /// We, the consumer, ask for an agreement.
    package static func requesting(
        _ offer: UsagePolicy, from counterparty: String, at address: String, consumerPid: String,
        callback: String, now: Instant
    ) -> (Negotiation, [Effect]) {
        var negotiation = Negotiation(
            .consumer, counterparty, address, ProcessPids(provider: "", consumer: consumerPid), .requested,
            offer, now)
        let message = NegotiationMessage.request(
            ContractRequest(consumerPid: consumerPid, addressing: .callback(callback), offer: offer))
        let effects = negotiation.sent(message, to: .requested, now)
        return (negotiation, effects)
    }

    /// We, the provider, offer unasked.
    package static func offering(
        _ offer: UsagePolicy, to counterparty: String, at address: String, providerPid: String,
        callback: String, now: Instant
    ) -> (Negotiation, [Effect]) {
        var negotiation = Negotiation(
            .provider, counterparty, address, ProcessPids(provider: providerPid, consumer: ""), .offered,
            offer, now)
        let message = NegotiationMessage.offer(
            ContractOffer(providerPid: providerPid, addressing: .callback(callback), offer: offer))
        let effects = negotiation.sent(message, to: .offered, now)
        return (negotiation, effects)
    }

    /// A first request reached us, the provider.
    package static func opened(
        by request: ContractRequest, from counterparty: String, providerPid: String, now: Instant
    ) throws(ProcessRefusal) -> (Negotiation, [Effect]) {
        guard case .callback(let address) = request.addressing else { throw .unknown }
        guard request.offer.target != nil else { throw .targetMissing }
        var negotiation = Negotiation(
            .provider, counterparty, address,
            ProcessPids(provider: providerPid, consumer: request.consumerPid), .requested, request.offer, now)
        let effects = negotiation.noted(.request(request), to: .requested, now)
        return (negotiation, effects)
    }

    /// A first offer reached us, the consumer.
    package static func opened(
        by offer: ContractOffer, from counterparty: String, consumerPid: String, now: Instant
    ) throws(ProcessRefusal) -> (Negotiation, [Effect]) {
        guard case .callback(let address) = offer.addressing else { throw .unknown }
        var negotiation = Negotiation(
            .consumer, counterparty, address,
            ProcessPids(provider: offer.providerPid, consumer: consumerPid), .offered, offer.offer, now)
        let effects = negotiation.noted(.offer(offer), to: .offered, now)
        return (negotiation, effects)
    }

    private init(
        _ side: Side, _ counterparty: String, _ address: String, _ pids: ProcessPids, _ state: State,
        _ offer: UsagePolicy, _ now: Instant
    ) {
        correspondence = Correspondence(
            side: side, counterparty: counterparty, address: address, pids: pids, at: now)
        self.state = state
        self.offer = offer
    }

    // MARK: The table of the protocol

    /// Where a message of this kind from this side leads; `nil` where the protocol has no such arrow.
    package static func next(_ state: State, _ kind: NegotiationMessage.Kind, from side: Side) -> State? {
        switch (state, kind, side) {
        case (.requested, .offer, .provider): .offered
        case (.requested, .agreement, .provider), (.accepted, .agreement, .provider): .agreed
        case (.offered, .request, .consumer): .requested
        case (.offered, .accepted, .consumer): .accepted
        case (.agreed, .verification, .consumer): .verified
        case (.verified, .finalized, .provider): .finalized
        case (.requested, .termination, _), (.offered, .termination, _): .terminated
        case (.accepted, .termination, .provider), (.agreed, .termination, .consumer): .terminated
        case (.verified, .termination, .provider): .terminated
        default: nil
        }
    }

    // MARK: Steps

    /// Takes a message of the counterparty.
    ///
    /// The same message again, with nothing in between, changes nothing and answers no effects: the sender lost
    /// our reply. A repeated counter-request is the one exception, which the protocol calls illegal; its
    /// sender asks for the state.
    package mutating func receive(
        _ message: NegotiationMessage, from counterparty: String, at now: Instant
    ) throws(ProcessRefusal) -> [Effect] {
        guard counterparty == correspondence.counterparty else { throw .unknown }
        try learnPids(message)
        if message.kind != .request, correspondence.isRepeat(message.digest) { return [] }
        guard let next = Self.next(state, message.kind, from: side.other), !correspondence.isFull else {
            throw .illegal(message.kind.rawValue, in: state.rawValue)
        }
        switch message {
        case .request(let request): offer = try sameTarget(request.offer)
        case .offer(let offered): offer = try sameTarget(offered.offer)
        case .agreement(_, let agreement): self.agreement = agreement
        case .termination(_, let explanation):
            termination = Termination(by: side.other, explanation: explanation)
        case .verification, .accepted, .finalized: break
        }
        return noted(message, to: next, now)
    }

    /// Makes a move of ours. Illegal moves throw; the state stays.
    package mutating func make(_ move: Move, at now: Instant) throws(ProcessRefusal) -> [Effect] {
        let message: NegotiationMessage
        switch move {
        case .request(let offer):
            message = .request(
                ContractRequest(consumerPid: pids.consumer, addressing: .process(pids.provider), offer: offer)
            )
        case .offer(let offer):
            message = .offer(
                ContractOffer(providerPid: pids.provider, addressing: .process(pids.consumer), offer: offer))
        case .accept: message = .accepted(pids)
        case .agree(let agreement): message = .agreement(pids, agreement)
        case .verify: message = .verification(pids)
        case .finalize: message = .finalized(pids)
        case .terminate(let explanation): message = .termination(pids, explanation)
        }
        // The other side's name comes with its first answer; until then it could not know what we mean.
        guard let next = Self.next(state, message.kind, from: side), !pids.provider.isEmpty,
            !pids.consumer.isEmpty
        else { throw .illegal(message.kind.rawValue, in: state.rawValue) }
        switch move {
        case .request(let offer), .offer(let offer): self.offer = try sameTarget(offer)
        case .agree(let agreement): self.agreement = agreement
        case .terminate(let explanation): termination = Termination(by: side, explanation: explanation)
        case .accept, .verify, .finalize: break
        }
        return sent(message, to: next, now)
    }

    /// What speaks against verifying the agreement the provider stated: empty if it is the offer on the table,
    /// between us two, about the same data.
    package func faults(ownId: String) -> [String] {
        guard let agreement else { return [] }
        var faults: [String] = []
        let assigner = side == .consumer ? correspondence.counterparty : ownId
        let assignee = side == .consumer ? ownId : correspondence.counterparty
        if agreement.termsDigest != offer.termsDigest {
            faults.append("Its terms are not those of the offer.")
        }
        if agreement.target != offer.target { faults.append("Its target is not that of the offer.") }
        if agreement.assigner != assigner { faults.append("Its assigner is not \(assigner).") }
        if agreement.assignee != assignee { faults.append("Its assignee is not \(assignee).") }
        if agreement.timestamp == nil { faults.append("It has no timestamp.") }
        return faults
    }

    package var statePath: String { "/negotiations/\(correspondence.peerPid)" }

    package mutating func adopt(_ peer: State, at now: Instant) -> Bool {
        // Its FINALIZED was lost on the way; we hold the agreement that it confirms.
        guard side == .consumer, state == .verified, peer == .finalized else { return false }
        state = .finalized
        return true
    }

    package mutating func close(_ termination: Termination) {
        state = .terminated
        self.termination = termination
    }

    // MARK: Small pieces

    private mutating func sent(_ message: NegotiationMessage, to next: State, _ now: Instant) -> [Effect] {
        state = next
        correspondence.note(sending: message.type, message.json, path: path(for: message), at: now)
        return [.deliver] + recorded
    }

    private mutating func noted(_ message: NegotiationMessage, to next: State, _ now: Instant) -> [Effect] {
        state = next
        correspondence.note(received: message.type, message.digest, at: now)
        return recorded + (next.actor == side ? [.decide] : [])
    }

    private func path(for message: NegotiationMessage) -> String {
        let peerPid = correspondence.peerPid
        switch message {
        case .request(let request):
            if case .callback = request.addressing { return "/negotiations/request" }
            return "/negotiations/\(peerPid)/request"
        case .offer(let offer):
            if case .callback = offer.addressing { return "/negotiations/offers" }
            return "/negotiations/\(peerPid)/offers"
        case .agreement: return "/negotiations/\(peerPid)/agreement"
        case .verification: return "/negotiations/\(peerPid)/agreement/verification"
        case .accepted, .finalized: return "/negotiations/\(peerPid)/events"
        case .termination: return "/negotiations/\(peerPid)/termination"
        }
    }

    /// The names in a message must be ours; a name we do not know yet is learned.
    private mutating func learnPids(_ message: NegotiationMessage) throws(ProcessRefusal) {
        var named = pids
        switch message {
        case .request(let request):
            named.consumer = request.consumerPid
            guard case .process(let provider) = request.addressing else { throw .unknown }
            named.provider = provider
        case .offer(let offer):
            named.provider = offer.providerPid
            guard case .process(let consumer) = offer.addressing else { throw .unknown }
            named.consumer = consumer
        case .agreement(let pids, _), .verification(let pids), .accepted(let pids), .finalized(let pids),
            .termination(let pids, _):
            named = pids
        }
        if pids.provider.isEmpty { correspondence.pids.provider = named.provider }
        if pids.consumer.isEmpty { correspondence.pids.consumer = named.consumer }
        guard named == pids else { throw .wrongPids }
    }

    private func sameTarget(_ offer: UsagePolicy) throws(ProcessRefusal) -> UsagePolicy {
        guard offer.target == self.offer.target else { throw .targetChanged }
        return offer
    }
}

// MARK: Wire and stored form

extension Negotiation {
    /// The `ContractNegotiation` that answers a message or a question for the state.
    package var reply: JSON {
        .message("ContractNegotiation", pids.members, stateMembers)
    }

    /// Everything, for the store.
    package var json: JSON {
        var members: [String: JSON] = [
            "correspondence": correspondence.json, "state": .string(state.rawValue), "offer": offer.json,
        ]
        members["agreement"] = agreement?.json
        members["termination"] = termination?.json
        return .object(members)
    }

    /// Reads what `json` wrote; `dataspace.process-unreadable` for anything else.
    package init(stored json: JSON) throws(Problem) {
        guard let correspondence = json["correspondence"].flatMap(Correspondence.init(stored:)),
            let state = json["state"]?.text.flatMap(State.init), let offer = json["offer"]
        else { throw Problem(.fault, "dataspace.process-unreadable") }
        self.correspondence = correspondence
        self.state = state
        self.offer = try UsagePolicy(json: offer)
        if let agreement = json["agreement"] { self.agreement = try UsagePolicy(json: agreement) }
        termination = Termination(stored: json["termination"])
    }
}
