// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Tables

/// A versioned collection standard: which fields a table has, of which type, unit, code list and bounds (S02).
package struct CollectionStandard: Hashable, Sendable {
    package let name: String
    package let version: String
    package let title: LocalizedText
    package let fields: [StandardField]
    /// A file with a smaller share of conforming rows is refused whole; in percent.
    package let minimumPercent: Int

    /// Reads a declaration; a fault names its place and what belongs there.
    package init(_ declaration: Declaration) throws(Declaration.Fault) {
        try declaration.allows("standard", "version", "title", "fields", "minimumPercent")
        name = try declaration.member("standard").text()
        version = try declaration.member("version").text()
        title = try declaration.optional("title")?.localized() ?? LocalizedText(name)
        var fields: [StandardField] = []
        for field in try declaration.member("fields").elements() { fields.append(try StandardField(field)) }
        self.fields = fields
        minimumPercent = try declaration.optional("minimumPercent")?.integer() ?? 0
    }

    package var rules: [StandardRule] { fields.flatMap(\.rules) }
}

/// One field of a standard.
package struct StandardField: Hashable, Sendable {
    package let name: String
    package let title: LocalizedText
    package let type: ColumnType
    package let unit: String?
    package let isMandatory: Bool
    package let isUnique: Bool
    package let codes: [String]
    /// A regular expression (RE2) that the whole text must match.
    package let pattern: String?
    package let minimum: String?
    package let maximum: String?
    /// A `strptime` format for days and timestamps; `nil`: ISO 8601.
    package let format: String?

    init(_ declaration: Declaration) throws(Declaration.Fault) {
        try declaration.allows(
            "name", "title", "type", "unit", "mandatory", "unique", "codes", "pattern", "min", "max", "format"
        )
        name = try declaration.member("name").text()
        title = try declaration.optional("title")?.localized() ?? LocalizedText(name)
        let word = try declaration.member("type")
        guard let type = ColumnType(declared: try word.text()) else {
            throw word.fault(
                zh: "没有这种类型", en: "there is no such type",
                remedyZH: "可用：text、integer、decimal(总位数,小数位)、real、bool、day、timestamp。",
                remedyEN: "Known: text, integer, decimal(width,scale), real, bool, day, timestamp.")
        }
        self.type = type
        unit = try declaration.optional("unit")?.text()
        isMandatory = try declaration.optional("mandatory")?.bool() ?? false
        isUnique = try declaration.optional("unique")?.bool() ?? false
        codes = try declaration.optional("codes")?.texts() ?? []
        pattern = try declaration.optional("pattern")?.text()
        minimum = try declaration.optional("min")?.text()
        maximum = try declaration.optional("max")?.text()
        format = try declaration.optional("format")?.text()
    }

    /// What the field demands of a row, in a fixed order.
    package var rules: [StandardRule] {
        var kinds: [StandardRule.Kind] = []
        if isMandatory { kinds.append(.mandatory) }
        if type != .text { kinds.append(.type) }
        if !codes.isEmpty { kinds.append(.codes) }
        if pattern != nil { kinds.append(.pattern) }
        if minimum != nil || maximum != nil { kinds.append(.range) }
        if isUnique { kinds.append(.unique) }
        return kinds.map { StandardRule(field: self, kind: $0) }
    }
}

/// One checkable demand: `PM2.5.range`.
package struct StandardRule: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case mandatory, type, codes, pattern, range, unique
    }

    package let field: StandardField
    package let kind: Kind

    package var id: String { "\(field.name).\(kind.rawValue)" }

    /// True where a row of raw texts breaks the rule, in the engine's SQL.
    var violation: String {
        let raw = field.name.quotedIdentifier
        let cast = field.attempt
        return switch kind {
        case .mandatory: "\(raw) IS NULL"
        case .type: "\(raw) IS NOT NULL AND (\(cast) IS NULL\(field.strictness))"
        case .codes: "\(raw) NOT IN (\(field.codes.map(\.quotedLiteral).joined(separator: ", ")))"
        case .pattern: "NOT regexp_full_match(\(raw), \((field.pattern ?? "").quotedLiteral))"
        case .range: range(cast)
        case .unique: "\(raw) IS NOT NULL AND count(*) OVER (PARTITION BY \(raw)) > 1"
        }
    }

    private func range(_ cast: String) -> String {
        let bounds = [
            field.minimum.map { "\(cast) < \(literal($0))" },
            field.maximum.map { "\(cast) > \(literal($0))" },
        ]
        return bounds.compactMap { $0 }.joined(separator: " OR ")
    }

    private func literal(_ bound: String) -> String {
        "CAST(\(bound.quotedLiteral) AS \(field.type.sqlName))"
    }
}

extension StandardField {
    /// The raw text as the field's type, NULL where it does not fit.
    var attempt: String {
        let raw = name.quotedIdentifier
        guard let format, type == .day || type == .timestamp else {
            return type == .text ? raw : "TRY_CAST(\(raw) AS \(type.sqlName))"
        }
        return "try_strptime(\(raw), \(format.quotedLiteral))::\(type.sqlName)"
    }

    /// A cast rounds `1.5` to an integer and drops decimals beyond the scale: neither conforms.
    fileprivate var strictness: String {
        let raw = name.quotedIdentifier
        return switch type {
        case .integer: " OR contains(\(raw), '.') OR contains(lower(\(raw)), 'e')"
        case .decimal(_, let scale):
            " OR (contains(\(raw), '.') AND length(\(raw)) - strpos(\(raw), '.') > \(scale))"
        default: ""
        }
    }
}

extension ColumnType {
    /// Reads the words of a standard: `text`, `integer`, `decimal(10,2)`, …
    package init?(declared word: String) {
        switch word.lowercased() {
        case "text", "code": self = .text
        case "integer": self = .integer
        case "real": self = .real
        case "bool": self = .bool
        case "day": self = .day
        case "timestamp": self = .timestamp
        default:
            guard let match = word.lowercased().wholeMatch(of: /decimal\((\d{1,2}), ?(\d{1,2})\)/),
                let width = Int(match.1), let scale = Int(match.2), (1...38).contains(width), scale <= width
            else { return nil }
            self = .decimal(width: width, scale: scale)
        }
    }
}
