// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What an account counts. Money is in minor units (fen, cents), quota in whole units.
///
/// Two accounts of different units never meet in one transfer. The raw value is stored and never reused.
package enum LedgerUnit: Int64, Hashable, Sendable, CaseIterable {
    case cny = 1
    case hkd = 2
    case usd = 3
    case eur = 4
    case queries = 101
    case rows = 102
    case bytes = 103
    case coreSeconds = 104

    /// How the unit is written in an export: three to eight capitals.
    package var symbol: String {
        switch self {
        case .cny: "CNY"
        case .hkd: "HKD"
        case .usd: "USD"
        case .eur: "EUR"
        case .queries: "QUERIES"
        case .rows: "ROWS"
        case .bytes: "BYTES"
        case .coreSeconds: "CORESEC"
        }
    }

    /// Decimals of the written amount.
    package var decimals: Int {
        switch self {
        case .cny, .hkd, .usd, .eur: 2
        case .queries, .rows, .bytes, .coreSeconds: 0
        }
    }

    package init(_ currency: Currency) {
        self =
            switch currency {
            case .cny: .cny
            case .hkd: .hkd
            case .usd: .usd
            case .eur: .eur
            }
    }

    /// `12.50`, or `7` for a quota.
    package func written(_ amount: Int64) -> String {
        decimals == 0 ? String(amount) : Money(minorUnits: amount).amount
    }
}

/// What an account stands for; it places the account in the five classes of bookkeeping.
package enum AccountKind: Int64, Hashable, Sendable, CaseIterable {
    /// Claims on the custodian bank: what lies in its supervised account.
    case custodian = 1
    /// What the exchange owes a buyer: topped up, not yet spent.
    case prepaid = 2
    /// Held for an order until it is delivered, released or ruled upon.
    case escrow = 3
    /// What is owed to a seller and not yet paid out.
    case payable = 4
    /// Fees the exchange has earned.
    case fee = 5
    /// Tax collected, owed to the tax office.
    case tax = 6
    /// Bank lines nobody could assign yet.
    case suspense = 7
    /// Quota issued: the counterpart of every quota account.
    case quotaIssued = 8
    /// Quota somebody may still use.
    case quota = 9
    /// Quota that was used.
    case quotaUsed = 10
    /// Deposits that secure a bid or an obligation.
    case deposit = 11
    /// What a buyer owes: use billed afterwards.
    case receivable = 12

    /// The class, as every bookkeeping program calls it.
    package var root: String {
        switch self {
        case .custodian, .receivable, .quotaIssued: "Assets"
        case .prepaid, .escrow, .payable, .tax, .quota, .deposit: "Liabilities"
        case .fee: "Income"
        case .quotaUsed, .suspense: "Equity"
        }
    }

    /// One capitalized word, for exported account names.
    package var label: String {
        switch self {
        case .custodian: "Custodian"
        case .prepaid: "Prepaid"
        case .escrow: "Escrow"
        case .payable: "Payable"
        case .fee: "Fee"
        case .tax: "Tax"
        case .suspense: "Suspense"
        case .quotaIssued: "QuotaIssued"
        case .quota: "Quota"
        case .quotaUsed: "QuotaUsed"
        case .deposit: "Deposit"
        case .receivable: "Receivable"
        }
    }
}

/// What holds an account's balance in bounds, pending amounts included.
package enum BalanceLimit: Int64, Hashable, Sendable {
    case none = 0
    /// For accounts that are owed to somebody: nobody spends more than came in.
    case debitsMustNotExceedCredits = 1
    /// For accounts that are claims.
    case creditsMustNotExceedDebits = 2
}

/// The four sums of an account. All are at least 0 and never shrink, but for the pending ones.
package struct Balance: Hashable, Sendable {
    package var debitsPending: Int64 = 0
    package var debitsPosted: Int64 = 0
    package var creditsPending: Int64 = 0
    package var creditsPosted: Int64 = 0

    package init() {}

    /// Posted debits less posted credits: positive for claims, negative for what is owed.
    package var net: Int64 { debitsPosted - creditsPosted }

    /// What may still be debited under `.debitsMustNotExceedCredits`.
    package var available: Int64 { max(0, creditsPosted - debitsPosted - debitsPending) }
}

/// One account of the books.
package struct Account: Hashable, Sendable {
    package let id: ID<Account>
    package let unit: LedgerUnit
    package let kind: AccountKind
    package let limit: BalanceLimit
    /// The party, order or grant it is for; whatever noun that is.
    package let owner: ID<Account>?
    /// For people: shown, never interpreted.
    package let name: String
    package internal(set) var isClosed = false
    package internal(set) var balance = Balance()
    /// The row's own number; 0 until it is opened.
    var number: Int64 = 0

    package init<Noun>(
        id: ID<Account>, unit: LedgerUnit, kind: AccountKind, limit: BalanceLimit, owner: ID<Noun>?,
        name: String
    ) {
        self.id = id
        self.unit = unit
        self.kind = kind
        self.limit = limit
        self.owner = owner?.retyped()
        self.name = name
    }

    package init(
        id: ID<Account>, unit: LedgerUnit, kind: AccountKind, limit: BalanceLimit = .none, name: String
    ) {
        self.init(id: id, unit: unit, kind: kind, limit: limit, owner: ID<Account>?.none, name: name)
    }
}

/// How opening an account ended, in order of precedence.
package enum AccountStatus: Int64, Hashable, Sendable, CaseIterable {
    case created
    case idMustNotBeZero
    case existsWithDifferentUnit
    case existsWithDifferentKind
    case existsWithDifferentLimit
    case existsWithDifferentOwner
    case exists

    /// The account stands as it was asked for.
    package var isStanding: Bool { self == .created || self == .exists }
}
