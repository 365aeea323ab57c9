// SPDX-License-Identifier: Apache-2.0

import Policy
package import Primitives

/// What the conformance kit posts to a connector's two initiate addresses to make it begin as a consumer. Plain
/// JSON, no message of the protocol; served in the conformance mode only.
package enum ConformanceSignal: Hashable, Sendable {
    case negotiate(provider: String, address: String, offerId: String, datasetId: String)
    case transfer(provider: String, address: String, agreementId: String, format: String)

    package init(json: JSON) throws(MessageFailure) {
        let reader = try MessageReader(json, place: "")
        let provider = try reader.text("providerId")
        let address = try reader.text("connectorAddress")
        if json["agreementId"] != nil {
            self = .transfer(
                provider: provider, address: address, agreementId: try reader.text("agreementId"),
                format: try reader.text("format"))
        } else {
            self = .negotiate(
                provider: provider, address: address, offerId: try reader.text("offerId"),
                datasetId: try reader.text("datasetId"))
        }
    }

    /// Begins the process that the signal asks for.
    ///
    /// - Parameters:
    ///   - callback: our own address of the protocol's endpoints.
    ///   - newPid: our name of the process.
    package func begin<Book: ProcessBook>(
        book: inout Book, callback: String, newPid: String, now: Instant
    ) throws(Problem) -> DSPEvent {
        switch self {
        case .negotiate(let provider, let address, let offerId, let datasetId):
            let offer = UsagePolicy(
                id: offerId, conflict: .invalid, target: datasetId,
                rules: [UsageRule(.permission, actions: [UsageAction("use")])])
            let (negotiation, effects) = Negotiation.requesting(
                offer, from: provider, at: address, consumerPid: newPid, callback: callback, now: now)
            try book.store(negotiation)
            return .negotiation(negotiation, effects)
        case .transfer(let provider, let address, let agreementId, let format):
            let request = TransferRequest(
                consumerPid: newPid, agreementId: agreementId, format: format, callbackAddress: callback)
            let (transfer, effects) = TransferProcess.requesting(
                request, from: provider, at: address, now: now)
            try book.store(transfer)
            return .transfer(transfer, effects)
        }
    }
}
