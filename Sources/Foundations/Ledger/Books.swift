// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// The books of one node: what may be done to accounts and transfers.
///
/// Every function takes the command it runs in, so that a transfer, the grant it consumes, its meter event and
/// its log leaf are one commit. Nothing is kept in memory between commands.
package enum Books {
    /// Transfers of one call. It bounds the time others wait for one command.
    package static let transfersMax = 8190

    /// Opens accounts; one that stands already with the same body is found, not changed.
    package static func open(
        _ accounts: [Account], in tx: any SQLWriting
    ) throws(Problem) -> [AccountStatus] {
        var statuses: [AccountStatus] = []
        var last = try tx.count("SELECT coalesce(max(number), 0) FROM ledger_account")
        for account in accounts {
            let status = try open(account, number: last + 1, in: tx)
            if status == .created { last += 1 }
            statuses.append(status)
        }
        return statuses
    }

    private static func open(
        _ account: Account, number: Int64, in tx: any SQLWriting
    ) throws(Problem) -> AccountStatus {
        if account.id.isZero { return .idMustNotBeZero }
        if let standing = try self.account(account.id, in: tx) { return compare(account, standing) }
        try tx.execute(
            """
            INSERT INTO ledger_account (number, id, unit, kind, balance_limit, owner, name, opened_at) \
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                number, account.id, account.unit.rawValue, account.kind.rawValue, account.limit.rawValue,
                account.owner, account.name, tx.now,
            ])
        return .created
    }

    private static func compare(_ account: Account, _ standing: Account) -> AccountStatus {
        if account.unit != standing.unit { return .existsWithDifferentUnit }
        if account.kind != standing.kind { return .existsWithDifferentKind }
        if account.limit != standing.limit { return .existsWithDifferentLimit }
        if account.owner != standing.owner { return .existsWithDifferentOwner }
        return .exists
    }

    /// Posts transfers one after the other and says how each ended; chains of linked ones succeed or fail
    /// together. An id that failed for a reason that could pass is used up.
    ///
    /// Pending transfers whose time is over are released first. Cost: four statements a transfer.
    package static func post(
        _ transfers: [Transfer], in tx: any SQLWriting
    ) throws(Problem) -> [TransferStatus] {
        guard transfers.count <= transfersMax else { throw .tooManyTransfers(transfers.count) }
        let posting = Posting(in: tx)
        try posting.expireDue()
        var statuses: [TransferStatus] = []
        statuses.reserveCapacity(transfers.count)
        var rest = transfers[...]
        while let first = rest.first {
            let isChain = first.flags.contains(.linked)
            let chain =
                isChain
                ? rest.prefix(through: rest.firstIndex { !$0.flags.contains(.linked) }) : rest.prefix(1)
            if isChain {
                statuses += try posting.postChain(chain)
            } else {
                statuses.append(try posting.post(first))
            }
            rest = rest.dropFirst(chain.count)
        }
        return statuses
    }

    /// Posts transfers that must all stand, now or from an earlier call with the same ids; else throws what
    /// stopped the first, and with the command everything is taken back.
    package static func require(_ transfers: [Transfer], in tx: any SQLWriting) throws(Problem) {
        let statuses = try post(transfers, in: tx)
        guard
            let place = statuses.firstIndex(where: { !$0.isStanding && $0 != .linkedTransferFailed })
                ?? statuses.firstIndex(where: { !$0.isStanding })
        else { return }
        throw .transferRefused(transfers[place], statuses[place])
    }

    /// Opens accounts that must stand afterwards.
    package static func requireOpen(_ accounts: [Account], in tx: any SQLWriting) throws(Problem) {
        let statuses = try open(accounts, in: tx)
        guard let place = statuses.firstIndex(where: { !$0.isStanding }) else { return }
        throw .accountRefused(accounts[place], statuses[place])
    }

    /// Releases pending transfers whose time is over, at most `most`; answers how many. A job calls it so that
    /// money comes back without anybody asking; `post` does it anyway before it decides.
    @discardableResult
    package static func expire(most: Int = 1000, in tx: any SQLWriting) throws(Problem) -> Int {
        let posting = Posting(in: tx)
        return try posting.expireDue(most: most)
    }
}

extension ArraySlice {
    /// Up to and with the place; all of it where there is none.
    fileprivate func prefix(through place: Index?) -> ArraySlice {
        place.map { self[startIndex...$0] } ?? self
    }
}
