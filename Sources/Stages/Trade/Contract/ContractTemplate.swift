// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A standard contract 数据交易标准合同: clauses with fields. Most fields are what the parties agreed on; the rest a
/// holder fills in once for its listing. A mandatory clause cannot be left out.
package struct ContractTemplate: Hashable, Sendable {
    package struct Clause: Hashable, Sendable {
        /// One word, by which a draft names it.
        package let name: String
        package let isMandatory: Bool
        package let title: LocalizedText
        /// Fields stand in braces.
        package let text: LocalizedText
    }

    package let name: String
    package let clauses: [Clause]
    /// What a holder may say for its listing, with what stands there otherwise.
    package let fields: [String: String]

    /// The templates this node knows; a listing names one.
    package static let all = [standard]

    /// The general contract for the use of data without handing it over.
    package static let standard = ContractTemplate(
        name: "standard/2026",
        clauses: [
            clause(
                "parties", "当事人", "Parties", "提供方 {provider}，使用方 {consumer}。",
                "Provider {provider}, user {consumer}."),
            clause(
                "data", "标的", "Subject", "{title}（挂牌 {listing}，登记资产 {asset}），内容以挂牌时的说明为准。",
                "{title} (listing {listing}, registered asset {asset}), as described when it was listed."),
            clause(
                "purpose", "用途与期限", "Purpose and term", "仅用于：{purposes}；至 {until} 止；最多 {uses} 次。",
                "For {purposes} only; until {until}; at most {uses} uses."),
            clause(
                "delivery", "交付方式", "Delivery", "经 {doors} 交付，按每次凭证确认；除此不移交数据。",
                "Delivered through {doors}, each use against its receipt; no data are handed over otherwise."),
            clause(
                "price", "价款与结算", "Price and settlement",
                "{price}。款项由托管银行监管账户支付，凭交付凭证结算，交付失败即退回。",
                "{price}. Paid from the custodian bank's supervised account against the receipt; returned if delivery fails."
            ),
            clause(
                "security", "安全与合规", "Security and law",
                "提供方保证来源合法；使用方不得重新识别个人，不得向合同外任何人提供。",
                "The provider warrants a lawful source; the user re-identifies nobody and passes nothing on."),
            clause(
                "evidence", "存证", "Evidence", "双方认可互通日志的叶、凭证与离线核验为证据。",
                "Both accept the log's leaves, receipts and their offline verification as evidence."),
            clause(
                "dispute", "争议", "Disputes", "付款后 {disputeDays} 日内可提出争议，款项冻结，由 {arbitration} 裁决。",
                "Within {disputeDays} days of a payment it may be disputed; the money is frozen until {arbitration} rules."
            ),
            clause(
                "liability", "责任限额", "Liability", "任何一方的责任以 {liability} 为限。",
                "Either side's liability is limited to {liability}.", isMandatory: false),
            clause(
                "notice", "联系", "Contact", "通知寄至 {contact}。", "Notices go to {contact}.", isMandatory: false),
        ],
        fields: [
            "arbitration": "the exchange", "liability": "what was paid under this contract",
            "contact": "the party's inbox",
        ])

    private static func clause(
        _ name: String, _ zhTitle: String, _ enTitle: String, _ zh: String, _ en: String,
        isMandatory: Bool = true
    ) -> Clause {
        Clause(
            name: name, isMandatory: isMandatory, title: LocalizedText(zh: zhTitle, en: enTitle),
            text: LocalizedText(zh: zh, en: en))
    }
}

/// What a holder makes of a template for its listing: which optional clauses it leaves out, what its fields say.
package struct ContractDraft: Hashable, Sendable {
    package let template: String
    package let omitted: Set<String>
    package let fields: [String: String]

    package static let standard = ContractDraft(template: ContractTemplate.standard.name)

    package init(template: String, omitted: Set<String> = [], fields: [String: String] = [:]) {
        self.template = template
        self.omitted = omitted
        self.fields = fields
    }

    /// The template, if the draft leaves none of its mandatory clauses out (`trade.contract-clause-missing`) and fills
    /// only fields it has (`trade.contract-unknown`).
    package func checked() throws(Problem) -> ContractTemplate {
        guard let template = ContractTemplate.all.first(where: { $0.name == self.template }) else {
            throw Problem(.invalid, "trade.contract-unknown", ["name": .text(self.template)])
        }
        let names = Set(template.clauses.map(\.name))
        let unknown = omitted.subtracting(names).union(Set(fields.keys).subtracting(template.fields.keys))
        if let name = unknown.sorted().first {
            throw Problem(.invalid, "trade.contract-unknown", ["name": .text(name)])
        }
        let missing = template.clauses.filter { $0.isMandatory && omitted.contains($0.name) }
        guard missing.isEmpty else {
            throw Problem(
                .invalid, "trade.contract-clause-missing", ["clauses": .list(missing.map(\.name))])
        }
        return template
    }

    package var json: JSON {
        [
            "template": .string(template), "omitted": .array(omitted.sorted().map(JSON.string)),
            "fields": .object(fields.mapValues(JSON.string)),
        ]
    }

    /// `nil` where a member has another form.
    package init?(json: JSON) {
        guard let template = json["template"]?.text else { return nil }
        self.init(
            template: template, omitted: Set(json["omitted"]?.array?.compactMap(\.text) ?? []),
            fields: (json["fields"]?.object ?? [:]).compactMapValues(\.text))
    }
}
