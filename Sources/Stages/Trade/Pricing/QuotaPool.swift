// SPDX-License-Identifier: Apache-2.0

package import Ledger
package import Policy
package import Primitives
import Store

/// A prepaid pool 数据消费池: packs of uses bought whole, counted in the books in the unit of uses. Whoever asks
/// sees what is left, and every use leaves the pool in the commit that meters it.
package enum QuotaPool {
    /// The account of what is left of an agreement's packs for one door.
    package static func account<Noun>(of agreement: ID<Noun>, _ door: Door) -> ID<Account> {
        Bookkeeping.account(.quota, of: "\(door.rawValue)/\(agreement.uuid)")
    }

    /// Takes the settled use with this number in its month from the pool; the first of each pack fills it. A month's
    /// packs end with it.
    static func use<Use>(
        _ passage: ID<Use>, through door: Door, used: Int64, under agreement: Agreement,
        in transaction: any SQLWriting
    ) throws(Problem) {
        guard let size = agreement.listing.price.packSize(for: door) else { return }
        let accounts = Accounts(agreement, door)
        try Books.requireOpen(accounts.all, in: transaction)
        var transfers: [Transfer] = []
        if (used - 1) % size == 0 {
            let left = try Books.account(accounts.pool.id, in: transaction)?.balance.available ?? 0
            if left > 0 {
                transfers.append(
                    accounts.move(left, passage, "expire", from: accounts.pool, to: accounts.used))
            }
            transfers.append(accounts.move(size, passage, "issue", from: accounts.issued, to: accounts.pool))
        }
        transfers.append(accounts.move(1, passage, "use", from: accounts.pool, to: accounts.used))
        try Books.require(transfers, in: transaction)
    }

    private struct Accounts {
        let issued: Account
        let pool: Account
        let used: Account

        init(_ agreement: Agreement, _ door: Door) {
            let name = "\(agreement.code.text) \(door.rawValue)"
            func account(_ kind: AccountKind, _ id: ID<Account>, _ limit: BalanceLimit) -> Account {
                Account(id: id, unit: .queries, kind: kind, limit: limit, owner: agreement.id, name: name)
            }
            issued = account(
                .quotaIssued, Bookkeeping.account(.quotaIssued, of: "\(door.rawValue)/\(agreement.id.uuid)"),
                .none)
            pool = account(.quota, QuotaPool.account(of: agreement.id, door), .debitsMustNotExceedCredits)
            used = account(
                .quotaUsed, Bookkeeping.account(.quotaUsed, of: "\(door.rawValue)/\(agreement.id.uuid)"),
                .none)
        }

        var all: [Account] { [issued, pool, used] }

        func move<Use>(
            _ amount: Int64, _ passage: ID<Use>, _ step: String, from: Account, to: Account
        ) -> Transfer {
            var transfer = Transfer(
                id: ID(derivedFrom: Digest(of: "quota/\(step)/\(passage.uuid)")), debit: from.id,
                credit: to.id,
                amount: amount, unit: .queries,
                code: step == "issue" ? TransferCode.quotaGrant : TransferCode.quotaUse)
            // A use that was reserved in the last month finds the new month's pool: it is paid, and takes what is there.
            if step != "issue" { transfer.flags = .balancingDebit }
            return transfer.about(passage)
        }
    }
}

extension PricePlan {
    /// Uses in one pack of a door; `nil` where the door is not sold in packs.
    func packSize(for door: Door) -> Int64? {
        for case .packs(let meter, let size, _) in components where meter == door.rawValue { return size }
        return nil
    }
}
