// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/clean-room.md §2. Reads a public document; no secrets.

import Noise
package import Primitives
import Tables

/// Where a rules document is not one, and what is expected there.
package struct RulesRefusal: Error, Hashable, Sendable {
    /// Such as `tables.visits.columns.age.bounds`.
    package let place: String
    package let expected: LocalizedText
}

extension ReleaseRules {
    /// Reads `rules.json`. Every member must be known: a misspelled protection is refused, not passed over.
    package init(json: JSON) throws(RulesRefusal) {
        let root = RulesNode(json, "")
        try root.knowsOnly([
            "rules", "tables", "minimumGroup", "dominance", "rounding", "privacy", "purposes", "answers",
            "match", "recipients",
        ])
        guard json["rules"]?.integer == 1 else {
            throw root.refused("rules", zh: "版本号 1", en: "the version, 1")
        }
        var tables: [String: TableRules] = [:]
        for (name, node) in try root.object("tables") { tables[name] = try TableRules(node) }
        guard !tables.isEmpty else { throw root.refused("tables", zh: "至少一张表", en: "at least one table") }
        self.json = json
        self.tables = tables
        protection = try Self.protection(root)
        purposes = try root.texts("purposes") ?? []
        limits = try AnswerLimits(root)
        recipients = try Self.recipients(root, tables)
        try checkJoins(root)
        try checkUnits(root)
    }

    private static func protection(_ root: RulesNode) throws(RulesRefusal) -> Protection {
        if let privacy = root.child("privacy") {
            for name in ["minimumGroup", "dominance", "rounding"] where root.child(name) != nil {
                throw root.refused(name, zh: "不与 privacy 同时出现", en: "either this or privacy, not both")
            }
            return .noise(try NoiseProtection(privacy))
        }
        guard let minimum = try root.integer("minimumGroup", in: 1...1_000_000) else {
            throw root.refused("minimumGroup", zh: "minimumGroup 或 privacy", en: "minimumGroup or privacy")
        }
        return .minimumGroup(
            GroupProtection(
                minimum: minimum,
                dominancePermille: try root.decimal("dominance", scale: 3, in: 1...999).map { Int($0) },
                rounding: try root.integer("rounding", in: 1...1_000_000) ?? 1
            )
        )
    }

    private static func recipients(
        _ root: RulesNode, _ tables: [String: TableRules]
    ) throws(RulesRefusal) -> [String: RecipientRules] {
        var recipients: [String: RecipientRules] = [:]
        for (name, node) in root.child("recipients") == nil ? [] : try root.object("recipients") {
            guard name == others || Code(name)?.kind == .party else {
                throw root.refused(
                    "recipients." + name, zh: "主体代码或 others", en: "a party's code, or others")
            }
            recipients[Code(name)?.text ?? name] = try RecipientRules(node, of: tables)
        }
        return recipients
    }

    /// A join names a table and a column of these rules.
    private func checkJoins(_ root: RulesNode) throws(RulesRefusal) {
        for (name, table) in tables {
            for join in table.joins {
                let other = tables[join.otherTable]?.columns[join.otherColumn]
                guard table.columns[join.column] != nil, other != nil else {
                    throw root.refused("tables.\(name).joins", zh: "本规则中的列", en: "columns of these rules")
                }
            }
        }
    }

    /// Noise protects somebody: at least one table says whom.
    private func checkUnits(_ root: RulesNode) throws(RulesRefusal) {
        if case .noise = protection, tables.values.allSatisfy({ $0.unit == nil }) {
            throw root.refused("tables", zh: "至少一张表声明 unit", en: "a unit in at least one table")
        }
    }
}

extension NoiseProtection {
    fileprivate init(_ node: RulesNode) throws(RulesRefusal) {
        try node.knowsOnly(["mechanism", "epsilon", "delta", "total", "period"])
        let word = node.json["mechanism"]?.text ?? "laplace"
        guard let mechanism = Mechanism(rawValue: word) else {
            throw node.refused("mechanism", zh: "laplace 或 gaussian", en: "laplace or gaussian")
        }
        guard let question = try node.epsilon("epsilon"), let total = try node.epsilon("total") else {
            throw node.refused("epsilon", zh: "epsilon 和 total", en: "epsilon and total")
        }
        let delta = try node.delta("delta")
        guard mechanism == .laplace || delta != nil else {
            throw node.refused("delta", zh: "gaussian 需要 delta", en: "a delta, which gaussian needs")
        }
        var period: Period?
        if let child = node.child("period") {
            try child.knowsOnly(["days", "epsilon"])
            guard let days = try child.integer("days", in: 1...3660),
                let epsilon = try child.epsilon("epsilon")
            else {
                throw child.refused("days", zh: "days 和 epsilon", en: "days and epsilon")
            }
            period = Period(days: days, epsilonMicros: epsilon)
        }
        guard question <= total, question <= period?.epsilonMicros ?? total else {
            throw node.refused("epsilon", zh: "不大于 total 和 period", en: "no more than total and period")
        }
        self.init(
            mechanism: mechanism,
            questionEpsilonMicros: question,
            delta: delta,
            period: period,
            totalEpsilonMicros: total
        )
    }
}

extension AnswerLimits {
    /// More rows than this leave no clean room, whatever the rules say.
    private static let rowsCeiling = 100_000

    fileprivate init(_ root: RulesNode) throws(RulesRefusal) {
        let node = root.child("answers")
        try node?.knowsOnly(["rowsMax", "questionsMax", "questions"])
        guard let questions = Questions(rawValue: node?.json["questions"]?.text ?? "any") else {
            throw root.refused("answers.questions", zh: "any 或 approved", en: "any or approved")
        }
        self.questions = questions
        rowsMax = try node?.integer("rowsMax", in: 1...Self.rowsCeiling) ?? 10_000
        questionsMax = try node?.integer("questionsMax", in: 1...1_000_000_000)
    }
}

extension TableRules {
    fileprivate init(_ node: RulesNode) throws(RulesRefusal) {
        try node.knowsOnly(["columns", "unit", "joins", "rowFilter"])
        var columns: [String: ColumnRules] = [:]
        for (name, child) in try node.object("columns") { columns[name] = try ColumnRules(child) }
        self.columns = columns
        unit = try node.child("unit").map { child throws(RulesRefusal) in try PrivacyUnit(child) }
        if let unit, columns[unit.column] == nil {
            throw node.refused("unit.column", zh: "本表的列", en: "a column of this table")
        }
        var joins: [JoinRule] = []
        for join in try node.elements("joins") { joins.append(try JoinRule(join)) }
        self.joins = joins
        rowFilter = try node.conditions("rowFilter")
    }
}

extension PrivacyUnit {
    fileprivate init(_ node: RulesNode) throws(RulesRefusal) {
        try node.knowsOnly(["column", "groups", "rowsPerGroup", "rows"])
        guard let column = node.json["column"]?.text else {
            throw node.refused("column", zh: "列名", en: "the name of a column")
        }
        let isKey = try node.integer("rows", in: 1...1) == 1
        if isKey, node.child("groups") != nil || node.child("rowsPerGroup") != nil {
            throw node.refused(
                "rows",
                zh: "rows 或 groups/rowsPerGroup",
                en: "rows, or groups and rowsPerGroup"
            )
        }
        self.init(
            column: column,
            groups: try node.integer("groups", in: 1...10_000) ?? 1,
            rowsPerGroup: try node.integer("rowsPerGroup", in: 1...10_000) ?? 1,
            isKey: isKey
        )
    }
}

extension JoinRule {
    /// `{"on": "day", "with": "air.day"}`
    fileprivate init(_ node: RulesNode) throws(RulesRefusal) {
        try node.knowsOnly(["on", "with"])
        let parts = node.json["with"]?.text?.split(separator: ".") ?? []
        guard let column = node.json["on"]?.text, parts.count == 2 else {
            throw node.refused("with", zh: "表名.列名", en: "table.column")
        }
        self.init(column: column, otherTable: String(parts[0]), otherColumn: String(parts[1]))
    }
}

extension ColumnRules {
    /// `"group-only"`, or an object with `use` and what else there is to say.
    fileprivate init(_ node: RulesNode) throws(RulesRefusal) {
        if let word = node.json.text {
            self.init(
                uses: try Self.uses(word, node),
                bounds: nil,
                decimals: 0,
                values: nil,
                mayTellExtremes: false
            )
            return
        }
        try node.knowsOnly(["use", "bounds", "decimals", "values", "days", "extremes"])
        var uses: Set<Use> = []
        if let word = node.json["use"]?.text {
            uses = try Self.uses(word, node)
        } else {
            for word in try node.texts("use") ?? [] {
                guard let use = Use(rawValue: word) else { throw Self.unknownUse(node) }
                uses.insert(use)
            }
        }
        let decimals = try node.integer("decimals", in: 0...6) ?? 0
        let days = try node.days("days")
        self.init(
            uses: uses,
            bounds: try Self.bounds(node, decimals),
            decimals: decimals,
            values: days == nil ? try node.values("values") : days,
            mayTellExtremes: node.json["extremes"]?.bool ?? false
        )
    }

    private static func uses(_ word: String, _ node: RulesNode) throws(RulesRefusal) -> Set<Use> {
        switch word {
        case "hidden": return []
        case "filter-only": return [.filter]
        case "group-only": return [.group]
        case "aggregate-only": return [.aggregate]
        case "join-only": return [.join]
        case "open": return Set(Use.allCases)
        default: throw unknownUse(node)
        }
    }

    private static func unknownUse(_ node: RulesNode) -> RulesRefusal {
        let words =
            "hidden, filter-only, group-only, aggregate-only, join-only, open; [filter, group, aggregate, join]"
        return node.refused("use", zh: words, en: words)
    }

    private static func bounds(_ node: RulesNode, _ decimals: Int) throws(RulesRefusal) -> ClosedRange<Int64>?
    {
        guard let pair = node.json["bounds"] else { return nil }
        // 2^31 units either way: then two thousand million rows add up within 64 bits.
        guard pair.array?.count == 2, let low = pair[0]?.scaled(by: decimals),
            let high = pair[1]?.scaled(by: decimals),
            low < high, low >= -(1 << 31), high <= 1 << 31
        else {
            throw node.refused(
                "bounds",
                zh: "[下限, 上限]，精确到 decimals 位且不超过 2^31 个单位",
                en: "[low, high], exact to `decimals` digits and within 2^31 units"
            )
        }
        return low...high
    }
}

// MARK: Reading members

/// A value of the document with its path, for exact refusals.
struct RulesNode {
    let json: JSON
    let path: String

    init(_ json: JSON, _ path: String) {
        self.json = json
        self.path = path
    }

    func refused(_ name: String, zh: String, en: String) -> RulesRefusal {
        RulesRefusal(place: path.isEmpty ? name : path + "." + name, expected: LocalizedText(zh: zh, en: en))
    }

    func child(_ name: String) -> RulesNode? {
        json[name].map { RulesNode($0, path.isEmpty ? name : path + "." + name) }
    }

    /// Refuses other members; those whose name begins with `//` are comments.
    func knowsOnly(_ names: Set<String>) throws(RulesRefusal) {
        guard let members = json.object else { throw refused("", zh: "对象", en: "an object") }
        for name in members.keys.sorted() where !names.contains(name) && !name.hasPrefix("//") {
            let known = names.sorted().joined(separator: ", ")
            throw refused(name, zh: "只能是 \(known)", en: "one of \(known)")
        }
    }

    func object(_ name: String) throws(RulesRefusal) -> [(String, RulesNode)] {
        guard let node = child(name), let members = node.json.object else {
            throw refused(name, zh: "对象", en: "an object")
        }
        return members.filter { !$0.key.hasPrefix("//") }.sorted { $0.key < $1.key }
            .map { ($0.key, RulesNode($0.value, node.path + "." + $0.key)) }
    }

    func elements(_ name: String) throws(RulesRefusal) -> [RulesNode] {
        guard let node = child(name) else { return [] }
        guard let elements = node.json.array else { throw refused(name, zh: "数组", en: "an array") }
        return elements.enumerated().map { RulesNode($0.element, node.path + "[\($0.offset)]") }
    }

    func texts(_ name: String) throws(RulesRefusal) -> [String]? {
        guard let value = json[name] else { return nil }
        let texts = value.array?.compactMap(\.text) ?? []
        guard let elements = value.array, texts.count == elements.count else {
            throw refused(name, zh: "文本数组", en: "an array of texts")
        }
        return texts
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(RulesRefusal) -> Int? {
        guard let value = json[name] else { return nil }
        guard let integer = value.integer, range.contains(Int(integer)) else {
            throw refused(
                name,
                zh: "\(range.lowerBound) 到 \(range.upperBound) 的整数",
                en: "an integer from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return Int(integer)
    }

    func decimal(_ name: String, scale: Int, in range: ClosedRange<Int64>) throws(RulesRefusal) -> Int64? {
        guard let value = json[name] else { return nil }
        guard let units = value.scaled(by: scale), range.contains(units) else {
            let low = ExactDecimal(unscaled: Int128(range.lowerBound), scale: scale)
            let high = ExactDecimal(unscaled: Int128(range.upperBound), scale: scale)
            throw refused(name, zh: "\(low) 到 \(high) 的数", en: "a number from \(low) to \(high)")
        }
        return units
    }

    /// ε from a millionth to 100.
    func epsilon(_ name: String) throws(RulesRefusal) -> UInt64? {
        try decimal(name, scale: 6, in: 1...100_000_000).map { UInt64($0) }
    }

    /// δ as a power of ten: `1e-6`, `"1e-6"` or `0.000001`.
    func delta(_ name: String) throws(RulesRefusal) -> Delta? {
        guard let value = json[name] else { return nil }
        let exponents = 3...18
        for exponent in exponents where value.scaled(by: exponent) == 1 { return Delta(exponent: exponent) }
        throw refused(name, zh: "1e-3 到 1e-18 的十的幂", en: "a power of ten from 1e-3 to 1e-18")
    }

    /// `[{"column": "district", "values": ["Haidian"]}]`
    func conditions(_ name: String) throws(RulesRefusal) -> [RowCondition] {
        var conditions: [RowCondition] = []
        for condition in try elements(name) {
            try condition.knowsOnly(["column", "values"])
            guard let column = condition.json["column"]?.text, let values = try condition.values("values")
            else {
                throw condition.refused("column", zh: "column 和 values", en: "column and values")
            }
            conditions.append(RowCondition(column: column, values: values))
        }
        return conditions
    }

    /// A public list: texts, integers or truth values.
    func values(_ name: String) throws(RulesRefusal) -> [TableValue]? {
        guard let value = json[name] else { return nil }
        var values: [TableValue] = []
        for element in value.array ?? [] {
            switch element {
            case .null: values.append(.null)
            case .bool(let flag): values.append(.bool(flag))
            case .integer(let number): values.append(.integer(Int128(number)))
            case .string(let text):
                values.append(CalendarDay(text).map { .day(Int32($0.daysSince1970)) } ?? .text(text))
            default: throw refused(name, zh: "文本、整数或真假值", en: "texts, integers or truth values")
            }
        }
        guard !values.isEmpty, Set(values).count == values.count else {
            throw refused(name, zh: "不重复的值", en: "values, each once")
        }
        return values
    }

    /// `["2016-01-01", "2016-12-31"]`: every day from the first to the last.
    func days(_ name: String) throws(RulesRefusal) -> [TableValue]? {
        guard let value = json[name] else { return nil }
        guard value.array?.count == 2, let first = value[0]?.text.flatMap({ CalendarDay($0) }),
            let last = value[1]?.text.flatMap({ CalendarDay($0) }), first <= last,
            last.daysSince1970 - first.daysSince1970 < 10_000
        else { throw refused(name, zh: "[首日, 末日]", en: "[first day, last day], at most 10000 days") }
        return (first.daysSince1970...last.daysSince1970).map { .day(Int32($0)) }
    }
}

extension JSON {
    /// The number times 10^`scale`, if that is a 64-bit integer; also from a text such as "0.50".
    func scaled(by scale: Int) -> Int64? {
        guard let decimal = ExactDecimal(numeral: text ?? canonicalText), decimal.scale <= scale else {
            return nil
        }
        let power = (decimal.scale..<scale).reduce(Int128(1)) { power, _ in power * 10 }
        return Int64(exactly: decimal.unscaled * power)
    }
}
