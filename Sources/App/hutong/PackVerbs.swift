// SPDX-License-Identifier: Apache-2.0

import Lists
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
        commandName: "pack",
        abstract: "Packs of rules, procedures and lists: check, install, compare, start. 规则包。",
        subcommands: [
            PackCheckVerb.self, PackAddVerb.self, PackListVerb.self, PackDiffVerb.self, PackRemoveVerb.self,
            PackNewVerb.self, PackAppointVerb.self,
        ])
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
        let story = pack.scenario?.play(in: pack) ?? []
        let json: JSON = [
            "pack": .string(pack.id), "version": .string(pack.version.description),
            "tests": .integer(Int64(outcomes.count)),
            "failed": .array(
                failed.map {
                    ["id": .string($0.id), "differences": .array($0.differences.map { .string($0) })]
                }),
            "scenario": pack.scenario == nil ? .null : .array(story.map { .string($0) }),
        ]
        let lines = failed.map { "  ✗ \($0.id): " + $0.differences.joined(separator: "; ") }
        console.answer(
            json,
            text: ([
                "\(pack.id) \(pack.version): \(pack.rules.count) rules, \(pack.procedures.count) procedures, "
                    + "\(pack.lists.count) lists; \(outcomes.count - failed.count) of \(outcomes.count) tests passed"
            ] + lines + story.map { "  ✗ scenario, \($0)" }).joined(separator: "\n"))
        if !failed.isEmpty || !story.isEmpty { throw ExitCode(1) }
    }
}

struct PackListVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the node's packs, or those of a folder. 列出规则包。",
        discussion: """
              hutong pack list              # installed at HUTONG_URL
              hutong pack list Packs        # in a folder
            """)
    @Argument(help: "A folder of packs; without it, the node's.") var folder: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        var rows: [JSON] = []
        if let folder {
            rows = try PackFolder.all(in: folder).map {
                [
                    "id": .string($0.id), "version": .string($0.version.description),
                    "title": .string($0.title[console.language]),
                ]
            }
        } else {
            rows = try await door.open().get("/api/v1/packs")["packs"]?.array ?? []
        }
        console.answer(
            .array(rows),
            text: rows.map { row in
                let removed =
                    row["removed"]?.bool == true
                    ? console.say(LocalizedText(zh: "（已移除）", en: " (removed)")) : ""
                return
                    "\(row["id"]?.text ?? "")  \(row["version"]?.text ?? "")  \(row["title"]?.text ?? "")\(removed)"
            }.joined(separator: "\n"))
    }
}

/// Installs a pack at a node.
struct PackAddVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Install a pack at the node. 安装规则包。",
        discussion: """
            The pack is read and plays its own examples first. A version is installed once and never changes; what was
            decided or opened under an older one stays with it.
              hutong pack add Packs/incubator
            """)
    @Argument(help: "The pack's folder.") var folder: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let files = try PackFolder.files(folder)
        _ = try PackDesk.checked(files)
        let answer = try await door.open().post(
            "/api/v1/packs", ["files": .object(files.mapValues { .string($0) })])
        console.answer(
            answer,
            text:
                "\(answer["pack"]?.text ?? "") \(answer["version"]?.text ?? "")  sha256:\(answer["digest"]?.text ?? "")"
        )
    }
}

struct PackRemoveVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "End a pack at the node; old decisions stay. 移除规则包。",
        discussion: "  hutong pack remove incubator")
    @Argument(help: "The pack's id.") var pack: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().post("/api/v1/packs/\(pack)/remove")
        console.answer(answer, text: "\(pack) removed")
    }
}

/// What a new version changes, clause by clause.
struct PackDiffVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "What changes between two versions of a pack. 比较规则包版本。",
        discussion: """
            Each side is a folder, or the id of an installed pack with or without a version.
              hutong pack diff incubator Packs/incubator
              hutong pack diff incubator@2020-08-27 incubator@2021-01-01
            """)
    @Argument(help: "A folder, or id[@version].") var old: String
    @Argument(help: "A folder, or id[@version].") var new: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let differences = PackDifference.between(try await files(old), try await files(new))
        console.answer(
            .array(
                differences.map {
                    [
                        "file": .string($0.file), "place": .string($0.place),
                        "old": $0.old.map { .string($0) } ?? .null,
                        "new": $0.new.map { .string($0) } ?? .null,
                    ]
                }),
            text: differences.flatMap { difference in
                ["\(difference.file): \(difference.place)"]
                    + [difference.old.map { "  - \($0)" }, difference.new.map { "  + \($0)" }]
                    .compactMap(\.self)
            }.joined(separator: "\n"))
    }

    private func files(_ side: String) async throws -> [String: String] {
        if FileManager.default.fileExists(atPath: side + "/pack.yaml") { return try PackFolder.files(side) }
        let parts = side.split(separator: "@", maxSplits: 1)
        let version = parts.count == 2 ? "?version=\(parts[1])" : ""
        let answer = try await door.open().get("/api/v1/packs/\(parts[0])\(version)")
        return (answer["files"]?.object ?? [:]).compactMapValues(\.text)
    }
}

/// Who acts in procedures and writes lists.
struct PackAppointVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "appoint", abstract: "Give a party a role in a procedure or list. 指派角色。",
        discussion: """
              hutong pack appoint "Science Commission" officer --scope incubator-certification --until 2027-12-31
              hutong pack appoint "Science Commission" officer --scope incubator-certification --until 2027-12-31 --suspend
            """)
    @Argument(help: "The party's code or name.") var party: String
    @Argument(help: "The role, as the procedure or list names it.") var role: String
    @Option(help: "A procedure or list; * for all.") var scope = "*"
    @Option(help: "The last day.") var until: String
    @Flag(help: "Keep the role but let nobody act by it.") var suspend = false
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().post(
            "/api/v1/duties",
            [
                "party": .string(party), "role": .string(role), "scope": .string(scope),
                "until": .string(until), "suspended": .bool(suspend),
            ])
        console.answer(answer, text: "\(answer["party"]?.text ?? "") \(role) \(scope) – \(until)")
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
    static func read(_ folder: String) throws -> Pack { try Pack(files: files(folder)) }

    /// The pack's files by their path inside the folder.
    static func files(_ folder: String) throws(Problem) -> [String: String] {
        let root = URL(fileURLWithPath: folder).standardizedFileURL
        var files: [String: String] = [:]
        let endings = [".yaml", ".json", ".csv"]
        for file in try Files.below(root, named: { name in endings.contains { name.hasSuffix($0) } }) {
            let path = String(file.standardizedFileURL.path.dropFirst(root.path.count + 1))
            files[path] = String(decoding: try Files.bytes(file.path), as: UTF8.self)
        }
        return files
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
            try GivenDay.read(asOf).map { Instant(startOf: $0, in: .shanghai) } ?? WallClock.system.now()
        let decision = book.decide(json, now: now)
        console.answer(decision.json(in: console.language), text: decision.text(in: console.language))
    }
}

struct RulesEligibleVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "eligible", abstract: "Who is eligible without applying. 免申即享。",
        discussion: """
            Every rule of the pack against every applicant of a list: the pack's own list or sample of that name, or a
            file (JSON array, or CSV with a header). Without --list, the pack's samples. At a node, over its lists:
            GET /api/v1/packs/PACK/eligible?list=NAME.
              hutong rules eligible Packs/incubator --list firms
            """)
    @Argument(help: "The pack's folder.") var pack: String
    @Option(help: "A list or sample of the pack, or a file.") var list: String?
    @Option(help: "Decide as of this day, 2020-11-05.") var asOf: String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let pack = try PackFolder.open(pack)
        let now =
            try GivenDay.read(asOf).map { Instant(startOf: $0, in: .shanghai) } ?? WallClock.system.now()
        let report = EligibilityReport(pack.rules, over: try rows(of: pack), now: now)
        console.answer(report.json, text: report.lines.joined(separator: "\n"))
    }

    private func rows(of pack: Pack) throws(Problem) -> [JSON] {
        guard let list else { return pack.samples.sorted { $0.key < $1.key }.flatMap(\.value) }
        if let found = pack.lists.first(where: { $0.schema.id == list }) {
            return found.entries.map { entry in
                var row = entry.object ?? [:]
                row["id"] = .string(found.schema.key(of: entry))
                return .object(row)
            }
        }
        if let sample = pack.samples[list] { return sample }
        guard list.contains(".") else {
            let known = pack.lists.map(\.schema.id) + pack.samples.keys.sorted()
            throw Problem(.missing, "packs.sample-missing", ["list": .text(list), "known": .list(known)])
        }
        if list.hasSuffix(".csv") {
            return SampleTable.rows(String(decoding: try Files.bytes(list), as: UTF8.self))
        }
        return try RuleFinder.json(list).array ?? []
    }
}

/// A day somebody typed. What is no day is refused, not taken for today.
enum GivenDay {
    static func read(_ text: String?) throws(Problem) -> CalendarDay? {
        guard let text else { return nil }
        guard let day = CalendarDay(text) else {
            throw Problem(.invalid, "packs.day-malformed", ["day": .text(text)])
        }
        return day
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
        let day = try GivenDay.read(asOf) ?? WallClock.system.now().day(in: .shanghai)
        let plans = try PackFolder.open(pack).plans
        console.answer(
            .array(plans.map { $0.json(on: day, in: console.language) }),
            text: plans.map { plan in
                ([plan.title[console.language] + " · \(day)"]
                    + plan.targets.map { target in
                        let growth =
                            target.neededGrowthPercent.map {
                                console.say(
                                    LocalizedText(zh: "（还需年均增长 \($0)%）", en: " (+\($0) % a year needed)"))
                            } ?? ""
                        let light = target.light(on: day).name[console.language]
                        return "  \(target.id)\t\(light)\t\(target.title[console.language])\(growth)"
                    }
                    + plan.tasks.map {
                        "  \($0.id)\t\($0.light(on: day).name[console.language])\t\($0.title[console.language])"
                            + ($0.due.map { "  \($0)" } ?? "")
                    })
                    .joined(separator: "\n")
            }.joined(separator: "\n"))
    }
}
