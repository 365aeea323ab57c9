// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §5. Reads a released answer back: foreign bytes, once the seal is open.

package import Primitives
import Tables

extension ReleasedAnswer {
    /// Reads what `json` wrote; `nil` for anything else.
    package init?(json: JSON) {
        guard let columns = json["columns"]?.array?.compactMap(\.text),
            let types = json["types"]?.array?.map({ $0.text.flatMap { ColumnType(named: $0) } }),
            let rows = json["rows"]?.array, let intervals = json["intervals"]?.array,
            let suppressed = json["suppressed"]?.array, types.count == columns.count, intervals.count == rows.count,
            let plan = json["plan"]?.text.flatMap({ Digest(hex: $0) }),
            let commitment = json["seedCommitment"]?.text.flatMap({ Digest(hex: $0) }),
            let charge = json["charge"].flatMap({ PrivacyCost(json: $0) })
        else { return nil }
        let hidden = Set(suppressed)
        var cells: [[ReleasedCell]] = []
        for (place, row) in rows.enumerated() {
            guard let values = row.array, let bounds = intervals[place].array, values.count == columns.count,
                bounds.count == columns.count
            else { return nil }
            cells.append(columns.indices.map { column in
                ReleasedCell(
                    TableValue(values[column], as: types[column] ?? .text), interval: .init(json: bounds[column]),
                    isSuppressed: hidden.contains([.integer(Int64(place)), .integer(Int64(column))]))
            })
        }
        self.init(
            columns: columns, rows: cells, charge: charge, planDigest: plan, seedCommitment: commitment,
            hiddenGroups: Int(json["hiddenGroups"]?.integer ?? 0),
            hints: (json["hints"]?.array ?? []).compactMap { $0.text.flatMap { Hint(rawValue: $0) } })
    }
}

extension ReleasedCell.Interval {
    fileprivate init?(json: JSON) {
        guard json.array?.count == 2, let low = json[0]?.double, let high = json[1]?.double else { return nil }
        self.init(low, high)
    }
}

extension TableValue {
    fileprivate init(_ json: JSON, as type: ColumnType) {
        switch (json, type) {
        case (.null, _): self = .null
        case (.bool(let flag), _): self = .bool(flag)
        case (.integer(let number), .integer): self = .integer(Int128(number))
        case (.string(let text), .integer): self = Int128(text).map { .integer($0) } ?? .null
        case (.string(let text), .day):
            self = CalendarDay(text).map { .day(Int32($0.daysSince1970)) } ?? .null
        case (.string(let text), .real): self = Self.decimal(text)
        case (.string(let text), _): self = .text(text)
        case (let number, _): self = number.double.map { .real($0) } ?? .null
        }
    }

    /// With as many digits after the point as the text has, so that it is written the same again.
    private static func decimal(_ text: String) -> TableValue {
        let scale = text.split(separator: ".", maxSplits: 1).dropFirst().first?.count ?? 0
        guard let units = Int128(text.replacing(".", with: "")), scale <= 18 else { return .null }
        return .decimal(ExactDecimal(unscaled: units, scale: scale))
    }
}

extension PrivacyCost {
    /// Reads what `json` wrote.
    init?(json: JSON) {
        guard let micros = json["epsilonMicros"]?.integer, let rho = json["rhoNanos"]?.integer,
            let isPure = json["pure"]?.bool, micros >= 0, rho >= 0
        else { return nil }
        func exponent(_ name: String) -> Int? { json[name]?.integer.map { Int(clamping: $0) } }
        self.init(
            epsilonMicros: UInt64(micros), rhoNanos: UInt64(rho), isPure: isPure,
            deltaExponent: exponent("deltaExponent"), groupsDeltaExponent: exponent("groupsDeltaExponent"))
    }
}
