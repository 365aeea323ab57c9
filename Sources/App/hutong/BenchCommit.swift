// SPDX-License-Identifier: Apache-2.0

import Ledger
import Metering
import Primitives
import Store
import StoreSQLite
import Transparency

/// What every client commits.
struct BenchCommit: Sendable {
    let command: BenchCommand
    let isHot: Bool
    let accounts: UInt64
    let log = TransparencyLog(pseudonyms: Pseudonyms(secret: Redacted(Array(repeating: 7, count: 32))))

    func transfer(at now: Instant, using random: inout SeededRandom) -> Transfer {
        let debit = isHot ? 2 : 2 + random.next() % (accounts - 1)
        let credit = 2 + (debit - 1 + random.next() % (accounts - 2)) % (accounts - 1)
        return Transfer(
            id: ID(at: now, using: &random), debit: ID(high: 1, low: debit), credit: ID(high: 1, low: credit),
            amount: 1, unit: .cny, code: TransferCode.payment)
    }

    /// What the log will say; made by the client, before it stands in the writer's line.
    func entry(for transfer: Transfer) -> LogEntry {
        LogEntry(
            .passageSettled, subject: Code(.passage, transfer.id),
            content: ["transfer": .string(transfer.id.uuid), "amount": .integer(transfer.amount)])
    }

    /// The use, likewise.
    func event(for transfer: Transfer) -> UsageEvent {
        UsageEvent(id: transfer.id.uuid, source: "bench", type: "query", subject: "bench")
    }

    /// One client's request, durable when it returns.
    func send(_ transfer: Transfer, to store: SQLiteStore) async throws(Problem) {
        guard command != .transfer else {
            try await store.write { tx throws(Problem) in try Books.require([transfer], in: tx) }
            return
        }
        let entry = entry(for: transfer)
        let event = command == .passage ? event(for: transfer) : nil
        let log = log
        try await store.write { tx throws(Problem) in
            try Books.require([transfer], in: tx)
            try log.append(entry, in: tx)
            guard let event else { return }
            _ = try UsageMeter.record([event], in: tx)
            try Grants.consume(transfer.id.retyped(), of: ID(high: 3, low: 1), in: tx)
        }
    }

    /// Opens the accounts, each with money, and what the commit needs beside them.
    static func prepare(_ store: SQLiteStore, accounts: UInt64) async throws {
        try await store.migrate(
            LedgerSchema.migrations + MeteringSchema.migrations + TransparencySchema.migrations)
        try await store.write { tx throws(Problem) in
            for number in 1...accounts {
                let account = Account(
                    id: ID(high: 1, low: number), unit: .cny, kind: .prepaid,
                    limit: number == 1 ? .none : .debitsMustNotExceedCredits, name: "bench")
                try Books.requireOpen([account], in: tx)
                if number == 1 { continue }
                let topUp = Transfer(
                    id: ID(high: 2, low: number), debit: ID(high: 1, low: 1), credit: account.id,
                    amount: 1_000_000_000, unit: .cny, code: TransferCode.topUp)
                try Books.require([topUp], in: tx)
            }
            try UsageMeter.define(MeterDefinition(type: "query", aggregation: .count), in: tx)
            let grant = UsageGrant(
                id: ID(high: 3, low: 1), holder: ID<Account>(high: 1, low: 2),
                asset: ID<Account>(high: 3, low: 2),
                purpose: "bench", granted: .max, startsAt: Instant(microseconds: 0),
                endsAt: Instant(microseconds: .max))
            try Grants.issue(grant, in: tx)
        }
    }
}
