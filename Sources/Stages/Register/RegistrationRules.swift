// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Which kinds of registration a place has 登记类型: names and notice periods are data, for places differ (Shenzhen has
/// six kinds, Changchun five with a renewal); what a kind can do is one of a closed few.
package struct RegistrationRules: Hashable, Sendable {
    /// What a kind does once it is granted.
    package enum Effect: String, Hashable, Sendable, CaseIterable {
        /// A first registration: its holder gets the right to hold.
        case enters
        /// The holder gives somebody a right to use or to operate, within his own.
        case licenses
        /// Another holder takes the place of the present one.
        case moves
        /// The same holder's claim, said anew: a change or a renewal.
        case changes
        /// The registration ends.
        case ends
    }

    package struct Kind: Hashable, Sendable {
        package let name: String
        package let title: LocalizedText
        package let effect: Effect
        /// Days for which the claim lies open to objections before it can be confirmed; 0: none.
        package let noticeDays: Int
    }

    package let kinds: [Kind]

    /// Shenzhen's (深发改规〔2023〕5号), whose sixth kind, the objection, is filed against a claim in its notice period.
    /// Without notice periods: a node that wants them says so in `registration.json`.
    package static let standard = RegistrationRules(kinds: [
        Kind(name: "first", title: .init(zh: "首次登记", en: "first"), effect: .enters, noticeDays: 0),
        Kind(name: "license", title: .init(zh: "许可登记", en: "license"), effect: .licenses, noticeDays: 0),
        Kind(name: "transfer", title: .init(zh: "转移登记", en: "transfer"), effect: .moves, noticeDays: 0),
        Kind(name: "change", title: .init(zh: "变更登记", en: "change"), effect: .changes, noticeDays: 0),
        Kind(
            name: "cancellation", title: .init(zh: "注销登记", en: "cancellation"), effect: .ends, noticeDays: 0),
    ])

    package init(kinds: [Kind]) {
        self.kinds = kinds
    }

    /// Reads `[{"kind", "title": {"zh", "en"}, "effect", "noticeDays"}]`. Throws `register.rules-malformed` with the
    /// first line that is none.
    package init(json: JSON) throws(Problem) {
        var kinds: [Kind] = []
        for (place, line) in (json.array ?? []).enumerated() {
            guard let name = line["kind"]?.text, let zh = line["title"]?["zh"]?.text,
                let en = line["title"]?["en"]?.text,
                let effect = line["effect"]?.text.flatMap(Effect.init),
                let days = line["noticeDays"]?.integer,
                (0...366).contains(days), !kinds.contains(where: { $0.name == name })
            else { throw Problem(.invalid, "register.rules-malformed", ["line": .integer(Int64(place + 1))]) }
            kinds.append(
                Kind(
                    name: name, title: LocalizedText(zh: zh, en: en), effect: effect, noticeDays: Int(days)))
        }
        guard kinds.contains(where: { $0.effect == .enters }) else {
            throw Problem(.invalid, "register.rules-malformed", ["line": .integer(0)])
        }
        self.kinds = kinds
    }

    package func kind(_ name: String) throws(Problem) -> Kind {
        guard let kind = kinds.first(where: { $0.name == name }) else {
            throw Problem(
                .invalid, "register.kind-unknown",
                ["kind": .text(name), "known": .list(kinds.map(\.name))])
        }
        return kind
    }
}
