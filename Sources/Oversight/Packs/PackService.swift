// SPDX-License-Identifier: Apache-2.0

package import Casework
package import Identity
package import Lists
package import Primitives
package import Register
package import Rules
import Store
import Trade
import Transparency

/// Packs, their lists, their procedures and their decisions on one node. Each change is one commit with its log leaf;
/// who may is decided here, for the API, the pages and the command line alike.
package struct PackService: Sendable {
    let context: StageContext
    package let packs = PackDesk()
    package let lists: ListDesk
    package let cases: CaseDesk

    /// The list that names the holidays and the weekends that are worked instead (调休), in the pack `calendar`.
    package static let calendarList = "working-days"

    /// - Parameter follow: what follows from a step of a case in other rooms, in the step's own commit.
    package init(
        context: StageContext, follow: @escaping CaseDesk.Recorder = { _, _, _ throws(Problem) in }
    ) {
        self.context = context
        let lists = ListDesk { schema, entry, writer throws(Problem) in
            try context.record(.listChanged, nil, Self.leaf(schema, entry), in: writer)
        }
        let packs = packs
        let checks = CaseChecks(
            listed: { list, key, day, reader throws(Problem) in
                let schema = try packs.list(list, reader)
                return try lists.entry(key, of: schema, asOf: day, reader).map {
                    CaseHit(list: schema.title, entry: $0.key, since: $0.validFrom)
                }
            },
            isAccredited: { party, role, day, reader throws(Problem) in
                try ServiceBodies.isAccredited(party, role, day, packs, lists, reader)
            },
            areTied: { party, other, reader throws(Problem) in
                let id = try PartyRegister.party(named: party, in: reader).id
                return try Self.interests(of: id, reader).contains(other)
            },
            enlist: { change, file, writer throws(Problem) in
                try Self.enlist(change, in: file.code, packs, lists, writer)
            })
        self.lists = lists
        let calendar: CaseDesk.CalendarSource = { reader throws(Problem) in
            try Self.calendar(packs, lists, context.clock.now().day(in: .shanghai), reader)
        }
        cases = CaseDesk(calendar: calendar, checks: checks) { record, file, writer throws(Problem) in
            try context.record(.caseStep, file.code, Self.leaf(record, file), in: writer)
            try follow(record, file, writer)
        }
    }

    /// What a step of a case writes into a list, in the case's name: the procedure is the list's writer here.
    private static func enlist(
        _ change: CaseChecks.ListChange, in code: Code, _ packs: PackDesk, _ lists: ListDesk,
        _ writer: any SQLWriting
    ) throws(Problem) {
        switch change {
        case .put(let id, let texts):
            let schema = try packs.list(id, writer)
            let types = Dictionary(schema.fields.map { ($0.name, $0.type) }) { first, _ in first }
            let entry = texts.reduce(into: [String: JSON]()) { entry, field in
                entry[field.key] = ListText.value(field.value, types[field.key])
            }
            try lists.put(
                .object(entry), in: schema, by: code.text, roles: schema.writers, writer)
        case .end(let id, let key):
            let schema = try packs.list(id, writer)
            let today = writer.now.day(in: .shanghai)
            // What an officer has taken out by hand already needs no second end.
            guard try lists.entry(key, of: schema, asOf: today, writer) != nil else { return }
            try lists.remove(key: key, from: schema, by: code.text, roles: schema.writers, writer)
        }
    }

    /// Saturday and Sunday are off where no list says otherwise.
    private static func calendar(
        _ packs: PackDesk, _ lists: ListDesk, _ today: CalendarDay, _ reader: any SQLReading
    ) throws(Problem) -> WorkingCalendar {
        guard let schema = try? packs.list(calendarList, reader) else { return WorkingCalendar() }
        let entries = try lists.entries(of: schema, asOf: today, reader)
        func days(_ kind: String) -> Set<CalendarDay> {
            Set(entries.filter { $0.content["kind"]?.text == kind }.compactMap { CalendarDay($0.key) })
        }
        return WorkingCalendar(holidays: days("holiday"), workedWeekends: days("worked"))
    }

    /// What the log keeps of a change: never a field declared personal.
    private static func leaf(_ schema: ListSchema, _ entry: ListEntry) -> JSON {
        [
            "list": .string(schema.id), "key": .string(entry.key),
            "version": .integer(Int64(entry.sequence)), "removed": .bool(entry.isRemoved),
            "validFrom": .string(entry.validFrom.description),
            "entry": ListDesk.published(entry.content, schema),
        ]
    }

    /// What the log keeps of a step: where the case stands, and a digest of the record that holds what people
    /// wrote. The words themselves stay with the case.
    private static func leaf(_ record: CaseRecord, _ file: CaseFile) -> JSON {
        [
            "case": .string(file.code.text), "procedure": .string(file.procedure),
            "version": .string(file.version), "sequence": .integer(Int64(record.sequence)),
            "action": .string(record.action), "from": .string(record.from), "to": .string(record.to),
            "day": .string(record.day.description),
            "record": .string(Digest(of: record.json.canonicalBytes).hex),
        ]
    }

    var store: any DataStore { context.store }

    /// The clock's turn: deadlines that have passed. Called every few seconds; a day without news costs one look
    /// into an index.
    @discardableResult
    package func tick() async throws(Problem) -> Int {
        let cases = cases
        return try await store.write { writer throws(Problem) in
            try remindOnceADay(writer)
            let moved = try cases.tick(writer)
            for (file, effects) in moved { try tellOverdue(effects, of: file, writer) }
            return moved.count
        }
    }

    /// Nothing expires in silence: whoever has the role that should have acted hears of it, once.
    private func tellOverdue(
        _ effects: [CaseEffect], of file: CaseFile, _ writer: any SQLWriting
    ) throws(Problem) {
        for case .overdue(let owner, let since) in effects {
            let today = writer.now.day(in: .shanghai)
            var parties = file.appointees[owner] ?? []
            if owner == Procedure.applicant { parties.insert(file.applicant) }
            parties.formUnion(try Self.holders(of: owner, in: file.procedure, on: today, writer))
            for named in parties.sorted() {
                let party = try PartyRegister.party(named: named, in: writer)
                try Notices.tell(
                    party.id, .caseOverdue, about: file.code.text,
                    ["role": .string(owner), "since": .string(since.description)], in: writer)
            }
        }
    }
}

// MARK: Packs

extension PackService {
    /// Installs a pack: its procedures take applications, its lists exist with their first entries.
    package func add(_ files: [String: String], by caller: Caller) async throws(Problem) -> JSON {
        try caller.require(.marketOperate)
        let (packs, lists, cases, context) = (packs, lists, cases, context)
        return try await store.write { writer throws(Problem) in
            let (pack, digest, isNew) = try packs.add(files, writer)
            for declaration in pack.procedureDeclarations {
                _ = try cases.install(declaration, version: pack.version.description, writer)
            }
            for list in pack.lists {
                for entry in list.entries {
                    try lists.put(
                        entry, in: list.schema, by: "pack:" + pack.id, roles: list.schema.writers, writer)
                }
            }
            let summary: JSON = [
                "pack": .string(pack.id), "version": .string(pack.version.description),
                "digest": .string(digest.hex),
            ]
            if isNew { try context.record(.packLoaded, nil, summary, in: writer) }
            return summary
        }
    }

    /// Ends a pack: nothing new begins under it.
    package func remove(_ id: String, by caller: Caller) async throws(Problem) {
        try caller.require(.marketOperate)
        let (packs, cases, context) = (packs, cases, context)
        try await store.write { writer throws(Problem) in
            let pack = try packs.remove(id, writer)
            for procedure in pack.procedures { try cases.retire(procedure.id, writer) }
            try context.record(
                .packLoaded, nil,
                [
                    "pack": .string(pack.id), "version": .string(pack.version.description), "removed": true,
                ], in: writer)
        }
    }
}

// MARK: Decisions

extension PackService {
    /// Decides by the version in force on `day` and keeps the answer with that version.
    ///
    /// - Returns: the decision's code and the answer, in both languages' words by `language`.
    package func decide(
        _ rule: String, of pack: String, over facts: JSON, asOf day: CalendarDay?, in language: Language,
        by caller: Caller
    ) async throws(Problem) -> JSON {
        let (packs, context) = (packs, context)
        return try await store.write { writer throws(Problem) in
            let found = try packs.newest(pack, asOf: day, writer)
            let book = try found.book(rule)
            let moment = day.map { Instant(startOf: $0, in: .shanghai) } ?? writer.now
            let decision = book.decide(facts, now: moment)
            let id = ID<RuleDecision>(at: writer.now)
            let code = Code(.rule, id)
            var answer = decision.json(in: language).object ?? [:]
            answer["decision"] = .string(code.text)
            answer["pack"] = .string(found.id)
            answer["facts"] = facts
            let party = Code(.party, caller.party).text
            try writer.execute(
                "INSERT INTO packs_decision VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    id, code, found.id, found.version.description, rule, party, writer.now,
                    JSON.object(answer),
                ])
            try context.record(
                .caseStep, code,
                [
                    "decision": .string(code.text), "rule": .string(rule), "pack": .string(found.id),
                    "version": .string(found.version.description),
                    "verdict": .string(decision.verdict.rawValue),
                    "facts": .string(Digest(of: facts.canonicalBytes).hex),
                ], in: writer)
            return .object(answer)
        }
    }

    /// A decision as it was taken: to whoever asked for it, and to supervision.
    package func decision(_ code: String, for caller: Caller) async throws(Problem) -> JSON {
        let found = try await store.read { reader throws(Problem) in
            try reader.first("SELECT party, answer FROM packs_decision WHERE code = ?", [code]) {
                row throws(Problem) in (try row.text(0), try row.json(1))
            }
        }
        guard let found, found.0 == Code(.party, caller.party).text || caller.may(.auditRead) else {
            throw Problem(.missing, "packs.decision-missing", ["decision": .text(code)])
        }
        return found.1
    }

    /// Every rule of a pack against every entry of a list: who is eligible without applying.
    package func eligible(
        _ pack: String, list: String, by caller: Caller
    ) async throws(Problem) -> JSON {
        try caller.require(.marketOperate)
        let (packs, lists) = (packs, lists)
        let (book, rows, today) = try await store.read { [clock = context.clock] reader throws(Problem) in
            let today = clock.now().day(in: .shanghai)
            let schema = try packs.list(list, reader)
            return (
                try packs.newest(pack, asOf: nil, reader).rules,
                try lists.entries(of: schema, asOf: today, reader).map { entry in
                    var row = entry.content.object ?? [:]
                    row["id"] = .string(entry.key)
                    row["writtenOn"] = .string(entry.writtenAt.day(in: .shanghai).description)
                    return JSON.object(row)
                }, today
            )
        }
        return EligibilityReport(book, over: rows, now: Instant(startOf: today, in: .shanghai)).json
    }
}

extension Pack {
    /// A rule by its id.
    package func book(_ id: String) throws(Problem) -> RuleBook {
        guard let book = rules.first(where: { $0.id == id }) else {
            throw Problem(
                .missing, "packs.rule-missing", ["rule": .text(id), "known": .list(rules.map(\.id))])
        }
        return book
    }
}

/// Who is eligible under each rule of a pack, who may be, and which facts would tell.
package struct EligibilityReport: Sendable {
    package let json: JSON
    package let lines: [String]

    /// So many of those who are not eligible are named: of a register of all firms they would be nearly all.
    private static let refusedMax = 1000

    /// - Parameter rows: facts by name, with an `id`.
    package init(_ books: [RuleBook], over rows: [JSON], now: Instant) {
        var members: [String: JSON] = [:]
        var lines: [String] = []
        for book in books where book.clauses.contains(where: { $0.kind == .condition }) {
            let program = RuleProgram(book)
            let verdicts = program.verdicts(of: rows.map(program.row)[...], now: now)
            var eligible: [JSON] = []
            var open: [JSON] = []
            for (row, verdict) in zip(rows, verdicts) where verdict != .false {
                // The reasons are worked out for those alone who may get something.
                let decision = book.decide(row, now: now)
                let id = row["id"] ?? .null
                if verdict == .true {
                    eligible.append(["id": id, "amount": decision.amountText])
                } else {
                    open.append(["id": id, "missing": .array(decision.missing.sorted().map { .string($0) })])
                }
            }
            let refused = verdicts.count { $0 == .false }
            let refusedFirst = zip(rows, verdicts).lazy.filter { $0.1 == .false }.prefix(Self.refusedMax)
            members[book.id] = [
                "eligible": .array(eligible), "unknown": .array(open), "refused": .integer(Int64(refused)),
                "refusedIds": .array(refusedFirst.map { $0.0["id"] ?? .null }),
                "version": .string(book.version), "document": .string(book.document),
            ]
            lines.append(
                "\(book.id): \(eligible.count) eligible, \(open.count) with facts missing, \(refused) not")
            lines += eligible.map { row in
                "  ✓ " + [row["id"]?.text, row["amount"]?.text].compactMap(\.self).joined(separator: "  ")
            }
            lines += open.map { row in
                let missing = (row["missing"]?.array ?? []).compactMap(\.text)
                return "  ? \(row["id"]?.text ?? ""): " + missing.joined(separator: ", ")
            }
        }
        json = .object(members)
        self.lines = lines
    }
}

extension RuleDecision {
    fileprivate var amountText: JSON { amountYuan.map { .string($0.description) } ?? .null }
}
