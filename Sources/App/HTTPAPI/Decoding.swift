// SPDX-License-Identifier: Apache-2.0

import Primitives

extension JSON {
    /// `nil` for null, which says as much as a member that is not there.
    var present: JSON? { isNull ? JSON?.none : .some(self) }

    /// A member that must be text.
    func needed(_ name: String) throws(Problem) -> String {
        guard let text = self[name]?.text, !text.isEmpty else {
            throw Problem(.invalid, "app.part-missing", ["part": .text(name)])
        }
        return text
    }

    /// A member that must be what `read` can make something of.
    func needed<Value>(_ name: String, _ read: (String) -> Value?) throws(Problem) -> Value {
        guard let value = read(try needed(name)) else {
            throw Problem(.invalid, "app.part-missing", ["part": .text(name)])
        }
        return value
    }

    /// An optional moment, RFC 3339; one that cannot be read is refused, not replaced by another.
    func moment(_ name: String) throws(Problem) -> Instant? {
        try .given(self[name]?.text, as: name)
    }

    /// `{zh, en}`, or one text for both.
    func neededText(_ name: String) throws(Problem) -> LocalizedText {
        if let text = self[name]?.text { return LocalizedText(text) }
        guard let zh = self[name]?["zh"]?.text, let en = self[name]?["en"]?.text else {
            throw Problem(.invalid, "app.part-missing", ["part": .text(name)])
        }
        return LocalizedText(zh: zh, en: en)
    }
}

extension LocalizedText {
    var json: JSON { ["zh": .string(zh), "en": .string(en)] }
}

extension Instant? {
    /// What a body or an address says under this name.
    static func given(_ text: String?, as name: String) throws(Problem) -> Instant? {
        guard let text else { return nil }
        guard let time = Instant(rfc3339: text) else {
            throw Problem(.invalid, "app.part-missing", ["part": .text(name)])
        }
        return time
    }
}
