// SPDX-License-Identifier: Apache-2.0

/// How a problem's arguments travel between nodes and to clients: typed, so that the reader's side writes them in
/// the reader's way.
extension Problem.Argument {
    package var json: JSON {
        switch self {
        case .text(let text): ["text": .string(text)]
        case .code(let code): ["code": .string(code.text)]
        case .integer(let value): ["integer": .integer(value)]
        case .bytes(let count): ["bytes": .integer(count)]
        case .money(let money): ["money": .string(money.description)]
        case .instant(let instant): ["instant": .integer(instant.microseconds)]
        case .duration(let duration): ["duration": .integer(duration.wholeMicroseconds)]
        case .decimal(let text): ["decimal": .string(text)]
        case .list(let words): ["list": .array(words.map(JSON.string))]
        case .localized(let text): ["zh": .string(text.zh), "en": .string(text.en)]
        }
    }

    package init?(json: JSON) {
        if let text = json["text"]?.text {
            self = .text(text)
        } else if let code = json["code"]?.text.flatMap({ Code($0) }) {
            self = .code(code)
        } else if let value = json["integer"]?.integer {
            self = .integer(value)
        } else if let count = json["bytes"]?.integer {
            self = .bytes(count)
        } else if let money = json["money"]?.text.flatMap({ Money($0) }) {
            self = .money(money)
        } else if let instant = json["instant"]?.integer {
            self = .instant(Instant(microseconds: instant))
        } else if let duration = json["duration"]?.integer {
            self = .duration(.microseconds(duration))
        } else if let text = json["decimal"]?.text {
            self = .decimal(text)
        } else if let words = json["list"]?.array {
            self = .list(words.compactMap(\.text))
        } else if let zh = json["zh"]?.text, let en = json["en"]?.text {
            self = .localized(LocalizedText(zh: zh, en: en))
        } else {
            return nil
        }
    }
}
