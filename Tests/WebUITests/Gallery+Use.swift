// SPDX-License-Identifier: Apache-2.0

import Primitives
import WebUI

extension Gallery {
    static let months = (1...12).map { "2016-" + Decimal10.padded($0, 2) }

    static let monthly = Chart(
        .line,
        title: LocalizedText(zh: "PM2.5 月均值，按站点，2016 年", en: "Monthly mean PM2.5 by station, 2016"),
        xName: LocalizedText(zh: "月份", en: "month"),
        yName: LocalizedText(zh: "微克/立方米", en: "µg/m³"),
        categories: months,
        series: [
            .init(
                LocalizedText(zh: "奥体中心", en: "Aotizhongxin"),
                points([68, 46, 92, 66, 55, 60, 69, 49, 56, 84, 102, 138])
            ),
            .init(
                LocalizedText(zh: "定陵", en: "Dingling"),
                points([41, 30, 72, 55, 44, 54, 62, 40, 44, 68, 76, 95])
            ),
            .init(
                LocalizedText(zh: "万柳", en: "Wanliu"),
                points([66, 43, 95, 70, 58, 61, 72, 50, 58, 88, 105, 131])
            ),
        ]
    )

    static func points(_ values: [Double], halfWidth: Double? = nil) -> [Chart.Point] {
        values.enumerated().map { place, value in
            Chart.Point(x: Double(place), y: value, interval: halfWidth.map { value - $0...value + $0 })
        }
    }

    static let noisedVisits = Chart(
        .bars,
        title: LocalizedText(zh: "每月就诊量（加噪）及 95% 区间", en: "Visits a month (noised) with 95% interval"),
        xName: LocalizedText(zh: "月份", en: "month"),
        yName: LocalizedText(zh: "人次", en: "visits"),
        categories: months,
        series: [
            .init(
                LocalizedText(zh: "就诊量", en: "visits"),
                points(
                    [3120, 2890, 3340, 3010, 2790, 2810, 2950, 2650, 2720, 3260, 3580, 4110],
                    halfWidth: 160
                )
            )
        ],
        decimals: 0
    )

    static let scattered = Chart(
        .scatter([
            .init(
                LocalizedText(zh: "恢复的关系", en: "recovered"),
                intercept: 82,
                slope: 0.212,
                slopeInterval: 0.188...0.236
            ),
            .init(LocalizedText(zh: "植入的关系", en: "planted"), intercept: 83, slope: 0.2),
        ]),
        title: LocalizedText(zh: "空气越差，就诊越多吗？", en: "Does bad air bring patients?"),
        xName: LocalizedText(zh: "日均 PM2.5（微克/立方米）", en: "daily mean PM2.5 (µg/m³)"),
        yName: LocalizedText(zh: "每日就诊人次", en: "visits a day"),
        series: [
            .init(
                LocalizedText(zh: "每日", en: "days"),
                (0..<60).map { day in
                    let pollution = Double((day * 37) % 240 + 10)
                    return Chart.Point(x: pollution, y: 82 + 0.21 * pollution + Double((day * 53) % 31) - 15)
                }
            )
        ]
    )

    static let effect = Chart(
        .estimates,
        title: LocalizedText(zh: "植入的效应与恢复的效应", en: "Planted and recovered effect"),
        xName: LocalizedText(zh: "估计", en: "estimate"),
        yName: LocalizedText(zh: "PM2.5 每升高 10 微克/立方米，就诊增加（人次）", en: "more visits for 10 µg/m³ more PM2.5"),
        categories: ["植入 planted", "恢复 recovered"],
        series: [
            .init(
                LocalizedText(zh: "效应", en: "effect"),
                [Chart.Point(x: 0, y: 2.0), Chart.Point(x: 1, y: 2.12, interval: 1.88...2.36)]
            )
        ],
        decimals: 2
    )

    enum Moment { case quoted, answered, sealed, refused }

    // Long because one page in four moments is shown beside itself.
    static func asking(_ moment: Moment, _ language: Language = .zh) -> AgreementPage {
        let table = Preview(
            columns: ["month", "visits", "low", "high"],
            numeric: [1, 2, 3],
            rows: zip(months, [3120, 2890, 3340]).map { [$0, "\($1)", "\($1 - 160)", "\($1 + 160)"] } + [
                ["2016-04", nil, nil, nil]
            ]
        )
        let body: Answer.Body =
            moment == .sealed
            ? .sealed(
                path: "/passages/x/sealed",
                command: "hutong open " + code(.passage, 61).text + ".sealed --data buyer"
            )
            : .open(table, [noisedVisits, scattered, effect])
        let answer = Answer(
            passage: code(.passage, 61),
            at: at(3),
            price: fen(50),
            privacyCost: "ε 0.50",
            notes: [
                LocalizedText(zh: "计数含噪声；区间为 95%。", en: "Counts carry noise; intervals are 95%."),
                LocalizedText(zh: "1 个小于 10 人的组未显示。", en: "One group below 10 people is not shown."),
            ],
            body: body,
            receiptPath: "/passages/x/receipt",
            logIndex: 812
        )
        let quote = Quote(
            price: fen(50),
            privacyCost: "ε 0.50",
            privacyLeftAfter: "ε 0.20",
            precision: LocalizedText(zh: "每组误差约 ±160（95%）", en: "about ±160 a group (95%)"),
            plan: LocalizedText(zh: "按月统计就诊人次，加噪后放行", en: "visits by month, noised")
        )
        let refusal = refusal(
            "valve.budget-exceeded",
            zh: ["问题没有执行。", "它需要 ε 0.50，而本季度的 2.00 只剩 0.30。", "请减少分组，或等到 7 月 1 日；没有产生任何费用。"],
            en: [
                "The question was not run.", "It needs ε 0.50 and 0.30 is left of this quarter's 2.00.",
                "Ask for fewer groups, or wait until 1 July; nothing was charged.",
            ],
            language
        )
        return AgreementPage(
            code: code(.agreement, 7),
            listing: Named(visits.name, code(.listing, 11)),
            holder: clinic,
            buyer: research,
            standing: inForce,
            terms: terms,
            moneyLeft: fen(9_850),
            budgets: [privacyBudget],
            tables: [
                ("visits", ["district", "day", "respiratory", "age_band"]),
                ("air_daily", ["day", "station", "pm2_5"]),
            ],
            purpose: "public-health-research",
            question:
                "SELECT date_trunc('month', day) AS month,\n       count(*) AS visits\nFROM visits\nWHERE respiratory\nGROUP BY month\nORDER BY month",
            quote: moment == .quoted ? quote : nil,
            answer: [.answered, .sealed].contains(moment) ? answer : nil,
            refusal: moment == .refused ? refusal : nil,
            idempotencyKey: "k4",
            sameThing: SameThing(
                http:
                    "curl -X POST -H \"Authorization: Bearer $HUTONG_TOKEN\" -d '{\"question\": \"SELECT …\"}' \\\n  $HUTONG_URL/api/v1/agreements/\(code(.agreement, 7).text)/questions",
                cli: "hutong query \(code(.agreement, 7).text) 'SELECT …'"
            )
        )
    }

    static let draft = TermsDraft(purposes: "research", until: CalendarDay("2026-12-31"), usesMax: 200)

    static let agree = AgreePage(
        listing: Named(visits.name, code(.listing, 11)),
        holder: clinic,
        terms: terms,
        prices: prices,
        draft: draft,
        idempotencyKey: "k5",
        sameThing: SameThing(
            http: "curl -X POST … $HUTONG_URL/api/v1/negotiations",
            cli: "hutong agree \(code(.listing, 11).text) --counter terms.jsonld"
        )
    )

    static let passages = [
        PassageView(
            code: code(.passage, 61),
            at: at(3),
            agreement: agreement,
            door: query,
            standing: done,
            price: fen(50),
            privacyCost: "ε 0.50",
            receiptPath: "/passages/x/receipt"
        ),
        PassageView(
            code: code(.passage, 62),
            at: at(9),
            agreement: agreement,
            door: query,
            standing: Standing(LocalizedText(zh: "拒绝：预算不足", en: "refused: budget"), .stopped),
            price: fen(0)
        ),
        PassageView(
            code: code(.passage, 63),
            at: at(14),
            agreement: agreement,
            door: match,
            standing: done,
            price: fen(2_000),
            receiptPath: "/passages/y/receipt"
        ),
    ]

    static let mine = MinePage(
        offers: [
            OfferView(
                code: code(.offer, 41), listing: visits, other: clinic,
                standing: Standing(
                    LocalizedText(zh: "对方已还价，等我处理", en: "countered, my turn"), .waits, due: at(60 * 30)),
                terms: terms, moves: [.accept, .counter, .decline], draft: draft)
        ],
        agreements: [
            (agreement: agreement, standing: inForce, moneyLeft: fen(9_850), askPath: "/agreements/x"),
            (
                agreement: Named(entries[1].title, code(.agreement, 8)),
                standing: Standing(LocalizedText(zh: "已到期", en: "expired"), .stopped),
                moneyLeft: fen(0),
                askPath: nil
            ),
        ],
        listings: [
            (
                listing: Named(
                    LocalizedText(zh: "呼吸风险日指数", en: "Daily respiratory risk index"),
                    code(.listing, 13)
                ), standing: Standing(LocalizedText(zh: "在架", en: "on offer")), earned: fen(1_230)
            )
        ],
        passages: passages,
        statementMonths: ["2026-11", "2026-10"],
        balance: fen(87_450),
        reserved: fen(9_850),
        sameThing: SameThing(
            http: "curl … $HUTONG_URL/api/v1/passages",
            cli: "hutong receipts --out receipts/"
        )
    )

    static let emptyMine = MinePage(
        agreements: [],
        listings: [],
        passages: [],
        statementMonths: [],
        balance: fen(0),
        reserved: fen(0),
        sameThing: nil
    )

    static let statement = StatementPage(
        code: code(.statement, 81),
        month: "2026-11",
        party: research,
        passages: passages,
        sums: [
            (label: LocalizedText(zh: "期初余额", en: "opening balance"), amount: fen(100_000)),
            (label: LocalizedText(zh: "使用费", en: "uses"), amount: fen(-2_050)),
            (label: LocalizedText(zh: "期末余额", en: "closing balance"), amount: fen(97_950)),
        ],
        difference: fen(0),
        standing: Standing(LocalizedText(zh: "已核对", en: "reconciled"), .verified),
        sameThing: SameThing(
            http: "curl … $HUTONG_URL/api/v1/statements/2026-11",
            cli: "hutong statement --month 2026-11"
        )
    )

    static let budget = BudgetPage(
        agreement: agreement,
        asset: visits,
        budget: privacyBudget,
        forecast: .init(questionsLeft: 2, lastsUntil: at(43_000)),
        spenders: [
            .init(agreement: code(.agreement, 7), party: research, spent: "ε 0.80", share: 1000)
        ],
        charges: [
            .init(passage: code(.passage, 60), at: at(-100), cost: "ε 0.30", sum: "ε 0.30"),
            .init(passage: code(.passage, 61), at: at(3), cost: "ε 0.50", sum: "ε 0.80"),
        ],
        course: Chart(
            .bars,
            title: LocalizedText(zh: "累计消耗", en: "Charged so far"),
            xName: LocalizedText(zh: "提问", en: "question"),
            yName: LocalizedText("ε"),
            categories: ["1", "2"],
            series: [.init(LocalizedText(zh: "累计", en: "sum"), points([0.3, 0.8]))],
            decimals: 3
        ),
        sameThing: SameThing(
            http: "curl … $HUTONG_URL/api/v1/agreements/x/budget",
            cli: "hutong valve status"
        )
    )
}
