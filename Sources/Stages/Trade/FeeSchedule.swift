// SPDX-License-Identifier: Apache-2.0

import Identity
import Ledger
package import Primitives
import Register
import Store

/// What part of an income goes to whom besides the holder: the exchange, the tax office, the assessors whose
/// attestations the listing requires. The remainder, exact to the fen, stays with the holder.
package struct FeeSchedule: Hashable, Sendable {
    /// Of 10,000, as the others.
    package let exchange: Int64
    package let assessors: Int64
    package let tax: Int64

    package init(exchange: Int64, assessors: Int64, tax: Int64 = 0) {
        self.exchange = exchange
        self.assessors = assessors
        self.tax = tax
    }

    package static let standard = FeeSchedule(exchange: 500, assessors: 200)

    private static let millionthsPerBasisPoint: Int64 = 100

    /// Refuses a listing that promises away more than the fees leave: `trade.split-invalid`.
    package func requireRoom(for listing: Listing) throws(Problem) {
        let promised = listing.lineage.reduce(exchange + assessors + tax) { $0 + $1.basisPoints }
        if promised > 10_000 { throw .splitInvalid("the shares and fees exceed the whole") }
    }

    /// How one payment under an agreement is shared. Opens the accounts of those who get a part.
    func split(
        of agreement: Agreement, in transaction: any SQLWriting
    ) throws(Problem) -> RevenueSplit<ID<Account>> {
        typealias Split = RevenueSplit<ID<Account>>
        let listing = agreement.listing
        func deduction(_ payee: ID<Account>, _ millionths: Int64) -> Split.Deduction? {
            millionths == 0 ? nil : Split.Deduction(payee, millionths: millionths)
        }
        var deductions = [
            deduction(Bookkeeping.account(.fee, of: "exchange"), exchange * Self.millionthsPerBasisPoint),
            deduction(Bookkeeping.account(.tax, of: "exchange"), tax * Self.millionthsPerBasisPoint),
        ]
        let attesters = Set(
            try AttestationBook.all(about: listing.assetCode, in: transaction)
                .filter { listing.requiredAttestations.contains($0.kind.rawValue) }.map(\.attester)
        ).sorted()
        for attester in attesters {
            let share = assessors * Self.millionthsPerBasisPoint / Int64(attesters.count)
            deductions.append(deduction(try payable(attester, in: transaction), share))
        }
        for line in listing.lineage where line.holder != agreement.provider {
            deductions.append(
                deduction(
                    try payable(line.holder, in: transaction), line.basisPoints * Self.millionthsPerBasisPoint
                ))
        }
        let holder = try payable(agreement.provider, in: transaction)
        return try Split(
            deductions: deductions.compactMap { $0 }, owners: [.init(holder, weight: 1)], remainderTo: holder)
    }

    private func payable(_ id: ID<Party>, in transaction: any SQLWriting) throws(Problem) -> ID<Account> {
        try Bookkeeping.openAccounts(for: PartyRegister.party(id, in: transaction), in: transaction)
        return Bookkeeping.account(.payable, of: id.uuid)
    }
}
