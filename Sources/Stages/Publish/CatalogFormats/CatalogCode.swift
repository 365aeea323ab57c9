// SPDX-License-Identifier: Apache-2.0

/// The code of an information resource in a Chinese government catalog (政务信息资源目录编制指南):
/// 类 one digit, 项 two, 目 three, 细目 any number of them, then `/` and 顺序码.
///
/// `306012/1031` is 类 3, 项 06, 目 012 without 细目, number 1031.
package struct CatalogCode: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// 类: the kind of division.
    package enum Division: Character, Hashable, Sendable, CaseIterable {
        /// 基础信息资源
        case base = "1"
        /// 主题信息资源
        case theme = "2"
        /// 部门信息资源
        case department = "3"
    }

    package let division: Division
    /// 项, two digits.
    package let item: String
    /// 目, three digits.
    package let entry: String
    /// 细目; may be empty.
    package let detail: String
    /// 顺序码, at least one digit, without meaning.
    package let number: String

    /// Longer texts are no codes: both open parts together stay below this.
    private static let digitsMax = 64

    /// Reads a code as it is written; `nil` unless every part is there and made of digits.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= Self.digitsMax,
            parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }), parts[0].utf8.count >= 6,
            !parts[1].isEmpty, let division = parts[0].first.flatMap(Division.init)
        else { return nil }
        let digits = Array(String(parts[0]))
        self.division = division
        item = String(digits[1..<3])
        entry = String(digits[3..<6])
        detail = String(digits[6...])
        number = String(parts[1])
    }

    /// Everything before the `/`: what is the same for all resources of one 细目.
    package var classification: String { String(division.rawValue) + item + entry + detail }

    package var description: String { classification + "/" + number }

    package static func < (left: CatalogCode, right: CatalogCode) -> Bool {
        (left.classification, left.number.utf8.count, left.number)
            < (right.classification, right.number.utf8.count, right.number)
    }
}
