// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// Two of the five dimensions of a city's data elements, from the registry and the exchange's books alone: the value of
/// data assets 数据资产价值量 and the capability to trade 数据交易能力. Nothing is entered by hand; the same rows give the
/// same figures to an auditor.
package struct MarketFigures: Hashable, Sendable {
    /// Registrations in force, and those of them whose value an assessor attested.
    package let registeredAssets: Int64
    package let valuedAssets: Int64
    /// What each registered asset earned its holders in the month, most first.
    package let incomeByAsset: [AssetIncome]

    package let openListings: Int64
    package let agreementsInForce: Int64
    package let buyers: Int64
    package let sellers: Int64
    /// Demands that a listing answered, of all that were posted.
    package let demands: Int64
    package let demandsMatched: Int64
    /// Settled uses of the month, and what was paid for them.
    package let uses: Int64
    package let turnoverMinorUnits: Int64
    package let month: Instant

    package struct AssetIncome: Hashable, Sendable {
        package let asset: String
        package let uses: Int64
        package let minorUnits: Int64
    }

    /// The figures of the month in which a moment lies. Cost: one pass over the month's bills, and counts.
    package init(inMonthOf moment: Instant, in transaction: any SQLReading) throws(Problem) {
        month = RunningBill.month(of: moment).start
        var income: [String: (uses: Int64, minorUnits: Int64)] = [:]
        try transaction.query(
            """
            SELECT a.listing, b.used, b.charged FROM trade_bill b JOIN trade_agreement a ON a.id = b.agreement_id
            WHERE b.starts_at = ?
            """, [month]
        ) { row throws(Problem) in
            let asset = try row.json(0)["asset"]?.text ?? ""
            let uses = (try row.json(1).object ?? [:]).values.compactMap(\.integer).reduce(0, +)
            let sum = income[asset] ?? (0, 0)
            income[asset] = (sum.uses + uses, sum.minorUnits + (try row.integer(2)))
        }
        incomeByAsset = income.map {
            AssetIncome(asset: $0.key, uses: $0.value.uses, minorUnits: $0.value.minorUnits)
        }
        .sorted { ($1.minorUnits, $0.asset) < ($0.minorUnits, $1.asset) }
        uses = incomeByAsset.reduce(0) { $0 + $1.uses }
        turnoverMinorUnits = incomeByAsset.reduce(0) { $0 + $1.minorUnits }
        func count(_ sql: String, _ arguments: [any SQLConvertible] = []) throws(Problem) -> Int64 {
            try transaction.count("SELECT count(*) FROM " + sql, arguments)
        }
        registeredAssets = try transaction.count(
            "SELECT count(DISTINCT asset_code) FROM register_registration WHERE revoked_at IS NULL")
        valuedAssets = try transaction.count(
            """
            SELECT count(DISTINCT r.asset_code) FROM register_registration r
            JOIN register_attestation v ON v.subject_code = r.asset_code
            WHERE r.revoked_at IS NULL AND v.kind = 'value' AND v.valid_until > ?
            """, [moment])
        openListings = try count("trade_listing WHERE state = 'open'")
        agreementsInForce = try count("trade_agreement WHERE state = 'in-force'")
        buyers = try transaction.count(
            "SELECT count(DISTINCT consumer_id) FROM trade_agreement WHERE state = 'in-force'")
        sellers = try transaction.count(
            "SELECT count(DISTINCT provider_id) FROM trade_agreement WHERE state = 'in-force'")
        demands = try count("trade_demand")
        demandsMatched = try count("trade_demand WHERE state = 'matched'")
    }

    package var json: JSON {
        [
            "month": .string(String(month.day(in: .shanghai).description.dropLast(3))),
            "assetValue": [
                "registered": .integer(registeredAssets), "valued": .integer(valuedAssets),
                "income": .array(
                    incomeByAsset.map {
                        [
                            "asset": .string($0.asset), "uses": .integer($0.uses),
                            "income": .string(Money(minorUnits: $0.minorUnits).description),
                        ]
                    }),
            ],
            "tradingCapability": [
                "openListings": .integer(openListings), "agreements": .integer(agreementsInForce),
                "buyers": .integer(buyers), "sellers": .integer(sellers), "demands": .integer(demands),
                "demandsMatched": .integer(demandsMatched), "uses": .integer(uses),
                "turnover": .string(Money(minorUnits: turnoverMinorUnits).description),
            ],
        ]
    }
}
