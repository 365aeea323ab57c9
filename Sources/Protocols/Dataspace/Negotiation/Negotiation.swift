// SPDX-License-Identifier: Apache-2.0

package import Policy
package import Primitives

/// One contract negotiation as one side sees it (Dataspace Protocol 2025-1, Contract Negotiation Protocol §1).
///
/// A value: `receive` takes what the other side said, `make` what we decide, `delivered`, `failed` and
/// `synchronize` what became of our messages, `expire` the time. Each answers with effects and does nothing
/// else, so that the state, the log leaf and the message to deliver can be stored in one commit. Our state is
/// what we durably decided; delivering the message that says so is retried until it is confirmed, overtaken or
/// given up.
package struct Negotiation: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
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

    /// What has to follow a step, besides storing the negotiation.
    package enum Effect: Hashable, Sendable {
        /// `correspondence.delivery` holds a message to deliver now.
        case deliver
        /// The state changed: one log leaf, with this transcript digest.
        case record(State, Digest)
        /// It is our turn: ask the rules or a person.
        case decide
        /// Ask the other side for its state, because it refused a message of ours or stayed silent.
        case askState
        /// Both sides hold this agreement now and it is in force.
        case conclude(UsagePolicy)
    }

    package private(set) var correspondence: Correspondence
    package private(set) var state: State
    /// The offer on the table: the last one either side put there.
    package private(set) var offer: UsagePolicy
    /// Set from AGREED on.
    package private(set) var agreement: UsagePolicy?
    /// Why it ended, and who ended it.
    package private(set) var termination: Termination?

    package struct Termination: Hashable, Sendable {
        package let by: Side
        package let explanation: Explanation
    }

    package var side: Side { correspondence.side }
    package var pids: ProcessPids { correspondence.pids }

    // MARK: Beginning

    /// We, the consumer, ask for an agreement.
    package static func requesting(
        _ offer: UsagePolicy, from counterparty: String, at address: String, consumerPid: String,
        callback: String, now: Instant
    ) -> (Negotiation, [Effect]) {
        var negotiation = Negotiation(
            .consumer, counterparty, address, ProcessPids(provider: "", consumer: consumerPid), .requested, offer, now)
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
            .provider, counterparty, address, ProcessPids(provider: providerPid, consumer: ""), .offered, offer, now)
        let message = NegotiationMessage.offer(
            ContractOffer(providerPid: providerPid, addressing: .callback(callback), offer: offer))
        let effects = negotiation.sent(message, to: .offered, now)
        return (negotiation, effects)
    }

    /// A first request reached us, the provider.
    package static func opened(
        by request: ContractRequest, from counterparty: String, providerPid: String, now: Instant
    ) throws(NegotiationRefusal) -> (Negotiation, [Effect]) {
        guard case .callback(let address) = request.addressing else { throw .unknownProcess }
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
    ) throws(NegotiationRefusal) -> (Negotiation, [Effect]) {
        guard case .callback(let address) = offer.addressing else { throw .unknownProcess }
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
    ) throws(NegotiationRefusal) -> [Effect] {
        guard counterparty == correspondence.counterparty else { throw .unknownProcess }
        try learnPids(message)
        if message.kind != .request, correspondence.isRepeat(message.digest) { return [] }
        guard let next = Self.next(state, message.kind, from: side.other), !correspondence.isFull else {
            throw .illegal(message.kind, in: state)
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
    package mutating func make(_ move: Move, at now: Instant) throws(NegotiationRefusal) -> [Effect] {
        let message: NegotiationMessage
        switch move {
        case .request(let offer):
            message = .request(
                ContractRequest(consumerPid: pids.consumer, addressing: .process(pids.provider), offer: offer))
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
        else { throw .illegal(message.kind, in: state) }
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
        if agreement.termsDigest != offer.termsDigest { faults.append("Its terms are not those of the offer.") }
        if agreement.target != offer.target { faults.append("Its target is not that of the offer.") }
        if agreement.assigner != assigner { faults.append("Its assigner is not \(assigner).") }
        if agreement.assignee != assignee { faults.append("Its assignee is not \(assignee).") }
        if agreement.timestamp == nil { faults.append("It has no timestamp.") }
        return faults
    }

    /// The other side confirmed our message; with its first reply comes its name of the process.
    package mutating func delivered(peerPids: ProcessPids? = nil) {
        correspondence.noteDelivered()
        guard let peerPids else { return }
        if side == .consumer, pids.provider.isEmpty { correspondence.pids.provider = peerPids.provider }
        if side == .provider, pids.consumer.isEmpty { correspondence.pids.consumer = peerPids.consumer }
    }

    /// An attempt to deliver failed: the network, or a status the other side may take back (429, 5xx).
    package mutating func failed(_ error: String, at now: Instant) -> [Effect] {
        correspondence.noteFailed(error, at: now)
        return expire(at: now)
    }

    /// The other side refused our message (4xx). It may have had it already, so we ask before we judge.
    package mutating func refused(_ error: String, at now: Instant) -> [Effect] {
        correspondence.noteFailed(error, at: now)
        return pids.provider.isEmpty || pids.consumer.isEmpty ? end("The other side refused: \(error)", now) : [.askState]
    }

    /// The other side told its state when asked; `nil` where it knows no such process.
    package mutating func synchronize(_ peer: State?, at now: Instant) -> [Effect] {
        guard let peer else { return end("The other side does not know this negotiation.", now) }
        if peer == state {
            correspondence.noteDelivered()
            return []
        }
        switch (peer, state) {
        case (.terminated, _) where !state.isFinal:
            return end("The other side had terminated.", now, by: side.other)
        case (.finalized, .verified) where side == .consumer:
            // Its FINALIZED was lost on the way; we hold the agreement that it confirms.
            state = .finalized
            correspondence.noteDelivered()
            return recorded()
        default: return []
        }
    }

    /// What the time brings: a message that could not be delivered for a day, or a side that did not act for a
    /// week, ends the negotiation. A final state stays; only its message is given up.
    package mutating func expire(at now: Instant) -> [Effect] {
        if let delivery = correspondence.delivery, delivery.deadline <= now {
            if state.isFinal {
                correspondence.giveUpDelivery()
                return []
            }
            return end("Undelivered since \(delivery.attempts) attempts: \(delivery.lastError ?? "")", now)
        }
        if !state.isFinal, correspondence.actBefore <= now {
            return end("Nobody acted before the deadline.", now)
        }
        return []
    }

    // MARK: Small pieces

    private mutating func sent(_ message: NegotiationMessage, to next: State, _ now: Instant) -> [Effect] {
        state = next
        correspondence.note(sending: message.type, message.json, path: path(for: message), at: now)
        return [.deliver] + recorded()
    }

    private mutating func noted(_ message: NegotiationMessage, to next: State, _ now: Instant) -> [Effect] {
        state = next
        correspondence.note(received: message.type, message.digest, at: now)
        return recorded() + (next.actor == side ? [.decide] : [])
    }

    private func recorded() -> [Effect] {
        var effects: [Effect] = [.record(state, correspondence.digest)]
        if state == .finalized, let agreement { effects.append(.conclude(agreement)) }
        return effects
    }

    /// Ends on our own account, without a message: the other side is out of reach or gone.
    private mutating func end(_ reason: String, _ now: Instant, by side: Side? = nil) -> [Effect] {
        correspondence.giveUpDelivery()
        if state.isFinal { return [] }
        state = .terminated
        termination = Termination(by: side ?? self.side, explanation: Explanation(reasons: [reason]))
        return recorded()
    }

    private func path(for message: NegotiationMessage) -> String {
        let peerPid = side == .consumer ? pids.provider : pids.consumer
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

    /// Where the other side tells its state.
    package var statePath: String {
        "/negotiations/\(side == .consumer ? pids.provider : pids.consumer)"
    }

    /// The names in a message must be ours; a name we do not know yet is learned.
    private mutating func learnPids(_ message: NegotiationMessage) throws(NegotiationRefusal) {
        var named = pids
        switch message {
        case .request(let request):
            named.consumer = request.consumerPid
            guard case .process(let provider) = request.addressing else { throw .unknownProcess }
            named.provider = provider
        case .offer(let offer):
            named.provider = offer.providerPid
            guard case .process(let consumer) = offer.addressing else { throw .unknownProcess }
            named.consumer = consumer
        case .agreement(let pids, _), .verification(let pids), .accepted(let pids), .finalized(let pids),
            .termination(let pids, _):
            named = pids
        }
        if pids.provider.isEmpty { correspondence.pids.provider = named.provider }
        if pids.consumer.isEmpty { correspondence.pids.consumer = named.consumer }
        guard named == pids else { throw .wrongPids }
    }

    private func sameTarget(_ offer: UsagePolicy) throws(NegotiationRefusal) -> UsagePolicy {
        guard offer.target == self.offer.target else { throw .targetChanged }
        return offer
    }
}

/// Why a message or a move is refused. `unknownProcess` is told as 404, everything else as 400: the protocol's
/// conformance kit counts a 404 as "not implemented".
package enum NegotiationRefusal: Error, Hashable, Sendable {
    case illegal(NegotiationMessage.Kind, in: Negotiation.State)
    case unknownProcess
    case wrongPids
    case targetMissing
    case targetChanged

    package var status: Int { self == .unknownProcess ? 404 : 400 }

    package var text: String {
        switch self {
        case .illegal(let kind, let state): "A \(kind.rawValue) is not possible in state \(state.rawValue)."
        case .unknownProcess: "There is no such negotiation."
        case .wrongPids: "providerPid and consumerPid are not those of this negotiation."
        case .targetMissing: "The offer names no target."
        case .targetChanged: "The offer is about another target than the negotiation."
        }
    }
}

// MARK: Wire and stored form

extension Negotiation {
    /// The `ContractNegotiation` that answers a message or a question for the state. Beyond the protocol it tells
    /// both sides who is to act, until when, and what became of our last message.
    package var reply: JSON {
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
        return .message("ContractNegotiation", pids.members, members)
    }

    /// Everything, for the store.
    package var json: JSON {
        var members: [String: JSON] = [
            "correspondence": correspondence.json, "state": .string(state.rawValue), "offer": offer.json,
        ]
        members["agreement"] = agreement?.json
        if let termination {
            members["terminatedBy"] = .string(termination.by.rawValue)
            members["termination"] = .object(termination.explanation.members)
        }
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
        if let by = json["terminatedBy"]?.text.flatMap(Side.init), let told = json["termination"] {
            let reasons = (told["reason"]?.array ?? []).compactMap(\.text)
            termination = Termination(by: by, explanation: Explanation(code: told["code"]?.text, reasons: reasons))
        }
    }
}
