// SPDX-License-Identifier: Apache-2.0

import Policy
package import Primitives

/// The behavior that the protocol's public conformance kit (dsp-tck 1.0) expects of a connector under test, for
/// each of the identifiers in its standard configuration. Only the conformance mode has this desk.
package struct ConformanceDesk: DataspaceDesk {
    private let ownId: String

    package init(ownId: String) {
        self.ownId = ownId
    }

    package func move(_ negotiation: Negotiation, at now: Instant) -> Negotiation.Move? {
        let id = negotiation.offer.target ?? ""
        let end = Negotiation.Move.terminate(
            Explanation(code: "conformance", reasons: ["As the case demands."]))
        return negotiation.side == .provider
            ? provider(id, negotiation, end, now) : consumer(id, negotiation, end)
    }

    private func provider(
        _ id: String, _ negotiation: Negotiation, _ end: Negotiation.Move, _ now: Instant
    ) -> Negotiation.Move? {
        // A second request is a counter-offer: by then our own offer stands in the transcript.
        let hasOffered = negotiation.correspondence.transcript.contains { $0.type == "ContractOfferMessage" }
        switch (negotiation.state, id) {
        case (.requested, "ACN0104"), (.requested, "ACN0301"), (.requested, "ACN0203"),
            (.requested, "ACN0207"):
            return .agree(agreement(negotiation, now))
        case (.requested, "ACN0201"): return end
        case (.requested, "ACN0202"): return nil
        case (.requested, _) where hasOffered: return id == "ACN0102" ? end : nil
        case (.requested, _): return .offer(negotiation.offer)
        case (.offered, "ACN0205"), (.accepted, "ACN0206"), (.verified, "ACN0207"): return end
        case (.accepted, "ACN0103"): return .agree(agreement(negotiation, now))
        case (.verified, "ACN0103"), (.verified, "ACN0104"), (.verified, "ACN0301"): return .finalize
        default: return nil
        }
    }

    private func consumer(_ id: String, _ negotiation: Negotiation, _ end: Negotiation.Move) -> Negotiation
        .Move?
    {
        switch (negotiation.state, id) {
        case (.requested, "ACNC0202") where negotiation.correspondence.delivery == nil: return end
        case (.offered, "ACNC0101"), (.offered, "ACNC0205"), (.offered, "ACNC0304"), (.offered, "ACNC0305"),
            (.offered, "ACNC0306"):
            return .accept
        case (.offered, "ACNC0102"): return .request(negotiation.offer)
        case (.offered, "ACNC0103"), (.agreed, "ACNC0203"): return end
        case (.agreed, "ACNC0101"), (.agreed, "ACNC0104"), (.agreed, "ACNC0206"): return .verify
        default: return nil
        }
    }

    private func agreement(_ negotiation: Negotiation, _ now: Instant) -> UsagePolicy {
        negotiation.offer.agreement(
            id: ID<UsagePolicy>(derivedFrom: negotiation.correspondence.digest).urn, assigner: ownId,
            assignee: negotiation.correspondence.counterparty, target: negotiation.offer.target ?? "", at: now
        )
    }

    package func move(_ transfer: TransferProcess, at now: Instant) -> TransferProcess.Move? {
        // The kit scripts by agreement: what the one side does there, the other waits for.
        let moves: [TransferProcess.Move] =
            switch transfer.agreementId {
            case "ATP0101": [Self.start, Self.end]
            case "ATP0102": [Self.start, .complete]
            case "ATP0103": [Self.start, Self.pause, Self.end]
            case "ATP0104": [Self.start, Self.pause, Self.start, .complete]
            case "ATP0105": [Self.end]
            case "ATP0205", "ATP0301", "ATP0302": []
            case let id where id.hasPrefix("ATP0"): [Self.start]
            case "ATPC0201": [Self.end]
            case "ATPC0202": [.complete]
            case "ATPC0203": [Self.pause, Self.end]
            case "ATPC0204": [Self.pause, .start(nil), .complete]
            case "ATPC0205": [Self.end]
            default: []
            }
        let made = transfer.correspondence.transcript.filter {
            $0.from == transfer.side && $0.type != "TransferRequestMessage"
        }
        guard made.count < moves.count, transfer.correspondence.delivery == nil else { return nil }
        let waitsForStart = transfer.side == .consumer && transfer.agreementId != "ATPC0205"
        return waitsForStart && transfer.state == .requested ? nil : moves[made.count]
    }

    private static let end = TransferProcess.Move.terminate(
        Explanation(code: "conformance", reasons: ["As the case demands."]))
    private static let pause = TransferProcess.Move.suspend(
        Explanation(code: "conformance", reasons: ["As the case demands."]))
    private static let start = TransferProcess.Move.start(
        DataAddress(
            endpoint: "http://127.0.0.1/data",
            properties: [.init("authorization", "conformance"), .init("authType", "bearer")]))
}
