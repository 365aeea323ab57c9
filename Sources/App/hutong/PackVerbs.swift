// SPDX-License-Identifier: Apache-2.0

import Assembly
import ArgumentParser
import Foundation
import Measure
import Packs
import Primitives
import Rules

/// `hutong pack …`: folders of declarations that anybody in a bureau can edit.
struct PackVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Check, list and start packs of rules and procedures. 规则包。",
        subcommands: [PackCheckVerb.self, PackListVerb.self, PackNewVerb.self])
}

struct PackCheckVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read a pack, run its own tests, name every fault. 检查规则包。",
        discussion: "  hutong pack check Packs/incubator")
    @Argument(help: "The pack's folder.") var folder: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let pack: Pack
        do {
            pack = try PackFolder.read(folder)
        } catch let faults as PackFaults {
            console.answer(
                .array(faults.faults.map { $0.json(in: console.language) }),
                text: faults.text(in: console.language))
            throw ExitCode(1)
        }
        let outcomes = pack.runExamples()
        let failed = outcomes.filter { !$0.differences.isEmpty }
        let json: JSON = [
            "pack": .string(pack.id), "version": .string(pack.version.description),
            "tests": .integer(Int64(outcomes.count)),
            "failed": .array(
                failed.map {
                    ["id": .string($0.id), "differences": .array($0.differences.map { .string($0) })]
                }),
        ]
        let lines = failed.map { "  ✗ \($0.id): " + $0.differences.joined(separator: "; ") }
        console.answer(
            json,
            text: ([
                "\(pack.id) \(pack.version): \(pack.rules.count) rules, \(pack.procedures.count) procedures, "
                    + "\(pack.lists.count) lists; \(outcomes.count - failed.count) of \(outcomes.count) tests passed"
            ] + lines).joined(separator: "\n"))
        if !failed.isEmpty { throw ExitCode(1) }
    }
}

struct PackListVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the packs of a folder. 列出规则包。")
    @Argument(help: "A folder of packs.") var folder = "Packs"
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let packs = try PackFolder.all(in: folder)
        console.answer(
            .array(
                packs.map {
                    [
                        "id": .string($0.id), "version": .string($0.version.description),
                        "title": .string($0.title[console.language]),
                    ]
                }),
            text: packs.map { "\($0.id)  \($0.version)  \($0.title[console.language])" }.joined(
                separator: "\n"))
    }
}

struct PackNewVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Start a pack with one rule and one test. 新建规则包。")
    @Argument(help: "The folder to make; its name becomes the pack's id.") var folder: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let root = URL(fileURLWithPath: folder)
        guard !FileManager.default.fileExists(atPath: root.path) else {
            throw Problem(.conflict, "packs.folder-taken", ["folder": .text(folder)])
        }
        try FileManager.default.createDirectory(
            at: root.appendingPathComponent("rules"), withIntermediateDirectories: true)
        let today = WallClock.system.now().day(in: .shanghai)
        for (path, text) in PackTemplate.files(id: root.lastPathComponent, version: today) {
            try Files.write(text, to: root.appendingPathComponent(path).path)
        }
        console.answer(["folder": .string(folder)], text: "hutong pack check \(folder)")
    }
}

/// Packs on a disk.
enum PackFolder {
    static func read(_ folder: String) throws -> Pack {
        let root = URL(fileURLWithPath: folder).standardizedFileURL
        var files: [String: String] = [:]
        for file in try Files.below(root, named: { $0.hasSuffix(".yaml") }) {
            let path = String(file.standardizedFileURL.path.dropFirst(root.path.count + 1))
            files[path] = String(decoding: try Files.bytes(file.path), as: UTF8.self)
        }
        return try Pack(files: files)
    }

    static func all(in folder: String) throws -> [Pack] {
        try Files.below(URL(fileURLWithPath: folder), named: { $0 == "pack.yaml" })
            .map { try read($0.deletingLastPathComponent().path) }
    }

    /// As `read`, with the first fault as a problem.
    static func open(_ folder: String) throws(Problem) -> Pack {
        do {
            return try read(folder)
        } catch let problem as Problem {
            throw problem
        } catch {
            let fault = (error as? PackFaults)?.faults.first
            throw Problem(
                .invalid, "packs.pack-malformed",
                [
                    "file": .text(fault?.file ?? folder), "line": .integer(Int64(fault?.line ?? 1)),
                    "found": .localized(fault?.found ?? LocalizedText("")),
                    "remedy": .localized(fault?.remedy ?? LocalizedText("")),
                ])
        }
    }
}

extension PackFault {
    func json(in language: Language) -> JSON {
        [
            "file": .string(file), "line": .integer(Int64(line)), "place": .string(place),
            "found": .string(found[language]), "remedy": .string(remedy[language]),
        ]
    }
}

extension PackFaults {
    func text(in language: Language) -> String {
        faults.map {
            "\($0.file):\($0.line): \($0.place.isEmpty ? "" : $0.place + " — ")\($0.found[language]). \($0.remedy[language])"
        }
        .joined(separator: "\n")
    }
}

// MARK: Rules

struct RulesDecideVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "decide", abstract: "Decide one case by a pack's rule, with reasons. 按规则裁定。",
        discussion: "  hutong rules decide Packs/first-stores international-store --facts store.json")
    @Argument(help: "The pack's folder.") var pack: String
    @Argument(help: "The rule's id.") var rule: String
    @Option(help: "A JSON object of facts.") var facts: String
    @Option(help: "Decide as of this day, 2020-11-05.") var asOf: String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let book = try RuleFinder.book(rule, in: pack)
        let json = try RuleFinder.json(facts)
        let now =
            asOf.flatMap { CalendarDay($0) }.map { Instant(startOf: $0, in: .shanghai) }
            ?? WallClock.system.now()
        let decision = book.decide(json, now: now)
        console.answer(decision.json(in: console.language), text: decision.text(in: console.language))
    }
}

struct RulesEligibleVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "eligible", abstract: "Who is eligible without applying. 免申即享。",
        discussion: "  hutong rules eligible Packs/incubator incubator --list firms.json")
    @Argument(help: "The pack's folder.") var pack: String
    @Argument(help: "The rule's id.") var rule: String
    @Option(help: "A JSON list of objects with an id and facts.") var list: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let book = try RuleFinder.book(rule, in: pack)
        let firms = try RuleFinder.json(list).array ?? []
        var groups: [Verdict: [JSON]] = [:]
        for firm in firms {
            let decision = book.decide(firm, now: WallClock.system.now())
            groups[decision.verdict, default: []].append([
                "id": firm["id"] ?? .null, "missing": .array(decision.missing.sorted().map { .string($0) }),
            ])
        }
        let eligible = groups[.true] ?? []
        let open = groups[.unknown] ?? []
        console.answer(
            [
                "eligible": .array(eligible), "unknown": .array(open),
                "refused": .integer(Int64(groups[.false]?.count ?? 0)),
            ],
            text:
                "\(eligible.count) eligible, \(open.count) with facts missing, \(groups[.false]?.count ?? 0) not eligible"
        )
    }
}

enum RuleFinder {
    static func book(_ id: String, in folder: String) throws(Problem) -> RuleBook {
        let pack = try PackFolder.open(folder)
        guard let book = pack.rules.first(where: { $0.id == id }) else {
            throw Problem(
                .missing, "packs.rule-missing", ["rule": .text(id), "known": .list(pack.rules.map(\.id))])
        }
        return book
    }

    static func json(_ path: String) throws(Problem) -> JSON {
        let bytes = try Files.bytes(path)
        do {
            return try JSON(parsing: bytes)
        } catch {
            throw Problem(
                .invalid, "app.json-malformed",
                ["offset": .integer(Int64(error.offset)), "reason": .text(error.reason)])
        }
    }
}

// MARK: Measure

struct IndexVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "Composite indices. 综合指数。", subcommands: [IndexComputeVerb.self])
}

struct IndexComputeVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "compute", abstract: "Compute an index from a table of figures. 计算综合指数。",
        discussion: "  hutong index compute Packs/city-index/indicators/benchmark.yaml --data figures.csv")
    @Argument(help: "The index's declaration.") var spec: String
    @Option(help: "A CSV: first column the unit, one column an indicator.") var data: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let text = String(decoding: try Files.bytes(spec), as: UTF8.self)
        let head = "id: one\nversion: 2020-01-01\ntitle: one\n"
        let pack: Pack
        do {
            pack = try Pack(files: ["pack.yaml": head, "indicators/" + spec: text])
        } catch {
            console.answer(
                .array(error.faults.map { $0.json(in: console.language) }),
                text: error.text(in: console.language))
            throw ExitCode(1)
        }
        guard let index = pack.indices.first else { return }
        let csv = String(decoding: try Files.bytes(data), as: UTF8.self)
            .split(whereSeparator: \.isNewline)
            .map {
                $0.split(separator: ",", omittingEmptySubsequences: false).map {
                    String($0).trimmingCharacters(in: .whitespaces)
                }
            }
        let result = try index.compute(FigureTable(csv: csv))
        let root = index.groups.last?.id ?? ""
        let rows = result.units.indices.sorted { (result.ranks[$0] ?? .max) < (result.ranks[$1] ?? .max) }
        console.answer(
            .array(
                rows.map { unit in
                    [
                        "unit": .string(result.units[unit]),
                        "rank": result.ranks[unit].map { .integer(Int64($0)) } ?? .null,
                        "rankLow": result.rankRanges[unit].map { .integer(Int64($0.lowerBound)) } ?? .null,
                        "rankHigh": result.rankRanges[unit].map { .integer(Int64($0.upperBound)) } ?? .null,
                        "scores": .object(result.scores.mapValues { $0[unit].map { .number($0) } ?? .null }),
                    ]
                }),
            text: rows.map { unit in
                let score =
                    (result.scores[root]?[unit]).flatMap(\.self).map { String(format: "%.3f", $0) } ?? "–"
                let range = result.rankRanges[unit].map { "\($0.lowerBound)–\($0.upperBound)" } ?? ""
                return
                    "\(result.ranks[unit].map { "\($0)" } ?? "–")\t\(result.units[unit])\t\(score)\t\(range)"
            }.joined(separator: "\n"))
    }
}

struct PlanVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "The plan ledger. 计划台账。", subcommands: [PlanStatusVerb.self])
}

struct PlanStatusVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Targets and tasks with their lights. 目标与任务进展。")
    @Argument(help: "The pack with the plans.") var pack = "Packs/plan-ledger"
    @Option(help: "As of this day.") var asOf: String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let day = asOf.flatMap { CalendarDay($0) } ?? WallClock.system.now().day(in: .shanghai)
        let plans = try PackFolder.open(pack).plans
        console.answer(
            .array(plans.map { $0.json(on: day, in: console.language) }),
            text: plans.map { plan in
                ([plan.title[console.language]]
                    + plan.targets.map { target in
                        let growth = target.neededGrowthPercent.map { " (+\($0) % a year needed)" } ?? ""
                        return
                            "  \(target.light(on: day).rawValue)\t\(target.id)\t\(target.title[console.language])\(growth)"
                    }
                    + plan.tasks.map {
                        "  \($0.light(on: day).rawValue)\t\($0.id)\t\($0.title[console.language])"
                    })
                    .joined(separator: "\n")
            }.joined(separator: "\n"))
    }
}
