// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Ledger
package import Policy
package import Primitives
package import Store

/// The market's postings: who owes whom after each step, in the commit of the step.
///
/// A buyer's money lies with the custodian bank; here it is a claim: prepaid → escrow of an agreement → held for a
/// passage, and on the holder's receipt → holder, fee, assessors and lineage at once. Each passage's money is a
/// `Settlement`. Each transfer's identifier follows from what it is about, so that a repeated step posts nothing twice.
package enum Bookkeeping {
    /// How many uses an agreement holds money for in advance; more are topped up as they are asked.
    private static let usesHeldMax: Int64 = 20
    /// A hold for a passage outlives its reservation by a minute, so that the reservation decides.
    private static let passageHoldSeconds: Int64 = 360

    // MARK: Accounts

    package static func account(_ kind: AccountKind, of owner: String) -> ID<Account> {
        ID(derivedFrom: Digest(of: "account/\(kind.rawValue)/\(owner)"))
    }

    /// Opens what a party needs to pay and be paid.
    package static func openAccounts(for party: Party, in transaction: any SQLWriting) throws(Problem) {
        try Books.requireOpen(
            [
                custodian,
                Account(id: account(.fee, of: "exchange"), unit: .cny, kind: .fee, name: "exchange fee"),
                Account(id: account(.tax, of: "exchange"), unit: .cny, kind: .tax, name: "tax collected"),
                Account(id: account(.suspense, of: "bank"), unit: .cny, kind: .suspense, name: "suspense"),
                Account(
                    id: account(.prepaid, of: party.id.uuid), unit: .cny, kind: .prepaid,
                    limit: .debitsMustNotExceedCredits, owner: party.id, name: party.name),
                Account(
                    id: account(.payable, of: party.id.uuid), unit: .cny, kind: .payable,
                    limit: .debitsMustNotExceedCredits, owner: party.id, name: party.name),
            ],
            in: transaction)
    }

    private static let custodian = Account(
        id: account(.custodian, of: "bank"), unit: .cny, kind: .custodian, name: "custodian bank")

    /// The booking of money that came in under a reference of the bank's own.
    package static func topUp(bankReference: String) -> ID<Transfer> { transfer("top-up", bankReference) }

    /// Books what the custodian bank confirmed to have received for a party.
    package static func topUp(
        _ party: Party, _ money: Money, bankReference: String, in transaction: any SQLWriting
    ) throws(Problem) {
        try openAccounts(for: party, in: transaction)
        try Books.require(
            [
                Transfer(
                    id: topUp(bankReference: bankReference), debit: custodian.id,
                    credit: account(.prepaid, of: party.id.uuid), amount: money.minorUnits,
                    unit: LedgerUnit(money.currency), code: TransferCode.topUp)
            ],
            in: transaction)
    }

    // MARK: Agreements

    /// Holds the money of the first uses. Too little in the account is `trade.funds-insufficient`, and with the
    /// command the agreement does not come into force.
    package static func hold(for agreement: Agreement, in transaction: any SQLWriting) throws(Problem) {
        let provider = try PartyRegister.party(agreement.provider, in: transaction)
        let consumer = try PartyRegister.party(agreement.consumer, in: transaction)
        try openAccounts(for: provider, in: transaction)
        try openAccounts(for: consumer, in: transaction)
        try openEscrow(of: agreement, in: transaction)
        let uses = min(agreement.usesMax ?? usesHeldMax, usesHeldMax)
        try move(
            agreement.listing.price.dearest(uses: uses), for: agreement,
            named: transfer("hold", agreement.id.uuid), in: transaction)
    }

    private static func openEscrow(of agreement: Agreement, in transaction: any SQLWriting) throws(Problem) {
        try Books.requireOpen(
            [escrow(agreement), clearing(agreement)].map { id in
                Account(
                    id: id, unit: .cny, kind: .escrow, limit: .debitsMustNotExceedCredits,
                    owner: agreement.id,
                    name: agreement.code.text)
            },
            in: transaction)
    }

    private static func move(
        _ amount: Int64, for agreement: Agreement, named id: ID<Transfer>, in transaction: any SQLWriting
    ) throws(Problem) {
        guard amount > 0, try Books.transfer(id, in: transaction) == nil else { return }
        let prepaid = account(.prepaid, of: agreement.consumer.uuid)
        let available = try Books.account(prepaid, in: transaction)?.balance.available ?? 0
        guard available >= amount else {
            throw Problem(
                .conflict, "trade.funds-insufficient",
                [
                    "needed": .money(Money(minorUnits: amount)),
                    "available": .money(Money(minorUnits: available)),
                ])
        }
        try Books.require(
            [
                Transfer(
                    id: id, debit: prepaid, credit: escrow(agreement), amount: amount, unit: .cny,
                    code: TransferCode.hold
                ).about(agreement.id)
            ],
            in: transaction)
    }

    /// Gives what an ended agreement still holds back to the buyer.
    package static func release(_ agreement: Agreement, in transaction: any SQLWriting) throws(Problem) {
        guard let balance = try Books.account(escrow(agreement), in: transaction)?.balance,
            balance.available > 0
        else { return }
        try Books.require(
            [
                Transfer(
                    id: transfer("release/\(transaction.tick().microseconds)", agreement.id.uuid),
                    debit: escrow(agreement),
                    credit: account(.prepaid, of: agreement.consumer.uuid), amount: balance.available,
                    unit: .cny,
                    code: TransferCode.refund
                ).about(agreement.id)
            ],
            in: transaction)
    }

    // MARK: Passages

    /// Reserves what one use may cost; tops the escrow up from the buyer's account where it has run out.
    package static func reserve<Use>(
        _ passage: ID<Use>, _ ceiling: Money, under agreement: Agreement, fees: FeeSchedule,
        in transaction: any SQLWriting
    ) throws(Problem) {
        guard ceiling.minorUnits > 0 else { return }
        try openEscrow(of: agreement, in: transaction)
        let available = try Books.account(escrow(agreement), in: transaction)?.balance.available ?? 0
        try move(
            max(0, ceiling.minorUnits - available), for: agreement, named: transfer("hold", passage.uuid),
            in: transaction)
        let parties = SettlementParties(
            buyer: escrow(agreement), escrow: clearing(agreement),
            split: try fees.split(of: agreement, in: transaction))
        try SettlementDesk.hold(
            passage, parties, minorUnits: ceiling.minorUnits, seconds: passageHoldSeconds, in: transaction)
    }

    /// Prices one use on the holder's receipt, after the uses of its month, and pays it to those who share it.
    /// Answers the price.
    package static func settle<Use>(
        _ passage: ID<Use>, through door: Door, counts: [UseUnit: Int64] = [:], receipt: Digest,
        under agreement: Agreement, fees: FeeSchedule,
        in transaction: any SQLWriting
    ) throws(Problem) -> Money {
        let plan = agreement.listing.price
        guard !plan.components.isEmpty else { return .zero }
        var bill = try RunningBill.current(for: agreement.id, at: transaction.now, in: transaction)
        let price = try bill.charge(door, counts, under: plan)
        try bill.keep(in: transaction)
        try pay(price, for: passage, receipt, under: agreement, fees, in: transaction)
        try QuotaPool.use(
            passage, through: door, used: bill.used[door.rawValue] ?? 0, under: agreement, in: transaction)
        return price
    }

    private static func pay<Use>(
        _ price: Money, for passage: ID<Use>, _ receipt: Digest, under agreement: Agreement,
        _ fees: FeeSchedule, in transaction: any SQLWriting
    ) throws(Problem) {
        let held = try SettlementDesk.settlement(of: passage, at: transaction.now, in: transaction)
        if let held, held.state == .held, held.heldMinorUnits >= price.minorUnits {
            return try SettlementDesk.capture(
                passage, minorUnits: price.minorUnits, receipt: receipt, in: transaction)
        }
        guard price.minorUnits > 0 else { return }
        // The hold had expired before the receipt came, or uses that were reserved later were settled first and left
        // this one the dearer place: it is reserved anew, so that the answered use is paid.
        try void(passage, in: transaction)
        try reserve(renewed(passage), price, under: agreement, fees: fees, in: transaction)
        try SettlementDesk.capture(
            renewed(passage), minorUnits: price.minorUnits, receipt: receipt, in: transaction)
    }

    /// Gives money of a closed month back to the buyer, from those who shared it, in the shares they got. The transfers
    /// are about the statement or credit note.
    package static func giveBack(
        _ minorUnits: Int64, of statement: Statement, under agreement: Agreement, fees: FeeSchedule,
        in transaction: any SQLWriting
    ) throws(Problem) {
        guard minorUnits > 0 else { return }
        let parts = try fees.split(of: agreement, in: transaction).parts(of: minorUnits)
        try Books.require(
            parts.enumerated().map { place, part in
                Transfer(
                    id: transfer("give-back/\(place)", statement.id.uuid), debit: part.payee,
                    credit: account(.prepaid, of: agreement.consumer.uuid), amount: part.minorUnits,
                    unit: .cny,
                    code: TransferCode.refund
                ).about(statement.id)
            },
            in: transaction)
    }

    /// Whether a settled passage was paid, at once or after its hold had expired; a ruling may have moved it since.
    package static func isPaid<Use>(
        _ passage: ID<Use>, _ price: Money, in transaction: any SQLReading
    ) throws(Problem) -> Bool {
        guard price.minorUnits > 0 else { return true }
        for name in [passage, renewed(passage)] {
            let settlement = try SettlementDesk.settlement(
                of: name, at: Instant(microseconds: 0), in: transaction)
            guard let settlement, settlement.receipt != nil else { continue }
            let moved = settlement.state == .frozen ? settlement.heldMinorUnits : settlement.paidMinorUnits
            return settlement.ruledMinorUnits != nil || moved == price.minorUnits
        }
        return false
    }

    /// The identifier under which a passage is paid whose first hold did not do.
    package static func renewed<Use>(_ passage: ID<Use>) -> ID<Use> {
        ID(derivedFrom: Digest(of: "renewed/" + passage.uuid))
    }

    /// Gives a reservation up: the holder refused, or its time is over.
    package static func void<Use>(_ passage: ID<Use>, in transaction: any SQLWriting) throws(Problem) {
        guard
            try SettlementDesk.settlement(of: passage, at: transaction.now, in: transaction) != nil
        else { return }
        try SettlementDesk.release(passage, in: transaction)
    }

    private static func escrow(_ agreement: Agreement) -> ID<Account> {
        account(.escrow, of: agreement.id.uuid)
    }

    /// Where disputed money lies, and money on its way from the escrow to those who share it.
    private static func clearing(_ agreement: Agreement) -> ID<Account> {
        account(.escrow, of: "clearing/" + agreement.id.uuid)
    }

    private static func transfer(_ step: String, _ about: String) -> ID<Transfer> {
        ID(derivedFrom: Digest(of: "transfer/\(step)/\(about)"))
    }
}

extension Agreement {
    /// How often its terms permit a use; `nil` without a limit.
    package var usesMax: Int64? { PlainTerms(policy)?.usesMax }
}
