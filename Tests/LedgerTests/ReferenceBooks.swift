// SPDX-License-Identifier: Apache-2.0

import Ledger
import Primitives

/// The books as a page of rules: dictionaries, no storage. A status is the first of `TransferStatus.allCases`
/// whose rule applies, so the documented order itself is the algorithm.
struct ReferenceBooks {
    struct Held {
        var state: TransferStatus?
        let expiresAt: Int64
    }

    var accounts: [ID<Account>: Account] = [:]
    var balances: [ID<Account>: Balance] = [:]
    var closed: Set<ID<Account>> = []
    var transfers: [ID<Transfer>: Transfer] = [:]
    /// What each transfer really moved.
    var moved: [ID<Transfer>: Int64] = [:]
    var held: [ID<Transfer>: Held] = [:]
    var failed: Set<ID<Transfer>> = []
    var now: Int64 = 0

    mutating func expire() {
        for (id, hold) in held where hold.state == nil && hold.expiresAt <= now {
            release(id, as: .pendingTransferExpired)
        }
    }

    mutating func post(_ transfer: Transfer) -> TransferStatus {
        let status = TransferStatus.allCases.dropFirst().first { applies($0, to: transfer) } ?? .created
        if status == .created { apply(transfer) }
        let transient: Set<TransferStatus> = [
            .debitAccountNotFound, .creditAccountNotFound, .pendingTransferNotFound, .exceedsCredits,
            .exceedsDebits, .debitAccountAlreadyClosed, .creditAccountAlreadyClosed,
        ]
        if transient.contains(status) { failed.insert(transfer.id) }
        return status
    }

    private func isResolving(_ transfer: Transfer) -> Bool {
        transfer.flags.contains(.post) || transfer.flags.contains(.void)
    }

    /// The amount that would move, after balancing or posting in part.
    private func amount(_ transfer: Transfer) -> Int64 {
        if isResolving(transfer) {
            let held = moved[transfer.pendingID] ?? 0
            return transfer.flags.contains(.post) ? min(held, transfer.amount) : held
        }
        var amount = transfer.amount
        if transfer.flags.contains(.balancingDebit), let balance = balances[transfer.debit] {
            amount = min(amount, max(0, balance.creditsPosted - balance.debitsPosted - balance.debitsPending))
        }
        if transfer.flags.contains(.balancingCredit), let balance = balances[transfer.credit] {
            amount = min(
                amount, max(0, balance.debitsPosted - balance.creditsPosted - balance.creditsPending))
        }
        return amount
    }

    private func sides(_ transfer: Transfer) -> (debit: ID<Account>, credit: ID<Account>) {
        guard isResolving(transfer), let pending = transfers[transfer.pendingID] else {
            return (transfer.debit, transfer.credit)
        }
        return (pending.debit, pending.credit)
    }

    private func known(_ transfer: Transfer, differs: (Transfer) -> Bool) -> Bool {
        transfers[transfer.id].map(differs) ?? false
    }

    // Long because it is the table of all statuses, one rule each.
    private func applies(_ status: TransferStatus, to t: Transfer) -> Bool {
        let zero = ID<Account>(high: 0, low: 0)
        let top = ID<Account>(high: .max, low: .max)
        let flags = t.flags
        let resolving = isResolving(t)
        let pending = transfers[t.pendingID]
        let (debit, credit) = sides(t)
        let isPending = flags.contains(.pending)
        let reopens =
            flags.contains(.void)
            && !(pending?.flags ?? []).isDisjoint(with: [.closingDebit, .closingCredit])
        switch status {
        case .created, .linkedTransferFailed, .linkedChainOpen: return false
        case .reservedFlag: return !flags.isSubset(of: .known)
        case .idMustNotBeZero: return t.id == Transfer.none
        case .idMustNotBeMax: return t.id.high == .max && t.id.low == .max
        case .existsWithDifferentFlags: return known(t) { $0.flags != flags }
        case .existsWithDifferentPendingID: return known(t) { resolving && $0.pendingID != t.pendingID }
        case .existsWithDifferentTimeout: return known(t) { $0.timeoutSeconds != t.timeoutSeconds }
        case .existsWithDifferentDebitAccount:
            return known(t) { sides($0).debit != t.debit && !(resolving && t.debit == zero) }
        case .existsWithDifferentCreditAccount:
            return known(t) { sides($0).credit != t.credit && !(resolving && t.credit == zero) }
        case .existsWithDifferentAmount:
            let real = moved[t.id] ?? 0
            if flags.contains(.post) {
                return known(t) { _ in min(t.amount, moved[t.pendingID] ?? 0) != real }
            }
            if flags.contains(.void) { return known(t) { _ in t.amount != 0 && t.amount < real } }
            let isBalancing = !flags.isDisjoint(with: [.balancingDebit, .balancingCredit])
            return known(t) { _ in isBalancing ? real > t.amount : real != t.amount }
        case .existsWithDifferentSubject: return known(t) { $0.subject != t.subject }
        case .existsWithDifferentReference: return known(t) { $0.reference != t.reference }
        case .existsWithDifferentUnit:
            return known(t) { _ in accounts[debit]?.unit.rawValue != t.unit && !(resolving && t.unit == 0) }
        case .existsWithDifferentCode:
            return known(t) {
                (resolving ? pending?.code : $0.code) != t.code && !(resolving && t.code == 0)
            }
        case .exists: return known(t) { _ in true }
        case .idAlreadyFailed: return failed.contains(t.id)
        case .flagsAreMutuallyExclusive:
            let others: TransferFlags = [
                .pending, .balancingDebit, .balancingCredit, .closingDebit, .closingCredit,
            ]
            return resolving && (flags.isSuperset(of: [.post, .void]) || !flags.isDisjoint(with: others))
        case .debitAccountMustNotBeZero: return !resolving && t.debit == zero
        case .debitAccountMustNotBeMax: return !resolving && t.debit == top
        case .creditAccountMustNotBeZero: return !resolving && t.credit == zero
        case .creditAccountMustNotBeMax: return !resolving && t.credit == top
        case .accountsMustBeDifferent: return !resolving && t.debit == t.credit
        case .pendingIDMustBeZero: return !resolving && t.pendingID != Transfer.none
        case .pendingIDMustNotBeZero: return resolving && t.pendingID == Transfer.none
        case .pendingIDMustNotBeMax: return resolving && t.pendingID.high == .max && t.pendingID.low == .max
        case .pendingIDMustBeDifferent: return resolving && t.pendingID == t.id
        case .timeoutReservedForPending: return !isPending && t.timeoutSeconds != 0
        case .closingTransferMustBePending:
            return !resolving && !isPending && !flags.isDisjoint(with: [.closingDebit, .closingCredit])
        case .amountMustNotBeNegative: return t.amount < 0 || t.timeoutSeconds < 0
        case .unitMustNotBeZero: return !resolving && t.unit == 0
        case .codeMustNotBeZero: return !resolving && t.code == 0
        case .debitAccountNotFound: return !resolving && accounts[t.debit] == nil
        case .creditAccountNotFound: return !resolving && accounts[t.credit] == nil
        case .accountsMustHaveTheSameUnit:
            return !resolving && accounts[t.debit]?.unit != accounts[t.credit]?.unit
        case .transferMustHaveTheSameUnitAsAccounts:
            return !resolving && accounts[t.debit]?.unit.rawValue != t.unit
        case .pendingTransferNotFound: return resolving && pending == nil
        case .pendingTransferNotPending: return resolving && held[t.pendingID] == nil
        case .pendingTransferHasDifferentDebitAccount: return resolving && t.debit != zero && t.debit != debit
        case .pendingTransferHasDifferentCreditAccount:
            return resolving && t.credit != zero && t.credit != credit
        case .pendingTransferHasDifferentUnit:
            return resolving && t.unit != 0 && t.unit != accounts[debit]?.unit.rawValue
        case .pendingTransferHasDifferentCode: return resolving && t.code != 0 && t.code != pending?.code
        case .exceedsPendingTransferAmount:
            return flags.contains(.post) && t.amount != Transfer.everything
                && t.amount > moved[t.pendingID] ?? 0
        case .pendingTransferHasDifferentAmount:
            let full = moved[t.pendingID] ?? 0
            return flags.contains(.void) && ![0, full, Transfer.everything].contains(t.amount)
        case .pendingTransferAlreadyPosted, .pendingTransferAlreadyVoided, .pendingTransferExpired:
            return resolving && held[t.pendingID]?.state == status
        case .debitAccountAlreadyClosed: return closed.contains(debit) && !reopens
        case .creditAccountAlreadyClosed: return closed.contains(credit) && !reopens
        case .overflowsDebitsPending: return overflows(debit, \.debitsPending, t, if: isPending)
        case .overflowsCreditsPending: return overflows(credit, \.creditsPending, t, if: isPending)
        case .overflowsDebitsPosted: return overflows(debit, \.debitsPosted, t, if: !isPending && !resolving)
        case .overflowsCreditsPosted:
            return overflows(credit, \.creditsPosted, t, if: !isPending && !resolving)
        case .overflowsDebits:
            let balance = balances[debit] ?? Balance()
            return !resolving && sum(balance.debitsPosted, balance.debitsPending, amount(t)) == nil
        case .overflowsCredits:
            let balance = balances[credit] ?? Balance()
            return !resolving && sum(balance.creditsPosted, balance.creditsPending, amount(t)) == nil
        case .overflowsTimeout:
            let (microseconds, isOver) = t.timeoutSeconds.multipliedReportingOverflow(by: 1_000_000)
            return !resolving && (isOver || now.addingReportingOverflow(microseconds).overflow)
        case .exceedsCredits:
            guard !resolving, accounts[debit]?.limit == .debitsMustNotExceedCredits else { return false }
            let balance = balances[debit] ?? Balance()
            return balance.debitsPending + balance.debitsPosted + amount(t) > balance.creditsPosted
        case .exceedsDebits:
            guard !resolving, accounts[credit]?.limit == .creditsMustNotExceedDebits else { return false }
            let balance = balances[credit] ?? Balance()
            return balance.creditsPending + balance.creditsPosted + amount(t) > balance.debitsPosted
        }
    }

    private func overflows(
        _ account: ID<Account>, _ field: KeyPath<Balance, Int64>, _ transfer: Transfer, if applies: Bool
    ) -> Bool {
        applies && sum((balances[account] ?? Balance())[keyPath: field], amount(transfer)) == nil
    }

    private func sum(_ parts: Int64...) -> Int64? {
        var total: Int64 = 0
        for part in parts {
            let (next, isOver) = total.addingReportingOverflow(part)
            if isOver { return nil }
            total = next
        }
        return total
    }

    private mutating func apply(_ transfer: Transfer) {
        let amount = amount(transfer)
        let (debit, credit) = sides(transfer)
        transfers[transfer.id] = transfer
        moved[transfer.id] = amount
        if isResolving(transfer) {
            release(
                transfer.pendingID,
                as: transfer.flags.contains(.post)
                    ? .pendingTransferAlreadyPosted
                    : .pendingTransferAlreadyVoided)
            if transfer.flags.contains(.void) { return }
        }
        if transfer.flags.contains(.pending) {
            balances[debit, default: Balance()].debitsPending += amount
            balances[credit, default: Balance()].creditsPending += amount
            let end = transfer.timeoutSeconds == 0 ? Int64.max : now + transfer.timeoutSeconds * 1_000_000
            held[transfer.id] = Held(state: nil, expiresAt: end)
            if transfer.flags.contains(.closingDebit) { closed.insert(debit) }
            if transfer.flags.contains(.closingCredit) { closed.insert(credit) }
        } else {
            balances[debit, default: Balance()].debitsPosted += amount
            balances[credit, default: Balance()].creditsPosted += amount
        }
    }

    private mutating func release(_ id: ID<Transfer>, as state: TransferStatus) {
        guard let pending = transfers[id] else { return }
        balances[pending.debit, default: Balance()].debitsPending -= moved[id] ?? 0
        balances[pending.credit, default: Balance()].creditsPending -= moved[id] ?? 0
        held[id]?.state = state
        if state == .pendingTransferAlreadyPosted { return }
        if pending.flags.contains(.closingDebit) { closed.remove(pending.debit) }
        if pending.flags.contains(.closingCredit) { closed.remove(pending.credit) }
    }
}
