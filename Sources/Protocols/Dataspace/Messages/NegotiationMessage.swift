// SPDX-License-Identifier: Apache-2.0

package import Policy
package import Primitives

/// The messages of a contract negotiation (Dataspace Protocol 2025-1, Contract Negotiation Protocol §2).
package enum NegotiationMessage: Hashable, Sendable {
    /// The consumer asks for an agreement, or answers an offer with another one.
    case request(ContractRequest)
    /// The provider offers, first or in answer to a request.
    case offer(ContractOffer)
    /// The provider states the agreement.
    case agreement(ProcessPids, UsagePolicy)
    /// The consumer confirms the agreement.
    case verification(ProcessPids)
    /// The consumer takes the offer as it stands.
    case accepted(ProcessPids)
    /// The provider has put the agreement in force.
    case finalized(ProcessPids)
    case termination(ProcessPids, Explanation)

    /// The kinds, by what they do to the state.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case request, offer, agreement, verification, accepted, finalized, termination
    }

    package var kind: Kind {
        switch self {
        case .request: .request
        case .offer: .offer
        case .agreement: .agreement
        case .verification: .verification
        case .accepted: .accepted
        case .finalized: .finalized
        case .termination: .termination
        }
    }

    /// The `@type` on the wire; acceptance and finalization share the event message.
    package var type: String {
        switch self {
        case .request: "ContractRequestMessage"
        case .offer: "ContractOfferMessage"
        case .agreement: "ContractAgreementMessage"
        case .verification: "ContractAgreementVerificationMessage"
        case .accepted, .finalized: "ContractNegotiationEventMessage"
        case .termination: "ContractNegotiationTerminationMessage"
        }
    }

    package var json: JSON {
        switch self {
        case .request(let request):
            var members: [String: JSON] = ["consumerPid": .string(request.consumerPid)]
            switch request.addressing {
            case .callback(let address): members["callbackAddress"] = .string(address)
            case .process(let providerPid): members["providerPid"] = .string(providerPid)
            }
            return .message(type, members, ["offer": request.offer.json])
        case .offer(let offer):
            var members: [String: JSON] = ["providerPid": .string(offer.providerPid)]
            switch offer.addressing {
            case .callback(let address): members["callbackAddress"] = .string(address)
            case .process(let consumerPid): members["consumerPid"] = .string(consumerPid)
            }
            return .message(type, members, ["offer": offer.offer.json])
        case .agreement(let pids, let agreement):
            return .message(type, pids.members, ["agreement": agreement.json])
        case .verification(let pids): return .message(type, pids.members)
        case .accepted(let pids): return .message(type, pids.members, ["eventType": "ACCEPTED"])
        case .finalized(let pids): return .message(type, pids.members, ["eventType": "FINALIZED"])
        case .termination(let pids, let explanation):
            return .message(type, pids.members, explanation.members)
        }
    }

    /// SHA-256 over the canonical bytes: what a side signs, and what the transcript keeps.
    package var digest: Digest { Digest(of: json.canonicalBytes) }

    /// Reads a message of whichever type it says it is, as strictly as the protocol's schemas.
    package init(json: JSON) throws(MessageFailure) {
        switch json["@type"]?.text {
        case "ContractRequestMessage": self = .request(try ContractRequest(json))
        case "ContractOfferMessage": self = .offer(try ContractOffer(json))
        case "ContractAgreementMessage":
            let reader = try MessageReader(json, type: "ContractAgreementMessage")
            self = .agreement(try reader.pids(), try reader.policy("agreement", .agreement))
        case "ContractAgreementVerificationMessage":
            self = .verification(try MessageReader(json, type: "ContractAgreementVerificationMessage").pids())
        case "ContractNegotiationEventMessage":
            let reader = try MessageReader(json, type: "ContractNegotiationEventMessage")
            switch try reader.text("eventType") {
            case "ACCEPTED": self = .accepted(try reader.pids())
            case "FINALIZED": self = .finalized(try reader.pids())
            default: throw reader.failure("eventType", "ACCEPTED or FINALIZED")
            }
        case "ContractNegotiationTerminationMessage":
            let reader = try MessageReader(json, type: "ContractNegotiationTerminationMessage")
            self = .termination(try reader.pids(), try reader.explanation())
        default: throw .malformed(place: "@type", wanted: "a message of contract negotiation")
        }
    }
}

/// Where a first message asks to be answered, or which process a later one belongs to: never both.
package enum Addressing: Hashable, Sendable {
    case callback(String)
    case process(String)

    fileprivate init(_ reader: MessageReader, pid name: String) throws(MessageFailure) {
        switch (try reader.optionalText("callbackAddress"), try reader.optionalText(name)) {
        case (let address?, nil): self = .callback(address)
        case (nil, let pid?): self = .process(pid)
        default: throw reader.failure("callbackAddress", "either callbackAddress or \(name)")
        }
    }
}

package struct ContractRequest: Hashable, Sendable {
    package let consumerPid: String
    package let addressing: Addressing
    package let offer: UsagePolicy

    package init(consumerPid: String, addressing: Addressing, offer: UsagePolicy) {
        self.consumerPid = consumerPid
        self.addressing = addressing
        self.offer = offer
    }

    fileprivate init(_ json: JSON) throws(MessageFailure) {
        let reader = try MessageReader(json, type: "ContractRequestMessage")
        consumerPid = try reader.text("consumerPid")
        addressing = try Addressing(reader, pid: "providerPid")
        offer = try reader.policy("offer", .offer)
    }
}

package struct ContractOffer: Hashable, Sendable {
    package let providerPid: String
    package let addressing: Addressing
    package let offer: UsagePolicy

    package init(providerPid: String, addressing: Addressing, offer: UsagePolicy) {
        self.providerPid = providerPid
        self.addressing = addressing
        self.offer = offer
    }

    fileprivate init(_ json: JSON) throws(MessageFailure) {
        let reader = try MessageReader(json, type: "ContractOfferMessage")
        providerPid = try reader.text("providerPid")
        addressing = try Addressing(reader, pid: "consumerPid")
        offer = try reader.policy("offer", .offer)
        guard offer.target != nil else { throw reader.failure("offer.target", "a text") }
    }
}
