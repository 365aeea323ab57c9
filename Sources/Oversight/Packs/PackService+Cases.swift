// SPDX-License-Identifier: Apache-2.0

import Register
package import Casework
package import Identity
package import Primitives
import Store
import Transparency

/// A case as one reader may see it.
package struct CaseView: Sendable {
    package let file: CaseFile
    package let procedure: Procedure
    /// Roles the reader has in this case; empty for an outsider, who sees the notice alone.
    package let roles: Set<String>
    package let records: [JSON]
    package let letters: [(at: Instant, text: LocalizedText)]
    /// Steps the reader could take today.
    package let choices: [Procedure.Step]
    /// Files handed in, by their digests, are shown to those with a role.
    package var isOutsider: Bool { roles.isEmpty }
    package let today: CalendarDay
    /// The party's name, for people.
    package let applicant: String
}

extension PackService {
    /// The procedures that take applications, with the pack each comes from.
    package func procedures() async throws(Problem) -> [Procedure] {
        let cases = cases
        return try await store.read { reader throws(Problem) in try cases.procedures(reader) }
    }

    /// Cases on public notice.
    package func notices() async throws(Problem) -> [(CaseFile, Procedure)] {
        let cases = cases
        return try await store.read { reader throws(Problem) in try cases.onNotice(reader) }
    }

    /// Opens a case in the caller's name.
    package func open(
        _ procedure: String, subject: String, answers: [String: String], by caller: Caller
    ) async throws(Problem) -> CaseFile {
        let cases = cases
        return try await store.write { writer throws(Problem) in
            let today = writer.now.day(in: .shanghai)
            let actor = try Self.actor(caller, within: procedure, on: today, writer)
            return try cases.open(procedure, subject: subject, answers: answers, by: actor, writer).0
        }
    }

    /// Does one action on a case. `named` is what people type: the case's code.
    package func act(
        on named: String, _ action: CaseAction, by caller: Caller
    ) async throws(Problem) -> CaseFile {
        let cases = cases
        return try await store.write { writer throws(Problem) in
            let file = try Self.find(named, cases, writer)
            let today = writer.now.day(in: .shanghai)
            let actor = try Self.actor(caller, in: file, on: today, writer)
            return try cases.act(on: file.id, action, by: actor, writer).0
        }
    }

    /// What waits for the caller, and what he applied for.
    package func inbox(of caller: Caller) async throws(Problem) -> [(CaseFile, Procedure)] {
        let (cases, clock) = (cases, context.clock)
        return try await store.read { reader throws(Problem) in
            let party = Code(.party, caller.party).text
            let today = clock.now().day(in: .shanghai)
            let duties = try Self.inForce(of: party, on: today, reader).map { ($0.scope, $0.role) }
            var rows: [(CaseFile, Procedure)] = []
            let own = try Self.about(listingsOf: caller.party, cases, reader)
            for file in try cases.inbox(of: party, duties: duties, reader) + own
            where !rows.contains(where: { $0.0.id == file.id }) {
                rows.append((file, try cases.procedure(of: file, reader)))
            }
            return rows
        }
    }

    /// A case for a reader; an outsider finds it only while it is on public notice.
    package func look(at named: String, for caller: Caller?) async throws(Problem) -> CaseView {
        let (cases, clock) = (cases, context.clock)
        return try await store.read { reader throws(Problem) in
            let file = try Self.find(named, cases, reader)
            let procedure = try cases.procedure(of: file, reader)
            let today = clock.now().day(in: .shanghai)
            let actor = try Self.actor(caller, in: file, on: today, reader)
            var roles = file.held(by: actor).intersection(procedure.roles.keys)
            if caller?.may(.auditRead) == true { roles.insert("auditor") }
            guard !roles.isEmpty || procedure.state(file.state)?.isNotice == true else {
                throw Problem(.missing, "casework.case-missing", ["case": .text(named)])
            }
            return CaseView(
                file: file, procedure: procedure, roles: roles,
                records: roles.isEmpty ? [] : try cases.records(of: file.id, reader),
                letters: roles.isEmpty ? [] : try cases.letters(of: file.id, reader),
                choices: try cases.choices(of: actor, on: file, under: procedure, today, reader),
                today: today,
                applicant: (try? PartyRegister.party(named: file.applicant, in: reader).name)
                    ?? file.applicant)
        }
    }

    /// Cases about listings of a party: its holder reads them from the application to the report of use.
    private static func about(
        listingsOf party: ID<Party>, _ cases: CaseDesk, _ reader: any SQLReading
    ) throws(Problem) -> [CaseFile] {
        let ids = try reader.all(
            """
            SELECT c.id FROM casework_case c JOIN trade_listing l ON l.code = c.subject
            WHERE l.holder_id = ? ORDER BY c.is_open DESC, c.due_day LIMIT 100
            """, [party]
        ) { row throws(Problem) in try row.id(0, of: CaseFile.self) }
        return try ids.map { id throws(Problem) in try cases.find(id, reader) }
    }

    /// The caller as one case sees him: whoever holds the listing it is about has the role `holder` in it.
    private static func actor(
        _ caller: Caller?, in file: CaseFile, on day: CalendarDay, _ reader: any SQLReading
    ) throws(Problem) -> CaseActor {
        let actor = try actor(caller, within: file.procedure, on: day, reader)
        let holds = try reader.count(
            "SELECT count(*) FROM trade_listing WHERE code = ? AND holder_id = ?",
            [file.subject, caller?.party])
        guard holds > 0 else { return actor }
        return CaseActor(
            party: actor.party, roles: actor.roles.union(["holder"]), interests: actor.interests)
    }

    private static func find(
        _ named: String, _ cases: CaseDesk, _ reader: any SQLReading
    ) throws(Problem) -> CaseFile {
        guard let code = Code(named) else {
            throw Problem(.missing, "casework.case-missing", ["case": .text(named)])
        }
        return try cases.find(code: code, reader)
    }
}

extension CaseView {
    /// As the API gives it. An outsider sees the notice: who applied for what, until when one may object.
    package func json(in language: Language) -> JSON {
        let state = procedure.state(file.state)
        var members: [String: JSON] = [
            "case": .string(file.code.text), "procedure": .string(file.procedure),
            "title": .string(procedure.title[language]), "subject": .string(file.subject),
            "applicant": .string(applicant), "state": .string(file.state),
            "stateTitle": .string(state?.title[language] ?? file.state),
            "due": file.due.map { .string($0.description) } ?? .null,
            "onNotice": .bool(state?.isNotice == true),
        ]
        guard !isOutsider else { return .object(members) }
        members["version"] = .string(file.version)
        members["owner"] = .string(state.flatMap { procedure.roles[$0.owner]?[language] } ?? "")
        members["since"] = .string(file.since.description)
        members["suspendedOn"] = file.suspendedOn.map { .string($0.description) } ?? .null
        members["overdue"] = .bool(isOverdue)
        members["answers"] = .object(file.answers.mapValues { .string($0) })
        members["missing"] = .array(
            file.missingMaterials(under: procedure).map {
                ["id": .string($0.id), "title": .string($0.title[language])]
            })
        members["submissions"] = file.json["submissions"] ?? [:]
        members["objections"] = file.json["objections"] ?? []
        members["marks"] = file.json["marks"] ?? [:]
        members["records"] = .array(records)
        members["letters"] = .array(
            letters.map { ["at": .string($0.at.rfc3339), "text": .string($0.text[language])] })
        members["steps"] = .array(
            choices.map {
                [
                    "id": .string($0.id), "title": .string($0.title[language]),
                    "inputs": .array($0.inputs.map { .string($0) }),
                ]
            })
        return .object(members)
    }

    /// The owner's day has passed and the case is still with him.
    package var isOverdue: Bool {
        procedure.state(file.state)?.isFinal != true && file.suspendedOn == nil
            && file.due.map { $0 < today } == true
    }
}
