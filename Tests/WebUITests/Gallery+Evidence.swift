// SPDX-License-Identifier: Apache-2.0

import Primitives
import WebUI

extension Gallery {
    static let desk = DeskPage(
        reviews: [
            .init(
                subject: Named(entries[1].title, code(.listing, 12)),
                party: air,
                standing: Standing(
                    LocalizedText(zh: "待审核", en: "in review"),
                    .waits,
                    owner: "张三",
                    due: at(60 * 24 * 3)
                ),
                path: "/listings/x",
                decidePath: "/desk/x"
            )
        ],
        agreements: [
            .init(
                subject: agreement,
                party: research,
                standing: Standing(
                    LocalizedText(zh: "等待答复", en: "awaits an answer"),
                    .waits,
                    owner: "朝阳社区医院",
                    due: at(60 * 24)
                )
            ),
            .init(subject: Named(entries[1].title, code(.agreement, 8)), party: research, standing: inForce),
        ],
        matches: [
            .init(passage: code(.passage, 7).text, isAsker: false, percent: 42, flights: 3, seconds: 8)
        ],
        valves: [
            .init(
                target: visits,
                kind: LocalizedText(zh: "资产", en: "asset"),
                isClosed: true,
                closedAt: at(20),
                reason: "疑似越权提问，核查中",
                passagesToday: 2
            ),
            .init(
                target: airQuality,
                kind: LocalizedText(zh: "资产", en: "asset"),
                isClosed: false,
                passagesToday: 118
            ),
            .init(
                target: research,
                kind: LocalizedText(zh: "主体", en: "party"),
                isClosed: false,
                passagesToday: 120
            ),
        ],
        figures: figures,
        sameThing: SameThing(
            http: "curl -X POST … $HUTONG_URL/api/v1/valve/x/close",
            cli: "hutong valve close \(code(.asset, 5).text)"
        )
    )

    static let leaves = (0..<13).map { Digest(of: [0] + Array("leaf \($0)".utf8)) }

    static let log = LogPage(
        origin: "exchange.example/hutong",
        size: 13,
        root: Tree.root(leaves),
        checkpoint:
            "exchange.example/hutong\n13\nq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=\n\n— exchange.example/hutong 2Ab3…\n",
        witnesses: [],
        entries: (7..<13).reversed().map { index in
            .init(
                index: index,
                at: at(Int64(index)),
                kind: LocalizedText(zh: "过阀", en: "passage"),
                leaf: leaves[index]
            )
        },
        olderPath: "/log?before=7",
        sameThing: SameThing(
            http: "curl $HUTONG_URL/checkpoint",
            cli: "hutong verify hutong-data --against clinic/"
        )
    )

    static let proof = ProofPage(
        index: 5,
        size: 13,
        at: at(5),
        kind: LocalizedText(zh: "资产登记", en: "registration"),
        subject: code(.asset, 5),
        leaf: leaves[5],
        path: Tree.path(to: 5, in: leaves),
        root: Tree.root(leaves),
        record: #"{"kind":"asset-registered","v":1}"#,
        checkpoint: "hutong.local/demo\n13\nroot\n",
        sameThing: SameThing(http: "curl … $HUTONG_URL/api/v1/log/5/proof", cli: "hutong verify receipt.json")
    )

    static let codePage = CodePage(
        code: code(.asset, 5),
        kind: LocalizedText(zh: "数据资产", en: "data asset"),
        name: visits.name,
        holder: clinic,
        standing: Standing(LocalizedText(zh: "已登记", en: "registered")),
        logIndex: 40,
        related: [
            (role: LocalizedText(zh: "挂牌", en: "Listing"), thing: Named(visits.name, code(.listing, 11))),
            (role: LocalizedText(zh: "合约", en: "Agreement"), thing: agreement),
        ],
        steps: [
            .init(
                .registration,
                standing: verified,
                events: [
                    HistoryStep(
                        at: at(-3000),
                        standing: done,
                        what: LocalizedText(zh: "接收 184,220 行", en: "184,220 rows taken in"),
                        by: clinic,
                        logIndex: 38
                    ),
                    HistoryStep(
                        at: at(-2990),
                        standing: done,
                        what: LocalizedText(zh: "确认四级", en: "grade 4 confirmed"),
                        by: clinic,
                        logIndex: 39
                    ),
                    HistoryStep(
                        at: at(-2980),
                        standing: verified,
                        what: LocalizedText(zh: "登记凭证签发", en: "certificate issued"),
                        logIndex: 40
                    ),
                ]
            ),
            .init(
                .evaluation,
                standing: verified,
                events: [
                    HistoryStep(
                        at: at(-2000),
                        standing: verified,
                        what: LocalizedText(zh: "质量证明", en: "quality attestation"),
                        by: assessor,
                        logIndex: 41
                    )
                ]
            ),
            .init(.sharing, standing: Standing(LocalizedText(zh: "不共享", en: "not shared"))),
            .init(
                .trade,
                standing: inForce,
                events: [
                    HistoryStep(
                        at: at(0),
                        standing: done,
                        what: LocalizedText(zh: "数字合约双方签署", en: "agreement signed by both"),
                        by: research,
                        logIndex: 80
                    )
                ]
            ),
            .init(
                .use,
                standing: Standing(LocalizedText(zh: "使用中", en: "in use")),
                events: [
                    HistoryStep(
                        at: at(3),
                        standing: done,
                        what: LocalizedText(zh: "过阀 2 次，拒绝 1 次", en: "2 passages, 1 refusal"),
                        logIndex: 812
                    )
                ]
            ),
            .init(
                .service,
                standing: Standing(LocalizedText(zh: "未开始", en: "not begun"), .waits, owner: "呼吸健康研究公司"),
                waitsFor: LocalizedText(zh: "派生产品登记后才能提供服务", en: "the derived product must be registered")
            ),
        ],
        papers: [(name: LocalizedText(zh: "登记凭证", en: "certificate"), path: "/certificates/x")],
        sameThing: SameThing(
            http: "curl … $HUTONG_URL/api/v1/codes/\(code(.asset, 5).text)",
            cli: "hutong code resolve \(code(.asset, 5).text)"
        )
    )

    static func signature(_ party: Named, _ role: LocalizedText) -> PaperPage.Signature {
        .init(role: role, party: party, at: at(0), keyFingerprint: "SHA256:3f9a…c2d1")
    }

    static let certificate = PaperPage(
        kind: .certificate,
        code: code(.registration, 91),
        subject: visits.name,
        facts: [
            (name: LocalizedText(zh: "登记主体", en: "Registered for"), value: clinic.name),
            (name: LocalizedText(zh: "数据资产编码", en: "Asset code"), value: LocalizedText(code(.asset, 5).text)),
            (
                name: LocalizedText(zh: "登记权利", en: "Right"),
                value: LocalizedText(zh: "数据持有权、数据经营权", en: "to hold, to operate")
            ),
            (
                name: LocalizedText(zh: "来源依据", en: "Basis"),
                value: LocalizedText(zh: "诊疗活动中依法产生", en: "arose lawfully in care")
            ),
            (
                name: LocalizedText(zh: "级别", en: "Grade"),
                value: LocalizedText(zh: "四级（敏感个人信息）", en: "4 (sensitive personal)")
            ),
            (name: LocalizedText(zh: "有效期", en: "Valid"), value: LocalizedText("2026-11-21 — 2029-11-20")),
        ],
        signatures: [
            signature(
                Named(LocalizedText(zh: "海淀数据交易所", en: "Haidian exchange"), code(.party, 9)),
                LocalizedText(zh: "登记机构", en: "registrar")
            )
        ],
        digest: Digest(of: "certificate"),
        logIndex: 40,
        isWitnessed: false,
        sameThing: nil
    )

    static let agreementPaper = PaperPage(
        kind: .agreement,
        code: code(.agreement, 7),
        subject: agreement.name,
        facts: [
            (name: LocalizedText(zh: "持有方", en: "Holder"), value: clinic.name),
            (name: LocalizedText(zh: "使用方", en: "Buyer"), value: research.name),
        ],
        clauses: [
            .init(LocalizedText(zh: "使用条款", en: "Terms of use"), terms.sentences)
        ],
        signatures: [
            signature(clinic, LocalizedText(zh: "持有方", en: "holder")),
            signature(research, LocalizedText(zh: "使用方", en: "buyer")),
        ],
        digest: Digest(of: "agreement"),
        logIndex: 80,
        isWitnessed: true,
        sameThing: nil
    )

    static let contract = PaperPage(
        kind: .contract,
        code: code(.contract, 92),
        subject: LocalizedText(zh: "门诊就诊记录（数据服务）", en: "Outpatient visits (data service)"),
        facts: [
            (name: LocalizedText(zh: "甲方（供方）", en: "Party A (supplier)"), value: clinic.name),
            (name: LocalizedText(zh: "乙方（需方）", en: "Party B (buyer)"), value: research.name),
            (
                name: LocalizedText(zh: "数字合约", en: "Digital agreement"),
                value: LocalizedText(code(.agreement, 7).text)
            ),
            (
                name: LocalizedText(zh: "价款", en: "Price"),
                value: LocalizedText(
                    zh: "每次提问 0.50 元，预留 100.00 元",
                    en: "0.50 CNY a question, 100.00 CNY reserved"
                )
            ),
        ],
        clauses: [
            .init(
                LocalizedText(zh: "标的", en: "Subject"),
                [
                    LocalizedText(
                        zh: "甲方以“数据可用不可见”的方式向乙方提供统计答案，不交付任何原始数据。",
                        en: "Party A answers statistical questions of Party B. No raw data is delivered."
                    )
                ]
            ),
            .init(
                LocalizedText(zh: "期限与次数", en: "Term"),
                [
                    LocalizedText(
                        zh: "自签署之日起至 2026-12-31，最多 200 次。",
                        en: "From signature until 2026-12-31, at most 200 questions."
                    )
                ]
            ),
            .init(
                LocalizedText(zh: "计量与结算", en: "Metering"),
                [
                    LocalizedText(
                        zh: "以过阀记录为准，按月结算；双方各持回执，可离线核验。",
                        en: "The passages count; settled monthly. Both hold receipts that verify offline."
                    )
                ]
            ),
            .init(
                LocalizedText(zh: "争议解决", en: "Disputes"),
                [
                    LocalizedText(
                        zh: "争议可由仲裁方在持有方节点重放该次过阀，结果须逐字节一致。",
                        en: "An arbitrator may replay a passage at the holder; the bytes must be the same."
                    )
                ]
            ),
        ],
        signatures: [
            signature(clinic, LocalizedText(zh: "甲方", en: "Party A")),
            signature(research, LocalizedText(zh: "乙方", en: "Party B")),
        ],
        digest: Digest(of: "contract"),
        logIndex: 80,
        isWitnessed: true,
        sameThing: nil
    )

    @Sendable static func problem(_ language: Language) -> any Page {
        ProblemPage(
            status: 409,
            refusal: refusal(
                "valve.closed",
                zh: ["问题没有执行。", "持有方已于 2026-11-21 14:50 关阀。", "请联系持有方；没有产生任何费用。"],
                en: [
                    "The question was not run.", "The holder closed the valve on 2026-11-21 at 14:50.",
                    "Ask the holder; nothing was charged.",
                ],
                language
            )
        )
    }

    static let signIn = SignInPage(next: "/mine")

    /// RFC 9162 §2.1.1 by its definition, to make proofs for the sample log.
    enum Tree {
        static func root(_ leaves: [Digest]) -> Digest {
            guard leaves.count > 1 else { return leaves[0] }
            let split = self.split(leaves.count)
            return Digest(of: [1] + root(Array(leaves[..<split])).bytes + root(Array(leaves[split...])).bytes)
        }

        static func path(to index: Int, in leaves: [Digest]) -> [Digest] {
            guard leaves.count > 1 else { return [] }
            let split = self.split(leaves.count)
            return index < split
                ? path(to: index, in: Array(leaves[..<split])) + [root(Array(leaves[split...]))]
                : path(to: index - split, in: Array(leaves[split...])) + [root(Array(leaves[..<split]))]
        }

        private static func split(_ count: Int) -> Int {
            var split = 1
            while split * 2 < count { split *= 2 }
            return split
        }
    }
}
