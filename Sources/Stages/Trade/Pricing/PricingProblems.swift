// SPDX-License-Identifier: Apache-2.0

package import Primitives

extension Problem {
    static func planInvalid(place: Int, _ reason: String) -> Problem {
        Problem(
            .invalid, "trade.price-plan-invalid", ["place": .integer(Int64(place)), "reason": .text(reason)])
    }

    static func splitInvalid(_ reason: String) -> Problem {
        Problem(.invalid, "trade.split-invalid", ["reason": .text(reason)])
    }

    static let amountOutOfRange = Problem(.invalid, "trade.amount-out-of-range")

    static func settlementState(_ order: ID<Settlement>, _ state: Settlement.State) -> Problem {
        Problem(
            .conflict, "trade.settlement-elsewhere",
            ["order": .code(Code(.order, order)), "state": .localized(state.name)])
    }

    static func settlementMissing(_ order: ID<Settlement>) -> Problem {
        Problem(.missing, "trade.settlement-missing", ["order": .code(Code(.order, order))])
    }

    static func settlementAmountInvalid(_ order: ID<Settlement>, _ amount: Int64) -> Problem {
        Problem(
            .invalid, "trade.settlement-amount-invalid",
            ["order": .code(Code(.order, order)), "amount": .integer(amount)])
    }

    package static func periodInvalid(_ subject: String) -> Problem {
        Problem(.invalid, "trade.period-invalid", ["subject": .text(subject)])
    }

    package static func statementMissing(_ id: ID<Statement>) -> Problem {
        Problem(.missing, "trade.statement-missing", ["statement": .code(Code(.statement, id))])
    }

    static func creditExceedsStatement(_ id: ID<Statement>, _ left: Int64) -> Problem {
        Problem(
            .conflict, "trade.credit-exceeds-statement",
            ["statement": .code(Code(.statement, id)), "left": .money(Money(minorUnits: left))])
    }

    static func refundExceedsPayment(_ order: ID<Settlement>, _ left: Int64) -> Problem {
        Problem(
            .conflict, "trade.refund-exceeds-payment",
            ["order": .code(Code(.order, order)), "left": .money(Money(minorUnits: left))])
    }
}

extension Settlement.State {
    /// For people.
    package var name: LocalizedText {
        switch self {
        case .open: LocalizedText(zh: "未预留", en: "open")
        case .held: LocalizedText(zh: "已预留", en: "held")
        case .frozen: LocalizedText(zh: "已冻结", en: "frozen by a dispute")
        case .settled: LocalizedText(zh: "已结算", en: "settled")
        case .released: LocalizedText(zh: "已退回", en: "released")
        }
    }
}
