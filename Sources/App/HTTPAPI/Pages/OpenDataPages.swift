// SPDX-License-Identifier: Apache-2.0

import Deliver
import Primitives
import Publish
import Store
private import Trade
import WebUI

extension Courtyard {
    /// Open data as people see it: the first rows, the files, how to read them from a program, what others said.
    func openDataPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let code = request.parameter("code")
        let catalog = openCatalog
        guard let record = try await catalog.record(code) else {
            throw Problem(.missing, "publish.record-missing", ["name": .text(code)])
        }
        guard record.openness == .unconditional,
            let rows = record.distributions.first(where: \.hasRows),
            let file = Code(record.code)
        else { throw Problem(.forbidden, "valve.listing-not-open", ["listing": .text(code)]) }
        let shown = try await delivery.openRows(
            RowQuery(distribution: rows.id, limit: Self.previewRows, offset: 0), of: record.code)
        let profile = try await profile(of: record.code)
        let uses = try await catalog.uses(of: record.code)
        let root = publicURL()
        return OpenDataPage(
            asset: Named(record.title, file),
            holder: Named(record.publisher.name, Code(record.publisher.code)),
            summary: record.about, openness: record.openness.words,
            license: LocalizedText(record.license ?? "–"),
            source: LocalizedText(record.catalogCode?.description ?? record.publisher.name.zh),
            updated: record.modified, rowCount: shown.total, quality: profile.quality,
            files: record.distributions.compactMap { distribution in
                distribution.downloadURL.map {
                    OpenDataPage.File(
                        name: record.code, format: distribution.format, size: "", path: $0,
                        digest: nil)
                }
            },
            columns: record.fields.map {
                ColumnView(
                    name: $0.name, type: LocalizedText($0.type), meaning: $0.title,
                    grade: LocalizedText(record.grade ?? "–"), emptyShare: profile.emptyShares[$0.name])
            },
            preview: Preview(shown),
            sameThing: SameThing(
                http: "curl \(root)/api/3/action/datastore_search?resource_id=\(rows.id)",
                cli: "hutong search " + record.code),
            snippets: Self.snippets(root: root, code: record.code),
            uses: uses.map { way, count, bytes in
                OpenDataPage.UseCount(way: Self.way(way), count: count, size: Self.size(bytes))
            },
            remarks: try await catalog.feedback(on: record.code).map(\.words),
            feedbackPath: "/open/\(record.code)/feedback")
    }

    /// The first rows where the holder's terms let anybody have them all; nothing of anything else.
    func sample(of listing: JSON) async -> Preview? {
        guard listing["openness"]?.text == Listing.Openness.unconditional.rawValue,
            let code = listing["code"]?.text
        else { return nil }
        // An open listing of another node, or one that is closed just now, is shown without.
        return try? await Preview(
            delivery.openRows(RowQuery(distribution: "", limit: 5, offset: 0), of: code))
    }

    /// How much of an open table is there, by column and in all, as it was measured when it was taken in.
    private func profile(
        of code: String
    ) async throws(Problem) -> (emptyShares: [String: String], quality: LocalizedText?) {
        let summary = try await store.read { transaction throws(Problem) in
            try ListingBook.openListing(code, in: transaction).summary
        }
        let rows = Double(summary["profile"]?["rows"]?.integer ?? 0)
        let columns = summary["profile"]?["columns"]?.array ?? []
        guard rows > 0, !columns.isEmpty else { return ([:], nil) }
        var shares: [String: String] = [:]
        var empty = 0.0
        for column in columns {
            guard let name = column["name"]?.text, let nulls = column["nulls"]?.integer else { continue }
            shares[name] = Self.percent(Double(nulls) / rows)
            empty += Double(nulls)
        }
        let complete = Self.percent(1 - empty / (rows * Double(columns.count)))
        return (
            shares, LocalizedText(zh: "完整性 \(complete)", en: "\(complete) of all values are there")
        )
    }

    private static func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }

    /// Enough to see what the columns hold.
    private static let previewRows = 20

    private static func way(_ way: String) -> LocalizedText {
        way == "rows"
            ? LocalizedText(zh: "接口与预览", en: "API and preview")
            : LocalizedText(zh: "下载 \(way.uppercased())", en: "Downloads, \(way.uppercased())")
    }

    private static func size(_ bytes: Int64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var (value, unit) = (Double(bytes), 0)
        while value >= 1000, unit + 1 < units.count { (value, unit) = (value / 1000, unit + 1) }
        return unit == 0 ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(units[unit])"
    }

    private static func snippets(root: String, code: String) -> [OpenDataPage.Snippet] {
        let data = "\(root)/open/\(code)/data"
        return [
            .init(language: "curl", text: "curl --remote-name \(data).csv"),
            .init(
                language: "Python",
                text: "import pandas\ntable = pandas.read_parquet(\"\(data).parquet\")"),
            .init(language: "R", text: "table <- read.csv(\"\(data).csv\")"),
            .init(
                language: "Swift",
                text:
                    "import Foundation\nlet address = URL(string: \"\(data).json\")!\n"
                    + "let (data, _) = try await URLSession.shared.data(from: address)\n"
                    + "let rows = try JSONSerialization.jsonObject(with: data)"),
        ]
    }
}

extension Preview {
    /// Rows as the open doors give them.
    init(_ page: RowPage) {
        let columns = page.fields.map(\.name)
        self.init(
            columns: columns,
            rows: page.records.map { row in
                columns.map { row[$0].flatMap { $0.text ?? ($0.isNull ? nil : $0.canonicalText) } }
            })
    }
}
