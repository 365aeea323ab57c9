// SPDX-License-Identifier: Apache-2.0

import Ledger
import Metering
import Primitives
import Store
import TestStores
import Testing
import Trade

@Suite("Settlement")
struct SettlementTests {
    let clock = ManualClock()
    static let order = ID<Settlement>(high: 5, low: 1)
    static let receipt = Digest(of: "receipt")

    static func account(_ number: UInt64) -> ID<Account> { ID(high: 1, low: number) }

    /// Custodian 1, buyer 2 with 1,000 fen, escrow 3, bus company 4, bureau 5, exchange 6.
    func opened(_ engine: Engine) async throws -> PlacedStore {
        let store = try Place(engine).open(clock: clock)
        try await store.migrate(
            LedgerSchema.migrations + MeteringSchema.migrations + SettlementSchema.migrations)
        try await store.write { tx throws(Problem) in
            let kinds: [AccountKind] = [.custodian, .prepaid, .escrow, .payable, .payable, .fee]
            try Books.requireOpen(
                kinds.enumerated().map { place, kind in
                    Account(
                        id: Self.account(UInt64(place + 1)), unit: .cny, kind: kind,
                        limit: kind == .custodian ? .none : .debitsMustNotExceedCredits, name: "\(kind)")
                }, in: tx)
            let topUp = Transfer(
                id: ID(high: 2, low: 1), debit: Self.account(1), credit: Self.account(2), amount: 1000,
                unit: .cny,
                code: TransferCode.topUp)
            try Books.require([topUp], in: tx)
        }
        return store
    }

    func parties() throws -> SettlementParties {
        let split = try RevenueSplit(
            deductions: [.init(Self.account(6), millionths: 30_000)],
            owners: [.init(Self.account(4), weight: 2), .init(Self.account(5), weight: 1)],
            remainderTo: Self.account(4))
        return SettlementParties(buyer: Self.account(2), escrow: Self.account(3), split: split)
    }

    func held(_ store: PlacedStore, _ amount: Int64 = 600) async throws {
        let parties = try parties()
        try await store.write { tx throws(Problem) in
            try SettlementDesk.hold(Self.order, parties, minorUnits: amount, seconds: 60, in: tx)
        }
    }

    /// Net credits of accounts 2…6, and the faults of the books.
    func books(_ store: PlacedStore) async throws -> [Int64] {
        try await store.read { tx throws(Problem) in
            let faults = try Books.faults(in: tx)
            if !faults.isEmpty { throw Problem(.fault, "test.books-broken", operatorNote: "\(faults)") }
            return try Books.accounts(in: tx).dropFirst().map { -$0.balance.net }
        }
    }

    func code(_ body: () async throws -> Void) async -> String? {
        do { try await body() } catch { return (error as? Problem)?.code }
        return nil
    }

    @Test(
        "S67: on the delivery's receipt the sellers are paid to the fen, once, and the rest is free again",
        arguments: Engine.available)
    func capture(_ engine: Engine) async throws {
        let store = try await opened(engine)
        try await held(store)
        try await held(store)
        for _ in 0..<3 {
            try await store.write { tx throws(Problem) in
                try SettlementDesk.capture(Self.order, minorUnits: 101, receipt: Self.receipt, in: tx)
            }
        }
        #expect(try await books(store) == [899, 0, 66, 32, 3])
        await store.close()
    }

    @Test(
        "S67: when the delivery fails the held payment goes back, by cancellation or by the clock",
        arguments: Engine.available)
    func failedDelivery(_ engine: Engine) async throws {
        let store = try await opened(engine)
        try await held(store)
        try await store.write { tx throws(Problem) in try SettlementDesk.release(Self.order, in: tx) }
        #expect(try await books(store)[0] == 1000)
        let later = ID<Settlement>(high: 5, low: 2)
        let parties = try parties()
        try await store.write { tx throws(Problem) in
            try SettlementDesk.hold(later, parties, minorUnits: 1000, seconds: 60, in: tx)
        }
        clock.move(by: 60_000_000)
        let refusal = await code {
            try await store.write { tx throws(Problem) in
                try SettlementDesk.capture(later, minorUnits: 1, receipt: Self.receipt, in: tx)
            }
        }
        #expect(refusal == "trade.settlement-elsewhere")
        try await store.write { tx throws(Problem) in _ = try Books.expire(in: tx) }
        let free = try await store.read { tx throws(Problem) in
            try Books.account(Self.account(2), in: tx)?.balance.available
        }
        #expect(free == 1000)
        await store.close()
    }

    @Test(
        "S69: a dispute stops the clock, and only the ruling moves the held money",
        arguments: Engine.available)
    func dispute(_ engine: Engine) async throws {
        let store = try await opened(engine)
        try await held(store)
        try await store.write { tx throws(Problem) in try SettlementDesk.freeze(Self.order, in: tx) }
        clock.move(by: 3_600_000_000)
        let refusal = await code {
            try await store.write { tx throws(Problem) in
                try SettlementDesk.capture(Self.order, minorUnits: 1, receipt: Self.receipt, in: tx)
            }
        }
        #expect(refusal == "trade.settlement-elsewhere")
        #expect(try await books(store) == [400, 600, 0, 0, 0])
        for _ in 0..<2 {
            try await store.write { tx throws(Problem) in
                try SettlementDesk.rule(Self.order, toSellers: 200, in: tx)
            }
        }
        #expect(try await books(store) == [800, 0, 130, 64, 6])
        await store.close()
    }

    @Test(
        "a refund comes from those who were paid, names the order and never exceeds the payment",
        arguments: Engine.available)
    func refund(_ engine: Engine) async throws {
        let store = try await opened(engine)
        try await held(store)
        try await store.write { tx throws(Problem) in
            try SettlementDesk.capture(Self.order, minorUnits: 600, receipt: Self.receipt, in: tx)
            try SettlementDesk.refund(Self.order, minorUnits: 100, in: tx)
            try SettlementDesk.refund(Self.order, minorUnits: 200, in: tx)
        }
        let refusal = await code {
            try await store.write { tx throws(Problem) in
                try SettlementDesk.refund(Self.order, minorUnits: 301, in: tx)
            }
        }
        #expect(refusal == "trade.refund-exceeds-payment")
        #expect(try await books(store)[0] == 700)
        let refunds = try await store.read { tx throws(Problem) in
            try Books.transfers(about: Self.order, in: tx).filter { $0.code == TransferCode.refund }
        }
        #expect(refunds.reduce(0) { $0 + $1.amount } == 300)
        await store.close()
    }

    @Test(
        "every step in every state answers something, and money is only ever where the state says",
        arguments: Engine.available)
    func everyStateEveryStep(_ engine: Engine) async throws {
        let store = try await opened(engine)
        let parties = try parties()
        var random = SeededRandom(seed: 3)
        for round in 0..<120 as Range<UInt64> {
            let order = ID<Settlement>(high: 6, low: round)
            for _ in 0..<6 {
                let step = random.next() % 7
                let amount = Int64(random.next() % 5)
                _ = await code {
                    try await store.write { tx throws(Problem) in
                        switch step {
                        case 0, 1:
                            try SettlementDesk.hold(order, parties, minorUnits: amount, seconds: 5, in: tx)
                        case 2:
                            try SettlementDesk.capture(
                                order, minorUnits: amount, receipt: Self.receipt, in: tx)
                        case 3: try SettlementDesk.freeze(order, in: tx)
                        case 4: try SettlementDesk.rule(order, toSellers: amount, in: tx)
                        case 5: try SettlementDesk.release(order, in: tx)
                        default: try SettlementDesk.refund(order, minorUnits: amount, in: tx)
                        }
                    }
                }
                clock.move(by: Int64(random.next() % 2_000_000))
            }
        }
        let now = clock.wall.now()
        let (escrow, frozen) = try await store.read { tx throws(Problem) in
            var frozen: Int64 = 0
            for round in 0..<120 as Range<UInt64> {
                let settlement = try SettlementDesk.settlement(
                    of: ID<Settlement>(high: 6, low: round), at: now, in: tx)
                if let settlement, settlement.state == .frozen { frozen += settlement.heldMinorUnits }
            }
            return (try Books.account(Self.account(3), in: tx)?.balance, frozen)
        }
        #expect(escrow.map { -$0.net } == frozen)
        #expect(try await books(store).reduce(0, +) == 1000)
        await store.close()
    }

    @Test(
        "S67: a statement is reproducible from its events, closes its period, and is corrected by a note only",
        arguments: Engine.available)
    func statement(_ engine: Engine) async throws {
        let store = try await opened(engine)
        let plan = try PricePlan(components: [.perUnit(meter: "query", price: UnitPrice(minorUnits: 7))])
        let start = clock.wall.now()
        clock.move(by: 1_000_000)
        @Sendable func event(_ id: String, _ time: Instant) -> UsageEvent {
            UsageEvent(id: id, source: "valve", type: "query", subject: "agr-1", time: time)
        }
        let inside = clock.wall.now()
        try await store.write { tx throws(Problem) in
            try UsageMeter.define(MeterDefinition(type: "query", aggregation: .count), in: tx)
            _ = try UsageMeter.record([event("1", inside), event("2", inside)], in: tx)
        }
        clock.move(by: 1_000_000)
        let end = clock.wall.now()
        let first = try await store.write { tx throws(Problem) in
            try StatementDesk.close(
                ID(high: 7, low: 1), subject: "agr-1", plan: plan, after: start, through: end, in: tx)
        }
        #expect(first.totalMinorUnits == 14)
        let digests = Digest(of: event("1", inside).digest.bytes + event("2", inside).digest.bytes)
        #expect(first.lines[0].evidence == digests)
        // A fact of the closed period comes late: the statement stands, the next one carries it.
        try await store.write { tx throws(Problem) in _ = try UsageMeter.record([event("3", inside)], in: tx)
        }
        clock.move(by: 1_000_000)
        let now = clock.wall.now()
        let (again, second) = try await store.write { tx throws(Problem) in
            (
                try StatementDesk.close(
                    ID(high: 7, low: 1), subject: "agr-1", plan: plan, after: start, through: end, in: tx),
                try StatementDesk.close(
                    ID(high: 7, low: 2), subject: "agr-1", plan: plan, after: end, through: now, in: tx)
            )
        }
        #expect(again == first)
        #expect(second.lines[0].corrections == 1)
        #expect(second.totalMinorUnits == 7)
        let overlap = await code {
            try await store.write { tx throws(Problem) in
                _ = try StatementDesk.close(
                    ID(high: 7, low: 3), subject: "agr-1", plan: plan, after: start, through: now, in: tx)
            }
        }
        #expect(overlap == "trade.period-invalid")
        let excess = await code {
            try await store.write { tx throws(Problem) in
                _ = try StatementDesk.credit(ID(high: 7, low: 4), of: first.id, minorUnits: 10, in: tx)
                _ = try StatementDesk.credit(ID(high: 7, low: 5), of: first.id, minorUnits: 5, in: tx)
            }
        }
        #expect(excess == "trade.credit-exceeds-statement")
        await store.close()
    }
}
