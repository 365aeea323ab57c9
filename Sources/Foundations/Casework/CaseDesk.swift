// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// An entry that forbids an application.
package struct CaseHit: Hashable, Sendable {
    package let list: LocalizedText
    package let entry: String
    /// The first day on which the entry was valid.
    package let since: CalendarDay

    package init(list: LocalizedText, entry: String, since: CalendarDay) {
        self.list = list
        self.entry = entry
        self.since = since
    }
}

/// What casework asks of other rooms, in the same transaction.
package struct CaseChecks: Sendable {
    /// The entry of a list under a key on a day.
    package typealias Listed =
        @Sendable (
            _ list: String, _ key: String, _ day: CalendarDay, any SQLReading
        ) throws(Problem) -> CaseHit?
    /// Whether a party is accredited for a role today; a suspended body is not.
    package typealias Accredited =
        @Sendable (
            _ party: String, _ role: String, _ day: CalendarDay, any SQLReading
        ) throws(Problem) -> Bool

    /// Whether two parties are tied to one another, such as by rights in the same asset.
    package typealias Tied =
        @Sendable (_ party: String, _ other: String, any SQLReading) throws(Problem) -> Bool
    /// Writes an entry of a list, or ends one, in a case's name.
    package typealias Enlister =
        @Sendable (_ change: ListChange, _ file: CaseFile, any SQLWriting) throws(Problem) -> Void

    /// What a step does to a list.
    package enum ListChange: Hashable, Sendable {
        case put(list: String, entry: [String: String])
        case end(list: String, key: String)
    }

    fileprivate let listed: Listed
    fileprivate let isAccredited: Accredited
    fileprivate let areTied: Tied
    fileprivate let enlist: Enlister

    package init(
        listed: @escaping Listed = { _, _, _, _ in nil },
        isAccredited: @escaping Accredited = { _, _, _, _ in true },
        areTied: @escaping Tied = { _, _, _ in false },
        enlist: @escaping Enlister = { _, _, _ in }
    ) {
        self.listed = listed
        self.isAccredited = isAccredited
        self.areTied = areTied
        self.enlist = enlist
    }
}

/// Opens, moves and finds cases. Each change is synchronous and joins the caller's commit: the case, its record
/// and the log leaf are stored together or not at all.
package struct CaseDesk: Sendable {
    /// Puts one record into the transparency log, in the same commit. Handed in by the assembly.
    package typealias Recorder = @Sendable (CaseRecord, CaseFile, any SQLWriting) throws(Problem) -> Void

    /// The days that are worked, as today's data have them.
    package typealias CalendarSource = @Sendable (any SQLReading) throws(Problem) -> WorkingCalendar

    private let calendar: CalendarSource
    private let zone: TimeZoneOffset
    private let checks: CaseChecks
    private let recorder: Recorder

    package init(
        calendar: @escaping CalendarSource, zone: TimeZoneOffset = .shanghai,
        checks: CaseChecks = CaseChecks(),
        recorder: @escaping Recorder
    ) {
        self.calendar = calendar
        self.zone = zone
        self.checks = checks
        self.recorder = recorder
    }

    /// Installs a version of a procedure. Older versions stay for the cases that began under them.
    package func install(
        _ declaration: JSON, version: String, _ writer: any SQLWriting
    ) throws(Problem) -> Procedure {
        let procedure = try Self.procedure(declaration, version: version)
        try writer.execute(
            """
            INSERT INTO casework_procedure VALUES (?, ?, ?, ?, NULL)
            ON CONFLICT (id, version) DO UPDATE SET retired_at = NULL
            """, [procedure.id, version, declaration, writer.now])
        return procedure
    }

    /// No new case begins under the procedure; those under way keep it.
    package func retire(_ procedure: String, _ writer: any SQLWriting) throws(Problem) {
        try writer.execute(
            "UPDATE casework_procedure SET retired_at = ? WHERE id = ? AND retired_at IS NULL",
            [writer.now, procedure])
    }

    /// The newest version of every procedure that takes applications.
    package func procedures(_ reader: any SQLReading) throws(Problem) -> [Procedure] {
        let ids = try reader.all(
            "SELECT DISTINCT id FROM casework_procedure WHERE retired_at IS NULL ORDER BY id"
        ) { row throws(Problem) in try row.text(0) }
        var procedures: [Procedure] = []
        for id in ids { procedures.append(try newest(id, reader)) }
        return procedures
    }

    /// Cases on public notice today: whoever looks may object.
    package func onNotice(_ reader: any SQLReading) throws(Problem) -> [(CaseFile, Procedure)] {
        let files = try reader.all("SELECT file FROM casework_case WHERE is_open = 1 ORDER BY due_day") {
            row throws(Problem) in try Self.file(try row.json(0))
        }
        var found: [(CaseFile, Procedure)] = []
        for file in files {
            let procedure = try exact(file.procedure, file.version, reader)
            if procedure.state(file.state)?.isNotice == true { found.append((file, procedure)) }
        }
        return found
    }

    /// The letters of a case in their order.
    package func letters(
        of id: ID<CaseFile>, _ reader: any SQLReading
    ) throws(Problem) -> [(at: Instant, text: LocalizedText)] {
        try reader.all("SELECT at, zh, en FROM casework_letter WHERE case_id = ? ORDER BY sequence", [id]) {
            row throws(Problem) in
            (try row.instant(0), LocalizedText(zh: try row.text(1), en: try row.text(2)))
        }
    }

    /// Opens a case of the newest version; refused while the applicant is barred.
    package func open(
        _ procedure: String, subject: String, answers: [String: String] = [:], by applicant: CaseActor,
        id: ID<CaseFile>? = nil, _ writer: any SQLWriting
    ) throws(Problem) -> (CaseFile, [CaseEffect]) {
        let procedure = try newest(procedure, writer)
        try refuseListed(answers, under: procedure, writer)
        try refuseUnlisted(answers, under: procedure, writer)
        let barred = try writer.first(
            "SELECT until_day FROM casework_bar WHERE applicant = ? AND procedure = ?",
            [applicant.party, procedure.id]
        ) { row throws(Problem) in CalendarDay(daysSince1970: try row.int(0)) }
        let (file, effects) = try CaseFile.open(
            id ?? ID(at: writer.now), procedure, subject: subject, answers: answers, by: applicant,
            barredUntil: barred, on: writer.now.day(in: zone), calendar: try calendar(writer))
        try store(file, effects, procedure, writer)
        return (file, effects)
    }

    /// Does one action on a case and stores what follows from it.
    package func act(
        on id: ID<CaseFile>, _ action: CaseAction, by actor: CaseActor, _ writer: any SQLWriting
    ) throws(Problem) -> (CaseFile, [CaseEffect]) {
        var file = try find(id, writer)
        let procedure = try exact(file.procedure, file.version, writer)
        switch action {
        case .take(let step, _) where procedure.step(step)?.checksLists == true:
            try refuseListed(file.answers, under: procedure, writer)
        case .appoint(let role, let party):
            guard try checks.isAccredited(party, role, writer.now.day(in: zone), writer) else {
                throw .appointeeUnfit(party, role)
            }
            guard try !checks.areTied(party, file.applicant, writer) else { throw .interestConflict }
        default: break
        }
        let effects = try file.act(
            action, by: actor, under: procedure, on: writer.now.day(in: zone),
            calendar: try calendar(writer))
        try store(file, effects, procedure, writer)
        return (file, effects)
    }

    /// Lets the clock look at every open case that is past its due day; at most `limit` in one commit.
    package func tick(
        limit: Int = 200, _ writer: any SQLWriting
    ) throws(Problem) -> [(CaseFile, [CaseEffect])] {
        let today = writer.now.day(in: zone)
        let files = try writer.all(
            """
            SELECT file FROM casework_case WHERE due_day < ? AND (looked_day IS NULL OR looked_day < ?)
            ORDER BY due_day LIMIT ?
            """, [today.daysSince1970, today.daysSince1970, limit]
        ) { row throws(Problem) in try Self.file(try row.json(0)) }
        guard !files.isEmpty else { return [] }
        let calendar = try calendar(writer)
        var moved: [(CaseFile, [CaseEffect])] = []
        for var file in files {
            let procedure = try exact(file.procedure, file.version, writer)
            let effects = file.tick(under: procedure, on: today, calendar: calendar)
            if !effects.isEmpty {
                try store(file, effects, procedure, writer)
                moved.append((file, effects))
            }
            // What waits for a person is looked at once a day, or when somebody has acted on it.
            try writer.execute(
                "UPDATE casework_case SET looked_day = ? WHERE id = ?", [today.daysSince1970, file.id])
        }
        return moved
    }

    package func find(_ id: ID<CaseFile>, _ reader: any SQLReading) throws(Problem) -> CaseFile {
        let file = try reader.first("SELECT file FROM casework_case WHERE id = ?", [id]) {
            row throws(Problem) in
            try Self.file(try row.json(0))
        }
        guard let file else { throw .caseUnknown(Code(.case, id).text) }
        return file
    }

    /// A case by what people type.
    package func find(code: Code, _ reader: any SQLReading) throws(Problem) -> CaseFile {
        let file = try reader.first("SELECT file FROM casework_case WHERE code = ?", [code]) {
            row throws(Problem) in try Self.file(try row.json(0))
        }
        guard let file else { throw .caseUnknown(code.text) }
        return file
    }

    /// What waits for a role, the most urgent first; for the applicant's role only that party's cases.
    ///
    /// `duties` are the roles a party has in procedures; a procedure of `*` stands for all.
    package func inbox(
        of party: String, duties: [(procedure: String, role: String)], limit: Int = 100,
        _ reader: any SQLReading
    ) throws(Problem) -> [CaseFile] {
        var files: [CaseFile] = []
        for duty in duties where duty.role != Procedure.applicant {
            files += try reader.all(
                """
                SELECT file FROM casework_case WHERE is_open = 1 AND owner = ? AND (procedure = ? OR ? = '*')
                ORDER BY due_day LIMIT ?
                """, [duty.role, duty.procedure, duty.procedure, limit]
            ) { row throws(Problem) in try Self.file(try row.json(0)) }
        }
        files += try reader.all(
            """
            SELECT file FROM casework_case JOIN casework_appointee ON case_id = id
            WHERE party = ? AND is_open = 1 ORDER BY due_day LIMIT ?
            """, [party, limit]
        ) { row throws(Problem) in try Self.file(try row.json(0)) }
        files += try reader.all(
            "SELECT file FROM casework_case WHERE applicant = ? ORDER BY is_open DESC, due_day LIMIT ?",
            [party, limit]
        ) { row throws(Problem) in try Self.file(try row.json(0)) }
        return files
    }

    /// The steps of a case in their order.
    package func records(of id: ID<CaseFile>, _ reader: any SQLReading) throws(Problem) -> [JSON] {
        try reader.all(
            "SELECT content FROM casework_record WHERE case_id = ? ORDER BY sequence", [id]
        ) { row throws(Problem) in try row.json(0) }
    }

    /// The steps this actor could take today, by the desk's calendar.
    package func choices(
        of actor: CaseActor, on file: CaseFile, under procedure: Procedure, _ day: CalendarDay,
        _ reader: any SQLReading
    ) throws(Problem) -> [Procedure.Step] {
        file.choices(of: actor, under: procedure, on: day, calendar: try calendar(reader))
    }

    /// The procedure a case runs under.
    package func procedure(of file: CaseFile, _ reader: any SQLReading) throws(Problem) -> Procedure {
        try exact(file.procedure, file.version, reader)
    }

    /// Every case of a procedure about one subject, the newest first, for those who work on it: the green channel of
    /// one project.
    package func cases(
        of procedure: String, about subject: String, limit: Int = 200, _ reader: any SQLReading
    ) throws(Problem) -> [CaseFile] {
        try reader.all(
            """
            SELECT file FROM casework_case WHERE procedure = ? AND (subject = ? OR ? = '')
            ORDER BY id DESC LIMIT ?
            """, [procedure, subject, subject, limit]
        ) { row throws(Problem) in try Self.file(try row.json(0)) }
    }

    /// A letter of the procedure with the case's facts filled in.
    package static func letter(
        _ id: String, for file: CaseFile, under procedure: Procedure, inputs: [String: String] = [:]
    ) -> LocalizedText? {
        procedure.letters[id].map { template in
            LocalizedText(
                zh: file.filled(template.zh, inputs: inputs), en: file.filled(template.en, inputs: inputs))
        }
    }
}

// MARK: Storage

extension CaseDesk {
    private func store(
        _ file: CaseFile, _ effects: [CaseEffect], _ procedure: Procedure, _ writer: any SQLWriting
    ) throws(Problem) {
        let state = procedure.state(file.state)
        try writer.execute(
            """
            INSERT INTO casework_case (id, code, procedure, version, applicant, subject, state, owner, is_open,
                due_day, file) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, owner = excluded.owner,
                is_open = excluded.is_open, due_day = excluded.due_day, looked_day = NULL,
                file = excluded.file
            """,
            [
                file.id, file.code, file.procedure, file.version, file.applicant, file.subject, file.state,
                state?.owner ?? "", state?.isFinal != true, file.due?.daysSince1970, file.json,
            ])
        for party in file.appointees.values.reduce(into: Set<String>(), { $0.formUnion($1) }) {
            try writer.execute(
                "INSERT INTO casework_appointee VALUES (?, ?) ON CONFLICT (party, case_id) DO NOTHING",
                [party, file.id])
        }
        for effect in effects {
            switch effect {
            case .recorded(let record):
                try writer.execute(
                    "INSERT INTO casework_record VALUES (?, ?, ?, ?)",
                    [file.id, record.sequence, writer.now, record.json])
                try recorder(record, file, writer)
            case .barred(let party, let until):
                try writer.execute(
                    """
                    INSERT INTO casework_bar VALUES (?, ?, ?) ON CONFLICT (applicant, procedure)
                    DO UPDATE SET until_day = excluded.until_day
                        WHERE casework_bar.until_day < excluded.until_day
                    """, [party, file.procedure, until.daysSince1970])
            case .letter(let id):
                guard let letter = Self.letter(id, for: file, under: procedure, inputs: inputs(of: effects))
                else { continue }
                try writer.execute(
                    "INSERT INTO casework_letter VALUES (?, ?, ?, ?, ?)",
                    [file.id, file.recordCount, writer.now, letter.zh, letter.en])
            case .enlisted(let list, let entry):
                try checks.enlist(.put(list: list, entry: entry), file, writer)
            case .delisted(let list, let key): try checks.enlist(.end(list: list, key: key), file, writer)
            case .assigned, .noticeOpened, .overdue, .closed: break
            }
        }
    }

    private func inputs(of effects: [CaseEffect]) -> [String: String] {
        for case .recorded(let record) in effects { return record.details }
        return [:]
    }

    /// S243: a hit blocks, with the list's name, the entry and its date.
    private func refuseListed(
        _ answers: [String: String], under procedure: Procedure, _ writer: any SQLWriting
    ) throws(Problem) {
        for exclusion in procedure.exclusions {
            guard let key = answers[exclusion.question], !key.isEmpty else { continue }
            if let hit = try checks.listed(exclusion.list, key, writer.now.day(in: zone), writer) {
                throw .applicantListed(hit)
            }
        }
    }

    /// An answer that has to stand in a list stands there today.
    private func refuseUnlisted(
        _ answers: [String: String], under procedure: Procedure, _ writer: any SQLWriting
    ) throws(Problem) {
        for question in procedure.questions {
            guard let list = question.list, let key = answers[question.id], !key.isEmpty else { continue }
            guard try checks.listed(list, key, writer.now.day(in: zone), writer) != nil else {
                throw .answerUnlisted(question.title, key)
            }
        }
    }

    private func newest(_ id: String, _ reader: any SQLReading) throws(Problem) -> Procedure {
        let found = try reader.first(
            """
            SELECT declaration, version FROM casework_procedure WHERE id = ? AND retired_at IS NULL
            ORDER BY version DESC LIMIT 1
            """, [id]
        ) { row throws(Problem) in try Self.procedure(try row.json(0), version: try row.text(1)) }
        guard let found else { throw .procedureUnknown(id) }
        return found
    }

    private func exact(_ id: String, _ version: String, _ reader: any SQLReading) throws(Problem) -> Procedure
    {
        let found = try reader.first(
            "SELECT declaration FROM casework_procedure WHERE id = ? AND version = ?", [id, version]
        ) { row throws(Problem) in try Self.procedure(try row.json(0), version: version) }
        guard let found else { throw .procedureUnknown(id) }
        return found
    }

    private static func procedure(_ declaration: JSON, version: String) throws(Problem) -> Procedure {
        do {
            return try Procedure(Declaration(declaration), version: version)
        } catch {
            throw Problem(
                .invalid, "casework.procedure-malformed",
                [
                    "place": .text(error.place), "found": .localized(error.found),
                    "remedy": .localized(error.remedy),
                ])
        }
    }

    private static func file(_ json: JSON) throws(Problem) -> CaseFile {
        guard let file = CaseFile(json: json) else {
            throw Problem(.fault, "store.row-unreadable", operatorNote: "casework_case.file")
        }
        return file
    }
}
