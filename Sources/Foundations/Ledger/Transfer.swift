// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a transfer does beside moving an amount (TigerBeetle's `Transfer.flags`).
package struct TransferFlags: OptionSet, Hashable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// Succeeds only together with the next transfer of the call.
    package static let linked = TransferFlags(rawValue: 1)
    /// Reserves the amount until it is posted, voided or expires.
    package static let pending = TransferFlags(rawValue: 2)
    /// Posts a pending transfer, in full or in part; the rest is released.
    package static let post = TransferFlags(rawValue: 4)
    /// Releases a pending transfer.
    package static let void = TransferFlags(rawValue: 8)
    /// Moves at most what the debit account can still give.
    package static let balancingDebit = TransferFlags(rawValue: 16)
    /// Moves at most what the credit account can still take.
    package static let balancingCredit = TransferFlags(rawValue: 32)
    /// Closes the debit account; only on a pending transfer, whose voiding opens it again.
    package static let closingDebit = TransferFlags(rawValue: 64)
    /// Closes the credit account, likewise.
    package static let closingCredit = TransferFlags(rawValue: 128)

    package static let known: TransferFlags = [
        .linked, .pending, .post, .void, .balancingDebit, .balancingCredit, .closingDebit, .closingCredit,
    ]
}

/// Why an amount moves. Zero is not a reason: the status `codeMustNotBeZero` refuses it.
package enum TransferCode {
    package static let topUp: Int64 = 1
    package static let hold: Int64 = 2
    package static let payment: Int64 = 3
    package static let split: Int64 = 4
    package static let refund: Int64 = 5
    package static let payout: Int64 = 6
    package static let quotaGrant: Int64 = 7
    package static let quotaUse: Int64 = 8
    package static let deposit: Int64 = 9
    package static let correction: Int64 = 10
    package static let reconciliation: Int64 = 11
    package static let ruling: Int64 = 12
    package static let dispute: Int64 = 13

    /// One word for an export; a code of another room is shown by number.
    package static func label(_ code: Int64) -> String {
        let words = [
            "top-up", "hold", "payment", "split", "refund", "payout", "quota grant", "quota use", "deposit",
            "correction", "reconciliation", "ruling", "dispute",
        ]
        return (1...Int64(words.count)).contains(code) ? words[Int(code) - 1] : "code \(code)"
    }
}

/// One immutable movement between two accounts. What is wrong is put right by a further transfer.
///
/// The caller makes `id` and keeps it before asking: the same id and body give the same answer for ever.
package struct Transfer: Hashable, Sendable {
    /// As much as there is: of the pending transfer when posting, of the balance when balancing.
    package static let everything = Int64.max
    /// No account, no transfer: where a posting or voiding transfer takes over what the pending one says.
    package static let none = ID<Transfer>(high: 0, low: 0)

    package var id: ID<Transfer>
    package var debit: ID<Account>
    package var credit: ID<Account>
    /// In minor units; at least 0.
    package var amount: Int64
    package var unit: Int64
    package var code: Int64
    package var flags: TransferFlags = []
    /// The transfer to post or void, else `none`.
    package var pendingID: ID<Transfer> = Transfer.none
    /// After how long a pending transfer is void; 0 is never.
    package var timeoutSeconds: Int64 = 0
    /// What it is about: an order, a passage, the transfer it gives back; any noun's id.
    package var subject: ID<Transfer>?
    /// A number of the caller's: a line, a meter event.
    package var reference: Int64 = 0

    package init(
        id: ID<Transfer>, debit: ID<Account>, credit: ID<Account>, amount: Int64, unit: LedgerUnit,
        code: Int64
    ) {
        self.id = id
        self.debit = debit
        self.credit = credit
        self.amount = amount
        self.unit = unit.rawValue
        self.code = code
    }

    /// Posts `pending`: in full, or `amount` of it.
    package static func posting(
        _ pending: ID<Transfer>, id: ID<Transfer>, amount: Int64 = everything
    ) -> Transfer {
        resolving(pending, id: id, amount: amount, flags: .post)
    }

    /// Releases `pending`.
    package static func voiding(_ pending: ID<Transfer>, id: ID<Transfer>) -> Transfer {
        resolving(pending, id: id, amount: 0, flags: .void)
    }

    private static func resolving(
        _ pending: ID<Transfer>, id: ID<Transfer>, amount: Int64, flags: TransferFlags
    ) -> Transfer {
        let nobody = ID<Account>(high: 0, low: 0)
        var transfer = Transfer(id: id, debit: nobody, credit: nobody, amount: amount, unit: .cny, code: 0)
        transfer.unit = 0
        transfer.flags = flags
        transfer.pendingID = pending
        return transfer
    }

    /// The same transfer, reserving its amount instead of moving it.
    package func held(forSeconds seconds: Int64) -> Transfer {
        var held = self
        held.flags.insert(.pending)
        held.timeoutSeconds = seconds
        return held
    }

    /// The same transfer, about something.
    package func about<Noun>(_ subject: ID<Noun>, reference: Int64 = 0) -> Transfer {
        var named = self
        named.subject = subject.retyped()
        named.reference = reference
        return named
    }

    /// The same transfer, bound to the next one of the call.
    package var linkedToNext: Transfer {
        var linked = self
        linked.flags.insert(.linked)
        return linked
    }
}

extension ID {
    /// Zero is reserved: no account, no transfer.
    var isZero: Bool { high == 0 && low == 0 }
    /// 2^128 − 1 is reserved.
    var isMax: Bool { high == .max && low == .max }
}
