// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// The books as plain text that other bookkeeping programs read, so that nobody needs to believe ours.
package enum JournalFormat: String, Hashable, Sendable, CaseIterable {
    case ledger, hledger, beancount
}

/// One journal of all posted transfers, oldest first: an entry each, dated in the zone, debit positive.
///
/// Pending and released amounts are no bookings and do not appear. Accounts are named
/// `Liabilities:Prepaid:ACC-…`, the last part being the account's code in capitals.
package struct Journal: Sendable {
    private let accounts: [ID<Account>: Account]
    private let order: [Account]
    private let transfers: [PostedTransfer]

    /// Everything up to and with a moment. Cost: the whole journal in memory, about 200 bytes a transfer.
    package init(through end: Instant, in tx: any SQLReading) throws(Problem) {
        order = try Books.accounts(in: tx)
        accounts = Dictionary(uniqueKeysWithValues: order.map { ($0.id, $0) })
        transfers = try Books.transfers(after: Instant(microseconds: -1), through: end, in: tx)
            .filter { $0.isPosted && $0.amount > 0 }
    }

    /// The text; ends with a line feed.
    package func written(_ format: JournalFormat, zone: TimeZoneOffset = .shanghai) -> String {
        var lines = heading(format, zone: zone)
        for transfer in transfers { lines += entry(transfer, format, zone: zone) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// An account's name in every format.
    package static func name(of account: Account) -> String {
        "\(account.kind.root):\(account.kind.label):\(Code(.account, account.id).text.uppercased())"
    }

    private func heading(_ format: JournalFormat, zone: TimeZoneOffset) -> [String] {
        let units = LedgerUnit.allCases.filter { unit in order.contains { $0.unit == unit } }
        switch format {
        case .ledger, .hledger:
            let sample = units.map { "commodity \($0.decimals == 0 ? "1000." : "1000.00") \($0.symbol)" }
            let names = order.map { "account \(Self.name(of: $0))" }
            return (format == .hledger ? sample : []) + names + [""]
        case .beancount:
            let options =
                #"option "title" "Hutong""# + "\n"
                + units.prefix(1).map { #"option "operating_currency" "\#($0.symbol)""# }.joined()
            let opened = order.map { "1970-01-01 open \(Self.name(of: $0)) \($0.unit.symbol)" }
            return [options] + opened + [""]
        }
    }

    private func entry(_ transfer: PostedTransfer, _ format: JournalFormat, zone: TimeZoneOffset) -> [String]
    {
        guard let debit = accounts[transfer.debit], let credit = accounts[transfer.credit] else { return [] }
        let day = transfer.at.day(in: zone)
        let code = Code(.transfer, transfer.id).text
        let label = TransferCode.label(transfer.code)
        let title =
            switch format {
            case .ledger, .hledger: "\(day) * (\(code)) \(label)"
            case .beancount: "\(day) * \"\(label)\" \"\(code)\""
            }
        let amount = transfer.unit.written(transfer.amount)
        return [
            title, "    \(Self.name(of: debit))  \(amount) \(transfer.unit.symbol)",
            "    \(Self.name(of: credit))  -\(amount) \(transfer.unit.symbol)", "",
        ]
    }
}
