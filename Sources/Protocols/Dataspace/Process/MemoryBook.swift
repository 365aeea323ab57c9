// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A book in memory, for the conformance mode and for simulations: nothing in it outlives the process.
package struct MemoryBook: ProcessBook, Sendable {
    package private(set) var negotiations: [String: Negotiation] = [:]
    package private(set) var transfers: [String: TransferProcess] = [:]
    private let objects: @Sendable (TransferRequest, String) -> String?

    /// - Parameter objects: what speaks against a transfer request of a participant; `nil` where nothing does.
    package init(objects: @escaping @Sendable (TransferRequest, String) -> String?) {
        self.objects = objects
    }

    package func negotiation(_ pid: String) -> Negotiation? { negotiations[pid] }
    package func transfer(_ pid: String) -> TransferProcess? { transfers[pid] }

    package func negotiation(begunBy counterparty: String, as pid: String) -> Negotiation? {
        negotiations.values.first { Self.isBegun($0, counterparty, pid) }
    }

    package func transfer(begunBy counterparty: String, as pid: String) -> TransferProcess? {
        transfers.values.first { Self.isBegun($0, counterparty, pid) }
    }

    private static func isBegun(_ process: some DataspaceProcess, _ counterparty: String, _ pid: String)
        -> Bool
    {
        process.correspondence.counterparty == counterparty && process.correspondence.peerPid == pid
    }

    package mutating func store(_ negotiation: Negotiation) {
        negotiations[negotiation.correspondence.ownPid] = negotiation
    }

    package mutating func store(_ transfer: TransferProcess) {
        transfers[transfer.correspondence.ownPid] = transfer
    }

    package func objection(to request: TransferRequest, from counterparty: String) -> String? {
        objects(request, counterparty)
    }

    /// Everything that wants attention by now.
    package func due(at now: Instant) -> [DSPEvent] {
        negotiations.values.filter { $0.dueAt.map { $0 <= now } ?? false }
            .sorted { $0.correspondence.ownPid < $1.correspondence.ownPid }.map { .negotiation($0, []) }
            + transfers.values.filter { $0.dueAt.map { $0 <= now } ?? false }
            .sorted { $0.correspondence.ownPid < $1.correspondence.ownPid }.map { .transfer($0, []) }
    }
}
