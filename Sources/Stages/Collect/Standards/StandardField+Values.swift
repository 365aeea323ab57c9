// SPDX-License-Identifier: Apache-2.0

package import Primitives
internal import Tables

extension StandardField {
    /// The rule a single value breaks, or `nil` where it keeps all of them: what the sensing gateway asks of one reading.
    /// Days and moments are ISO 8601 here, whatever the standard's files use; uniqueness is asked of tables alone.
    package func ruleBroken(by value: JSON?) -> StandardRule? {
        guard let text = value?.written, !text.isEmpty else {
            return isMandatory ? StandardRule(field: self, kind: .mandatory) : nil
        }
        let kind: StandardRule.Kind? =
            if !fitsType(text) {
                .type
            } else if !codes.isEmpty, !codes.contains(text) {
                .codes
            } else if !fitsPattern(text) {
                .pattern
            } else if !fitsRange(text) {
                .range
            } else {
                nil
            }
        return kind.map { StandardRule(field: self, kind: $0) }
    }

    private func fitsType(_ text: String) -> Bool {
        switch type {
        case .text: true
        case .integer: Int64(text) != nil
        case .real: Double(text)?.isFinite ?? false
        case .bool: text == "true" || text == "false"
        case .day: CalendarDay(text) != nil
        case .timestamp: Instant(rfc3339: text) != nil
        case .decimal(let width, let scale): Self.isDecimal(text, width: width, scale: scale)
        case .bytes, .time: false
        }
    }

    private static func isDecimal(_ text: String, width: Int, scale: Int) -> Bool {
        let digits = text.first == "-" ? text.dropFirst() : text[...]
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ part in
                !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) }
            })
        else { return false }
        return parts[0].count <= width - scale && (parts.count == 1 || parts[1].count <= scale)
    }

    private func fitsPattern(_ text: String) -> Bool {
        guard let pattern else { return true }
        guard let expression = try? Regex(pattern) else { return false }
        return text.wholeMatch(of: expression) != nil
    }

    private func fitsRange(_ text: String) -> Bool {
        switch type {
        case .integer, .real, .decimal:
            guard let number = Double(text) else { return false }
            return (minimum.flatMap(Double.init) ?? -.infinity) <= number
                && number <= (maximum.flatMap(Double.init) ?? .infinity)
        default: return (minimum ?? text) <= text && text <= (maximum ?? text)
        }
    }
}

extension JSON {
    /// A scalar as a CSV field would hold it; `nil` for null, lists and objects.
    var written: String? {
        switch self {
        case .string(let text): text
        case .integer, .number, .bool: canonicalText
        case .null, .array, .object: nil
        }
    }
}
