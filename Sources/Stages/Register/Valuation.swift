// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// What an asset may be worth, by three methods with stored inputs (S22; 《数据资产评估指导意见》 2023, ch. 4).
///
/// An opinion: it never touches an account. What stands in the books is what was spent or paid, and is found there.
/// Every value is recomputed from the inputs of the report, in whole millionths of a fen.
package struct Valuation: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable, CaseIterable { case cost, income, market }

    /// 成本法: Σ items × (1 + profit) × (1 − obsolescence).
    package struct Cost: Hashable, Sendable {
        package let items: [(name: String, amount: Money)]
        package let profitBasisPoints: Int64
        package let obsolescenceBasisPoints: Int64

        package static func == (left: Cost, right: Cost) -> Bool { left.json == right.json }
        package func hash(into hasher: inout Hasher) { hasher.combine(json) }
    }

    /// 收益法: Σ income × share ÷ (1 + rate)^year, years counted from one.
    package struct Income: Hashable, Sendable {
        package let yearly: [Money]
        package let shareBasisPoints: Int64
        package let rateBasisPoints: Int64
    }

    /// 市场法: the median of what closed contracts really paid, times a factor for the difference.
    package struct Market: Hashable, Sendable {
        package let trades: [ClosedTrade]
        package let factorBasisPoints: Int64
    }

    /// A contract that was carried out and paid; never an asking price.
    package struct ClosedTrade: Hashable, Sendable {
        package let contract: String
        package let paid: Money

        package init(contract: String, paid: Money) {
            self.contract = contract
            self.paid = paid
        }
    }

    package let assetCode: String
    package let version: Digest
    package let cost: Cost
    package let income: Income
    package let market: Market
    package let madeAt: Instant

    /// Reads the inputs of a request; `trades` are those the node itself knows to be closed. Throws
    /// `register.valuation-incomplete` naming the part.
    package init(
        assetCode: String, version: Digest, inputs: JSON, trades: [ClosedTrade], at now: Instant
    ) throws(Problem) {
        self.assetCode = assetCode
        self.version = version
        cost = try Cost(inputs["cost"])
        income = try Income(inputs["income"])
        market = Market(
            trades: trades, factorBasisPoints: inputs["market"]?["factorBasisPoints"]?.integer ?? 10_000)
        madeAt = now
    }

    /// The value by a method; `nil` for the market method where no trade was closed.
    package func value(by method: Method) -> Money? {
        switch method {
        case .cost: cost.value
        case .income: income.value
        case .market: market.value
        }
    }

    /// The least and the greatest of the values there are.
    package var range: (least: Money, greatest: Money)? {
        let values = Method.allCases.compactMap { value(by: $0)?.minorUnits }
        guard let least = values.min(), let greatest = values.max() else { return nil }
        return (Money(minorUnits: least), Money(minorUnits: greatest))
    }

    package var json: JSON {
        let inputs: [Method: JSON] = [.cost: cost.json, .income: income.json, .market: market.json]
        let methods = Method.allCases.map { method -> JSON in
            [
                "method": .string(method.rawValue), "inputs": inputs[method] ?? .null,
                "value": value(by: method).map { .string("\($0)") } ?? .null,
            ]
        }
        return [
            "type": "hutong/valuation/v1", "asset": .string(assetCode), "version": .string(version.hex),
            "madeAt": .string(madeAt.rfc3339), "methods": .array(methods),
            "range": range.map { ["least": .string("\($0.least)"), "greatest": .string("\($0.greatest)")] }
                ?? .null,
            // 评估值不是入账金额.
            "isBookedAmount": false,
        ]
    }

    /// Whether every value of a report is what its own inputs give: anybody can ask, offline.
    package static func isRecomputable(_ report: JSON) -> Bool {
        let stated = report["methods"]?.array ?? []
        return stated.count == Method.allCases.count
            && stated.allSatisfy { entry in
                guard let method = entry["method"]?.text.flatMap(Method.init), let inputs = entry["inputs"]
                else {
                    return false
                }
                let value: Money? =
                    switch method {
                    case .cost: (try? Cost(inputs))?.value
                    case .income: (try? Income(inputs))?.value
                    case .market: Market(inputs)?.value
                    }
                return entry["value"]?.text == value.map { "\($0)" }
            }
    }
}

/// Whole numbers all the way: an amount in millionths of its smallest unit.
private struct Millionths {
    private var value: Int128

    init(_ amounts: [Money]) {
        value = amounts.reduce(0) { $0 + Int128($1.minorUnits) } * 1_000_000
    }

    func times(_ numerator: Int64, over denominator: Int64) -> Millionths {
        var result = self
        result.value = value * Int128(numerator) / Int128(denominator)
        return result
    }

    static func + (left: Millionths, right: Millionths) -> Millionths {
        var sum = left
        sum.value += right.value
        return sum
    }

    /// Rounded half away from zero.
    var money: Money {
        Money(minorUnits: Int64(clamping: (value + (value < 0 ? -500_000 : 500_000)) / 1_000_000))
    }
}

extension Valuation.Cost {
    var value: Money {
        Millionths(items.map(\.amount)).times(10_000 + profitBasisPoints, over: 10_000)
            .times(10_000 - obsolescenceBasisPoints, over: 10_000).money
    }

    var json: JSON {
        [
            "items": .array(items.map { ["name": .string($0.name), "amount": .string("\($0.amount)")] }),
            "profitBasisPoints": .integer(profitBasisPoints),
            "obsolescenceBasisPoints": .integer(obsolescenceBasisPoints),
        ]
    }

    init(_ json: JSON?) throws(Problem) {
        var items: [(String, Money)] = []
        for item in json?["items"]?.array ?? [] {
            guard let name = item["name"]?.text, let amount = item["amount"]?.text.flatMap({ Money($0) })
            else {
                throw Problem(.invalid, "register.valuation-incomplete", ["part": "cost.items"])
            }
            items.append((name, amount))
        }
        guard !items.isEmpty else {
            throw Problem(.invalid, "register.valuation-incomplete", ["part": "cost.items"])
        }
        self.init(
            items: items, profitBasisPoints: json?["profitBasisPoints"]?.integer ?? 0,
            obsolescenceBasisPoints: min(10_000, max(0, json?["obsolescenceBasisPoints"]?.integer ?? 0)))
    }
}

extension Valuation.Income {
    /// Years beyond which a forecast of data is no forecast.
    private static let yearsMax = 30

    var value: Money {
        var total = Millionths([])
        for (year, amount) in yearly.enumerated() {
            var part = Millionths([amount]).times(shareBasisPoints, over: 10_000)
            for _ in 0...year { part = part.times(10_000, over: 10_000 + rateBasisPoints) }
            total = total + part
        }
        return total.money
    }

    var json: JSON {
        [
            "yearly": .array(yearly.map { .string("\($0)") }), "shareBasisPoints": .integer(shareBasisPoints),
            "rateBasisPoints": .integer(rateBasisPoints),
        ]
    }

    init(_ json: JSON?) throws(Problem) {
        let yearly = (json?["yearly"]?.array ?? []).compactMap { $0.text.flatMap { Money($0) } }
        guard (1...Self.yearsMax).contains(yearly.count), let rate = json?["rateBasisPoints"]?.integer,
            (0...100_000).contains(rate)
        else {
            throw Problem(
                .invalid, "register.valuation-incomplete", ["part": "income.yearly, income.rateBasisPoints"])
        }
        self.init(
            yearly: yearly, shareBasisPoints: json?["shareBasisPoints"]?.integer ?? 10_000,
            rateBasisPoints: rate)
    }
}

extension Valuation.Market {
    var value: Money? {
        let paid = trades.map(\.paid.minorUnits).sorted()
        guard !paid.isEmpty else { return nil }
        let middle = [paid[(paid.count - 1) / 2], paid[paid.count / 2]].map { Money(minorUnits: $0) }
        return Millionths(middle).times(factorBasisPoints, over: 20_000).money
    }

    var json: JSON {
        [
            "trades": .array(
                trades.map { ["contract": .string($0.contract), "paid": .string("\($0.paid)")] }),
            "factorBasisPoints": .integer(factorBasisPoints),
        ]
    }

    init?(_ json: JSON) {
        var trades: [Valuation.ClosedTrade] = []
        for trade in json["trades"]?.array ?? [] {
            guard let contract = trade["contract"]?.text,
                let paid = trade["paid"]?.text.flatMap({ Money($0) })
            else {
                return nil
            }
            trades.append(Valuation.ClosedTrade(contract: contract, paid: paid))
        }
        self.init(trades: trades, factorBasisPoints: json["factorBasisPoints"]?.integer ?? 10_000)
    }
}

/// The valuations of a node's assets.
package enum ValuationBook {
    package static func add(_ valuation: Valuation, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            "INSERT INTO register_valuation (id, asset_code, version, document, made_at) VALUES (?, ?, ?, ?, ?)",
            [
                ID<Valuation>(at: transaction.now), valuation.assetCode, valuation.version, valuation.json,
                valuation.madeAt,
            ])
    }

    /// The reports about an asset, newest first.
    package static func all(of assetCode: String, in transaction: any SQLReading) throws(Problem) -> [JSON] {
        try transaction.all(
            "SELECT document FROM register_valuation WHERE asset_code = ? ORDER BY made_at DESC", [assetCode]
        ) { row throws(Problem) in try row.json(0) }
    }
}
