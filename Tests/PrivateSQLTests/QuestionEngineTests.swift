// SPDX-License-Identifier: Apache-2.0

import Compute
import Foundation
import Primitives
import Synchronization
import Tables
import TablesDuckDB
import Testing

@Suite("Engines for questions")
struct QuestionEngineTests {
    /// DuckDB's engines, counted as they open.
    private final class CountedFactory: TableEngineFactory {
        let opened = Mutex<[String]>([])
        private let inner = DuckDBEngineFactory()

        func open(_ limits: EngineLimits) throws(Problem) -> any TableEngine {
            opened.withLock { $0.append("parser") }
            return try inner.open(limits)
        }

        func openSealed(
            _ tables: [String: TableSource], _ limits: EngineLimits
        ) async throws(Problem) -> any TableEngine {
            opened.withLock { $0 += tables.keys.sorted() }
            return try await inner.openSealed(tables, limits)
        }
    }

    private func withFiles(
        _ count: Int, _ body: ([String]) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-engines-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        var paths: [String] = []
        for number in 0..<count {
            let path = folder.appending(path: "\(number).parquet").path(percentEncoded: false)
            _ = try await engine.writeParquet(TableQuery("SELECT \(number) AS n"), to: path)
            paths.append(path)
        }
        try await body(paths)
    }

    private func number(_ path: String, _ engines: QuestionEngines, as table: String = "t") async throws
        -> TableValue?
    {
        try await engines.run(over: path, as: table) { engine throws(Problem) in
            try await engine.rows("SELECT n FROM \(table)").rows.first?.first
        }
    }

    @Test("a version's engine is opened once, however many ask, and each answer is of its own version")
    func openedOnce() async throws {
        try await withFiles(3) { paths in
            let factory = CountedFactory()
            let engines = QuestionEngines(factory)
            for _ in 0..<4 {
                for (place, path) in paths.enumerated() {
                    let told = try await number(path, engines)
                    #expect(told == .integer(Int128(place)))
                }
            }
            #expect(factory.opened.withLock(\.count) == 3)
        }
    }

    @Test(
        "of more versions than are kept the longest unused gives way, and is opened again when it is asked about"
    )
    func givesWay() async throws {
        try await withFiles(6) { paths in
            let factory = CountedFactory()
            let engines = QuestionEngines(factory)
            for (place, path) in paths.enumerated() { _ = try await number(path, engines, as: "t\(place)") }
            _ = try await number(paths[5], engines, as: "t5")
            let told = try await number(paths[0], engines, as: "t0")
            #expect(told == .integer(0))
            #expect(factory.opened.withLock { $0 } == ["t0", "t1", "t2", "t3", "t4", "t5", "t0"])
        }
    }

    @Test("what is asked in a kept engine reaches no other file and changes nothing for who asks next")
    func sealed() async throws {
        try await withFiles(2) { paths in
            let engines = QuestionEngines(DuckDBEngineFactory())
            for statement in [
                "SELECT * FROM read_parquet('\(paths[1])')", "COPY t TO '\(paths[0]).copy'",
                "SET threads = 9",
                "ATTACH '\(paths[1])' AS other",
            ] {
                await #expect(throws: Problem.self, "\(statement)") {
                    try await engines.run(over: paths[0], as: "t") { engine throws(Problem) in
                        try await engine.execute(statement)
                    }
                }
            }
            let told = try await number(paths[0], engines)
            #expect(told == .integer(0))
        }
    }

    @Test(
        "a hundred who come at once all get their turn, no more than the places at a time, also when some fail"
    )
    func turns() async throws {
        let turnstile = Turnstile(places: 3)
        let inside = Visitors()
        let done = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                group.addTask { await inside.visit(number, turnstile) }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(done == 85)
        #expect(inside.counts.withLock { $0.now == 0 && $0.most <= 3 })
    }

    /// Who is inside, and how many were at once at most.
    private final class Visitors: Sendable {
        let counts = Mutex((now: 0, most: 0))

        /// Every seventh fails inside.
        func visit(_ number: Int, _ turnstile: Turnstile) async -> Bool {
            do throws(Problem) {
                return try await turnstile.pass { () async throws(Problem) in
                    counts.withLock { ($0.now, $0.most) = ($0.now + 1, max($0.most, $0.now + 1)) }
                    await Task.yield()
                    counts.withLock { $0.now -= 1 }
                    guard number % 7 != 0 else { throw Problem(.fault, "tables.query-refused") }
                    return true
                }
            } catch {
                return false
            }
        }
    }
}
