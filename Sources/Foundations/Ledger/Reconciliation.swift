// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// What became of a bank file's lines and of the bookings it should have shown.
package struct Reconciliation: Hashable, Sendable {
    package enum Verdict: String, Hashable, Sendable, CaseIterable {
        /// The bank and the books say the same.
        case matched
        /// The reference is ours, the amount is not: the difference lies in suspense.
        case different
        /// Nothing of ours has that reference: the amount lies in suspense until somebody assigns it.
        case unknown
        /// The same reference was matched before.
        case repeated
    }

    package struct Finding: Hashable, Sendable {
        package let line: BankFile.Line
        package let verdict: Verdict
        /// The booking with that reference.
        package let transfer: ID<Transfer>?
        /// What was booked to suspense: the bank's amount less ours.
        package let suspenseMinorUnits: Int64
    }

    package let findings: [Finding]
    /// Bookings of the period on the custodian account that the bank does not show.
    package let missing: [PostedTransfer]
}

/// Holds the books against the bank. The supervised account's balance in our books follows the bank: what we
/// cannot explain goes to the suspense account, visibly, never into anybody's balance.
package enum BankDesk {
    /// Compares a bank file with the custodian account's bookings after one moment up to another, and books what
    /// differs against suspense. The same file again changes nothing and answers the same.
    ///
    /// - Parameter naming: the booking that a reference of the bank's own stands for, where it is no code of ours.
    package static func reconcile(
        _ file: BankFile, custodian: ID<Account>, suspense: ID<Account>, after start: Instant,
        through end: Instant, naming: (String) -> ID<Transfer>? = { _ in nil },
        in tx: any SQLWriting
    ) throws(Problem) -> Reconciliation {
        let booked = try Books.transfers(after: start, through: end, of: custodian, in: tx)
            .filter { $0.isPosted && $0.code != TransferCode.reconciliation }
        let byReference = Dictionary(booked.map { (Code(.transfer, $0.id).text, $0) }) { first, _ in first }
        let byID = Dictionary(booked.map { ($0.id, $0) }) { first, _ in first }
        let statement = file.digest.hex
        var findings: [Reconciliation.Finding] = []
        var seen: Set<ID<Transfer>> = []
        for line in file.lines {
            let booking =
                Code(line.reference).flatMap { byReference[$0.text] }
                ?? naming(line.reference).flatMap { byID[$0] }
            let finding = finding(
                line, booking, custodian: custodian,
                isRepeated: booking.map { !seen.insert($0.id).inserted } ?? false)
            try settle(finding, statement, file.digest, custodian, suspense, in: tx)
            findings.append(finding)
        }
        return Reconciliation(findings: findings, missing: booked.filter { !seen.contains($0.id) })
    }

    private static func finding(
        _ line: BankFile.Line, _ booking: PostedTransfer?, custodian: ID<Account>, isRepeated: Bool
    ) -> Reconciliation.Finding {
        guard let booking, !isRepeated else {
            return .init(
                line: line, verdict: booking == nil ? .unknown : .repeated, transfer: booking?.id,
                suspenseMinorUnits: line.minorUnits)
        }
        let ours = booking.debit == custodian ? booking.amount : -booking.amount
        return .init(
            line: line, verdict: ours == line.minorUnits ? .matched : .different, transfer: booking.id,
            suspenseMinorUnits: line.minorUnits - ours)
    }

    private static func settle(
        _ finding: Reconciliation.Finding, _ statement: String, _ digest: Digest, _ custodian: ID<Account>,
        _ suspense: ID<Account>, in tx: any SQLWriting
    ) throws(Problem) {
        let amount = finding.suspenseMinorUnits
        if amount != 0 {
            let cameIn = amount > 0
            let name = Digest(of: digest.bytes + Array("line \(finding.line.number)".utf8))
            let booking = Transfer(
                id: ID(derivedFrom: name), debit: cameIn ? custodian : suspense,
                credit: cameIn ? suspense : custodian, amount: Int64(clamping: amount.magnitude), unit: .cny,
                code: TransferCode.reconciliation)
            try Books.require([booking], in: tx)
        }
        try tx.execute(
            """
            INSERT INTO ledger_bank_line (statement, line, reference, amount, verdict, transfer, at) \
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (statement, line) DO NOTHING
            """,
            [
                statement, finding.line.number, finding.line.reference, finding.line.minorUnits,
                finding.verdict.rawValue, finding.transfer, tx.now,
            ])
    }
}
