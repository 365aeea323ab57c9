// SPDX-License-Identifier: Apache-2.0

import Primitives
import Store

/// The posting of transfers inside one command.
struct Posting {
    let tx: any SQLWriting

    init(in tx: any SQLWriting) { self.tx = tx }

    /// Posts one transfer and keeps its id if it failed for a reason that could pass.
    func post(_ transfer: Transfer) throws(Problem) -> TransferStatus {
        let status = try attempt(transfer)
        if status.isTransient { try keepFailure(transfer, status) }
        return status
    }

    /// Posts a chain in a savepoint of its own: all stand, or none does and the first failure is named.
    func postChain(_ chain: ArraySlice<Transfer>) throws(Problem) -> [TransferStatus] {
        if let last = chain.last, last.flags.contains(.linked) {
            return chain.dropLast().map { _ in .linkedTransferFailed } + [.linkedChainOpen]
        }
        try tx.execute("SAVEPOINT chain")
        var statuses: [TransferStatus] = []
        for transfer in chain {
            let status = try attempt(transfer)
            statuses.append(status)
            if status == .created { continue }
            // A chain that stands already, from its first to its last, is the retry of a whole chain.
            if status == .exists, statuses.allSatisfy({ $0 == .exists }) { continue }
            break
        }
        if statuses.count == chain.count, statuses.allSatisfy({ $0 == statuses[0] && $0.isStanding }) {
            try tx.execute("RELEASE chain")
            return statuses
        }
        try tx.execute("ROLLBACK TO chain")
        try tx.execute("RELEASE chain")
        return try failures(of: chain, brokenAt: statuses)
    }

    private func failures(
        of chain: ArraySlice<Transfer>, brokenAt statuses: [TransferStatus]
    ) throws(Problem) -> [TransferStatus] {
        let place = statuses.count - 1
        let status = statuses[place]
        if status.isTransient { try keepFailure(chain[chain.startIndex + place], status) }
        return chain.indices.map { $0 - chain.startIndex == place ? status : .linkedTransferFailed }
    }

    private func attempt(_ transfer: Transfer) throws(Problem) -> TransferStatus {
        if let status = transfer.identityFault { return status }
        let isResolving = !transfer.flags.isDisjoint(with: [.post, .void])
        let refusal: TransferStatus
        if let status = transfer.shapeFault {
            refusal = status
        } else {
            let outcome = isResolving ? try resolve(transfer) : try move(transfer)
            guard let status = outcome else { return .created }
            refusal = status
        }
        // An id that is known answers first, whatever else is wrong: looked up only here, since the unique
        // index already tells the good path.
        return try standing(transfer) ?? refusal
    }

    // MARK: Moving

    private func move(_ transfer: Transfer) throws(Problem) -> TransferStatus? {
        let pair = try tx.accounts(transfer.debit, transfer.credit)
        guard var debit = pair.first else { return .debitAccountNotFound }
        guard var credit = pair.second else { return .creditAccountNotFound }
        if debit.unit != credit.unit { return .accountsMustHaveTheSameUnit }
        if transfer.unit != debit.unit { return .transferMustHaveTheSameUnitAsAccounts }
        if debit.isClosed { return .debitAccountAlreadyClosed }
        if credit.isClosed { return .creditAccountAlreadyClosed }
        let amount = transfer.balancedAmount(debit.balance, credit.balance)
        let isPending = transfer.flags.contains(.pending)
        if let status = AccountState.overflow(debit, credit, adding: amount, isPending: isPending) {
            return status
        }
        debit.add(debit: amount, isPending: isPending)
        credit.add(credit: amount, isPending: isPending)
        let (expiresAfter, overflows) = transfer.timeoutSeconds.multipliedReportingOverflow(by: 1_000_000)
        if overflows || tx.now.microseconds.addingReportingOverflow(expiresAfter).overflow {
            return .overflowsTimeout
        }
        if debit.exceedsItsLimit { return .exceedsCredits }
        if credit.exceedsItsLimit { return .exceedsDebits }
        if transfer.flags.contains(.closingDebit) { debit.isClosed = true }
        if transfer.flags.contains(.closingCredit) { credit.isClosed = true }

        let row = TransferRow(
            transfer, at: tx.tick().microseconds, debit: debit.number, credit: credit.number, amount: amount)
        guard try tx.insert(row) else { return .exists }
        try tx.save(debit)
        try tx.save(credit)
        if isPending {
            let expiresAt = transfer.timeoutSeconds == 0 ? Int64.max : tx.now.microseconds + expiresAfter
            try tx.execute(
                "INSERT INTO ledger_pending (at, state, expires_at, resolved_at) VALUES (?, 0, ?, ?)",
                [row.at, expiresAt, Int64.max])
        }
        return nil
    }

    // MARK: Posting and voiding

    private func resolve(_ transfer: Transfer) throws(Problem) -> TransferStatus? {
        guard let pending = try tx.transferRow(transfer.pendingID), pending.refusal == 0 else {
            return .pendingTransferNotFound
        }
        guard pending.flags.contains(.pending) else { return .pendingTransferNotPending }
        var (debit, credit) = try tx.accounts(numbered: pending.debit, pending.credit)
        if !transfer.debit.isZero, transfer.debit != debit.id {
            return .pendingTransferHasDifferentDebitAccount
        }
        if !transfer.credit.isZero, transfer.credit != credit.id {
            return .pendingTransferHasDifferentCreditAccount
        }
        if transfer.unit != 0, transfer.unit != debit.unit { return .pendingTransferHasDifferentUnit }
        if transfer.code != 0, transfer.code != pending.code { return .pendingTransferHasDifferentCode }
        let isPost = transfer.flags.contains(.post)
        if isPost, transfer.amount != Transfer.everything, transfer.amount > pending.amount {
            return .exceedsPendingTransferAmount
        }
        if !isPost, transfer.amount != 0, transfer.amount != Transfer.everything,
            transfer.amount != pending.amount
        {
            return .pendingTransferHasDifferentAmount
        }
        switch try tx.pendingState(pending.at) {
        case .posted: return .pendingTransferAlreadyPosted
        case .voided: return .pendingTransferAlreadyVoided
        case .expired: return .pendingTransferExpired
        case .pending: break
        }
        // What closed the account is undone only by voiding that very transfer.
        let closes: TransferFlags = [.closingDebit, .closingCredit]
        let isReopening = !isPost && !pending.flags.isDisjoint(with: closes)
        if debit.isClosed, !isReopening { return .debitAccountAlreadyClosed }
        if credit.isClosed, !isReopening { return .creditAccountAlreadyClosed }

        let amount = isPost ? min(transfer.amount, pending.amount) : pending.amount
        debit.release(debit: pending.amount)
        credit.release(credit: pending.amount)
        if isPost {
            // No overflow: what is posted now was counted as pending, and the sum of both was in range.
            debit.add(debit: amount, isPending: false)
            credit.add(credit: amount, isPending: false)
        } else {
            if pending.flags.contains(.closingDebit) { debit.isClosed = false }
            if pending.flags.contains(.closingCredit) { credit.isClosed = false }
        }
        var row = TransferRow(
            transfer, at: tx.tick().microseconds, debit: pending.debit, credit: pending.credit, amount: amount
        )
        row.code = pending.code
        row.pendingAt = pending.at
        guard try tx.insert(row) else { return .exists }
        try tx.save(debit)
        try tx.save(credit)
        try tx.setPending(pending.at, isPost ? .posted : .voided, at: row.at)
        return nil
    }

    /// Releases what is due. It takes a time of its own from the sequence, so that the past stays exact.
    @discardableResult
    func expireDue(most: Int = 1000) throws(Problem) -> Int {
        let due = try tx.all(
            "SELECT at FROM ledger_pending WHERE state = 0 AND expires_at <= ? ORDER BY expires_at, at LIMIT ?",
            [tx.now, most]
        ) { row throws(Problem) in try row.integer(0) }
        for at in due {
            guard let pending = try tx.transferRow(at: at) else { throw .rowDamaged }
            var (debit, credit) = try tx.accounts(numbered: pending.debit, pending.credit)
            debit.release(debit: pending.amount)
            credit.release(credit: pending.amount)
            if pending.flags.contains(.closingDebit) { debit.isClosed = false }
            if pending.flags.contains(.closingCredit) { credit.isClosed = false }
            try tx.save(debit)
            try tx.save(credit)
            try tx.setPending(at, .expired, at: tx.now.microseconds)
        }
        return due.count
    }

    // MARK: What was there before

    /// How an id that is known answers; `nil` if it is new.
    private func standing(_ transfer: Transfer) throws(Problem) -> TransferStatus? {
        guard let row = try tx.transferRow(transfer.id) else { return nil }
        if row.refusal != 0 { return .idAlreadyFailed }
        let isResolving = !transfer.flags.isDisjoint(with: [.post, .void])
        let (debit, credit) = try tx.accounts(numbered: row.debit, row.credit)
        if row.flags != transfer.flags { return .existsWithDifferentFlags }
        if isResolving {
            guard let pending = try tx.transferRow(at: row.pendingAt) else { throw .rowDamaged }
            if pending.id != transfer.pendingID { return .existsWithDifferentPendingID }
            if transfer.flags.contains(.post), min(transfer.amount, pending.amount) != row.amount {
                return .existsWithDifferentAmount
            }
            if transfer.flags.contains(.void), transfer.amount != 0,
                min(transfer.amount, row.amount) != row.amount
            {
                return .existsWithDifferentAmount
            }
        }
        if row.timeoutSeconds != transfer.timeoutSeconds { return .existsWithDifferentTimeout }
        let mayOmit = isResolving
        if !(mayOmit && transfer.debit.isZero), debit.id != transfer.debit {
            return .existsWithDifferentDebitAccount
        }
        if !(mayOmit && transfer.credit.isZero), credit.id != transfer.credit {
            return .existsWithDifferentCreditAccount
        }
        if !isResolving {
            let isBalancing = !transfer.flags.isDisjoint(with: [.balancingDebit, .balancingCredit])
            let isSame = isBalancing ? row.amount <= transfer.amount : row.amount == transfer.amount
            if !isSame { return .existsWithDifferentAmount }
        }
        if row.subject != transfer.subject { return .existsWithDifferentSubject }
        if row.reference != transfer.reference { return .existsWithDifferentReference }
        if !(mayOmit && transfer.unit == 0), debit.unit != transfer.unit { return .existsWithDifferentUnit }
        if !(mayOmit && transfer.code == 0), row.code != transfer.code { return .existsWithDifferentCode }
        return .exists
    }

    private func keepFailure(_ transfer: Transfer, _ status: TransferStatus) throws(Problem) {
        var row = TransferRow(transfer, at: tx.tick().microseconds, debit: 0, credit: 0, amount: 0)
        row.refusal = status.rawValue
        _ = try tx.insert(row)
    }
}

// MARK: What is wrong with a transfer by itself

extension Transfer {
    /// What is refused before the id is looked up.
    fileprivate var identityFault: TransferStatus? {
        if !flags.isSubset(of: .known) { return .reservedFlag }
        if id.isZero { return .idMustNotBeZero }
        if id.isMax { return .idMustNotBeMax }
        return nil
    }

    /// What is refused without looking at any account.
    fileprivate var shapeFault: TransferStatus? {
        let resolution = flags.intersection([.post, .void])
        if !resolution.isEmpty {
            let others: TransferFlags = [
                .pending, .balancingDebit, .balancingCredit, .closingDebit, .closingCredit,
            ]
            if resolution == [.post, .void] || !flags.isDisjoint(with: others) {
                return .flagsAreMutuallyExclusive
            }
            if pendingID.isZero { return .pendingIDMustNotBeZero }
            if pendingID.isMax { return .pendingIDMustNotBeMax }
            if pendingID == id { return .pendingIDMustBeDifferent }
            if timeoutSeconds != 0 { return .timeoutReservedForPending }
            if amount < 0 { return .amountMustNotBeNegative }
            return nil
        }
        if debit.isZero { return .debitAccountMustNotBeZero }
        if debit.isMax { return .debitAccountMustNotBeMax }
        if credit.isZero { return .creditAccountMustNotBeZero }
        if credit.isMax { return .creditAccountMustNotBeMax }
        if debit == credit { return .accountsMustBeDifferent }
        if !pendingID.isZero { return .pendingIDMustBeZero }
        if !flags.contains(.pending) {
            if timeoutSeconds != 0 { return .timeoutReservedForPending }
            if !flags.isDisjoint(with: [.closingDebit, .closingCredit]) {
                return .closingTransferMustBePending
            }
        }
        if amount < 0 || timeoutSeconds < 0 { return .amountMustNotBeNegative }
        if unit == 0 { return .unitMustNotBeZero }
        if code == 0 { return .codeMustNotBeZero }
        return nil
    }

    /// The amount after balancing: never more than was asked, never more than there is.
    fileprivate func balancedAmount(_ debit: Balance, _ credit: Balance) -> Int64 {
        var amount = amount
        if flags.contains(.balancingDebit) {
            amount = min(amount, max(0, debit.creditsPosted - debit.debitsPosted - debit.debitsPending))
        }
        if flags.contains(.balancingCredit) {
            amount = min(amount, max(0, credit.debitsPosted - credit.creditsPosted - credit.creditsPending))
        }
        return amount
    }
}
