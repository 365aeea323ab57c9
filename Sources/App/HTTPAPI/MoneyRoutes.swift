// SPDX-License-Identifier: Apache-2.0

import Identity
private import Ledger
private import Metering
private import Lane
import Primitives
import Register
import Store
import Trade
import Transparency
import Valve

extension Courtyard {
    /// The money after the use: disputes, rulings, refunds, statements, credit notes, the market's figures.
    var moneyRoutes: [Route] { passageMoneyRoutes + statementRoutes }

    private var payments: PassagePayments { PassagePayments(log: context.log) }

    private var passageMoneyRoutes: [Route] {
        [
            Route(
                "GET", "/api/v1/passages/:code/money", .scope(.tradeRead), "Where the money of a passage is."
            ) { request throws(Problem) in
                let caller = try request.proven()
                return APIReply(
                    try await store.read { transaction throws(Problem) in
                        try payments.settlement(of: request.parameter("code"), for: caller, in: transaction)
                            .told
                    })
            },
            Route(
                "POST", "/api/v1/passages/:code/dispute", .scope(.tradeWrite),
                "Call a payment back into escrow, within a week."
            ) { request throws(Problem) in
                let why = try request.json().needed("why")
                return APIReply(
                    try await dispute(request.parameter("code"), why: why, by: request.proven().party))
            },
            Route(
                "POST", "/api/v1/passages/:code/ruling", .scope(.marketOperate),
                "Decide a dispute: how much the sellers get."
            ) { request throws(Problem) in
                let body = try request.json()
                let (money, why) = (try body.needed("toSellers") { Money($0) }, try body.needed("why"))
                let caller = try request.proven()
                return APIReply(
                    try await store.write { transaction throws(Problem) in
                        try payments.rule(
                            request.parameter("code"), toSellers: money, why: why, by: caller, in: transaction
                        ).told
                    })
            },
            Route(
                "POST", "/api/v1/passages/:code/refund", .scope(.tradeWrite),
                "Give part of a payment back: its seller or the operator."
            ) { request throws(Problem) in
                let body = try request.json()
                let (money, why) = (try body.needed("amount") { Money($0) }, try body.needed("why"))
                let caller = try request.proven()
                return APIReply(
                    try await store.write { transaction throws(Problem) in
                        try payments.refund(
                            request.parameter("code"), money, why: why, by: caller, in: transaction
                        ).told
                    })
            },
        ]
    }

    private var statementRoutes: [Route] {
        [
            Route(
                "POST", "/api/v1/statements", .scope(.marketOperate),
                "Close a month that is over for every agreement, and the open months before it."
            ) { request throws(Problem) in
                let month = try request.json().needed("month")
                return APIReply(
                    ["statements": .array(try await closeMonth(month, by: request.proven()))], status: 201)
            },
            Route(
                "POST", "/api/v1/agreements/:code/statements", .scope(.marketOperate),
                "Draw up the statement of a month that is over, and close the month."
            ) { request throws(Problem) in
                let month = try request.json().needed("month")
                let caller = try request.proven()
                return APIReply(
                    try await store.write { transaction throws(Problem) in
                        try payments.close(
                            month, of: request.parameter("code"), by: caller, in: transaction
                        ).told
                    }, status: 201)
            },
            Route(
                "GET", "/api/v1/agreements/:code/statements/:month", .scope(.tradeRead),
                "A month's statement; its lines resolve to meter events, passages and leaves."
            ) { request throws(Problem) in
                let caller = try request.proven()
                return APIReply(
                    try await store.read { transaction throws(Problem) in
                        let (statement, facts) = try payments.statement(
                            of: request.parameter("code"), request.parameter("month"), for: caller,
                            in: transaction)
                        var told = statement.told.object ?? [:]
                        told["facts"] = .array(facts.map(\.told))
                        return .object(told)
                    })
            },
            Route(
                "POST", "/api/v1/agreements/:code/statements/:month/credits", .scope(.marketOperate),
                "A credit note over part of a statement; the money goes back."
            ) { request throws(Problem) in
                let body = try request.json()
                let (money, why) = (try body.needed("amount") { Money($0) }, try body.needed("why"))
                let caller = try request.proven()
                return APIReply(
                    try await store.write { transaction throws(Problem) in
                        try payments.credit(
                            money, of: request.parameter("month"), request.parameter("code"), why: why,
                            by: caller, in: transaction
                        ).told
                    }, status: 201)
            },
            Route(
                "GET", "/api/v1/agreements/:code/contract", .scope(.tradeRead),
                "The contract in words, from its standard template."
            ) { request throws(Problem) in
                let agreement = try await visibleAgreement(request)
                let text = try agreement.contractText()
                return APIReply(text.json)
            },
            Route(
                "GET", "/api/v1/figures", .scope(.auditRead),
                "Asset value and trading capability, from the registry and the books: ?month=."
            ) { request throws(Problem) in
                let month = request.query["month"].flatMap { CalendarDay($0 + "-01") }
                let moment = month.map { Instant(startOf: $0, in: .shanghai) } ?? context.clock.now()
                return APIReply(
                    try await store.read { transaction throws(Problem) in
                        try MarketFigures(inMonthOf: moment, in: transaction).json
                    })
            },
        ]
    }

    /// One statement a commit: the others need not wait for all, and asked again it goes on where it stopped.
    private func closeMonth(_ month: String, by caller: Caller) async throws(Problem) -> [JSON] {
        let payments = payments
        let open = try await store.read { transaction throws(Problem) in
            try payments.openMonths(through: month, for: caller, in: transaction)
        }
        var statements: [JSON] = []
        for period in open {
            statements.append(
                try await store.write { transaction throws(Problem) in
                    try payments.close(period.month, of: period.agreementCode, by: caller, in: transaction)
                        .told
                })
        }
        return statements
    }

    /// A party's dispute is the exchange's to keep: its own node hands it over.
    func dispute(_ code: String, why: String, by party: ID<Party>) async throws(Problem) -> JSON {
        let exchange = try await context.exchange()
        guard exchange.id == context.own else {
            return try await context.lane.call(
                exchange, "passage.dispute", ["passage": .string(code), "why": .string(why)])
        }
        let payments = payments
        return try await store.write { transaction throws(Problem) in
            try payments.dispute(code, why: why, by: party, in: transaction).told
        }
    }
}

extension Settlement {
    fileprivate var told: JSON {
        [
            "state": .string(state.rawValue), "held": .string(Money(minorUnits: heldMinorUnits).description),
            "paid": .string(Money(minorUnits: paidMinorUnits).description),
            "refunded": .string(Money(minorUnits: refundedMinorUnits).description),
            "receipt": receipt.map { .string($0.hex) } ?? .null,
            "disputeUntil": disputesEndAt.map { .string($0.rfc3339) } ?? .null,
            "ruledToSellers": ruledMinorUnits.map { .string(Money(minorUnits: $0).description) } ?? .null,
        ]
    }
}

extension Statement {
    fileprivate var told: JSON {
        [
            "statement": .string(Code(.statement, id).text), "agreement": .string(subject),
            "total": .string(Money(minorUnits: totalMinorUnits, currency: currency).description),
            "corrects": corrects.map { .string(Code(.statement, $0).text) } ?? .null,
            "digest": .string(digest.hex),
            "lines": .array(
                lines.map {
                    [
                        "meter": $0.price.meter.map { .string($0) } ?? .null,
                        "quantity": .integer($0.price.quantity),
                        "amount": .string(
                            Money(minorUnits: $0.price.minorUnits, currency: currency).description),
                        "events": .integer($0.events), "corrections": .integer($0.corrections),
                        "evidence": $0.evidence.map { .string($0.hex) } ?? .null,
                    ]
                }),
        ]
    }
}

extension PassagePayments.Fact {
    fileprivate var told: JSON {
        [
            "meter": .string(meter), "event": .string(event.id), "source": .string(event.source),
            "digest": .string(event.digest.hex), "at": .string(event.at.rfc3339), "late": .bool(event.isLate),
            "passage": passage.map { .string($0.code.text) } ?? .null,
            "leaf": passage?.document["leaf"] ?? .null,
        ]
    }
}
