// SPDX-License-Identifier: Apache-2.0

import Primitives
import WebUI

extension Gallery {
    static let catalog = CatalogPage(
        words: "",
        entries: entries,
        total: 3,
        facets: facets,
        figures: figures,
        sameThing: same
    )
    static let searched = CatalogPage(
        words: "pm2.5",
        entries: Array(entries.suffix(2)),
        total: 42,
        facets: facets,
        nextPath: "/?q=pm2.5&page=2",
        sameThing: same
    )
    static let nothingFound = CatalogPage(
        words: "PM2.5 与 <门诊>",
        entries: [],
        total: 0,
        facets: [],
        sameThing: same
    )
    static let emptyCatalog = CatalogPage(
        words: "",
        entries: [],
        total: 0,
        facets: [],
        figures: .init(listings: 0, passages: 0, refusals: 0, logSize: 0),
        sameThing: same
    )

    static let text = LocalizedText(zh: "文本", en: "text")
    static let integer = LocalizedText(zh: "整数", en: "integer")
    static let decimal = LocalizedText(zh: "小数", en: "decimal")
    static let open = LocalizedText(zh: "一级", en: "grade 1")
    static let personal = LocalizedText(zh: "三级 · 个人信息", en: "grade 3 · personal")
    static let sensitive = LocalizedText(zh: "四级 · 敏感", en: "grade 4 · sensitive")

    static let clinicColumns = [
        ColumnView(
            name: "person",
            type: text,
            meaning: LocalizedText(zh: "人员代码（假名）", en: "person code (pseudonym)"),
            grade: sensitive
        ),
        ColumnView(
            name: "district",
            type: text,
            meaning: LocalizedText(zh: "行政区", en: "district"),
            grade: open
        ),
        ColumnView(
            name: "day",
            type: LocalizedText(zh: "日期", en: "date"),
            meaning: LocalizedText(zh: "就诊日", en: "day of visit"),
            grade: personal
        ),
        ColumnView(
            name: "respiratory",
            type: LocalizedText(zh: "是/否", en: "yes or no"),
            meaning: LocalizedText(zh: "ICD-10 第十章（J）", en: "ICD-10 chapter J"),
            grade: sensitive
        ),
        ColumnView(
            name: "age_band",
            type: text,
            meaning: LocalizedText(zh: "年龄段", en: "age band"),
            grade: personal
        ),
    ]

    static let airColumns = [
        ColumnView(
            name: "station",
            type: text,
            meaning: LocalizedText(zh: "站点", en: "station"),
            grade: open,
            emptyShare: "0 %"
        ),
        ColumnView(
            name: "pm2_5",
            type: integer,
            meaning: LocalizedText(zh: "PM2.5，微克/立方米", en: "PM2.5, µg/m³"),
            grade: open,
            emptyShare: "2.1 %",
            histogram: Histogram(
                counts: [90, 120, 88, 60, 41, 28, 19, 12, 8, 5, 3, 2],
                low: "2",
                high: "999"
            )
        ),
        ColumnView(
            name: "temp",
            type: decimal,
            meaning: LocalizedText(zh: "气温，摄氏度", en: "temperature, °C"),
            grade: open,
            emptyShare: "0.1 %",
            histogram: Histogram(
                counts: [2, 8, 21, 40, 44, 38, 47, 60, 58, 30, 9, 1],
                low: "−19.9",
                high: "41.6"
            )
        ),
    ]

    static let clinicListing = ListingPage(
        code: code(.listing, 11),
        name: visits.name,
        summary: entries[0].summary,
        holder: clinic,
        asset: visits,
        standing: Standing(LocalizedText(zh: "在架", en: "on offer")),
        isSynthetic: true,
        doors: [query, match],
        grade: entries[0].grade,
        rowCount: 184_220,
        updated: at(-3000),
        version: Digest(of: "visits"),
        columns: clinicColumns,
        withheldStatistics: LocalizedText(
            zh: "只可计算的数据不公布分布：公开的直方图会绕过隐私预算。",
            en:
                "A compute-only table shows no distributions: a public histogram would go around its privacy budget."
        ),
        quality: [
            QualityScore(
                dimension: LocalizedText(zh: "完整性", en: "completeness"),
                score: "99.8 %",
                how: LocalizedText(zh: "必填列非空的比例", en: "share of mandatory values present")
            ),
            QualityScore(
                dimension: LocalizedText(zh: "规范性", en: "conformity"),
                score: "100 %",
                how: LocalizedText(zh: "符合代码表的比例", en: "share within the code lists")
            ),
            QualityScore(
                dimension: LocalizedText(zh: "时效性", en: "timeliness"),
                score: "91.0 %",
                how: LocalizedText(zh: "按约定更新的比例", en: "updates that came in time")
            ),
        ],
        attestations: [
            HistoryStep(
                at: at(-2000),
                standing: verified,
                what: LocalizedText(zh: "质量证明", en: "quality attestation"),
                by: assessor,
                logIndex: 41
            ),
            HistoryStep(
                at: at(-1990),
                standing: verified,
                what: LocalizedText(zh: "价值证明", en: "value attestation"),
                by: assessor,
                logIndex: 42
            ),
        ],
        terms: terms,
        prices: prices,
        releaseRules: [
            LocalizedText(zh: "每组不少于 10 人，否则该组不显示", en: "Groups below 10 people are not shown"),
            LocalizedText(
                zh: "计数加离散高斯噪声，每次至多 ε 0.50",
                en: "Counts carry discrete noise, at most ε 0.50 a question"
            ),
        ],
        sameThing: SameThing(
            http: "curl -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/listings/"
                + code(.listing, 11).text,
            cli: "hutong agree " + code(.listing, 11).text
        )
    )

    static let sampleRows = Preview(
        columns: ["station", "year", "month", "day", "hour", "pm2_5", "temp", "wd"],
        numeric: [1, 2, 3, 4, 5, 6],
        rows: [
            ["Aotizhongxin", "2013", "3", "1", "0", "4", "-0.7", "NNW"],
            ["Aotizhongxin", "2013", "3", "1", "1", "8", "-1.1", "N"],
            ["Aotizhongxin", "2013", "3", "1", "2", nil, "-1.1", "NNW"],
        ]
    )

    static let airListing = ListingPage(
        code: code(.listing, 12),
        name: entries[1].title,
        summary: entries[1].summary,
        holder: air,
        asset: airQuality,
        standing: Standing(
            LocalizedText(zh: "待审核", en: "in review"),
            .waits,
            owner: "海淀数据交易所",
            due: at(60 * 24 * 3)
        ),
        doors: [query],
        grade: entries[1].grade,
        rowCount: 420_768,
        updated: at(-400),
        version: Digest(of: "air"),
        columns: airColumns,
        terms: Terms(
            sentences: [
                LocalizedText(zh: "可以：用于任何合法目的。", en: "May: any lawful purpose."),
                LocalizedText(zh: "必须：注明来源。", en: "Must: name the source."),
            ],
            handsOverACopy: true
        ),
        prices: [PriceLine(door: query, amount: fen(20), unit: LocalizedText(zh: "次提问", en: "question"))],
        sample: sampleRows,
        sameThing: same
    )

    static let openData = OpenDataPage(
        asset: airQuality,
        holder: air,
        summary: entries[2].summary,
        openness: LocalizedText(zh: "无条件开放", en: "open without condition"),
        license: LocalizedText(zh: "知识共享 署名 4.0", en: "CC BY 4.0"),
        source: LocalizedText(
            zh: "12 个国控站点；气象数据来自最近的气象站",
            en: "12 national stations; weather from the nearest station"
        ),
        updated: at(-400),
        rowCount: 420_768,
        files: [
            .init(
                name: "air-quality.csv",
                format: "CSV",
                size: "31.4 MB",
                path: "/open/x/air-quality.csv",
                digest: Digest(of: "csv")
            ),
            .init(
                name: "air-quality.parquet",
                format: "Parquet",
                size: "3.9 MB",
                path: "/open/x/air-quality.parquet",
                digest: Digest(of: "parquet")
            ),
        ],
        columns: airColumns,
        preview: sampleRows,
        sameThing: same
    )

    static let demands = DemandPage(
        demands: [
            .init(
                code: code(.demand, 31),
                title: LocalizedText(zh: "呼吸系统疾病门诊量，按日、按区", en: "Respiratory visits by day and district"),
                party: research,
                purpose: LocalizedText(zh: "研究空气质量与就诊量的关系", en: "Study how air quality drives visits"),
                ceiling: fen(100),
                standing: Standing(LocalizedText(zh: "已匹配", en: "matched")),
                matches: [.init(listing: Named(visits.name, code(.listing, 11)), score: "87 %")]
            ),
            .init(
                code: code(.demand, 32),
                title: LocalizedText(zh: "公交客流，按站点、按小时", en: "Bus passengers by stop and hour"),
                party: research,
                purpose: LocalizedText(zh: "通勤研究", en: "Commuting study"),
                ceiling: nil,
                standing: Standing(
                    LocalizedText(zh: "待匹配", en: "open"),
                    .waits,
                    owner: "海淀数据交易所",
                    due: at(60 * 24 * 14)
                )
            ),
        ],
        draftTitle: "PM2.5 与 <门诊>",
        canPost: true,
        idempotencyKey: "k1",
        sameThing: same
    )

    static let basisChoices = [
        (value: "statutory", name: LocalizedText(zh: "履行法定职责", en: "statutory duty")),
        (value: "consent", name: LocalizedText(zh: "个人同意", en: "consent")),
    ]

    @Sendable static func publish(_ language: Language) -> any Page {
        PublishPage(
            stage: .file,
            legalBases: basisChoices,
            refusal: refusal(
                "collect.table-ragged",
                zh: ["文件 visits.csv 未被接收。", "第 118 行有 6 个字段，而表头有 5 个。", "请修正该行后重新上传。"],
                en: [
                    "The file visits.csv was not taken in.", "Line 118 has 6 fields and the header has 5.",
                    "Correct the line and upload the file again.",
                ],
                language
            ),
            sameThing: same
        )
    }

    static let proposal = PublishPage(
        stage: .grades(path: "/publish/x/grades"),
        proposal: .init(
            asset: visits,
            rowCount: 184_220,
            columns: clinicColumns,
            grade: LocalizedText(
                zh: "疑似敏感个人信息，建议四级",
                en: "probably sensitive personal data: grade 4 proposed"
            ),
            reasons: [
                LocalizedText(
                    zh: "person：取值形似人员标识，几乎不重复",
                    en: "person: looks like an identifier of people, nearly unique"
                ),
                LocalizedText(zh: "respiratory：健康信息", en: "respiratory: health information"),
            ]
        ),
        sameThing: same
    )
}
