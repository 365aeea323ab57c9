// SPDX-License-Identifier: Apache-2.0

import Collect
import Foundation
import Primitives
import Store
import StoreSQLite
import Synchronization
import Tables
import TablesDuckDB
import Testing
import Transparency
import Yams

/// A node's intake over a fresh database, with a clock that goes on a second each time it is read.
final class IntakeBench: Sendable {
    let folder: TemporaryFolder
    let store: SQLiteStore
    let register: SourceRegister
    let intake: Intake
    let engine: any TableEngine
    let ticks = TickingClock()

    init() async throws {
        folder = try TemporaryFolder()
        let clock = WallClock { [ticks] in ticks.next() }
        store = try SQLiteStore.open(at: folder.path("node.db"), clock: clock)
        try await store.migrate(TransparencySchema.migrations + CollectSchema.migrations)
        let log = TransparencyLog(pseudonyms: Pseudonyms(secret: Redacted(Array(0..<32))))
        register = SourceRegister(log: log)
        engine = try DuckDBEngineFactory().open(EngineLimits())
        intake = Intake(store: store, log: log, engine: engine, folder: folder.root, clock: clock)
    }

    func enter(_ declaration: SourceDeclaration = .sample()) async throws -> CollectionSource {
        let register = register
        return try await store.write { writing throws(Problem) in
            try register.enter(declaration, as: ID(at: writing.now), in: writing)
        }
    }

    func deliveries(of source: CollectionSource) async throws -> [Delivery] {
        try await store.read { reading throws(Problem) in
            try SourceRegister.deliveries(of: source.id, in: reading)
        }
    }

    func leafKinds() async throws -> [String] {
        try await store.read { reading throws(Problem) in
            try TransparencyLog.leaves(from: 0, limit: 100, in: reading).map { $0.leaf.kind.rawValue }
        }
    }
}

final class TickingClock: Sendable {
    private let seconds = Mutex<Int64>(1_795_000_000)

    func skip(_ count: Int64) { seconds.withLock { $0 += count } }

    func next() -> Instant {
        seconds.withLock { seconds in
            seconds += 1
            return Instant(seconds: seconds)
        }
    }
}

extension SourceDeclaration {
    static func sample(until: Instant? = nil) -> SourceDeclaration {
        SourceDeclaration(
            name: LocalizedText(zh: "空气质量监测", en: "Air monitoring"), kind: .government,
            owner: "Environment bureau", collector: "Monitoring centre", method: .sensor,
            basis: LegalBasis(
                ground: .legalDuty, document: "Environmental Protection Law art. 17", until: until),
            useConditions: "attribution")
    }
}

func declaration(_ yaml: String) throws -> Declaration {
    Declaration(JSON(yaml: try Yams.load(yaml: yaml)))
}

extension JSON {
    init(yaml value: Any?) {
        switch value {
        case let text as String: self = .string(text)
        case let bool as Bool: self = .bool(bool)
        case let number as Int: self = .integer(Int64(number))
        case let number as Double: self = .number(number)
        case let list as [Any]: self = .array(list.map { JSON(yaml: $0) })
        case let members as [String: Any]: self = .object(members.mapValues { JSON(yaml: $0) })
        default: self = .null
        }
    }
}

@Suite("Intake")
struct IntakeTests {
    @Test(
        "S01: a source without collector, source, method or legal basis is refused, naming each missing part")
    func incompleteSource() async throws {
        let bench = try await IntakeBench()
        let problem = await #expect(throws: Problem.self) { _ = try await bench.enter(SourceDeclaration()) }
        #expect(problem?.code == "collect.source-incomplete")
        guard case .localized(let parts)? = problem?.arguments["parts"] else { return }
        for part in ["采集主体", "数据来源", "采集方式", "合法性依据"] { #expect(parts.zh.contains(part)) }
    }

    @Test(
        "S01: a delivery under an expired basis is refused, recorded and logged; every delivery is listed by source"
    )
    func expiredBasis() async throws {
        let bench = try await IntakeBench()
        let file = try bench.folder.write("air.csv", Array("city,pm25\nBeijing,12\n".utf8))
        let past = Instant(seconds: 1_794_000_000)
        await #expect(throws: Problem.self) { _ = try await bench.enter(.sample(until: past)) }
        let source = try await bench.enter(.sample(until: Instant(seconds: 1_795_000_050)))
        _ = try await bench.intake.receive(DeliveryOffer(source: source.id, files: [file]))
        let missing = DeliveryOffer(source: source.id, files: [bench.folder.path("missing.csv")])
        await #expect(throws: Problem.self) { _ = try await bench.intake.receive(missing) }
        bench.ticks.skip(60)
        let late = DeliveryOffer(source: source.id, files: [file])
        let problem = await #expect(throws: Problem.self) { _ = try await bench.intake.receive(late) }
        #expect(problem?.code == "collect.basis-expired")
        #expect(
            try await bench.deliveries(of: source).map(\.refusal) == [
                "collect.basis-expired", "tables.file-unreadable", nil,
            ])
        #expect(
            try await bench.leafKinds() == ["delivery-accepted", "delivery-rejected", "delivery-rejected"])
    }

    @Test("an accepted delivery is an immutable file named by its digest, with rows, profile and watermark")
    func accepted() async throws {
        let bench = try await IntakeBench()
        let source = try await bench.enter()
        let file = try bench.folder.write(
            "air.csv",
            Array("code,year,month,day,hour,pm25\n001,2017,2,28,22,8.5\n002,2017,2,28,23,NA\n".utf8))
        let delivery = try await bench.intake.receive(DeliveryOffer(source: source.id, files: [file]))
        let content = try #require(delivery.contentDigest)
        #expect(try FileSurvey(of: bench.intake.path(of: content)).digest == content)
        #expect(delivery.rowCount == 2)
        #expect(delivery.sequence == 1)
        #expect(delivery.eventTime?.rfc3339 == "2017-02-28T23:00:00Z")
        let codes = try await bench.engine.rows(
            "SELECT code FROM read_parquet('\(bench.intake.path(of: content))') ORDER BY 1")
        #expect(codes.rows == [[.text("001")], [.text("002")]])
    }

    @Test("the same files sent again are the same delivery; other files under a taken number are refused")
    func repeated() async throws {
        let bench = try await IntakeBench()
        let source = try await bench.enter()
        let first = try bench.folder.write("1.csv", Array("a\n1\n".utf8))
        let second = try bench.folder.write("2.csv", Array("a\n2\n".utf8))
        let delivery = try await bench.intake.receive(DeliveryOffer(source: source.id, files: [first]))
        #expect(
            try await bench.intake.receive(DeliveryOffer(source: source.id, files: [first])).id == delivery.id
        )
        #expect(
            try await bench.intake.receive(DeliveryOffer(source: source.id, files: [second])).sequence == 2)
        let taken = DeliveryOffer(source: source.id, files: [second], sequence: 1)
        let problem = await #expect(throws: Problem.self) { _ = try await bench.intake.receive(taken) }
        #expect(problem?.code == "collect.sequence-taken")
        #expect(try await bench.leafKinds().count == 2)
    }

    static let standard = """
        standard: air-hourly
        version: "1.2"
        minimumPercent: 25
        fields:
          - {name: station, type: text, mandatory: true, codes: [Dongsi, Tiantan]}
          - {name: code, type: text, pattern: "[0-9]{3}", unique: true}
          - {name: pm25, type: "decimal(6,1)", min: "0", max: "1000", unit: µg/m³}
          - {name: day, type: day, format: "%Y/%m/%d"}
        """

    @Test(
        "S02: a file is checked row by row; each violating row is listed with its rules, the same each time")
    func standardCheck() async throws {
        let bench = try await IntakeBench()
        let standard = try CollectionStandard(declaration(Self.standard))
        let source = try await bench.enter()
        let rows = """
            station,code,pm25,day,extra
            Dongsi,001,12.5,2017/02/28,x
            Elsewhere,002,3,2017/02/28,x
            ,003,-4,2017/02/28,x
            Tiantan,4,1.25,28.2.2017,x
            Tiantan,005,,2017/03/01,x
            Tiantan,005,7,2017/03/01,x
            Tiantan,006,999.9,2017/03/01,x
            """
        let file = try bench.folder.write("air.csv", Array(rows.utf8))
        let offer = DeliveryOffer(source: source.id, files: [file], standard: standard)
        let prepared = try await bench.intake.prepare(offer)
        let report = try #require(prepared.conformity)
        #expect(report.violations.map(\.row) == [2, 3, 4, 5, 6])
        #expect(
            report.violations.map(\.rules) == [
                ["station.codes"], ["station.mandatory", "pm25.range"],
                ["code.pattern", "pm25.type", "day.type"],
                ["code.unique"], ["code.unique"],
            ])
        #expect(report.conformingCount == 2)
        #expect(report.unknownFields == ["extra"])
        #expect(prepared.profile.rowCount == 2)
        #expect(prepared.columns.map(\.type) == [.text, .text, .decimal(width: 6, scale: 1), .day, .text])
        #expect(try await bench.intake.prepare(offer).conformity == report)
        let quarantined = try FileManager.default.contentsOfDirectory(atPath: bench.folder.root)
            .filter { $0.hasSuffix("quarantine.parquet") }
        #expect(quarantined.count == 2)
    }

    @Test("S02: a file under the standard's threshold is refused whole")
    func lowConformity() async throws {
        let bench = try await IntakeBench()
        let standard = try CollectionStandard(declaration(Self.standard))
        let source = try await bench.enter()
        let file = try bench.folder.write(
            "air.csv",
            Array(
                "station,code,pm25,day\nX,1,2,3\nY,2,3,4\nZ,3,4,5\nW,4,5,6\nTiantan,001,1,2017/03/01\n".utf8))
        let offer = DeliveryOffer(source: source.id, files: [file], standard: standard)
        let problem = await #expect(throws: Problem.self) { _ = try await bench.intake.receive(offer) }
        #expect(problem?.code == "collect.conformity-low")
    }
}
