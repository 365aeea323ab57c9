// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Foundation
import Lists
import Packs
import Primitives
import Rules

struct RulesDecideVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "decide", abstract: "Decide one case by a pack's rule, with reasons. 按规则裁定。",
        discussion: "  hutong rules decide Packs/first-stores store --facts store.json")
    @Argument(help: "The pack's folder.") var pack: String
    @Argument(help: "The rule's id.") var rule: String
    @Option(help: "A JSON object of facts.") var facts: String
    @Option(help: "Decide as of this day, 2020-11-05.") var asOf: String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let book = try RuleFinder.book(rule, in: pack)
        let json = try GivenFile.json(facts)
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
        guard let list else {
            guard !pack.samples.isEmpty else {
                throw Problem(.missing, "packs.applicants-missing", ["pack": .text(pack.id)])
            }
            return pack.samples.sorted { $0.key < $1.key }.flatMap(\.value)
        }
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
        return try GivenFile.json(list).array ?? []
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
}
