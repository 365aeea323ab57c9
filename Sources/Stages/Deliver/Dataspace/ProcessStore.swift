// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Identity
import Policy
import Primitives
import Store
import Trade

/// The processes of a node in one transaction: negotiations are the market's own rows, transfers are ours.
struct ProcessStore: ProcessBook {
    let reading: any SQLReading
    /// `nil` where the request only reads.
    let writing: (any SQLWriting)?
    let own: ID<Party>

    // MARK: Negotiations

    func negotiation(_ pid: String) throws(Problem) -> Negotiation? {
        try NegotiationDesk.negotiation(pid, in: reading)
    }

    func negotiation(begunBy counterparty: String, as pid: String) throws(Problem) -> Negotiation? {
        guard let party = ID<Party>(uuid: counterparty) else { return nil }
        return try NegotiationDesk.negotiation(
            NegotiationDesk.id(begunBy: party, as: pid).urn, in: reading)
    }

    mutating func store(_ negotiation: Negotiation) throws(Problem) {
        guard let writing else { throw Self.readOnly }
        _ = try NegotiationDesk.keep(negotiation, own: own, in: writing)
    }

    // MARK: Transfers

    func transfer(_ pid: String) throws(Problem) -> TransferProcess? {
        try first("own_pid = ?", [pid])
    }

    func transfer(begunBy counterparty: String, as pid: String) throws(Problem) -> TransferProcess? {
        try first("counterparty = ? AND peer_pid = ?", [counterparty, pid])
    }

    private func first(
        _ condition: String, _ arguments: [any SQLConvertible]
    ) throws(Problem) -> TransferProcess? {
        try reading.first("SELECT document FROM deliver_transfer WHERE \(condition)", arguments) {
            row throws(Problem) in try TransferProcess(stored: try row.json(0))
        }
    }

    mutating func store(_ transfer: TransferProcess) throws(Problem) {
        guard let writing else { throw Self.readOnly }
        // Our move is due at once; a message or a deadline when its time comes.
        let isOurs = transfer.state.actor == transfer.side && transfer.correspondence.delivery == nil
        try writing.execute(
            """
            INSERT INTO deliver_transfer
            (own_pid, peer_pid, counterparty, agreement, side, state, document, due_at, changed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (own_pid) DO UPDATE SET
            peer_pid = excluded.peer_pid, state = excluded.state, document = excluded.document,
            due_at = excluded.due_at, changed_at = excluded.changed_at
            """,
            [
                transfer.correspondence.ownPid, transfer.correspondence.peerPid,
                transfer.correspondence.counterparty, transfer.agreementId, transfer.side.rawValue,
                transfer.state.rawValue, transfer.json, isOurs ? writing.now : transfer.dueAt, writing.now,
            ])
    }

    func objection(to request: TransferRequest, from counterparty: String) throws(Problem) -> String? {
        guard let agreement = Self.agreement(request.agreementId, in: reading),
            agreement.provider == own, agreement.consumer.urn == counterparty
        else { return "There is no agreement of this name with you." }
        guard agreement.state == .inForce else { return "The agreement is not in force." }
        let isOffered = agreement.listing.doors.contains { $0 == .download && $0.format == request.format }
        return isOffered ? nil : "The agreement does not offer the format \(request.format)."
    }

    /// An agreement by the identifier it has in the protocol.
    static func agreement(_ urn: String, in reading: any SQLReading) -> Agreement? {
        ID<Agreement>(uuid: urn).flatMap {
            try? AgreementBook.agreement(Code(.agreement, $0).text, in: reading)
        }
    }

    /// Transfers that want attention by now.
    static func due(at now: Instant, in reading: any SQLReading) throws(Problem) -> [String] {
        try reading.all(
            "SELECT own_pid FROM deliver_transfer WHERE due_at <= ? ORDER BY due_at LIMIT 100", [now]
        ) { row throws(Problem) in try row.text(0) }
    }

    private static let readOnly = Problem(.fault, "dataspace.process-unreadable")
}
