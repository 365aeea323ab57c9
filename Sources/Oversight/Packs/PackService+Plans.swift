// SPDX-License-Identifier: Apache-2.0

import Identity
import Lists
package import Measure
package import Primitives
import Register
import Store
import Trade

/// One dispatch round (调度): who was asked to report by when, who did, who is silent.
package struct PlanRound: Sendable {
    /// The list that opens rounds: `round`, `opensOn`, `dueOn`.
    package static let roundList = "report-rounds"
    /// The list of reports: `round`, `lead`, `progress`, `highlights`, `problems`.
    package static let reportList = "progress-reports"
    /// The list that says which party a lead is: without one nobody can be reminded.
    package static let leadList = "plan-leads"

    package let id: String
    package let opensOn: CalendarDay
    package let dueOn: CalendarDay
    package let asked: [String]
    package let reports: [JSON]

    package var silent: [String] {
        let heard = Set(reports.compactMap { $0["lead"]?.text })
        return asked.filter { !heard.contains($0) }
    }

    /// The summary of a round: progress, highlights and problems of every lead, and who is silent.
    package func summary(in language: Language) -> String {
        let isChinese = language == .zh
        let parts = [
            ("progress", "进展", "Progress"), ("highlights", "亮点", "Highlights"),
            ("problems", "问题", "Problems"),
        ]
        var lines = [isChinese ? "# \(id) 推进情况汇总（截止 \(dueOn)）" : "# Summary of \(id) (due \(dueOn))", ""]
        for report in reports {
            lines += ["## " + (report["lead"]?.text ?? ""), ""]
            for (field, zh, en) in parts {
                guard let text = report[field]?.text else { continue }
                lines += ["- " + (isChinese ? "\(zh)：\(text)" : "\(en): \(text)")]
            }
            lines.append("")
        }
        let names = silent.joined(separator: isChinese ? "、" : ", ")
        lines.append(
            silent.isEmpty
                ? (isChinese ? "全部已报送。" : "Everybody has reported.")
                : (isChinese ? "尚未报送：\(names)。" : "Not reported yet: \(names)."))
        return lines.joined(separator: "\n")
    }

    package func json(on day: CalendarDay, in language: Language) -> JSON {
        [
            "round": .string(id), "opensOn": .string(opensOn.description),
            "dueOn": .string(dueOn.description),
            "asked": .array(asked.map { .string($0) }), "silent": .array(silent.map { .string($0) }),
            "overdue": .bool(day > dueOn && !silent.isEmpty), "reports": .array(reports),
            "summary": .string(summary(in: language)),
        ]
    }
}

extension PackService {
    /// The plans of the packs in force.
    package func plans() async throws(Problem) -> [ActionPlan] {
        let packs = packs
        return try await store.read { reader throws(Problem) in
            try packs.inForce(asOf: nil, reader).flatMap(\.plans)
        }
    }

    /// The rounds that have begun, the newest first.
    package func rounds() async throws(Problem) -> [PlanRound] {
        let clock = context.clock
        return try await store.read { reader throws(Problem) in
            try rounds(on: clock.now().day(in: .shanghai), reader)
        }
    }

    package func round(_ id: String) async throws(Problem) -> PlanRound {
        guard let round = try await rounds().first(where: { $0.id == id }) else {
            throw Problem(.missing, "packs.round-missing", ["round": .text(id)])
        }
        return round
    }

    private func rounds(on day: CalendarDay, _ reader: any SQLReading) throws(Problem) -> [PlanRound] {
        func entries(_ list: String) throws(Problem) -> [JSON] {
            guard let schema = try? packs.list(list, reader) else { return [] }
            return try lists.entries(of: schema, asOf: day, reader).map(\.content)
        }
        let opened = try entries(PlanRound.roundList)
        guard !opened.isEmpty else { return [] }
        let reports = try entries(PlanRound.reportList)
        let asked = try packs.inForce(asOf: nil, reader).flatMap(\.plans)
            .reduce(into: Set<String>()) { $0.formUnion($1.leads) }.sorted()
        return opened.compactMap { round in
            guard let id = round["round"]?.text,
                let opensOn = round["opensOn"]?.text.flatMap({ CalendarDay($0) }),
                let dueOn = round["dueOn"]?.text.flatMap({ CalendarDay($0) }), opensOn <= day
            else { return nil }
            return PlanRound(
                id: id, opensOn: opensOn, dueOn: dueOn, asked: asked,
                reports: reports.filter { $0["round"]?.text == id })
        }.reversed()
    }

    // MARK: Reminders

    /// How many days before the due day a silent lead is reminded again.
    private static let remindedDaysBefore = 3

    /// Once a day, for the clock; a round that is opened today is looked at in the commit that opens it.
    func remindOnceADay(_ writer: any SQLWriting) throws(Problem) {
        let today = writer.now.day(in: .shanghai).daysSince1970
        let looked = try writer.first(
            "SELECT day FROM packs_reminder WHERE round = '' AND lead = '' AND stage = 'looked'"
        ) { row throws(Problem) in try row.int(0) }
        guard looked.map({ Int($0) < today }) ?? true else { return }
        try remind(writer)
        try writer.execute(
            """
            INSERT INTO packs_reminder VALUES ('', '', 'looked', ?)
            ON CONFLICT (round, lead, stage) DO UPDATE SET day = excluded.day
            """, [today])
    }

    /// Tells every silent lead: when a round opens, some days before it is due, and when it is overdue. Each once.
    func remind(_ writer: any SQLWriting) throws(Problem) {
        let today = writer.now.day(in: .shanghai)
        for round in try rounds(on: today, writer) {
            let stage =
                today > round.dueOn
                ? "overdue"
                : round.dueOn.advanced(byDays: -Self.remindedDaysBefore) <= today ? "due" : "opened"
            let schema = try packs.list(PlanRound.leadList, writer)
            for lead in round.silent {
                let entry = try lists.entry(lead, of: schema, asOf: today, writer)
                guard let named = entry?.content["party"]?.text,
                    let party = try? PartyRegister.party(named: named, in: writer),
                    try writer.first(
                        "SELECT day FROM packs_reminder WHERE round = ? AND lead = ? AND stage = ?",
                        [round.id, lead, stage], { row throws(Problem) in try row.int(0) }) == nil
                else { continue }
                try writer.execute(
                    "INSERT INTO packs_reminder VALUES (?, ?, ?, ?)",
                    [round.id, lead, stage, today.daysSince1970])
                try Notices.tell(
                    party.id, .reportDue, about: round.id,
                    ["stage": .string(stage), "due": .string(round.dueOn.description)], in: writer)
            }
        }
    }
}
