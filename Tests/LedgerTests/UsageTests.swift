// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metering
import Primitives
import Store
import TestStores
import Testing

@Suite("Usage")
struct UsageTests {
    let clock = ManualClock()

    func opened(_ engine: Engine) async throws -> PlacedStore {
        let store = try Place(engine).open(clock: clock)
        try await store.migrate(MeteringSchema.migrations)
        try await store.write { tx throws(Problem) in
            for aggregation in MeterDefinition.Aggregation.allCases {
                try UsageMeter.define(
                    MeterDefinition(type: aggregation.rawValue, aggregation: aggregation, property: "n"),
                    in: tx)
            }
        }
        return store
    }

    static func event(
        _ id: String, _ type: String = "sum", at seconds: Int64? = nil, n: JSON = 1, subject: String = "agr-1"
    ) -> UsageEvent {
        UsageEvent(
            id: id, source: "test", type: type, subject: subject, time: seconds.map { Instant(seconds: $0) },
            data: ["n": n])
    }

    func record(_ events: UsageEvent..., in store: PlacedStore) async throws -> [EventOutcome] {
        try await store.write { tx throws(Problem) in try UsageMeter.record(events, in: tx) }
    }

    @Test(
        "a fact counts once for ever, and the same id with another body is refused",
        arguments: Engine.available)
    func once(_ engine: Engine) async throws {
        let store = try await opened(engine)
        #expect(try await record(Self.event("1"), Self.event("1"), in: store) == [.counted, .repeated])
        let problem = await #expect(throws: Problem.self) {
            try await record(Self.event("2"), Self.event("1", n: 2), in: store)
        }
        #expect(problem?.code == "metering.event-differs")
        #expect(try await record(Self.event("2"), in: store) == [.counted])  // The refusal left nothing.
        await store.close()
    }

    @Test(
        "a day is the contract's day: an event at 17:00 UTC belongs to the next day in Beijing",
        arguments: Engine.available)
    func zones(_ engine: Engine) async throws {
        let store = try await opened(engine)
        let noon: Int64 = 1_699_963_200  // 2023-11-14 12:00 UTC, 20:00 in Beijing.
        _ = try await record(
            Self.event("1", at: noon, n: 3), Self.event("2", at: noon + 5 * 3600, n: 4), in: store)
        let windows = { (zone: TimeZoneOffset) in
            try await store.read { tx throws(Problem) in
                try UsageMeter.windows(
                    of: "sum", subject: "agr-1", after: Instant(seconds: 0),
                    through: Instant(seconds: 2_000_000_000),
                    width: .day, zone: zone, in: tx)
            }
        }
        #expect(try await windows(.utc).map(\.quantity) == [7])
        #expect(try await windows(.shanghai).map(\.quantity) == [3, 4])
        #expect(try await windows(.shanghai)[1].start == Instant(rfc3339: "2023-11-15T00:00:00+08:00"))
        await store.close()
    }

    @Test("every aggregation answers what a loop over the events answers", arguments: Engine.available)
    func aggregations(_ engine: Engine) async throws {
        let store = try await opened(engine)
        var random = SeededRandom(seed: 5)
        let quantities = (0..<50).map { _ in Int64(random.next() % 20) }
        try await store.write { tx throws(Problem) in
            for type in MeterDefinition.Aggregation.allCases {
                let events = quantities.enumerated().map { place, quantity in
                    Self.event(
                        "\(type)-\(place)", type.rawValue, at: 1000 + Int64(place) * 37 % 50,
                        n: type == .unique ? .string("\(quantity)") : .integer(quantity))
                }
                _ = try UsageMeter.record(events, in: tx)
            }
        }
        let totals = try await store.read { tx throws(Problem) in
            var totals: [MeterDefinition.Aggregation: Int64] = [:]
            for type in MeterDefinition.Aggregation.allCases {
                totals[type] = try UsageMeter.total(
                    of: type.rawValue, subject: "agr-1", after: Instant(seconds: 0),
                    through: Instant(seconds: 5000),
                    in: tx)?.quantity
            }
            return totals
        }
        let lastPlace = (0..<50).max { ($0 * 37 % 50, $0) < ($1 * 37 % 50, $1) }
        #expect(totals[.sum] == quantities.reduce(0, +))
        #expect(totals[.average] == quantities.reduce(0, +))
        #expect(totals[.count] == 50)
        #expect(totals[.minimum] == quantities.min())
        #expect(totals[.maximum] == quantities.max())
        #expect(totals[.unique] == Int64(Set(quantities).count))
        #expect(totals[.latest] == lastPlace.map { quantities[$0] })
        await store.close()
    }

    @Test("a late fact of a closed period counts now, as a correction", arguments: Engine.available)
    func late(_ engine: Engine) async throws {
        let store = try await opened(engine)
        let now = clock.wall.now()
        try await store.write { tx throws(Problem) in
            try UsageMeter.close(
                "agr-1", through: Instant(microseconds: now.microseconds - 1_000_000), in: tx)
        }
        let seconds = now.seconds
        #expect(try await record(Self.event("1", at: seconds - 500), in: store) == [.countedLate])
        #expect(try await record(Self.event("2", at: seconds), in: store) == [.counted])
        let window = try await store.read { tx throws(Problem) in
            try UsageMeter.total(
                of: "sum", subject: "agr-1", after: Instant(microseconds: now.microseconds - 1_000_000),
                through: Instant(microseconds: now.microseconds), in: tx)
        }
        #expect(window?.events == 2)
        #expect(window?.hasCorrections == true)
        await store.close()
    }

    @Test("CloudEvents are read alone and in a batch, and a malformed one is named by its place")
    func cloudEvents() throws {
        let one: JSON = [
            "specversion": "1.0", "id": "a", "source": "/s", "type": "sum", "subject": "agr-1",
            "time": "2026-11-21T03:44:04.5Z", "data": ["n": 3], "datacontenttype": "application/json",
        ]
        #expect(
            try UsageEvent.events(cloudEvents: one).map(\.time) == [
                Instant(microseconds: 1_795_232_644_500_000)
            ])
        #expect(try UsageEvent.events(cloudEvents: [one, one]).count == 2)
        for attribute in ["specversion", "id", "source", "type", "subject"] {
            var members = try #require(one.object)
            members[attribute] = nil
            let problem = #expect(throws: Problem.self) {
                try UsageEvent.events(cloudEvents: [one, .object(members)])
            }
            #expect(problem?.arguments == ["place": .integer(2), "attribute": .text(attribute)])
        }
    }

    @Test("no bytes of a stranger break the event reader")
    func fuzz() {
        var random = SeededRandom(seed: 11)
        let seed = Array(
            #"[{"specversion":"1.0","id":"a","source":"/s","type":"sum","subject":"x","time":"2026-11-21T03:44:04Z","data":{"n":3}}]"#
                .utf8)
        let rounds = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? 20_000 : 2_000_000
        var read = 0
        for _ in 0..<rounds {
            var bytes = seed
            for _ in 0...(random.next() % 4) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            guard let json = try? JSON(parsing: bytes) else { continue }
            if let events = try? UsageEvent.events(cloudEvents: json) { read += events.count }
        }
        #expect(read > 0)
    }
}

@Suite("Grants")
struct GrantTests {
    let clock = ManualClock()

    static func id<Noun>(_ number: UInt64) -> ID<Noun> { ID(high: 9, low: number) }

    func granted(_ engine: Engine, _ uses: Int64) async throws -> PlacedStore {
        let store = try Place(engine).open(clock: clock)
        try await store.migrate(MeteringSchema.migrations)
        let now = clock.wall.now()
        try await store.write { tx throws(Problem) in
            try Grants.issue(
                UsageGrant(
                    id: Self.id(1), holder: Self.id(2) as ID<Int>, asset: Self.id(3) as ID<Int>,
                    purpose: "research",
                    granted: uses, startsAt: now,
                    endsAt: Instant(microseconds: now.microseconds + 100_000_000)),
                in: tx)
        }
        return store
    }

    func refusal(_ body: () async throws -> Void) async -> String? {
        do { try await body() } catch { return (error as? Problem)?.code }
        return nil
    }

    func consume(_ passage: UInt64, in store: PlacedStore) async throws {
        try await store.write { tx throws(Problem) in
            try Grants.consume(Self.id(passage), of: Self.id(1), in: tx)
        }
    }

    @Test(
        "S95: a pool's remaining quota is exact after concurrent use, and use beyond it cannot happen",
        arguments: Engine.available)
    func concurrent(_ engine: Engine) async throws {
        let store = try await granted(engine, 70)
        let outcomes = await withTaskGroup(of: String.self) { group in
            for passage in 0..<200 as Range<UInt64> {
                group.addTask {
                    await refusal { try await consume(100 + passage, in: store) } ?? "used"
                }
            }
            return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(outcomes == ["used": 70, "metering.grant-exhausted": 130])
        let left = try await store.read { tx throws(Problem) in
            try Grants.grant(Self.id(1), in: tx)?.remaining
        }
        #expect(left == 0)
        await store.close()
    }

    @Test("the same passage uses its grant once, however often it is asked", arguments: Engine.available)
    func idempotent(_ engine: Engine) async throws {
        let store = try await granted(engine, 2)
        for _ in 0..<5 { try await consume(7, in: store) }
        let left = try await store.read { tx throws(Problem) in
            try Grants.grant(Self.id(1), in: tx)?.remaining
        }
        #expect(left == 1)
        await store.close()
    }

    @Test(
        "a reservation comes back by the clock and cannot be consumed afterwards", arguments: Engine.available
    )
    func expiry(_ engine: Engine) async throws {
        let store = try await granted(engine, 1)
        try await store.write { tx throws(Problem) in
            try Grants.reserve(Self.id(7), of: Self.id(1), forSeconds: 10, in: tx)
        }
        #expect(await refusal { try await consume(8, in: store) } == "metering.grant-exhausted")
        clock.move(by: 10_000_000)
        let late = await refusal {
            try await store.write { tx throws(Problem) in try Grants.consume(Self.id(7), in: tx) }
        }
        #expect(late == "metering.reservation-over")
        try await consume(9, in: store)
        await store.close()
    }

    @Test(
        "a revoked or ended grant is refused, also for what was reserved before", arguments: Engine.available)
    func revoked(_ engine: Engine) async throws {
        let store = try await granted(engine, 5)
        try await store.write { tx throws(Problem) in
            try Grants.reserve(Self.id(7), of: Self.id(1), forSeconds: 1000, in: tx)
            try Grants.revoke(Self.id(1), in: tx)
        }
        #expect(await refusal { try await consume(8, in: store) } == "metering.grant-revoked")
        let held = await refusal {
            try await store.write { tx throws(Problem) in try Grants.consume(Self.id(7), in: tx) }
        }
        #expect(held == "metering.reservation-over")
        await store.close()
    }

    @Test("a grant ends at its hour", arguments: Engine.available)
    func ended(_ engine: Engine) async throws {
        let store = try await granted(engine, 5)
        clock.move(by: 100_000_000)
        #expect(await refusal { try await consume(8, in: store) } == "metering.grant-ended")
        await store.close()
    }
}
