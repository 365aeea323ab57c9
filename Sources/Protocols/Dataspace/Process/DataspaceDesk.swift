// SPDX-License-Identifier: Apache-2.0

import Policy
package import Primitives

/// Who decides what comes next in a process: rules, a script, or nobody, and then a person does.
package protocol DataspaceDesk {
    /// Our move now; `nil` waits for the other side, the time or a person. Asked again after each message that
    /// came or was confirmed, so the answer may depend on nothing but what it is given.
    func move(_ negotiation: Negotiation, at now: Instant) throws(Problem) -> Negotiation.Move?
    func move(_ transfer: TransferProcess, at now: Instant) throws(Problem) -> TransferProcess.Move?
}

/// The desk of a node: agrees to what is published as it is published, verifies what was offered as it was
/// offered, and leaves everything else to a person.
package struct StandardDesk<Shelf: CatalogShelf>: DataspaceDesk {
    private let ownId: String
    private let shelf: Shelf
    /// Opens the door for a transfer that may start: where to fetch the data and with what.
    private let open: (TransferProcess) throws(Problem) -> DataAddress?

    package init(
        ownId: String, shelf: Shelf, open: @escaping (TransferProcess) throws(Problem) -> DataAddress?
    ) {
        self.ownId = ownId
        self.shelf = shelf
        self.open = open
    }

    package func move(_ negotiation: Negotiation, at now: Instant) throws(Problem) -> Negotiation.Move? {
        switch (negotiation.state, negotiation.side) {
        case (.requested, .provider): try isPublished(negotiation) ? .agree(agreement(negotiation, now)) : nil
        case (.accepted, .provider): .agree(agreement(negotiation, now))
        case (.verified, .provider): .finalize
        case (.agreed, .consumer):
            switch negotiation.faults(ownId: ownId) {
            case []: .verify
            case let faults: .terminate(Explanation(code: "agreement-differs", reasons: faults))
            }
        default: nil
        }
    }

    package func move(_ transfer: TransferProcess, at now: Instant) throws(Problem) -> TransferProcess.Move? {
        guard transfer.state == .requested, transfer.side == .provider else { return nil }
        return .start(try open(transfer))
    }

    /// Whether the caller asks for exactly an offer we publish to it. The offer is looked up again at this
    /// moment: one that was withdrawn meanwhile needs a person.
    private func isPublished(_ negotiation: Negotiation) throws(Problem) -> Bool {
        guard let target = negotiation.offer.target,
            let dataset = try shelf.dataset(target, for: negotiation.correspondence.counterparty)
        else { return false }
        let asked = negotiation.offer.termsDigest
        return dataset.offers.contains { $0.id == negotiation.offer.id && $0.termsDigest == asked }
    }

    private func agreement(_ negotiation: Negotiation, _ now: Instant) -> UsagePolicy {
        // Derived from the transcript, so that asking twice gives one agreement its one name.
        let id = ID<UsagePolicy>(derivedFrom: negotiation.correspondence.digest)
        return negotiation.offer.agreement(
            id: id.urn, assigner: ownId, assignee: negotiation.correspondence.counterparty,
            target: negotiation.offer.target ?? "", at: now)
    }
}
