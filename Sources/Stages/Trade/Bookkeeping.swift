// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Ledger
private import Policy
package import Primitives
private import Register
package import Store

/// What part of an income goes to whom besides the holder. Of 10,000; the remainder, exact to the fen, stays with
/// the holder.
package struct FeeSchedule: Hashable, Sendable {
    package let exchange: Int64
    /// Shared by the assessors whose attestations the listing requires.
    package let assessors: Int64

    package static let standard = FeeSchedule(exchange: 500, assessors: 200)
}

/// The market's postings: who owes whom after each step, in the commit of the step.
///
/// A buyer's money lies with the custodian bank; here it is a claim: prepaid → escrow of an agreement → held for a
/// passage → payable to the holder, and from there fee, assessors and lineage. Each transfer's identifier follows
/// from what it is about, so that a repeated step posts nothing twice.
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

    /// Books what the custodian bank confirmed to have received for a party.
    package static func topUp(
        _ party: Party, _ money: Money, bankReference: String, in transaction: any SQLWriting
    ) throws(Problem) {
        try openAccounts(for: party, in: transaction)
        try Books.require(
            [
                Transfer(
                    id: transfer("top-up", bankReference), debit: custodian.id,
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
        try Books.requireOpen(
            [
                Account(
                    id: escrow(agreement), unit: .cny, kind: .escrow, limit: .debitsMustNotExceedCredits,
                    owner: agreement.id, name: agreement.code.text)
            ],
            in: transaction)
        let dearest = agreement.listing.price.perUse.values.map(\.minorUnits).max() ?? 0
        let uses = min(agreement.usesMax ?? usesHeldMax, usesHeldMax)
        try move(dearest * uses, for: agreement, named: transfer("hold", agreement.id.uuid), in: transaction)
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
                    id: transfer("release", agreement.id.uuid), debit: escrow(agreement),
                    credit: account(.prepaid, of: agreement.consumer.uuid), amount: balance.available,
                    unit: .cny,
                    code: TransferCode.refund
                ).about(agreement.id)
            ],
            in: transaction)
    }

    // MARK: Passages

    /// Reserves the price of one use; tops the escrow up from the buyer's account where it has run out.
    package static func reserve<Use>(
        _ passage: ID<Use>, _ price: Money, under agreement: Agreement, in transaction: any SQLWriting
    ) throws(Problem) {
        guard price.minorUnits > 0 else { return }
        let available = try Books.account(escrow(agreement), in: transaction)?.balance.available ?? 0
        try move(
            max(0, price.minorUnits - available), for: agreement, named: transfer("hold", passage.uuid),
            in: transaction)
        try Books.require(
            [
                Transfer(
                    id: transfer("reserve", passage.uuid), debit: escrow(agreement),
                    credit: account(.payable, of: agreement.provider.uuid), amount: price.minorUnits,
                    unit: .cny,
                    code: TransferCode.payment
                ).held(forSeconds: passageHoldSeconds).about(passage)
            ],
            in: transaction)
    }

    /// Pays one use on the holder's receipt, and splits the income. Posting again changes nothing.
    package static func settle<Use>(
        _ passage: ID<Use>, _ price: Money, under agreement: Agreement, fees: FeeSchedule,
        in transaction: any SQLWriting
    ) throws(Problem) {
        guard price.minorUnits > 0 else { return }
        let posted = Transfer.posting(transfer("reserve", passage.uuid), id: transfer("pay", passage.uuid))
        let payable = account(.payable, of: agreement.provider.uuid)
        let shares = try shares(of: price, under: agreement, fees: fees, in: transaction)
        let splits = shares.enumerated().map { place, share in
            Transfer(
                id: transfer("split/\(place)", passage.uuid), debit: payable, credit: share.account,
                amount: share.amount, unit: .cny, code: TransferCode.split
            ).about(passage)
        }
        try Books.require([posted] + splits, in: transaction)
    }

    /// Whether a settled passage was paid, at once or after its hold had expired.
    package static func isPaid<Use>(
        _ passage: ID<Use>, _ price: Money, in transaction: any SQLReading
    ) throws(Problem) -> Bool {
        guard price.minorUnits > 0 else { return true }
        for name in [passage.uuid, renewed(passage).uuid] {
            if try Books.transfer(transfer("pay", name), in: transaction) != nil { return true }
        }
        return false
    }

    /// The identifier under which a passage is paid whose hold had expired before its receipt came.
    package static func renewed<Use>(_ passage: ID<Use>) -> ID<Use> {
        ID(derivedFrom: Digest(of: "renewed/" + passage.uuid))
    }

    /// Gives a reservation up: the holder refused, or its time is over.
    package static func void<Use>(
        _ passage: ID<Use>, _ price: Money, in transaction: any SQLWriting
    ) throws(Problem) {
        guard price.minorUnits > 0 else { return }
        _ = try Books.post(
            [Transfer.voiding(transfer("reserve", passage.uuid), id: transfer("void", passage.uuid))],
            in: transaction)
    }

    private static func shares(
        of price: Money, under agreement: Agreement, fees: FeeSchedule, in transaction: any SQLWriting
    ) throws(Problem) -> [(account: ID<Account>, amount: Int64)] {
        func part(_ basisPoints: Int64) -> Int64 { price.minorUnits * basisPoints / 10_000 }
        var shares = [(account: account(.fee, of: "exchange"), amount: part(fees.exchange))]
        let assessors = try AttestationBook.all(about: agreement.listing.assetCode, in: transaction)
            .filter { agreement.listing.requiredAttestations.contains($0.kind.rawValue) }
        for attester in Set(assessors.map(\.attester)).sorted() {
            let party = try PartyRegister.party(attester, in: transaction)
            try openAccounts(for: party, in: transaction)
            let count = Int64(Set(assessors.map(\.attester)).count)
            shares.append((account(.payable, of: party.id.uuid), part(fees.assessors) / count))
        }
        for line in agreement.listing.lineage where line.holder != agreement.provider {
            let party = try PartyRegister.party(line.holder, in: transaction)
            try openAccounts(for: party, in: transaction)
            shares.append((account(.payable, of: party.id.uuid), part(line.basisPoints)))
        }
        return shares.filter { $0.amount > 0 }
    }

    private static func escrow(_ agreement: Agreement) -> ID<Account> {
        account(.escrow, of: agreement.id.uuid)
    }

    private static func transfer(_ step: String, _ about: String) -> ID<Transfer> {
        ID(derivedFrom: Digest(of: "transfer/\(step)/\(about)"))
    }
}

extension Agreement {
    /// How often its terms permit a use; `nil` without a limit.
    package var usesMax: Int64? { PlainTerms(policy)?.usesMax }
}
