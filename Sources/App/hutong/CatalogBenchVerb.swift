// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Assembly
import Foundation
import Identity
import Logging
import Policy
import Primitives
import Store
import StoreSQLite
import Trade

/// `hutong catalog bench`: how fast a full catalog answers.
struct CatalogVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "The catalog of what is on offer. 数据目录。",
        subcommands: [CatalogBenchVerb.self])
}

struct CatalogBenchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a search over HTTP in a full catalog. 测量目录检索的耗时。",
        discussion: """
            A node in a temporary folder is filled with synthetic listings and asked over its socket: words that \
            many, some and few listings have, alone and with facets, first and later pages.
            """)
    @Option(help: "How many listings are on offer.") var listings = 100_000
    @Option(help: "How many searches are made.") var searches = 2_000
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        guard (1...10_000_000).contains(listings), (1...1_000_000).contains(searches) else {
            throw ValidationError("--listings takes 1 to 10000000, --searches 1 to 1000000")
        }
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-catalog-\(ProcessInfo.processInfo.processIdentifier)"
        ).path(percentEncoded: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let node = try await Node.open(
            NodeSettings(data: folder, port: 0, name: "bench", passphrase: nil), version: Version.text)
        var catalog = SyntheticCatalog()
        for start in stride(from: 0, to: listings, by: 1_000) {
            console.progress("\(start) / \(listings)")
            let batch = try (start..<min(start + 1_000, listings)).map {
                try catalog.listing($0, of: node.own.id)
            }
            try await node.store.write { transaction throws(Problem) in
                for listing in batch { try ListingBook.put(listing, state: .open, in: transaction) }
            }
        }
        let queries = (0..<searches).map { _ in catalog.query() }
        let token = Node.operatorToken(of: folder)
        let (times, pages) = try await Self.served(node) { client in
            let searched = try await Self.timed(queries) { query in
                try await client.get("/api/v1/listings?" + query)["total"]?.integer != nil
            }
            // Another connector reads the catalog: filtered pages, each named by the one before.
            let connector = NodeClient(url: client.url, token: token.map { Redacted($0) })
            let message: JSON = [
                "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
                "@type": "CatalogRequestMessage", "filter": [["format": "HttpData-PULL"]],
            ]
            let cursors = (0..<200).map { "\(Int64.max)-\($0 * 100 % max(listings / 10, 100))" }
            let read = try await Self.timed(cursors) { cursor in
                try await connector.post("/dsp/2025-1/catalog/request?cursor=" + cursor, message)["@type"]
                    == "Catalog"
            }
            return (searched, read)
        }
        func quantile(_ share: Double, of times: [Double]) -> Double {
            times[min(times.count - 1, Int(share * Double(times.count)))]
        }
        let result: JSON = [
            "listings": .integer(Int64(listings)), "searches": .integer(Int64(searches)),
            "p50Milliseconds": .number(quantile(0.5, of: times)),
            "p99Milliseconds": .number(quantile(0.99, of: times)),
            "maxMilliseconds": .number(times.last ?? 0),
            "protocolPageP50Milliseconds": .number(quantile(0.5, of: pages)),
            "protocolPageP99Milliseconds": .number(quantile(0.99, of: pages)),
        ]
        console.answer(
            result,
            text: String(
                format: "%d listings, %d searches over HTTP: p50 %.1f ms, p99 %.1f ms, max %.1f ms\n"
                    + "filtered pages of 100 by the Dataspace Protocol: p50 %.1f ms, p99 %.1f ms", listings,
                searches, quantile(0.5, of: times), quantile(0.99, of: times), times.last ?? 0,
                quantile(0.5, of: pages), quantile(0.99, of: pages)))
    }

    /// How long each took, in order of length; an answer that is none ends the measurement.
    private static func timed(
        _ asked: [String], _ answers: (String) async throws -> Bool
    ) async throws -> [Double] {
        var times: [Double] = []
        for one in asked {
            let clock = ContinuousClock()
            let begun = clock.now
            guard try await answers(one) else { throw CancellationError() }
            times.append((clock.now - begun) / .milliseconds(1))
        }
        return times.sorted()
    }

    /// Runs the node on a free port while `body` asks it.
    private static func served<Value: Sendable>(
        _ node: Node, _ body: @escaping @Sendable (NodeClient) async throws -> Value
    ) async throws -> Value {
        let (urls, said) = AsyncStream.makeStream(of: String.self)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                try await node.serve(logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }) {
                    url in
                    said.yield(url)
                }
                return nil
            }
            group.addTask {
                for await url in urls { return try await body(NodeClient(url: url, token: nil)) }
                return nil
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }
}

/// Seeded listings with titles in Chinese and English, whose words are spread as words are: few very often.
private struct SyntheticCatalog {
    private var random = SeededRandom(seed: 20_261_121)
    private static let places = Array("东西南北中朝海丰石门大通顺昌房平怀密延亦").map { "\($0)城区" }
    private static let things: [(zh: String, en: String)] = [
        ("空气质量", "air quality"), ("门诊就诊", "clinic visits"), ("公交客流", "bus ridership"),
        ("用水量", "water use"), ("电力负荷", "electric load"), ("企业登记", "company register"),
        ("停车位", "parking lots"), ("道路车速", "road speed"), ("噪声监测", "noise monitoring"),
        ("绿地分布", "green space"), ("社区服务", "community services"), ("学校名录", "schools"),
    ]
    private static let units = ["小时", "逐日", "逐月", "年度", "实时"]

    /// A number below `count`, small ones far more often.
    private mutating func skewed(_ count: Int) -> Int {
        let share = Double.random(in: 0..<1, using: &random)
        return Int(share * share * share * Double(count))
    }

    mutating func listing(_ number: Int, of holder: ID<Party>) throws(Problem) -> Listing {
        let thing = Self.things[skewed(Self.things.count)]
        let place = Self.places[skewed(Self.places.count)]
        let unit = Self.units[skewed(Self.units.count)]
        let serial = "s\(skewed(5_000))"
        let doors: [Door] =
            number.isMultiple(of: 3) ? [.query, .match] : number.isMultiple(of: 7) ? [.download] : [.query]
        let isPaid = !number.isMultiple(of: 4)
        return Listing(
            id: ID(high: UInt64(number) + 1, low: UInt64.random(in: 0...UInt64.max, using: &random)),
            holder: holder,
            title: LocalizedText(zh: place + thing.zh + unit + "数据集", en: thing.en + " data \(serial)"),
            about: LocalizedText(
                zh: "合成条目，第 \(number) 号，用于测量检索。", en: "synthetic entry \(number), series \(serial)"),
            openness: Listing.Openness.allCases[number % 3], assetCode: "ast-\(number)", lineage: [],
            tableName: "t\(number % 97)", summary: ["fields": [["name": "day"], ["name": "value"]]],
            terms: try UsagePolicy(
                json: Story.terms(uses: 20, doors: Set(doors), paid: isPaid, purposes: [])),
            rules: nil, price: try PricePlan(text: isPaid ? "\(doors[0].rawValue):0.50CNY" : "free"),
            requiredAttestations: [])
    }

    /// What a reader types, and where it clicks.
    mutating func query() -> String {
        let thing = Self.things[skewed(Self.things.count)]
        let words =
            [
                "", "数据", thing.zh, thing.en, Self.places[skewed(Self.places.count)] + " " + thing.zh,
                "s\(skewed(5_000))", thing.en + " s\(skewed(5_000))", "合成 " + thing.zh,
            ].randomElement(using: &random) ?? ""
        let facet =
            ["", "", "&door=query", "&openness=conditional", "&price=free&door=query"]
            .randomElement(using: &random) ?? ""
        let page = Bool.random(using: &random) ? "" : "&page=9223372036854775807-\(20 * skewed(50))"
        return "q=" + (words.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "") + facet
            + page
    }
}
