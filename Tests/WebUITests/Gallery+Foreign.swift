// SPDX-License-Identifier: Apache-2.0

import Primitives
import WebUI

/// Catalogs of others, and an offer that a holder makes unasked.
extension Gallery {
    static let foreign = ForeignPage(
        words: "air",
        total: 2,
        entries: [
            .init(
                title: LocalizedText(zh: "空气质量日报", en: "Daily air quality"),
                about: "Daily means by district.",
                publisher: "Environment bureau", formats: ["CSV", "JSON"],
                origins: ["data.example.org", "connector.example.org"],
                withdrawnAt: nil, path: "/foreign/dataset?key=a"),
            .init(
                title: LocalizedText(zh: "空气站点名录", en: "Air stations"), about: "",
                publisher: "Environment bureau",
                formats: [], origins: ["data.example.org"], withdrawnAt: at(-600),
                path: "/foreign/dataset?key=b"),
        ],
        sources: [
            .init(
                name: "data.example.org", kind: LocalizedText("CKAN"), url: "https://data.example.org",
                count: 1240,
                readAt: at(-30), dueAt: at(330), lastError: nil,
                changes: [
                    LocalizedText(zh: "新增 3", en: "3 added"), LocalizedText(zh: "撤下 1", en: "1 withdrawn"),
                ]),
            .init(
                name: "connector.example.org", kind: LocalizedText(zh: "数据空间协议", en: "Dataspace Protocol"),
                url: "https://connector.example.org/dsp", count: 12, readAt: nil, dueAt: at(1),
                lastError: "lane.peer-unreachable", changes: []),
        ], previousPath: nil, nextPath: "/foreign?q=x&start=20",
        sameThing: SameThing(http: "curl \"$HUTONG_URL/api/v1/foreign?q=air\"", cli: "hutong harvest"))

    static let foreignDataset = ForeignDatasetPage(
        dataset: LocalizedText(zh: "空气站点名录", en: "Air stations"), about: "Places and dates.",
        publisher: "Environment bureau", formats: ["CSV"], withdrawnAt: at(-600),
        origins: [
            .init(
                name: "data.example.org", kind: LocalizedText("CKAN"),
                address: "https://data.example.org/dataset/b",
                firstSeenAt: at(-90_000), changedAt: at(-4000), withdrawnAt: at(-600))
        ],
        history: [
            HistoryStep(
                at: at(-600), standing: Standing(LocalizedText(zh: "撤下", en: "withdrawn"), .stopped),
                what: LocalizedText("https://data.example.org"))
        ],
        sameThing: SameThing(
            http: "curl \"$HUTONG_URL/api/v1/foreign/changes?key=b\"", cli: "hutong harvest"))

    static let offer = OfferPage(
        listing: Named(visits.name, code(.listing, 11)), parties: [research, assessor], terms: terms,
        draft: draft,
        sameThing: SameThing(
            http: "curl -X POST -d '{\"party\": \"pty-…\"}' $HUTONG_URL/api/v1/listings/lst-…/offers",
            cli: "hutong offer lst-… pty-…"))
}
