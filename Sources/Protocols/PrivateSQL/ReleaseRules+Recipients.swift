// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §2 (recipients). Adversary: one recipient, or several who compare what they were
// told. Public: the rules. What protects: a recipient's rules are the listing's, narrowed; masks stand in the plan's
// expressions over the same rows, so answers to different recipients are compared as answers to one.

package import Primitives
package import Tables

/// What a recipient is told in place of a column's values.
package enum ColumnMask: Hashable, Sendable {
    /// Nothing: the column does not exist for this recipient.
    case hidden
    /// The first characters of a text: a postal district of an address, a chapter of a diagnosis.
    case prefix(Int)
    /// Numbers rounded toward zero to multiples of this many whole units.
    case step(Int64)
    /// The beginning of the period a day lies in.
    case period(RelationExpression.CalendarUnit)
}

/// How one recipient's view is narrower than the rules.
package struct RecipientRules: Hashable, Sendable {
    package struct Table: Hashable, Sendable {
        /// Beside the table's own filter.
        package let rowFilter: [RowCondition]
        package let masks: [String: ColumnMask]
    }

    package let tables: [String: Table]
    let json: JSON
}

extension ReleaseRules {
    /// Stands for every recipient that is not named.
    package static let others = "others"

    /// The rules as they hold for a recipient: its own entry, else that of `others`, else the rules as they are.
    ///
    /// Narrowed rules have another digest, and so have their plans: two recipients share noise if and only if they
    /// see the same.
    package func narrowed(for recipient: Code?) -> ReleaseRules {
        guard let own = recipient.flatMap({ recipients[$0.text] }) ?? recipients[Self.others] else {
            return self
        }
        let narrowed = tables.map { name, table in
            (name, own.tables[name].map(table.narrowed) ?? table)
        }
        return ReleaseRules(
            tables: Dictionary(uniqueKeysWithValues: narrowed), protection: protection, purposes: purposes,
            limits: limits, recipients: [:], json: ["rules": json, "recipient": own.json])
    }
}

extension TableRules {
    fileprivate func narrowed(by own: RecipientRules.Table) -> TableRules {
        let masked = columns.map { name, rules in (name, own.masks[name].map(rules.masked) ?? rules) }
        return TableRules(
            columns: Dictionary(uniqueKeysWithValues: masked), unit: unit, joins: joins,
            rowFilter: rowFilter + own.rowFilter)
    }
}

extension ColumnRules {
    /// A masked column joins nothing: equal masks are not equal values.
    fileprivate func masked(by mask: ColumnMask) -> ColumnRules {
        ColumnRules(
            uses: mask == .hidden ? [] : uses.subtracting([.join]), bounds: bounds, decimals: decimals,
            values: values, mayTellExtremes: mayTellExtremes, mask: mask)
    }
}

// MARK: Reading

extension RecipientRules {
    /// `{"tables": {"visits": {"rowFilter": […], "masks": {"age": {"step": 10}, "resp": "hidden"}}}}`
    init(_ node: RulesNode, of tables: [String: TableRules]) throws(RulesRefusal) {
        try node.knowsOnly(["tables"])
        var read: [String: Table] = [:]
        for (name, child) in try node.object("tables") {
            guard let table = tables[name] else {
                throw node.refused("tables." + name, zh: "本规则中的表", en: "a table of these rules")
            }
            try child.knowsOnly(["rowFilter", "masks"])
            var masks: [String: ColumnMask] = [:]
            for (column, mask) in child.child("masks") == nil ? [] : try child.object("masks") {
                masks[column] = try ColumnMask(mask, of: column, in: table)
            }
            read[name] = Table(rowFilter: try child.conditions("rowFilter"), masks: masks)
        }
        self.tables = read
        json = node.json
    }
}

extension ColumnMask {
    /// `"hidden"`, `{"prefix": 3}`, `{"step": 10}` or `{"to": "month"}`.
    fileprivate init(_ node: RulesNode, of column: String, in table: TableRules) throws(RulesRefusal) {
        guard let rules = table.columns[column], table.unit?.column != column else {
            throw node.refused(
                "", zh: "本表中的列，但不是 unit", en: "a column of this table other than the unit")
        }
        if node.json.text == "hidden" {
            self = .hidden
            return
        }
        try node.knowsOnly(["prefix", "step", "to"])
        if let count = try node.integer("prefix", in: 1...100) {
            self = .prefix(count)
        } else if let step = try node.integer("step", in: 2...1_000_000_000) {
            guard rules.bounds != nil else {
                throw node.refused("step", zh: "声明了 bounds 的列", en: "a column with bounds")
            }
            self = .step(Int64(step))
        } else if let unit = node.json["to"]?.text.flatMap({ RelationExpression.CalendarUnit(rawValue: $0) }),
            [.week, .month, .quarter, .year].contains(unit)
        {
            self = .period(unit)
        } else {
            throw node.refused(
                "", zh: "hidden、prefix、step 或 to（week、month、quarter、year）",
                en: "hidden, prefix, step, or to (week, month, quarter, year)")
        }
    }
}

// MARK: In the plan

extension ColumnMask {
    /// The masked value in the column's place; `nil` where the mask does not fit what the column holds.
    func masked(_ value: BoundValue) -> BoundValue? {
        switch (self, value.kind) {
        case (.prefix(let count), .text):
            let values = value.values?.map {
                if case .text(let text) = $0 { TableValue.text(String(text.prefix(count))) } else { $0 }
            }
            return BoundValue(.prefix(value.expression, count), .text, values: values?.unique)
        case (.period(let unit), .day), (.period(let unit), .timestamp):
            let values = value.values?.map { unit.beginning(of: $0) }.unique
            return BoundValue(.beginning(unit, value.expression), .day, values: values)
        case (.step(let step), .number(.column(_, let bounds?, let decimals, _))):
            return stepped(value, by: Int128(step) * ScaledNumber.power(decimals), bounds, decimals)
        default:
            return nil
        }
    }

    private func stepped(
        _ value: BoundValue, by width: Int128, _ bounds: ClosedRange<Int64>, _ decimals: Int
    ) -> BoundValue {
        let scaled = RelationExpression.scaled(
            value.expression, digits: decimals, low: bounds.lowerBound, high: bounds.upperBound)
        let (low, high) = (Int128(bounds.lowerBound), Int128(bounds.upperBound))
        let values = value.values?.map {
            if case .integer(let number) = $0 { TableValue.integer(number / width * width) } else { $0 }
        }
        return BoundValue(
            .times(.quotient(scaled, .literal(.integer(width))), .literal(.integer(width))),
            .number(.scaled(digits: decimals, (low / width * width)...(high / width * width))),
            values: decimals == 0 ? values?.unique : nil)
    }
}
