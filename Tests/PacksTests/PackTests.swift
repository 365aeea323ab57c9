// SPDX-License-Identifier: Apache-2.0

import Casework
import Foundation
import Lists
import Measure
import Packs
import Primitives
import Rules
import Testing

@Suite("The packs of the house")
struct PackTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Packs")

    func pack(_ name: String) throws -> Pack {
        let folder = Self.root.appendingPathComponent(name).standardizedFileURL
        let walk = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var files: [String: String] = [:]
        for case let file as URL in walk where file.pathExtension == "yaml" {
            let path = file.standardizedFileURL.path.dropFirst(folder.path.count + 1)
            files[String(path)] = try String(contentsOf: file, encoding: .utf8)
        }
        return try Pack(files: files)
    }

    @Test(
        "S219: a programme runs from its files alone, and every one of its own examples holds",
        arguments: [
            "incubator", "first-stores", "inbound-tourism", "experience-bases", "rail-parks", "directories",
            "exclusion-lists", "city-index", "plan-ledger",
        ])
    func examplesHold(_ name: String) throws {
        for outcome in try pack(name).runExamples() { #expect(outcome.differences.isEmpty, "\(outcome.id)") }
    }

    @Test("S220: the incubator rule covers the vectors INC-T1 to INC-T8, T11 and T12")
    func incubatorVectors() throws {
        let ids = Set(try pack("incubator").examples.map { String($0.id.prefix { !"abc".contains($0) }) })
        #expect(ids == Set([1, 2, 3, 4, 5, 6, 7, 8, 11, 12].map { "INC-T\($0)" }))  // T9, T10: CaseworkTests.
    }

    @Test("S222, S223: the first-store rules cover FST-T1 to FST-T17")
    func storeVectors() throws {
        let ids = Set(try pack("first-stores").examples.map { String($0.id.prefix { !"abc".contains($0) }) })
        #expect(ids == Set((1...17).map { "FST-T\($0)" }))
    }

    @Test("S224: the tourism rules cover INB-T1 to INB-T9")
    func tourismVectors() throws {
        let ids = Set(
            try pack("inbound-tourism").examples.map { String($0.id.prefix { !"abcd".contains($0) }) })
        #expect(ids == Set((1...9).map { "INB-T\($0)" }))
    }

    @Test("a decision cites its article, shows its defaults, and says what would turn a refusal")
    func explains() throws {
        let book = try #require(try pack("incubator").rules.first)
        let decision = book.decide(["mentorServices": 49])
        #expect(decision.verdict == .false)
        let finding = try #require(decision.findings.first { $0.clause.id == "INC-07" })
        #expect(finding.changes.first?.text(in: .en) == "mentorServices is 49, needs >= 50")
        let json = decision.json(in: .zh)
        #expect(json["defaults"]?["staffMax"] != nil)
        #expect(json["tree"]?.array?.count == book.clauses.count)
    }

    @Test("a broken pack is refused with file, line, and what to write instead")
    func refusesBroken() throws {
        let files = [
            "pack.yaml": "id: x\nversion: 2020-01-01\ntitle: x\n",
            "rules/a.yaml":
                "id: a\ntitle: a\ndocument: d\nclauses:\n  - id: A\n    article: '1'\n    kind: condtion\n    text: t\n    when: a >= 1\n",
            "rules/b.yaml":
                "id: b\ntitle: b\ndocument: d\nclauses:\n  - id: B\n    article: '1'\n    kind: condition\n    text: t\n    when: a >= \n",
        ]
        do {
            _ = try Pack(files: files)
            Issue.record("was accepted")
        } catch {
            #expect(error.faults.map(\.file) == ["rules/a.yaml", "rules/b.yaml"])
            #expect(error.faults.map(\.line) == [7, 9])
            #expect(error.faults[0].remedy.en.contains("condition"))
        }
    }

    @Test("a new pack passes its own tests")
    func templatePasses() throws {
        let files = PackTemplate.files(id: "n", version: try #require(CalendarDay("2026-11-21")))
        let pack = try Pack(files: Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0.text) }))
        #expect(pack.runExamples().allSatisfy { $0.differences.isEmpty })
        #expect(pack.examples.count == 2)
    }

    @Test(
        "S154: all 36 targets are loaded; 15 % a year from the 2019 base does not reach 4.6, and 15.19 % does"
    )
    func planTargets() throws {
        let plan = try #require(try pack("plan-ledger").plans.first)
        #expect(plan.targets.map(\.id) == (1...36).map { "T" + Decimal10.padded($0, 2) })
        #expect(plan.tasks.count == 24)
        let income = try #require(plan.targets.first)
        #expect(income.neededGrowthPercent?.description == "15.19")
        #expect(income.light(on: try #require(CalendarDay("2022-06-01"))) == .unknown)
        #expect(plan.targets.filter { ["T06", "T07"].contains($0.id) }.allSatisfy { $0.note != nil })
    }

    @Test("S124, S65: the lists of trade and of use are four different lists, and say they are examples")
    func listsApart() throws {
        let lists = try pack("exclusion-lists").lists
        let four: Set = ["trade-negative", "trade-prudent", "use-prohibited", "use-prudent"]
        #expect(four.isSubset(of: Set(lists.map(\.schema.id))))
        #expect(lists.allSatisfy { $0.schema.isExample && !$0.entries.isEmpty })
    }

    @Test("S155: an enterprise needs a credit code whose check character fits")
    func creditCode() throws {
        #expect(CreditCode("91350100M000100Y43") != nil)  // GB 32100-2015, annex
        #expect(CreditCode("91350100M000100Y44") == nil)
        #expect(CreditCode("9135010OM000100Y43") == nil)
    }

    @Test("S235: a park goes in, under guidance, back, and out as its procedure says")
    func parkProcedure() throws {
        let procedure = try #require(try pack("rail-parks").procedures.first)
        #expect(Set(procedure.steps(from: "guided").map(\.to)) == ["supported", "removed"])
        #expect(procedure.states.filter { !$0.isFinal }.allSatisfy { $0.deadline != nil })
    }
}

@Suite("An index")
struct IndexTests {
    func index(_ yaml: String) throws -> CompositeIndicator {
        let pack = try Pack(files: [
            "pack.yaml": "id: x\nversion: 2020-01-01\ntitle: x\n", "indicators/i.yaml": yaml,
        ])
        return try #require(pack.indices.first)
    }

    @Test("S144: weights sum to one, a missing value follows the stated rule, less can be better")
    func arithmetic() throws {
        let index = try index(
            """
            id: i
            title: i
            source: s
            indicators:
              - {id: a, parent: all, weight: 3, source: s, title: a}
              - {id: b, parent: all, weight: 1, cost: true, source: s, title: b}
            groups:
              - {id: all, title: all}
            """)
        #expect(index.weights(in: "all").reduce(0) { $0 + $1.weight } == 1)
        let table = FigureTable(units: ["x", "y", "z"], columns: ["a": [0, 5, 10], "b": [1, 3, nil]])
        let result = try index.compute(table)
        #expect(result.scores["all"] == [25, 37.5, 100])
        #expect(result.ranks == [3, 2, 1])
    }

    @Test("S145: running again gives the same, and changed weights give a range of ranks around the rank")
    func sensitivity() throws {
        let pack = try PackTests().pack("city-index")
        let index = try #require(pack.indices.first { $0.id == "benchmark" })
        #expect(index.hasDefaultWeights)
        var random = SeededRandom(seed: 5)
        let columns = Dictionary(
            uniqueKeysWithValues: index.indicators.map { indicator in
                (indicator.id, (0..<12).map { _ in Double.random(in: 0...100, using: &random) as Double? })
            })
        let table = FigureTable(units: (0..<12).map { "city \($0)" }, columns: columns)
        let (first, second) = (try index.compute(table), try index.compute(table))
        #expect(first.scores == second.scores && first.rankRanges == second.rankRanges)
        #expect(
            zip(first.ranks, first.rankRanges).allSatisfy { rank, range in
                rank.map { range?.contains($0) ?? false } ?? true
            })
    }

    @Test("reproduces a published human development value from its four figures")
    func humanDevelopment() throws {
        let index = try #require(try PackTests().pack("city-index").indices.first { $0.id == "hdi" })
        // UNDP 2023-24, Switzerland 2022: 84.3 years, 16.6, 13.9, 69 433 dollars → 0.967.
        let table = FigureTable(
            units: ["CHE"], columns: ["le": [84.255], "eys": [16.554], "mys": [13.948], "gnipc": [69432.8]])
        let value = try #require(try index.compute(table, sensitivityRuns: 0).scores["hdi"]?.first ?? nil)
        #expect((value * 1000).rounded() == 967)
    }
}
