// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import Primitives
import Store
import TestStores
import Testing

/// Random histories. Identifiers come from a small set, so that every kind of repetition happens.
struct RandomTransfers {
    var random: SeededRandom
    let accounts: UInt64
    let ids: UInt64

    mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }
    mutating func pick(_ count: UInt64) -> UInt64 { random.next() % count }

    mutating func account() -> ID<Account> {
        if chance(1) { return ID(high: 0, low: 0) }
        if chance(1) { return ID(high: .max, low: .max) }
        return ID(high: 1, low: 1 + pick(accounts + (chance(2) ? 1 : 0)))
    }

    mutating func id() -> ID<Transfer> {
        if chance(1) { return ID(high: chance(50) ? 0 : .max, low: chance(50) ? 0 : .max) }
        return ID(high: 2, low: 1 + pick(ids))
    }

    mutating func amount() -> Int64 {
        if chance(2) { return Transfer.everything }
        if chance(1) { return Transfer.everything - Int64(pick(50)) }
        return chance(1) ? -1 : Int64(pick(60))
    }

    mutating func next() -> Transfer {
        var transfer = Transfer(
            id: id(), debit: account(), credit: account(), amount: amount(), unit: .cny, code: 3)
        if chance(2) { transfer.unit = chance(50) ? 0 : LedgerUnit.rows.rawValue }
        if chance(3) { transfer.code = Int64(pick(3)) }
        switch pick(10) {
        case 0...3: break
        case 4...5:
            transfer.flags = [.pending]
            if chance(70) { transfer.timeoutSeconds = Int64(pick(4)) }
            if chance(1) { transfer.timeoutSeconds = .max }
            if chance(3) { transfer.flags.insert(chance(50) ? .closingDebit : .closingCredit) }
        case 6...8:
            transfer.flags = chance(60) ? [.post] : [.void]
            transfer.pendingID = id()
            if chance(90) { (transfer.debit, transfer.credit) = (ID(high: 0, low: 0), ID(high: 0, low: 0)) }
            if chance(90) { (transfer.unit, transfer.code) = (0, 0) }
            if chance(60) { transfer.amount = transfer.flags == [.post] ? Transfer.everything : 0 }
        default: transfer.flags = chance(50) ? [.balancingDebit] : [.balancingCredit]
        }
        if chance(2) { transfer.flags.formUnion(TransferFlags(rawValue: 1 << Int64(1 + pick(9)))) }
        if chance(2) { transfer.subject = ID(high: 3, low: pick(2)) }
        if chance(2) { transfer.reference = 1 }
        if chance(1) { transfer.timeoutSeconds &+= 1 }
        if chance(1) { transfer.pendingID = id() }
        return transfer
    }
}

@Suite("Books against their model")
struct ModelTests {
    /// A million operations in a release build; a debug build is forty times slower and does fewer.
    static let operations: Int = {
        if let wish = ProcessInfo.processInfo.environment["HUTONG_MODEL_OPERATIONS"].flatMap(Int.init) {
            return wish
        }
        var isDebug = false
        assert(
            {
                isDebug = true; return true
            }())
        return isDebug ? 20_000 : 1_000_000
    }()

    static func kinds(_ count: UInt64) -> [Account] {
        (1...count).map { number in
            let limit: BalanceLimit = [.none, .debitsMustNotExceedCredits, .creditsMustNotExceedDebits][
                Int(number % 3)]
            let unit: LedgerUnit = number == count ? .rows : .cny
            return Account(id: ID(high: 1, low: number), unit: unit, kind: .prepaid, limit: limit, name: "a")
        }
    }

    @Test("random operations end as the model says, and after each the books sum to zero")
    func random() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("model seed \(seed), \(Self.operations) operations")
        let place = Place()
        let clock = ManualClock(1_000_000)
        let store = try place.open(clock: clock)
        try await store.migrate(LedgerSchema.migrations)
        var random = RandomTransfers(random: SeededRandom(seed: seed), accounts: 8, ids: 300)
        var done = 0
        var epoch: UInt64 = 0
        while done < Self.operations {
            // A fresh set of ids and accounts every so often keeps the histories young: most ids end refused.
            epoch += 1
            let batch = min(2000, Self.operations - done)
            let start = random
            let (seen, after) = try await store.write { [clock] tx throws(Problem) in
                try Self.compare(batch, start, clock: clock, in: tx)
            }
            random = after
            done += batch
            #expect(seen == nil, "seed \(seed), epoch \(epoch)")
            if seen != nil { break }
        }
        await store.close()
    }

    /// Runs one history in the store and in the model, then empties the books again.
    static func compare(
        _ count: Int, _ start: RandomTransfers, clock: ManualClock, in tx: any SQLWriting
    ) throws(Problem) -> (difference: String?, after: RandomTransfers) {
        var random = start
        var model = ReferenceBooks()
        for table in ["ledger_account", "ledger_transfer", "ledger_pending"] {
            try tx.execute("DELETE FROM \(table)")
        }
        let accounts = kinds(8)
        _ = try Books.open(accounts, in: tx)
        for account in accounts {
            model.accounts[account.id] = account; model.balances[account.id] = Balance()
        }
        var time = tx.now.microseconds
        for step in 0..<count {
            if random.chance(20) { time += Int64(random.pick(1500)) * 1000 }
            let command = TimedCommand(base: tx, now: Instant(microseconds: time))
            model.now = time
            model.expire()
            let transfer = random.next()
            let expected = model.post(transfer)
            let status = try Books.post([transfer], in: command)[0]
            if status != expected {
                return ("step \(step): \(status), model \(expected): \(transfer)", random)
            }
            let sum = model.balances.values.reduce(0) { $0 &+ $1.debitsPosted &- $1.creditsPosted }
            if sum != 0 { return ("step \(step): the model's books sum to \(sum)", random) }
            if step % 250 == 249 || step == count - 1 {
                for account in try Books.accounts(in: tx) where account.balance != model.balances[account.id]
                {
                    return (
                        "step \(step): \(account) against \(String(describing: model.balances[account.id]))",
                        random
                    )
                }
            }
        }
        let faults = try faultsWithoutOverflow(in: tx)
        return (faults.first, random)
    }

    /// Sums over accounts near the top of the range overflow in SQL; such histories are compared by model only.
    private static func faultsWithoutOverflow(in tx: any SQLWriting) throws(Problem) -> [String] {
        let large = try tx.count("SELECT count(*) FROM ledger_transfer WHERE amount > 1000000000000")
        return large == 0 ? try Books.faults(in: tx) : []
    }

    @Test("every history of four steps over two accounts ends as the model says")
    func exhaustive() async throws {
        let place = Place()
        let store = try place.open(clock: ManualClock(1_000_000))
        try await store.migrate(LedgerSchema.migrations)
        let alphabet = Self.alphabet
        let difference = try await store.write { tx throws(Problem) -> String? in
            for history in 0..<Int(pow(Double(alphabet.count), 4)) {
                if let difference = try Self.run(history, alphabet, in: tx) { return difference }
            }
            return nil
        }
        #expect(difference == nil)
        await store.close()
    }

    /// Each step has an id of its own, but for the repetitions that are in the alphabet.
    static let alphabet: [(Transfer, Int64)] = {
        func id(_ number: UInt64) -> ID<Transfer> { ID(high: 2, low: number) }
        let fund = BooksTests.transfer(1, from: 1, to: 2, 10)
        let spend = BooksTests.transfer(2, from: 2, to: 1, 10)
        let hold = BooksTests.transfer(3, from: 2, to: 1, 10).held(forSeconds: 5)
        let part = Transfer.posting(hold.id, id: id(4), amount: 4)
        let whole = Transfer.posting(hold.id, id: id(5))
        let back = Transfer.voiding(hold.id, id: id(6))
        var other = fund
        other.amount = 11
        return [
            (fund, 0), (spend, 0), (hold, 0), (part, 0), (whole, 0), (back, 0), (other, 0),
            (spend, 5_000_000),
        ]
    }()

    static func run(
        _ history: Int, _ alphabet: [(Transfer, Int64)], in tx: any SQLWriting
    ) throws(Problem) -> String? {
        var model = ReferenceBooks()
        for table in ["ledger_account", "ledger_transfer", "ledger_pending"] {
            try tx.execute("DELETE FROM \(table)")
        }
        let accounts = [
            BooksTests.account(1, .custodian), BooksTests.account(2, limit: .debitsMustNotExceedCredits),
        ]
        _ = try Books.open(accounts, in: tx)
        for account in accounts {
            model.accounts[account.id] = account; model.balances[account.id] = Balance()
        }
        var time = tx.now.microseconds
        var rest = history
        for _ in 0..<4 {
            let (transfer, wait) = alphabet[rest % alphabet.count]
            rest /= alphabet.count
            time += wait
            model.now = time
            model.expire()
            let command = TimedCommand(base: tx, now: Instant(microseconds: time))
            let expected = model.post(transfer)
            let status = try Books.post([transfer], in: command)[0]
            if status != expected { return "history \(history): \(status), model \(expected)" }
        }
        return try Books.faults(in: tx).first
    }
}

/// A command at another time: many moments in one transaction, so that tests are fast.
struct TimedCommand: SQLWriting {
    let base: any SQLWriting
    let now: Instant
    var dialect: SQLDialect { base.dialect }
    func tick() -> Instant { base.tick() }

    func query(
        _ sql: String, _ arguments: [any SQLConvertible], each: (any SQLRow) throws(Problem) -> Void
    ) throws(Problem) {
        try base.query(sql, arguments, each: each)
    }

    func execute(_ sql: String, _ arguments: [any SQLConvertible]) throws(Problem) -> Int {
        try base.execute(sql, arguments)
    }
}
