// SPDX-License-Identifier: Apache-2.0

package import Identity
import Policy
package import Primitives
import Register
package import Store
package import Transparency
package import Trade

/// The one way out. Every door asks it, and none has a rule of its own.
package struct DataValve: Sendable {
    let log: TransparencyLog
    /// The jurisdiction this node lies in: a receiver elsewhere makes a use an export.
    let home: String

    package init(log: TransparencyLog, home: String) {
        self.log = log
        self.home = home
    }

    // MARK: The decision

    /// Throws the first reason against a use; where there is none, answers what it is permitted on. Reads the state of
    /// agreement, closures, mandates and attestations inside the caller's transaction, so that what it saw is what is
    /// committed with.
    ///
    /// The order is fixed and the same at every door: agreement in force → mandate chain → space and closures →
    /// jurisdiction → attestations → policy (purpose, time, count, recipients) → consents of those whom rows are about.
    /// Privacy budget and money follow in the same commit, where they are charged.
    @discardableResult
    package func decide(_ use: Use, in transaction: any SQLWriting) throws(Problem) -> Permit {
        let agreement = use.agreement
        try requireInForce(agreement)
        try requireAuthority(use, in: transaction)
        try SpaceBook.requireOperated(agreement.listing, at: transaction.now, in: transaction)
        try requireOpen(use, in: transaction)
        try requireJurisdiction(use, in: transaction)
        try requireAttestations(use, in: transaction)
        try requirePolicy(use, in: transaction)
        return Permit(consents: try requireConsents(use, in: transaction))
    }

    private func requireInForce(_ agreement: Agreement) throws(Problem) {
        guard agreement.state == .inForce else {
            throw Problem(
                .forbidden, "valve.agreement-ended",
                ["agreement": .code(agreement.code), "state": .text(agreement.state.rawValue)])
        }
    }

    private func requireAuthority(_ use: Use, in transaction: any SQLWriting) throws(Problem) {
        let agreement = use.agreement
        guard use.asker.id != agreement.consumer else { return }
        let mandate = try MandateBook.use(
            verb: use.door.rawValue, subject: agreement.listing.code.text, purpose: use.purpose,
            by: use.asker.id, for: agreement.consumer, in: transaction)
        guard mandate != nil else {
            throw Problem(
                .forbidden, "valve.party-not-entitled",
                ["party": .text(use.asker.name), "agreement": .code(agreement.code)])
        }
    }

    /// Throws `valve.closed` if anything about the use is shut. Asked again right before an answer leaves: what was
    /// closed while a question ran stops its answer.
    package func requireOpen(_ use: Use, in transaction: any SQLReading) throws(Problem) {
        let listing = use.agreement.listing
        let names = [
            "node", use.agreement.code.text, listing.code.text, listing.assetCode, use.asker.code.text,
            "country:" + use.jurisdiction, listing.spaceCode ?? "node",
        ]
        try requireOpen(names, in: transaction)
    }

    /// Throws `valve.closed` if any of these targets is shut.
    func requireOpen(_ names: [String], in transaction: any SQLReading) throws(Problem) {
        let marks = names.map { _ in "?" }.joined(separator: ", ")
        let closure = try transaction.first(
            "SELECT target, why, closed_at FROM valve_closure WHERE target IN (\(marks)) ORDER BY closed_at LIMIT 1",
            names
        ) { row throws(Problem) in (try row.text(0), try row.text(1), try row.instant(2)) }
        guard let (target, why, at) = closure else { return }
        throw Problem(
            .forbidden, "valve.closed", ["target": .text(target), "why": .text(why), "at": .instant(at)])
    }

    /// Default deny abroad: a question from abroad is an export, and needs a policy that names the place and an
    /// attestation of the export route.
    private func requireJurisdiction(_ use: Use, in transaction: any SQLReading) throws(Problem) {
        guard use.jurisdiction != home else { return }
        let route = try AttestationBook.kindsInForce(
            about: use.agreement.listing.assetCode, at: use.agreement.policy.timestamp ?? Instant(seconds: 0),
            in: transaction
        ).contains(.exportRoute)
        let places = PlainTerms(use.agreement.policy)?.jurisdictions ?? []
        guard route, places.contains(where: { Vocabulary.place(use.jurisdiction, liesIn: $0) }) else {
            throw Problem(
                .forbidden, "valve.export-denied",
                ["country": .text(use.jurisdiction), "home": .text(home)])
        }
    }

    private func requireAttestations(_ use: Use, in transaction: any SQLWriting) throws(Problem) {
        let listing = use.agreement.listing
        guard !listing.requiredAttestations.isEmpty else { return }
        let present = try AttestationBook.kindsInForce(
            about: listing.assetCode, at: transaction.now, in: transaction)
        let missing = listing.requiredAttestations.subtracting(present.map(\.rawValue))
        guard missing.isEmpty else {
            throw Problem(
                .forbidden, "valve.attestation-lapsed",
                ["kinds": .list(missing.sorted()), "asset": .text(listing.assetCode)])
        }
    }

    private func requirePolicy(_ use: Use, in transaction: any SQLWriting) throws(Problem) {
        let uses = try UseMeter.uses(of: use.agreement.id, in: transaction)
        let request = UseRequest(
            party: use.agreement.consumer.urn, action: use.door.action,
            target: use.agreement.policy.target ?? "",
            purposes: [use.purpose], recipient: use.agreement.consumer.urn, jurisdiction: use.jurisdiction)
        let decision = use.agreement.policy.evaluate(
            request, in: WorldState(now: transaction.now, uses: uses))
        if let refusal = decision.refusal(of: request) { throw refusal }
    }

    // MARK: Closing

    /// Shuts a target. It acts before the next record: every decision reads the closures in its own commit.
    package func close(
        _ target: ValveTarget, why: String, by party: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) {
        let changed = try transaction.execute(
            """
            INSERT INTO valve_closure (target, closed_by, why, closed_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (target) DO NOTHING
            """,
            [target.description, party, why, transaction.now])
        guard changed == 1 else { return }
        try log(.valveClosed, target, why, in: transaction)
    }

    /// Opens a target again; opening what is open changes nothing.
    package func open(_ target: ValveTarget, in transaction: any SQLWriting) throws(Problem) {
        let changed = try transaction.execute(
            "DELETE FROM valve_closure WHERE target = ?", [target.description])
        guard changed == 1 else { return }
        try log(.valveOpened, target, "", in: transaction)
    }

    private func log(
        _ kind: LogEntryKind, _ target: ValveTarget, _ why: String, in transaction: any SQLWriting
    ) throws(Problem) {
        var subject: Code?
        if case .code(let code) = target { subject = code }
        let content: JSON = ["target": .string(target.description), "why": .string(why)]
        _ = try log.append(LogEntry(kind, subject: subject, content: content), in: transaction)
    }

    /// What is shut now, with the reason and since when.
    package static func closures(
        in transaction: any SQLReading
    ) throws(Problem) -> [(target: String, why: String, at: Instant)] {
        try transaction.all("SELECT target, why, closed_at FROM valve_closure ORDER BY closed_at") {
            row throws(Problem) in (try row.text(0), try row.text(1), try row.instant(2))
        }
    }

    // MARK: Refusals

    /// Counts a refusal of a proven caller; the log gets one leaf per agreement, code and hour, with the count.
    package func refuse(
        _ problem: Problem, agreement: Agreement, in transaction: any SQLWriting
    ) throws(Problem) {
        try log.countRefusal(
            code: problem.code, within: agreement.id,
            parties: [log.pseudonym(of: agreement.consumer, within: agreement.id)], in: transaction)
    }
}
