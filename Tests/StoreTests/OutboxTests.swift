// SPDX-License-Identifier: Apache-2.0

import Primitives
import Store
import TestStores
import Testing

@Suite("Outbox and search")
struct OutboxTests {
    let clock = ManualClock()
    static let index = SearchIndex("test_search")

    func opened(_ engine: Engine) async throws -> PlacedStore {
        let store = try Place(engine).open(clock: clock)
        try await store.migrate(Outbox.migrations + [Self.index.migration("test/0001-search")])
        return store
    }

    @Test(
        "a message goes out with its commit or not at all, and is tried again ever more slowly until it arrives",
        arguments: Engine.available)
    func outbox(_ engine: Engine) async throws {
        let store = try await opened(engine)
        let id = ID<Outbox.Message>(high: 1, low: 1)
        _ = try? await store.write { tx throws(Problem) in
            try Outbox.enqueue(id, topic: "receipt", body: [1], in: tx)
            throw Problem(.conflict, "test.refused")
        }
        func due() async throws -> [Outbox.Message] {
            let now = clock.wall.now()
            return try await store.read { tx throws(Problem) in try Outbox.due(at: now, in: tx) }
        }
        #expect(try await due().isEmpty)
        try await store.write { tx throws(Problem) in
            try Outbox.enqueue(id, topic: "receipt", body: [1], in: tx)
            try Outbox.enqueue(id, topic: "receipt", body: [1], in: tx)
        }
        #expect(try await due().map(\.id) == [id])
        for attempt in 0..<3 {
            let message = try #require(try await due().first)
            try await store.write { tx throws(Problem) in try Outbox.retry(message, why: "refused", in: tx) }
            #expect(try await due().isEmpty)
            clock.move(by: Int64(1_000_000 << attempt))
            #expect(try await due().first?.attempts == attempt + 1)
        }
        try await store.write { tx throws(Problem) in try Outbox.done(id, in: tx) }
        #expect(try await due().isEmpty)
        await store.close()
    }

    @Test("空气 is found in 空气质量, Größe as grosse, and what was replaced is gone", arguments: Engine.available)
    func search(_ engine: Engine) async throws {
        let store = try await opened(engine)
        let air = ID<Int>(high: 1, low: 1)
        let bus = ID<Int>(high: 1, low: 2)
        try await store.write { tx throws(Problem) in
            try Self.index.put(air, title: "北京空气质量", body: "hourly PM2.5 of 12 stations, Größe", in: tx)
            try Self.index.put(bus, title: "公交客流", body: "passengers; the air is not measured", in: tx)
        }
        func find(_ query: String) async throws -> [ID<Int>] {
            try await store.read { tx throws(Problem) in try Self.index.page(query, in: tx).ids }
        }
        #expect(try await find("空气") == [air])
        #expect(try await find("空") == [air])
        #expect(try await find("质空").isEmpty)
        #expect(try await find("GROSSE") == [air])
        #expect(try await find("\"; DROP* AND (") == [])
        #expect(try await find("passengers 公交") == [bus])
        try await store.write { tx throws(Problem) in
            try Self.index.put(air, title: "水质", body: "", in: tx)
            try Self.index.remove(bus, in: tx)
        }
        #expect(try await find("空气").isEmpty)
        #expect(try await find("公交").isEmpty)
        #expect(try await find("水质") == [air])
        await store.close()
    }

    @Test(
        "pages stand still while documents are added, and facets are counted as they are",
        arguments: Engine.available)
    func pages(_ engine: Engine) async throws {
        let store = try await opened(engine)
        func add(_ numbers: Range<UInt64>) async throws {
            try await store.write { tx throws(Problem) in
                for number in numbers {
                    try Self.index.put(
                        ID<Int>(high: 1, low: number), title: "hospitals \(number)", body: "",
                        facets: number.isMultiple(of: 3) ? 0b11 : 0b01, in: tx)
                }
            }
        }
        func page(
            _ query: String, _ facets: Int64 = 0, from cursor: SearchIndex.Cursor? = nil
        ) async throws -> SearchIndex.Page<Int> {
            try await store.read { tx throws(Problem) in
                try Self.index.page(query, having: facets, from: cursor, most: 20, in: tx)
            }
        }
        try await add(1..<51)
        for query in ["", "hospital"] {
            var (seen, cursor): ([ID<Int>], SearchIndex.Cursor?) = ([], nil)
            repeat {
                let found = try await page(query, from: cursor)
                #expect(found.facets == [0b11: 16, 0b01: 34])
                seen += found.ids
                cursor = found.next
                let added = UInt64(100 + seen.count + query.count)
                try await add(added..<added + 1)
            } while cursor != nil
            #expect(Set(seen).count == 50 && seen.count == 50)
            try await store.write { tx throws(Problem) in
                for number in UInt64(100)..<200 {
                    try Self.index.remove(ID<Int>(high: 1, low: number), in: tx)
                }
            }
        }
        let narrowed = try await page("hospital", 0b10)
        #expect(narrowed.ids.count == 16 && narrowed.next == nil)
        #expect(try await page("hospitalx").ids.isEmpty)
        await store.close()
    }

    @Test("words: characters and pairs for ideographs, folded words for Latin")
    func words() {
        #expect(
            SearchWords.ofDocument("空气质 Café-２ naïve") == ["空", "空气", "气", "气质", "质", "cafe", "2", "naive"])
        #expect(SearchWords.ofQuery("空气质") == ["空气", "气质"])
        #expect(SearchWords.ofQuery("空") == ["空"])
    }
}
