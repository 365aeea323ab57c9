// SPDX-License-Identifier: Apache-2.0

import Identity
import Ledger
import Lane
import Metering
import Policy
import Primitives
import Register
import Store
import TestStores
import Trade
import Transparency
import Valve

/// A market of three parties on one keeper's database, without lane, sockets or data: a holder, a buyer with 1,000 CNY,
/// an arbitrator. What crosses nodes in life is called here directly, commit by commit.
struct Market: Sendable {
    let store: PlacedStore
    let clock: ManualClock
    let holder: Party
    let buyer: Party
    let agreement: Agreement
    let log = TransparencyLog(pseudonyms: Pseudonyms(secret: Redacted(Array(repeating: 7, count: 32))))
    let fees = FeeSchedule.standard

    var payments: PassagePayments { PassagePayments(log: log) }
    /// Who decides: the operator of an exchange that has no part in the trade.
    let arbitrator = Caller(
        party: ID(high: 9, low: 9), roles: [.operator], scopes: Role.operator.scopes, jurisdiction: "CN")

    func caller(_ party: Party) -> Caller {
        Caller(
            party: party.id, roles: party.roles,
            scopes: party.roles.reduce(into: []) { $0.formUnion($1.scopes) }, jurisdiction: "CN")
    }

    static let migrations =
        IdentitySchema.migrations + LaneSchema.migrations + TransparencySchema.migrations
        + LedgerSchema.migrations + MeteringSchema.migrations + RegisterSchema.migrations
        + TradeSchema.migrations + SettlementSchema.migrations + ValveSchema.migrations

    /// Opens a market in which the two have agreed on a price and perhaps a number of uses.
    static func open(
        _ engine: Engine = .sqlite, price: String, uses: Int64? = nil, contract: ContractDraft = .standard,
        at start: Int64 = 1_790_000_000_000_000
    ) async throws -> Market {
        let clock = ManualClock(start)
        let store = try Place(engine).open(clock: clock)
        try await store.migrate(migrations)
        let signers = (Ed25519Signer(), Ed25519Signer())
        let holder = party("bus company", [.holder], signers.0)
        let buyer = party("navigator", [.buyer], signers.1)
        let agreement = try agreement(between: holder, and: buyer, price: price, uses: uses, contract)
        try await store.write { tx throws(Problem) in
            for party in [holder, buyer] { try PartyRegister.put(party, in: tx) }
            try Bookkeeping.topUp(buyer, Money(minorUnits: 100_000), bankReference: "B-1", in: tx)
            for (party, signer) in [(holder, signers.0), (buyer, signers.1)] {
                _ = try AgreementBook.sign(
                    agreement, by: party, signature: signer.signature(for: agreement.signedBytes), in: tx)
            }
            try Bookkeeping.hold(for: agreement, in: tx)
            try AgreementBook.enter(agreement, in: tx)
        }
        let filed = try await store.read { tx throws(Problem) in
            try AgreementBook.agreement(agreement.code.text, in: tx)
        }
        return Market(store: store, clock: clock, holder: holder, buyer: buyer, agreement: filed)
    }

    private static func party(_ name: String, _ roles: Set<Role>, _ signer: Ed25519Signer) -> Party {
        Party(
            id: ID(derivedFrom: Digest(of: name)), name: name, jurisdiction: "CN", roles: roles,
            signingKey: signer.publicKey.bytes, sealingKey: Array(repeating: 1, count: 32), address: .account)
    }

    static func agreement(
        between holder: Party, and buyer: Party, price: String, uses: Int64?, _ contract: ContractDraft
    ) throws -> Agreement {
        let terms = PlainTerms(purposes: ["research"], usesMax: uses, doors: [.query], isPaid: true)
        let listing = Listing(
            id: ID(high: 4, low: 1), holder: holder.id, title: LocalizedText(zh: "刷卡记录", en: "bus trips"),
            about: LocalizedText("trips"), openness: .conditional,
            assetCode: Code(.asset, ID<Listing>(high: 4, low: 2)).text, lineage: [], tableName: "trips",
            summary: .null, terms: terms.policy(id: "urn:hutong:terms"), rules: nil,
            price: try PricePlan(text: price), requiredAttestations: [], contract: contract)
        return Agreement(
            id: ID(high: 4, low: 3), provider: holder.id, consumer: buyer.id,
            policy: terms.policy(id: "urn:hutong:agreement", kind: .agreement), listing: listing)
    }

    // MARK: The keeper's two commits

    static func passage(_ number: UInt64) -> ID<Passage> { ID(high: 8, low: number) }

    /// Commit 1: the use and the money are set aside.
    func reserve(_ number: UInt64) async throws {
        let (agreement, buyer, fees) = (agreement, buyer, fees)
        try await store.write { tx throws(Problem) in
            let id = Self.passage(number)
            let underWay = try UseMeter.reserve(id, under: agreement, in: tx)
            let ceiling = try RunningBill.current(for: agreement.id, at: tx.now, in: tx)
                .ceiling(of: .query, beside: underWay, under: agreement.listing.price)
            try Bookkeeping.reserve(id, ceiling, under: agreement, fees: fees, in: tx)
            let passage = Passage(
                id: id, side: .keeper, agreement: agreement.id, agreementCode: agreement.code.text,
                door: .query,
                asker: buyer.id, state: .reserved, price: ceiling, request: Digest(of: "question \(number)"),
                document: [:], answer: nil, reservedAt: tx.now,
                expiresAt: tx.now.advanced(by: Passage.reservation))
            _ = try PassageBook.reserve(passage, in: tx)
        }
    }

    /// Commit 3: on the receipt, meter, grant, money and leaf together. Answers the price.
    @discardableResult
    func settle(_ number: UInt64, counts: [UseUnit: Int64] = [:]) async throws -> Int64 {
        let (agreement, log, fees) = (agreement, log, fees)
        return try await store.write { tx throws(Problem) in
            guard let passage = try PassageBook.find(Self.passage(number), .keeper, in: tx) else { return -1 }
            let receipt = Digest(of: "receipt \(number)")
            let meter = try UseMeter.consume(passage, counts: counts, under: agreement, in: tx)
            let price = try Bookkeeping.settle(
                passage.id, through: .query, counts: counts, receipt: receipt, under: agreement, fees: fees,
                in: tx)
            let leaf = try log.append(
                LogEntry(.passageSettled, subject: passage.code, content: ["meter": .string(meter.hex)]),
                in: tx)
            _ = try PassageBook.advance(
                passage.id, .keeper, from: .reserved, to: .settled, price: price,
                document: ["receiptDigest": .string(receipt.hex), "leaf": .integer(Int64(leaf))], in: tx)
            return price.minorUnits
        }
    }

    /// What a use that is under way may cost at most.
    func ceiling(_ number: UInt64) async throws -> Int64 {
        try await store.read { tx throws(Problem) in
            try PassageBook.find(Self.passage(number), .keeper, in: tx)?.price.minorUnits ?? 0
        }
    }

    /// The holder refused, or the time was over.
    func void(_ number: UInt64) async throws {
        try await store.write { tx throws(Problem) in
            let id = Self.passage(number)
            _ = try PassageBook.advance(id, .keeper, from: .reserved, to: .voided, document: [:], in: tx)
            try Bookkeeping.void(id, in: tx)
            try UseMeter.release(id, in: tx)
        }
    }

    @discardableResult
    func use(_ number: UInt64, counts: [UseUnit: Int64] = [:]) async throws -> Int64 {
        try await reserve(number)
        return try await settle(number, counts: counts)
    }

    // MARK: What stands in the books

    /// What somebody may claim from an account of theirs, in fen; the books must hold.
    func claim(_ kind: AccountKind, of owner: String) async throws -> Int64 {
        try await store.read { tx throws(Problem) in
            let faults = try Books.faults(in: tx)
            if !faults.isEmpty { throw Problem(.fault, "test.books-broken", operatorNote: "\(faults)") }
            return try Books.account(Bookkeeping.account(kind, of: owner), in: tx).map { -$0.balance.net }
                ?? 0
        }
    }

    func grant() async throws -> UsageGrant? {
        let id = agreement.id
        return try await store.read { tx throws(Problem) in try Grants.grant(id.retyped(), in: tx) }
    }

    static func refusal(_ body: () async throws -> Void) async -> String? {
        do { try await body() } catch { return (error as? Problem)?.code ?? "\(error)" }
        return nil
    }
}
