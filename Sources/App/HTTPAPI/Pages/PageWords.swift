// SPDX-License-Identifier: Apache-2.0

import Primitives
private import Transparency
import WebUI

/// The words of the pages for what the API says in its own: doors, states, grades, kinds. A word that is not in a
/// table is shown as it is, so that nothing is hidden.
enum PageWords {
    static func door(_ door: String) -> LocalizedText {
        word(
            door,
            [
                "describe": ("描述", "describe"), "download": ("下载", "download"), "share": ("共享", "share"),
                "query": ("提问", "query"), "match": ("匹配", "match"), "train": ("训练", "train"),
                "workspace": ("工作区", "workspace"),
                "query.rows": ("提问·行", "query, rows"), "query.bytes": ("提问·字节", "query, bytes"),
                "query.seconds": ("提问·计算秒", "query, seconds"),
                "match.rows": ("匹配·条目", "match, items"), "match.bytes": ("匹配·字节", "match, bytes"),
            ])
    }

    static func openness(_ openness: String?) -> LocalizedText {
        word(
            openness ?? "–",
            [
                "unconditional": ("无条件开放", "open without condition"),
                "conditional": ("有条件开放", "open with conditions"),
                "closed": ("不予开放", "not open"),
            ])
    }

    static func facetName(_ name: String) -> LocalizedText {
        word(
            name,
            [
                "openness": ("开放属性", "Openness"), "door": ("交付方式", "Door"), "price": ("价格", "Price"),
            ])
    }

    static func facet(_ name: String, _ value: String) -> LocalizedText {
        switch name {
        case "openness": openness(value)
        case "door": door(value)
        default: word(value, ["free": ("免费", "free"), "paid": ("付费", "paid")])
        }
    }

    static func type(_ type: String) -> LocalizedText {
        word(
            String(type.lowercased().prefix { $0 != "(" }),
            [
                "text": ("文本", "text"), "varchar": ("文本", "text"), "integer": ("整数", "integer"),
                "bigint": ("整数", "integer"), "decimal": ("小数", "decimal"), "real": ("实数", "real"),
                "double": ("实数", "real"), "boolean": ("是/否", "yes or no"), "date": ("日期", "date"),
                "day": ("日期", "date"),
                "timestamp": ("时间", "time"),
            ])
    }

    static func grade(_ grade: String?) -> LocalizedText {
        guard let grade, !grade.isEmpty else { return LocalizedText("–") }
        if let level = grade.split(separator: "-").last, grade.hasPrefix("general-") {
            return LocalizedText(zh: "一般数据 \(level) 级", en: "general, level \(level)")
        }
        return word(grade, ["important": ("重要数据", "important"), "core": ("核心数据", "core")])
    }

    static func highestGrade(of fields: [JSON]) -> LocalizedText {
        let order = ["", "general-1", "general-2", "general-3", "general-4", "important", "core"]
        return grade(
            fields.compactMap { $0["grade"]?.text }.max {
                order.firstIndex(of: $0) ?? 0 < order.firstIndex(of: $1) ?? 0
            })
    }

    /// What was attested, by which method, with which result, until when.
    static func attestation(_ kind: String?, result: JSON?, until: Instant?) -> LocalizedText {
        let details = [
            result?["method"]?.text, result?["result"]?.text,
            until.map { "→ " + $0.day(in: .shanghai).description },
        ].compactMap(\.self)
        let name = attestation(kind)
        let rest = details.isEmpty ? "" : " · " + details.joined(separator: " · ")
        return LocalizedText(zh: name.zh + rest, en: name.en + rest)
    }

    private static func attestation(_ kind: String?) -> LocalizedText {
        word(
            kind ?? "–",
            [
                "quality": ("质量证明", "quality attestation"), "value": ("价值证明", "value attestation"),
                "compliance": ("合规证明", "compliance attestation"), "ethics": ("伦理审查", "ethics review"),
            ])
    }

    /// What a code is of. The rest keep their prefix: they are ours, not the reader's.
    static func kind(_ kind: Code.Kind) -> LocalizedText {
        word(
            kind.rawValue,
            [
                "pty": ("主体", "party"), "src": ("数据源", "source"), "dlv": ("交付批次", "delivery"),
                "ast": ("数据资产", "data asset"), "ver": ("版本", "version"), "reg": ("登记", "registration"),
                "mdt": ("授权", "mandate"), "att": ("证明", "attestation"), "prd": ("产品", "product"),
                "spc": ("数据空间", "space"), "lst": ("挂牌", "listing"), "dmd": ("需求", "demand"),
                "ofr": ("磋商", "negotiation"), "agr": ("数字合约", "agreement"),
                "ctr": ("数据交易合同", "contract"), "psg": ("过阀记录", "passage"),
                "ent": ("城市码", "city code"), "stm": ("结算单", "statement"), "cas": ("事项", "case"),
                "nod": ("数据节点", "node"),
            ])
    }

    /// States that wait are amber, ended ones are struck out.
    static func standing(_ state: String?, owner: String? = nil, due: Instant? = nil) -> Standing {
        let waiting = [
            "submitted", "unsigned", "unfunded", "filed", "requested", "offered", "reserved", "answered",
            "accepted",
        ]
        let over = [
            "refused", "withdrawn", "revoked", "voided", "closed", "suspended", "terminated", "declined",
        ]
        let text = (state ?? "–").lowercased()
        let tone: Standing.Tone = waiting.contains(text) ? .waits : over.contains(text) ? .stopped : .plain
        return Standing(
            word(
                text,
                [
                    "submitted": ("待审核", "in review"), "open": ("在架", "on offer"),
                    "refused": ("拒绝", "refused"),
                    "withdrawn": ("已撤下", "withdrawn"), "unsigned": ("待签署", "to be signed"),
                    "unfunded": ("待充值", "waits for money"),
                    "in-force": ("生效", "in force"), "revoked": ("已撤销", "revoked"),
                    "settled": ("已结算", "settled"),
                    "reserved": ("已预留", "reserved"), "answered": ("已应答，待结算", "answered, to settle"),
                    "voided": ("已作废", "voided"), "suspended": ("已暂停", "suspended"),
                    "filed": ("待审核", "in review"),
                    "requested": ("已请求", "requested"), "offered": ("对方已还价", "countered"),
                    "accepted": ("已接受", "accepted"), "agreed": ("待签署", "to be signed"),
                    "verified": ("已签署", "signed"), "finalized": ("已生效", "in force"),
                    "terminated": ("已终止", "ended"),
                    "granted": ("已登记", "registered"),
                ]), tone, owner: tone == .waits ? owner : nil, due: tone == .waits ? due : nil)
    }

    static func entry(_ kind: String) -> LocalizedText {
        word(
            kind,
            [
                "party-joined": ("主体加入", "party joined"), "delivery-accepted": ("数据入库", "delivery accepted"),
                "delivery-rejected": ("拒绝入库", "delivery rejected"),
                "resource-registered": ("资源登记", "resource registered"),
                "asset-registered": ("资产登记", "asset registered"),
                "asset-version-added": ("新版本", "new version"),
                "registration-step": ("登记办理", "registration step"),
                "certificate-issued": ("签发凭证", "certificate issued"),
                "grading-confirmed": ("确认分级", "grading confirmed"),
                "code-issued": ("发码", "code issued"), "code-changed": ("状态变更", "changed"),
                "code-shown": ("授权查看", "shown"),
                "attestation-signed": ("证明签署", "attestation signed"),
                "listing-opened": ("挂牌", "listing opened"), "listing-withdrawn": ("撤牌", "listing withdrawn"),
                "demand-posted": ("发布需求", "demand posted"), "demand-matched": ("需求匹配", "demand matched"),
                "offer-made": ("请求", "offer made"), "offer-countered": ("还价", "counter-offer"),
                "offer-accepted": ("接受", "offer accepted"), "agreement-signed": ("合约签署", "agreement signed"),
                "agreement-revoked": ("合约撤销", "agreement revoked"),
                "contract-filed": ("合同备案", "contract filed"),
                "passage-reserved": ("过阀预留", "passage reserved"),
                "passage-answered": ("过阀应答", "passage answered"),
                "passage-settled": ("过阀结算", "passage settled"),
                "passage-refused": ("过阀拒绝", "passage refused"),
                "passage-voided": ("过阀作废", "passage voided"), "valve-closed": ("关阀", "valve closed"),
                "valve-opened": ("开阀", "valve opened"), "settlement": ("结算", "settlement"),
                "mandate-granted": ("授权", "mandate granted"), "mandate-revoked": ("撤销授权", "mandate revoked"),
            ])
    }

    /// What the holder's release rules ask of an answer, in sentences.
    static func rules(_ rules: JSON?) -> [LocalizedText] {
        var sentences: [LocalizedText] = []
        if let group = rules?["minimumGroup"]?.integer {
            sentences.append(
                LocalizedText(zh: "每组不少于 \(group) 人，否则不显示。", en: "Groups below \(group) are not shown."))
        }
        if let epsilon = rules?["epsilon"]?.text ?? rules?["noise"]?["totalEpsilon"]?.text {
            sentences.append(
                LocalizedText(
                    zh: "答案加噪，总隐私预算 ε \(epsilon)。",
                    en: "Answers carry noise; the whole privacy budget is ε \(epsilon)."))
        }
        return sentences
    }

    private static func word(_ key: String, _ words: [String: (zh: String, en: String)]) -> LocalizedText {
        words[key].map { LocalizedText(zh: $0.zh, en: $0.en) } ?? LocalizedText(key)
    }
}
