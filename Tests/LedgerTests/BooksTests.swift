// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import Primitives
import Store
import TestStores
import Testing

@Suite("Books")
struct BooksTests {
    let clock = ManualClock()

    static func account(_ number: UInt64, _ kind: AccountKind = .prepaid, limit: BalanceLimit = .none)
        -> Account
    {
        Account(id: ID(high: 1, low: number), unit: .cny, kind: kind, limit: limit, name: "account \(number)")
    }

    static func transfer(_ number: UInt64, from debit: UInt64, to credit: UInt64, _ amount: Int64) -> Transfer
    {
        Transfer(
            id: ID(high: 2, low: number), debit: ID(high: 1, low: debit), credit: ID(high: 1, low: credit),
            amount: amount, unit: .cny, code: TransferCode.payment)
    }

    /// A store with a custodian account 1, a buyer 2 who cannot overdraw and holds `funds`, and a seller 3.
    func funded(_ engine: Engine, _ funds: Int64 = 100) async throws -> PlacedStore {
        let store = try Place(engine).open(clock: clock)
        try await store.migrate(LedgerSchema.migrations)
        try await store.write { tx throws(Problem) in
            try Books.requireOpen(
                [
                    Self.account(1, .custodian), Self.account(2, limit: .debitsMustNotExceedCredits),
                    Self.account(3, .payable),
                ], in: tx)
            try Books.require([Self.transfer(1, from: 1, to: 2, funds)], in: tx)
        }
        return store
    }

    func post(_ transfers: Transfer..., in store: PlacedStore) async throws -> [TransferStatus] {
        try await store.write { tx throws(Problem) in try Books.post(transfers, in: tx) }
    }

    func balance(_ number: UInt64, in store: PlacedStore) async throws -> Balance? {
        try await store.read { tx throws(Problem) in
            try Books.account(ID(high: 1, low: number), in: tx)?.balance
        }
    }

    @Test(
        "a retry gets the same answer for ever, and another body under the same id gets its own refusal",
        arguments: Engine.available)
    func idempotent(_ engine: Engine) async throws {
        let store = try await funded(engine)
        let payment = Self.transfer(10, from: 2, to: 3, 100)
        #expect(try await post(payment, in: store) == [.created])
        // The account is empty now; the answer is still that the transfer stands.
        #expect(try await post(payment, in: store) == [.exists])
        var other = payment
        other.amount = 99
        #expect(try await post(other, in: store) == [.existsWithDifferentAmount])
        #expect(try await balance(3, in: store)?.creditsPosted == 100)
        await store.close()
    }

    @Test(
        "an id that was refused for want of money stays refused when the money has come",
        arguments: Engine.available)
    func failedForEver(_ engine: Engine) async throws {
        let store = try await funded(engine, 5)
        let payment = Self.transfer(10, from: 2, to: 3, 6)
        #expect(try await post(payment, in: store) == [.exceedsCredits])
        #expect(try await post(Self.transfer(11, from: 1, to: 2, 100), in: store) == [.created])
        #expect(try await post(payment, in: store) == [.idAlreadyFailed])
        await store.close()
    }

    @Test(
        "what is held cannot be spent twice, is taken in part and the rest comes back",
        arguments: Engine.available)
    func holdAndCapture(_ engine: Engine) async throws {
        let store = try await funded(engine, 100)
        let hold = Self.transfer(10, from: 2, to: 3, 80).held(forSeconds: 60)
        #expect(try await post(hold, in: store) == [.created])
        #expect(try await post(Self.transfer(11, from: 2, to: 3, 21), in: store) == [.exceedsCredits])
        let capture = Transfer.posting(hold.id, id: ID(high: 2, low: 12), amount: 30)
        #expect(try await post(capture, in: store) == [.created])
        #expect(try await post(capture, in: store) == [.exists])
        #expect(try await balance(2, in: store)?.available == 70)
        let again = Transfer.voiding(hold.id, id: ID(high: 2, low: 13))
        #expect(try await post(again, in: store) == [.pendingTransferAlreadyPosted])
        await store.close()
    }

    @Test(
        "a hold ends by the clock and the money is free again, without anybody asking",
        arguments: Engine.available)
    func expires(_ engine: Engine) async throws {
        let store = try await funded(engine, 100)
        let hold = Self.transfer(10, from: 2, to: 3, 100).held(forSeconds: 60)
        #expect(try await post(hold, in: store) == [.created])
        clock.move(by: 59_999_999)
        #expect(try await post(Self.transfer(11, from: 2, to: 3, 1), in: store) == [.exceedsCredits])
        clock.move(by: 1)
        #expect(try await post(Self.transfer(12, from: 2, to: 3, 100), in: store) == [.created])
        let late = Transfer.posting(hold.id, id: ID(high: 2, low: 13))
        #expect(try await post(late, in: store) == [.pendingTransferExpired])
        await store.close()
    }

    @Test(
        "linked transfers succeed or fail together, and a retried chain is found whole",
        arguments: Engine.available)
    func linked(_ engine: Engine) async throws {
        let store = try await funded(engine, 100)
        let good = Self.transfer(10, from: 2, to: 3, 60).linkedToNext
        let bad = Self.transfer(11, from: 2, to: 3, 41)
        #expect(try await post(good, bad, in: store) == [.linkedTransferFailed, .exceedsCredits])
        #expect(try await balance(2, in: store)?.available == 100)
        let fitting = Self.transfer(12, from: 2, to: 3, 40)
        #expect(try await post(good, fitting, in: store) == [.created, .created])
        #expect(try await post(good, fitting, in: store) == [.exists, .exists])
        #expect(try await post(good, in: store) == [.linkedChainOpen])
        await store.close()
    }

    @Test(
        "a closing transfer closes an account, and voiding it opens the account again",
        arguments: Engine.available)
    func closing(_ engine: Engine) async throws {
        let store = try await funded(engine, 100)
        var close = Self.transfer(10, from: 2, to: 3, 0).held(forSeconds: 0)
        close.flags.insert(.closingDebit)
        #expect(try await post(close, in: store) == [.created])
        #expect(
            try await post(Self.transfer(11, from: 2, to: 3, 1), in: store) == [.debitAccountAlreadyClosed])
        #expect(try await post(.voiding(close.id, id: ID(high: 2, low: 12)), in: store) == [.created])
        #expect(try await post(Self.transfer(13, from: 2, to: 3, 1), in: store) == [.created])
        await store.close()
    }

    @Test("S67: the books sum to zero, and every past moment can be asked for", arguments: Engine.available)
    func past(_ engine: Engine) async throws {
        let store = try await funded(engine, 100)
        let before = Instant(microseconds: clock.wall.now().microseconds + 10)
        clock.move(by: 1_000_000)
        let hold = Self.transfer(10, from: 2, to: 3, 80).held(forSeconds: 60)
        #expect(try await post(hold, in: store) == [.created])
        let during = Instant(microseconds: clock.wall.now().microseconds + 10)
        clock.move(by: 61_000_000)
        #expect(try await post(Self.transfer(12, from: 2, to: 3, 1), in: store) == [.created])
        let (old, held, faults) = try await store.read { tx throws(Problem) in
            (
                try Books.accounts(at: before, in: tx), try Books.accounts(at: during, in: tx),
                try Books.faults(in: tx)
            )
        }
        #expect(old[1].balance.available == 100)
        #expect(held[1].balance.available == 20)
        #expect(held[2].balance.creditsPending == 80)
        #expect(faults.isEmpty)
        await store.close()
    }

    @Test("a refused command leaves no trace in the books", arguments: Engine.available)
    func refusedCommand(_ engine: Engine) async throws {
        let store = try await funded(engine, 5)
        let problem = await #expect(throws: Problem.self) {
            try await store.write { tx throws(Problem) in
                try Books.require([Self.transfer(10, from: 2, to: 3, 6)], in: tx)
            }
        }
        #expect(problem?.code == "ledger.balance-insufficient")
        #expect(try await post(Self.transfer(11, from: 1, to: 2, 100), in: store) == [.created])
        #expect(try await post(Self.transfer(10, from: 2, to: 3, 6), in: store) == [.created])
        await store.close()
    }
}
