// SPDX-License-Identifier: Apache-2.0

import Primitives
import Store

/// What posting needs of an account: its row without the words.
struct AccountState {
    let number: Int64
    let id: ID<Account>
    let unit: Int64
    let limit: BalanceLimit
    var isClosed: Bool
    var balance: Balance

    static let columns = """
        number, id, unit, balance_limit, is_closed, \
        debits_pending, debits_posted, credits_pending, credits_posted
        """

    init(_ row: any SQLRow) throws(Problem) {
        number = try row.integer(0)
        id = try row.id(1)
        unit = try row.integer(2)
        guard let limit = BalanceLimit(rawValue: try row.integer(3)) else { throw .rowDamaged }
        self.limit = limit
        isClosed = try row.bool(4)
        balance = Balance()
        balance.debitsPending = try row.integer(5)
        balance.debitsPosted = try row.integer(6)
        balance.creditsPending = try row.integer(7)
        balance.creditsPosted = try row.integer(8)
    }

    /// Which sum would leave the range, in order of precedence.
    static func overflow(
        _ debit: AccountState, _ credit: AccountState, adding amount: Int64, isPending: Bool
    ) -> TransferStatus? {
        let (debits, credits) = (debit.balance, credit.balance)
        if isPending {
            if debits.debitsPending.overflows(adding: amount) { return .overflowsDebitsPending }
            if credits.creditsPending.overflows(adding: amount) { return .overflowsCreditsPending }
        } else {
            if debits.debitsPosted.overflows(adding: amount) { return .overflowsDebitsPosted }
            if credits.creditsPosted.overflows(adding: amount) { return .overflowsCreditsPosted }
        }
        // Both sums are in range before, together too: only the amount can leave it.
        if (debits.debitsPending + debits.debitsPosted).overflows(adding: amount) { return .overflowsDebits }
        if (credits.creditsPending + credits.creditsPosted).overflows(adding: amount) {
            return .overflowsCredits
        }
        return nil
    }

    mutating func add(debit amount: Int64, isPending: Bool) {
        if isPending { balance.debitsPending += amount } else { balance.debitsPosted += amount }
    }

    mutating func add(credit amount: Int64, isPending: Bool) {
        if isPending { balance.creditsPending += amount } else { balance.creditsPosted += amount }
    }

    mutating func release(debit amount: Int64) {
        balance.debitsPending -= amount
        precondition(balance.debitsPending >= 0, "a pending transfer was released twice")
    }

    mutating func release(credit amount: Int64) {
        balance.creditsPending -= amount
        precondition(balance.creditsPending >= 0, "a pending transfer was released twice")
    }

    var exceedsItsLimit: Bool {
        switch limit {
        case .none: false
        case .debitsMustNotExceedCredits: balance.debitsPending + balance.debitsPosted > balance.creditsPosted
        case .creditsMustNotExceedDebits:
            balance.creditsPending + balance.creditsPosted > balance.debitsPosted
        }
    }
}

extension Int64 {
    fileprivate func overflows(adding other: Int64) -> Bool { addingReportingOverflow(other).overflow }
}

/// One row of `ledger_transfer`.
struct TransferRow {
    let at: Int64
    let id: ID<Transfer>
    let debit: Int64
    let credit: Int64
    let amount: Int64
    let flags: TransferFlags
    var code: Int64
    var pendingAt: Int64
    let timeoutSeconds: Int64
    let subject: ID<Transfer>?
    let reference: Int64
    /// The status of an id that failed and is used up; 0 for a transfer.
    var refusal: Int64

    static let columns = """
        at, id, debit, credit, amount, flags, code, pending_at, timeout_seconds, subject, reference, refusal
        """

    init(_ transfer: Transfer, at: Int64, debit: Int64, credit: Int64, amount: Int64) {
        self.at = at
        id = transfer.id
        self.debit = debit
        self.credit = credit
        self.amount = amount
        flags = transfer.flags
        code = transfer.code
        pendingAt = 0
        timeoutSeconds = transfer.timeoutSeconds
        subject = transfer.subject
        reference = transfer.reference
        refusal = 0
    }

    init(_ row: any SQLRow) throws(Problem) {
        at = try row.integer(0)
        id = try row.id(1)
        debit = try row.integer(2)
        credit = try row.integer(3)
        amount = try row.integer(4)
        flags = TransferFlags(rawValue: try row.integer(5))
        code = try row.integer(6)
        pendingAt = try row.integer(7)
        timeoutSeconds = try row.integer(8)
        subject = try row.optional(9) { column throws(Problem) in try row.id(column) }
        reference = try row.integer(10)
        refusal = try row.integer(11)
    }
}

/// The life of a pending transfer.
enum PendingState: Int64 {
    case pending = 0
    case posted = 1
    case voided = 2
    case expired = 3
}

/// The statements of every transfer, put together once.
private enum LedgerText {
    // Not `IN (?, ?)`: for that SQLite builds a table of the two at every run, which costs more than the looking up.
    private static let account = "SELECT \(AccountState.columns) FROM ledger_account WHERE"
    static let accountsByID = "\(account) id = ? UNION ALL \(account) id = ?"
    static let accountsByNumber = "\(account) number = ? UNION ALL \(account) number = ?"
    static let transferByID = "SELECT \(TransferRow.columns) FROM ledger_transfer WHERE id = ?"
    static let transferByTime = "SELECT \(TransferRow.columns) FROM ledger_transfer WHERE at = ?"
    static let insertTransfer = """
        INSERT INTO ledger_transfer (\(TransferRow.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
        ON CONFLICT (id) DO NOTHING
        """
    static let saveAccount = """
        UPDATE ledger_account SET debits_pending = ?, debits_posted = ?, credits_pending = ?, credits_posted = ?, \
        is_closed = ? WHERE number = ?
        """
}

extension SQLReading {
    /// Two accounts by id, in one statement.
    func accounts(
        _ first: ID<Account>, _ second: ID<Account>
    ) throws(Problem) -> (first: AccountState?, second: AccountState?) {
        var pair: (first: AccountState?, second: AccountState?) = (nil, nil)
        try query(LedgerText.accountsByID, [first, second]) {
            row throws(Problem) in
            let account = try AccountState(row)
            if account.id == first { pair.first = account } else { pair.second = account }
        }
        return pair
    }

    /// Two accounts that a row names: they must be there.
    func accounts(
        numbered first: Int64, _ second: Int64
    ) throws(Problem) -> (first: AccountState, second: AccountState) {
        var pair: (first: AccountState?, second: AccountState?) = (nil, nil)
        try query(LedgerText.accountsByNumber, [first, second]) {
            row throws(Problem) in
            let account = try AccountState(row)
            if account.number == first { pair.first = account } else { pair.second = account }
        }
        guard let first = pair.first, let second = pair.second else { throw .rowDamaged }
        return (first, second)
    }

    func transferRow(_ id: ID<Transfer>) throws(Problem) -> TransferRow? {
        try first(LedgerText.transferByID, [id]) {
            row throws(Problem) in try TransferRow(row)
        }
    }

    func transferRow(at: Int64) throws(Problem) -> TransferRow? {
        try first(LedgerText.transferByTime, [at]) {
            row throws(Problem) in try TransferRow(row)
        }
    }

    func pendingState(_ at: Int64) throws(Problem) -> PendingState {
        let stored = try first("SELECT state FROM ledger_pending WHERE at = ?", [at]) { row throws(Problem) in
            try row.integer(0)
        }
        guard let state = stored.flatMap(PendingState.init) else { throw .rowDamaged }
        return state
    }
}

extension SQLWriting {
    /// `false` if the id is known already; nothing was written then.
    func insert(_ row: TransferRow) throws(Problem) -> Bool {
        let changed = try execute(
            LedgerText.insertTransfer,
            [
                row.at, row.id, row.debit, row.credit, row.amount, row.flags.rawValue, row.code,
                row.pendingAt,
                row.timeoutSeconds, row.subject, row.reference, row.refusal,
            ])
        return changed == 1
    }

    func save(_ account: AccountState) throws(Problem) {
        try execute(
            LedgerText.saveAccount,
            [
                account.balance.debitsPending, account.balance.debitsPosted, account.balance.creditsPending,
                account.balance.creditsPosted, account.isClosed, account.number,
            ])
    }

    func setPending(_ at: Int64, _ state: PendingState, at resolvedAt: Int64) throws(Problem) {
        try execute(
            "UPDATE ledger_pending SET state = ?, resolved_at = ? WHERE at = ?",
            [state.rawValue, resolvedAt, at])
    }
}
