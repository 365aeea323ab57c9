// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

extension Books {
    /// One account with its balance now; `nil` if there is none.
    package static func account(_ id: ID<Account>, in tx: any SQLReading) throws(Problem) -> Account? {
        try tx.first("SELECT \(Account.columns) FROM ledger_account WHERE id = ?", [id]) {
            row throws(Problem) in
            try Account(row)
        }
    }

    /// All accounts in the order they were opened.
    package static func accounts(in tx: any SQLReading) throws(Problem) -> [Account] {
        try tx.all("SELECT \(Account.columns) FROM ledger_account ORDER BY number") { row throws(Problem) in
            try Account(row)
        }
    }

    /// The accounts of one owner.
    package static func accounts<Noun>(
        of owner: ID<Noun>, in tx: any SQLReading
    ) throws(Problem) -> [Account] {
        try tx.all("SELECT \(Account.columns) FROM ledger_account WHERE owner = ? ORDER BY number", [owner]) {
            row throws(Problem) in try Account(row)
        }
    }

    /// All accounts with the balances they had at a moment: recomputed from the transfers up to then, so it is
    /// also the check of the balances kept. Cost: one pass over the transfers up to that moment.
    package static func accounts(at instant: Instant, in tx: any SQLReading) throws(Problem) -> [Account] {
        var accounts = try accounts(in: tx)
        let places = Dictionary(uniqueKeysWithValues: accounts.enumerated().map { ($1.number, $0) })
        for index in accounts.indices { accounts[index].balance = Balance() }
        let sums: [(side: String, filter: String, field: WritableKeyPath<Balance, Int64>)] = [
            ("debit", isPosted, \.debitsPosted), ("credit", isPosted, \.creditsPosted),
            ("debit", wasPending, \.debitsPending), ("credit", wasPending, \.creditsPending),
        ]
        for sum in sums {
            let moments = Array(repeating: instant, count: sum.filter == wasPending ? 2 : 1)
            try tx.query(
                """
                SELECT \(sum.side), CAST(sum(amount) AS INTEGER) FROM ledger_transfer \
                WHERE \(sum.filter) GROUP BY \(sum.side)
                """, moments
            ) { row throws(Problem) in
                guard let place = places[try row.integer(0)] else { throw .rowDamaged }
                accounts[place].balance[keyPath: sum.field] = try row.integer(1)
            }
        }
        return accounts
    }

    private static let isPosted = "at <= ? AND refusal = 0 AND (flags & 10) = 0"
    private static let wasPending = """
        at <= ? AND refusal = 0 AND (flags & 2) = 2 \
        AND at IN (SELECT at FROM ledger_pending WHERE resolved_at > ?)
        """

    /// One transfer as it was asked for, with the amount it moved; `nil` if there is none or its id failed.
    package static func transfer(_ id: ID<Transfer>, in tx: any SQLReading) throws(Problem) -> PostedTransfer?
    {
        try tx.first("\(PostedTransfer.query) AND t.id = ?", [id]) { row throws(Problem) in
            try PostedTransfer(row)
        }
    }

    /// The transfers after one moment up to another, oldest first; of one account, if it is named. Cost: the
    /// transfers of that time, whosoever they are.
    package static func transfers(
        after start: Instant, through end: Instant, of account: ID<Account>? = nil, in tx: any SQLReading
    ) throws(Problem) -> [PostedTransfer] {
        let period = "\(PostedTransfer.query) AND t.at > ? AND t.at <= ?"
        guard let account else {
            return try tx.all(period + " ORDER BY t.at", [start, end]) { row throws(Problem) in
                try PostedTransfer(row)
            }
        }
        return try tx.all(
            period + " AND (d.id = ? OR c.id = ?) ORDER BY t.at", [start, end, account, account]
        ) {
            row throws(Problem) in try PostedTransfer(row)
        }
    }

    /// The transfers about one thing: an order's, or the refunds that name a payment.
    package static func transfers<Noun>(
        about subject: ID<Noun>, in tx: any SQLReading
    ) throws(Problem) -> [PostedTransfer] {
        try tx.all("\(PostedTransfer.query) AND t.subject = ? ORDER BY t.at", [subject]) {
            row throws(Problem) in
            try PostedTransfer(row)
        }
    }

    /// Whether the books hold: every unit's debits equal its credits, posted and pending, and every account's
    /// kept balance equals what its transfers say. Answers what is wrong, in words for the operator.
    package static func faults(in tx: any SQLReading) throws(Problem) -> [String] {
        var faults: [String] = []
        let kept = try accounts(in: tx)
        let replayed = try accounts(at: Instant(microseconds: .max - 1), in: tx)
        for (kept, replayed) in zip(kept, replayed) where kept.balance != replayed.balance {
            func words(_ balance: Balance) -> String {
                "debits \(kept.unit.written(balance.debitsPosted)), credits \(kept.unit.written(balance.creditsPosted))"
                    + ", reserved \(kept.unit.written(balance.debitsPending + balance.creditsPending))"
            }
            faults.append(
                "\(Code(.account, kept.id)) (\(kept.name)): kept \(words(kept.balance)); "
                    + "its transfers say \(words(replayed.balance)) \(kept.unit.symbol)")
        }
        for unit in LedgerUnit.allCases {
            let ofUnit = kept.filter { $0.unit == unit }
            let posted = ofUnit.reduce(0) { $0 + $1.balance.net }
            let pending = ofUnit.reduce(0) { $0 + $1.balance.debitsPending - $1.balance.creditsPending }
            if posted != 0 { faults.append("\(unit.symbol): posted sums to \(posted)") }
            if pending != 0 { faults.append("\(unit.symbol): pending sums to \(pending)") }
        }
        return faults
    }
}

/// A transfer as the books keep it.
package struct PostedTransfer: Hashable, Sendable {
    package let id: ID<Transfer>
    package let at: Instant
    package let debit: ID<Account>
    package let credit: ID<Account>
    /// What it moved or reserved.
    package let amount: Int64
    package let unit: LedgerUnit
    package let code: Int64
    package let flags: TransferFlags
    package let subject: ID<Transfer>?
    package let reference: Int64

    /// Whether balances of posted amounts changed by it.
    package var isPosted: Bool { flags.isDisjoint(with: [.pending, .void]) }

    fileprivate static let query = """
        SELECT t.id, t.at, d.id, c.id, t.amount, d.unit, t.code, t.flags, t.subject, t.reference \
        FROM ledger_transfer t JOIN ledger_account d ON d.number = t.debit \
        JOIN ledger_account c ON c.number = t.credit WHERE t.refusal = 0
        """

    fileprivate init(_ row: any SQLRow) throws(Problem) {
        id = try row.id(0)
        at = try row.instant(1)
        debit = try row.id(2)
        credit = try row.id(3)
        amount = try row.integer(4)
        guard let unit = LedgerUnit(rawValue: try row.integer(5)) else { throw .rowDamaged }
        self.unit = unit
        code = try row.integer(6)
        flags = TransferFlags(rawValue: try row.integer(7))
        subject = try row.optional(8) { column throws(Problem) in try row.id(column) }
        reference = try row.integer(9)
    }
}

extension Account {
    static let columns = """
        number, id, unit, balance_limit, is_closed, \
        debits_pending, debits_posted, credits_pending, credits_posted, kind, owner, name
        """

    fileprivate init(_ row: any SQLRow) throws(Problem) {
        let state = try AccountState(row)
        guard let unit = LedgerUnit(rawValue: state.unit),
            let kind = AccountKind(rawValue: try row.integer(9))
        else { throw .rowDamaged }
        let owner = try row.optional(10) { column throws(Problem) in try row.id(column, of: Account.self) }
        self.init(
            id: state.id, unit: unit, kind: kind, limit: state.limit, owner: owner, name: try row.text(11))
        isClosed = state.isClosed
        balance = state.balance
        number = state.number
    }
}
