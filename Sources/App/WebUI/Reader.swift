// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Who reads a page, and how: language, zone, light or dark, and what they may do.
///
/// Pages are pure functions of their view model and a reader; the clock, the session and the store stay outside.
package struct Reader: Hashable, Sendable {
    /// What a viewer may see of the house. A page hides what the viewer may not do; the rooms refuse it anyway.
    package enum Role: String, Hashable, Sendable, CaseIterable {
        case holder, buyer, assessor, `operator`, auditor
    }

    /// A signed-in party.
    package struct Viewer: Hashable, Sendable {
        package let name: String
        package let code: Code
        package let roles: Set<Role>

        package init(name: String, code: Code, roles: Set<Role>) {
            self.name = name
            self.code = code
            self.roles = roles
        }
    }

    package enum Theme: String, Hashable, Sendable, CaseIterable {
        /// As the reader's system has it.
        case system
        case light, dark
    }

    package let language: Language
    package let zone: TimeZoneOffset
    package let theme: Theme
    /// The path of the page, with its query, as the browser asked for it.
    package let path: String
    /// The name of the node that answers.
    package let nodeName: String
    package let viewer: Viewer?

    package init(
        language: Language,
        path: String,
        nodeName: String,
        viewer: Viewer? = nil,
        theme: Theme = .system,
        zone: TimeZoneOffset = .shanghai
    ) {
        self.language = language
        self.path = path
        self.nodeName = nodeName
        self.viewer = viewer
        self.theme = theme
        self.zone = zone
    }

    package func isA(_ role: Role) -> Bool { viewer?.roles.contains(role) ?? false }
}

// MARK: Saying things in the reader's language

extension Reader {
    /// The text in the reader's language.
    func callAsFunction(_ zh: String, _ en: String) -> String {
        switch language {
        case .zh: zh
        case .en: en
        }
    }

    func callAsFunction(_ text: LocalizedText) -> String { text[language] }

    /// `1,234,567`.
    func number(_ value: some BinaryInteger) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "−" : ""
        for (place, digit) in digits.enumerated() {
            if place > 0 && (digits.count - place).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// `1,234.50 元` or `1,234.50 CNY`: money always with its currency.
    func money(_ money: Money) -> String {
        let cents = money.minorUnits.magnitude
        let sign = money.minorUnits < 0 ? "−" : ""
        let amount = sign + number(cents / 100) + "." + Decimal10.padded(Int(cents % 100), 2)
        return amount + " " + (language == .zh && money.currency == .cny ? "元" : money.currency.rawValue)
    }

    /// The date and time in the reader's zone, with the exact moment for machines.
    func time(_ instant: Instant) -> HTML {
        let text = String(instant.dateAndTime(in: zone).dropLast(3))
        return "<time datetime=\"\(instant.rfc3339)\">\(text)</time>"
    }

    /// The day alone.
    func day(_ instant: Instant) -> HTML {
        "<time datetime=\"\(instant.rfc3339)\">\(instant.day(in: zone).description)</time>"
    }

    /// The zone in which the page shows its times.
    var zoneName: String {
        guard zone != .shanghai else { return self("北京时间（UTC+8）", "Beijing time (UTC+8)") }
        let sign = zone.minutes < 0 ? "−" : "+"
        let minutes = zone.minutes.magnitude
        return "UTC\(sign)\(Decimal10.padded(Int(minutes / 60), 2)):\(Decimal10.padded(Int(minutes % 60), 2))"
    }

    /// Several words, joined as the language joins them.
    func list(_ words: [String]) -> String { words.joined(separator: self("、", ", ")) }

    /// The same page in another language or theme.
    func path(with name: String, _ value: String) -> String {
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let kept = (parts.count > 1 ? parts[1] : "").split(separator: "&").filter {
            !$0.hasPrefix(name + "=")
        }
        return parts[0] + "?" + (kept + ["\(name)=\(value)"]).joined(separator: "&")
    }
}
