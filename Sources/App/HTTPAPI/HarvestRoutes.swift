// SPDX-License-Identifier: Apache-2.0

import Deliver
import Identity
package import Primitives
import WebUI

extension Courtyard {
    /// Foreign catalogs that this node reads, and what they list.
    var harvestRoutes: [Route] {
        [
            Route(
                "GET", "/api/v1/foreign", .anyone, "Datasets of harvested catalogs, each once: ?q=, start=."
            ) {
                request throws(Problem) in
                let found = try await harvests.find(
                    request.query["q"] ?? "", start: Self.start(request))
                return APIReply([
                    "total": .integer(Int64(found.count)), "datasets": .array(found.findings.map(\.listed)),
                ])
            },
            Route(
                "GET", "/api/v1/foreign/changes", .anyone,
                "What was noticed between readings: added, changed, withdrawn, returned; ?key= for one dataset."
            ) { request throws(Problem) in
                APIReply([
                    "changes": .array(try await harvests.changes(of: request.query["key"]).map(\.json))
                ])
            },
            Route(
                "GET", "/api/v1/harvests", .anyone,
                "The catalogs we harvest: how the last reading ended, when the next one comes."
            ) { _ throws(Problem) in
                APIReply(["sources": .array(try await harvests.sources().map(\.json))])
            },
            Route(
                "POST", "/api/v1/harvests", .scope(.marketOperate),
                "Read a foreign catalog: {url, kind: ckan or dsp, name, token, every: seconds}."
            ) { request throws(Problem) in
                let body = try request.json()
                let source = try await harvests.harvest(
                    body.needed("url"), kind: try body.needed("kind", HarvestService.Kind.init(rawValue:)),
                    name: body["name"]?.text ?? "", token: body["token"]?.text,
                    every: body["every"]?.integer.map { Int($0) })
                return APIReply(source.json, status: 201)
            },
            page("/foreign", .anyone, "Datasets in the catalogs of others.") { request throws(Problem) in
                try await foreignPage(request)
            },
            page("/foreign/dataset", .anyone, "One dataset in the catalogs of others: ?key=.") {
                request throws(Problem) in try await foreignDatasetPage(request)
            },
        ]
    }

    var harvests: HarvestService { HarvestService(delivery: delivery, outside: outside) }

    /// One round over the foreign catalogs whose time has come.
    package func harvestDue() async throws(Problem) {
        try await harvests.work()
    }

    /// The search among the catalogs of others for these words.
    static func foreignPath(_ words: String, start: Int = 0) -> String {
        "/foreign?q=" + words.percentEncoded + (start == 0 ? "" : "&start=\(start)")
    }

    private static let onPage = 20

    private static func start(_ request: APIRequest) -> Int {
        max(0, request.query["start"].flatMap { Int($0) } ?? 0)
    }

    // MARK: Pages

    private func foreignPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let words = request.query["q"] ?? ""
        let start = Self.start(request)
        let found = try await harvests.find(words, start: start, most: Self.onPage)
        let next = start + found.findings.count
        return ForeignPage(
            words: words, total: found.count,
            entries: found.findings.map { finding in
                ForeignPage.Entry(
                    title: finding.dataset.title, about: finding.dataset.about,
                    publisher: finding.dataset.publisher, formats: finding.dataset.formats,
                    origins: finding.origins.map(\.name), withdrawnAt: finding.withdrawnAt,
                    path: Self.datasetPath(finding.dataset.key))
            },
            sources: try await harvests.sources().map(ForeignPage.Source.init),
            previousPath: start == 0
                ? nil : Self.foreignPath(words, start: max(0, start - Self.onPage)),
            nextPath: next < found.count ? Self.foreignPath(words, start: next) : nil,
            sameThing: SameThing(
                http: "curl \"$HUTONG_URL/api/v1/foreign?q=\(words.percentEncoded)\"",
                cli: "hutong harvest"))
    }

    private func foreignDatasetPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let key = request.query["key"] ?? ""
        guard let finding = try await harvests.finding(key) else {
            throw Problem(.missing, "deliver.foreign-unknown", ["key": .text(key)])
        }
        let changes = try await harvests.changes(of: key, most: Self.onPage)
        return ForeignDatasetPage(
            dataset: finding.dataset.title, about: finding.dataset.about,
            publisher: finding.dataset.publisher, formats: finding.dataset.formats,
            withdrawnAt: finding.withdrawnAt,
            origins: finding.origins.map { origin in
                ForeignDatasetPage.Origin(
                    name: origin.name, kind: origin.kind.words, address: origin.address,
                    firstSeenAt: origin.firstSeenAt, changedAt: origin.changedAt,
                    withdrawnAt: origin.withdrawnAt)
            },
            history: changes.map { change in
                HistoryStep(
                    at: change.at,
                    standing: Standing(change.kind.words, change.kind == .withdrawn ? .stopped : .plain),
                    what: LocalizedText(change.source))
            },
            sameThing: SameThing(
                http: "curl \"$HUTONG_URL/api/v1/foreign/changes?key=\(key.percentEncoded)\"",
                cli: "hutong harvest"))
    }

    private static func datasetPath(_ key: String) -> String { "/foreign/dataset?key=" + key.percentEncoded }
}

extension ForeignFinding {
    fileprivate var listed: JSON {
        var members = dataset.json.object ?? [:]
        members["withdrawnAt"] = withdrawnAt.map { .string($0.rfc3339) } ?? .null
        members["origins"] = .array(
            origins.map {
                [
                    "source": .string($0.source), "name": .string($0.name), "kind": .string($0.kind.rawValue),
                    "address": .string($0.address), "firstSeenAt": .string($0.firstSeenAt.rfc3339),
                    "changedAt": $0.changedAt.map { .string($0.rfc3339) } ?? .null,
                    "withdrawnAt": $0.withdrawnAt.map { .string($0.rfc3339) } ?? .null,
                ]
            })
        return .object(members)
    }
}

extension HarvestService.Kind {
    fileprivate var words: LocalizedText {
        switch self {
        case .ckan: LocalizedText("CKAN")
        case .dsp: LocalizedText(zh: "数据空间协议", en: "Dataspace Protocol")
        }
    }
}

extension ForeignChanges.Kind {
    fileprivate var words: LocalizedText {
        switch self {
        case .added: LocalizedText(zh: "新增", en: "added")
        case .changed: LocalizedText(zh: "变更", en: "changed")
        case .withdrawn: LocalizedText(zh: "撤下", en: "withdrawn")
        case .returned: LocalizedText(zh: "恢复", en: "on offer again")
        }
    }
}

extension ForeignPage.Source {
    fileprivate init(_ source: HarvestSource) {
        self.init(
            name: source.name, kind: source.kind.words, url: source.url, count: source.count,
            readAt: source.harvestedAt, dueAt: source.dueAt, lastError: source.lastError,
            changes: ForeignChanges.Kind.allCases.compactMap { kind in
                let count = source.changes?.counts[kind] ?? 0
                return count == 0
                    ? nil
                    : LocalizedText(zh: "\(kind.words.zh) \(count)", en: "\(count) \(kind.words.en)")
            })
    }
}
