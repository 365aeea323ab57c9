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
            "incubator", "first-stores", "inbound-tourism", "experience-bases", "rail-parks", "patents",
            "directories", "exclusion-lists", "city-index", "plan-ledger", "service-bodies", "calendar",
            "data-classification",
        ])
    func examplesHold(_ name: String) throws {
        let pack = try pack(name)
        for outcome in pack.runExamples() { #expect(outcome.differences.isEmpty, "\(outcome.id)") }
        #expect(pack.scenario?.play(in: pack) ?? [] == [], "\(name)")
        for book in pack.rules {
            // The answer names the document and, clause by clause, the article.
            let tree = book.decide([:]).json(in: .zh)["tree"]?.array ?? []
            #expect(
                tree.count == book.clauses.count && tree.allSatisfy { $0["article"]?.text?.isEmpty == false })
        }
    }

    @Test("the four programs with money or titles tell their story from files, and play it to the end")
    func scenarios() throws {
        for name in ["incubator", "first-stores", "inbound-tourism", "experience-bases", "rail-parks"] {
            #expect(try pack(name).scenario != nil, "\(name)")
        }
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
        let declared = files.filter { !$0.path.hasPrefix(".") }
        let pack = try Pack(files: Dictionary(uniqueKeysWithValues: declared.map { ($0.path, $0.text) }))
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
        for list in lists where list.schema.id != "approved-uses" {
            #expect(list.schema.isExample && !list.entries.isEmpty, "\(list.schema.id)")
        }
    }

    @Test("a credit code's last character must fit the others")
    func creditCode() throws {
        #expect(CreditCode("91350100M000100Y43") != nil)  // GB 32100-2015, annex
        #expect(CreditCode("91350100M000100Y44") == nil)
        #expect(CreditCode("9135010OM000100Y43") == nil)
    }

    @Test("a letter or an entry that names what nothing fills in is refused with its line")
    func refusesUnknownBraces() throws {
        var files = try PackFiles.of("incubator")
        files["cases/evaluation.yaml"] = files["cases/evaluation.yaml"]?.replacing(
            "certificate: \"{certificate}\"", with: "certificate: \"{certifcate}\"")
        do {
            _ = try Pack(files: files)
            Issue.record("was accepted")
        } catch {
            #expect(error.faults.first?.file == "cases/evaluation.yaml")
            #expect(error.faults.first?.line == 19)
            #expect(error.faults.first?.remedy.en.contains("{certificate}") == true)
        }
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
        // A change of one input shows its effect: x rises to the middle of a.
        let changed = try index.compute(try #require(table.changing("x", "a", to: 5)))
        #expect(changed.scores["all"] == [25, 0, 100])
        #expect(table.changing("nowhere", "a", to: 5) == nil)
    }

    @Test("S144: the five dimensions of the source have indicators with unit, direction, weight and source")
    func dimensions() throws {
        let index = try #require(try PackTests().pack("city-index").indices.first { $0.id == "benchmark" })
        #expect(index.groups.count { $0.parent == "index" } == 5)
        #expect(index.indicators.allSatisfy { !$0.unit.isEmpty && !$0.source.isEmpty })
        #expect(index.indicators.contains { $0.isCost })
        for group in index.groups {
            let sum = index.weights(in: group.id).reduce(0) { $0 + $1.weight }
            #expect(abs(sum - 1) < 1e-12)
        }
    }

    @Test("S145: cities over years are ranked within their year, with the gap to the best and the change")
    func comparison() throws {
        let index = try index(
            """
            id: i
            title: i
            source: s
            indicators:
              - {id: a, parent: all, source: s, title: a}
            groups:
              - {id: all, title: all}
            """)
        let table = FigureTable(csv: [
            ["city", "year", "a"], ["x", "2024", "0"], ["y", "2024", "6"], ["x", "2025", "10"],
            ["y", "2025", "8"],
        ])
        let result = try index.compute(table)
        #expect(result.ranks == [2, 1, 1, 2])
        let lines = IndexComparison(result, of: index).lines
        #expect(lines.map(\.unit) == ["y", "x", "x", "y"])
        let last = try #require(lines.last?.standings["all"])
        #expect(last.rank == 2 && abs(last.gap - 20) < 1e-9 && abs((last.change ?? 0) - 20) < 1e-9)
        #expect(lines.first?.standings["all"]?.change == nil)
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
