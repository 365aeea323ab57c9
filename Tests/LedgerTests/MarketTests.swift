// SPDX-License-Identifier: Apache-2.0

import Identity
import Ledger
import Metering
import Policy
import Primitives
import Register
import Store
import TestStores
import Testing
import Trade
import Transparency
import Valve

@Suite("Money, meter and grant of a passage")
struct MarketTests {
    @Test(
        "a settled use leaves its meter event, its consumed use, its payment and its leaf, and once only",
        arguments: Engine.available)
    func oneUse(_ engine: Engine) async throws {
        let market = try await Market.open(engine, price: "query:0.50CNY", uses: 3)
        try await market.reserve(1)
        #expect(try await market.grant()?.reserved == 1)
        #expect(try await market.settle(1) == 50)
        let agreement = market.agreement.code.text
        let (events, leaves) = try await market.store.read { tx throws(Problem) in
            (
                try UsageMeter.events(
                    of: "query", subject: agreement, after: Instant(seconds: 0),
                    through: Instant(microseconds: .max), in: tx),
                try TransparencyLog.leaves(about: Code(.passage, Market.passage(1)), limit: 10, in: tx)
            )
        }
        #expect(events.map(\.id) == [Market.passage(1).uuid])
        #expect(leaves.count == 1)
        #expect(leaves.first?.content.contains(events.first?.digest.hex ?? "no event") == true)
        #expect(try await market.grant()?.used == 1)
        #expect(try await market.grant()?.reserved == 0)
        // 5 % to the exchange; no assessor is required, so the holder has the rest.
        #expect(try await market.claim(.payable, of: market.holder.id.uuid) == 48)
        #expect(try await market.claim(.fee, of: "exchange") == 2)
        await market.store.close()
    }

    @Test("use beyond the grant is refused, and a use that was given up can be taken by another")
    func beyondTheGrant() async throws {
        let market = try await Market.open(price: "query:0.50CNY", uses: 2)
        try await market.use(1)
        try await market.reserve(2)
        #expect(await Market.refusal { try await market.reserve(3) } == "metering.grant-exhausted")
        try await market.void(2)
        try await market.use(3)
        #expect(await Market.refusal { try await market.reserve(4) } == "metering.grant-exhausted")
        #expect(try await market.grant()?.used == 2)
        #expect(try await market.claim(.payable, of: market.holder.id.uuid) == 96)
        await market.store.close()
    }

    @Test("however many ask at once, exactly the granted uses pass", arguments: Engine.available)
    func concurrent(_ engine: Engine) async throws {
        let market = try await Market.open(engine, price: "query:0.50CNY", uses: 20)
        let passed = await withTaskGroup(of: Bool.self) { group in
            for number in 1...60 as ClosedRange<UInt64> {
                group.addTask { await Market.refusal { try await market.use(number) } == nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(passed == 20)
        #expect(try await market.grant()?.remaining == 0)
        #expect(try await market.claim(.fee, of: "exchange") == 40)
        await market.store.close()
    }

    @Test(
        "S95: a consumer's pool of compute-only uses is bought in packs and is exact after concurrent use",
        arguments: Engine.available)
    func packs(_ engine: Engine) async throws {
        let market = try await Market.open(engine, price: "query:pack 5 for 2CNY")
        #expect(try await market.use(1) == 200)
        for number in 2...5 as ClosedRange<UInt64> { #expect(try await market.use(number) == 0) }
        await withTaskGroup(of: Void.self) { group in
            for number in 6...12 as ClosedRange<UInt64> {
                group.addTask { _ = await Market.refusal { try await market.use(number) } }
            }
        }
        let pool = QuotaPool.account(of: market.agreement.id, .query)
        let left = try await market.store.read { tx throws(Problem) in
            try Books.account(pool, in: tx)?.balance.available
        }
        #expect(left == 3)
        #expect(try await market.claim(.fee, of: "exchange") == 30)
        await market.store.close()
    }

    @Test(
        "after each use the month's charges are what the plan asks for, whatever was given up on the way",
        arguments: [
            "query:tiers 0.50CNY..4 0.30CNY..9 0.07CNY", "query:pack 4 for 1CNY,cap:2.50CNY",
            "query:month 3CNY with 5 then 0.11CNY", "month:1CNY,query:1CNY/3", "query:0.40CNY,cap:3CNY",
        ])
    func runningBill(_ price: String) async throws {
        let market = try await Market.open(price: price)
        let plan = market.agreement.listing.price
        var random = SeededRandom(seed: 5)
        var charged: Int64 = 0
        var settled: Int64 = 0
        var open: [UInt64] = []
        for number in 1...40 as ClosedRange<UInt64> {
            try await market.reserve(number)
            open.append(number)
            while open.count > 3 || (!open.isEmpty && random.next() % 2 == 0) {
                let chosen = open.remove(at: Int(random.next() % UInt64(open.count)))
                if random.next() % 4 == 0 {
                    try await market.void(chosen)
                } else {
                    charged += try await market.settle(chosen)
                    settled += 1
                    #expect(charged == (try plan.total(for: ["query": settled])), "\(price) after \(settled)")
                }
            }
        }
        for number in open { try await market.void(number) }
        let paid =
            try await market.claim(.payable, of: market.holder.id.uuid)
            + market.claim(.fee, of: "exchange")
        #expect(paid == charged)
        await market.store.close()
    }

    @Test(
        "rows, bytes and seconds cost what the holder counted, at most what one use may count, and the bill says so",
        arguments: Engine.available)
    func units(_ engine: Engine) async throws {
        let market = try await Market.open(
            engine,
            price:
                "query:0.50CNY,query.rows:1CNY/100 up to 500,query.seconds:0.02CNY up to 60,"
                + "query.bytes:tiers 1CNY/1000..3000 0.10CNY/1000 up to 10000,cap:30CNY")
        let plan = market.agreement.listing.price
        // 0.50 + 2.40 + 0.06 + 2.00: what passed, not the ceiling of 0.50 + 5.00 + 1.20 + 3.70.
        try await market.reserve(1)
        #expect(try await market.ceiling(1) == 1040)
        #expect(try await market.settle(1, counts: [.rows: 240, .seconds: 3, .bytes: 2000]) == 496)
        // Beyond the most of one use the rest is free.
        #expect(try await market.use(2, counts: [.rows: 9_999, .seconds: 1, .bytes: 0]) == 552)
        // However large those under way turn out, each was reserved for.
        var random = SeededRandom(seed: 8)
        var charged: Int64 = 496 + 552
        for number in 3...12 as ClosedRange<UInt64> { try await market.reserve(number) }
        for number in (3...12 as ClosedRange<UInt64>).reversed() {
            let counts: [UseUnit: Int64] = [
                .rows: Int64(random.next() % 600), .seconds: Int64(random.next() % 70),
                .bytes: Int64(random.next() % 12_000),
            ]
            let ceiling = try await market.ceiling(number)
            let price = try await market.settle(number, counts: counts)
            #expect(price <= ceiling)
            charged += price
            #expect(charged <= 3000)
        }
        market.clock.move(by: 11 * 86_400_000_000)
        let (payments, arbitrator, code) = (
            market.payments, market.arbitrator, market.agreement.code.text
        )
        let statement = try await market.store.write { tx throws(Problem) in
            try payments.close("2026-09", of: code, by: arbitrator, in: tx)
        }
        #expect(statement.totalMinorUnits == charged)
        #expect(
            Set(statement.lines.compactMap(\.price.meter))
                == Set(plan.json.object?.keys ?? [:].keys).subtracting(["cap"]))
        #expect(statement.lines.compactMap(\.price.meter).count == 4)
        let auditor = market.caller(market.buyer)
        let (_, facts) = try await market.store.read { tx throws(Problem) in
            try payments.statement(of: code, "2026-09", for: auditor, in: tx)
        }
        #expect(facts.count == 48 && facts.allSatisfy { $0.passage?.document["leaf"]?.integer != nil })
        await market.store.close()
    }

    @Test("the cap holds in real time: beyond it a use is free until the month ends, then it costs again")
    func capInRealTime() async throws {
        let market = try await Market.open(price: "query:0.40CNY,cap:1CNY")
        var prices: [Int64] = []
        for number in 1...4 as ClosedRange<UInt64> { prices.append(try await market.use(number)) }
        #expect(prices == [40, 40, 20, 0])
        market.clock.move(by: 31 * 86_400_000_000)
        #expect(try await market.use(5) == 40)
        await market.store.close()
    }

    @Test("a price is read as it is written, and what cannot be billed says where and why")
    func writtenPrices() throws {
        for text in [
            "query:0.50CNY,match:2CNY", "query:1CNY/1000", "query:tiers 0.50CNY..100 0.30CNY",
            "query:volume 0.50CNY..100 0.30CNY", "query:pack 100 for 30CNY,cap:500CNY",
            "query:month 200CNY with 1000 then 0.10CNY", "month:50CNY", "free",
            "query:0.50CNY,query.rows:1CNY/1000 up to 5000,query.seconds:0.02CNY up to 60",
            "match.rows:tiers 0.01CNY..1000 1CNY/200 up to 100000,cap:90CNY",
            "download.bytes:1CNY/1000000 up to 9000000,share.rows:0.01CNY up to 5,share:1CNY",
        ] {
            let plan = try PricePlan(text: text)
            #expect(PricePlan(json: plan.json) == plan, "\(text)")
        }
        #expect(try PricePlan(text: "query:0.50CNY").json == ["query": "0.50 CNY"])
        for text in [
            "query", "query:x", "query:-1CNY", "query:1USD", "query:1CNY,query:2CNY", "query:tiers 1CNY..5",
            "cap:x", "query:pack 0 for 1CNY", "query.rows:1CNY", "query.rows:1CNY up to 0",
            "query.pages:1CNY up to 5", "match.seconds:1CNY up to 5", "query:1CNY up to 5",
            "download.seconds:1CNY up to 5", "train.rows:1CNY up to 5",
            "query.rows:volume 1CNY..5 0.50CNY up to 5",
        ] {
            do {
                _ = try PricePlan(text: text)
                Issue.record("\(text) was accepted")
            } catch { #expect(error.code == "trade.price-plan-invalid") }
        }
    }

    // MARK: After the use

    @Test(
        "S69: a dispute in time freezes the money and its evidence, a disinterested arbitrator decides, and that is final",
        arguments: Engine.available)
    func dispute(_ engine: Engine) async throws {
        let market = try await Market.open(engine, price: "query:1CNY")
        let (payments, code) = (market.payments, Code(.passage, Market.passage(1)).text)
        let (holder, buyer, arbitrator) = (market.caller(market.holder), market.buyer.id, market.arbitrator)
        let before = try await market.claim(.payable, of: market.holder.id.uuid)
        try await market.use(1)
        let stranger = await Market.refusal {
            try await market.store.write { tx throws(Problem) in
                _ = try payments.dispute(code, why: "x", by: ID(high: 9, low: 1), in: tx)
            }
        }
        #expect(stranger == "valve.passage-unknown")
        for _ in 0..<2 {
            let frozen = try await market.store.write { tx throws(Problem) in
                try payments.dispute(code, why: "not as described", by: buyer, in: tx)
            }
            #expect(frozen.state == .frozen)
            #expect(frozen.heldMinorUnits == 100)
        }
        #expect(try await market.claim(.payable, of: market.holder.id.uuid) == before)
        let operates = Caller(
            party: holder.party, roles: [.operator], scopes: Role.operator.scopes, jurisdiction: "CN")
        let interested = await Market.refusal {
            try await market.store.write { tx throws(Problem) in
                _ = try payments.rule(
                    code, toSellers: Money(minorUnits: 100), why: "mine", by: operates, in: tx)
            }
        }
        #expect(interested == "trade.arbitrator-interested")
        let ruled = try await market.store.write { tx throws(Problem) in
            try payments.rule(code, toSellers: Money(minorUnits: 40), why: "in part", by: arbitrator, in: tx)
        }
        #expect(ruled.paidMinorUnits == 40)
        #expect(try await market.claim(.payable, of: market.holder.id.uuid) == before + 38)
        let again = await Market.refusal {
            try await market.store.write { tx throws(Problem) in
                _ = try payments.dispute(code, why: "again", by: buyer, in: tx)
            }
        }
        #expect(again == "trade.settlement-elsewhere")
        let leaves = try await market.store.read { tx throws(Problem) in
            try TransparencyLog.leaves(about: Code(.passage, Market.passage(1)), limit: 10, in: tx)
        }
        #expect(leaves.dropFirst().allSatisfy { $0.content.contains(Digest(of: "receipt 1").hex) })
        #expect(leaves.count == 3)
        await market.store.close()
    }

    @Test("S69: after a week a payment is no longer disputed, and a refund never exceeds it")
    func lateDispute() async throws {
        let market = try await Market.open(price: "query:1CNY")
        let (payments, code) = (market.payments, Code(.passage, Market.passage(1)).text)
        let (seller, buyer) = (market.caller(market.holder), market.buyer.id)
        try await market.use(1)
        market.clock.move(by: Settlement.disputeDays * 86_400_000_000)
        let late = await Market.refusal {
            try await market.store.write { tx throws(Problem) in
                _ = try payments.dispute(code, why: "late", by: buyer, in: tx)
            }
        }
        #expect(late == "trade.settlement-elsewhere")
        let refunded = try await market.store.write { tx throws(Problem) in
            try payments.refund(code, Money(minorUnits: 60), why: "courtesy", by: seller, in: tx)
        }
        #expect(refunded.refundedMinorUnits == 60)
        let excess = await Market.refusal {
            try await market.store.write { tx throws(Problem) in
                _ = try payments.refund(code, Money(minorUnits: 41), why: "too much", by: seller, in: tx)
            }
        }
        #expect(excess == "trade.refund-exceeds-payment")
        await market.store.close()
    }

    @Test(
        "S67: a month's statement resolves to events, passages and leaves; a volume price gives back; a note credits",
        arguments: Engine.available)
    func statement(_ engine: Engine) async throws {
        // 2026-09-21: the month ends nine days later.
        let market = try await Market.open(engine, price: "query:volume 0.50CNY..3 0.30CNY")
        let (payments, arbitrator, code) = (market.payments, market.arbitrator, market.agreement.code.text)
        for number in 1...4 as ClosedRange<UInt64> { try await market.use(number) }
        let early = await Market.refusal {
            try await market.store.write { tx throws(Problem) in
                _ = try payments.close("2026-09", of: code, by: arbitrator, in: tx)
            }
        }
        #expect(early == "trade.period-invalid")
        market.clock.move(by: 11 * 86_400_000_000)
        // Three uses cost 1.50 as they come; all four together cost 1.20, so 0.30 goes back.
        let charged = try await market.claim(.payable, of: market.holder.id.uuid)
        let (statement, again) = try await market.store.write { tx throws(Problem) in
            (
                try payments.close("2026-09", of: code, by: arbitrator, in: tx),
                try payments.close("2026-09", of: code, by: arbitrator, in: tx)
            )
        }
        #expect(statement == again)
        #expect(statement.totalMinorUnits == 120)
        #expect(statement.lines.map(\.events) == [4])
        let buyer = market.caller(market.buyer)
        let (_, facts) = try await market.store.read { tx throws(Problem) in
            try payments.statement(of: code, "2026-09", for: buyer, in: tx)
        }
        #expect(facts.count == 4)
        #expect(facts.allSatisfy { $0.passage?.document["leaf"]?.integer != nil })
        #expect(statement.lines.first?.evidence == Digest(of: facts.flatMap(\.event.digest.bytes)))
        let held = try await market.claim(.payable, of: market.holder.id.uuid)
        #expect(held == charged - 29)
        for _ in 0..<2 {
            let note = try await market.store.write { tx throws(Problem) in
                try payments.credit(
                    Money(minorUnits: 20), of: "2026-09", code, why: "an hour was missing", by: arbitrator,
                    in: tx)
            }
            #expect(note.corrects == statement.id)
        }
        #expect(try await market.claim(.payable, of: market.holder.id.uuid) == held - 19)
        await market.store.close()
    }

    @Test(
        "S67: a month is closed for every agreement at once, the months before it first, and twice changes nothing",
        arguments: Engine.available)
    func monthEnd(_ engine: Engine) async throws {
        let market = try await Market.open(engine, price: "query:0.50CNY")
        let (payments, operates) = (market.payments, market.arbitrator)
        func openMonths(_ through: String) async throws -> [PassagePayments.OpenMonth] {
            try await market.store.read { tx throws(Problem) in
                try payments.openMonths(through: through, for: operates, in: tx)
            }
        }
        try await market.use(1)
        market.clock.move(by: 75 * 86_400_000_000)
        try await market.use(2)
        market.clock.move(by: 31 * 86_400_000_000)
        let code = market.agreement.code.text
        // Used in September and December; October and November lie between, so they are closed too.
        let open = try await openMonths("2026-12")
        #expect(open.map(\.month) == ["2026-09", "2026-10", "2026-11", "2026-12"])
        #expect(Set(open.map(\.agreementCode)) == [code])
        var totals: [Int64] = []
        for month in open {
            totals.append(
                try await market.store.write { tx throws(Problem) in
                    try payments.close(month.month, of: month.agreementCode, by: operates, in: tx)
                        .totalMinorUnits
                })
        }
        #expect(totals == [50, 0, 0, 50])
        #expect(try await openMonths("2026-12").isEmpty)
        let buyer = market.caller(market.buyer)
        let refusal = await Market.refusal {
            _ = try await market.store.read { tx throws(Problem) in
                try payments.openMonths(through: "2026-12", for: buyer, in: tx)
            }
        }
        #expect(refusal == "identity.scope-missing")
        await market.store.close()
    }

    @Test("a listing that promises away more than the whole is refused before anybody sees it")
    func promisedTooMuch() throws {
        let share = LineageShare(listingCode: "lst-x", holder: ID(high: 1, low: 1), basisPoints: 9_400)
        let base = try Market.agreement(
            between: Self.nobody, and: Self.nobody, price: "query:1CNY", uses: nil, .standard
        ).listing
        let greedy = Listing(
            id: base.id, holder: base.holder, title: base.title, about: base.about, openness: base.openness,
            assetCode: base.assetCode, lineage: [share], tableName: base.tableName, summary: base.summary,
            terms: base.terms, rules: nil, price: base.price, requiredAttestations: [])
        #expect(throws: Problem.self) { try FeeSchedule.standard.requireRoom(for: greedy) }
        try FeeSchedule.standard.requireRoom(for: base)
    }

    private static let nobody = Party(
        id: ID(high: 1, low: 2), name: "nobody", jurisdiction: "CN", roles: [], signingKey: [],
        sealingKey: [],
        address: .account)

    @Test("a bank's file is matched by the reference that came with the money")
    func bankReference() async throws {
        let market = try await Market.open(price: "query:1CNY")
        let found = try await market.store.write { tx throws(Problem) in
            try BankDesk.reconcile(
                try BankFile(parsing: "reference,amount\nB-1,1000.00\n"),
                custodian: Bookkeeping.account(.custodian, of: "bank"),
                suspense: Bookkeeping.account(.suspense, of: "bank"), after: Instant(microseconds: -1),
                through: tx.tick(), naming: Bookkeeping.topUp(bankReference:), in: tx)
        }
        #expect(found.findings.map(\.verdict) == [.matched])
        #expect(found.missing.isEmpty)
        await market.store.close()
    }

    // MARK: Contracts and figures

    @Test("S64: a contract comes from its template with its fields filled, and both sides sign its digest")
    func contract() async throws {
        let draft = ContractDraft(
            template: "standard/2026", omitted: ["notice"], fields: ["liability": "100,000 CNY"])
        let market = try await Market.open(price: "query:0.50CNY", uses: 40, contract: draft)
        let text = try market.agreement.contractText()
        #expect(!text.text.en.contains("{") && !text.text.zh.contains("{"))
        for part in [
            "100,000 CNY", "at most 40 uses", "0.50 CNY", Code(.party, market.holder.id).text, "7 days",
        ] {
            #expect(text.text.en.contains(part), "\(part)")
        }
        #expect(!text.text.en.contains("Notices go to"))
        let signed = String(decoding: market.agreement.signedBytes, as: UTF8.self)
        #expect(signed.contains(text.digest.hex))
        #expect(market.agreement.state == .inForce)
        await market.store.close()
    }

    @Test("S64: without a mandatory clause nobody can sign")
    func contractWithoutClause() async throws {
        let draft = ContractDraft(template: "standard/2026", omitted: ["dispute"])
        let refusal = await Market.refusal {
            _ = try await Market.open(price: "query:0.50CNY", contract: draft)
        }
        #expect(refusal == "trade.contract-clause-missing")
        #expect(throws: Problem.self) { try ContractDraft(template: "mine").checked() }
        #expect(throws: Problem.self) {
            try ContractDraft(template: "standard/2026", fields: ["price": "0"]).checked()
        }
    }

    @Test(
        "S149: asset value and trading capability come from the registry and the books, without hand entry",
        arguments: Engine.available)
    func figures(_ engine: Engine) async throws {
        let market = try await Market.open(engine, price: "query:0.50CNY")
        let (asset, holder) = (market.agreement.listing.assetCode, market.holder.id)
        try await market.store.write { tx throws(Problem) in
            try RegistrationBook.enter(
                Registration(
                    id: ID(high: 5, low: 5), assetCode: asset, kind: "first", holder: holder, document: [:],
                    leafIndex: 0, registeredAt: tx.now), in: tx)
        }
        for number in 1...3 as ClosedRange<UInt64> { try await market.use(number) }
        let now = market.clock.wall.now()
        let (figures, empty) = try await market.store.read { tx throws(Problem) in
            (
                try MarketFigures(inMonthOf: now, in: tx),
                try MarketFigures(inMonthOf: Instant(seconds: 0), in: tx)
            )
        }
        #expect(figures.registeredAssets == 1)
        #expect(figures.uses == 3)
        #expect(figures.turnoverMinorUnits == 150)
        #expect(figures.incomeByAsset.map(\.asset) == [asset])
        #expect((figures.buyers, figures.sellers, figures.agreementsInForce) == (1, 1, 1))
        #expect(empty.turnoverMinorUnits == 0)
        await market.store.close()
    }
}
