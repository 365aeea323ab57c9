// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Foundation
import Lists
import Measure
import Packs
import Primitives

struct IndexVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "Composite indices: compute, publish, show. 综合指数。",
        subcommands: [IndexComputeVerb.self, IndexPublishVerb.self, IndexShowVerb.self])
}

struct IndexComputeVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "compute", abstract: "Compute an index from a table of figures. 计算综合指数。",
        discussion: """
            The table's first column names the unit, every other column is an indicator; a column year sets several years
            side by side, and units are ranked within their year. --set shows what one changed cell does.
              hutong index compute Packs/city-index/indicators/benchmark.yaml --data Packs/city-index/samples/cities.csv
              hutong index compute SPEC.yaml --data figures.csv --set "Alpha.tradeVolume=12"
            """)
    @Argument(help: "The index's declaration.") var spec: String
    @Option(help: "A CSV: first column the unit, one column an indicator.") var data: String
    @Option(help: "UNIT.COLUMN=NUMBER: compute with this cell changed, and print what that does.")
    var set: String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        guard let index = try IndexFile.read(spec, console) else { throw ExitCode(1) }
        let csv = String(decoding: try Files.bytes(data), as: UTF8.self)
        let table = FigureTable(csv: ListText.rows(of: csv))
        let result = try index.compute(table)
        if let set {
            let changed = try index.compute(try table.applying(set))
            return console.answer(
                IndexText.effect(result, changed, of: index),
                text: IndexText.effectLines(result, changed, of: index).joined(separator: "\n"))
        }
        console.answer(
            IndexText.json(result, of: index),
            text: IndexText.lines(result, of: index).joined(separator: "\n"))
    }
}

/// One command makes the yearly report: the figures are frozen, the page and its charts follow from them.
struct IndexPublishVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Freeze figures at the node and publish the report. 发布年度报告。",
        discussion: """
            A published version never changes. Other figures for the same period are a correction: a new version, and
            --note says what it corrects. The report with tables and charts is at /measure/INDEX/PERIOD, in zh and en.
              hutong index publish benchmark --period 2025 --data figures.csv
            """)
    @Argument(help: "The index's id, as an installed pack declares it.") var index: String
    @Option(help: "What the report is of, such as a year.") var period: String
    @Option(help: "A CSV: first column the unit, one column an indicator.") var data: String
    @Option(help: "What a correction corrects.") var note: String = ""
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let figures = String(decoding: try Files.bytes(data), as: UTF8.self)
        let answer = try await door.open().post(
            "/api/v1/indices/\(index.escaped)/\(period.escaped)",
            ["figures": .string(figures), "note": .string(note)])
        console.answer(
            answer,
            text: "/measure/\(index)/\(period)?version=\(answer["version"]?.integer ?? 1)  "
                + "sha256:\(answer["digest"]?.text ?? "")")
    }
}

struct IndexShowVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "A published index. 查看已发布的指数。",
        discussion: "  hutong index show benchmark 2025 --version 1")
    @Argument(help: "The index's id.") var index: String
    @Argument(help: "The period.") var period: String
    @Option(help: "A version; the newest without it.") var version: Int?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let query = version.map { "?version=\($0)" } ?? ""
        let answer = try await door.open().get(
            "/api/v1/indices/\(index.escaped)/\(period.escaped)\(query)")
        let lines = (answer["lines"]?.array ?? []).map { line in
            [line["year"]?.text ?? "", line["unit"]?.text ?? ""].filter { !$0.isEmpty }
                .joined(separator: "  ")
        }
        console.answer(
            answer,
            text: ([
                "\(answer["title"]?.text ?? "") \(period) v\(answer["version"]?.integer ?? 0)  "
                    + "sha256:\(answer["digest"]?.text ?? "")"
            ] + lines).joined(separator: "\n"))
    }
}

/// An index that stands in a file alone.
enum IndexFile {
    /// Prints the faults and answers `nil` where the file is not one.
    static func read(_ path: String, _ console: Console) throws -> CompositeIndicator? {
        let text = String(decoding: try Files.bytes(path), as: UTF8.self)
        let head = "id: one\nversion: 2020-01-01\ntitle: one\n"
        do throws(PackFaults) {
            let pack = try Pack(files: ["pack.yaml": head, "indicators/" + path: text])
            return pack.indices.first
        } catch {
            console.answer(
                .array(error.faults.map { $0.json(in: console.language) }),
                text: error.text(in: console.language))
            return nil
        }
    }
}

extension FigureTable {
    /// The table with `UNIT.COLUMN=NUMBER` changed.
    fileprivate func applying(_ change: String) throws(Problem) -> FigureTable {
        let parts = change.split(separator: "=", maxSplits: 1).map(String.init)
        let cell = parts.first ?? change
        let dot = cell.lastIndex(of: ".")
        let unit = dot.map { String(cell[..<$0]) } ?? cell
        let column = dot.map { String(cell[cell.index(after: $0)...]) } ?? ""
        guard parts.count == 2, let changed = changing(unit, column, to: Double(parts[1])) else {
            throw Problem(.invalid, "measure.cell-missing", ["cell": .text(cell)])
        }
        return changed
    }
}

/// An index as lines and as JSON.
enum IndexText {
    static func json(_ result: IndexResult, of index: CompositeIndicator) -> JSON {
        .array(
            order(result).map { unit in
                [
                    "unit": .string(result.units[unit]), "year": .string(result.years[unit]),
                    "rank": result.ranks[unit].map { .integer(Int64($0)) } ?? .null,
                    "rankLow": result.rankRanges[unit].map { .integer(Int64($0.lowerBound)) } ?? .null,
                    "rankHigh": result.rankRanges[unit].map { .integer(Int64($0.upperBound)) } ?? .null,
                    "scores": .object(result.scores.mapValues { $0[unit].map { .number($0) } ?? .null }),
                ]
            })
    }

    static func lines(_ result: IndexResult, of index: CompositeIndicator) -> [String] {
        order(result).map { unit in
            let range = result.rankRanges[unit].map { "\($0.lowerBound)–\($0.upperBound)" } ?? ""
            return [
                result.years[unit], result.ranks[unit].map { "\($0)" } ?? "–", result.units[unit],
                score(result, index, unit), range,
            ].filter { !$0.isEmpty }.joined(separator: "\t")
        }
    }

    /// Every unit whose score or rank the change moves.
    static func effect(_ old: IndexResult, _ new: IndexResult, of index: CompositeIndicator) -> JSON {
        let root = index.groups.last?.id ?? ""
        func value(_ result: IndexResult, _ unit: Int) -> JSON {
            [
                "score": (result.scores[root]?[unit]).flatMap(\.self).map { .number($0) } ?? .null,
                "rank": result.ranks[unit].map { .integer(Int64($0)) } ?? .null,
            ]
        }
        return .array(
            moved(old, new, root).map { unit in
                [
                    "unit": .string(old.units[unit]), "year": .string(old.years[unit]),
                    "before": value(old, unit), "after": value(new, unit),
                ]
            })
    }

    static func effectLines(_ old: IndexResult, _ new: IndexResult, of index: CompositeIndicator) -> [String]
    {
        moved(old, new, index.groups.last?.id ?? "").map { unit in
            func part(_ result: IndexResult) -> String {
                score(result, index, unit) + " #" + (result.ranks[unit].map { "\($0)" } ?? "–")
            }
            return [old.years[unit], old.units[unit], part(old) + " → " + part(new)]
                .filter { !$0.isEmpty }.joined(separator: "\t")
        }
    }

    private static func moved(_ old: IndexResult, _ new: IndexResult, _ root: String) -> [Int] {
        order(old).filter {
            old.scores[root]?[$0] != new.scores[root]?[$0] || old.ranks[$0] != new.ranks[$0]
        }
    }

    private static func order(_ result: IndexResult) -> [Int] {
        result.units.indices.sorted {
            (result.years[$0], result.ranks[$0] ?? .max, $0) < (
                result.years[$1], result.ranks[$1] ?? .max, $1
            )
        }
    }

    private static func score(_ result: IndexResult, _ index: CompositeIndicator, _ unit: Int) -> String {
        (result.scores[index.groups.last?.id ?? ""]?[unit]).flatMap(\.self)
            .map { String(format: "%.3f", $0) } ?? "–"
    }
}

// MARK: Plans

struct PlanVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "The plan ledger: lights and dispatch rounds. 计划台账。",
        subcommands: [PlanStatusVerb.self, PlanRoundVerb.self])
}

struct PlanStatusVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Targets and tasks with their lights. 目标与任务进展。",
        discussion: """
            Reads a pack's folder, or without one the plans installed at the node.
              hutong plan status Packs/plan-ledger --as-of 2022-06-01
            """)
    @Argument(help: "A pack's folder; without it, the node's plans.") var pack: String?
    @Option(help: "As of this day.") var asOf: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let day = try GivenDay.read(asOf) ?? WallClock.system.now().day(in: .shanghai)
        let plans: [JSON]
        if let pack {
            plans = try PackFolder.open(pack).plans.map { $0.json(on: day, in: console.language) }
        } else {
            plans = try await door.open().get("/api/v1/plans?asOf=\(day)")["plans"]?.array ?? []
        }
        console.answer(
            .array(plans), text: plans.flatMap { Self.lines($0, console) }.joined(separator: "\n"))
    }

    private static func lines(_ plan: JSON, _ console: Console) -> [String] {
        func light(_ row: JSON) -> String {
            row["state"]?.text.flatMap { PlanLight(rawValue: $0) }?.name[console.language] ?? ""
        }
        let targets = (plan["targets"]?.array ?? []).map { target in
            let growth =
                target["neededGrowthPercent"]?.text.map {
                    console.say(LocalizedText(zh: "（还需年均增长 \($0)%）", en: " (+\($0) % a year needed)"))
                } ?? ""
            return "  \(target["id"]?.text ?? "")\t\(light(target))\t\(target["title"]?.text ?? "")\(growth)"
        }
        let tasks = (plan["tasks"]?.array ?? []).map { task in
            "  \(task["id"]?.text ?? "")\t\(light(task))\t\(task["title"]?.text ?? "")"
                + (task["due"]?.text.map { "  \($0)" } ?? "")
        }
        return ["\(plan["title"]?.text ?? "") · \(plan["day"]?.text ?? "")"] + targets + tasks
    }
}

/// A dispatch round (调度): who was asked, who is silent, and what was reported.
struct PlanRoundVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "round", abstract: "A round of reports: who is silent, and the summary. 调度与汇总。",
        discussion: """
            Rounds are entries of the list report-rounds; leads report into progress-reports and are reminded when a round
            opens, three days before it is due, and when it is overdue.
              hutong plan round 2026Q4
            """)
    @Argument(help: "The round.") var round: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().get("/api/v1/plan-rounds/\(round.escaped)")
        console.answer(answer, text: answer["summary"]?.text ?? "")
    }
}
