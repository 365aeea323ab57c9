// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Where data comes from, with everything that makes collecting it lawful. Data enters only through a source.
package struct CollectionSource: Hashable, Sendable {
    package let id: ID<CollectionSource>
    package let name: LocalizedText
    package let kind: SourceKind
    /// Whose data it is; the code of a party or a name given by the collector.
    package let owner: String
    /// Who collects.
    package let collector: String
    package let method: CollectionMethod
    package let basis: LegalBasis
    package let useConditions: String

    package var code: Code { Code(.source, id) }

    package var json: JSON {
        [
            "source": .string(code.text), "name": ["zh": .string(name.zh), "en": .string(name.en)],
            "kind": .string(kind.rawValue), "owner": .string(owner), "collector": .string(collector),
            "method": .string(method.rawValue), "ground": .string(basis.ground.rawValue),
            "document": .string(basis.document), "until": basis.until.map { .string($0.rfc3339) } ?? .null,
            "useConditions": .string(useConditions),
        ]
    }
}

/// What kind of body the data comes from (S05).
package enum SourceKind: String, Hashable, Sendable, CaseIterable {
    case government
    case enterprise
    case institution
    case person
    case outsideBody = "outside"
    case terminal
}

/// How it is collected.
package enum CollectionMethod: String, Hashable, Sendable, CaseIterable {
    case form
    case businessSystem = "system"
    case sensor
    case exchange
    case purchase
    case publicPage = "public-page"
    case survey

    package var title: LocalizedText {
        switch self {
        case .form: LocalizedText(zh: "人工填报", en: "form")
        case .businessSystem: LocalizedText(zh: "业务系统产生", en: "business system")
        case .sensor: LocalizedText(zh: "感知终端采集", en: "sensor")
        case .exchange: LocalizedText(zh: "共享交换", en: "exchange")
        case .purchase: LocalizedText(zh: "购买", en: "purchase")
        case .publicPage: LocalizedText(zh: "公开信息采集", en: "public page")
        case .survey: LocalizedText(zh: "调查统计", en: "survey")
        }
    }
}

/// Why collecting is lawful: the ground, the document that shows it, and until when it holds.
package struct LegalBasis: Hashable, Sendable {
    /// PIPL (个人信息保护法) art. 13 (1)–(7), and the two grounds for data about no person.
    package enum Ground: String, Hashable, Sendable, CaseIterable {
        case consent
        case contract
        case legalDuty = "legal-duty"
        case emergency
        case publicInterestReporting = "public-interest"
        case publiclyDisclosed = "publicly-disclosed"
        case otherLaw = "other-law"
        case ownOperation = "own-operation"
        case license

        package var title: LocalizedText {
            switch self {
            case .consent: LocalizedText(zh: "个人同意（第十三条第一项）", en: "consent (PIPL art. 13(1))")
            case .contract: LocalizedText(zh: "订立、履行合同所必需（第二项）", en: "contract (art. 13(2))")
            case .legalDuty: LocalizedText(zh: "履行法定职责或义务（第三项）", en: "legal duty (art. 13(3))")
            case .emergency: LocalizedText(zh: "突发事件应对（第四项）", en: "emergency (art. 13(4))")
            case .publicInterestReporting:
                LocalizedText(zh: "公共利益新闻报道、舆论监督（第五项）", en: "public-interest reporting (art. 13(5))")
            case .publiclyDisclosed: LocalizedText(zh: "已合法公开的信息（第六项）", en: "lawfully disclosed (art. 13(6))")
            case .otherLaw: LocalizedText(zh: "法律、行政法规规定的其他情形（第七项）", en: "other law (art. 13(7))")
            case .ownOperation: LocalizedText(zh: "自身生产经营产生，不含个人信息", en: "own operation, no personal data")
            case .license: LocalizedText(zh: "许可协议，不含个人信息", en: "license, no personal data")
            }
        }
    }

    package let ground: Ground
    /// The law's article, the contract's number, the consent form: what an auditor asks for.
    package let document: String
    /// The first moment at which it no longer holds; `nil`: no end.
    package let until: Instant?

    package init(ground: Ground, document: String, until: Instant? = nil) {
        self.ground = ground
        self.document = document
        self.until = until
    }
}

/// A source as its collector declares it: anything may be missing, and what is missing is the answer (S01).
package struct SourceDeclaration: Hashable, Sendable {
    package var name: LocalizedText?
    package var kind: SourceKind?
    package var owner: String?
    package var collector: String?
    package var method: CollectionMethod?
    package var basis: LegalBasis?
    package var useConditions: String?

    package init(
        name: LocalizedText? = nil, kind: SourceKind? = nil, owner: String? = nil, collector: String? = nil,
        method: CollectionMethod? = nil, basis: LegalBasis? = nil, useConditions: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.owner = owner
        self.collector = collector
        self.method = method
        self.basis = basis
        self.useConditions = useConditions
    }

    /// The source this declares, or a `collect.source-incomplete` that names every missing part, or
    /// `collect.basis-expired`.
    package func reviewed(as id: ID<CollectionSource>, at now: Instant) throws(Problem) -> CollectionSource {
        var missing: [LocalizedText] = []
        func present(_ text: String?, _ part: LocalizedText) -> String {
            if let text, text.contains(where: { !$0.isWhitespace }) { return text }
            missing.append(part)
            return ""
        }
        if name == nil { missing.append(LocalizedText(zh: "数据来源", en: "source")) }
        if kind == nil { missing.append(LocalizedText(zh: "来源类型", en: "kind of source")) }
        let owner = present(owner, LocalizedText(zh: "数据归属主体", en: "owner"))
        let collector = present(collector, LocalizedText(zh: "采集主体", en: "collector"))
        if method == nil { missing.append(LocalizedText(zh: "采集方式", en: "method")) }
        if basis == nil { missing.append(LocalizedText(zh: "合法性依据", en: "legal basis")) }
        _ = basis.map { present($0.document, LocalizedText(zh: "依据文件", en: "document of the legal basis")) }
        guard missing.isEmpty, let name, let kind, let method, let basis else {
            let parts = LocalizedText(
                zh: missing.map(\.zh).joined(separator: "、"), en: missing.map(\.en).joined(separator: ", "))
            throw Problem(.invalid, "collect.source-incomplete", ["parts": .localized(parts)])
        }
        try basis.check(at: now)
        return CollectionSource(
            id: id, name: name, kind: kind, owner: owner, collector: collector, method: method, basis: basis,
            useConditions: useConditions ?? "")
    }
}

extension LegalBasis {
    /// Throws `collect.basis-expired` once the basis has ended.
    package func check(at now: Instant) throws(Problem) {
        if let until, until <= now {
            throw Problem(
                .forbidden, "collect.basis-expired",
                ["basis": .localized(ground.title), "document": .text(document), "until": .instant(until)])
        }
    }
}
