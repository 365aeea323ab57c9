// SPDX-License-Identifier: Apache-2.0

/// A currency by its ISO 4217 code. `minorDigits` is how many decimals its minor unit has.
package enum Currency: String, Sendable, Hashable, CaseIterable {
    case cny = "CNY"
    case hkd = "HKD"
    case usd = "USD"
    case eur = "EUR"

    package var minorDigits: Int { 2 }
}

/// An amount in minor units (fen, cents) of one currency. Exact: there is no floating point in money.
package struct Money: Hashable, Sendable, CustomStringConvertible {
    package let minorUnits: Int64
    package let currency: Currency

    package init(minorUnits: Int64, currency: Currency = .cny) {
        self.minorUnits = minorUnits
        self.currency = currency
    }

    package static let zero = Money(minorUnits: 0)

    /// Reads `0.50CNY`, `12 CNY`, `-3.5CNY`; `nil` for other text, unknown currencies and too many decimals.
    package init?(_ text: some StringProtocol) {
        let compact = String(text).filter { $0 != " " }
        guard let currency = Currency(rawValue: compact.suffix(3).uppercased()) else { return nil }
        var number = compact.dropLast(3)
        let isNegative = number.first == "-"
        if isNegative { number = number.dropFirst() }
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = Decimal10.digits(Array(parts[0].utf8)),
            parts[0].utf8.count <= 15
        else { return nil }
        var minor = Int64(whole) * 100
        if parts.count == 2 {
            guard (1...2).contains(parts[1].utf8.count), let fraction = Decimal10.digits(Array(parts[1].utf8))
            else { return nil }
            minor += Int64(parts[1].utf8.count == 1 ? fraction * 10 : fraction)
        }
        self.init(minorUnits: isNegative ? -minor : minor, currency: currency)
    }

    /// `12.50 CNY`.
    package var description: String { amount + " " + currency.rawValue }

    /// `12.50`, without the currency.
    package var amount: String {
        let magnitude = minorUnits.magnitude
        return (minorUnits < 0 ? "-" : "") + "\(magnitude / 100)." + Decimal10.padded(Int(magnitude % 100), 2)
    }
}
