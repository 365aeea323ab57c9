// SPDX-License-Identifier: Apache-2.0

import Primitives
import WebUI

/// Every page of the web UI with a sample view model: what the tests read and the browser photographs.
enum Gallery {
    struct Exhibit: Sendable {
        let name: String
        let path: String
        let viewer: Reader.Viewer?
        let page: @Sendable (Language) -> any Page

        init(name: String, path: String, viewer: Reader.Viewer?, page: any Page) {
            self.init(name: name, path: path, viewer: viewer) { _ in page }
        }

        /// A page that holds sentences already chosen for their reader, as a refusal does.
        init(
            name: String,
            path: String,
            viewer: Reader.Viewer?,
            saying page: @escaping @Sendable (Language) -> any Page
        ) {
            self.name = name
            self.path = path
            self.viewer = viewer
            self.page = page
        }
    }

    static let exhibits: [Exhibit] = [
        Exhibit(name: "catalog", path: "/", viewer: nil, page: catalog),
        Exhibit(name: "catalog-search", path: "/?q=pm2.5", viewer: buyer, page: searched),
        Exhibit(name: "catalog-nothing", path: "/?q=x", viewer: buyer, page: nothingFound),
        Exhibit(name: "catalog-empty", path: "/", viewer: nil, page: emptyCatalog),
        Exhibit(name: "listing-clinic", path: "/listings/x", viewer: buyer, page: clinicListing),
        Exhibit(name: "listing-air", path: "/listings/y", viewer: buyer, page: airListing),
        Exhibit(name: "agree", path: "/listings/x/agree", viewer: buyer, page: agree),
        Exhibit(name: "offer", path: "/listings/x/offer", viewer: holder, page: offer),
        Exhibit(name: "foreign", path: "/foreign?q=x", viewer: nil, page: foreign),
        Exhibit(name: "foreign-dataset", path: "/foreign/dataset?key=b", viewer: nil, page: foreignDataset),
        Exhibit(name: "ask-quote", path: "/agreements/x", viewer: buyer, page: asking(.quoted)),
        Exhibit(name: "ask-answer", path: "/agreements/x", viewer: buyer, page: asking(.answered)),
        Exhibit(name: "ask-sealed", path: "/agreements/x", viewer: buyer, page: asking(.sealed)),
        Exhibit(name: "ask-refused", path: "/agreements/x", viewer: buyer, saying: { asking(.refused, $0) }),
        Exhibit(name: "mine", path: "/mine", viewer: buyer, page: mine),
        Exhibit(name: "mine-empty", path: "/mine", viewer: buyer, page: emptyMine),
        Exhibit(name: "statement", path: "/statements/2026-11", viewer: buyer, page: statement),
        Exhibit(name: "desk", path: "/desk", viewer: deskOperator, page: desk),
        Exhibit(name: "log", path: "/log", viewer: nil, page: log),
        Exhibit(name: "log-proof", path: "/log/5", viewer: nil, page: proof),
        Exhibit(name: "code", path: "/codes/x", viewer: buyer, page: codePage),
        Exhibit(name: "certificate", path: "/certificates/x", viewer: buyer, page: certificate),
        Exhibit(name: "agreement-paper", path: "/agreements/x/paper", viewer: buyer, page: agreementPaper),
        Exhibit(name: "contract", path: "/contracts/x", viewer: buyer, page: contract),
        Exhibit(name: "problem", path: "/x", viewer: buyer, saying: problem),
        Exhibit(name: "open-data", path: "/open/x", viewer: nil, page: openData),
        Exhibit(name: "budget", path: "/agreements/x/budget", viewer: buyer, page: budget),
        Exhibit(name: "demands", path: "/demands", viewer: buyer, page: demands),
        Exhibit(name: "publish", path: "/publish", viewer: holder, saying: publish),
        Exhibit(name: "publish-proposal", path: "/publish", viewer: holder, page: proposal),
        Exhibit(name: "sign-in", path: "/sign-in", viewer: nil, page: signIn),
    ]

    static func document(_ exhibit: Exhibit, language: Language, theme: Reader.Theme = .system) -> HTML {
        exhibit.page(language).document(
            for: Reader(
                language: language,
                path: exhibit.path,
                nodeName: language == .zh ? "海淀数据交易所（演示）" : "Haidian exchange (demo)",
                viewer: exhibit.viewer,
                theme: theme
            )
        )
    }
}

// MARK: People and things

extension Gallery {
    private enum Thing {}

    static func code(_ kind: Code.Kind, _ number: UInt64) -> Code {
        Code(kind, ID<Thing>(high: 1, low: number))
    }
    static func fen(_ amount: Int64) -> Money { Money(minorUnits: amount) }
    /// 2026-11-21 14:30:00 in Beijing, later by so many minutes.
    static func at(_ minutes: Int64) -> Instant { Instant(seconds: 1_795_242_600 + minutes * 60) }

    static let air = Named(LocalizedText(zh: "市生态环境监测中心", en: "City environment center"), code(.party, 1))
    static let clinic = Named(LocalizedText(zh: "朝阳社区医院", en: "Chaoyang community hospital"), code(.party, 2))
    static let research = Named(
        LocalizedText(zh: "呼吸健康研究公司", en: "Respiratory Research Ltd"),
        code(.party, 3)
    )
    static let assessor = Named(LocalizedText(zh: "数据评估事务所", en: "Data assessors"), code(.party, 4))
    static let visits = Named(LocalizedText(zh: "门诊就诊记录", en: "Outpatient visits"), code(.asset, 5))
    static let airQuality = Named(
        LocalizedText(zh: "空气质量逐时监测", en: "Hourly air quality"),
        code(.asset, 6)
    )
    static let agreement = Named(
        LocalizedText(zh: "门诊就诊记录：提问", en: "Outpatient visits: questions"),
        code(.agreement, 7)
    )

    static let buyer = Reader.Viewer(name: "呼吸健康研究公司", code: code(.party, 3), roles: [.buyer])
    static let holder = Reader.Viewer(name: "朝阳社区医院", code: code(.party, 2), roles: [.holder])
    static let deskOperator = Reader.Viewer(name: "运营者", code: code(.party, 9), roles: [.operator])

    static let query = LocalizedText(zh: "提问", en: "query")
    static let match = LocalizedText(zh: "匹配", en: "match")
    static let download = LocalizedText(zh: "下载", en: "download")

    static let inForce = Standing(LocalizedText(zh: "生效", en: "in force"))
    static let done = Standing(LocalizedText(zh: "完成", en: "done"))
    static let verified = Standing(LocalizedText(zh: "已验证", en: "verified"), .verified)

    static let entries = [
        CatalogPage.Entry(
            code: code(.listing, 11),
            title: visits.name,
            summary: LocalizedText(
                zh: "2013—2017 年门诊就诊记录（合成），只可提问和匹配；答案加噪后放行，每组不少于 10 人。",
                en:
                    "Outpatient visits 2013–2017 (synthetic). Questions and matches only; answers are noised, groups of 10 or more."
            ),
            holder: clinic,
            doors: [query, match],
            grade: LocalizedText(zh: "四级 · 敏感个人信息", en: "grade 4 · sensitive personal"),
            price: LocalizedText(zh: "0.50 元 / 次提问", en: "0.50 CNY / question"),
            rowCount: 184_220,
            updated: at(-3000),
            path: "/listings/" + code(.listing, 11).text
        ),
        CatalogPage.Entry(
            code: code(.listing, 12),
            title: LocalizedText(zh: "空气质量月度分析服务", en: "Monthly air quality service"),
            summary: LocalizedText(
                zh: "按月、按站点的日均 PM2.5 统计，直接提问即得，无需下载全量数据。",
                en: "Daily mean PM2.5 by month and station: ask instead of downloading everything."
            ),
            holder: air,
            doors: [query],
            grade: LocalizedText(zh: "一级 · 公开", en: "grade 1 · public"),
            price: LocalizedText(zh: "0.20 元 / 次提问", en: "0.20 CNY / question"),
            rowCount: 420_768,
            updated: at(-400),
            path: "/listings/" + code(.listing, 12).text
        ),
        CatalogPage.Entry(
            code: code(.asset, 6),
            title: airQuality.name,
            summary: LocalizedText(
                zh: "12 个国控站点逐时监测，2013-03 至 2017-02，无条件开放。",
                en: "Twelve stations, hourly, March 2013 to February 2017. Open without condition."
            ),
            holder: air,
            doors: [download],
            grade: LocalizedText(zh: "一级 · 公开", en: "grade 1 · public"),
            price: LocalizedText(zh: "免费", en: "free"),
            rowCount: 420_768,
            updated: at(-400),
            path: "/open/" + code(.asset, 6).text
        ),
    ]

    static let facets = [
        CatalogPage.Facet(
            name: LocalizedText(zh: "交付方式", en: "Door"),
            choices: [
                .init(name: query, count: 2, isChosen: false, path: "/?door=query"),
                .init(name: match, count: 1, isChosen: false, path: "/?door=match"),
                .init(name: download, count: 1, isChosen: false, path: "/?door=download"),
            ]
        ),
        CatalogPage.Facet(
            name: LocalizedText(zh: "领域", en: "Field"),
            choices: [
                .init(
                    name: LocalizedText(zh: "生态环境", en: "environment"),
                    count: 2,
                    isChosen: true,
                    path: "/"
                ),
                .init(
                    name: LocalizedText(zh: "卫生健康", en: "health"),
                    count: 1,
                    isChosen: false,
                    path: "/?field=health"
                ),
            ]
        ),
    ]

    static let figures = CatalogPage.Figures(
        listings: 3,
        passages: 128,
        refusals: 9,
        logSize: 1_204
    )

    static let terms = Terms(
        sentences: [
            LocalizedText(
                zh: "可以：为“公共卫生研究”目的提问。", en: "May: ask questions for the purpose “public health research”."),
            LocalizedText(zh: "2026-12-31 之前，最多 200 次。", en: "Until 2026-12-31, at most 200 times."),
            LocalizedText(zh: "不可以：获取或导出任何一行原始数据。", en: "May not: obtain or export any row."),
            LocalizedText(zh: "必须：按次付费；每次使用留有回执。", en: "Must: pay each use; each use leaves a receipt."),
        ],
        digest: Digest(of: "terms")
    )

    static let prices = [
        PriceLine(door: query, amount: fen(50), unit: LocalizedText(zh: "次提问", en: "question")),
        PriceLine(door: match, amount: fen(2_000), unit: LocalizedText(zh: "次匹配", en: "match")),
    ]

    static let privacyBudget = Budget(
        unit: "ε",
        total: "2.00",
        spent: "0.80",
        left: "0.70",
        spentShare: 400,
        renews: at(60 * 24 * 40)
    )

    static let same = SameThing(
        http: """
            curl -H "Authorization: Bearer $HUTONG_TOKEN" \\
              "$HUTONG_URL/api/v1/listings?q=%E7%A9%BA%E6%B0%94"
            """,
        cli: "hutong search 空气"
    )

    static func refusal(_ code: String, zh: [String], en: [String], _ language: Language) -> Refusal {
        let said = language == .zh ? zh : en
        return Refusal(code: code, what: said[0], why: said[1], remedy: said[2], request: "req-8f2c")
    }
}
