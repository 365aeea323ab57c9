// SPDX-License-Identifier: Apache-2.0

package import Ledger
package import Primitives
package import Store

/// The tables of settlement and statements.
package enum SettlementSchema {
    package static let migrations = [
        // Empty tables: no time, whatever the size of the node.
        Migration(
            "trade-settlement/0001-orders",
            [
                """
                CREATE TABLE trade_settlement (
                    order_id BLOB NOT NULL PRIMARY KEY CHECK (length(order_id) = 16),
                    state TEXT NOT NULL,
                    buyer BLOB NOT NULL,
                    escrow BLOB NOT NULL,
                    split TEXT NOT NULL,
                    held INTEGER NOT NULL,
                    hold_ends_at INTEGER,
                    paid INTEGER NOT NULL,
                    refunded INTEGER NOT NULL,
                    refunds INTEGER NOT NULL,
                    receipt BLOB,
                    disputes_end_at INTEGER,
                    ruled INTEGER
                ) STRICT
                """,
                """
                CREATE TABLE trade_bill (
                    agreement_id BLOB NOT NULL,
                    starts_at INTEGER NOT NULL,
                    used TEXT NOT NULL,
                    charged INTEGER NOT NULL,
                    PRIMARY KEY (agreement_id, starts_at)
                ) STRICT
                """,
                """
                CREATE TABLE trade_statement (
                    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                    subject TEXT NOT NULL,
                    starts_at INTEGER NOT NULL,
                    ends_at INTEGER NOT NULL,
                    total INTEGER NOT NULL,
                    corrects BLOB,
                    body TEXT NOT NULL,
                    digest BLOB NOT NULL,
                    at INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX trade_statement_subject ON trade_statement (subject, ends_at)",
                "CREATE INDEX trade_statement_corrects ON trade_statement (corrects)",
            ])
    ]
}

/// Whose accounts an order's money goes through.
package struct SettlementParties: Hashable, Sendable {
    package let buyer: ID<Account>
    /// Where disputed money and money on its way to the payees lies.
    package let escrow: ID<Account>
    package let split: RevenueSplit<ID<Account>>
    package let unit: LedgerUnit

    package init(
        buyer: ID<Account>, escrow: ID<Account>, split: RevenueSplit<ID<Account>>, unit: LedgerUnit = .cny
    ) {
        self.buyer = buyer
        self.escrow = escrow
        self.split = split
        self.unit = unit
    }
}

/// Settlement in the books: each step loads the order's state, takes the step, posts its transfers and keeps the
/// new state, all in the caller's command. Money and state move together or not at all.
///
/// Transfers have ids derived from the order and the step, so that a retry finds them standing.
package enum SettlementDesk {
    /// Sets the buyer's money aside for an order.
    package static func hold<Order>(
        _ order: ID<Order>, _ parties: SettlementParties, minorUnits: Int64, seconds: Int64,
        in tx: any SQLWriting
    ) throws(Problem) {
        var settlement = try kept(order, in: tx)?.settlement ?? Settlement(order: order)
        let effect = try settlement.hold(minorUnits: minorUnits, seconds: seconds, at: tx.now)
        if effect == .nothing { return }
        try carryOut(effect, settlement, parties, in: tx)
    }

    /// Pays the sellers on a delivery's receipt.
    package static func capture<Order>(
        _ order: ID<Order>, minorUnits: Int64, receipt: Digest, in tx: any SQLWriting
    ) throws(Problem) {
        let now = tx.now
        try step(order, in: tx) { settlement throws(Problem) in
            try settlement.capture(minorUnits: minorUnits, receipt: receipt, at: now)
        }
    }

    /// Stops the clock for a dispute; what was paid less than a week ago is called back into escrow, which the
    /// sellers' accounts must still hold.
    package static func freeze<Order>(_ order: ID<Order>, in tx: any SQLWriting) throws(Problem) {
        let now = tx.now
        try step(order, in: tx) { settlement throws(Problem) in try settlement.freeze(at: now) }
    }

    /// Carries out a ruling on a frozen order.
    package static func rule<Order>(
        _ order: ID<Order>, toSellers minorUnits: Int64, in tx: any SQLWriting
    ) throws(Problem) {
        try step(order, in: tx) { settlement throws(Problem) in try settlement.rule(toSellers: minorUnits) }
    }

    /// Gives everything back before delivery.
    package static func release<Order>(_ order: ID<Order>, in tx: any SQLWriting) throws(Problem) {
        let now = tx.now
        try step(order, in: tx) { settlement throws(Problem) in
            _ = settlement.expire(at: now)
            return try settlement.release()
        }
    }

    /// Gives money back after payment, from the payees in the shares they got.
    package static func refund<Order>(
        _ order: ID<Order>, minorUnits: Int64, in tx: any SQLWriting
    ) throws(Problem) {
        try step(order, in: tx) { settlement throws(Problem) in try settlement.refund(minorUnits: minorUnits)
        }
    }

    /// The settlement of an order; `nil` if none was begun. A hold whose time is over reads as released.
    package static func settlement<Order>(
        of order: ID<Order>, at now: Instant, in tx: any SQLReading
    ) throws(Problem) -> Settlement? {
        var settlement = try kept(order, in: tx)?.settlement
        _ = settlement?.expire(at: now)
        return settlement
    }

    // MARK: Steps

    private static func step<Order>(
        _ order: ID<Order>, in tx: any SQLWriting,
        _ take: (inout Settlement) throws(Problem) -> Settlement.Effect
    ) throws(Problem) {
        guard let kept = try kept(order, in: tx) else { throw .settlementMissing(order.retyped()) }
        var settlement = kept.settlement
        let effect = try take(&settlement)
        try carryOut(effect, settlement, kept.parties, in: tx)
    }

    private static func carryOut(
        _ effect: Settlement.Effect, _ settlement: Settlement, _ parties: SettlementParties,
        in tx: any SQLWriting
    ) throws(Problem) {
        try Books.require(SettlementTransfers(settlement.order, parties).transfers(for: effect), in: tx)
        try keep(settlement, parties, in: tx)
    }

    private static func keep(
        _ settlement: Settlement, _ parties: SettlementParties, in tx: any SQLWriting
    ) throws(Problem) {
        try tx.execute(
            """
            INSERT INTO trade_settlement (order_id, state, buyer, escrow, split, held, hold_ends_at, paid, refunded, \
            refunds, receipt, disputes_end_at, ruled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
            ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, held = excluded.held, \
            hold_ends_at = excluded.hold_ends_at, paid = excluded.paid, refunded = excluded.refunded, \
            refunds = excluded.refunds, receipt = excluded.receipt, disputes_end_at = excluded.disputes_end_at, \
            ruled = excluded.ruled
            """,
            [
                settlement.order, settlement.state.rawValue, parties.buyer, parties.escrow, parties.json,
                settlement.heldMinorUnits, settlement.holdEndsAt, settlement.paidMinorUnits,
                settlement.refundedMinorUnits, settlement.refunds, settlement.receipt,
                settlement.disputesEndAt, settlement.ruledMinorUnits,
            ])
    }

    private static func kept<Order>(
        _ order: ID<Order>, in tx: any SQLReading
    ) throws(Problem) -> (settlement: Settlement, parties: SettlementParties)? {
        try tx.first(
            """
            SELECT state, buyer, escrow, split, held, hold_ends_at, paid, refunded, refunds, receipt, \
            disputes_end_at, ruled \
            FROM trade_settlement WHERE order_id = ?
            """, [order]
        ) { row throws(Problem) in
            var settlement = Settlement(order: order)
            guard let state = Settlement.State(rawValue: try row.text(0)),
                let parties = SettlementParties(
                    buyer: try row.id(1), escrow: try row.id(2), json: try row.json(3))
            else { throw Problem(.fault, "store.row-unreadable", operatorNote: "trade_settlement") }
            settlement.state = state
            settlement.heldMinorUnits = try row.integer(4)
            settlement.holdEndsAt = try row.optional(5) { column throws(Problem) in try row.instant(column) }
            settlement.paidMinorUnits = try row.integer(6)
            settlement.refundedMinorUnits = try row.integer(7)
            settlement.refunds = try row.int(8)
            settlement.receipt = try row.optional(9) { column throws(Problem) in try row.digest(column) }
            settlement.disputesEndAt = try row.optional(10) { column throws(Problem) in
                try row.instant(column)
            }
            settlement.ruledMinorUnits = try row.optional(11) { column throws(Problem) in
                try row.integer(column)
            }
            return (settlement, parties)
        }
    }
}

/// The transfers of each effect: pure, so that what an arbitrator replays is what was booked.
struct SettlementTransfers {
    private let order: ID<Settlement>
    private let parties: SettlementParties

    init(_ order: ID<Settlement>, _ parties: SettlementParties) {
        self.order = order
        self.parties = parties
    }

    func transfers(for effect: Settlement.Effect) -> [Transfer] {
        switch effect {
        case .nothing: []
        case .hold(let minorUnits, let seconds):
            [
                move("hold", parties.buyer, parties.escrow, minorUnits, TransferCode.hold)
                    .held(forSeconds: seconds)
            ]
        case .capture(let minorUnits):
            chain(
                [.posting(id("hold"), id: id("capture"), amount: minorUnits).about(order)]
                    + payOut(minorUnits))
        case .freeze: [Transfer.posting(id("hold"), id: id("freeze")).about(order)]
        case .recall(let minorUnits):
            chain(
                parties.split.parts(of: minorUnits).enumerated().map { place, part in
                    move(
                        "recall/\(place)", part.payee, parties.escrow, part.minorUnits, TransferCode.dispute)
                })
        case .rule(let toSellers, let toBuyer):
            chain(
                payOut(toSellers, by: "ruling", code: TransferCode.ruling)
                    + (toBuyer == 0
                        ? []
                        : [move("ruling/buyer", parties.escrow, parties.buyer, toBuyer, TransferCode.ruling)])
            )
        case .release: [Transfer.voiding(id("hold"), id: id("release")).about(order)]
        case .refund(let minorUnits, let step):
            chain(
                parties.split.parts(of: minorUnits).enumerated().map { place, part in
                    move(
                        "refund/\(step)/\(place)", part.payee, parties.buyer, part.minorUnits,
                        TransferCode.refund)
                })
        }
    }

    private func payOut(
        _ minorUnits: Int64, by step: String = "pay", code: Int64 = TransferCode.split
    ) -> [Transfer] {
        parties.split.parts(of: minorUnits).enumerated().map { place, part in
            move("\(step)/\(place)", parties.escrow, part.payee, part.minorUnits, code)
        }
    }

    private func move(
        _ step: String, _ debit: ID<Account>, _ credit: ID<Account>, _ amount: Int64, _ code: Int64
    ) -> Transfer {
        Transfer(id: id(step), debit: debit, credit: credit, amount: amount, unit: parties.unit, code: code)
            .about(order)
    }

    /// The id of a step is a function of the order and the step's name.
    private func id(_ step: String) -> ID<Transfer> {
        ID(derivedFrom: Digest(of: Array("settlement/\(step)/".utf8) + order.bytes))
    }

    private func chain(_ transfers: [Transfer]) -> [Transfer] {
        transfers.dropLast().map(\.linkedToNext) + transfers.suffix(1)
    }
}

extension SettlementParties {
    /// The stored form of the split.
    var json: JSON {
        [
            "unit": .integer(unit.rawValue), "remainder": .string(split.remainderTo.uuid),
            "deductions": .array(
                split.deductions.map {
                    ["payee": .string($0.payee.uuid), "millionths": .integer($0.millionths)]
                }),
            "owners": .array(
                split.owners.map { ["payee": .string($0.payee.uuid), "weight": .integer($0.weight)] }),
        ]
    }

    init?(buyer: ID<Account>, escrow: ID<Account>, json: JSON) {
        guard let unit = json["unit"]?.integer.flatMap(LedgerUnit.init),
            let remainder = json["remainder"]?.text.flatMap({ ID<Account>(uuid: $0) }),
            let deductions = json["deductions"]?.array, let owners = json["owners"]?.array
        else { return nil }
        let split = try? RevenueSplit(
            deductions: deductions.compactMap { entry in
                guard let payee = entry["payee"]?.text.flatMap({ ID<Account>(uuid: $0) }),
                    let millionths = entry["millionths"]?.integer
                else { return nil }
                return .init(payee, millionths: millionths)
            },
            owners: owners.compactMap { entry in
                guard let payee = entry["payee"]?.text.flatMap({ ID<Account>(uuid: $0) }),
                    let weight = entry["weight"]?.integer
                else { return nil }
                return .init(payee, weight: weight)
            }, remainderTo: remainder)
        guard let split else { return nil }
        self.init(buyer: buyer, escrow: escrow, split: split, unit: unit)
    }
}
